package api

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dossier/internal/auth"
	"dossier/internal/hunt"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/sighting"
	"dossier/internal/store"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/time/rate"
)

// HuntLimits bound what POST /api/hunt takes. A stream takes about 600 KiB, plus what its decompressor needs: at most 8 MiB.
type HuntLimits struct {
	Streams   int   // at once; 0: 32
	PerClient int   // of one client; 0: a quarter of Streams, at least 1
	Bytes     int64 // of one stream, decompressed; 0: 16 GiB
	Rate      int64 // bytes a second of one stream, decompressed; 0: no limit
}

func (l *HuntLimits) fill() {
	l.Streams = cmp.Or(max(l.Streams, 0), 32)
	l.PerClient = cmp.Or(max(l.PerClient, 0), max(l.Streams/4, 1))
	if l.Bytes <= 0 {
		l.Bytes = 16 << 30
	}
}

const (
	huntIdle     = 5 * time.Minute // without a byte a stream ends
	huntWindow   = 8 << 20         // of zstd (RFC 8878, 3.1.1.1.2: what a decoder should take)
	huntSave     = 5 * time.Second // how often sightings of a stream are saved
	maxHuntText  = 4096            // bytes of a line that are told
	burstOfBytes = 1 << 20
)

// A huntStreams counts the streams that are open.
type huntStreams struct {
	mu       sync.Mutex
	open     int
	byClient map[string]int
}

func (h *huntStreams) enter(client string, l HuntLimits) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byClient == nil {
		h.byClient = map[string]int{}
	}
	if h.open >= l.Streams || h.byClient[client] >= l.PerClient {
		return false
	}
	h.open++
	h.byClient[client]++
	return true
}

func (h *huntStreams) leave(client string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	if h.byClient[client]--; h.byClient[client] == 0 {
		delete(h.byClient, client)
	}
}

// A huntMatch is a line of the answer of POST /api/hunt: an indicator that a line of the log holds.
type huntMatch struct {
	Line        int64                `json:"line"`           // of the log, or the record of a JSON array, from 1
	Time        string               `json:"time,omitempty"` // this and what follows as far as the format of the line is known
	Source      string               `json:"source,omitempty"`
	Destination string               `json:"destination,omitempty"`
	Field       string               `json:"field,omitempty"`
	Direction   hunt.Direction       `json:"direction,omitempty"`
	Indicator   huntIndicator        `json:"indicator"`
	Relation    hunt.Relation        `json:"relation"` // exact, subdomain, network, query or joined
	Profiles    []store.ProfileTitle `json:"profiles,omitempty"`
	Text        string               `json:"text"` // of the line, at most 4096 bytes around the match
}

type huntIndicator struct {
	ID         string          `json:"id"`
	Kind       observable.Kind `json:"kind"`
	Value      string          `json:"value"`
	Confidence int             `json:"confidence"`
	Publishers []string        `json:"publishers,omitempty"`
}

// A huntSummary is the last line of the answer. Without it the answer is not whole.
type huntSummary struct {
	Summary huntCount  `json:"summary"`
	Error   *huntError `json:"error,omitempty"` // what ended it before the log did; what was looked at until then counts
}

type huntError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type huntCount struct {
	Lines   int64       `json:"lines"`   // of the log
	Bytes   int64       `json:"bytes"`   // decompressed
	Matched int64       `json:"matched"` // lines
	Matches int64       `json:"matches"`
	Saved   *savedCount `json:"saved,omitempty"` // with save=1
}

type savedCount struct {
	New   int   `json:"new"`   // sightings that were not known
	Grown int   `json:"grown"` // that were, and are on more lines now
	Lines int64 `json:"lines"` // that were not counted yet
}

// A huntRun is one POST /api/hunt.
type huntRun struct {
	r          *request
	limits     HuntLimits
	confidence int
	summary    bool // no matches are told
	keeper     *sighting.Recorder
	log        string
	client     string

	w     *bufio.Writer
	flush func() error
	dirty bool
	count huntCount
	head  *hunt.Head
	cols  *hunt.Columns
	asked bool
	last  int64 // line that was counted
}

