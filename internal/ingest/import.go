package ingest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dossier/internal/export"
	"dossier/internal/facts"
	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lists"
	"dossier/internal/misp"
	"dossier/internal/store"
)

// An Importer brings files into a store. It is used by one goroutine.
type Importer struct {
	Store *store.Store
	Stdin io.Reader
	// Fetch, if not nil, gets what an http or https address names; the file is
	// closed and removed by the importer.
	Fetch func(ctx context.Context, url string) (io.ReadCloser, error)
	// Progress, if not nil, is told what is going on, some times a second.
	Progress func(Progress)

	every     bool // tell Progress of everything
	decodeAll bool // decode also what was read before

	recognised int // inputs that were read before
}

// Progress is a moment of an import.
type Progress struct {
	Step  string // what is being done: "reading", "resolving", "computing indicators"
	Path  string
	Bytes int64 // read so far
	Items int   // records and observations read, or indicators computed
}

// Options of an import. The zero value detects everything.
type Options struct {
	Publisher string        // overrides the detected publisher
	Format    string        // overrides the detected format: one of [Formats]
	Map       lists.Mapping // what columns and properties of lists hold, where their names do not tell
	Profile   string        // ties every indicator that names nobody to this profile: a name or an id

	// TLP is the least marking of everything that is read.
	TLP intel.TLP
	// Only are patterns, as of [path.Match], for the paths in archives; files that
	// match none are passed over. None takes all.
	Only []string
	// MaxInflated is how many bytes may come out of one file of an archive; 0 is 64 GiB.
	MaxInflated int64
	// Later leaves the deriving of what is served to [Importer.Settle].
	Later bool
	// Run, if not nil, is the run that the import is a part of: its counts are
	// added to, and the caller keeps it.
	Run *intel.Run
}

// An Input is something to import that was fetched. Path names it, and is a hint
// to what it is, as a path on disk is.
type Input struct {
	Path string
	Body io.Reader
}

// Import reads everything that the arguments name, a transaction a file, then
// derives what is served. Files that cannot be read are in the result, and do
// not stop the others. The error is about the import as a whole: an argument
// that does not exist, an interrupted run, a database that cannot be written.
// The result is never nil.
func (im *Importer) Import(ctx context.Context, args []string, o Options) (res *Result, err error) {
	names := make([]string, len(args))
	for i, arg := range args {
		if names[i] = arg; isAddress(arg) {
			names[i] = URLPath(arg) // a query may hold a key
		}
	}
	return im.run(ctx, strings.Join(names, " "), o, func(in *inputs) error {
		for _, arg := range args {
			if err := in.walk(arg); err != nil {
				return err
			}
		}
		return nil
	})
}

// ImportInputs is [Importer.Import] for what was fetched.
func (im *Importer) ImportInputs(ctx context.Context, list []Input, o Options) (*Result, error) {
	names := make([]string, len(list))
	for i, in := range list {
		names[i] = in.Path
	}
	return im.run(ctx, strings.Join(names, " "), o, func(in *inputs) error {
		for _, input := range list {
			if err := in.input(input.Path, input.Body); err != nil {
				return err
			}
		}
		return nil
	})
}

