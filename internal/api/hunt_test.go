package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier/internal/auth"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"

	"github.com/klauspost/compress/zstd"
)

// A hunter is a server with indicators that are alive, and a client that may hunt.
type hunter struct {
	t     *testing.T
	s     *Server
	st    *store.Store
	url   string
	token string
}

func newHunter(t *testing.T, limits HuntLimits) *hunter {
	t.Helper()
	s, st := guarded(t, auth.Auto)
	s.huntLimits = limits
	s.huntLimits.fill()
	h := &hunter{t: t, s: s, st: st}
	h.observe(intel.Clear, "evil-one.com", "20.103.85.0/24")
	h.observe(intel.Amber, "secret-one.com")
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = ReadTimeout, WriteTimeout
	srv.Start()
	t.Cleanup(srv.Close)
	h.url, h.token = srv.URL, newToken(t, s, st, "shipper", intel.Green, auth.Hunt)
	return h
}

// observe makes indicators that are alive.
func (h *hunter) observe(tlp intel.TLP, values ...string) {
	h.t.Helper()
	b, err := h.st.Begin(h.t.Context(), store.FromImport)
	if err != nil {
		h.t.Fatal(err)
	}
	defer b.Rollback()
	for _, v := range values {
		o, err := observable.Parse(v)
		if err != nil {
			h.t.Fatal(err)
		}
		seen := intel.Date{At: intel.TimeOf(fixtureNow) - 1000, Precision: intel.Day, Basis: intel.BasisStated}
		if err := b.Observe(h.t.Context(), &intel.Observation{Publisher: "p", Observable: o, FirstSeen: seen, Confidence: 90, TLP: tlp, Subjects: []intel.Ref{refTo(snakeID)}}); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := b.Commit(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.st.FoldIndicators(h.t.Context(), nil); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hunter) request(query string, body io.Reader, headers ...string) *http.Response {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), "POST", h.url+"/api/hunt"+query, body)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", h.token)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	return w
}

type huntLine struct {
	Line      int64
	Time      string
	Source    string
	Direction string
	Field     string
	Relation  string
	Text      string
	Indicator struct {
		Value      string
		Confidence int
	}
	Profiles []struct{ Title string }
	Summary  *huntCount
	Error    *huntError
}

// do sends a log and returns the matches and the summary.
func (h *hunter) do(query string, body []byte, headers ...string) (matches []huntLine, last huntLine) {
	h.t.Helper()
	w := h.request(query, bytes.NewReader(body), headers...)
	defer w.Body.Close()
	dec := json.NewDecoder(w.Body)
	for {
		var l huntLine
		if err := dec.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			h.t.Fatalf("%d: %v", w.StatusCode, err)
		}
		if l.Summary != nil {
			last = l
			continue
		}
		matches = append(matches, l)
	}
	if w.StatusCode != 200 || last.Summary == nil {
		h.t.Fatalf("%d, %d matches, no summary", w.StatusCode, len(matches))
	}
	return matches, last
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

func zstandard(b []byte, window int) []byte {
	z, _ := zstd.NewWriter(nil, zstd.WithWindowSize(window))
	return z.EncodeAll(b, nil)
}

var huntRecords = []string{
	`{"timestamp":"2026-01-01T10:00:00Z","src_ip":"10.0.0.5","dest_ip":"10.0.0.1","dns":{"rrname":"www.evil-one.com"}}`,
	`{"timestamp":"2026-01-01T11:00:00Z","src_ip":"10.0.0.5","dest_ip":"10.0.0.1","dns":{"rrname":"notevil-one.com"}}`,
	`{"timestamp":"2026-01-01T12:00:00Z","src_ip":"20.103.85.9","dest_ip":"10.0.0.80","http":{"url":"/a,b]}\"{"}}`,
	`{"timestamp":"2026-01-01T13:00:00Z","src_ip":"10.0.0.5","dest_ip":"10.0.0.1","dns":{"rrname":"secret-one.com"}}`, // above the client's ceiling
}