// huntLog answers POST /api/hunt?save=&answer=&log=&minConfidence=: the body is a log, of any format that dossier hunt reads, or what log shippers send; the answer is a
// line of JSON for each match, as soon as it is found, and a last one that sums up.
func huntLog(r *request) (*answer, error) {
	if !r.who.May(auth.Hunt) {
		return nil, fail(http.StatusForbidden, codeDenied, "Insufficient privileges to complete the operation.")
	}
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	run := &huntRun{r: r, limits: r.s.huntLimits, client: cmp.Or(r.who.ClientID, "anonymous"), log: cmp.Or(r.who.Name, "stream")}
	save := false
	for _, given := range p {
		switch name := strings.ToLower(given.Name); name {
		case "save":
			if save, err = strconv.ParseBool(given.Value); err != nil {
				return nil, badRequest("Invalid value of save: expected 1 or 0, found '"+clip(given.Value)+"'.", name)
			}
		case "answer":
			if run.summary = given.Value == "summary"; !run.summary && given.Value != "matches" {
				return nil, badRequest("Invalid value of answer: expected matches or summary, found '"+clip(given.Value)+"'.", name)
			}
		case "log":
			run.log = given.Value
		case "minconfidence":
			if run.confidence, err = strconv.Atoi(given.Value); err != nil || run.confidence < 0 || run.confidence > 100 {
				return nil, badRequest("Invalid value of minConfidence: expected 0 to 100, found '"+clip(given.Value)+"'.", "minConfidence")
			}
		default:
			return nil, badRequest("The parameter '"+clip(given.Name)+"' is not known: use save, answer, log, minConfidence.", clip(given.Name))
		}
	}
	for _, c := range list(r.Header.Values("Content-Encoding")) {
		if c = strings.ToLower(c); c != "gzip" && c != "zstd" && c != "identity" {
			return nil, fail(http.StatusUnsupportedMediaType, codeMediaType, "The content coding '"+clip(c)+"' is not supported: use gzip, zstd or none.")
		}
	}
	if save {
		if run.keeper, err = r.recorder(store.FromStream); err != nil {
			return nil, err
		}
	}
	// The first matcher of a large database takes seconds, which no turn is to wait for.
	return &answer{stream: run.answer}, nil
}

// answer reads the log and writes the answer.
func (run *huntRun) answer(w http.ResponseWriter) {
	r := run.r
	if !r.s.huntStreams.enter(run.client, run.limits) {
		f := fail(http.StatusTooManyRequests, codeTooMany, "Too many hunts are under way.")
		f.header = http.Header{"Retry-After": {"5"}}
		r.s.write(w, r, r.s.answerOf(r, r.s.failureOf(r, f)))
		return
	}
	defer r.s.huntStreams.leave(run.client)
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Time{}) // each write has its own
	out := &patient{w, c, r.s.patience}
	run.w = bufio.NewWriterSize(out, 32<<10)
	run.flush = func() error {
		if err := run.w.Flush(); err != nil {
			return &goneError{err}
		}
		_ = c.SetWriteDeadline(time.Now().Add(r.s.patience))
		if err := c.Flush(); err != nil {
			return &goneError{err}
		}
		return nil
	}
	if _, err := r.s.matchers.get(r.Context(), r.who.Ceiling); err != nil { // before the status is told
		r.s.write(w, r, r.s.answerOf(r, r.s.failureOf(r, err)))
		return
	}
	if !run.summary {
		_ = c.EnableFullDuplex() // HTTP/2 needs none
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("X-Accel-Buffering", "no") // nginx
		w.WriteHeader(http.StatusOK)
		if err := run.flush(); err != nil {
			return
		}
	}
	err := run.hunt(c)
	if r.s.guard != nil && run.keeper != nil {
		kept := run.keeper.Kept()
		r.s.acted(r, "sightings-saved", slog.Int("new", kept.New), slog.Int("grown", kept.Grown), slog.Int64("lines", kept.Lines))
	}
	var gone *goneError
	if errors.As(err, &gone) || r.Context().Err() != nil {
		return // nobody takes the answer any more
	}
	last := huntSummary{Summary: run.count}
	if run.keeper != nil {
		kept := run.keeper.Kept()
		last.Summary.Saved = &savedCount{kept.New, kept.Grown, kept.Lines}
	}
	if run.summary {
		a, fault := r.document(last)
		if err = errors.Join(err, fault); err != nil {
			a = r.s.answerOf(r, r.s.failureOf(r, huntFailure(err)))
		}
		r.s.write(w, r, a)
		return
	}
	if err != nil {
		f := r.s.failureOf(r, huntFailure(err)) // it writes the log, too
		last.Error = &huntError{f.code, f.message}
	}
	if run.tell(last) == nil {
		_ = run.flush() // the client is gone, and nothing can be done for it
	}
}