func (im *Importer) run(ctx context.Context, input string, o Options, walk func(*inputs) error) (res *Result, err error) {
	now := im.Store.Now
	res = &Result{Run: o.Run}
	if o.Run == nil {
		res.Run = &intel.Run{ID: RunID(now()), Input: input, Started: intel.TimeOf(now())}
	}
	if o.Format != "" && !slices.Contains(Formats(), o.Format) {
		return res, fmt.Errorf("format %q: want one of %s", o.Format, strings.Join(Formats(), ", "))
	}
	for _, pattern := range o.Only {
		if _, err := path.Match(pattern, ""); err != nil {
			return res, fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	var subject *intel.Ref
	if o.Profile != "" {
		if subject, err = im.subject(ctx, o.Profile); err != nil {
			return res, err
		}
	}
	if o.Run == nil {
		if _, err := im.Store.BreakRuns(ctx); err != nil {
			return res, err
		}
		if err := im.Store.SaveRun(ctx, res.Run); err != nil {
			return res, err
		}
		stop := KeepAlive(ctx, im.Store, res.Run.ID)
		defer func() {
			stop()
			res.Run.Finished = intel.TimeOf(now())
			if err != nil {
				res.Run.Error = im.Store.Explain(err).Error()
			}
			err = errors.Join(err, im.Store.SaveRun(context.WithoutCancel(ctx), res.Run))
		}()
	}
	installation, err := im.Store.Installation(ctx)
	if err != nil {
		return res, err
	}
	r := &run{im: im, o: o, res: res, subject: subject, producers: map[string]string{}, own: export.STIXIdentity(installation)}
	in := &inputs{
		ctx: ctx, stdin: im.Stdin, take: func(f file) error { return r.file(ctx, f) }, fail: r.failed, read: r.progressBytes,
		inflated: cmp.Or(o.MaxInflated, maxInflated), fetch: im.Fetch,
		whole: func(path string, body io.Reader, open func(io.Reader) error) error {
			return r.input(ctx, path, body, open)
		},
	}
	err = walk(in)
	switch {
	case o.Later:
		return res, err
	case err != nil:
		return res, errors.Join(err, r.derive(context.WithoutCancel(ctx)))
	}
	return res, r.derive(ctx)
}

// Settle derives what is served, if claims have changed since that was done last.
func (im *Importer) Settle(ctx context.Context) (Effect, error) {
	r := &run{im: im, res: &Result{}}
	err := r.derive(ctx)
	return r.res.Profiles, err
}

// aliveEvery is how often a run says that it goes on.
const aliveEvery = 20 * time.Second

// KeepAlive says for a run, until stop is called, that it goes on.
func KeepAlive(ctx context.Context, s *store.Store, run string) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(aliveEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				// On SQLite it waits for the file that is being written; there the
				// process itself is looked for.
				_ = s.KeepAlive(ctx, run)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// subject returns the founding record of the profile that a name means.
func (im *Importer) subject(ctx context.Context, name string) (*intel.Ref, error) {
	v := store.View{Ceiling: intel.Red}
	hits, err := im.Store.ProfilesByName(ctx, name, v)
	if err != nil {
		return nil, err
	}
	if len(hits) > 1 && hits[0].Match != hits[1].Match {
		hits = hits[:1] // the title, before those that only use the name
	}
	switch len(hits) {
	case 0:
		return nil, fmt.Errorf("profile %q: %w", name, intel.ErrNotFound)
	case 1:
	default:
		var titles []string
		for _, h := range hits {
			titles = append(titles, fmt.Sprintf("%s (%s, %s)", h.Title, h.Kind, h.ID))
		}
		return nil, fmt.Errorf("profile %q: the name means several: %s; give an id", name, strings.Join(titles, "; "))
	}
	d, err := im.Store.Dossier(ctx, hits[0].ID, v)
	if err != nil {
		return nil, err
	}
	return &d.Records[0].Ref, nil
}

// RunID returns a new id for a run that begins now.
func RunID(now time.Time) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}

// A run is one import under way.
type run struct {
	own       string // identity that this installation exports STIX as
	im        *Importer
	o         Options
	res       *Result
	subject   *intel.Ref
	producers map[string]string // of MISP, learned from a galaxy on the way
	changed   bool
	guards    []guard.List // to be put when all files are read
	reading   reading      // of the input at hand

	progress Progress
	shown    time.Time
}

// format returns the format that the user wants; only lists take a mapping.
func (r *run) format() string {
	if r.o.Map != nil && r.o.Format == "" {
		return "list"
	}
	return r.o.Format
}

func (r *run) progressBytes(n int) {
	r.progress.Bytes += int64(n)
	r.show(false)
}

// show tells of progress, at most ten times a second unless forced.
func (r *run) show(force bool) {
	if r.im.Progress == nil || !force && !r.im.every && time.Since(r.shown) < 100*time.Millisecond {
		return
	}
	r.shown = time.Now()
	r.im.Progress(r.progress)
}

func (r *run) failed(path string, err error) error {
	if ctx := context.Canceled; errors.Is(err, ctx) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	r.res.Files = append(r.res.Files, FileResult{Path: path, Error: reason(err)})
	r.res.Run.Files++
	return nil
}

// file reads one file: all of it, or nothing.
func (r *run) file(ctx context.Context, f file) error {
	r.progress.Step, r.progress.Path = "reading", f.Path
	r.show(false)
	if !r.wanted(f.Path) {
		return nil
	}
	if len(f.Head) == 0 {
		return r.skip(f.Path, "the file is empty")
	}
	if (r.o.Format == "" || r.o.Format == "misp") && misp.SniffWarninglist(f.Head) {
		r.reading.once = true // guards are kept elsewhere
		return r.warninglist(ctx, f)
	}
	form, why := detect(f.Head, f.Path, r.format())
	if form == nil {
		return r.skip(f.Path, why)
	}
	b, err := r.im.Store.Begin(ctx, store.FromImport)
	if err != nil {
		return err
	}
	defer b.Rollback()
	sink := &sink{r: r, ctx: ctx, batch: b, subject: r.subject}
	defer sink.stop()
	ds, err := form.decode(ctx, f.Body, decodeOptions{
		publisher: r.o.Publisher, path: strings.ReplaceAll(f.Path, "!", "/"), subject: r.subject, notAfter: intel.TimeOf(r.im.Store.Now()), producers: r.producers,
		mapping: r.o.Map, own: r.own,
	}, sink)
	var broken *brokenFile
	switch {
	case err == nil:
	case errors.As(err, &broken): // the database
		return broken.err
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return r.failed(f.Path, fmt.Errorf("%w; nothing of this file was kept", err))
	}
	if ds.Publisher == "" {
		ds.Publisher = r.o.Publisher
	}
	res, err := sink.finish(ds)
	if err != nil {
		return err
	}
	if err := sink.batch.Commit(ctx); err != nil {
		return err
	}
	res.Path, res.Format = f.Path, form.name
	standing, repeatable := sink.batch.Standing()
	r.reading.add(standing, repeatable && !ds.Waits)
	r.add(res, sink.batch.Changed())
	return nil
}

// wanted reports whether a file of an archive is one that was asked for.
func (r *run) wanted(name string) bool {
	_, name, inside := strings.Cut(name, "!")
	return len(r.o.Only) == 0 || !inside || slices.ContainsFunc(r.o.Only, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

func (r *run) add(res FileResult, changed bool) {
	r.changed = r.changed || changed
	r.res.Run.Files++
	r.res.Run.Counts.Records.Add(res.Counts.Records)
	r.res.Run.Counts.Indicators.Add(res.Counts.Indicators)
	r.res.Run.Counts.Articles.Add(res.Counts.Articles)
	r.res.Run.Counts.Patterns.Add(res.Counts.Patterns)
	r.res.Run.Rejected = addRejected(r.res.Run.Rejected, res.Rejected)
	r.res.Files = append(r.res.Files, res)
}

func (r *run) skip(path, why string) error {
	r.res.Files = append(r.res.Files, FileResult{Path: path, Skipped: why})
	r.res.Run.Files++
	return nil
}

// brokenFile marks an error of the store on its way through a decoder.
type brokenFile struct{ err error }

func (b *brokenFile) Error() string { return b.err.Error() }
func (b *brokenFile) Unwrap() error { return b.err }

// A sink takes what a decoder reads: observations go to the batch, on a goroutine
// of their own; records are kept until the file is known to be whole.
type sink struct {
	r       *run
	ctx     context.Context
	batch   *store.Batch
	records []*intel.Record
	rejects rejects
	subject *intel.Ref
	waiting documents
	linked  bool // some observation has a subject of the file's own

	gathered []intel.Observation      // not yet sent
	work     chan []intel.Observation // nil until the first are sent
	done     chan struct{}            // closed when the batch has taken all
	free     chan []intel.Observation // to be used again
	failed   atomic.Pointer[error]    // of the batch
}

// handful is how many observations are handed over at once.
const handful = 512

// Record implements [intel.Sink].
func (s *sink) Record(r *intel.Record) error {
	r.TLP = max(r.TLP, s.r.o.TLP)
	s.records = append(s.records, r)
	s.r.progress.Items++
	return nil
}

// Observation implements [intel.Sink].
func (s *sink) Observation(o *intel.Observation) error {
	if s.subject != nil && !slices.Contains(o.Subjects, *s.subject) {
		o.Subjects = append(slices.Clone(o.Subjects), *s.subject)
	}
	o.TLP = max(o.TLP, s.r.o.TLP)
	s.linked = s.linked || len(o.Subjects) > 0
	s.r.progress.Items++
	s.r.show(false)
	if o.Publisher == "" {
		o.Publisher = unattributed
	}
	s.gathered = append(s.gathered, *o)
	if len(s.gathered) < handful {
		return nil
	}
	return s.send()
}

// send hands over what is gathered. The error is the batch's, perhaps about what
// was sent before.
func (s *sink) send() error {
	if s.work == nil {
		s.work, s.free, s.done = make(chan []intel.Observation, 4), make(chan []intel.Observation, 6), make(chan struct{})
		go s.observe()
	}
	s.work <- s.gathered
	select {
	case s.gathered = <-s.free:
	default:
		s.gathered = make([]intel.Observation, 0, handful)
	}
	if err := s.failed.Load(); err != nil {
		return &brokenFile{*err}
	}
	return nil
}

// observe gives the batch what is sent, until the channel is closed.
func (s *sink) observe() {
	defer close(s.done)
	for list := range s.work {
		for i := range list {
			if s.failed.Load() != nil {
				break
			}
			if err := s.batch.Observe(s.ctx, &list[i]); err != nil {
				s.failed.Store(&err)
			}
		}
		clear(list)
		select {
		case s.free <- list[:0]:
		default:
		}
	}
}

// stop waits until the batch has taken what was sent; nothing may be sent after it.
func (s *sink) stop() {
	if s.work != nil {
		close(s.work)
		<-s.done
		s.work = nil
	}
}

// unattributed is the publisher of data that names none.
const unattributed = "unattributed"

// Reject implements [intel.Sink].
func (s *sink) Reject(x intel.Reject) { s.rejects.add(x) }

// finish writes the records and the end of the data set.
func (s *sink) finish(ds intel.Dataset) (FileResult, error) {
	var res FileResult
	var err error
	if ds.Publisher == "" {
		ds.Publisher = unattributed
	}
	if err = s.send(); err != nil {
		return res, err
	}
	s.stop()
	if failed := s.failed.Load(); failed != nil {
		return res, *failed
	}
	if res.Counts.Indicators, err = s.batch.Observed(s.ctx); err != nil {
		return res, err
	}
	if err := s.putDocuments(); err != nil {
		return res, err
	}
	res.Counts.Articles, res.Counts.Patterns = s.waiting.tally.articles, s.waiting.tally.patterns
	enrich(s.records)
	res.Unmapped = unmapped(s.records)
	for _, group := range byPublisher(s.records, ds) {
		tally, older, err := s.batch.Records(s.ctx, group.ds, group.records)
		if err != nil {
			return res, err
		}
		res.Counts.Records.Add(tally)
		res.Datasets = append(res.Datasets, group.ds)
		if older {
			res.Notes = append(res.Notes, "older than what is here; it changes nothing")
		} else if err := s.snapshot(&res, group.ds, group.records); err != nil {
			return res, err
		}
	}
	res.Rejected = s.rejects.list()
	res.Counts.Indicators.Rejected = s.rejects.total
	res.Counts.Indicators.Read += s.rejects.total
	return res, nil
}

// snapshot marks what a list no longer holds.
func (s *sink) snapshot(res *FileResult, ds intel.Dataset, recs []*intel.Record) error {
	if !ds.Snapshot || !s.linked {
		return nil
	}
	subjects := make([]intel.Ref, len(recs))
	for i, r := range recs {
		subjects[i] = r.Ref
	}
	gone, complete, err := s.batch.EndSnapshot(s.ctx, ds, subjects)
	res.Counts.Indicators.Gone += gone
	if !complete {
		res.Notes = append(res.Notes, "the list is too long to tell what it no longer holds; nothing was marked as gone")
	}
	return err
}

// enrich adds what the prose of the records states, on all processors.
func enrich(recs []*intel.Record) {
	eachParallel(len(recs), func(i int) { facts.Enrich(recs[i]) })
}

// eachParallel calls f(0) … f(n-1) on all processors.
func eachParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < n; i += workers {
				f(i)
			}
		}()
	}
	wg.Wait()
}

type group struct {
	ds      intel.Dataset
	records []*intel.Record
}

// byPublisher splits the records of a file: the data set is its publisher's,
// and what others own in it is loose. One record per key: the last one counts,
// as for duplicate objects in one file. There is always a group for the data
// set itself, unless it is loose and empty.
func byPublisher(recs []*intel.Record, ds intel.Dataset) []group {
	groups := map[string]*group{}
	var order []string
	add := func(publisher string) *group {
		g, ok := groups[publisher]
		if !ok {
			g = &group{ds: intel.Dataset{Publisher: publisher}}
			if publisher == ds.Publisher {
				g.ds = ds
			}
			groups[publisher] = g
			order = append(order, publisher)
		}
		return g
	}
	if ds.Snapshot {
		add(ds.Publisher)
	}
	seen := map[intel.Ref]int{}
	for _, r := range recs {
		if r.Publisher == "" {
			r.Publisher = ds.Publisher
		}
		g := add(r.Publisher)
		if i, ok := seen[r.Ref]; ok {
			g.records[i] = r
			continue
		}
		seen[r.Ref] = len(g.records)
		g.records = append(g.records, r)
	}
	out := make([]group, len(order))
	for i, p := range order {
		out[i] = *groups[p]
	}
	return out
}