// TestHunt: what shippers send, in every form that they send it.
func TestHunt(t *testing.T) {
	h := newHunter(t, HuntLimits{})
	lines := []byte(strings.Join(huntRecords, "\n") + "\n")
	array := []byte("[" + strings.Join(huntRecords, ",") + "]")
	for name, tt := range map[string]struct {
		body    []byte
		headers []string
	}{
		"Vector, ndjson":               {lines, []string{"Content-Type", "application/x-ndjson"}},
		"Vector, json":                 {array, []string{"Content-Type", "application/json"}},
		"Vector, text, gzip":           {gzipped(lines), []string{"Content-Type", "text/plain", "Content-Encoding", "gzip"}},
		"Vector, zstd":                 {zstandard(lines, 1<<20), []string{"Content-Encoding", "zstd"}},
		"Fluent Bit, json":             {array, []string{"Content-Type", "application/json"}},
		"Fluent Bit, json, gzip":       {gzipped(array), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}},
		"Fluent Bit, json_lines":       {lines, []string{"Content-Type", "application/x-ndjson"}},
		"Fluent Bit, json_stream":      {[]byte(strings.Join(huntRecords, "")), []string{"Content-Type", "application/stream+json"}},
		"curl, a file":                 {gzipped(lines), []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"without its last line end":    {bytes.TrimSpace(lines), nil},
		"an array over several lines":  {[]byte("[\n  " + strings.Join(huntRecords, ",\n  ") + "\n]\n"), nil},
		"in two members of one stream": {append(gzipped([]byte(huntRecords[0]+"\n")), gzipped([]byte(strings.Join(huntRecords[1:], "\n")))...), nil},
	} {
		matches, last := h.do("", tt.body, tt.headers...)
		if last.Error != nil || len(matches) != 2 || last.Summary.Lines != 4 || last.Summary.Matched != 2 || last.Summary.Matches != 2 {
			t.Errorf("%s: %+v, %+v, %+v", name, matches, last.Summary, last.Error)
			continue
		}
		a, b := matches[0], matches[1]
		if a.Line != 1 || a.Indicator.Value != "evil-one.com" || a.Relation != "subdomain" || a.Time != "2026-01-01T10:00:00Z" || a.Source != "10.0.0.5" || a.Direction != "out" ||
			a.Field != "dns.rrname" || a.Text != huntRecords[0] || a.Indicator.Confidence < 50 || len(a.Profiles) != 1 || a.Profiles[0].Title != "snake keylogger" {
			t.Errorf("%s: %+v", name, a)
		}
		if b.Line != 3 || b.Indicator.Value != "20.103.85.0/24" || b.Relation != "network" || b.Direction != "in" || b.Text != huntRecords[2] {
			t.Errorf("%s: %+v", name, b)
		}
	}
	zeek := "#separator \\x09\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\n1767261600.0\t10.0.0.6\t5000\t20.103.85.7\t443\n"
	if matches, _ := h.do("", []byte(zeek)); len(matches) != 1 || matches[0].Field != "id.resp_h" || matches[0].Source != "10.0.0.6" {
		t.Errorf("Zeek: %+v", matches)
	}
	if matches, last := h.do("?minConfidence=100", lines); len(matches) != 0 || last.Summary.Matches != 0 {
		t.Errorf("above their confidence: %+v", matches)
	}
	if _, last := h.do("", nil); last.Error != nil || last.Summary.Lines != 0 {
		t.Errorf("nothing: %+v", last)
	}
}

