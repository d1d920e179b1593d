package ingest

import (
	"slices"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

// documents are the articles and patterns of a file that wait to be written.
type documents struct {
	articles []*intel.Article
	patterns []*intel.Pattern
	size     int // of what waits, in indicators that articles list or as many bytes
	tally    struct{ articles, patterns intel.Tally }
}

// indicatorSize is about what an indicator in an article takes, in bytes.
const indicatorSize = 64

// maxWaiting bounds what waits, so that a file with very many long events takes
// no more memory than one.
const maxWaiting = 50_000

// Article implements [intel.Sink].
func (s *sink) Article(a *intel.Article) error {
	a.TLP = max(a.TLP, s.r.o.TLP)
	if a.Publisher == "" {
		a.Publisher = unattributed
	}
	if s.subject != nil {
		a.About(*s.subject, a.TLP)
	}
	s.waiting.articles = append(s.waiting.articles, a)
	return s.wait(1 + len(a.Indicators) + len(a.Body)/indicatorSize)
}

// Pattern implements [intel.Sink].
func (s *sink) Pattern(p *intel.Pattern) error {
	p.TLP = max(p.TLP, s.r.o.TLP)
	if p.Publisher == "" {
		p.Publisher = unattributed
	}
	if s.subject != nil && !slices.ContainsFunc(p.Subjects, func(x intel.Subject) bool { return x.Ref == *s.subject }) {
		p.Subjects = append(p.Subjects, intel.Subject{Ref: *s.subject, TLP: p.TLP})
	}
	s.waiting.patterns = append(s.waiting.patterns, p)
	return s.wait(1 + len(p.Text)/indicatorSize)
}

// wait notes that so much more waits, and writes it all once that is enough.
func (s *sink) wait(size int) error {
	if s.waiting.size += size; s.waiting.size < maxWaiting {
		return nil
	}
	if err := s.putDocuments(); err != nil {
		return &brokenFile{err}
	}
	return nil
}

// putDocuments writes what waits. The batch has one user at a time, so it waits
// for the observations that were sent.
func (s *sink) putDocuments() error {
	s.stop()
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	w := &s.waiting
	for _, a := range w.articles {
		tally, err := s.batch.Article(s.ctx, a, profile.Article(a, intel.PublisherOf(a.Publisher)))
		if err != nil {
			return err
		}
		w.tally.articles.Add(tally)
	}
	for _, p := range w.patterns {
		tally, err := s.batch.Pattern(s.ctx, p)
		if err != nil {
			return err
		}
		w.tally.patterns.Add(tally)
	}
	clear(w.articles)
	clear(w.patterns)
	w.articles, w.patterns, w.size = w.articles[:0], w.patterns[:0], 0
	return nil
}
