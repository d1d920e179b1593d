package api

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"dossier/internal/auth"
	"dossier/internal/intel"
)

// TestRemembered: an answer is made once, until something changes; then at once
// again, for whoever may see the change.
func TestRemembered(t *testing.T) {
	d := newDesk(t)
	home := "~/intelProfiles/" + d.named("Heron 2")
	count := func() int { return d.s.memory.used.Len() }
	first := d.do("GET", home, "")
	n := count()
	for range 3 {
		if w := d.do("GET", home, ""); w.Body.String() != first.Body.String() || w.Header().Get("ETag") != first.Header().Get("ETag") || w.Header().Get("request-id") == first.Header().Get("request-id") {
			t.Fatalf("%v %s", w.Header(), w.Body)
		}
	}
	if count() != n || n == 0 {
		t.Errorf("%d answers remembered, had %d", count(), n)
	}
	// Everything that the answer depends on tells answers apart.
	for _, header := range [][]string{{"Accept", "application/json;odata.metadata=full"}, {"Prefer", `odata.include-annotations="dossier.names"`}, {"Accept", "application/xml"}} {
		if w := d.do("GET", home, "", header...); w.Body.String() == first.Body.String() {
			t.Errorf("%v changes nothing", header)
		}
	}
	if w := d.do("GET", strings.Replace(home, "~", "/beta/security/threatIntelligence", 1), ""); !strings.Contains(w.Body.String(), "/beta/") {
		t.Errorf("another version: %s", w.Body)
	}
	if w := d.do("GET", home, "", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("%v", w.Header())
	}
	if w := d.do("GET", home, "", "If-None-Match", first.Header().Get("ETag")); w.Code != 304 {
		t.Errorf("unchanged: %d", w.Code)
	}
	if w := d.do("GET", "~/intelProfiles/nope", ""); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
	// A change is seen at once, by each according to the ceiling.
	open := send(d.s, "GET", ti+home[1:], "").Body.String()
	d.do("PATCH", home, `{"title":"Changed"}`, "Prefer", "dossier.tlp=amber")
	if got := d.do("GET", home, "").Body.String(); !strings.Contains(got, "Changed") {
		t.Errorf("after a change: %s", got)
	}
	if got := send(d.s, "GET", ti+home[1:], "").Body.String(); got != open {
		t.Errorf("an open reader sees %s", got)
	}
	// Forgotten answers make room.
	m := newMemory()
	for i := range 100 {
		m.at(1)
		m.put(fmt.Sprint(i), 1, &answer{body: make([]byte, 1<<20)})
		if m.size > maxRemembered || m.used.Len() != len(m.byKey) {
			t.Fatalf("%d bytes, %d and %d answers", m.size, m.used.Len(), len(m.byKey))
		}
	}
	if m.get("99", 1) == nil || m.get("0", 1) != nil || m.get("99", 2) != nil {
		t.Error("the oldest goes first, and all with the position")
	}
	if m.put("late", 1, &answer{}); m.get("late", 1) != nil || m.position != 2 {
		t.Error("who looked earlier turns the memory back")
	}
	m.put("big", 2, &answer{body: make([]byte, maxOneAnswer)})
	if m.get("big", 2) != nil {
		t.Error("an answer that is too large is kept")
	}
}

// TestRememberedWhileWriting: readers never get an answer from before a write that
// they know to be done.
func TestRememberedWhileWriting(t *testing.T) {
	d := newDesk(t)
	home := "~/intelProfiles/" + d.named("Heron 4")
	reader := newToken(t, d.s, d.st, "reader", intel.Clear, auth.ReadAll)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					send(d.s, "GET", ti+home[1:], "", "Authorization", reader)
				}
			}
		})
	}
	for i := range 40 {
		title := fmt.Sprint("Title ", i)
		if w := d.do("PATCH", home, `{"title":"`+title+`"}`, "Prefer", "return=minimal"); w.Code != 204 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got := d.do("GET", home, "").Body.String(); !strings.Contains(got, title) {
			t.Fatalf("after writing %s: %s", title, got)
		}
	}
	close(stop)
	wg.Wait()
}
