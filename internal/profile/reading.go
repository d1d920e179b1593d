package profile

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// reading says what the profile rests on: records and credit, the basis of the
// date, the names, the indicators, and what no source states.
func (t *teller) reading() string {
	p := &page{limit: MaxDescription / 3}
	p.para(t.restsOn()...)
	shown := 0
	for _, r := range t.d.Records {
		if shown == 12 {
			p.item(sentence("and ", count(len(t.d.Records)-shown, "further record")))
			break
		}
		p.item(t.recordLine(r))
		shown++
	}
	p.para(t.dateBasis(), t.namesNote())
	p.para(t.indicators())
	p.para(t.gaps())
	p.para(t.credits())
	return p.b.String()
}

func (t *teller) restsOn() []string {
	n := len(t.d.Records)
	if n == 0 {
		return []string{"No record is part of this profile any more."}
	}
	return []string{
		sentence(t.vary("rests",
			"The facts above are those of "+count(n, "record")+"; the wording is Dossier's unless it is quoted",
			"Dossier has composed this text from "+count(n, "record")+", and only quoted passages are a source's own words",
			"This text is put together by Dossier from "+count(n, "record")+"; where it quotes, it says whom")),
		verb(n, "", "Where they differ, the one higher in this list counts:"),
	}
}

// recordLine names a record: publisher, title or id, key, date.
func (t *teller) recordLine(r intel.RecordUse) string {
	line := upper(t.esc(t.publisher(r.Publisher))) + ", "
	if id := t.recordID(r.Ref); id != "" && r.Publisher == intel.MitreAttack {
		line += t.esc(r.Title) + " (" + id + ")"
	} else {
		line += t.esc(cmp.Or(r.Title, r.Key))
		if r.Key != r.Title && r.Title != "" {
			line += " (" + code(r.Key) + ")"
		}
	}
	if r.Modified != 0 {
		line += ", modified on " + day(r.Modified)
	}
	if r.TLP > intel.Clear {
		line += ", marked TLP:" + strings.ToUpper(r.TLP.String())
	}
	return sentence(line)
}

// code prints a key in a code span.
func code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "<", "‹", ">", "›").Replace(clean(s)) + "`"
}

func (t *teller) recordID(ref intel.Ref) string {
	for _, m := range t.f.members {
		if m.Ref == ref {
			return attackID(m.Record)
		}
	}
	return ""
}

// dateBasis says what the date of first activity means.
func (t *teller) dateBasis() string {
	d := t.d.FirstActive
	by := and(t.publishers([]intel.Ref{d.From}))
	if by == "" {
		by = "a source"
	}
	date := when(d.Value)
	if d.Value.At == earliest {
		return sentence("Nothing that is left says since when it has been active; the date served, ", date, ", stands for none")
	}
	silent := "No source says since when it has been active; the date served, "
	if !t.actor() {
		silent = "No source says since when it has been in use; the date served, "
	}
	switch d.Value.Basis {
	case intel.BasisStated:
		return sentence("The date of first activity, ", date, ", is stated by ", by)
	case intel.BasisCampaign:
		return sentence("The date of first activity, ", date, ", is that of the earliest attributed campaign; it may well be older")
	case intel.BasisProse:
		return sentence("The date of first activity, ", date, ", is read out of the text of ", by, " and is a lower bound")
	case intel.BasisIndicator:
		return sentence(silent, date, ", is that of the oldest indicator")
	case intel.BasisReference:
		return sentence(silent, date, ", is that of the oldest document cited, so that it is at least as old")
	case intel.BasisCreated:
		return sentence(silent, date, ", is when ", by, " created its entry")
	case intel.BasisRelease:
		return sentence(silent, date, ", is only when ", by, " released the data that it was found in")
	}
	return sentence(silent, date, ", is only when it was first imported here")
}

func (t *teller) namesNote() string {
	if len(t.d.Profile.Aliases) == 0 {
		return ""
	}
	if !t.actor() {
		return "Names are claims of those who use them."
	}
	return t.vary("namesnote",
		"Names are claims of those who use them: vendors draw the borders of a group differently, so an alias need not cover exactly the same activity.",
		"An alias is somebody's claim, and two vendors' names seldom cover exactly the same activity.",
		"Names are listed as their sources give them; that two of them mean precisely the same set of activity is not certain.")
}

// indicators says how many there are, by source, and of what time.
func (t *teller) indicators() string {
	s := t.f.stats
	if s.Count == 0 {
		return "No indicator is linked to the profile."
	}
	type share struct {
		by string
		n  int
	}
	var shares []share
	for id, n := range s.ByPublisher {
		if n > 0 {
			shares = append(shares, share{t.esc(t.publisher(id)), n})
		}
	}
	slices.SortFunc(shares, func(a, b share) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.by, b.by)) })
	text := count(s.Count, "indicator") + " " + verb(s.Count, "is", "are") + " linked to it"
	switch len(shares) {
	case 0:
	case 1:
		text += ", from " + shares[0].by
	default:
		var parts []string
		for _, x := range shares {
			parts = append(parts, number(x.n)+" from "+x.by)
		}
		text += ": " + andMore(parts, 6, "source")
	}
	text = sentence(text)
	switch {
	case s.First != 0 && s.Last != 0 && month(s.First) != month(s.Last):
		text += " " + sentence("the dates they carry run from ", month(s.First), " to ", month(s.Last))
	case s.First != 0:
		text += " " + sentence(verb(s.Count, "it is", "they are"), " dated ", month(s.First))
	}
	return text
}

// gaps names what no source states, so that silence is not taken for an answer.
func (t *teller) gaps() string {
	var missing []string
	add := func(is bool, what string) {
		if is {
			missing = append(missing, what)
		}
	}
	d := t.d
	if t.actor() {
		add(len(d.Profile.Origins) == 0, "a country of origin")
		add(len(d.Affiliations) == 0, "a tie to a state body")
		add(len(d.Targets) == 0, "targets")
		add(len(d.Campaigns) == 0, "dated campaigns")
		add(len(d.Techniques) == 0, "techniques")
		add(len(d.Tools) == 0, "tools")
		add(len(t.events(lawEnforcement)) == 0, "measures of law enforcement")
	} else {
		add(len(d.ToolTypes) == 0, "what sort of tool it is")
		add(len(d.Platforms) == 0, "platforms")
		add(len(d.Users) == 0, "users")
		add(d.Availability.Value == "", "how it is obtained")
		add(len(d.Techniques) == 0, "techniques")
	}
	if len(missing) == 0 {
		return ""
	}
	or := missing[0]
	if n := len(missing); n > 1 {
		or = strings.Join(missing[:n-1], ", ") + map[bool]string{true: ",", false: ""}[n > 2] + " or " + missing[n-1]
	}
	return sentence(t.vary("gaps", "Not stated by any source here: ", "No source here states ", "None of the sources states "), or)
}

// credits are the lines that the publishers ask for.
func (t *teller) credits() string {
	var lines []string
	for _, m := range t.f.members {
		if c := cleanTo(m.pub.Credit, 400); c != "" && !slices.Contains(lines, c) {
			lines = append(lines, c)
		}
	}
	for i, l := range lines {
		lines[i] = sentence(escapeLong(l))
	}
	return strings.Join(lines, " ")
}
