package sighting

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/hunt"
	"dossier/internal/observable"
	"dossier/internal/store"
)

var evil = observable.Observable{Kind: observable.Domain, Value: "evil.com"}

// collect is a store that remembers.
func collect(into *[]*store.Sighting) func(context.Context, []*store.Sighting) (store.Kept, error) {
	return func(_ context.Context, list []*store.Sighting) (store.Kept, error) {
		*into = append(*into, list...)
		return store.Kept{New: len(list)}, nil
	}
}

func TestRecorder(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var saved []*store.Sighting
	r := &Recorder{Key: Key("k"), Origin: store.FromHunt, By: "ann", Save: collect(&saved)}
	for i, e := range []hunt.Event{
		{Time: noon, Source: "10.0.0.5", Destination: "10.0.0.1", Field: "query"},
		{Time: noon.Add(time.Hour), Source: "10.0.0.5", Destination: "10.0.0.1", Field: "query"},
		{Time: noon.Add(12 * time.Hour), Source: "10.0.0.5", Destination: "10.0.0.1", Field: "query"}, // the next day
		{Time: noon, Source: "::ffff:10.0.0.5", Destination: "10.0.0.1", Field: "query"},              // the same host
		{Time: noon, Source: "WS-17.corp.", Field: "query"},
		{Source: "10.0.0.5", Field: "query"}, // no time
	} {
		if err := r.Add(t.Context(), evil, e, fmt.Append(nil, "line ", i), "dns.log"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, g := range saved {
		n, _ := g.Marks.Count()
		got[fmt.Sprintf("%s %s %s %s–%s", g.Host, g.Direction, g.Field, g.First, g.Last)] = n
	}
	want := map[string]int64{
		"10.0.0.5 out query 2026-03-01T12:00:00Z–2026-03-01T13:00:00Z":   3,
		"10.0.0.5 out query 2026-03-02T00:00:00Z–2026-03-02T00:00:00Z":   1,
		"ws-17.corp out query 2026-03-01T12:00:00Z–2026-03-01T12:00:00Z": 1,
		"10.0.0.5 out query –": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	if err := r.Flush(t.Context()); err != nil || r.Kept() != (store.Kept{New: 4}) {
		t.Errorf("%+v, %v", r.Kept(), err)
	}
}

// TestBounded: what is held does not grow with the log.
func TestBounded(t *testing.T) {
	var saved []*store.Sighting
	r := &Recorder{Key: Key("k"), Save: collect(&saved)}
	most := 0
	for i := range 3 * maxHeld {
		e := hunt.Event{Source: fmt.Sprintf("10.%d.%d.1", i>>8, i&0xff)}
		if err := r.Add(t.Context(), evil, e, []byte("x"), ""); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(r.held))
	}
	if most > maxHeld || len(saved) < 2*maxHeld {
		t.Errorf("held %d at most, saved %d", most, len(saved))
	}
}

func TestPseudonyms(t *testing.T) {
	a, b := Key("a"), Key("b")
	p := a.Pseudonym("10.0.0.5")
	switch {
	case strings.Contains(p, "10.0.0.5"), p == b.Pseudonym("10.0.0.5"), p == a.Pseudonym("10.0.0.6"), p != a.Pseudonym("10.0.0.5"):
		t.Errorf("%s", p)
	case a.Pseudonym(p) != p:
		t.Error("a pseudonym gets another")
	case !slices.Equal(a.Names("[::FFFF:10.0.0.5]"), []string{"10.0.0.5", p}):
		t.Errorf("%q", a.Names("[::FFFF:10.0.0.5]"))
	}
	var saved []*store.Sighting
	r := &Recorder{Key: a, Hide: true, Save: collect(&saved)}
	if err := r.Add(t.Context(), evil, hunt.Event{Source: "10.0.0.5"}, []byte("10.0.0.5 asks"), ""); err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(t.Context()); err != nil || len(saved) != 1 || saved[0].Host != p {
		t.Errorf("%+v, %v", saved, err)
	}
}

func Example() {
	r := &Recorder{Key: Key("secret"), Save: func(_ context.Context, list []*store.Sighting) (store.Kept, error) {
		for _, g := range list {
			n, _ := g.Marks.Count()
			fmt.Println(g.Value, g.Host, g.Direction, n)
		}
		return store.Kept{New: len(list)}, nil
	}}
	line := []byte(`{"ts":1772359200,"id.orig_h":"10.0.0.5","id.resp_h":"10.0.0.1","query":"evil.com"}`)
	for range 2 { // a line counts once
		_ = r.Add(context.Background(), observable.Observable{Kind: observable.Domain, Value: "evil.com"}, hunt.EventOf(line, nil, 75, time.Now()), line, "dns.log")
	}
	_ = r.Flush(context.Background())
	// Output: evil.com 10.0.0.5 out 1
}
