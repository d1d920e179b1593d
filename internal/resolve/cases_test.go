package resolve

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/testcorpus"
)

// A nameCase is one of the known answers in names/cases.json.
type nameCase struct {
	ID, Kind   string
	Names      []string
	Candidates []string
	Found      map[string][]string
	Expect     struct {
		Profiles  int
		Anchor    string
		Best      *string
		AsOf      string
		To        string
		LooksLike string
	}
}

// TestNameCases holds the resolution to all known answers. Records are written
// attack:G0007, misp:TITLE, microsoft:TITLE.
func TestNameCases(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testcorpus.Path(t), "../names/cases.json"))
	if err != nil {
		t.Skipf("the known answers are missing: %v", err)
	}
	var cases []nameCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	records := corpusRecords(t)
	p := assignAll(records)
	old := assignAll(recordsOf2023(t, records))
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			at := p
			if c.Expect.AsOf != "" {
				at = old
			}
			if err := c.check(at); err != nil {
				t.Error(err)
			}
		})
	}
}

// recordsOf2023 gives the records back what they had at the end of 2023: MISP
// had Hippo Team on APT26 too until version 303 of its galaxy.
func recordsOf2023(t *testing.T, records []*intel.Record) []*intel.Record {
	t.Helper()
	out := slices.Clone(records)
	for i, r := range out {
		if r.Publisher == intel.MISPThreatActor && r.Title == "APT26" {
			old := *r
			old.Names = append(slices.Clone(r.Names), intel.Name{Value: "Hippo Team"})
			out[i] = &old
			return out
		}
	}
	t.Fatal("MISP's APT26 is not in the corpus")
	return nil
}

func (c *nameCase) check(p *Partition) error {
	switch c.Kind {
	case "same":
		want, err := cellAt(p, c.Expect.Anchor)
		if err != nil {
			return err
		}
		for _, name := range c.Names {
			first := firstOf(p.Lookup(name), want.Kind)
			if first == nil || first.Cell != want {
				return fmt.Errorf("%s leads to %s", name, describe(p.Lookup(name)))
			}
		}
	case "distinct":
		cells := make(map[*Cell]bool)
		for _, ref := range c.Candidates {
			cell, err := cellAt(p, ref)
			if err != nil {
				return err
			}
			cells[cell] = true
		}
		if len(cells) != c.Expect.Profiles {
			return fmt.Errorf("%v are %d profiles, want %d", c.Candidates, len(cells), c.Expect.Profiles)
		}
		for i, name := range c.Names {
			cell, _ := cellAt(p, c.Candidates[i])
			if len(c.Found[name]) > 0 && !slices.ContainsFunc(p.Lookup(name), func(x Candidate) bool { return x.Cell == cell }) {
				return fmt.Errorf("%s does not lead to %s: %s", name, c.Candidates[i], describe(p.Lookup(name)))
			}
		}
	case "ambiguous":
		answers := p.Lookup(c.Names[0])
		for _, ref := range c.Candidates {
			cell, err := cellAt(p, ref)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(answers, func(x Candidate) bool { return x.Cell == cell }) {
				return fmt.Errorf("%s does not lead to %s: %s", c.Names[0], ref, describe(answers))
			}
			if c.Expect.Best != nil && *c.Expect.Best == ref && answers[0].Cell != cell {
				return fmt.Errorf("%s leads first to %s", c.Names[0], describe(answers))
			}
		}
	case "equal-form":
		for _, name := range c.Names {
			if got, want := intel.NameKey(name), intel.NameKey(c.Expect.To); got != want {
				return fmt.Errorf("key of %q is %q, want %q", name, got, want)
			}
		}
	case "confusable":
		for _, name := range c.Names {
			like, ok := Confusable(name)
			if !ok || like != c.Expect.LooksLike {
				return fmt.Errorf("Confusable(%q) = %q, %v", name, like, ok)
			}
			if err := neverKey(name); err != nil {
				return err
			}
		}
	case "never-a-key":
		for _, name := range c.Names {
			if err := neverKey(name); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("kind %s is new", c.Kind)
	}
	return nil
}

// neverKey reports an error if a name by itself joins records, in any place.
func neverKey(name string) error {
	for _, titles := range [][2]string{{name, name}, {"Aaa", name}, {name, "Bbb"}, {"Aaa", "Bbb"}} {
		records := []*intel.Record{
			{Ref: intel.Ref{Publisher: intel.MitreAttack, Key: "1"}, Kind: intel.Actor, Title: titles[0], Names: []intel.Name{{Value: name}}},
			{Ref: intel.Ref{Publisher: intel.MicrosoftNaming, Key: "1"}, Kind: intel.Actor, Title: titles[1], Names: []intel.Name{{Value: name}}},
			{Ref: intel.Ref{Publisher: "feed", Key: "1"}, Kind: intel.Actor, Title: name, Mention: true},
		}
		p := assignAll(records)
		if len(p.Cells) != 2 || len(p.Cells[0].Members) != 1 || len(p.Cells[1].Members) != 1 {
			return fmt.Errorf("%q joins records titled %q", name, titles)
		}
	}
	return nil
}

// cellAt returns the profile of a record as the cases write it.
func cellAt(p *Partition, ref string) (*Cell, error) {
	where, what, _ := strings.Cut(ref, ":")
	for i := range p.Cells {
		for _, m := range p.Cells[i].Members {
			r := m.Record
			switch where {
			case "attack":
				mirror := strings.HasPrefix(r.Publisher, intel.MISPGalaxyPrefix+"mitre-")
				if (r.Publisher == intel.MitreAttack || mirror) && slices.ContainsFunc(r.IDs, func(id intel.ExternalID) bool { return id.ID == what }) {
					return &p.Cells[i], nil
				}
			case "misp":
				if r.Publisher == intel.MISPThreatActor && r.Title == what {
					return &p.Cells[i], nil
				}
			case "microsoft":
				if r.Publisher == intel.MicrosoftNaming && r.Title == what {
					return &p.Cells[i], nil
				}
			}
		}
	}
	return nil, fmt.Errorf("%s is in no profile", ref)
}

func firstOf(answers []Candidate, kind intel.Kind) *Candidate {
	for i := range answers {
		if answers[i].Cell.Kind == kind {
			return &answers[i]
		}
	}
	return nil
}

func describe(answers []Candidate) string {
	var b strings.Builder
	for _, c := range answers {
		fmt.Fprintf(&b, "%s (%s, %.2f: %s); ", labelOf(c.Cell.Members[0].Record), c.Cell.Members[0].Record.Title, c.Score, c.Reason)
	}
	return b.String()
}
