package fetch

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// A State is what is remembered of a body, to ask whether there is a newer one.
// Keep it only once the body was taken in.
type State struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	Hash         string `json:"hash,omitempty"` // SHA-256 of the body, in hex
	Size         int64  `json:"size,omitempty"`
	Whole        int64  `json:"whole,omitempty"` // when the body was last seen whole, in milliseconds
}

// trust is how long a server is believed that says that nothing has changed. After
// that the whole body is asked for: there are servers, and caches before them,
// that keep an ETag while the content changes.
const trust = 7 * 24 * time.Hour

// A Target is what to fetch.
type Target struct {
	URL    string
	Header http.Header
	State  State // of the last time; zero asks without conditions
	HTML   bool  // web pages are wanted; otherwise they are an error
}

// overlap is how much of what is there is fetched again when a transfer is
// resumed: if it differs, the body changed meanwhile.
const overlap = 4 << 10

// Spool writes a body into f, which is empty, and returns what to remember of
// it. A broken transfer is resumed where it broke if the server lets it, else
// begun anew. The content of f is decompressed if the transfer was compressed; a
// file that is an archive itself stays one.
//
// The error is [ErrUnchanged] if the server has nothing that was not there last
// time; the state is to be kept then as well. Else it is as of [Client.Do], or a
// *[BodyError].
func (c *Client) Spool(ctx context.Context, t Target, f *os.File) (State, error) {
	s := &spool{c: c, t: t, f: f}
	l, began := c.Limits.orDefaults(), time.Now()
	for broken := 1; ; broken++ {
		err := s.attempt(ctx)
		if err == nil {
			return s.done(time.Now())
		}
		if errors.Is(err, ErrUnchanged) {
			return t.State, err
		}
		if !s.began || !resumable(err) || ctx.Err() != nil {
			return State{}, err // Do has tried already
		}
		s.plain = true // a compressed transfer cannot be resumed
		if broken >= l.Attempts || time.Since(began) > l.Total {
			return State{}, s.about(&triedError{err, broken})
		}
		if err := c.sleep(ctx, min(Backoff(broken), l.Wait)); err != nil {
			return State{}, err
		}
	}
}

// resumable reports whether another attempt at a body may do better.
func resumable(err error) bool {
	var body *BodyError
	var refused *RefusedError
	return !errors.As(err, &body) && !errors.As(err, &refused) && !isLocal(err)
}

// A localError is about the file that is written, not about the server.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

func isLocal(err error) bool {
	var l *localError
	return errors.As(err, &l)
}

type spool struct {
	c       *Client
	t       Target
	f       *os.File
	req     *http.Request
	began   bool // an answer with a body has come
	plain   bool // no compression
	have    int64
	etag    string // strong, of the body that have bytes are of
	header  http.Header
	noRange bool
}

func (s *spool) about(err error) error { return s.c.about(s.req.URL, err) }

func (s *spool) attempt(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.t.URL, nil)
	if err != nil {
		return &RefusedError{"the address is not one that can be fetched"} // the error would show secrets
	}
	s.req = req
	for name, values := range s.t.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	from := s.have - overlap
	resume := from > 0 && s.etag != "" && !s.noRange
	req.Header.Set("Accept-Encoding", "gzip")
	if s.plain {
		req.Header.Set("Accept-Encoding", "identity")
	}
	switch last := s.t.State; {
	case resume:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		req.Header.Set("If-Range", s.etag)
	case s.began || last.Hash == "" || time.Since(time.UnixMilli(last.Whole)) > trust:
	default:
		if last.ETag != "" {
			req.Header.Set("If-None-Match", last.ETag)
		}
		if last.LastModified != "" {
			req.Header.Set("If-Modified-Since", last.LastModified)
		}
	}
	res, err := s.c.Do(req)
	var status *StatusError
	if resume && errors.As(err, &status) && status.Code == http.StatusRequestedRangeNotSatisfiable {
		s.noRange = true
		return err // begins anew
	}
	if err != nil {
		s.began = s.began && !errors.As(err, &status)
		return err
	}
	defer res.Body.Close()
	s.req = res.Request // of the last hop
	if err := s.take(res, resume, from); err != nil && !errors.Is(err, ErrUnchanged) && !errors.Is(err, context.Canceled) {
		return s.about(err)
	} else if err != nil {
		return err
	}
	return nil
}

func (s *spool) take(res *http.Response, resume bool, from int64) error {
	switch {
	case res.StatusCode == http.StatusNotModified && res.Request.Header.Get("If-None-Match")+res.Request.Header.Get("If-Modified-Since") != "":
		return ErrUnchanged
	case res.StatusCode == http.StatusPartialContent && resume:
		return s.rest(res, from)
	case res.StatusCode == http.StatusOK:
		return s.whole(res)
	}
	return &BodyError{fmt.Sprintf("the server answered %d %s where a body was expected", res.StatusCode, http.StatusText(res.StatusCode))}
}

