package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
)

func sighted(o observable.Observable, host string, at time.Time, lines ...uint64) *Sighting {
	return &Sighting{
		Indicator: o.ID(), Kind: o.Kind, Value: o.Value, Host: host, Direction: "out", Field: "query", First: intel.TimeOf(at), Last: intel.TimeOf(at),
		Log: "dns.log", Origin: FromHunt, By: "ann", Marks: lines,
	}
}

func save(t *testing.T, s *Store, list ...*Sighting) Kept {
	t.Helper()
	kept, err := s.SaveSightings(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	refold(t, s)
	return kept
}

func sightings(t *testing.T, s *Store, f SightingFilter, v View) []*Sighting {
	t.Helper()
	var all []*Sighting
	for after := ""; ; {
		list, next, err := s.Sightings(t.Context(), f, 2, after, v)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, list...); next == "" {
			return all
		}
		after = next
	}
}

func lineCount(list []*Sighting) (n int64) {
	for _, g := range list {
		n += g.Lines
	}
	return n
}

var everyone = View{Ceiling: intel.Red}

// TestSightings: lines count once, in whatever order and company they come, and what is saved prolongs the life of the indicator until it is erased.
func TestSightings(t *testing.T) {
	s, now := guardedStore(t)
	name, address := domain(t, "evil.popular.com"), observable.Observable{Kind: observable.IPAddress, Value: "8.8.4.4"}
	*now = now.Add(100 * 24 * time.Hour)
	yesterday := now.Add(-24 * time.Hour)

	if kept := save(t, s, sighted(name, "10.0.0.5", yesterday, 1, 2, 3), sighted(name, "10.0.0.6", yesterday, 4), sighted(address, "10.0.0.5", yesterday, 1)); kept != (Kept{New: 3, Lines: 5}) {
		t.Errorf("at first: %+v", kept)
	}
	if kept := save(t, s, sighted(name, "10.0.0.5", yesterday, 3, 2), sighted(name, "10.0.0.5", yesterday, 1)); kept != (Kept{}) {
		t.Errorf("the same again: %+v", kept)
	}
	if kept := save(t, s, sighted(name, "10.0.0.5", yesterday.Add(time.Minute), 3, 9)); kept != (Kept{Grown: 1, Lines: 1}) {
		t.Errorf("a line more: %+v", kept)
	}
	list := sightings(t, s, SightingFilter{}, everyone)
	if len(list) != 3 || lineCount(list) != 6 || list[0].Lines != 4 || list[0].Last != intel.TimeOf(yesterday.Add(time.Minute)) || list[0].First != intel.TimeOf(yesterday) {
		t.Errorf("kept: %+v", list)
	}
	if list[0].Log != "dns.log" || list[0].By != "ann" || list[0].Origin != FromHunt || list[0].Direction != "out" || list[0].Field != "query" {
		t.Errorf("kept: %+v", list[0])
	}
	for _, tt := range []struct {
		f    SightingFilter
		want int
	}{
		{SightingFilter{Indicator: name.ID()}, 2},
		{SightingFilter{Hosts: []string{"10.0.0.5", "nobody"}}, 2},
		{SightingFilter{Hosts: []string{"10.0.0.5"}, Indicator: name.ID()}, 1},
		{SightingFilter{Since: intel.TimeOf(yesterday.Add(time.Second))}, 1},
		{SightingFilter{Until: intel.TimeOf(yesterday.Add(time.Second))}, 2},
		{SightingFilter{Profile: "none"}, 0},
		{SightingFilter{Owner: "somebody"}, 0},
		{SightingFilter{ID: list[0].ID}, 1},
	} {
		if got := sightings(t, s, tt.f, everyone); len(got) != tt.want {
			t.Errorf("%+v: %d, want %d", tt.f, len(got), tt.want)
		}
	}
	total, err := s.SightingTotal(t.Context(), SightingFilter{}, everyone)
	if want := (SightingTotal{intel.TimeOf(yesterday), intel.TimeOf(yesterday.Add(time.Minute)), 6, 2, 2}); err != nil || total != want {
		t.Errorf("in sum %+v, %v; want %+v", total, err, want)
	}

	until := func() intel.Time {
		t.Helper()
		k, err := s.Lookup(t.Context(), address, everyone)
		if err != nil {
			t.Fatal(err)
		}
		return k.Indicator.Life.Until
	}
	long := until()
	if long < intel.TimeOf(*now)+30*lifecycle.Day {
		t.Errorf("met yesterday, it lives until %s", long)
	}
	// Of somebody else it means nothing here.
	foreign := sighted(address, "10.9.9.9", *now, 77)
	foreign.Owner = "partner"
	if save(t, s, foreign); until() != long {
		t.Error("a foreign sighting changed the life")
	}
	if n, err := s.EraseSightings(t.Context(), SightingFilter{Hosts: []string{"10.0.0.5"}}, everyone); err != nil || n != 2 {
		t.Errorf("erased %d, %v", n, err)
	}
	refold(t, s)
	if got := until(); got >= long {
		t.Errorf("erased, it still lives until %s", got)
	}
	if list = sightings(t, s, SightingFilter{}, everyone); len(list) != 1 || list[0].Host != "10.0.0.6" {
		t.Errorf("left: %+v", list)
	}
	if k, err := s.Lookup(t.Context(), name, everyone); err != nil || k.Indicator.Life.From < intel.TimeOf(yesterday)-metStep {
		t.Errorf("the other host's sighting went with it: %+v, %v", k, err)
	}
}

