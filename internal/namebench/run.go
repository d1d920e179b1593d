package namebench

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/resolve"
)

// A Report is what was measured.
type Report struct {
	Records     int           `json:"records"`
	Profiles    int           `json:"profiles"`
	Actors      int           `json:"actors"`
	Tools       int           `json:"tools"`
	Suggestions int           `json:"suggestions"`
	Largest     int           `json:"largest"` // records of the largest profile
	Took        time.Duration `json:"tookNanoseconds"`
	Cases       []CaseResult  `json:"cases"`
	Apart       []ApartResult `json:"apart"`
	Links       []LinkResult  `json:"links"`
}

// A CaseResult is a known answer with what is wrong, "" if it holds.
type CaseResult struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Fail   string `json:"fail,omitempty"`
	Absent string `json:"absent,omitempty"` // a record that it is about, and that is not in the data: it was not measured
}

// An ApartResult is about the pairs of entries of one list, which are never the
// same.
type ApartResult struct {
	List    string   `json:"list"`
	Entries int      `json:"entries"`
	Pairs   int      `json:"pairs"`
	Wrong   []string `json:"wrong"`   // pairs in one profile
	Excused []string `json:"excused"` // likewise, because a curated source itself replaced the one by the other
}

// A LinkResult is about links that people drew, which resolution was to find.
type LinkResult struct {
	Name      string   `json:"name"`
	Hidden    string   `json:"hidden,omitempty"` // what resolution was not shown
	Gold      int      `json:"gold"`
	Right     int      `json:"right"`
	Wrong     int      `json:"wrong"`     // joined with another entry of the list
	Ambiguous int      `json:"ambiguous"` // not joined, and suggested to a person
	Missed    int      `json:"missed"`    // not joined, and not suggested
	Fails     []string `json:"fails,omitempty"`
	Left      []string `json:"left,omitempty"` // not gold, for the source contradicts itself: an actor with one entry's title cites another's id
}

// Precision is the share of the joined that are right.
func (l *LinkResult) Precision() float64 { return share(l.Right, l.Right+l.Wrong) }

