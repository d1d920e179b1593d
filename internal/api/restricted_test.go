package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dossier/internal/auth"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testcorpus"
	"dossier/internal/testdb"
)

// stixMarkings are the predefined marking definitions, most open first.
var stixMarkings = []string{
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

// TestRestrictedLeavesNoTrace marks the objects of real and made-up bundles at
// random, and holds every answer to a client to that of a database which only
// ever had what the client may see.
func TestRestrictedLeavesNoTrace(t *testing.T) {
	bundles := map[string][]byte{"made up": madeUpBundle(), "made up, by several": madeUpBundle()}
	if !testing.Short() {
		for name, path := range map[string]string{
			"ATT&CK for ICS": testcorpus.Path(t, "attack-stix-data", "ics-attack", "ics-attack-18.1.json"),
			"APT1":           testcorpus.Path(t, "cti-documentation", "examples", "example_json", "apt1.json"),
			"Poison Ivy":     testcorpus.Path(t, "cti-documentation", "examples", "example_json", "poisonivy.json"),
		} {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bundles[name] = body
		}
	}
	for name, body := range bundles {
		t.Run(name, func(t *testing.T) {
			var bundle struct {
				Type    string           `json:"type"`
				ID      string           `json:"id"`
				Objects []map[string]any `json:"objects"`
			}
			if err := json.Unmarshal(body, &bundle); err != nil {
				t.Fatal(err)
			}
			options := ingest.Options{Publisher: "team"}
			if name == "made up, by several" {
				options = ingest.Options{}
				for i, o := range bundle.Objects {
					if o["type"] != "identity" {
						o["created_by_ref"] = fmt.Sprintf("identity--00000000-0000-4000-8000-%012d", i%20)
					}
				}
			}
			rng := rand.New(rand.NewPCG(1, 2))
			level := make([]intel.TLP, len(bundle.Objects))
			for i, o := range bundle.Objects {
				if o["type"] == "marking-definition" || rng.IntN(3) > 0 {
					continue
				}
				level[i] = intel.TLP(rng.IntN(int(intel.Red) + 1))
				o["object_marking_refs"] = []string{stixMarkings[level[i]]}
			}
			load := func(ceiling intel.TLP) *store.Store {
				kept := bundle
				kept.Objects = nil
				for i, o := range bundle.Objects {
					if level[i] <= ceiling {
						kept.Objects = append(kept.Objects, o)
					}
				}
				text, err := json.Marshal(kept)
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				file := filepath.Join(dir, "bundle.json")
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
				st, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = st.Close() })
				res, err := (&ingest.Importer{Store: st}).Import(t.Context(), []string{file}, options)
				if err != nil || len(res.Failed()) > 0 {
					t.Fatal(err, res.Failed())
				}
				return st
			}
			all := load(intel.Red)
			for _, ceiling := range []intel.TLP{intel.Clear, intel.Amber} {
				limited, complete := crawler(t, all, ceiling), crawler(t, load(ceiling), intel.Red)
				paths := complete.walk()
				t.Logf("TLP:%s: %d answers", ceiling, len(paths))
				for _, path := range append(paths, limited.walk()...) {
					got, want := limited.get(path), complete.get(path)
					if got != want {
						t.Errorf("TLP:%s, %s:\n%s\nwant\n%s", ceiling, path, around(got, want), around(want, got))
						if t.Failed() {
							break
						}
					}
				}
			}
		})
	}
}

// around returns where a differs from b.
func around(a, b string) string {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return a[max(0, i-200):min(len(a), i+300)]
}

// A crawl reads everything that a client can reach.
type crawl struct {
	t      *testing.T
	s      *Server
	answer map[string]string
}

func crawler(t *testing.T, st *store.Store, ceiling intel.TLP) *crawl {
	s := New(Config{Store: st, Guard: &auth.Guard{Mode: auth.Auto, Ceiling: ceiling}, PublicURL: "http://dossier"})
	return &crawl{t, s, map[string]string{}}
}

// volatile is what may differ: ids of requests and of pages, and times of import.
var volatile = regexp.MustCompile(`"(request-id|client-request-id|date|imported|position)":("[^"]*"|[0-9]+)|skiptoken=[^"&]*`)

func (c *crawl) get(path string) string {
	if a, ok := c.answer[path]; ok {
		return a
	}
	w := send(c.s, "GET", path, "")
	a := fmt.Sprint(w.Code, " ", w.Header().Get("ETag"), " ", w.Header().Get("Content-Location"), "\n", volatile.ReplaceAllString(w.Body.String(), "$1"))
	c.answer[path] = a
	return a
}

