package profile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// A goldenCase is the input of a testdata file: JSON, written by us.
type goldenCase struct {
	ID         string          `json:"id"`
	Members    []*intel.Record `json:"members"`
	Others     []*intel.Record `json:"others"`
	Profiles   [][]string      `json:"profiles"` // of the others: keys of the records of one profile
	Indicators *profile.Stats  `json:"indicators"`
	Use        map[string]int  `json:"use"`
	Imported   intel.Time      `json:"imported"`
	Released   map[string]intel.Time
}

func (c goldenCase) world() (*memory, []profile.Member) {
	w := newMemory()
	w.imported = c.Imported
	if w.imported == 0 {
		w.imported = date("2026-03-01")
	}
	for id, t := range c.Released {
		w.released[id] = t
	}
	var members []profile.Member
	for _, r := range c.Members {
		w.add(r)
		members = append(members, profile.Member{Record: r, Reason: "for the test"})
	}
	for _, r := range c.Others {
		w.add(r)
	}
	w.link()
	if len(members) > 0 {
		w.assign(c.ID, members)
		if c.Indicators != nil {
			w.indicators[members[0].Record.Ref] = *c.Indicators
		}
	}
	for i, keys := range c.Profiles {
		var ms []profile.Member
		for _, k := range keys {
			ms = append(ms, profile.Member{Record: w.records[w.byKey[k]]})
		}
		w.assign(fmt.Sprintf("other-%d", i), ms)
	}
	if c.Use != nil {
		w.use = c.Use
	}
	return w, members
}

// TestGolden folds the cases in testdata and compares what is served and the
// texts. Read the difference after -update as you read code.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			comment, parts := parseArchive(string(raw))
			c := goldenCase{ID: strings.Repeat("0", 64)}
			dec := json.NewDecoder(strings.NewReader(parts["input.json"]))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&c); err != nil {
				t.Fatalf("input.json: %v", err)
			}
			w, members := c.world()
			d := profile.Fold(c.ID, members, w)
			check(t, d)
			got := map[string]string{
				"served.txt":     served(d),
				"summary.txt":    d.Profile.Summary.Content + "\n",
				"description.md": strings.ReplaceAll(d.Profile.Description.Content, "\r\n", "\n"),
			}
			if d.Profile.Tradecraft != nil {
				got["tradecraft.md"] = strings.ReplaceAll(d.Profile.Tradecraft.Content, "\r\n", "\n")
			}
			if *update {
				var b strings.Builder
				b.WriteString(comment)
				for _, name := range []string{"input.json", "served.txt", "summary.txt", "description.md", "tradecraft.md"} {
					body, ok := got[name]
					if name == "input.json" {
						body, ok = parts[name], true
					}
					if ok {
						b.WriteString("-- " + name + " --\n" + body)
					}
				}
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			delete(parts, "input.json")
			if diff := cmp.Diff(parts, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

// served prints what is not text: one line for each value.
func served(d *intel.Dossier) string {
	var b bytes.Buffer
	p := d.Profile
	fmt.Fprintf(&b, "title %s (%s)\nkind %s\n", p.Title, d.TitleFrom, p.Kind)
	fmt.Fprintf(&b, "first active %s, %s by %s\n", p.FirstActive, d.FirstActive.Value.Basis, d.FirstActive.From)
	for _, s := range p.Aliases {
		fmt.Fprintf(&b, "alias %s\n", s)
	}
	for _, n := range d.Names {
		if !n.Alias {
			fmt.Fprintf(&b, "no alias %s (%s)\n", n.Value, n.Relation)
		}
	}
	for _, o := range p.Origins {
		fmt.Fprintf(&b, "origin %s %s, differ %t\n", o.Code, o.Label, d.OriginsDiffer)
	}
	for _, s := range p.Targets {
		fmt.Fprintf(&b, "target %s\n", s)
	}
	for _, u := range d.Techniques {
		fmt.Fprintf(&b, "technique %s %s %s via %q\n", u.ID, u.Name, u.Tactics, u.Via)
	}
	for _, x := range []struct {
		what  string
		links []intel.ProfileLink
	}{{"tool", d.Tools}, {"user", d.Users}, {"related", d.Related}} {
		for _, l := range x.links {
			fmt.Fprintf(&b, "%s %s %s %q incoming %t via %q\n", x.what, l.Relation, l.Title, l.ID, l.Incoming, l.Via)
		}
	}
	for _, c := range d.Campaigns {
		fmt.Fprintf(&b, "campaign %s %s %s %s\n", c.ID, c.Title, c.First, c.Last)
	}
	for _, r := range d.Records {
		fmt.Fprintf(&b, "record %s\n", r.Ref)
	}
	return b.String()
}

// parseArchive reads the txtar form: a comment, then files after lines
// "-- name --".
func parseArchive(s string) (comment string, parts map[string]string) {
	parts = map[string]string{}
	name := ""
	for line := range strings.Lines(s) {
		if n, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(n, " --\n") {
			name = strings.TrimSuffix(n, " --\n")
			parts[name] = ""
			continue
		}
		if name == "" {
			comment += line
		} else {
			parts[name] += line
		}
	}
	return comment, parts
}