// Recall is the share of the links that are found.
func (l *LinkResult) Recall() float64 { return share(l.Right, l.Gold) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Problems returns what does not reach what is required, empty if all does: every
// known answer, no pair of ATT&CK or Microsoft in one profile, and of each set of
// links precision 1 with recall 0.95, save that links of which all evidence by
// Microsoft is hidden have no floor of recall.
func (r *Report) Problems() []string {
	var out []string
	for _, c := range r.Cases {
		if c.Fail != "" {
			out = append(out, "known answer "+c.ID+": "+c.Fail)
		}
	}
	for _, a := range r.Apart {
		for _, w := range a.Wrong {
			out = append(out, a.List+": "+w)
		}
	}
	for i := range r.Links {
		l := &r.Links[i]
		if l.Wrong > 0 {
			out = append(out, fmt.Sprintf("%s: precision %.3f", l.Name, l.Precision()))
		}
		if l.Recall() < 0.95 && !strings.HasPrefix(l.Hidden, "all") {
			out = append(out, fmt.Sprintf("%s: recall %.3f", l.Name, l.Recall()))
		}
	}
	return out
}

// Run resolves the records from nothing, and measures.
func Run(records []*intel.Record, cases []Case) *Report {
	start := time.Now()
	p := assign(records)
	r := &Report{Took: time.Since(start), Profiles: len(p.Cells), Suggestions: len(p.Suggestions()), Apart: []ApartResult{}, Links: []LinkResult{}, Cases: []CaseResult{}}
	seen := map[intel.Ref]bool{}
	for _, rec := range records {
		if rec.Kind.HasProfile() && !seen[rec.Ref] {
			seen[rec.Ref] = true
			r.Records++
		}
	}
	for i := range p.Cells {
		c := &p.Cells[i]
		r.Largest = max(r.Largest, len(c.Members))
		if c.Kind == intel.Actor {
			r.Actors++
		} else {
			r.Tools++
		}
	}
	before := map[string]*resolve.Partition{"": p}
	for i := range cases {
		c := &cases[i]
		at := before[c.Expect.AsOf]
		if at == nil {
			at = assign(asOf(records, c.Expect.AsOf))
			before[c.Expect.AsOf] = at
		}
		res := CaseResult{ID: c.ID, Kind: c.Kind}
		if res.Absent = c.absent(records); res.Absent != "" {
			r.Cases = append(r.Cases, res)
			continue
		}
		if err := c.check(at); err != nil {
			res.Fail = err.Error()
		}
		r.Cases = append(r.Cases, res)
	}
	for _, list := range []struct{ name, publisher string }{
		{"ATT&CK × ATT&CK", intel.MitreAttack}, {"Microsoft × Microsoft", intel.MicrosoftNaming}, {"MISP × MISP", intel.MISPThreatActor},
	} {
		if a := apart(p, list.name, list.publisher); a.Entries > 0 {
			r.Apart = append(r.Apart, a)
		}
	}
	curated := of(records, intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor)
	for _, l := range []LinkResult{
		attackLinks(curated, true), attackLinks(curated, false),
		microsoftLinks(records, curated, true), microsoftLinks(records, curated, false),
	} {
		if l.Gold > 0 {
			r.Links = append(r.Links, l)
		}
	}
	return r
}

// apart finds the pairs of live entries of a list that share a profile.
func apart(p *resolve.Partition, name, publisher string) ApartResult {
	out := ApartResult{List: name, Wrong: []string{}, Excused: []string{}}
	perKind := map[intel.Kind]int{}
	for i := range p.Cells {
		var live []resolve.Member
		for _, m := range p.Cells[i].Members {
			if m.Record.Publisher == publisher && m.Record.Live() && !m.Record.Mention {
				live = append(live, m)
			}
		}
		perKind[p.Cells[i].Kind] += len(live)
		for x := range live {
			for y := range live[:x] {
				text := fmt.Sprintf("%s and %s: %s", live[y].Record.Title, live[x].Record.Title, live[x].Reason.Text)
				if live[x].Reason.Rule == resolve.RuleSupersession || live[y].Reason.Rule == resolve.RuleSupersession {
					out.Excused = append(out.Excused, text)
				} else {
					out.Wrong = append(out.Wrong, text)
				}
			}
		}
	}
	for _, n := range perKind {
		out.Entries += n
		out.Pairs += n * (n - 1) / 2
	}
	return out
}

// of returns the records of publishers.
func of(records []*intel.Record, publishers ...string) []*intel.Record {
	var out []*intel.Record
	for _, r := range records {
		if slices.Contains(publishers, r.Publisher) {
			out = append(out, r)
		}
	}
	return out
}

var groupID = regexp.MustCompile(`^G\d{4}$`)

// attackLinks are MISP's actors that cite exactly one of ATT&CK's groups. Where
// the ids are hidden, names alone must find it.
func attackLinks(records []*intel.Record, hide bool) LinkResult {
	out := LinkResult{Name: "ATT&CK ↔ MISP"}
	groups, titled := map[string]*intel.Record{}, map[string]*intel.Record{}
	for _, r := range records {
		for _, id := range r.IDs {
			if r.Publisher == intel.MitreAttack && r.Kind == intel.Actor && id.Issuer == intel.MitreAttack {
				groups[id.ID] = r
				if r.Live() {
					titled[intel.NameKey(r.Title)] = r
				}
			}
		}
	}
	gold := map[intel.Ref]*intel.Record{}
	var shown []*intel.Record
	for _, r := range records {
		if r.Publisher != intel.MISPThreatActor {
			shown = append(shown, r)
			continue
		}
		bare := *r
		var ids []string
		cite := func(id string) {
			if groupID.MatchString(id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		bare.IDs, bare.Names = nil, nil
		for _, id := range r.IDs {
			if id.Issuer == intel.MitreAttack {
				cite(id.ID)
			} else {
				bare.IDs = append(bare.IDs, id)
			}
		}
		for _, n := range r.Names {
			if cite(n.Value); !groupID.MatchString(n.Value) {
				bare.Names = append(bare.Names, n)
			}
		}
		if len(ids) == 1 && groups[ids[0]] != nil {
			if other := titled[intel.NameKey(r.Title)]; other != nil && other != groups[ids[0]] && groups[ids[0]].Live() {
				out.Left = append(out.Left, fmt.Sprintf("%s cites %s of %s", r.Title, ids[0], groups[ids[0]].Title))
			} else {
				gold[r.Ref] = groups[ids[0]]
			}
		}
		if hide {
			r = &bare
		}
		shown = append(shown, r)
	}
	if hide {
		out.Hidden = "the ids"
	}
	out.measure(assign(shown), gold, intel.MitreAttack)
	return out
}

// microsoftLinks are the pairs of one actor of MISP and one of Microsoft that MISP
// itself ties: it says that Microsoft coined one of the actor's names, which is the
// title of the other; or its list of Microsoft's actors links the two as similar.
// Pairs about which these differ, and actors with several, are left out.
func microsoftLinks(records, curated []*intel.Record, hide bool) LinkResult {
	out := LinkResult{Name: "Microsoft ↔ MISP"}
	rows := map[string]*intel.Record{}
	for _, r := range of(curated, intel.MicrosoftNaming) {
		rows[intel.NameKey(r.Title)] = r
	}
	actors := map[string]*intel.Record{} // by uuid
	ties := map[intel.Ref][]*intel.Record{}
	tie := func(actor, row *intel.Record) {
		if !slices.Contains(ties[actor.Ref], row) {
			ties[actor.Ref] = append(ties[actor.Ref], row)
		}
	}
	for _, r := range of(curated, intel.MISPThreatActor) {
		actors[strings.ToLower(r.Key)] = r
		for _, n := range r.Names {
			if row := rows[intel.NameKey(n.Value)]; row != nil && intel.NameKey(n.CoinedBy) == "microsoft" {
				tie(r, row)
			}
		}
	}
	for _, r := range of(records, intel.MISPGalaxyPrefix+"microsoft-activity-group") {
		for _, l := range r.Links {
			if row, actor := rows[intel.NameKey(r.Title)], actors[strings.ToLower(l.To.Key)]; row != nil && actor != nil && (l.Relation == intel.Similar || l.Relation == intel.Same) {
				tie(actor, row)
			}
		}
	}
	claimed := map[*intel.Record]int{}
	for _, list := range ties {
		for _, row := range list {
			claimed[row]++
		}
	}
	gold := map[intel.Ref]*intel.Record{}
	for ref, list := range ties {
		if len(list) == 1 && claimed[list[0]] == 1 {
			gold[ref] = list[0]
		}
	}
	shown := curated
	if hide {
		out.Hidden = "all names that MISP says Microsoft coined"
		shown = nil
		for _, r := range curated {
			if r.Publisher == intel.MISPThreatActor {
				bare := *r
				bare.Names = slices.DeleteFunc(slices.Clone(r.Names), func(n intel.Name) bool { return intel.NameKey(n.CoinedBy) == "microsoft" })
				r = &bare
			}
			shown = append(shown, r)
		}
	}
	out.measure(assign(shown), gold, intel.MicrosoftNaming)
	return out
}

// measure counts which gold links a partition has.
func (l *LinkResult) measure(p *resolve.Partition, gold map[intel.Ref]*intel.Record, publisher string) {
	l.Gold = len(gold)
	near := map[intel.Ref][]resolve.Suggestion{}
	for _, s := range p.Suggestions() {
		near[s.Record.Ref] = append(near[s.Record.Ref], s)
	}
	refs := make([]intel.Ref, 0, len(gold))
	for ref := range gold {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b intel.Ref) int { return strings.Compare(a.String(), b.String()) })
	for _, ref := range refs {
		want := gold[ref]
		cell, ok := p.CellOf(ref)
		expect, served := p.CellOf(want.Ref)
		if !ok {
			l.Missed++
			continue
		}
		at := slices.IndexFunc(cell.Members, func(m resolve.Member) bool { return m.Record.Ref == ref })
		me := cell.Members[at]
		suggested := func(s resolve.Suggestion) bool { return s.Cell == expect }
		switch {
		case cell == expect, !served && cell.Founder == ref: // the list dropped its entry without a successor: there is none to join
			l.Right++
		case slices.ContainsFunc(cell.Members, func(m resolve.Member) bool { return m.Record.Publisher == publisher && m.Record.Live() }):
			l.Wrong++
			l.Fails = append(l.Fails, fmt.Sprintf("wrong: %s is not %s: %s", me.Record.Title, want.Title, me.Reason.Text))
		default:
			i := slices.IndexFunc(near[ref], suggested)
			if i < 0 {
				l.Missed++
				l.Fails = append(l.Fails, fmt.Sprintf("missed: %s and %s", me.Record.Title, want.Title))
				continue
			}
			l.Ambiguous++
			l.Fails = append(l.Fails, fmt.Sprintf("suggested: %s and %s: %s; not joined: %s", me.Record.Title, want.Title, near[ref][i].Text, near[ref][i].Why))
		}
	}
}
