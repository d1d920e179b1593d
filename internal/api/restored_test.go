package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"

	"dossier/internal/store"
	"dossier/internal/testdb"
)

// TestRestored moves an installation to a file and back to the kind of database
// that the tests run on: all answers are the same bytes, and links from before go on.
func TestRestored(t *testing.T) {
	first := fixtureStore(t, 40)
	from := fixtureServer(first)
	const (
		profiles   = ti + "/intelProfiles"
		indicators = ti + "/intelligenceProfileIndicators"
	)
	paths := []string{
		profiles, profiles + "?$top=7&$count=true", profiles + "?$orderby=title&$top=9", profiles + "/" + aquaID, profiles + "/" + formerID,
		profiles + "?$filter=contains(summary/content,'Żółw')", profiles + "?$search=blizzard", profiles + "?$expand=indicators($top=3)",
		profiles + "/" + aquaID + "/indicators?$top=100", indicators + "?$orderby=firstSeenDateTime%20desc&$top=50", indicators + "/$count",
		ti + "/hosts/shared.example.com/reputation", "/api/lookup?value=shared.example.com", "/api/changes?since=2026-01-01T00:00:00Z", "/api/sources",
		"/api/profiles/" + aquaID, "/api/export/jsonl", "/api/export/stix",
	}
	links := func(s http.Handler, path string) (list []string) {
		w := ask(s, "GET", path, "Prefer", `odata.include-annotations="dossier.*"`)
		var b struct {
			Next  string `json:"@odata.nextLink"`
			Delta string `json:"@odata.deltaLink"`
		}
		if json.Unmarshal(w.Body.Bytes(), &b) == nil {
			for _, link := range []string{b.Next, b.Delta} {
				if link != "" {
					list = append(list, link[len("https://intel.example.org"):])
				}
			}
		}
		return list
	}
	for _, path := range append(paths, profiles+"/delta?$deltatoken=latest", indicators+"/delta") {
		paths = append(paths, links(from, path)...)
	}
	if len(paths) < 22 {
		t.Fatalf("only %d paths: %v", len(paths), paths)
	}
	at := first
	for _, target := range []string{filepath.Join(t.TempDir(), "moved.db"), testdb.Path(t)} {
		var backup bytes.Buffer
		if _, err := at.Backup(t.Context(), &backup, "test", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(t.Context(), target, &backup, nil); err != nil {
			t.Fatal(err)
		}
		moved, isNew, err := store.Open(t.Context(), target, store.Options{})
		if err != nil || isNew {
			t.Fatal(isNew, err)
		}
		t.Cleanup(func() { moved.Close() })
		moved.Now = first.Now
		to := fixtureServer(moved)
		for _, path := range paths {
			for _, headers := range [][]string{nil, {"Prefer", `odata.include-annotations="dossier.*"`}} {
				want, got := ask(from, "GET", path, headers...), ask(to, "GET", path, headers...)
				if want.Code != http.StatusOK || got.Code != want.Code || got.Header().Get("ETag") != want.Header().Get("ETag") || !bytes.Equal(got.Body.Bytes(), want.Body.Bytes()) {
					t.Errorf("%s: %d %.300s\nbecame %d %.300s", path, want.Code, want.Body, got.Code, got.Body)
				}
			}
		}
		at = moved
	}
}