// TestHuntSave: what streams in is kept once, however often a shipper sends it.
func TestHuntSave(t *testing.T) {
	h := newHunter(t, HuntLimits{})
	body := []byte(strings.Join(huntRecords, "\n"))
	for i, want := range []savedCount{{2, 0, 2}, {0, 0, 0}} {
		if matches, last := h.do("?save=1&answer=summary&log=dns", body); last.Error != nil || len(matches) != 0 || last.Summary.Matches != 2 || last.Summary.Saved == nil || *last.Summary.Saved != want {
			t.Errorf("time %d: %+v %+v", i+1, last.Summary, last.Summary.Saved)
		}
	}
	w := send(h.s, "GET", "/api/sightings", "", "Authorization", h.token)
	for _, part := range []string{`"origin":"stream"`, `"log":"dns"`, `"savedBy":"shipper"`, `"host":"10.0.0.80"`, `"lines":2,"hosts":2,"indicators":2`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("%s lacks %s", w.Body, part)
		}
	}
}

// TestHuntRefused: who may not, what is wrong, and what is too much.
func TestHuntRefused(t *testing.T) {
	h := newHunter(t, HuntLimits{Bytes: 1000})
	status := func(want int, query string, body []byte, headers ...string) {
		t.Helper()
		w := h.request(query, bytes.NewReader(body), headers...)
		text, _ := io.ReadAll(w.Body)
		w.Body.Close()
		if w.StatusCode != want {
			t.Errorf("%s %v: %d %s, want %d", query, headers, w.StatusCode, text, want)
		}
	}
	reader := newToken(t, h.s, h.st, "reader", intel.Red, auth.ReadAll, auth.ReadWrite)
	status(403, "", nil, "Authorization", reader)
	status(400, "?svae=1", nil)
	status(400, "?save=maybe", nil)
	status(400, "?answer=all", nil)
	status(400, "?minConfidence=101", nil)
	status(415, "", nil, "Content-Encoding", "br")
	status(400, "?answer=summary", []byte("\x1f\x8b\x08\x00broken gzip that goes on"))
	status(413, "?answer=summary", []byte(strings.Repeat("x\n", 501)))
	status(200, "?answer=summary", []byte(strings.Repeat("x\n", 500)))
	status(413, "?answer=summary", gzipped(bytes.Repeat([]byte("x"), 1<<20))) // decompressed
	h.s.huntLimits.Bytes = 1 << 30
	large := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	status(400, "?answer=summary", zstandard(large, 64<<20)) // its window would take 64 MiB

	// What came before the fault is told, and so is the fault.
	h.s.huntLimits.Bytes = 1000
	matches, last := h.do("", []byte("evil-one.com\n"+strings.Repeat("x\n", 600)))
	if len(matches) != 1 || last.Error == nil || last.Error.Code != codeTooLarge {
		t.Errorf("%+v, %+v", matches, last.Error)
	}
	cut := gzipped([]byte("evil-one.com\n" + strings.Repeat("x\n", 100)))
	if _, last = h.do("", cut[:len(cut)-8]); last.Error == nil || !strings.Contains(last.Error.Message, "gzip") {
		t.Errorf("cut off: %+v", last.Error)
	}
}

// open sends a line now and then and reads what comes back.
type openHunt struct {
	t     *testing.T
	in    *io.PipeWriter
	lines *bufio.Reader
	done  func()
}

func (h *hunter) open(query string) *openHunt {
	h.t.Helper()
	r, w := io.Pipe()
	answer := make(chan *http.Response, 1)
	go func() { answer <- h.request(query, r) }()
	if _, err := io.WriteString(w, "a first line that holds nothing\n"); err != nil {
		h.t.Fatal(err)
	}
	a := <-answer
	if a.StatusCode != 200 {
		h.t.Fatalf("%d", a.StatusCode)
	}
	return &openHunt{h.t, w, bufio.NewReader(a.Body), func() { a.Body.Close() }}
}

// ask sends a line and returns what is told of it, and how long that took.
func (o *openHunt) ask(line string) (m huntLine, took time.Duration) {
	o.t.Helper()
	start := time.Now()
	if _, err := io.WriteString(o.in, line+"\n"); err != nil {
		o.t.Fatal(err)
	}
	text, err := o.lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		o.t.Fatalf("%s: %q, %v", line, text, err)
	}
	return m, time.Since(start)
}

