package api

import (
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"dossier/internal/export"
	"dossier/internal/publish"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// exportTimeout is how long an export may take to make.
const exportTimeout = 5 * time.Minute

// exportFresh is how long an export is served without looking whether the passing
// of time has changed it. A change of the data is seen at once.
const exportFresh = time.Minute

// exportFormats answers GET /api/export: the formats.
func exportFormats(r *request) (*answer, error) {
	list := formatList{Formats: []formatEntry{}}
	for _, f := range export.Formats() {
		e := formatEntry{Name: f.Name, About: f.About, MediaType: f.MediaType, Max: f.Max, Kinds: []string{}}
		for _, k := range f.Kinds {
			e.Kinds = append(e.Kinds, string(k))
		}
		list.Formats = append(list.Formats, e)
	}
	return r.document(list)
}

type formatList struct {
	Formats []formatEntry `json:"formats"`
}

type formatEntry struct {
	Name      string   `json:"name"`
	About     string   `json:"about"`
	MediaType string   `json:"mediaType"`
	Kinds     []string `json:"kinds"`         // empty: all
	Max       int      `json:"max,omitempty"` // entries
}

// exportIndicators answers GET /api/export/{format}?$filter=&profile=&minConfidence=&view=&max=&audience=
// with a file. It is kept, so that conditional requests and ranges cost nothing.
func exportIndicators(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	req := publish.Request{Format: r.ids[0]}
	texts := map[string]*string{"filter": &req.Filter, "profile": &req.Profile, "audience": (*string)(&req.Audience), "view": (*string)(&req.View)}
	numbers := map[string]*int{"minConfidence": &req.MinConfidence, "max": &req.Max}
	for _, given := range p {
		name := strings.TrimPrefix(given.Name, "$")
		known := false
		for want, to := range texts {
			if strings.EqualFold(name, want) {
				*to, known = given.Value, true
			}
		}
		for want, to := range numbers {
			if strings.EqualFold(name, want) {
				if *to, err = strconv.Atoi(given.Value); err != nil || *to < 0 {
					return nil, badRequest("Invalid value of "+want+": expected a whole number, found '"+clip(given.Value)+"'.", want)
				}
				known = true
			}
		}
		if !known { // a misspelt filter would publish everything
			return nil, badRequest("The parameter '"+clip(given.Name)+"' is not known: use $filter, profile, minConfidence, view, max, audience.", clip(given.Name))
		}
		if len(p.all(name)) > 1 {
			return nil, badRequest("The parameter '"+clip(given.Name)+"' was specified more than once.", clip(given.Name))
		}
	}
	file, err := r.s.spool.Open(r.Context(), r.s.store, req, r.ceiling())
	if err != nil {
		var m *publish.Mistake
		if errors.As(err, &m) {
			if m.Field == "format" {
				return nil, fail(http.StatusNotFound, codeNotFound, "No such "+m.Message+".")
			}
			return nil, badRequest(m.Message, m.Field)
		}
		return nil, err
	}
	f, _ := export.Lookup(req.Format) // Open has found it
	h := http.Header{
		"Content-Disposition": {mime.FormatMediaType("inline", map[string]string{"filename": "dossier-" + f.Name + f.Extension})},
		"Cache-Control":       {"private, no-cache"},
		"Dossier-Entries":     {strconv.Itoa(file.Result.Written)},
		"Dossier-Left-Out":    {strconv.Itoa(leftOut(file.Result))},
	}
	for _, c := range file.Result.Credits {
		h.Add("Dossier-Credit", strings.Map(func(c rune) rune {
			if c < ' ' || c > '~' {
				return -1
			}
			return c
		}, c))
	}
	return &answer{contentType: f.MediaType, header: h, file: file}, nil
}

// leftOut counts what the selection has and the file does not.
func leftOut(r publish.Result) int {
	n := r.Over + r.Repeated
	for _, more := range []map[string]int{r.Skipped, r.Refused, r.Withheld} {
		for _, m := range more {
			n += m
		}
	}
	return n
}

// sendFile sends the file of an answer: whole or in ranges, or compressed in one
// stream, whichever the client asks for. The headers of every answer are set.
func (s *Server) sendFile(w http.ResponseWriter, r *request, a *answer) {
	defer a.file.Close()
	h := w.Header()
	coding := ""
	if r.Header.Get("Range") == "" {
		coding = acceptedCoding(r.Header)
	}
	tag := `"` + a.file.Tag + `"`
	if coding != "" {
		tag = `"` + a.file.Tag + "-" + coding + `"`
	}
	h.Set("ETag", tag)
	out := &patient{w, http.NewResponseController(w), s.patience}
	if coding == "" || r.notModified(tag) || r.unchangedSince(a.file.Modified) {
		// This knows of If-None-Match, If-Modified-Since, If-Range and Range.
		http.ServeContent(out, r.Request, "", a.file.Modified, a.file)
		return
	}
	h.Set("Last-Modified", a.file.Modified.UTC().Format(http.TimeFormat))
	h.Set("Content-Encoding", coding)
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	var z io.WriteCloser
	if coding == "zstd" {
		z, _ = zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)) // the options are valid
	} else {
		z, _ = kgzip.NewWriterLevel(out, gzip.BestSpeed)
	}
	if _, err := io.Copy(z, a.file); err == nil {
		_ = z.Close() // as below: the client is gone, and nothing can be done for it
	}
}

// unchangedSince reports whether If-Modified-Since counts and names a time at or after t.
func (r *request) unchangedSince(t time.Time) bool {
	if r.Header.Get("If-None-Match") != "" {
		return false
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !t.After(since)
}

// acceptedCoding returns zstd or gzip if the client takes it, zstd first.
func acceptedCoding(h http.Header) string {
	for _, item := range list(h.Values("Accept-Encoding")) {
		name, params, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(name), "zstd") && weight(params) > 0 {
			return "zstd"
		}
	}
	if acceptsGzip(h) {
		return "gzip"
	}
	return ""
}

// A patient writer gives the client time for each piece, as send does.
type patient struct {
	http.ResponseWriter
	c        *http.ResponseController
	patience time.Duration
}

func (p *patient) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		_ = p.c.SetWriteDeadline(time.Now().Add(p.patience)) // a recorder has no deadline
		m, err := p.ResponseWriter.Write(b[:min(len(b), piece)])
		n += m
		if err != nil {
			return n, err
		}
		b = b[m:]
	}
	return n, nil
}
