package api

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dossier/internal/publish"

	kgzip "github.com/klauspost/compress/gzip"
)

// An answer is a complete response.
type answer struct {
	status      int // 0 is 200
	contentType string
	header      http.Header // further headers, may be nil
	body        []byte
	file        *publish.Spooled          // in place of body; it is closed when it was sent
	stream      func(http.ResponseWriter) // in place of body: writes the answer itself, status included
	packed      *packed                   // set if the answer is remembered; then nothing of it may change
	labels      labels                    // of the request that it was made for
}

// gzipAbove is the size from which compressing pays: less fits one packet.
const gzipAbove = 1400

var gzipWriters = sync.Pool{New: func() any {
	w, _ := kgzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return w
}}

// always are the values of headers that every response has, under their canonical
// names: to make them each time is a part of what a small answer costs. Nobody may
// change them.
var always = struct{ cache, noSniff, odata, vary, varyGraph []string }{
	[]string{"no-cache"}, []string{"nosniff"}, []string{"4.0"}, []string{"Accept-Encoding"}, []string{"Accept-Encoding", "Accept, Prefer"},
}

// write sends an answer with the headers that every response has.
func (s *Server) write(w http.ResponseWriter, r *request, a *answer) {
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h["Request-Id"] = []string{r.id}
	h["Client-Request-Id"] = []string{r.clientID}
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = always.cache
	}
	h["X-Content-Type-Options"] = always.noSniff
	vary := always.vary
	if r.graph {
		h["Odata-Version"] = always.odata
		vary = always.varyGraph
	}
	if own := h["Vary"]; own != nil {
		vary = slices.Concat(own, vary)
	}
	h["Vary"] = vary
	if a.stream != nil {
		a.stream(w)
		return
	}
	if a.file != nil {
		h.Set("Content-Type", a.contentType)
		s.sendFile(w, r, a)
		return
	}
	status := a.status
	if status == 0 {
		status = http.StatusOK
	}
	if a.contentType != "" {
		h["Content-Type"] = []string{a.contentType}
	}
	if status == http.StatusNotModified {
		s.send(w, status, nil)
		return
	}
	body := a.body
	if len(body) >= gzipAbove && acceptsGzip(r.Header) {
		body = a.compressed()
		r.hold(len(body))
		h.Set("Content-Encoding", "gzip")
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if r.Method == http.MethodHead {
		body = nil
	}
	s.send(w, status, body)
}

// A body is sent in pieces of so many bytes, and each must be taken in that time:
// who reads slowly but steadily gets it all, who stops reading is cut off.
const (
	piece         = 64 << 10
	piecePatience = 20 * time.Second
)

// send writes a response and returns when it has been handed over, or the client
// is gone or too slow. Nothing can be done for it then.
func (s *Server) send(w http.ResponseWriter, status int, body []byte) {
	c := http.NewResponseController(w)
	extend := func() { _ = c.SetWriteDeadline(time.Now().Add(s.patience)) } // a recorder has no deadline
	extend()
	w.WriteHeader(status)
	for len(body) > 0 {
		n := min(len(body), piece)
		if _, err := w.Write(body[:n]); err != nil {
			return
		}
		if body = body[n:]; n == piece {
			extend()
		}
	}
	_ = c.Flush() // the request is under way until then
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z := gzipWriters.Get().(*kgzip.Writer)
	defer gzipWriters.Put(z)
	z.Reset(&b)
	_, _ = z.Write(body) // a Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// acceptsGzip reads Accept-Encoding: gzip must be named with a weight above zero,
// or be covered by "*".
func acceptsGzip(h http.Header) bool {
	star := false
	for _, item := range list(h.Values("Accept-Encoding")) {
		name, params, _ := strings.Cut(item, ";")
		ok := weight(params) > 0
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			return ok
		case "*":
			star = ok
		}
	}
	return star
}

// list splits the values of a header at commas; empty items vanish. Commas inside
// quotation marks do not split.
func list(values []string) []string {
	var out []string
	for _, v := range values {
		start, quoted := 0, false
		for i := 0; i <= len(v); i++ {
			switch {
			case i < len(v) && v[i] == '"':
				quoted = !quoted
			case i == len(v) || v[i] == ',' && !quoted:
				if item := strings.TrimSpace(v[start:i]); item != "" {
					out = append(out, item)
				}
				start = i + 1
			}
		}
	}
	return out
}

// weight returns the q among parameters, 1 if there is none or it is malformed.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			if q, err := strconv.ParseFloat(value, 64); err == nil && q >= 0 {
				return q
			}
		}
	}
	return 1
}
