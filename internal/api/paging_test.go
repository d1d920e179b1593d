package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// follow reads a list page by page and returns the ids in order. between runs
// after each page.
func follow(t *testing.T, s *Server, target string, between func()) (ids []string, total int64) {
	t.Helper()
	first, pages := true, 0
	for target != "" {
		w := ask(s, "GET", target)
		if w.Code != 200 {
			t.Fatalf("%s: %d %s", target, w.Code, w.Body)
		}
		b := read(t, w)
		if first == (b.Count == nil) {
			t.Fatalf("%s: count %v on page %d", target, b.Count, pages+1)
		}
		if first {
			total, first = *b.Count, false
		}
		for _, raw := range b.Value {
			var row body
			if err := json.Unmarshal(raw, &row); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, row.ID)
		}
		if b.Next != "" && !strings.Contains(b.Next, "$top=") {
			t.Errorf("no $top in %s", b.Next)
		}
		target = strings.TrimPrefix(b.Next, "https://intel.example.org")
		if pages++; pages > 3000 {
			t.Fatal("the pages have no end")
		}
		if between != nil {
			between()
		}
	}
	return ids, total
}

// checkOnce checks that the ids are distinct and as many as wanted.
func checkOnce(t *testing.T, what string, ids []string, want int64) {
	t.Helper()
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			t.Errorf("%s: %s came twice", what, id)
		}
		seen[id] = true
	}
	if int64(len(ids)) != want {
		t.Errorf("%s: %d rows, want %d", what, len(ids), want)
	}
}

// TestPaging checks that following nextLink visits every row exactly once, in
// one order, for any page size, order, filter and start.
func TestPaging(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 40))
	lists := map[string][]string{
		"/intelProfiles": {"", "title", "title desc", "kind,title desc", "firstActiveDateTime desc", "kind desc,firstActiveDateTime", "id desc"},
		"/intelProfiles/" + aquaID + "/indicators": {"", "firstSeenDateTime", "lastSeenDateTime", "lastSeenDateTime desc,firstSeenDateTime", "source,id desc"},
		"/intelligenceProfileIndicators":           {"", "lastSeenDateTime desc", "source desc,firstSeenDateTime"},
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for path, orders := range lists {
		for _, order := range orders {
			whole, total := follow(t, s, ti+path+"?$count=true&$top=5000"+by(order), nil)
			checkOnce(t, path+" by "+order, whole, total)
			top, skip := 1+rnd.IntN(60), rnd.IntN(30)
			if len(whole) < 100 {
				top = 1 + rnd.IntN(5)
			}
			target := fmt.Sprintf("%s%s?$count=true&$select=id&$top=%d&$skip=%d%s", ti, path, top, skip, by(order))
			got, _ := follow(t, s, target, nil)
			if strings.Join(got, ",") != strings.Join(whole[skip:], ",") {
				t.Errorf("%s: other rows or order than in one page", target)
			}
		}
	}
	ids, total := follow(t, s, ti+"/intelProfiles?$count=true&$top=3&$filter=startswith(title,'group')%20and%20kind%20eq%20'actor'&$orderby=title", nil)
	checkOnce(t, "filtered", ids, total)
	if total != 26 {
		t.Errorf("%d rows match the filter, want 26", total)
	}
	ids, total = follow(t, s, ti+"/intelProfiles?$count=true&$top=7&$search=group", nil)
	checkOnce(t, "searched", ids, total)
}

// by returns the parameter for an order, which may be empty.
func by(order string) string {
	if order == "" {
		return ""
	}
	return "&$orderby=" + strings.ReplaceAll(order, " ", "%20")
}

