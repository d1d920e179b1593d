// Package taxii is a client of TAXII 2.1 servers (OASIS Standard, 10 June 2021).
// It knows nothing of STIX but that objects are JSON.
//
// Start at [Client.Locate], which finds out what an address is, and
// [Client.Poll], which reads a collection page by page and can go on where it
// was interrupted.
//
// The rules of the package, each for servers that were met:
//
//   - A page is the last one unless "more" is true (5.1). "next" goes with the
//     same added_after as the page before; there are servers on which it is a
//     bare page number.
//   - The mark for the next poll is the latest of all X-TAXII-Date-Added-First and
//     -Last of the pages, not what the last page says, and never from objects'
//     own times. Values that are no time ("undefined"), or lie in the future,
//     are none. Without a mark, the next poll reads everything again.
//   - A poll begins a little before the mark: several objects may have been added
//     in the same moment, some of them after the last poll. Reading twice is
//     harmless.
//   - What leads nowhere (a "next" that was there before, "more" without a way
//     on) is an error, not a loop.
package taxii

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Doer sends a request with whatever patience it has. For answers of 400 and
// more its error has a method StatusCode.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// A Client speaks to one server. Its fields are set before the first use. It is
// used by one goroutine.
type Client struct {
	HTTP   Doer
	Header http.Header // sent with every request: credentials

	accept int // index into accepts of what the server takes
}

// accepts are spellings of the media type, the standard's first; 406 leads to the
// next.
var accepts = []string{"application/taxii+json;version=2.1", "application/taxii+json; version=2.1", "application/taxii+json", "application/json"}

// maxPage is the largest page that is read, in bytes.
const maxPage = 256 << 20

// Discovery is what a server says of itself (4.1).
type Discovery struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Contact     string   `json:"contact"`
	Default     string   `json:"default"`
	APIRoots    []string `json:"api_roots"`
}

// Root is what a server says of an API root (4.2).
type Root struct {
	Title    string   `json:"title"`
	Versions []string `json:"versions"`
}

// A Collection is what objects are kept in (5.2).
type Collection struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Alias       string   `json:"alias"`
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types"`

	URL string `json:"-"` // with a slash at the end
}

// Locate returns the readable collections that an address leads to: those of all
// API roots of a server, of one root, or the one collection. There may be both
// collections and an error: about a root that could not be asked just now. Roots
// that are closed to these credentials, or elsewhere, are passed over if others
// are not.
func (c *Client) Locate(ctx context.Context, address string) ([]Collection, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the TAXII server cannot be read")
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	var what struct {
		Default     string          `json:"default"`
		APIRoots    []string        `json:"api_roots"`
		Versions    []string        `json:"versions"`
		ID          string          `json:"id"`
		Title       json.RawMessage `json:"title"`
		CanRead     bool            `json:"can_read"`
		Collections []Collection    `json:"collections"`
	}
	if _, err := c.get(ctx, base, &what); err != nil {
		return nil, err
	}
	switch {
	case len(what.APIRoots) > 0 || what.Default != "":
		return c.ofRoots(ctx, base, Discovery{Default: what.Default, APIRoots: what.APIRoots})
	case what.ID != "":
		one := Collection{ID: what.ID, CanRead: what.CanRead, URL: base.String()}
		_ = json.Unmarshal(what.Title, &one.Title) // a name for people
		return readable([]Collection{one})
	case what.Collections != nil:
		return inRoot(base, what.Collections)
	case len(what.Versions) > 0:
		return c.ofRoot(ctx, base, Root{Versions: what.Versions})
	}
	return nil, errors.New("neither a TAXII 2.1 server, nor an API root, nor a collection")
}

func (c *Client) ofRoots(ctx context.Context, base *url.URL, d Discovery) ([]Collection, error) {
	roots := d.APIRoots
	if len(roots) == 0 {
		roots = []string{d.Default}
	}
	var all []Collection
	var failed, broken []error
	for _, r := range roots {
		root, err := base.Parse(r)
		if err != nil {
			failed = append(failed, fmt.Errorf("API root %q cannot be read", r))
			continue
		}
		if root.Host != base.Host {
			// Credentials are for the host that the user named.
			failed = append(failed, fmt.Errorf("API root %s is on another host; give its address instead", root.Redacted()))
			continue
		}
		root.Scheme = base.Scheme // servers behind a proxy say http
		if !strings.HasSuffix(root.Path, "/") {
			root.Path += "/"
		}
		var info Root
		_, err = c.get(ctx, root, &info)
		var list []Collection
		if err == nil {
			list, err = c.ofRoot(ctx, root, info)
		}
		var closed *closedError
		switch code := status(err); {
		case err == nil:
			all = append(all, list...)
		case code == 0 && !errors.As(err, &closed), code >= 500, code == http.StatusTooManyRequests:
			broken = append(broken, err)
		default:
			failed = append(failed, err)
		}
	}
	if len(all) == 0 {
		return nil, errors.Join(append(broken, failed...)...)
	}
	return all, errors.Join(broken...)
}

