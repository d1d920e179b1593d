package namebench

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/resolve"
)

//go:embed cases.json
var embedded []byte

// A Case is a known answer. Records are written attack:G0007, misp:TITLE or
// microsoft:TITLE. The kinds:
//
//   - same: the first answer to every name is the profile of expect.anchor
//   - distinct: the candidates are expect.profiles profiles, and each name leads to its own
//   - ambiguous: the name leads to all candidates, and first to expect.best if there is one
//   - equal-form: the names have one key
//   - confusable: the name is flagged as looking like another, and joins nothing
//   - never-a-key: the name joins nothing by itself
type Case struct {
	ID         string              `json:"id"`
	Kind       string              `json:"kind"`
	Names      []string            `json:"names"`
	Candidates []string            `json:"candidates"`
	Found      map[string][]string `json:"found"`
	Expect     struct {
		Profiles  int     `json:"profiles"`
		Anchor    string  `json:"anchor"`
		Best      *string `json:"best"`
		AsOf      string  `json:"asOf"`
		To        string  `json:"to"`
		LooksLike string  `json:"looksLike"`
	} `json:"expect"`
}

// Cases returns the known answers that are part of the program.
func Cases() []Case {
	var out []Case
	if err := json.Unmarshal(embedded, &out); err != nil {
		panic(err) // a test reads them
	}
	return out
}

// ReadCases reads known answers: a JSON array of [Case].
func ReadCases(r io.Reader) ([]Case, error) {
	var out []Case
	err := json.NewDecoder(r).Decode(&out)
	return out, err
}

// asOf returns the records as they were on a day, where that is known of names
// that moved: MISP had Hippo Team on APT26, beside Turla, from 2017-11-07 to
// 2024-03-11 (version 303 of its galaxy).
func asOf(records []*intel.Record, day string) []*intel.Record {
	if day < "2017-11-07" || day >= "2024-03-11" {
		return records
	}
	out := slices.Clone(records)
	for i, r := range out {
		if r.Publisher == intel.MISPThreatActor && r.Title == "APT26" {
			old := *r
			old.Names = append(slices.Clone(r.Names), intel.Name{Value: "Hippo Team"})
			out[i] = &old
		}
	}
	return out
}

