package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier/internal/api"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

var followKills = flag.Int("follow-kills", 4, "how many writers TestFollowKilled kills")

// A row of a page of delta, or of a list.
type followed struct {
	ID      string          `json:"id"`
	Removed json.RawMessage `json:"@removed"`
}

// followedPage is what a follower reads of an answer.
type followedPage struct {
	Next  string            `json:"@odata.nextLink"`
	Delta string            `json:"@odata.deltaLink"`
	Value []json.RawMessage `json:"value"`
}

// A deltaFollower knows nothing but the links of delta.
type deltaFollower struct {
	t     *testing.T
	list  string // what it follows
	link  string
	rows  map[string]string
	saved map[string]string // the rows as of savedAt
	at    string
	pages int
}

func getPage(t *testing.T, url string) (p followedPage) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return p
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(body, &p) != nil {
		t.Errorf("GET %s: %d %.300s, %v", url, res.StatusCode, body, err)
	}
	return p
}

// step reads one page; it reports whether a round is done.
func (f *deltaFollower) step() bool {
	p := getPage(f.t, f.link)
	f.pages++
	for _, raw := range p.Value {
		var row followed
		if err := json.Unmarshal(raw, &row); err != nil {
			f.t.Error(err)
		}
		if row.Removed != nil {
			delete(f.rows, row.ID)
		} else {
			f.rows[row.ID] = string(raw)
		}
	}
	if f.link = p.Next + p.Delta; f.link == "" {
		f.t.Fatalf("%s: a page without a link", f.list)
	}
	return p.Delta != ""
}

// TestFollowKilled: several processes write and are killed at random (-9), while
// followers of deltaLinks read, and sometimes go back to an older link. In the end
// each has what the list has.
func TestFollowKilled(t *testing.T) {
	if testing.Short() || testdb.Postgres() {
		t.Skip("takes long, and is about SQLite; TestServers kills on PostgreSQL")
	}
	program, err := exec.LookPath("dossier")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	db := filepath.Join(dir, "f.db")
	s, _, err := store.Open(t.Context(), db, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(api.New(api.Config{Store: s, Ceiling: intel.Red, Logger: slog.New(slog.DiscardHandler)}))
	defer server.Close()

	// Each writer has a source of its own; others say of the same names.
	var commands [][]string
	for w := range 3 {
		source := fmt.Sprintf("writer%d", w)
		for v := range 3 {
			bundle := filepath.Join(dir, fmt.Sprintf("w%d-v%d.json", w, v))
			list := filepath.Join(dir, fmt.Sprintf("w%d-v%d.txt", w, v))
			if err := os.WriteFile(bundle, followBundle(w, v), 0o600); err != nil {
				t.Fatal(err)
			}
			var names strings.Builder
			for i := range 300 {
				fmt.Fprintf(&names, "n%d.w%d.contoso.com\n", i+100*v, w%2)
			}
			if err := os.WriteFile(list, []byte(names.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			commands = append(commands, []string{"import", "--source", source, bundle}, []string{"import", "--source", source, list})
		}
		commands = append(commands, []string{"source", "remove", source, "--yes"})
	}
	run := func(kill time.Duration, args []string) (killed bool, took time.Duration) {
		cmd := exec.Command(program, append([]string{"--no-catalog", "--db", db, "--audit-log", "-"}, args...)...)
		cmd.Dir = dir
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return false, 0
		}
		if kill > 0 {
			timer := time.AfterFunc(kill, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		}
		_ = cmd.Wait()
		return !cmd.ProcessState.Exited(), time.Since(begin)
	}
	_, took := run(0, commands[0])

	var dead atomic.Int32
	var writers sync.WaitGroup
	for w := range 3 {
		r := rand.New(rand.NewPCG(uint64(w), 7))
		writers.Go(func() {
			for int(dead.Load()) < *followKills && !t.Failed() {
				kill := time.Duration(0)
				if r.IntN(2) == 0 {
					kill = time.Duration(r.Int64N(int64(2*took))) + time.Millisecond
				}
				if killed, _ := run(kill, commands[r.IntN(len(commands))]); killed {
					dead.Add(1)
				}
			}
		})
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	const base = "/v1.0/security/threatIntelligence/"
	var followers []*deltaFollower
	for i, list := range []string{"intelProfiles", "intelligenceProfileIndicators", "intelProfiles"} {
		f := &deltaFollower{t: t, list: list, link: server.URL + base + list + "/delta?$top=" + fmt.Sprint(7+40*i), rows: map[string]string{}}
		followers = append(followers, f)
		r := rand.New(rand.NewPCG(uint64(i), 9))
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				f.step()
				switch {
				case r.IntN(20) == 0:
					f.saved, f.at = maps.Clone(f.rows), f.link
				case r.IntN(30) == 0 && f.at != "": // a crash of the reader
					f.rows, f.link = maps.Clone(f.saved), f.at
				case r.IntN(30) == 0 && f.at != "": // a replay: what was had comes again
					f.link = f.at
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	writers.Wait()
	// Whatever was broken off is finished by the next.
	for _, args := range commands[:2] {
		if killed, _ := run(0, args); killed {
			t.Error("the last run was killed")
		}
	}
	if stale, err := s.Stale(t.Context()); err != nil || stale {
		t.Errorf("what is served is older than what is known (%v)", err)
	}
	close(stop)
	readers.Wait()
	for _, f := range followers {
		for done := 0; done < 2; { // a round that was under way ends where it began
			if f.step() {
				done++
			}
		}
		want := map[string]string{}
		for link := server.URL + base + f.list + "?$top=1000"; link != ""; {
			p := getPage(t, link)
			for _, raw := range p.Value {
				var row followed
				_ = json.Unmarshal(raw, &row)
				want[row.ID] = string(raw)
			}
			link = p.Next
		}
		if len(want) == 0 {
			t.Errorf("%s is empty", f.list)
		}
		if !maps.Equal(f.rows, want) {
			for id, row := range want {
				if f.rows[id] != row {
					t.Errorf("%s %s: %.200s, want %.200s", f.list, id, f.rows[id], row)
					break
				}
			}
			t.Errorf("%s: %d rows after %d pages, the list has %d", f.list, len(f.rows), f.pages, len(want))
		}
	}
	position, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d writers killed, position %d, %d pages; a run takes %v", dead.Load(), position, followers[0].pages+followers[1].pages+followers[2].pages, took.Round(time.Millisecond))
}

// followBundle is a version of what a writer says of actors: some come, some go,
// all change, and two writers share some.
func followBundle(writer, version int) []byte {
	var list []any
	for i := version; i < 12+version; i++ {
		id := fmt.Sprintf("intrusion-set--%08d-0000-4000-8000-%012d", writer, i)
		list = append(list, map[string]any{
			"type": "intrusion-set", "spec_version": "2.1", "id": id, "name": fmt.Sprintf("Actor %d", i+6*writer), "aliases": []string{fmt.Sprintf("Version %d of %d", version, writer)},
			"created": "2024-01-01T00:00:00.000Z", "modified": fmt.Sprintf("2024-0%d-01T00:00:00.000Z", version+1), "revoked": (i+version)%5 == 0,
		})
	}
	out, err := json.Marshal(map[string]any{"type": "bundle", "id": fmt.Sprintf("bundle--%08d-0000-4000-8000-%012d", writer, version), "objects": list})
	if err != nil {
		panic(err) // it is made of texts
	}
	return out
}