// TestPagingToken checks what a token survives: another $top, another host, and
// what it does not.
func TestPagingToken(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 40))
	next := read(t, ask(s, "GET", ti+"/intelProfiles?$orderby=title&$top=2")).Next
	_, token, _ := strings.Cut(next, "$skiptoken=")
	for query, code := range map[string]int{
		"$orderby=title&$top=5&$skiptoken=" + token:                     200,
		"$orderby=title&$top=5&$skip=3&$skiptoken=" + token:             200,
		"$orderby=title&$select=id&$skiptoken=" + token:                 200,
		"$orderby=title%20desc&$skiptoken=" + token:                     400,
		"$orderby=title&$filter=kind%20eq%20'tool'&$skiptoken=" + token: 400,
		"$orderby=title&$skiptoken=" + token[1:]:                        400,
		"$orderby=title&$skiptoken=":                                    400,
		"$orderby=title&$skiptoken=" + token + "&$skiptoken=" + token:   400,
		"$orderby=title&$skiptoken=eyJxIjoiIiwidiI6W119":                400,
		"$orderby=title&$skiptoken=bnVsbA":                              400,
	} {
		if w := ask(s, "GET", ti+"/intelProfiles?"+query); w.Code != code {
			t.Errorf("%s: %d, want %d: %s", query, w.Code, code, w.Body)
		}
	}
	if w := ask(s, "GET", ti+"/intelProfiles/"+aquaID+"/indicators?$skiptoken="+token); w.Code != 400 {
		t.Errorf("the token of another list: %d", w.Code)
	}
}

// TestPagingWhileWriting checks that rows which do not change are visited once
// while others come, go and change.
func TestPagingWhileWriting(t *testing.T) {
	st := fixtureStore(t, 40)
	s := fixtureServer(st)
	base := fixtureProfiles(40)
	steady := map[string]bool{}
	for _, p := range base[:30] {
		steady[p.Fold().Profile.ID] = true
	}
	round := 0
	ids, _ := follow(t, s, ti+"/intelProfiles?$count=true&$top=3&$orderby=title%20desc", func() {
		round++
		profiles := fixtureProfiles(40)
		for i, p := range profiles[30:] { // these move about
			p.Fold().Profile.Title = fmt.Sprintf("Group %02d", (i*7+round*11)%60)
		}
		profiles = append(profiles[:len(profiles)-round%4], derived(fmt.Sprintf("%064x", round), intel.Actor, fmt.Sprintf("Group %02d new", round), nil))
		write(t, st, nil, profiles)
	})
	seen := map[string]int{}
	for _, id := range ids {
		seen[id]++
	}
	for id := range steady {
		if seen[id] != 1 {
			t.Errorf("profile %s came %d times", id, seen[id])
		}
	}

	n := 0
	ids, total := follow(t, s, ti+"/intelProfiles/"+aquaID+"/indicators?$count=true&$top=97&$orderby=firstSeenDateTime", func() {
		n++
		at := intel.Date{At: intel.TimeOf(fixtureNow.AddDate(-4, 0, n)), Precision: intel.Exact, Basis: intel.BasisStated}
		write(t, st, []*intel.Observation{
			{Publisher: "p", Observable: parsed(t, observable.Domain, fmt.Sprintf("new%d.example.com", n)), Subjects: []intel.Ref{refTo(aquaID)}, FirstSeen: at},
		}, base)
	})
	old := 0
	seen = map[string]int{}
	for _, id := range ids {
		if seen[id]++; seen[id] > 1 {
			t.Errorf("indicator %s came twice", id)
		}
	}
	for i := range aquaCount - 1 {
		old += seen[parsed(t, observable.Domain, fmt.Sprintf("c%d.fake-malicious.example.com", i)).ID()]
	}
	if old != aquaCount-1 || total != aquaCount {
		t.Errorf("%d of %d indicators, count %d", old, aquaCount-1, total)
	}
}