// check reports what is wrong with the answers of a partition.
func (c *Case) check(p *resolve.Partition) error {
	switch c.Kind {
	case "same":
		return c.checkSame(p)
	case "distinct":
		return c.checkDistinct(p)
	case "ambiguous":
		return c.checkAmbiguous(p)
	case "equal-form":
		for _, name := range c.Names {
			if got, want := intel.NameKey(name), intel.NameKey(c.Expect.To); got != want {
				return fmt.Errorf("the key of %q is %q, not %q", name, got, want)
			}
		}
		return nil
	case "confusable", "never-a-key":
		for _, name := range c.Names {
			if like, ok := resolve.Confusable(name); c.Kind == "confusable" && (!ok || like != c.Expect.LooksLike) {
				return fmt.Errorf("%q is not seen to look like %q", name, c.Expect.LooksLike)
			}
			if err := neverKey(name); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("the kind %q is unknown", c.Kind)
}

func (c *Case) checkSame(p *resolve.Partition) error {
	want, err := cellAt(p, c.Expect.Anchor)
	if err != nil {
		return err
	}
	for _, name := range c.Names {
		answers := p.Lookup(name)
		first := slices.IndexFunc(answers, func(x resolve.Candidate) bool { return x.Cell.Kind == want.Kind })
		if first < 0 || answers[first].Cell != want {
			return fmt.Errorf("%s leads to %s", name, describe(answers))
		}
	}
	return nil
}

func (c *Case) checkDistinct(p *resolve.Partition) error {
	cells := map[*resolve.Cell]bool{}
	for _, ref := range c.Candidates {
		cell, err := cellAt(p, ref)
		if err != nil {
			return err
		}
		cells[cell] = true
	}
	if len(cells) != c.Expect.Profiles {
		return fmt.Errorf("%v are %d profiles, not %d", c.Candidates, len(cells), c.Expect.Profiles)
	}
	for i, name := range c.Names {
		if i >= len(c.Candidates) || len(c.Found[name]) == 0 {
			continue
		}
		cell, err := cellAt(p, c.Candidates[i])
		if err != nil {
			return err
		}
		if answers := p.Lookup(name); !leadsTo(answers, cell) {
			return fmt.Errorf("%s does not lead to %s, but to %s", name, c.Candidates[i], describe(answers))
		}
	}
	return nil
}

func (c *Case) checkAmbiguous(p *resolve.Partition) error {
	for _, name := range c.Names {
		answers := p.Lookup(name)
		for _, ref := range c.Candidates {
			cell, err := cellAt(p, ref)
			if err != nil {
				return err
			}
			if !leadsTo(answers, cell) {
				return fmt.Errorf("%s does not lead to %s, but to %s", name, ref, describe(answers))
			}
			if c.Expect.Best != nil && *c.Expect.Best == ref && answers[0].Cell != cell {
				return fmt.Errorf("%s leads first to %s", name, describe(answers))
			}
		}
	}
	return nil
}

func leadsTo(answers []resolve.Candidate, cell *resolve.Cell) bool {
	return slices.ContainsFunc(answers, func(x resolve.Candidate) bool { return x.Cell == cell })
}

// neverKey reports an error if a name by itself joins records, in any place.
func neverKey(name string) error {
	for _, titles := range [][2]string{{name, name}, {"Aaa", name}, {name, "Bbb"}, {"Aaa", "Bbb"}} {
		p := assign([]*intel.Record{
			{Ref: intel.Ref{Publisher: intel.MitreAttack, Key: "1"}, Kind: intel.Actor, Title: titles[0], Names: []intel.Name{{Value: name}}},
			{Ref: intel.Ref{Publisher: intel.MicrosoftNaming, Key: "1"}, Kind: intel.Actor, Title: titles[1], Names: []intel.Name{{Value: name}}},
			{Ref: intel.Ref{Publisher: "feed", Key: "1"}, Kind: intel.Actor, Title: name, Mention: true},
		})
		if len(p.Cells) != 2 || len(p.Cells[0].Members) != 1 || len(p.Cells[1].Members) != 1 {
			return fmt.Errorf("%q joins records titled %q", name, titles)
		}
	}
	return nil
}

func assign(records []*intel.Record) *resolve.Partition {
	return resolve.Assign(resolve.Input{Records: slices.Values(records)})
}

// cellAt returns the profile of a record as the cases write it.
func cellAt(p *resolve.Partition, ref string) (*resolve.Cell, error) {
	for i := range p.Cells {
		for _, m := range p.Cells[i].Members {
			if written(m.Record, ref) {
				return &p.Cells[i], nil
			}
		}
	}
	return nil, fmt.Errorf("%s is in no profile", ref)
}

// written reports whether a case means the record.
func written(r *intel.Record, ref string) bool {
	where, what, _ := strings.Cut(ref, ":")
	switch where {
	case "attack":
		mirror := strings.HasPrefix(r.Publisher, intel.MISPGalaxyPrefix+"mitre-")
		return (r.Publisher == intel.MitreAttack || mirror) && slices.ContainsFunc(r.IDs, func(id intel.ExternalID) bool { return id.ID == what })
	case "misp":
		return r.Publisher == intel.MISPThreatActor && r.Title == what
	case "microsoft":
		return r.Publisher == intel.MicrosoftNaming && r.Title == what
	}
	return false
}

// absent returns a record that the case is about and that is not in the data, ""
// if all are.
func (c *Case) absent(records []*intel.Record) string {
	refs := slices.Clone(c.Candidates)
	if c.Expect.Anchor != "" {
		refs = append(refs, c.Expect.Anchor)
	}
	for _, ref := range refs {
		if !slices.ContainsFunc(records, func(r *intel.Record) bool { return written(r, ref) }) {
			return ref
		}
	}
	return ""
}

func describe(answers []resolve.Candidate) string {
	if len(answers) == 0 {
		return "nothing"
	}
	var b strings.Builder
	for i, c := range answers {
		if i > 0 {
			b.WriteString("; ")
		}
		r := c.Cell.Members[0].Record
		fmt.Fprintf(&b, "%s of %s (%s)", r.Title, r.Publisher, c.Reason)
	}
	return b.String()
}