// TestSightingMany: a busy host takes bounded room.
func TestSightingMany(t *testing.T) {
	s, now := guardedStore(t)
	name := domain(t, "evil.popular.com")
	for part := range 4 {
		g := sighted(name, "10.0.0.5", *now)
		for i := range 5 * MaxMarks {
			g.Marks.Add(uint64((part*4*MaxMarks+i)*0x9e3779b97f4a7c1) * 0x9fb21c651e98df25) // one in five again
		}
		save(t, s, g)
	}
	list := sightings(t, s, SightingFilter{}, everyone)
	if len(list) != 1 || !list[0].Estimated || list[0].Lines < 15*MaxMarks || list[0].Lines > 19*MaxMarks {
		t.Errorf("%+v; there were %d", list, 17*MaxMarks)
	}
	var size int
	if err := s.read.QueryRow("SELECT LENGTH(marks) FROM sighting").Scan(&size); err != nil || size != 8*MaxMarks {
		t.Errorf("%d bytes, %v", size, err)
	}
}

// TestSightingsOfOthers: who may not see an indicator sees no sighting of it, and erases none.
func TestSightingsOfOthers(t *testing.T) {
	s, now := guardedStore(t)
	secret := domain(t, "secret-name.com")
	batch(t, s, FromImport, func(b *Batch) {
		if err := b.Observe(t.Context(), &intel.Observation{Publisher: "p", Observable: secret, TLP: intel.Amber}); err != nil {
			t.Fatal(err)
		}
	})
	save(t, s, sighted(secret, "10.0.0.5", *now, 1), sighted(domain(t, "popular.com"), "10.0.0.5", *now, 2), sighted(domain(t, "unheard-of.com"), "10.0.0.5", *now, 3))
	for ceiling, want := range map[intel.TLP]int{intel.Clear: 1, intel.Green: 1, intel.Amber: 2, intel.Red: 3} {
		v := View{Ceiling: ceiling}
		if got := sightings(t, s, SightingFilter{}, v); len(got) != want {
			t.Errorf("TLP:%s sees %d, want %d", ceiling, len(got), want)
		}
		if total, err := s.SightingTotal(t.Context(), SightingFilter{}, v); err != nil || total.Indicators != want {
			t.Errorf("TLP:%s: %+v, %v", ceiling, total, err)
		}
	}
	if n, err := s.EraseSightings(t.Context(), SightingFilter{}, View{Ceiling: intel.Green}); err != nil || n != 1 {
		t.Errorf("erased %d, %v", n, err)
	}
}

