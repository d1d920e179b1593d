package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dossier/internal/hunt"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/sighting"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

// huntFlags are what hunt is asked.
type huntFlags struct {
	kinds         []string
	profile       string
	minConfidence int
	mode          store.Mode
	all           bool
	since, until  string
	csv           bool
	anything      bool // binary files too
	follow        bool
	context       int
	workers       int
	list          string // a file of indicators to look for instead of those of the database
	save          bool
	stix          bool
	tlp           string
	direction     string
	saved         string // a file that keeps the matcher
}

func (a *app) huntCommand() *cobra.Command {
	var o huntFlags
	cmd := &cobra.Command{
		Use: "hunt PATH…|-", Short: "Find indicators in logs: did we see them?",
		Long: `Hunt looks for every known indicator in logs of any format. PATH may be a file, a
folder, a pattern, or "-" for standard input; gzip, zstd, bzip2 and xz are read
as they are.

Values match as a whole and in any usual spelling: evil.com matches www.evil.com
but not notevil.com; URLs match with and without scheme, escaped or defanged;
addresses match the networks that they are in. Known formats (Zeek, Suricata,
Squid, Apache and nginx, syslog, CEF, Windows events, CloudTrail, VPC flow logs,
CSV, ECS, OCSF) also tell when, from whom and in which field.

Only indicators that are active are looked for: --all adds those that are
expired or guarded. Lines without a time that is understood are kept by --since
and --until.

--save keeps what was found as sightings: which host of yours met which indicator, in
which field, when, on how many lines. They show in profiles and look-ups, and they
prolong the life of the indicator. A line counts once, so that a log may be hunted
again (dossier sightings --help).

Exit status: 0 something was found, 1 nothing, 2 something could not be read.`,
		Example: `  dossier hunt /var/log/zeek/
  zcat -f /var/log/squid/*.gz | dossier hunt --since 2026-03-01 -
  dossier hunt --json --profile "fancy bear" 'proxy-*.log.zst' | jq .indicator.value
  dossier hunt --save --since 36h /var/log/zeek/
  dossier hunt --follow /var/log/dns/queries.log
  dossier hunt --matcher /var/cache/dossier/all.matcher /var/log/dns/`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			h, err := a.newHunt(o)
			if err != nil {
				return err
			}
			if o.list != "" {
				return h.run(cmd.Context(), nil, args)
			}
			s, act, err := a.openToHunt(cmd.Context(), o.save)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if o.save {
				done, err := h.keep(cmd.Context(), s, act)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, done()) }()
			}
			return h.run(cmd.Context(), s, args)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.kinds, "kind", nil, "only indicators of this kind: domain, ipAddress, url, sha256, … (repeat for more)")
	f.StringVar(&o.profile, "profile", "", "only indicators of this profile (a name or an id)")
	f.IntVar(&o.minConfidence, "min-confidence", 0, "only indicators of at least this confidence, 1 to 100")
	f.BoolVar(&o.all, "all", false, "also indicators that are expired, withdrawn or guarded")
	f.StringVar(&o.since, "since", "", "only lines from this time on: 2026-03-01, 2026-03-01T12:00:00Z, or 36h, 14d ago")
	f.StringVar(&o.until, "until", "", "only lines before this time")
	f.BoolVar(&o.csv, "csv", false, "print CSV, a row for each match")
	f.BoolVar(&o.stix, "stix", false, "print a bundle of STIX 2.1: indicators, sightings, observed data")
	f.StringVar(&o.tlp, "tlp", "red", "only indicators, and what is told of them, up to this TLP marking: clear, green, amber, amber+strict, red")
	f.StringVar(&o.direction, "direction", "both", "only lines of what was begun outside (in) or by hosts of yours (out); those that do not tell are kept")
	f.BoolVar(&o.anything, "binary", false, "look into binary files too")
	f.BoolVar(&o.follow, "follow", false, "wait for more at the end of the file, also when it is rotated")
	f.IntVar(&o.context, "lines", 2, "lines shown of each indicator")
	f.StringVar(&o.list, "indicators", "", "look for the values of this file, one a line, and not for those of the database")
	f.BoolVar(&o.save, "save", false, "keep what is found as sightings")
	f.StringVar(&o.saved, "matcher", "", "keep what is made of the indicators in this file, and use it until they change")
	f.IntVar(&o.workers, "workers", 0, "how many at once (default: one for each processor)")
	a.jsonFlag(cmd)
	cmd.MarkFlagsMutuallyExclusive("json", "csv", "stix")
	cmd.MarkFlagsMutuallyExclusive("follow", "stix")
	for _, of := range []string{"profile", "min-confidence", "all", "save", "tlp"} {
		cmd.MarkFlagsMutuallyExclusive("indicators", of)
	}
	return cmd
}