// TestHuntLive: a match is told while the log goes on, and what becomes an indicator meanwhile is looked for.
func TestHuntLive(t *testing.T) {
	h := newHunter(t, HuntLimits{})
	o := h.open("")
	defer o.done()
	best := time.Hour
	for range 20 {
		m, took := o.ask("x evil-one.com y")
		if m.Indicator.Value != "evil-one.com" {
			t.Fatalf("%+v", m)
		}
		best = min(best, took)
	}
	t.Logf("a match is told after %s", best)
	if best > 10*time.Millisecond {
		t.Errorf("the fastest of 20 matches was told after %s", best)
	}
	h.observe(intel.Clear, "evil-two.com")
	h.s.matchers.mu.Lock() // as if a while had passed
	h.s.matchers.byCeiling[intel.Green].current.at = time.Now().Add(-time.Hour / 2)
	h.s.matchers.byCeiling[intel.Green].current.took = 0
	h.s.matchers.mu.Unlock()
	for n := int64(22); ; n++ {
		if _, err := io.WriteString(o.in, "evil-two.com\n"); err != nil {
			t.Fatal(err)
		}
		m, _ := o.ask("evil-one.com")
		n++
		if m.Indicator.Value == "evil-two.com" {
			if m.Line != n-1 {
				t.Errorf("line %d, want %d", m.Line, n-1)
			}
			break
		}
		if n > 100_000 {
			t.Fatal("the new indicator is never found")
		}
		time.Sleep(time.Millisecond)
	}
	o.in.Close()
	rest, err := io.ReadAll(o.lines)
	if err != nil || !strings.Contains(string(rest), `{"summary":{"lines":`) || strings.Contains(string(rest), `"error"`) {
		t.Errorf("%.300s, %v", rest, err)
	}
}

// TestHuntMany: many streams share one matcher; more than there may be are refused, until one has ended.
func TestHuntMany(t *testing.T) {
	h := newHunter(t, HuntLimits{Streams: 8, PerClient: 8})
	var all []*openHunt
	for range 8 {
		all = append(all, h.open(""))
	}
	w := h.request("", strings.NewReader("x\n"))
	w.Body.Close()
	if w.StatusCode != 429 || w.Header.Get("Retry-After") == "" {
		t.Errorf("a ninth: %d", w.StatusCode)
	}
	var wg sync.WaitGroup
	for i, o := range all {
		wg.Go(func() {
			for range 50 {
				if m, _ := o.ask(fmt.Sprintf("20.103.85.%d", i)); m.Indicator.Value != "20.103.85.0/24" {
					t.Errorf("%+v", m)
				}
			}
		})
	}
	wg.Wait()
	h.s.matchers.mu.Lock()
	if n := len(h.s.matchers.byCeiling); n != 1 {
		t.Errorf("%d matchers", n)
	}
	h.s.matchers.mu.Unlock()
	for _, o := range all {
		o.in.Close()
		_, _ = io.ReadAll(o.lines)
		o.done()
	}
	if _, last := h.do("", []byte("x\n")); last.Summary.Lines != 1 {
		t.Errorf("after all have ended: %+v", last)
	}
}

// TestHuntGone: a client that goes away, or does not read the answer, leaves nothing behind.
func TestHuntGone(t *testing.T) {
	h := newHunter(t, HuntLimits{Streams: 1})
	h.s.patience = time.Second
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/hunt HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nTransfer-Encoding: chunked\r\n\r\n", h.token)
	chunk := strings.Repeat("evil-one.com "+strings.Repeat("x", 4000)+"\n", 10)
	_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	sent := 0
	for ; sent < 10_000; sent++ { // 400 MB, of which nothing is read back
		if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(chunk), chunk); err != nil {
			break
		}
	}
	if sent == 10_000 {
		t.Error("all of it was taken")
	}
	for range 200 {
		h.s.huntStreams.mu.Lock()
		open := h.s.huntStreams.open
		h.s.huntStreams.mu.Unlock()
		if open == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("its stream is still open")
}
