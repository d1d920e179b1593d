package taxii

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier/internal/fetch"
	"dossier/internal/testcorpus"
)

// client is one as programs use it, for servers on this machine.
func client() *Client {
	return &Client{HTTP: &fetch.Client{AllowPrivate: true, Rate: 10000, Limits: fetch.Limits{Wait: time.Second}}}
}

// An object of a model server.
type object struct {
	raw   json.RawMessage
	added time.Time
}

// A server is a model of the standard, and of servers that do otherwise.
type server struct {
	objects []object
	size    int                                               // of a page
	paging  string                                            // "opaque", "number" (of the page, under the filter), "none"
	headers func(first, last time.Time) (string, string)      // nil: as they are
	before  func(w http.ResponseWriter, r *http.Request) bool // answers in the server's place
	asked   []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked = append(s.asked, r.URL.RequestURI())
	if s.before != nil && s.before(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
	switch r.URL.Path {
	case "/taxii2/":
		fmt.Fprint(w, `{"title":"t","default":"/one/","api_roots":["/one/","http://`+r.Host+`/two/","https://elsewhere.example/three/"]}`)
		return
	case "/one/", "/two/":
		fmt.Fprint(w, `{"title":"r","versions":["application/taxii+json;version=2.1"],"max_content_length":1}`)
		return
	case "/one/collections/", "/two/collections/":
		fmt.Fprint(w, `{"collections":[{"id":"c1","title":"C","can_read":true,"can_write":false},{"id":"c2","title":"D","can_read":false,"can_write":true}]}`)
		return
	case "/one/collections/c1/":
		fmt.Fprint(w, `{"id":"c1","title":"C","can_read":true,"can_write":false}`)
		return
	}
	q := r.URL.Query()
	after := parseStamp(q.Get("added_after"))
	var list []object
	for _, o := range s.objects {
		if o.added.After(after) {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b object) int { return a.added.Compare(b.added) })
	size := s.size
	if limit, err := strconv.Atoi(q.Get("limit")); err == nil {
		size = min(size, limit)
	}
	from := 0
	if n := q.Get("next"); n != "" {
		v, err := strconv.Atoi(strings.TrimPrefix(n, "at-"))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		from = v
		if s.paging == "number" {
			from = v * size
		}
	}
	to := min(from+size, len(list))
	page := list[min(from, to):to]
	answer := map[string]any{}
	if len(page) > 0 {
		var raws []json.RawMessage
		for _, o := range page {
			raws = append(raws, o.raw)
		}
		answer["objects"] = raws
		first, last := format(page[0].added), format(page[len(page)-1].added)
		if s.headers != nil {
			first, last = s.headers(page[0].added, page[len(page)-1].added)
		}
		w.Header().Set("X-TAXII-Date-Added-First", first)
		w.Header().Set("X-TAXII-Date-Added-Last", last)
	}
	if to < len(list) {
		answer["more"] = true
		switch s.paging {
		case "opaque":
			answer["next"] = fmt.Sprintf("at-%d", to)
		case "number":
			answer["next"] = strconv.Itoa(from/size + 1)
		}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// polled returns the objects of a poll by id, with how often they came.
func polled(t *testing.T, c *Client, at string, cur Cursor, o Options) (map[string]int, Cursor, error) {
	t.Helper()
	got := map[string]int{}
	end, err := c.Poll(t.Context(), at, cur, o, func(p Page) error {
		for _, raw := range p.Objects {
			got[id(t, raw)]++
		}
		return nil
	})
	return got, end, err
}

func id(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var o struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o.ID
}

// realObjects returns the objects of TweetFeed's pages, added when its manifest says so.
func realObjects(t *testing.T) []object {
	dir := testcorpus.Path(t, "tweetfeed-stix", "stix", "taxii")
	files, err := filepath.Glob(filepath.Join(dir, "pages", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	read := func(path string, v any) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, v); err != nil {
			t.Fatal(path, err)
		}
	}
	var out []object
	for _, file := range files {
		var page []json.RawMessage
		var manifest []struct {
			ID        string `json:"id"`
			DateAdded string `json:"date_added"`
		}
		read(file, &page)
		read(filepath.Join(dir, "manifest", filepath.Base(file)), &manifest)
		added := map[string]time.Time{}
		for _, m := range manifest {
			added[m.ID] = parseStamp(m.DateAdded)
		}
		for _, raw := range page {
			at := added[id(t, raw)]
			if at.IsZero() {
				t.Fatalf("%s: %s has no date", file, raw)
			}
			out = append(out, object{raw, at})
		}
	}
	return out
}

// TestRealPages reads the real objects, of which hundreds were added in the same
// moment, in every way of paging and from every point of interruption.
func TestRealPages(t *testing.T) {
	objects := realObjects(t)
	all := map[string]bool{}
	for _, o := range objects {
		all[id(t, o.raw)] = true
	}
	if len(all) != 1672 { // the pages' counts in index.json
		t.Fatalf("%d objects", len(all))
	}
	for _, paging := range []string{"opaque", "number", "none"} {
		for _, size := range []int{211, 5000} {
			t.Run(fmt.Sprintf("%s of %d", paging, size), func(t *testing.T) {
				s := &server{objects: objects, size: size, paging: paging}
				if paging == "none" && size < 1000 {
					t.Skip("421 objects of one moment on pages of 211, and no way to go on among them")
				}
				web := httptest.NewServer(s)
				defer web.Close()
				at := web.URL + "/one/collections/c1/"
				got, end, err := polled(t, client(), at, Cursor{}, Options{})
				if err != nil || len(got) != len(all) {
					t.Fatalf("%d objects, %v", len(got), err)
				}
				again, _, err := polled(t, client(), at, end, Options{})
				if err != nil || len(again) > 50 {
					t.Errorf("the next poll gives %d objects, %v", len(again), err)
				}
				for stop := 1; stop < 6; stop += 2 {
					interrupted(t, at, stop, len(all))
				}
			})
		}
	}
}

// interrupted breaks a poll off at a page and goes on with the cursor of the page
// before.
func interrupted(t *testing.T, at string, stop, want int) {
	t.Helper()
	got, kept, pages := map[string]bool{}, Cursor{}, 0
	take := func(broken bool) func(Page) error {
		return func(p Page) error {
			if pages++; broken && pages == stop {
				return errors.New("pulled the plug")
			}
			for _, raw := range p.Objects {
				got[id(t, raw)] = true
			}
			data, err := json.Marshal(p.Cursor)
			if err != nil {
				return err
			}
			kept = Cursor{}
			return json.Unmarshal(data, &kept)
		}
	}
	_, err := client().Poll(t.Context(), at, Cursor{}, Options{}, take(true))
	if err == nil {
		return // it has fewer pages
	}
	if _, err := client().Poll(t.Context(), at, kept, Options{}, take(false)); err != nil || len(got) != want {
		t.Errorf("interrupted at page %d: %d objects, %v", stop, len(got), err)
	}
}

// few returns n objects, a second apart.
func few(n int) []object {
	var out []object
	for i := range n {
		out = append(out, object{json.RawMessage(fmt.Sprintf(`{"id":"indicator--%d"}`, i)), time.Date(2026, 8, 1, 0, 0, i, 123456000, time.UTC)})
	}
	return out
}

func TestDates(t *testing.T) {
	for _, tt := range []struct {
		name    string
		headers func(first, last time.Time) (string, string)
		want    string // the mark
	}{
		{"as they are", nil, "2026-08-01T00:00:09.123456Z"},
		{"turned round", func(f, l time.Time) (string, string) { return format(l), format(f) }, "2026-08-01T00:00:09.123456Z"},
		{"of Python", func(f, l time.Time) (string, string) {
			return f.Format("2006-01-02T15:04:05.999999+00:00"), l.Format("2006-01-02T15:04:05.999999+00:00")
		}, "2026-08-01T00:00:09.123456Z"},
		{"undefined", func(time.Time, time.Time) (string, string) { return "undefined", "undefined" }, ""},
		{"missing", func(time.Time, time.Time) (string, string) { return "", "" }, ""},
		{"the future", func(f, _ time.Time) (string, string) { return format(f), "2999-01-01T00:00:00Z" }, "2026-08-01T00:00:08.123456Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{objects: few(10), size: 4, paging: "opaque", headers: tt.headers}
			web := httptest.NewServer(s)
			defer web.Close()
			at := web.URL + "/one/collections/c1/"
			got, end, err := polled(t, client(), at, Cursor{}, Options{})
			if err != nil || len(got) != 10 || end.Mark != tt.want {
				t.Errorf("%d objects, %+v, %v", len(got), end, err)
			}
			// One is added in the very moment of the last one.
			s.objects = append(s.objects, object{json.RawMessage(`{"id":"indicator--late"}`), s.objects[9].added})
			if got, _, err = polled(t, client(), at, end, Options{}); err != nil || got["indicator--late"] != 1 {
				t.Errorf("the next poll: %v, %v", got, err)
			}
		})
	}
}

// TestNextKeepsFilter holds that every page is asked for with the options of the
// first.
func TestNextKeepsFilter(t *testing.T) {
	s := &server{objects: few(10), size: 3, paging: "number"}
	web := httptest.NewServer(s)
	defer web.Close()
	got, _, err := polled(t, client(), web.URL+"/one/collections/c1", Cursor{Mark: "2026-08-01T00:00:04.123456Z"}, Options{Filter: Filter{Types: []string{"indicator", "report"}}, Limit: 50})
	if err != nil || len(got) != 6 { // a second before the mark is asked for, and what lies behind that
		t.Errorf("%v, %v", got, err)
	}
	for i, uri := range s.asked {
		if !strings.Contains(uri, "added_after=2026-08-01T00%3A00%3A03.123456Z") || !strings.Contains(uri, "match%5Btype%5D=indicator%2Creport") || !strings.Contains(uri, "limit=50") ||
			strings.Contains(uri, "next=") != (i > 0) {
			t.Error(uri)
		}
	}
}

func TestLocate(t *testing.T) {
	web := httptest.NewServer(&server{})
	defer web.Close()
	for path, want := range map[string]string{
		"/taxii2": "/one/collections/c1/ /two/collections/c1/", "/one/": "/one/collections/c1/", "/two/collections/": "/two/collections/c1/",
		"/one/collections/c1": "/one/collections/c1/",
	} {
		list, err := client().Locate(t.Context(), web.URL+path)
		var got []string
		for _, c := range list {
			got = append(got, strings.TrimPrefix(c.URL, web.URL))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}

// TestLocateInPart holds that a root that is closed is passed over, and that one
// that is broken is told of.
func TestLocateInPart(t *testing.T) {
	for code, fails := range map[int]bool{401: false, 403: false, 404: false, 500: true, 429: true} {
		web := httptest.NewServer(&server{before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/two/" {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(code)
			}
			return r.URL.Path == "/two/"
		}})
		list, err := client().Locate(t.Context(), web.URL+"/taxii2/")
		if len(list) != 1 || (err != nil) != fails {
			t.Errorf("%d: %d collections, %v", code, len(list), err)
		}
		web.Close()
	}
}

// TestHostile holds what becomes of answers that the standard does not allow, and
// of refusals that it does.
func TestHostile(t *testing.T) {
	reply := func(kind, body string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	const media = "application/taxii+json;version=2.1"
	n := 0
	first := func(f func(w http.ResponseWriter)) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if n++; n == 1 {
				f(w)
			}
			return n == 1
		}
	}
	for _, tt := range []struct {
		name   string
		before func(w http.ResponseWriter, r *http.Request) bool
		want   int    // objects
		fails  string // part of the error
	}{
		{"nothing", reply(media, `{}`), 0, ""},
		{"no body", reply(media, ``), 0, ""},
		{"empty page, next without more", reply(media, `{"next":"x"}`), 0, ""},
		{"more for ever", reply(media, `{"more":true,"next":"x","objects":[{"id":"a"}]}`), 1, "no way leads there"},
		{"more and no way", reply(media, `{"more":true,"objects":[{"id":"a"}]}`), 0, "no way leads there"},
		{"two pages round and round", func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", media)
			fmt.Fprintf(w, `{"more":true,"next":%q,"objects":[{"id":"a"}]}`, map[string]string{"x": "y"}[r.URL.Query().Get("next")]+"x")
			return true
		}, -1, "no way leads there"},
		{"empty pages for ever", func(w http.ResponseWriter, _ *http.Request) bool {
			n++
			w.Header().Set("Content-Type", media)
			fmt.Fprintf(w, `{"more":true,"next":"%d"}`, n)
			return true
		}, 0, "10 empty pages"},
		{"TAXII 2.0", reply("application/vnd.oasis.stix+json; version=2.0", `{}`), 0, "only 2.1 is spoken"},
		{"a page", reply("text/html; charset=utf-8", `<html>`), 0, "a web page"},
		{"no JSON", reply(media, `{"objects":[{"id":`), 0, "unexpected end of JSON"},
		{"other JSON", reply(media, `{"objects":7}`), 0, "not what TAXII 2.1 says"},
		{"plain JSON", reply("application/json", `{"objects":[{"id":"a"}]}`), 1, ""},
		{"406 for ever", func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(406); return true }, 0, "another version than TAXII 2.1"},
		{"406 unless with a space", func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Accept") != "application/taxii+json; version=2.1" {
				w.WriteHeader(406)
				return true
			}
			return false
		}, 10, ""},
		{"416 at the end", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("next") == "at-8" {
				w.WriteHeader(416)
				return true
			}
			return false
		}, 8, ""},
		{"416 at once", func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(416); return true }, 0, ""},
		{"413 for much", func(w http.ResponseWriter, r *http.Request) bool {
			if limit, _ := strconv.Atoi(r.URL.Query().Get("limit")); limit > 100 {
				w.WriteHeader(413)
				return true
			}
			return false
		}, 10, ""},
		{"429 once", first(func(w http.ResponseWriter) { w.Header().Set("Retry-After", "1"); w.WriteHeader(429) }), 10, ""},
		{"500 once", first(func(w http.ResponseWriter) { w.WriteHeader(500) }), 10, ""},
		{"429 till tomorrow", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(429)
			return true
		}, 0, "asks to wait 24h0m0s"},
		{"401", func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true }, 0, "is the key right"},
		{"404", func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true }, 0, "404 Not Found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n = 0
			web := httptest.NewServer(&server{objects: few(10), size: 4, paging: "opaque", before: tt.before})
			defer web.Close()
			got, end, err := polled(t, client(), web.URL+"/one/collections/c1/", Cursor{Mark: "2026-01-01T00:00:00.000000Z"}, Options{})
			if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("error %v, want %q", err, tt.fails)
			}
			if tt.want >= 0 && len(got) != tt.want {
				t.Errorf("%d objects, want %d", len(got), tt.want)
			}
			if err != nil && end.Mark != "2026-01-01T00:00:00.000000Z" {
				t.Errorf("the mark moved to %+v", end)
			}
		})
	}
}