// A closedError is about what these credentials, or this version, do not open.
type closedError struct{ msg string }

func (e *closedError) Error() string { return e.msg }

func (c *Client) ofRoot(ctx context.Context, root *url.URL, info Root) ([]Collection, error) {
	speaks := len(info.Versions) == 0
	for _, v := range info.Versions {
		speaks = speaks || strings.Contains(v, "2.1") || v == "application/taxii+json"
	}
	if !speaks {
		return nil, &closedError{fmt.Sprintf("API root %s speaks %s, not TAXII 2.1", root.Redacted(), strings.Join(info.Versions, ", "))}
	}
	at := root.JoinPath("collections/")
	var list struct {
		Collections []Collection `json:"collections"`
	}
	if _, err := c.get(ctx, at, &list); err != nil {
		return nil, err
	}
	return inRoot(at, list.Collections)
}

func inRoot(at *url.URL, list []Collection) ([]Collection, error) {
	for i := range list {
		list[i].URL = at.JoinPath(url.PathEscape(list[i].ID) + "/").String()
	}
	return readable(list)
}

func readable(list []Collection) ([]Collection, error) {
	var out []Collection
	for _, c := range list {
		if c.CanRead {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, &closedError{fmt.Sprintf("none of the %d collections may be read with these credentials", len(list))}
	}
	return out, nil
}

// A Filter selects objects of a collection; its zero value selects the last
// version of all. Values of a field are alternatives.
type Filter struct {
	IDs          []string // match[id]
	Types        []string // match[type]
	Versions     []string // match[version]: "all", "first", "last" or timestamps
	SpecVersions []string // match[spec_version]
}

func (f Filter) values() url.Values {
	q := url.Values{}
	for name, list := range map[string][]string{"id": f.IDs, "type": f.Types, "version": f.Versions, "spec_version": f.SpecVersions} {
		if len(list) > 0 {
			q.Set("match["+name+"]", strings.Join(list, ","))
		}
	}
	return q
}

// Versions returns the versions that a collection has of an object, oldest first
// (5.8).
func (c *Client) Versions(ctx context.Context, collection, id string) ([]string, error) {
	base, err := url.Parse(collection)
	if err != nil {
		return nil, err
	}
	var out []string
	at, next := base.JoinPath("objects", url.PathEscape(id), "versions/"), ""
	seen := map[string]bool{}
	for {
		q := url.Values{}
		if next != "" {
			q.Set("next", next)
		}
		at.RawQuery = q.Encode()
		var page struct {
			More     bool     `json:"more"`
			Next     string   `json:"next"`
			Versions []string `json:"versions"`
		}
		if _, err := c.get(ctx, at, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Versions...)
		if !page.More {
			return out, nil
		}
		if next = page.Next; next == "" || seen[next] {
			return nil, errNoWay
		}
		seen[next] = true
	}
}

// get reads one resource into v and returns the answer's headers.
func (c *Client) get(ctx context.Context, u *url.URL, v any) (http.Header, error) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, errors.New("the address cannot be read")
		}
		for name, values := range c.Header {
			req.Header[http.CanonicalHeaderKey(name)] = values
		}
		req.Header.Set("Accept", accepts[c.accept])
		res, err := c.HTTP.Do(req)
		if code := status(err); (code == http.StatusNotAcceptable || code == http.StatusUnsupportedMediaType) && c.accept+1 < len(accepts) {
			c.accept++
			continue
		} else if code == http.StatusNotAcceptable {
			c.accept = 0
			return nil, fmt.Errorf("%w; it may speak another version than TAXII 2.1", err)
		}
		if err != nil {
			return nil, err
		}
		return res.Header, decode(res, v)
	}
}

func decode(res *http.Response, v any) error {
	defer res.Body.Close()
	full := res.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(full)
	switch {
	case strings.HasPrefix(media, "application/vnd.oasis."), params["version"] == "2.0":
		return fmt.Errorf("the server answered %s, which is TAXII 2.0; only 2.1 is spoken", full)
	case media == "text/html":
		return errors.New("the server sent a web page, not TAXII")
	case err != nil && full != "":
		return fmt.Errorf("the server answered of the type %q, not TAXII", full)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPage+1))
	switch {
	case err != nil:
		return err
	case len(body) > maxPage:
		return fmt.Errorf("a page is larger than %d MiB", maxPage>>20)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil // as {}: nothing to tell
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("the server's answer is not what TAXII 2.1 says: %w", err)
	}
	return nil
}

func status(err error) int {
	var s interface{ StatusCode() int }
	if errors.As(err, &s) {
		return s.StatusCode()
	}
	return 0
}

// stamp is the form of timestamps that is sent (2.1: UTC, microseconds).
const stamp = "2006-01-02T15:04:05.000000Z"

// parseStamp reads a time as servers write it; the zero time if it is none.
func parseStamp(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func setLimit(q url.Values, n int) {
	if n > 0 {
		q.Set("limit", strconv.Itoa(n))
	}
}
