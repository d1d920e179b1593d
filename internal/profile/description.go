package profile

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// Types of events that sections of the description are about.
const (
	lawEnforcement = "law-enforcement"
	discovery      = "discovery"
	dispute        = "dispute"
	campaignEvent  = "campaign"
)

// description returns the profile's Markdown: first a snapshot, with the
// sources' own prose, then the sections that there are facts for, and last how
// the profile is to be read.
func (t *teller) description() string {
	reading := t.reading()
	p := &page{limit: MaxDescription - len(reading) - 64}
	t.snapshot(p)
	if t.actor() {
		t.namesSection(p)
		t.origin(p)
		t.affiliations(p)
		t.targeting(p)
		t.history(p)
		t.law(p)
		t.disputes(p)
	} else {
		t.namesSection(p)
		t.obtaining(p)
		t.origin(p)
		t.usersSection(p)
		t.targeting(p)
		t.history(p)
		t.law(p)
		t.disputes(p)
	}
	p.limit = MaxDescription
	p.section("How to read this profile")
	p.put(reading, false)
	return p.b.String()
}

// snapshot is what the sources say in their own words, and the facts in ours.
func (t *teller) snapshot(p *page) {
	p.section("Snapshot")
	quoted, last := 0, ""
	var told []string
	for _, m := range t.f.fields {
		text := quote(m.Description, 5000)
		if text == "" || quoted == 3 {
			continue
		}
		// A list that repeats another's text is no second voice.
		key := intel.NameKey(text[:min(len(text), 300)])
		key = key[:min(len(key), 80)]
		repeats := func(s string) bool { return strings.HasPrefix(s, key) || strings.HasPrefix(key, s) }
		if slices.ContainsFunc(told, repeats) {
			continue
		}
		told = append(told, key)
		lead := upper(t.esc(t.publisher(m.Publisher))) + " " + t.quoteVerb(quoted)
		if m.Publisher == last {
			lead = "Another entry of " + t.esc(t.publisher(m.Publisher)) + " says"
		}
		last = m.Publisher
		p.para(lead + ":")
		p.put(text, false)
		quoted++
	}
	if t.actor() {
		p.para(t.snapshotActor(quoted > 0)...)
	} else {
		p.para(t.snapshotTool(quoted > 0)...)
	}
}

func (t *teller) quoteVerb(n int) string {
	switch n {
	case 0:
		return t.vary("quote", "describes it", "writes", "describes "+t.it+" so")
	case 1:
		return "adds"
	}
	return "writes"
}

func (t *teller) snapshotActor(quoted bool) []string {
	var s []string
	lead := t.leadActor(true)
	if quoted {
		lead = t.joined() + lead
	}
	s = append(s, lead)
	if sectors, places, _ := t.targetWords(); len(sectors) > 0 && len(places) > 0 {
		s = append(s, sentence("Targets on record include ", andMore(sectors, 4, "sector"), ", with victims in ", andMore(places, 4, t.placeNoun())))
	}
	return append(s, t.numbers())
}

// joined leads from the sources' words to ours.
func (t *teller) joined() string {
	if len(t.sources()) < 2 {
		return "In short: "
	}
	return t.vary("joined", "Taken together: ", "In short: ", "Across the sources: ")
}

func (t *teller) snapshotTool(quoted bool) []string {
	lead := t.leadTool(true)
	if quoted {
		lead = t.joined() + lead
	}
	s := []string{lead}
	if types := t.toolTypes(); len(types) > 1 {
		s = append(s, sentence("Sources also class it as ", t.esc(and(articles(types[1:])))))
	}
	return append(s, t.numbers())
}

func articles(nouns []string) []string {
	out := make([]string, len(nouns))
	for i, n := range nouns {
		if strings.HasSuffix(n, "ware") {
			out[i] = n
		} else {
			out[i] = a(n)
		}
	}
	return out
}