// whole takes a body from its first byte on.
func (s *spool) whole(res *http.Response) error {
	if limit := s.c.Limits.orDefaults().Bytes; res.ContentLength > limit {
		return tooLarge(limit)
	}
	s.began, s.have, s.etag, s.header = true, 0, "", res.Header
	if err := s.f.Truncate(0); err != nil {
		return &localError{err}
	}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return &localError{err}
	}
	var in io.Reader = res.Body
	switch enc := strings.ToLower(strings.TrimSpace(res.Header.Get("Content-Encoding"))); enc {
	case "", "identity":
		if tag := res.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
			s.etag = tag
		}
	case "gzip", "x-gzip":
		z, err := newInflater(res.Body, s.c.Limits.orDefaults().Bytes)
		if err != nil {
			return fmt.Errorf("the compressed body: %w", err)
		}
		defer z.Close()
		in = z
	default:
		return &BodyError{fmt.Sprintf("the body is encoded as %q, which nobody asked for", clip(enc))}
	}
	br := bufio.NewReaderSize(in, 64<<10)
	head, err := br.Peek(1024)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !s.t.HTML && isPage(head) {
		return &BodyError{"the server sent a web page, not data" + titled(head)}
	}
	return s.write(br)
}

// rest takes the part of a body that is missing.
func (s *spool) rest(res *http.Response, from int64) error {
	start, ok := rangeStart(res.Header.Get("Content-Range"))
	if !ok || start != from || res.Header.Get("Content-Encoding") != "" {
		s.noRange = true
		return errors.New("the server resumed at another place than asked for")
	}
	want, got := make([]byte, overlap), make([]byte, overlap)
	if _, err := s.f.ReadAt(want, from); err != nil {
		return &localError{err}
	}
	if _, err := io.ReadFull(res.Body, got); err != nil {
		return err
	}
	if !bytes.Equal(want, got) {
		s.noRange = true
		return errors.New("the body changed while it was fetched, under the same ETag")
	}
	if _, err := s.f.Seek(s.have, io.SeekStart); err != nil {
		return &localError{err}
	}
	return s.write(res.Body)
}

func rangeStart(v string) (int64, bool) {
	v, ok := strings.CutPrefix(v, "bytes ")
	if !ok {
		return 0, false
	}
	first, _, _ := strings.Cut(v, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	return n, err == nil
}

// write appends to the file, which never grows beyond the limit.
func (s *spool) write(r io.Reader) error {
	limit := s.c.Limits.orDefaults().Bytes
	n, err := io.Copy(fileWriter{s.f}, io.LimitReader(r, limit-s.have+1))
	s.have += n
	if err == nil && s.have > limit {
		return tooLarge(limit)
	}
	return err
}

type fileWriter struct{ f *os.File }

func (w fileWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = &localError{fmt.Errorf("writing what was fetched to the disk: %w", err)}
	}
	return n, err
}

// done computes the state of a whole body.
func (s *spool) done(now time.Time) (State, error) {
	st := State{ETag: s.header.Get("ETag"), LastModified: s.header.Get("Last-Modified"), Size: s.have, Whole: now.UnixMilli()}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return st, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, s.f); err != nil {
		return st, err
	}
	st.Hash = hex.EncodeToString(h.Sum(nil))
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return st, err
	}
	if st.Hash == s.t.State.Hash {
		s.t.State = st
		return st, ErrUnchanged
	}
	return st, nil
}

// An inflater undoes compression, and tells a bomb by what comes out of what
// goes in.
type inflater struct {
	*gzip.Reader
	in    *counter
	out   int64
	limit int64
}

// Real lists shrink to a tenth, at best to a fiftieth; deflate can do a thousandth.
const (
	bombRatio = 200
	bombSize  = 64 << 20
)

func newInflater(r io.Reader, limit int64) (*inflater, error) {
	in := &counter{r: r}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return &inflater{z, in, 0, limit}, nil
}

// Read implements [io.Reader].
func (z *inflater) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	z.out += int64(n)
	switch {
	case z.out > z.limit:
		return 0, tooLarge(z.limit)
	case z.out > bombSize && z.out > bombRatio*z.in.n:
		return 0, &BodyError{fmt.Sprintf("the body inflates to more than %d times its size: refused as a bomb", bombRatio)}
	}
	return n, err
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// isPage reports whether a body is a web page: what a server sends that wants a
// sign-in, or has moved.
func isPage(head []byte) bool {
	head = bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	for bytes.HasPrefix(head, []byte("<!--")) {
		_, after, ok := bytes.Cut(head, []byte("-->"))
		if !ok {
			return false
		}
		head = bytes.TrimLeft(after, " \t\r\n")
	}
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<title", "<script"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return true
		}
	}
	return false
}

// titled names a web page by its title, if that is near.
func titled(head []byte) string {
	lower := bytes.ToLower(head)
	i := bytes.Index(lower, []byte("<title>"))
	if i < 0 {
		return ""
	}
	title, _, ok := bytes.Cut(head[i+len("<title>"):], []byte("<"))
	if !ok {
		return ""
	}
	return cmp.Or(strings.TrimSuffix(fmt.Sprintf(": %q", plain(title)), `: ""`), "")
}