// huntFailure says what ended a hunt.
func huntFailure(err error) error {
	var missing *bodyError
	var known *failure
	switch {
	case errors.As(err, &known), errors.As(err, &missing):
		return err
	case errors.Is(err, errHuntForm):
		return badRequest("The body cannot be read: "+clip(err.Error())+".", "")
	}
	return err
}

// errHuntForm is wrapped by errors of what the client sent.
var errHuntForm = errors.New("it is not what it says")

// hunt looks through the body. Matches are told before more is waited for.
func (run *huntRun) hunt(c *http.ResponseController) (err error) {
	r := run.r
	body := &huntBody{run: run, c: c, in: r.Body}
	text, done, err := inflate(body)
	if err != nil {
		return err
	}
	defer done()
	limited := &huntLimit{r: text, left: run.limits.Bytes, ctx: r.Context()}
	if run.limits.Rate > 0 {
		limited.rate = rate.NewLimiter(rate.Limit(run.limits.Rate), int(max(run.limits.Rate, burstOfBytes)))
	}
	run.head = &hunt.Head{R: hunt.Records(limited)}
	if run.keeper != nil {
		stop := run.saveNowAndThen()
		defer func() { err = errors.Join(err, stop()) }()
	}
	parts := &segments{r: run.head}
	for !parts.ended {
		m, err := r.s.matchers.get(r.Context(), r.who.Ceiling)
		if err != nil {
			return err
		}
		parts.begin(func() bool {
			now, err := r.s.matchers.get(r.Context(), r.who.Ceiling)
			return err == nil && now != m
		})
		lines := run.count.Lines
		size, n, err := m.Read(r.Context(), parts, hunt.ReadOptions{Workers: 1, Live: true}, func(f *hunt.Found) error {
			f.Number += lines
			return run.found(m, f)
		})
		run.count.Bytes += size
		run.count.Lines += n
		if err != nil {
			return err
		}
	}
	return nil
}

// found tells of a line.
func (run *huntRun) found(m *compiled, f *hunt.Found) error {
	r := run.r
	if !run.asked {
		run.cols, run.asked = hunt.ColumnsOf(run.head.Text()), true
	}
	for _, match := range f.Matches {
		k, err := m.lookup(r.Context(), r.s.store, match.Observable, r.ceiling())
		if err != nil {
			return err
		}
		if k == nil || k.Indicator.Confidence < run.confidence {
			continue
		}
		e := hunt.EventOf(f.Text, run.cols, match.Offset, r.s.now())
		run.count.Matches++
		if f.Number != run.last {
			run.count.Matched++
			run.last = f.Number
		}
		if run.keeper != nil {
			if err := run.keeper.Add(r.Context(), match.Observable, e, f.Text, run.log); err != nil {
				return err
			}
		}
		if run.summary {
			continue
		}
		out := huntMatch{
			Line: f.Number, Source: e.Source, Destination: e.Destination, Field: e.Field, Direction: e.Direction(match.Observable.Value), Relation: match.Relation, Profiles: k.Profiles,
			Indicator: huntIndicator{ID: k.Indicator.ID, Kind: match.Observable.Kind, Value: match.Observable.Value, Confidence: k.Indicator.Confidence},
			Text:      strings.ToValidUTF8(string(excerpt(f.Text, match.Offset, maxHuntText)), "\uFFFD"),
		}
		if !e.Time.IsZero() {
			out.Time = e.Time.UTC().Format(time.RFC3339Nano)
		}
		for _, x := range k.Evidence {
			if title := intel.PublisherOf(x.Publisher).Title; !slices.Contains(out.Indicator.Publishers, title) {
				out.Indicator.Publishers = append(out.Indicator.Publishers, title)
			}
		}
		if err := run.tell(out); err != nil {
			return err
		}
	}
	return nil
}

// excerpt returns at most n bytes of a line, around a place.
func excerpt(text []byte, at, n int) []byte {
	if len(text) <= n {
		return text
	}
	from := min(max(0, at-n/3), len(text)-n)
	return text[from : from+n]
}

// tell writes a line of the answer.
func (run *huntRun) tell(v any) error {
	enc := json.NewEncoder(run.w)
	enc.SetEscapeHTML(false)
	run.dirty = true
	if err := enc.Encode(v); err != nil {
		return &goneError{err}
	}
	return nil
}