// TestExpand checks the nested pages of $expand, and that their links lead on.
func TestExpand(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 4))
	type row struct {
		ID    string            `json:"id"`
		Count int64             `json:"indicators@odata.count"`
		Next  string            `json:"indicators@odata.nextLink"`
		Rows  []json.RawMessage `json:"indicators"`
	}
	w := ask(s, "GET", ti+"/intelProfiles?$expand=indicators($count=true;$top=500;$orderby=firstSeenDateTime;$select=id)&$select=id,title&$orderby=title")
	b := read(t, w)
	if want := "$metadata#security/threatIntelligence/intelProfiles(id,title,indicators(id))"; !strings.HasSuffix(b.Context, want) {
		t.Errorf("context %s, want %s", b.Context, want)
	}
	counts := map[string]int64{}
	for _, raw := range b.Value {
		var r row
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		counts[r.ID] = r.Count
		if r.Rows == nil {
			t.Errorf("%s has no array of indicators", r.ID)
		}
		if r.ID != aquaID {
			continue
		}
		if len(r.Rows) != 500 || bytes.Contains(r.Rows[0], []byte("source")) {
			t.Errorf("%d indicators, the first %s", len(r.Rows), r.Rows[0])
		}
		var ids []string
		for _, i := range r.Rows {
			var v body
			if err := json.Unmarshal(i, &v); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, v.ID)
		}
		for next := r.Next; next != ""; {
			page := read(t, ask(s, "GET", strings.TrimPrefix(next, "https://intel.example.org")))
			for _, i := range page.Value {
				var v body
				if err := json.Unmarshal(i, &v); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, v.ID)
			}
			next = page.Next
		}
		checkOnce(t, "expanded", ids, aquaCount)
	}
	if counts[aquaID] != aquaCount || counts[snakeID] != 5 || counts[turtleID] != 0 {
		t.Errorf("counts %v", counts)
	}

	// A page holds at most maxExpanded indicators, and says so in its link.
	next := read(t, ask(s, "GET", ti+"/intelProfiles?$top=7&$expand=indicators($top=1000)")).Next
	if next != "" {
		t.Errorf("7 profiles of 1000 indicators are cut: %s", next)
	}
	next = read(t, ask(s, "GET", ti+"/intelProfiles?$top=6&$expand=indicators($top=1000)")).Next
	if !strings.Contains(next, "$expand=indicators%28$top%3D1000%29") || !strings.Contains(next, "$top=6") {
		t.Errorf("nextLink %s", next)
	}
	one := read(t, ask(s, "GET", ti+"/intelProfiles/"+snakeID+"?$expand=indicators($filter=source%20eq%20'microsoft')"))
	if !strings.HasSuffix(one.Context, "/intelProfiles(indicators())/$entity") || one.ID != snakeID {
		t.Errorf("entity: %+v", one)
	}
}

// TestConcurrent checks that readers are answered while somebody writes.
func TestConcurrent(t *testing.T) {
	st := fixtureStore(t, 40)
	s := fixtureServer(st)
	paths := []string{
		ti + "/intelProfiles?$count=true&$top=5&$orderby=title", ti + "/intelProfiles/" + aquaID, ti + "/intelProfiles/" + aquaID + "/indicators?$top=50",
		"/api/search?q=group", "/api/lookup?value=shared.example.com", ti + "/hosts/shared.example.com/reputation",
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for n := range 4 {
		readers.Go(func() {
			for i := n; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if w := ask(s, "GET", paths[i%len(paths)]); w.Code != 200 || !json.Valid(w.Body.Bytes()) {
					t.Errorf("%s: %d %s", paths[i%len(paths)], w.Code, w.Body)
					return
				}
			}
		})
	}
	for i := range 10 {
		profiles := fixtureProfiles(40)
		profiles[5].Fold().Profile.Title = fmt.Sprint("Changed ", i)
		write(t, st, []*intel.Observation{{Publisher: "p", Observable: parsed(t, observable.Domain, fmt.Sprintf("n%d.example.com", i)), Subjects: []intel.Ref{refTo(aquaID)}}}, profiles)
	}
	close(done)
	readers.Wait()
}