// TestForgotten holds that a poll whose place the server has forgotten begins
// again.
func TestForgotten(t *testing.T) {
	web := httptest.NewServer(&server{objects: few(10), size: 4, paging: "opaque"})
	defer web.Close()
	got, end, err := polled(t, client(), web.URL+"/one/collections/c1/", Cursor{From: "2026-08-01T00:00:01.123456Z", Next: "gone"}, Options{})
	if err != nil || len(got) != 8 || end.Mark != "2026-08-01T00:00:09.123456Z" {
		t.Errorf("%v, %+v, %v", got, end, err)
	}
}

func TestVersions(t *testing.T) {
	web := httptest.NewServer(&server{before: func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/objects/indicator--1/versions/") {
			return false
		}
		w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
		switch cmp.Or(r.URL.Query().Get("next"), "0") {
		case "0":
			fmt.Fprint(w, `{"more":true,"next":"1","versions":["2026-08-01T00:00:00.000Z"]}`)
		default:
			fmt.Fprint(w, `{"versions":["2026-08-02T00:00:00.000Z"]}`)
		}
		return true
	}})
	defer web.Close()
	list, err := client().Versions(t.Context(), web.URL+"/one/collections/c1/", "indicator--1")
	if err != nil || len(list) != 2 {
		t.Error(list, err)
	}
}

// Example reads a collection, and later only what is new.
func Example() {
	web := httptest.NewServer(&server{objects: few(3), size: 2, paging: "opaque"})
	defer web.Close()
	c := client()
	collections, err := c.Locate(context.Background(), web.URL+"/one/")
	if err != nil {
		fmt.Println(err)
		return
	}
	count := func(p Page) error { fmt.Println(len(p.Objects), "objects"); return nil }
	end, err := c.Poll(context.Background(), collections[0].URL, Cursor{}, Options{}, count)
	fmt.Println(end.Mark, err)
	// Output:
	// 2 objects
	// 1 objects
	// 2026-08-01T00:00:02.123456Z <nil>
}
