package profile

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// names collects every claim and serves as aliases those that say "the same
// thing is called this", one for each [intel.NameKey]. A former name is an
// alias too. Left out are the title, placeholders, ids of ATT&CK, the names of
// sponsors, campaigns and parts, the titles of tools that the actor uses, and
// what only a source of fair reliability says beside better ones: lists of
// trails put the names of malware and of actors in one line.
func (f *folder) names() {
	title := f.d.Profile.Title
	titles := map[string]bool{} // what some member is called
	for _, m := range f.members {
		titles[intel.NameKey(m.Title)] = true
	}
	served := map[string]bool{intel.NameKey(title): true}
	curated := slices.ContainsFunc(f.members, func(m member) bool { return m.Live() && !m.Mention && !fair(m.pub) })
	aliases := []string{}
	for _, m := range f.members {
		said := f.w.Assertions(m.Ref)
		spans := make(map[string]intel.Assertion, len(said))
		for _, a := range said {
			spans[clean(a.Value)] = a
		}
		current := map[string]bool{}
		for _, n := range memberNames(m) {
			current[intel.NameKey(n.Value)] = true
			if a, ok := spans[n.Value]; ok {
				n.First, n.Last = earlier(n.First, a.First), max(n.Last, a.Last)
			}
			if n.Last == 0 { // a list without dates of its own says it as of its release
				n.Last = cmp.Or(m.Modified, f.w.Released(m.Ref))
			}
			claim := intel.NameClaim{Name: n, From: m.Ref}
			key := intel.NameKey(n.Value)
			if f.isAlias(n, key, titles) && !(curated && fair(m.pub) && !served[key]) {
				claim.Alias = true
				if !served[key] {
					served[key] = true
					aliases = append(aliases, n.Value)
				}
			}
			f.d.Names = append(f.d.Names, claim)
		}
		for _, a := range said { // what former versions called it
			if a.Value = clean(a.Value); isName(a.Value) && !current[intel.NameKey(a.Value)] {
				a.Relation = cmp.Or(a.Relation, intel.Same)
				f.d.Names = append(f.d.Names, intel.NameClaim{Name: a.Name, From: m.Ref, Gone: true})
			}
		}
	}
	if f.d.Names == nil {
		f.d.Names = []intel.NameClaim{}
	}
	f.d.Profile.Aliases = aliases
}

// earlier is the earlier of two times, of which 0 is none.
func earlier(a, b intel.Time) intel.Time {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// fair reports whether a publisher is judged fairly reliable, or less (C and
// worse in the Admiralty code). One that nobody has judged is not.
func fair(p intel.Publisher) bool { return p.Reliability >= "C" }

// memberNames returns the member's title and names, cleaned, each claim once:
// the title first, with the organisation that coined it if its entry among the
// names says so.
func memberNames(m member) []intel.Name {
	out := make([]intel.Name, 0, len(m.Names)+1)
	title := intel.Name{Value: clean(m.Title), Relation: intel.Same}
	if m.Revoked {
		title.Relation = intel.Formerly
	}
	if m.Publisher == intel.MicrosoftNaming {
		title.CoinedBy = "Microsoft"
	}
	for _, n := range m.Names {
		if clean(n.Value) == title.Value && (n.Relation == "" || n.Relation == intel.Same) {
			title.CoinedBy = cmp.Or(n.CoinedBy, title.CoinedBy)
			title.First, title.Last = n.First, n.Last
		}
	}
	if title.Value != "" {
		out = append(out, title)
	}
	type claim struct{ value, by, relation string }
	seen := map[claim]bool{}
	for _, n := range m.Names {
		n.Value, n.CoinedBy = clean(n.Value), clean(n.CoinedBy)
		n.Relation = cmp.Or(n.Relation, intel.Same)
		if n.Relation == intel.Same && m.Kind == intel.Actor && strings.HasPrefix(n.Value, "Operation ") {
			n.Relation = intel.CampaignName
		}
		c := claim{n.Value, n.CoinedBy, string(n.Relation)}
		repeatsTitle := n.Value == title.Value && n.Relation == intel.Same && (n.CoinedBy == "" || n.CoinedBy == title.CoinedBy)
		if n.Value == "" || seen[c] || repeatsTitle {
			continue
		}
		seen[c] = true
		out = append(out, n)
	}
	return out
}

// isAlias reports whether a name claim may be served as an alias or title.
func (f *folder) isAlias(n intel.Name, key string, titles map[string]bool) bool {
	if n.Relation != intel.Same && n.Relation != intel.Formerly {
		return false
	}
	if !isName(n.Value) || key == "" || isAttackID(n.Value) {
		return false
	}
	return !f.tools[key] || titles[key]
}

// isName reports whether s can name something.
func isName(s string) bool {
	return s != "" && !intel.Placeholder(s) && intel.NameKey(s) != ""
}

// isAttackID reports whether s has the form of an ATT&CK id: G0007, S0154,
// C0022, T1566.001, TA0001, M1036, DS0017.
func isAttackID(s string) bool {
	rest := strings.TrimLeft(s, "ACDGMSTX")
	if n := len(s) - len(rest); n == 0 || n > 2 {
		return false
	}
	head, sub, dotted := strings.Cut(rest, ".")
	return len(head) == 4 && isDigits(head) && (!dotted || len(sub) == 3 && isDigits(sub))
}

func isDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// coined is an alias with the organisations that use it.
type coined struct {
	name   string
	former bool
	by     []string
}

// coinedNames returns the served names, the title first, with who coined each,
// in the order of the aliases.
func (f *folder) coinedNames() []coined {
	names := append([]string{f.d.Profile.Title}, f.d.Profile.Aliases...)
	index := make(map[string]int, len(names))
	out := make([]coined, len(names))
	for i, n := range names {
		index[intel.NameKey(n)] = i
		out[i].name, out[i].former = n, true
	}
	for _, c := range f.d.Names {
		if c.Gone {
			continue
		}
		i, ok := index[intel.NameKey(c.Value)]
		if !ok || !c.Alias {
			continue
		}
		if c.Relation != intel.Formerly {
			out[i].former = false
		}
		if by := coiner(c.CoinedBy); by != "" && !slices.Contains(out[i].by, by) {
			out[i].by = append(out[i].by, by)
		}
	}
	return out
}

// coiner returns an organisation's name in the form that the texts use, "" for
// one that says nothing.
func coiner(by string) string {
	by = clean(by)
	if intel.Placeholder(by) {
		return ""
	}
	switch intel.NameKey(by) {
	case "crowdstrike":
		return "CrowdStrike"
	case "microsoft", "microsoftcorporation", "mstic":
		return "Microsoft"
	case "mitre", "mitrecorporation", "themitrecorporation", "mitreattck":
		return "MITRE"
	case "fireeye":
		return "FireEye"
	case "secureworks", "dellsecureworks", "scwx", "scwxctu":
		return "Secureworks"
	case "paloaltonetworks", "paloalto", "unit42", "paloaltonetworksunit42":
		return "Palo Alto Networks"
	}
	return by
}
