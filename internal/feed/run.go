package feed

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"dossier/internal/fetch"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/taxii"
)

// A Runner runs feeds. It is used by one goroutine.
type Runner struct {
	Store *store.Store
	// Progress, if not nil, is told what is going on, some times a second.
	Progress func(ingest.Progress)
	Agent    string // how the program names itself to servers
}

// state is what is kept of a feed between runs.
type state struct {
	Meaning string                  `json:"meaning,omitempty"` // of the feed; see Feed.meaning
	Files   map[string]fetch.State  `json:"files,omitempty"`   // by address
	Events  map[string]string       `json:"events,omitempty"`  // timestamp by uuid, of a MISP feed
	Cursors map[string]taxii.Cursor `json:"cursors,omitempty"` // by collection
}

// An execution is one run under way.
type execution struct {
	r       *Runner
	f       Feed
	im      *ingest.Importer
	options ingest.Options
	client  *fetch.Client
	header  http.Header
	state   state
	secret  string
	res     *ingest.Result

	fetching string
	shown    time.Time
	got      int64 // of the body that is being fetched
}

// Run runs a feed once and returns what came of it; the result is nil if there was
// no run. The error is that of the run, which is saved with it, or wraps
// [store.ErrBusy], [intel.ErrNotFound] or [ErrDisabled].
func (r *Runner) Run(ctx context.Context, name string) (res *ingest.Result, err error) {
	c, err := Find(ctx, r.Store, name)
	if err != nil {
		return nil, err
	}
	if c.Disabled {
		return nil, fmt.Errorf("feed %q %w", name, ErrDisabled)
	}
	now := r.Store.Now
	run := &intel.Run{ID: ingest.RunID(now()), Feed: name, Input: "feed " + name, Started: intel.TimeOf(now())}
	stored, err := r.Store.BeginFeed(ctx, name, run)
	if err != nil {
		return nil, err
	}
	stop := ingest.KeepAlive(ctx, r.Store, run.ID)
	x := &execution{r: r, res: &ingest.Result{Run: run}}
	defer func() {
		stop()
		run.Finished = intel.TimeOf(now())
		run.Unchanged = err == nil && run.Files == 0
		failures := stored.Failures + 1
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			failures, run.Error = stored.Failures, "interrupted; what was finished is kept"
		default:
			run.Error = r.Store.Explain(err).Error()
		}
		due := intel.TimeOf(nextRun(now(), x.f.every(), failures, err))
		err = errors.Join(err, r.Store.EndFeed(context.WithoutCancel(ctx), name, run, due, failures))
	}()
	if err := x.prepare(c.Feed, stored); err != nil {
		return x.res, err
	}
	err = x.read(ctx)
	// What was finished is served, whatever came after it.
	settle := ctx
	if err != nil {
		settle = context.WithoutCancel(ctx)
	}
	effect, settleErr := x.im.Settle(settle)
	x.res.Profiles = effect
	return x.res, errors.Join(err, settleErr)
}

// ErrDisabled is wrapped by errors about feeds that nobody has enabled.
var ErrDisabled = errors.New("is disabled")

// nextRun says when a feed is due again: after its time, give or take a
// twentieth, so that feeds do not stay in step; sooner after a failure, unless the
// server asks for patience.
func nextRun(now time.Time, every time.Duration, failures int, err error) time.Time {
	every = max(every, leastEvery)
	var status *fetch.StatusError
	switch {
	case errors.Is(err, context.Canceled):
		return now
	case err == nil:
		return now.Add(every - every/20 + rand.N(every/10))
	}
	wait := min(every, 300*fetch.Backoff(failures)) // from some minutes on
	if errors.As(err, &status) {
		wait = max(wait, status.Retry)
	}
	return now.Add(wait)
}

func (x *execution) prepare(f Feed, stored *store.Feed) (err error) {
	if x.f, err = f.Resolved(); err != nil {
		return err
	}
	if err := json.Unmarshal(stored.State, &x.state); err != nil || x.state.Meaning != x.f.meaning() {
		x.state = state{Meaning: x.f.meaning()} // everything is read anew
	}
	if x.state.Files == nil {
		x.state.Files = map[string]fetch.State{}
	}
	if x.state.Events == nil {
		x.state.Events = map[string]string{}
	}
	if x.state.Cursors == nil {
		x.state.Cursors = map[string]taxii.Cursor{}
	}
	secret, err := readSecret(x.f.Secret)
	if err != nil {
		return err
	}
	x.secret, x.header = secret, credentials(x.f, secret)
	if x.client, err = newClient(x.f, x.r.Agent, secret); err != nil {
		return err
	}
	x.client.Progress = x.fetched
	x.im = &ingest.Importer{Store: x.r.Store, Progress: x.r.Progress}
	tlp, err := x.f.tlp()
	x.options = ingest.Options{
		Publisher: x.f.Source, Format: x.f.Format, Profile: x.f.Profile, TLP: tlp, Only: x.f.Only, Later: true, Run: x.res.Run,
		MaxInflated: int64(x.f.MaxMiB) << 20,
	}
	return err
}

func (x *execution) read(ctx context.Context) error {
	switch x.f.Kind {
	case MISP:
		return x.misp(ctx)
	case TAXII:
		return x.taxii(ctx)
	case Graph:
		return x.graph(ctx)
	}
	return x.files(ctx)
}

// keep keeps how far the feed was read.
func (x *execution) keep(ctx context.Context) error {
	data, err := json.Marshal(x.state)
	if err != nil {
		return err
	}
	return x.r.Store.KeepFeed(ctx, x.f.Name, x.res.Run, data)
}