// A huntRun is one hunt under way.
type huntRun struct {
	*app
	huntFlags
	kinds        []observable.Kind
	since, until time.Time
	now          time.Time
	view         store.View

	store   *store.Store
	keeper  *sighting.Recorder // nil: nothing is kept
	matcher *hunt.Matcher
	known   map[observable.Observable]*huntKnown

	size, lines, files, matched int64
	outside, opposite           int64 // matched lines outside of the time, in the other direction
	skipped                     []string
	failed                      []string
	read, total                 int64 // bytes of files as they are on disk; total is 0 if it is not known
	started, shown              time.Time
}

// A huntKnown is an indicator that was found, and what was seen of it.
type huntKnown struct {
	observable observable.Observable
	id         string
	confidence int
	profiles   []store.ProfileTitle
	publishers []string
	indicator  *store.Indicator // nil: gone since, or of no database
	over       bool             // it expired since the matcher was made
	tally
}

// tally sums up the lines with an indicator.
type tally struct {
	lines       int64
	first, last time.Time
	hosts       map[string]*hostTally // who had to do with it, up to maxHosts
	others      hostTally             // lines without a host, or of more
	moreHosts   bool
	relations   map[hunt.Relation]bool
	shown       []string
}

// hostTally sums up the lines of a host.
type hostTally struct {
	lines       int64
	first, last time.Time
}

