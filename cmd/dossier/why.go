package main

import (
	"cmp"
	"fmt"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

// why prints which records a profile is made of, and why; then what came near.
func (a *app) why(d *intel.Dossier) error {
	if a.json {
		for _, r := range d.Records {
			if err := a.printJSON(map[string]any{"record": r}); err != nil {
				return err
			}
		}
		for _, n := range d.NearMisses {
			if err := a.printJSON(map[string]any{"nearMiss": n}); err != nil {
				return err
			}
		}
		return nil
	}
	p := &d.Profile
	fmt.Fprintln(a.out, a.out.bold(plain, clean(p.Title))+"  "+a.out.paint(grey, string(p.Kind)))
	fmt.Fprintln(a.out, a.out.paint(grey, p.ID))
	a.section("made of " + count(len(d.Records), "record"))
	if len(d.Records) == 0 {
		fmt.Fprintln(a.out, "  none: people made it")
	}
	w := a.out.columns()
	for _, r := range d.Records {
		head := a.out.bold(plain, clean(r.Title)) + "  " + a.out.paint(grey, clean(r.Ref.String()))
		switch {
		case r.Withdrawn:
			head += "  " + a.out.paint(yellow, "withdrawn by its publisher")
		case r.Mention:
			head += "  " + a.out.paint(grey, "only repeats a name")
		}
		fmt.Fprintln(a.out, "  "+head)
		text := cmp.Or(r.Reason, "founds the profile")
		if r.Score > 0 {
			text += fmt.Sprintf(" (%s, score %.2f)", r.Rule, r.Score)
		}
		if when := span(r.First, r.Last); when != "" {
			text += "; in its publisher's list " + when
			if r.FirstBasis == intel.BasisImport {
				text += ", by import"
			}
		}
		fmt.Fprintln(a.out, "    "+wrap(clean(text), w-4, "    "))
		a.matches(r.Evidence)
	}
	a.section("came near, and is not in it")
	if len(d.NearMisses) == 0 {
		fmt.Fprintln(a.out, "  nothing")
		return nil
	}
	for _, n := range d.NearMisses {
		where := "in no profile"
		if n.Profile != "" {
			where = "in " + n.ProfileTitle
		}
		if n.Out {
			where = "of this profile, and might be of " + n.ProfileTitle
		}
		fmt.Fprintln(a.out, "  "+a.out.bold(plain, clean(n.Title))+"  "+a.out.paint(grey, clean(n.Record.String()))+"  "+a.out.paint(cyan, clean(where)))
		fmt.Fprintln(a.out, "    "+wrap(clean(fmt.Sprintf("%s (score %.2f); not joined: %s", n.For, n.Score, n.Against)), w-4, "    "))
		a.matches(n.Evidence)
	}
	return nil
}

// matches prints evidence, a row each.
func (a *app) matches(list []intel.Match) {
	t := &table{t: a.out, colour: []colour{grey, grey, plain, grey}, max: []int{6, 10, 60, 20}, indent: "      "}
	for i, m := range list {
		if i == 6 {
			t.add("", "", fmt.Sprintf("… and %d more", len(list)-i))
			break
		}
		t.add(fmt.Sprintf("%+.2f", m.Weight), m.Kind, m.Value, m.Weak)
	}
	t.print(a.out)
}

// claims prints, field by field, who says what.
func (a *app) claims(d *intel.Dossier) error {
	fields := profile.Claims(d)
	if a.json {
		for _, f := range fields {
			if err := a.printJSON(f); err != nil {
				return err
			}
		}
		return nil
	}
	p := &d.Profile
	fmt.Fprintln(a.out, a.out.bold(plain, clean(p.Title))+"  "+a.out.paint(grey, string(p.Kind)))
	fmt.Fprintln(a.out, a.out.paint(grey, p.ID))
	w := a.out.columns()
	for _, f := range fields {
		head := f.Field
		if f.Differ {
			head += " (sources differ)"
		}
		a.section(head)
		served := strings.Join(f.Served, ", ")
		if served == "" {
			served = "nothing"
		}
		fmt.Fprintln(a.out, "  served: "+wrap(clean(served), w-10, "          "))
		fmt.Fprintln(a.out, a.out.paint(grey, "  rule: "+wrap(f.Rule, w-8, "        ")))
		t := &table{t: a.out, colour: []colour{green, plain, cyan, grey, grey}, max: []int{1, 40, 34, 24, 40}, indent: "  "}
		for _, c := range f.Claims {
			mark := ""
			if c.Served {
				mark = "*"
			}
			t.add(mark, c.Value, c.Source, span(c.First, c.Last), c.Note)
		}
		t.print(a.out)
	}
	return nil
}

// span prints the days between which something was asserted.
func span(first, last intel.Time) string {
	switch {
	case first == 0 && last == 0:
		return ""
	case first == 0 || first.Day() == last.Day():
		return last.Day()
	case last == 0:
		return first.Day() + " –"
	}
	return first.Day() + " – " + last.Day()
}