// TestSightingRetention: the old are forgotten, of all owners; a sighting without a time is as old as its saving.
func TestSightingRetention(t *testing.T) {
	s, now := guardedStore(t)
	name := domain(t, "popular.com")
	old, timeless := sighted(name, "a", now.Add(-40*24*time.Hour), 1), sighted(name, "b", *now, 2)
	foreign := sighted(name, "c", now.Add(-40*24*time.Hour), 1)
	foreign.Owner = "partner"
	timeless.First, timeless.Last = 0, 0
	save(t, s, old, timeless, foreign)
	prune := func(want int) {
		t.Helper()
		if n, err := s.PruneSightings(t.Context()); err != nil || n != want {
			t.Errorf("%d forgotten, %v; want %d", n, err, want)
		}
	}
	prune(0) // for ever
	if err := s.SetSightingRetention(t.Context(), 30*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	prune(2)
	*now = now.Add(31 * 24 * time.Hour)
	prune(1)
	if d, err := s.SightingRetention(t.Context()); err != nil || d != 720*time.Hour {
		t.Errorf("%s, %v", d, err)
	}
}

// TestHideHosts: hosts that are there get pseudonyms, lines still count once, and no host is left in the database.
func TestHideHosts(t *testing.T) {
	s, now := guardedStore(t)
	name := domain(t, "popular.com")
	pseudonym := func(host string) string {
		if strings.HasPrefix(host, "p-") {
			return host
		}
		return "p-" + string(host[len(host)-1])
	}
	save(t, s, sighted(name, "10.0.0.5", *now, 1, 2), sighted(name, "10.0.0.6", *now, 3), sighted(name, "", *now, 4))
	if n, err := s.HideHosts(t.Context(), true, pseudonym); err != nil || n != 2 {
		t.Fatalf("%d changed, %v", n, err)
	}
	if on, err := s.HostsAreHidden(t.Context()); err != nil || !on {
		t.Error(on, err)
	}
	if kept := save(t, s, sighted(name, "p-5", *now, 1, 2), sighted(name, "p-6", *now, 3, 5)); kept != (Kept{Grown: 1, Lines: 1}) {
		t.Errorf("again, under pseudonyms: %+v", kept)
	}
	var hosts []string
	for _, g := range sightings(t, s, SightingFilter{}, everyone) {
		hosts = append(hosts, g.Host)
	}
	slices.Sort(hosts)
	if !slices.Equal(hosts, []string{"", "p-5", "p-6"}) {
		t.Errorf("hosts %q", hosts)
	}
	if n, err := s.HideHosts(t.Context(), true, pseudonym); err != nil || n != 0 {
		t.Errorf("again %d changed, %v", n, err)
	}
	if _, err := s.HideHosts(t.Context(), false, nil); err != nil {
		t.Fatal(err)
	}
	if on, err := s.HostsAreHidden(t.Context()); err != nil || on {
		t.Error(on, err)
	}
}

// TestSightingHostile: what logs bring is stored on both databases.
func TestSightingHostile(t *testing.T) {
	s, now := guardedStore(t)
	g := sighted(domain(t, "popular.com"), "a\x00b\xff"+strings.Repeat("é", 300), now.Add(1000*time.Hour), 1)
	g.Log = "x\x00\xc3"
	save(t, s, g)
	list := sightings(t, s, SightingFilter{Until: intel.TimeOf(now.Add(time.Hour))}, everyone)
	if len(list) != 1 || len(list[0].Host) > maxSightedText || !strings.HasPrefix(list[0].Host, "ab\uFFFDé") {
		t.Errorf("%+v", list)
	}
	if k, err := s.Lookup(t.Context(), domain(t, "popular.com"), everyone); err != nil || k.Indicator.Life.From > intel.TimeOf(*now) {
		t.Errorf("a clock that is ahead makes an indicator live from %s, %v", k.Indicator.Life.From, err)
	}
	if _, _, err := s.Sightings(t.Context(), SightingFilter{}, 2, "nonsense", everyone); err == nil {
		t.Error("nonsense is a place")
	}
}
