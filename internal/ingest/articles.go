package ingest

import (
	"dossier/internal/intel"
	"dossier/internal/profile"
)

// articles are those of a file that wait to be written.
type articles struct {
	waiting []*intel.Article
	size    int // of what waits: articles and the indicators that they list
	tally   intel.Tally
}

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
	s.listed.waiting = append(s.listed.waiting, a)
	if s.listed.size += 1 + len(a.Indicators); s.listed.size < maxWaiting {
		return nil
	}
	if err := s.putArticles(); err != nil {
		return &brokenFile{err}
	}
	return nil
}

// putArticles writes what waits. The batch has one user at a time, so it waits
// for the observations that were sent.
func (s *sink) putArticles() error {
	s.stop()
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	for _, a := range s.listed.waiting {
		tally, err := s.batch.Article(s.ctx, a, profile.Article(a, intel.PublisherOf(a.Publisher)))
		if err != nil {
			return err
		}
		s.listed.tally.Add(tally)
	}
	clear(s.listed.waiting)
	s.listed.waiting, s.listed.size = s.listed.waiting[:0], 0
	return nil
}
