package taxii

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// A Cursor is how far a collection was read. Its zero value is the beginning. It
// is to be kept as JSON.
type Cursor struct {
	// Mark is the time after which objects are new, as of the last poll that
	// came to its end.
	Mark string `json:"mark,omitempty"`
	// From, Next and Latest are of a poll under way: what was asked for, where it
	// goes on, and the latest time seen so far.
	From   string `json:"from,omitempty"`
	Next   string `json:"next,omitempty"`
	Latest string `json:"latest,omitempty"`
}

// A Page is a part of a collection.
type Page struct {
	Objects []json.RawMessage
	Cursor  Cursor // goes on behind this page
}

// Options of a poll.
type Options struct {
	Filter Filter
	Limit  int // objects a page; 0 is 1000. Servers may give less
}

const (
	usualLimit = 1000
	maxEmpty   = 10 // pages without an object, one after the other
	// before is how long before the mark a poll begins.
	before = time.Second
	// future is how far ahead of the server's own clock a time may be.
	future = 24 * time.Hour
)

var errNoWay = errors.New(`the server says that there is more, and no way leads there: "next" is missing or was there before`)

// Poll reads what a collection has behind the cursor and gives each page to f, in
// the server's order. It returns where the next poll begins; keep it once all
// pages are taken in, or a page's own cursor to go on behind that page. A cursor
// that the server has forgotten leads to the beginning of its poll.
//
// The error is that of f, of the connection, or says what the server did wrong.
func (c *Client) Poll(ctx context.Context, collection string, at Cursor, o Options, f func(Page) error) (Cursor, error) {
	base, err := url.Parse(collection)
	if err != nil {
		return at, errors.New("the address of the collection cannot be read")
	}
	p := &poll{c: c, objects: base.JoinPath("objects/"), o: o, limit: o.Limit, latest: parseStamp(at.Latest), seen: map[string]bool{}}
	if p.limit == 0 {
		p.limit = usualLimit
	}
	mark := parseStamp(at.Mark)
	if mark.After(p.latest) {
		p.latest = mark
	}
	if p.next = at.Next; p.next != "" {
		p.from = parseStamp(at.From)
	} else if !mark.IsZero() {
		p.from = mark.Add(-before)
	}
	for resumed := p.next != ""; ; resumed = false {
		page, more, err := p.page(ctx)
		switch code := status(err); {
		case err == nil:
		case code == http.StatusRequestedRangeNotSatisfiable:
			return p.end(), nil // nothing lies there
		case resumed && (code == http.StatusBadRequest || code == http.StatusNotFound || code == http.StatusGone || code == http.StatusUnprocessableEntity):
			p.next = ""
			continue
		case code == http.StatusRequestEntityTooLarge && p.limit > 10:
			p.limit /= 2
			continue
		default:
			return at, err
		}
		if more {
			if err := p.advance(page); err != nil {
				return at, err
			}
		}
		if len(page.Objects) > 0 {
			out := Page{Objects: page.Objects, Cursor: Cursor{Mark: at.Mark, From: format(p.from), Next: p.next, Latest: format(p.latest)}}
			if !more {
				out.Cursor = p.end()
			} else if p.next == "" { // goes on by time
				out.Cursor.Mark, out.Cursor.Latest = format(p.from.Add(before)), format(p.latest)
			}
			if err := f(out); err != nil {
				return at, err
			}
		}
		if !more {
			return p.end(), nil
		}
	}
}

type poll struct {
	c       *Client
	objects *url.URL
	o       Options
	limit   int
	from    time.Time
	next    string
	latest  time.Time
	last    time.Time // of the page, by its headers
	empty   int
	seen    map[string]bool
}

type envelope struct {
	More    bool              `json:"more"`
	Next    string            `json:"next"`
	Objects []json.RawMessage `json:"objects"`
}

func (p *poll) page(ctx context.Context) (*envelope, bool, error) {
	q := p.o.Filter.values()
	setLimit(q, p.limit)
	if !p.from.IsZero() {
		q.Set("added_after", format(p.from))
	}
	if p.next != "" {
		q.Set("next", p.next)
	}
	p.objects.RawQuery = q.Encode()
	e := new(envelope)
	h, err := p.c.get(ctx, p.objects, e)
	if err != nil {
		return nil, false, err
	}
	bound := time.Now()
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		bound = t
	}
	bound = bound.Add(future)
	p.last = time.Time{}
	for _, name := range []string{"X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"} {
		if t := parseStamp(h.Get(name)); t.Before(bound) && t.After(p.last) { // there are servers that turn them round
			p.last = t
		}
	}
	if len(e.Objects) > 0 && p.last.After(p.latest) {
		p.latest = p.last
	}
	return e, e.More, nil
}

// advance finds the way to the next page.
func (p *poll) advance(e *envelope) error {
	if p.empty++; len(e.Objects) > 0 {
		p.empty = 0
	}
	switch {
	case p.empty >= maxEmpty:
		return fmt.Errorf("the server says that there is more, and sent %d empty pages", p.empty)
	case e.Next != "" && (p.seen[e.Next] || e.Next == p.next):
		return errNoWay
	case e.Next != "":
		p.seen[e.Next], p.next = true, e.Next
		return nil
	case p.next != "" || !p.last.After(p.from):
		return errNoWay
	}
	// 3.4: without "next" the last date leads on. Others may have been added in the
	// same moment, so go one step before it, if that is a way on at all.
	if step := p.last.Add(-time.Microsecond); step.After(p.from) {
		p.from = step
	} else {
		p.from = p.last
	}
	return nil
}

// end is the cursor of a poll that came to its end. If no page had a time, the
// next poll reads all of it again.
func (p *poll) end() Cursor { return Cursor{Mark: format(p.latest)} }

func format(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stamp)
}