// take imports what was fetched. The error is about the database, or about an
// input of which nothing could be read.
func (x *execution) take(ctx context.Context, list ...ingest.Input) (*ingest.Result, error) {
	res, err := x.im.ImportInputs(ctx, list, x.options)
	x.res.Files = append(x.res.Files, res.Files...)
	return res, err
}

// understood is nil if something was read of what was imported. Other files of
// an archive, that cannot be read, are counted as rejected: fetching them again
// would bring the same.
func (x *execution) understood(name string, res *ingest.Result) error {
	taken, skipped := 0, ""
	for _, f := range res.Files {
		switch {
		case f.Skipped != "":
			skipped = f.Skipped
		case f.Error == "":
			taken++
		}
	}
	failed := res.Failed()
	switch {
	case taken == 0 && len(failed) > 0:
		return fmt.Errorf("%s: %s", name, failed[0].Error)
	case taken == 0 && skipped != "":
		return fmt.Errorf("%s: %s", name, skipped)
	case taken == 0:
		return fmt.Errorf("%s: there is no such file in it", name)
	}
	for _, f := range res.Files {
		switch {
		case f.Error != "":
			x.passedOver("file cannot be read", intel.Reject{Position: f.Path, Reason: f.Error})
		case f.Skipped != "":
			x.passedOver("file skipped: "+f.Skipped, intel.Reject{Position: f.Path, Reason: f.Skipped})
		}
	}
	return nil
}

// passedOver counts a file of an archive of which nothing was taken.
func (x *execution) passedOver(reason string, example intel.Reject) {
	list := x.res.Run.Rejected
	for i := range list {
		if list[i].Reason == reason {
			list[i].Count++
			return
		}
	}
	x.res.Run.Rejected = append(list, intel.RejectCount{Reason: reason, Count: 1, Example: example})
}

// spool fetches an address into a temporary file, which the caller closes.
func (x *execution) spool(ctx context.Context, address string, last fetch.State) (*temp, fetch.State, error) {
	x.fetching, x.got = ingest.URLPath(address), 0
	f, err := tempFile()
	if err != nil {
		return nil, last, err
	}
	st, err := x.client.Spool(ctx, fetch.Target{URL: address, Header: x.header, State: last}, f.File)
	if err != nil {
		_ = f.Close()
		return nil, st, err
	}
	x.fetching = ""
	return f, st, nil
}

func (x *execution) fetched(n int) {
	x.res.Run.Bytes += int64(n)
	x.got += int64(n)
	if x.r.Progress != nil && time.Since(x.shown) > 100*time.Millisecond {
		x.shown = time.Now()
		x.r.Progress(ingest.Progress{Step: "fetching", Path: x.fetching, Bytes: x.got})
	}
}

// A temp is a file that goes away with its closing; where the system allows, its
// name goes at once, so that nothing is left by a process that is killed.
type temp struct {
	*os.File
	named bool
}

func tempFile() (*temp, error) {
	f, err := os.CreateTemp("", "dossier-feed-*")
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" {
		return &temp{f, false}, os.Remove(f.Name())
	}
	return &temp{f, true}, nil
}

// Close implements [io.Closer].
func (t *temp) Close() error {
	err := t.File.Close()
	if t.named {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}

// readSecret returns what env:NAME or file:PATH holds.
func readSecret(where string) (string, error) {
	if name, ok := strings.CutPrefix(where, "env:"); ok {
		v := os.Getenv(name)
		if v == "" {
			return "", fmt.Errorf("the environment variable %s, which is to hold the key, is not set", name)
		}
		return v, nil
	}
	name, ok := strings.CutPrefix(where, "file:")
	if !ok {
		return "", nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("the key's file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return "", fmt.Errorf("the key's file: %w", err)
	}
	v := strings.TrimSpace(string(data))
	if v == "" || strings.ContainsAny(v, "\r\n") {
		return "", fmt.Errorf("the key's file %s: want one line", name)
	}
	return v, nil
}

// credentials are the headers that carry a secret.
func credentials(f Feed, secret string) http.Header {
	h := http.Header{}
	switch {
	case secret == "", f.Client != "":
	case f.User != "":
		req := http.Request{Header: h}
		req.SetBasicAuth(f.User, secret)
	case f.Header != "":
		h.Set(f.Header, secret)
	default:
		h.Set("Authorization", "Bearer "+secret)
	}
	return h
}

func newClient(f Feed, agent, secret string) (*fetch.Client, error) {
	c := &fetch.Client{AllowPrivate: f.AllowPrivate, UserAgent: agent, Rate: f.Rate, Limits: fetch.Limits{Bytes: int64(f.MaxMiB) << 20}}
	if secret != "" {
		c.Secrets = []string{secret}
	}
	if f.Proxy != "" {
		var err error
		if c.Proxy, err = url.Parse(f.Proxy); err != nil {
			return nil, errors.New("the proxy's address cannot be read")
		}
	}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		if c.Roots, err = x509.SystemCertPool(); err != nil {
			c.Roots = x509.NewCertPool()
		}
		if !c.Roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca %s: holds no certificate in PEM", f.CA)
		}
	}
	return c, nil
}

// Fetch gets a body into a temporary file, which goes away when it is closed.
func Fetch(ctx context.Context, c *fetch.Client, address string) (io.ReadCloser, error) {
	f, err := tempFile()
	if err != nil {
		return nil, err
	}
	if _, err := c.Spool(ctx, fetch.Target{URL: address}, f.File); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