func (t *hostTally) see(at time.Time) {
	t.lines++
	if at.IsZero() {
		return
	}
	if t.first.IsZero() || at.Before(t.first) {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
}

const maxHosts = 1000

func (a *app) newHunt(o huntFlags) (*huntRun, error) {
	h := &huntRun{app: a, huntFlags: o, now: time.Now(), known: map[observable.Observable]*huntKnown{}}
	for _, k := range o.kinds {
		kind := observable.Kind(k)
		if !hunt.Hunted(kind) {
			return nil, hinted{fmt.Errorf("--kind: logs are not searched for %q", k), "domain, ipAddress, cidr, url, emailAddress, ipAddressPort, md5, sha1, sha256, sha512, ja3, ja3s, jarm, sslCertificateSha1, sslCertificateSha256"}
		}
		h.kinds = append(h.kinds, kind)
	}
	if o.minConfidence < 0 || o.minConfidence > 100 {
		return nil, fmt.Errorf("--min-confidence: %d is not between 0 and 100", o.minConfidence)
	}
	if o.direction != "both" && o.direction != string(hunt.In) && o.direction != string(hunt.Out) {
		return nil, hinted{fmt.Errorf("--direction %q", o.direction), "in, out or both"}
	}
	ceiling, err := intel.ParseTLP(o.tlp)
	if err != nil {
		return nil, fmt.Errorf("--tlp: %w", err)
	}
	h.view = store.View{Ceiling: ceiling}
	if h.since, err = whenAsked(o.since, h.now); err != nil {
		return nil, fmt.Errorf("--since: %w", err)
	}
	if h.until, err = whenAsked(o.until, h.now); err != nil {
		return nil, fmt.Errorf("--until: %w", err)
	}
	h.mode = store.Active
	if o.all {
		h.mode = store.All
	}
	return h, nil
}

// whenAsked reads a time, or how long ago.
func whenAsked(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, ok := hunt.ParseTime(s); ok {
		return t, nil
	}
	var n int
	var unit string
	if k, _ := fmt.Sscanf(s, "%d%s", &n, &unit); k == 2 {
		switch unit {
		case "d":
			return now.AddDate(0, 0, -n), nil
		case "h":
			return now.Add(-time.Duration(n) * time.Hour), nil
		case "m":
			return now.Add(-time.Duration(n) * time.Minute), nil
		}
	}
	return time.Time{}, hinted{fmt.Errorf("%q is no time", s), "2026-03-01, 2026-03-01T12:00:00Z, or how long ago: 36h, 14d"}
}

func (h *huntRun) run(ctx context.Context, s *store.Store, args []string) error {
	h.store = s
	start := time.Now()
	if err := h.ready(ctx); err != nil {
		return err
	}
	if st := h.matcher.Stats(); h.err.isTerm {
		fmt.Fprintf(h.err, "%s in %s, made in %.1f s\n", count(st.Indicators, "indicator"), size(int64(st.Bytes)), time.Since(start).Seconds())
	}
	paths, err := h.paths(args)
	if err != nil {
		return err
	}
	if h.follow && len(paths) != 1 {
		return fmt.Errorf("--follow: want one file, not %d", len(paths))
	}
	h.started = time.Now()
	if h.csv {
		fmt.Fprintln(h.out, "file,line,time,source,destination,field,kind,value,relation,confidence,profiles,text,direction")
	}
	for _, p := range paths {
		if err := h.file(ctx, p); err != nil {
			if ctx.Err() != nil {
				err = context.Canceled
			}
			return err
		}
	}
	h.err.clearProgress()
	if h.stix {
		if err := h.printSTIX(ctx); err != nil {
			return err
		}
	}
	h.report()
	switch {
	case len(h.failed) > 0:
		return fmt.Errorf("%s could not be read", count(len(h.failed), "file"))
	case h.matched == 0:
		return errNothing
	}
	return nil
}

// selection says which indicators of the store are looked for.
func (h *huntRun) selection(ctx context.Context) (store.Selection, error) {
	sel := store.Selection{Mode: h.mode, MinConfidence: h.minConfidence, Kinds: h.kinds}
	if h.profile != "" {
		var err error
		if sel.Profile, err = profileID(ctx, h.store, h.profile, h.view); err != nil {
			return sel, err
		}
	}
	return sel, nil
}

// compile makes the matcher of what the store has.
func (h *huntRun) compile(ctx context.Context, sel store.Selection) error {
	n := 0
	stop := errors.New("stop")
	var each iter.Seq2[observable.Observable, error] = func(yield func(observable.Observable, error) bool) {
		err := h.store.EachObservable(ctx, sel, h.view, func(o observable.Observable) error {
			if n++; n%10000 == 0 {
				h.err.showProgress(fmt.Sprintf("reading indicators  %d", n))
			}
			if !yield(o, nil) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(observable.Observable{}, err)
		}
	}
	m, err := hunt.Compile(each)
	h.err.clearProgress()
	if err != nil {
		return err
	}
	h.matcher = m
	return nil
}

// profileID returns the id of the one profile that --profile means.
func profileID(ctx context.Context, s *store.Store, name string, v store.View) (string, error) {
	hits, err := s.ProfilesByName(ctx, name, v)
	if err != nil {
		return "", err
	}
	switch hits = served(hits); len(hits) {
	case 1:
		return hits[0].ID, nil
	case 0:
		return "", fmt.Errorf("profile %q: %w", name, intel.ErrNotFound)
	}
	return "", hinted{fmt.Errorf("--profile: %q may mean %d profiles", name, len(hits)), "dossier names tells which; give the id of one"}
}

// compileList makes the matcher of the values in a file.
func (h *huntRun) compileList(ctx context.Context) error {
	f, err := os.Open(h.list)
	if err != nil {
		return err
	}
	defer f.Close()
	text, done, err := hunt.Text(f, false)
	if err != nil {
		return fmt.Errorf("%s: %w", h.list, err)
	}
	defer done()
	in := bufio.NewScanner(text)
	in.Buffer(nil, observable.MaxInput*2)
	rejected, first, line := 0, "", 0
	h.matcher, err = hunt.Compile(func(yield func(observable.Observable, error) bool) {
		for in.Scan() {
			line++
			value := strings.TrimSpace(in.Text())
			if value == "" || value[0] == '#' {
				continue
			}
			o, err := observable.Parse(value)
			if err != nil {
				if rejected++; rejected == 1 {
					first = fmt.Sprintf("line %d: %v", line, err)
				}
				continue
			}
			if len(h.kinds) > 0 && !slices.Contains(h.kinds, o.Kind) {
				continue
			}
			if !yield(o, ctx.Err()) {
				return
			}
		}
		if err := in.Err(); err != nil {
			yield(observable.Observable{}, fmt.Errorf("%s: line %d: %w", h.list, line+1, err))
		}
	})
	if rejected > 0 {
		fmt.Fprintf(h.err, "%s: %s not taken, the first at %s\n", clean(h.list), count(rejected, "value"), clean(first))
	}
	return err
}

// paths expands patterns and folders.
func (h *huntRun) paths(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		if arg == "-" {
			out = append(out, arg)
			continue
		}
		matches := []string{arg}
		if _, err := os.Lstat(arg); err != nil && strings.ContainsAny(arg, "*?[") {
			found, err := filepath.Glob(arg)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", arg, err)
			}
			if len(found) > 0 {
				matches = found
			}
		}
		for _, m := range matches {
			err := filepath.WalkDir(m, func(path string, d fs.DirEntry, err error) error {
				switch {
				case err != nil:
					h.fail(path, err)
				case d.IsDir():
				case d.Type().IsRegular() || path == m:
					out = append(out, path)
					if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
						h.total += info.Size()
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (h *huntRun) fail(path string, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	h.failed = append(h.failed, path)
	fmt.Fprintf(h.err, "%s: %v\n", clean(path), err)
}

// file looks into one file. Only an error that ends the hunt is returned.
func (h *huntRun) file(ctx context.Context, path string) error {
	var in io.Reader = h.in
	live := path == "-"
	name := path
	if live {
		name = "(standard input)"
		if f, ok := h.in.(*os.File); ok {
			if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
				live = false
			}
		}
	} else {
		f, err := os.Open(path)
		if err != nil {
			h.fail(path, err)
			return nil
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			h.fail(path, err)
			return nil
		}
		live = h.follow || !info.Mode().IsRegular()
		in = f
		if h.follow {
			follower := &follower{ctx: ctx, path: path, f: f}
			defer follower.close()
			in = follower
		}
	}
	counted := &counter{r: in, h: h, name: name}
	defer func() { h.read += counted.n }()
	in = counted
	text, done, err := hunt.Text(in, h.anything)
	defer done()
	switch {
	case errors.Is(err, hunt.ErrBinary):
		h.skipped = append(h.skipped, path)
		return nil
	case err != nil:
		if ctx.Err() != nil {
			return ctx.Err()
		}
		h.fail(path, err)
		return nil
	}
	head := &hunt.Head{R: text}
	var columns *hunt.Columns
	var lastLine int64
	asked := false
	size, lines, err := h.matcher.Read(ctx, head, hunt.ReadOptions{Workers: h.workers, Live: live}, func(f *hunt.Found) error {
		if !asked {
			columns, asked = hunt.ColumnsOf(head.Text()), true
		}
		if err := h.line(ctx, name, f, columns, f.Number != lastLine); err != nil {
			return err
		}
		lastLine = f.Number
		return nil
	})
	h.size += size
	h.lines += lines
	h.files++
	var stopped *stopError
	switch {
	case errors.As(err, &stopped):
		return stopped.error
	case ctx.Err() != nil && h.follow:
		return nil // the way to end it
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		h.fail(path, err)
	}
	return nil
}

// A stopError ends the hunt, while others end only the file.
type stopError struct{ error }

// counter shows how far the hunt is.
type counter struct {
	r    io.Reader
	h    *huntRun
	name string
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	h := c.h
	if now := time.Now(); h.err.isTerm && now.Sub(h.shown) > 200*time.Millisecond {
		h.shown = now
		h.progress(c.name, h.read+c.n, now.Sub(h.started))
	}
	return n, err
}

func (h *huntRun) progress(name string, done int64, took time.Duration) {
	rate := float64(done) / max(took.Seconds(), 0.001)
	text := fmt.Sprintf("%s  %s  %s/s", clean(name), size(done), size(int64(rate)))
	if left := h.total - done; left > 0 && took > time.Second {
		text += fmt.Sprintf("  %s left", (time.Duration(float64(left)/rate) * time.Second).Round(time.Second))
	}
	h.err.showProgress(text)
}

// line takes in a line with matches.
func (h *huntRun) line(ctx context.Context, name string, f *hunt.Found, columns *hunt.Columns, isNew bool) error {
	counted, turned := false, false
	defer func() {
		if turned && !counted {
			h.opposite++
		}
	}()
	for _, m := range f.Matches {
		e := hunt.EventOf(f.Text, columns, m.Offset, h.now)
		if !e.Time.IsZero() && (!h.since.IsZero() && e.Time.Before(h.since) || !h.until.IsZero() && !e.Time.Before(h.until)) {
			h.outside++
			return nil
		}
		if d := e.Direction(m.Observable.Value); d != "" && h.direction != "both" && string(d) != h.direction {
			if isNew && !counted {
				turned = true
			}
			continue
		}
		k, err := h.knownOf(ctx, m.Observable)
		if err != nil {
			return &stopError{err}
		}
		if k.over {
			continue
		}
		if isNew && !counted {
			h.matched++
			counted = true
		}
		if h.keeper != nil {
			if err := h.keeper.Add(ctx, m.Observable, e, f.Text, name); err != nil {
				return &stopError{err}
			}
		}
		k.see(e, m, f, h.context, h.out.columns()-6)
		if err := h.print(name, f, m, e, k); err != nil {
			return &stopError{err}
		}
	}
	return nil
}

// knownOf returns what is known of an indicator, asked once.
func (h *huntRun) knownOf(ctx context.Context, o observable.Observable) (*huntKnown, error) {
	if k := h.known[o]; k != nil {
		return k, nil
	}
	k := &huntKnown{observable: o, id: o.ID(), tally: tally{hosts: map[string]*hostTally{}, relations: map[hunt.Relation]bool{}}}
	if h.store == nil {
		h.known[o] = k
		return k, nil
	}
	known, err := h.store.Lookup(ctx, o, h.view)
	switch {
	case err == nil:
		k.confidence, k.profiles, k.indicator = known.Indicator.Confidence, known.Profiles, known.Indicator
		k.indicator.Profiles = known.Profiles
		k.over = h.mode == store.Active && !known.Indicator.Active || k.confidence < h.minConfidence
		for _, e := range known.Evidence {
			if !slices.Contains(k.indicator.Publishers, e.Publisher) && !e.Revoked {
				k.indicator.Publishers = append(k.indicator.Publishers, e.Publisher)
			}
			if title := intel.PublisherOf(e.Publisher).Title; !slices.Contains(k.publishers, title) {
				k.publishers = append(k.publishers, title)
			}
		}
	case !errors.Is(err, intel.ErrNotFound): // it may have gone since
		return nil, err
	}
	h.known[o] = k
	return k, nil
}

func (k *huntKnown) see(e hunt.Event, m hunt.Match, f *hunt.Found, context, width int) {
	k.lines++
	k.relations[m.Relation] = true
	if !e.Time.IsZero() {
		if k.first.IsZero() || e.Time.Before(k.first) {
			k.first = e.Time
		}
		if e.Time.After(k.last) {
			k.last = e.Time
		}
	}
	host := e.Host(m.Observable.Value)
	at := k.hosts[host]
	switch {
	case host == "":
		at = &k.others
	case at == nil && len(k.hosts) >= maxHosts:
		k.moreHosts = true
		at = &k.others
	case at == nil:
		at = &hostTally{}
		k.hosts[host] = at
	}
	at.see(e.Time)
	if len(k.shown) < context {
		k.shown = append(k.shown, excerpt(f.Text, m.Offset, width))
	}
}

// excerpt returns a line, or about most bytes around the match if it is longer.
func excerpt(text []byte, at, most int) string {
	if len(text) <= most {
		return string(text)
	}
	from := min(max(0, at-most/3), len(text)-most)
	s := string(text[from : from+most])
	if from > 0 {
		s = "…" + s
	}
	if from+most < len(text) {
		s += "…"
	}
	return s
}

// A follower reads a growing file, and the one that takes its place.
type follower struct {
	ctx  context.Context
	path string
	f    *os.File
	read int64
	own  bool // f was opened here
}

// followEvery is how often a file is asked for more: a match is to be told within 10 ms of its line.
const followEvery = 5 * time.Millisecond

func (w *follower) Read(p []byte) (int, error) {
	for {
		n, err := w.f.Read(p)
		w.read += int64(n)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := w.rotate(); err != nil {
			return 0, err
		}
		select {
		case <-w.ctx.Done():
			return 0, io.EOF
		case <-time.After(followEvery):
		}
	}
}

// rotate looks whether the name leads to another file, or the file was cut.
func (w *follower) rotate() error {
	now, err := os.Stat(w.path)
	if err != nil {
		return nil // between two names
	}
	have, err := w.f.Stat()
	if err != nil {
		return err
	}
	if os.SameFile(now, have) {
		if now.Size() < w.read {
			w.read = 0
			_, err = w.f.Seek(0, io.SeekStart)
		}
		return err
	}
	next, err := os.Open(w.path)
	if err != nil {
		return nil
	}
	// What was still written to the old one comes first.
	if n, err := w.f.Seek(0, io.SeekCurrent); err == nil && n < have.Size() {
		next.Close()
		return nil
	}
	w.close()
	w.f, w.read, w.own = next, 0, true
	return nil
}

func (w *follower) close() {
	if w.own {
		w.f.Close()
	}
}