// A goneError says that the client does not take its answer.
type goneError struct{ error }

func (e *goneError) Unwrap() error { return e.error }

// saveNowAndThen saves what has gathered every few seconds, until stop is called, which saves the rest.
func (run *huntRun) saveNowAndThen() (stop func() error) {
	ctx := context.WithoutCancel(run.r.Context()) // what was found is kept although the client is gone
	quit, done := make(chan struct{}), make(chan error)
	go func() {
		tick := time.NewTicker(huntSave)
		defer tick.Stop()
		var err error
		for {
			select {
			case <-tick.C:
				if err == nil {
					err = run.keeper.Flush(ctx)
				}
			case <-quit:
				done <- errors.Join(err, run.keeper.Flush(ctx))
				return
			}
		}
	}()
	return func() error { close(quit); return <-done }
}

// A huntBody is the body of a hunt. Before it waits for more, it hands over what was found; it ends when nothing comes for long.
type huntBody struct {
	run *huntRun
	c   *http.ResponseController
	in  io.Reader
}

func (b *huntBody) Read(p []byte) (int, error) {
	if b.run.dirty {
		b.run.dirty = false
		if err := b.run.flush(); err != nil {
			return 0, err
		}
	}
	_ = b.c.SetReadDeadline(time.Now().Add(huntIdle)) // a recorder has none
	return b.in.Read(p)
}

// inflate returns the text of a body: compressed with gzip or zstd, whatever the headers say, or plain. Many streams share the memory, so the window of zstd is
// limited.
func inflate(r io.Reader) (io.Reader, func(), error) {
	in := bufio.NewReaderSize(r, 64<<10)
	nothing := func() {}
	first, err := in.Peek(1)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return in, nothing, nil
		}
		return nil, nothing, err
	}
	var head []byte
	if first[0] == 0x1f || first[0] == 0x28 {
		head, _ = in.Peek(4) // an error comes again
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nothing, formOf("gzip", err)
		}
		return formed{z, "gzip"}, nothing, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(huntWindow))
		if err != nil {
			return nil, nothing, formOf("zstd", err)
		}
		return formed{z, "zstd"}, z.Close, nil
	}
	return in, nothing, nil
}

// formed says in errors what was read.
type formed struct {
	io.Reader
	form string
}

func (f formed) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = formOf(f.form, err)
	}
	return n, err
}

func formOf(form string, err error) error {
	var missing *bodyError
	if errors.As(err, &missing) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", errHuntForm, form, err)
}

// huntLimit ends a stream that is too long and slows one that is too fast.
type huntLimit struct {
	r    io.Reader
	left int64
	ctx  context.Context
	rate *rate.Limiter
}

func (l *huntLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		// What comes at the end is no more.
		var one [1]byte
		if n, err := l.r.Read(one[:]); n == 0 && err != nil {
			return 0, err
		}
		return 0, fail(http.StatusRequestEntityTooLarge, codeTooLarge, "The log is longer than one request may bring. Send the rest in another.")
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left, math.MaxInt32)])
	l.left -= int64(n)
	if l.rate != nil && n > 0 {
		for left := n; left > 0; {
			k := min(left, l.rate.Burst())
			if wait := l.rate.WaitN(l.ctx, k); wait != nil {
				return n, wait
			}
			left -= k
		}
	}
	return n, err
}

// segments hands a stream through until its matcher is to be another; then it ends, at the end of a line, and goes on after begin.
type segments struct {
	r     io.Reader
	stale func() bool
	rest  []byte // of what was read, for the next segment
	err   error
	cut   bool
	ended bool // there is nothing left
}

func (s *segments) begin(stale func() bool) { s.stale, s.cut = stale, false }

func (s *segments) Read(p []byte) (int, error) {
	if s.cut {
		return 0, io.EOF
	}
	if len(s.rest) > 0 {
		n := copy(p, s.rest)
		s.rest = s.rest[n:]
		return n, nil
	}
	if s.err != nil {
		s.ended = true
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.err = err
	if s.stale() {
		if i := bytes.LastIndexByte(p[:n], '\n'); i >= 0 {
			s.rest, s.cut = bytes.Clone(p[i+1:n]), true
			return i + 1, nil
		}
	}
	if err != nil {
		s.ended = true
	}
	return n, err
}