// walk returns the paths of all answers.
func (c *crawl) walk() []string {
	paths := []string{
		ti + "/intelProfiles/$count", ti + "/intelligenceProfileIndicators/$count", ti + "/intelProfiles?$count=true&$top=5&$orderby=title%20desc",
		ti + "/intelProfiles?$expand=indicators($top=3;$orderby=lastSeenDateTime%20desc)&$top=500", ti + "/intelProfiles?$filter=kind%20eq%20'tool'&$count=true",
		"/api/sources", "/api/decisions", "/api/claims", "/v1.0/$metadata",
	}
	type item struct {
		ID, Title string
		Aliases   []string
		Artifact  struct{ ID, Value string }
	}
	list := func(path string) (items []item) {
		for path != "" {
			paths = append(paths, path)
			w := send(c.s, "GET", path, "")
			var page struct {
				Value []item
				Next  string `json:"@odata.nextLink"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
				c.t.Fatalf("%s: %d %s, %v", path, w.Code, w.Body, err)
			}
			items = append(items, page.Value...)
			path = ""
			if page.Next != "" { // tokens name positions: each server has its own
				u, err := url.Parse(page.Next)
				if err != nil {
					c.t.Fatal(err)
				}
				w := send(c.s, "GET", u.RequestURI(), "")
				if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
					c.t.Fatal(err)
				}
				items = append(items, page.Value...)
			}
		}
		return items
	}
	words := map[string]bool{}
	for _, p := range list(ti + "/intelProfiles?$top=1000") {
		id := url.PathEscape(p.ID)
		paths = append(paths, ti+"/intelProfiles/"+id, "/api/profiles/"+id, "/api/profiles/"+id+"/resolution", "/api/profiles/"+id+"/claims", ti+"/intelProfiles/"+id+"/indicators/$count", ti+"/intelProfiles/"+id+"/indicators?$top=1000&$count=true&view=all")
		words[p.Title] = true
		for _, a := range p.Aliases {
			words[a] = true
		}
	}
	for word := range words {
		paths = append(paths, "/api/names?name="+url.QueryEscape(word), ti+"/intelProfiles?$count=true&$search="+url.QueryEscape(`"`+strings.ReplaceAll(word, `"`, "")+`"`))
	}
	for _, i := range list(ti + "/intelligenceProfileIndicators?$top=1000&view=all") {
		id := url.PathEscape(i.ID)
		paths = append(paths, ti+"/intelligenceProfileIndicators/"+id, ti+"/intelligenceProfileIndicators/"+id+"/artifact")
		value := i.Artifact.ID
		if i.Artifact.Value != "" {
			value = i.Artifact.Value
		} else {
			paths = append(paths, ti+"/hosts/"+url.PathEscape(value)+"/reputation", ti+"/hosts/"+url.PathEscape(value))
		}
		paths = append(paths, "/api/lookup?value="+url.QueryEscape(value))
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// madeUpBundle has every way in which one object says something of another.
func madeUpBundle() []byte {
	var objects []string
	id := func(typ string, n int) string { return fmt.Sprintf("%s--00000000-0000-4000-8000-%012d", typ, n) }
	add := func(typ string, n int, more string) {
		objects = append(objects, fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":%q,"created":"2020-01-01T00:00:00Z","modified":"2021-01-0%dT00:00:00Z",%s}`, typ, id(typ, n), n%9+1, more))
	}
	relate := func(n int, kind, from, to string) {
		add("relationship", n, fmt.Sprintf(`"relationship_type":%q,"source_ref":%q,"target_ref":%q,"description":"Statement %d."`, kind, from, to, n))
	}
	const many = 40
	for n := range many {
		add("intrusion-set", n, fmt.Sprintf(`"name":"Heron %d","aliases":["Heron %d","Wader %d","Gull %d"],"description":"Active since %d."`, n, n, n%7, n+1, 2000+n%20))
		add("malware", n, fmt.Sprintf(`"name":"Ibis%d","is_family":true,"description":"A backdoor of %d."`, n, n))
		add("tool", n, fmt.Sprintf(`"name":"Tern%d"`, n))
		add("campaign", n, fmt.Sprintf(`"name":"Campaign %d","first_seen":"20%02d-01-01T00:00:00Z"`, n, 10+n%10))
		add("attack-pattern", n, fmt.Sprintf(`"name":"Technique %d","external_references":[{"source_name":"mitre-attack","external_id":"T%04d"}]`, n, 1000+n))
		add("identity", n, fmt.Sprintf(`"name":"Body %d","identity_class":"class","sectors":["energy"]`, n))
		add("location", n, fmt.Sprintf(`"country":%q`, []string{"DE", "FR", "KP", "RU"}[n%4]))
		add("indicator", n, fmt.Sprintf(`"pattern":"[domain-name:value = 'h%d.contoso.com']","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"`, n%25))
		add("report", n, fmt.Sprintf(`"name":"Report %d","published":"2020-01-01T00:00:00Z","object_refs":[%q,%q]`, n, id("intrusion-set", n), id("indicator", (n+3)%many)))
		relate(10*n, "uses", id("intrusion-set", n), id("malware", (n*3)%many))
		relate(10*n+1, "uses", id("intrusion-set", n), id("attack-pattern", (n*7)%many))
		relate(10*n+2, "targets", id("intrusion-set", n), id("identity", (n*5)%many))
		relate(10*n+3, "targets", id("intrusion-set", n), id("location", (n*5)%many))
		relate(10*n+4, "originates-from", id("intrusion-set", n), id("location", n))
		relate(10*n+5, "attributed-to", id("campaign", n), id("intrusion-set", (n*11)%many))
		relate(10*n+6, "indicates", id("indicator", n), id("malware", (n*13)%many))
		relate(10*n+7, "indicates", id("indicator", n), id("campaign", n))
		relate(10*n+8, "duplicate-of", id("tool", n), id("malware", n))
		relate(10*n+9, []string{"revoked-by", "sponsored-by", "subset-of"}[n%3], id("intrusion-set", n), id([]string{"intrusion-set", "identity", "intrusion-set"}[n%3], (n+1)%many))
	}
	return []byte(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[` + strings.Join(objects, ",") + `]}`)
}

func writeFiles(t *testing.T, dir string, files map[string]string) []string {
	t.Helper()
	var paths []string
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}