// numbers says how much the profile has, in one sentence.
func (t *teller) numbers() string {
	var have []string
	for _, x := range []struct {
		n    int
		noun string
	}{
		{len(t.d.Techniques), "technique"},
		{len(t.d.Tools), "tool"},
		{len(t.userNames()), "user"},
		{len(t.d.Campaigns), "attributed campaign"},
		{t.f.stats.Count, "indicator"},
	} {
		if x.n > 0 {
			have = append(have, count(x.n, x.noun))
		}
	}
	by := and(t.sources())
	if by == "" {
		return "No record describes it any more."
	}
	if len(have) == 0 {
		return sentence(t.vary("bare",
			"The profile rests on "+by+" alone, which ties no technique, tool, or indicator to it",
			"All that is known here comes from "+by+"; no technique, tool, or indicator is linked to it yet",
			"This profile is drawn from "+by+", and nothing is linked to it so far: no technique, no tool, and no indicator"))
	}
	if len(have) == 1 {
		is := "are"
		if strings.HasPrefix(have[0], "one ") {
			is = "is"
		}
		return sentence("On record ", is, " ", have[0], ", drawn from ", by)
	}
	return sentence(t.vary("numbers",
		"The profile brings together "+and(have)+", from ",
		"On record are "+and(have)+", drawn from ",
		"This profile gathers "+and(have)+", taken from "), by)
}

// sources names the publishers of the members, by precedence.
func (t *teller) sources() []string {
	refs := make([]intel.Ref, len(t.d.Records))
	for i, r := range t.d.Records {
		refs[i] = r.Ref
	}
	return t.publishers(refs)
}

// affiliations says to which state bodies and employers the actor is tied, and
// by whom.
func (t *teller) affiliations(p *page) {
	p.section("Affiliation")
	type tie struct {
		body string
		by   []string
	}
	var ties []tie
	for _, a := range t.d.Affiliations[:min(len(t.d.Affiliations), 12)] {
		by := and(t.publishers([]intel.Ref{a.From}))
		if a.Value.By != "" {
			by += ", citing " + t.esc(a.Value.By) + ","
		}
		body := t.esc(theBody(a.Value.Body))
		i := slices.IndexFunc(ties, func(x tie) bool { return bodyKey(x.body) == bodyKey(body) })
		if i < 0 {
			i = len(ties)
			ties = append(ties, tie{body: body})
		}
		if by != "" && !slices.Contains(ties[i].by, by) {
			ties[i].by = append(ties[i].by, by)
		}
	}
	var s []string
	for i := 0; i < len(ties); i++ {
		bodies := []string{ties[i].body}
		for i+1 < len(ties) && slices.Equal(ties[i+1].by, ties[i].by) {
			i++
			bodies = append(bodies, ties[i].body)
		}
		if len(s) == 0 {
			s = append(s, sentence(and(ties[i].by), " ", verb(len(ties[i].by), "ties", "tie"), " ", t.it, " to ", and(bodies)))
		} else {
			s = append(s, sentence(and(ties[i].by), " ", verb(len(ties[i].by), "names", "name"), " ", and(bodies)))
		}
	}
	p.para(s...)
}

// bodyKey folds the spellings of one state body: "Unit 26165" and "Military unit
// 26165" of the same service.
func bodyKey(body string) string {
	return strings.Replace(intel.NameKey(body), "militaryunit", "unit", 1)
}

// targeting says whom the actor is after, and who says so.
func (t *teller) targeting(p *page) {
	p.section("Targeting")
	sectors, places, others := t.targetWords()
	var refs []intel.Ref
	for _, c := range t.d.Targets {
		if !slices.Contains(refs, c.From) {
			refs = append(refs, c.From)
		}
	}
	by := t.publishers(refs)
	var s []string
	if len(sectors) > 0 {
		s = append(s, sentence(t.vary("sectors",
			"According to "+and(by)+", "+t.it+" targets ",
			and(by)+" "+verb(len(by), "reports", "report")+" targets in these fields: ",
			"by sector, "+and(by)+" "+verb(len(by), "names", "name")+" "), andMore(sectors, 60, "sector")))
		by = nil
	}
	if len(places) > 0 {
		lead := "The " + plural(len(places), t.placeNoun()) + " named " + verb(len(places), "is ", "are ")
		if t.vary("places", "x", "", "") == "x" || len(by) > 0 {
			lead = "Victims are reported in "
			if len(by) > 0 {
				lead = and(by) + " " + verb(len(by), "reports", "report") + " victims in "
			}
		}
		s = append(s, sentence(lead, andMore(places, 80, t.placeNoun())))
		by = nil
	}
	if len(others) > 0 {
		lead := "Further targets that are named: "
		if len(by) > 0 {
			lead = "Targets named by " + and(by) + ": "
		}
		s = append(s, sentence(lead, andMore(others, 30, "target")))
	}
	p.para(s...)
}
