package portal

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// A claimRow is a value with all who state it.
type claimRow struct {
	Value   string
	Sources []string
}

// claimRows gathers equal values; key says which are equal.
func claimRows[T any](claims []intel.Sourced[T], value func(T) (key, shown string)) []claimRow {
	var rows []claimRow
	at := map[string]int{}
	for _, c := range claims {
		key, shown := value(c.Value)
		i, ok := at[key]
		if !ok {
			i = len(rows)
			at[key] = i
			rows = append(rows, claimRow{Value: shown})
		}
		rows[i].Sources = appendNew(rows[i].Sources, intel.PublisherOf(c.From.Publisher).Title)
	}
	return rows
}

func valueRows(claims []intel.Sourced[string]) []claimRow {
	return claimRows(claims, func(s string) (string, string) { return intel.NameKey(s), s })
}

// bodyRows are the state bodies and employers that the actor is tied to.
func bodyRows(d *intel.Dossier) []claimRow {
	return claimRows(d.Affiliations, func(a intel.Affiliation) (string, string) {
		return strings.ReplaceAll(intel.NameKey(a.Body), "militaryunit", "unit"), a.Body
	})
}

// originRows are the countries that the actor is attributed to, the served ones
// first.
func originRows(d *intel.Dossier) []claimRow {
	rows := claimRows(d.Origins, func(o intel.Origin) (string, string) {
		if c, ok := vocab.CountryOf(o.Country); ok {
			return c.Code, c.Label
		}
		return intel.NameKey(o.Country), o.Country
	})
	if len(rows) == 0 {
		for _, o := range d.Profile.Origins {
			rows = append(rows, claimRow{Value: o.Label})
		}
	}
	return rows
}

// targets divides the served targets into countries and everything else.
func targets(d *intel.Dossier) (sectors, countries []string) {
	country := map[string]bool{}
	for _, t := range d.Targets {
		if t.Code != "" {
			country[t.Served] = true
		}
	}
	for _, t := range d.Profile.Targets {
		if country[t] {
			countries = append(countries, t)
		} else {
			sectors = append(sectors, t)
		}
	}
	return sectors, countries
}

// A nameRow is one name with all who use it.
type nameRow struct {
	Value    string
	CoinedBy []string
	Sources  []string
	Relation string // "" is the same thing
	Last     intel.Time
}

// nameRows are the names, those of the thing itself before those of its parts
// and of what overlaps with it.
func nameRows(d *intel.Dossier) []nameRow {
	var rows []nameRow
	at := map[string]int{}
	for _, n := range d.Names {
		relation := n.Relation
		if n.Gone {
			relation = "no-longer"
		}
		k := intel.NameKey(n.Value) + "\x00" + string(relation)
		i, ok := at[k]
		if !ok {
			i = len(rows)
			at[k] = i
			rows = append(rows, nameRow{Value: n.Value})
			if relation != intel.Same && relation != "" {
				rows[i].Relation = strings.ReplaceAll(string(relation), "-", " ")
			}
		}
		rows[i].Last = max(rows[i].Last, n.Last)
		rows[i].CoinedBy = appendNew(rows[i].CoinedBy, n.CoinedBy)
		rows[i].Sources = appendNew(rows[i].Sources, intel.PublisherOf(n.From.Publisher).Title)
	}
	slices.SortStableFunc(rows, func(a, b nameRow) int { return cmp.Compare(min(len(a.Relation), 1), min(len(b.Relation), 1)) })
	return rows
}

// A linkRow is something that the profile is tied to. Link is "" if there is
// nothing to read about it.
type linkRow struct {
	Title, Link string
	ID          string // of its source: S0154
	Note        string
}

// linkRows are links to other profiles, each once, by title.
func linkRows(links []intel.ProfileLink, relation bool) []linkRow {
	var rows []linkRow
	seen := map[string]bool{}
	for _, l := range links {
		key := cmp.Or(l.ID, intel.NameKey(l.Title), l.Title)
		if relation {
			key += "\x00" + string(l.Relation)
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		row := linkRow{Title: cmp.Or(l.Title, l.ExternalID, l.ID)}
		if l.ExternalID != row.Title {
			row.ID = l.ExternalID
		}
		if l.ID != "" {
			row.Link = address(l.ID)
		}
		notes := slices.Clone(l.ToolTypes)
		if l.Availability != "" {
			notes = append(notes, string(l.Availability))
		}
		if relation {
			notes = []string{strings.ReplaceAll(string(l.Relation), "-", " ")}
		}
		row.Note = strings.Join(notes, ", ")
		rows = append(rows, row)
	}
	if !relation {
		slices.SortStableFunc(rows, func(a, b linkRow) int {
			return cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
		})
	}
	return rows
}

// users divides those who use a tool into actors and the campaigns that it was
// seen in.
func users(d *intel.Dossier) (actors, campaigns []intel.ProfileLink) {
	for _, u := range d.Users {
		if u.Kind == intel.Campaign {
			campaigns = append(campaigns, u)
		} else {
			actors = append(actors, u)
		}
	}
	return actors, campaigns
}

func idRows(d *intel.Dossier) []linkRow {
	var rows []linkRow
	for _, id := range d.IDs {
		row := linkRow{Title: id.Value.ID, Link: webLink(id.Value.URL), Note: intel.PublisherOf(id.Value.Issuer).Title}
		if !slices.Contains(rows, row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// A referenceRow is a document that a source cites.
type referenceRow struct {
	Title, Link, Host, Date string
}

// referenceRows are the documents, each once, newest first, undated last.
func referenceRows(d *intel.Dossier) []referenceRow {
	var rows []referenceRow
	seen := map[string]bool{}
	for _, ref := range d.References {
		r := ref.Value
		if key := cmp.Or(r.URL, r.Title); key == "" || seen[key] {
			continue
		} else {
			seen[key] = true
		}
		row := referenceRow{Title: r.Title, Link: webLink(r.URL), Date: r.Date.String()}
		if u, err := url.Parse(row.Link); err == nil {
			row.Host = strings.TrimPrefix(u.Hostname(), "www.")
		}
		row.Title = cmp.Or(row.Title, row.Host, r.URL)
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b referenceRow) int { return cmp.Compare(b.Date, a.Date) })
	return rows
}

// A recordRow is a record that the profile rests on.
type recordRow struct {
	intel.RecordUse
	Source, Link string
}

// A tacticRow is a column of the matrix.
type tacticRow struct {
	Name  string
	Items short[linkRow]
}

var attackID = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// tacticRows puts every technique under each of its tactics, in the order of
// the matrix, by id; those of no known tactic come last.
func tacticRows(uses []intel.TechniqueUse) []tacticRow {
	columns := map[string][]linkRow{}
	for _, u := range uses {
		row := linkRow{Title: cmp.Or(u.Name, u.ID), ID: u.ID}
		if attackID.MatchString(u.ID) {
			row.Link = "https://attack.mitre.org/techniques/" + strings.ReplaceAll(u.ID, ".", "/") + "/"
		}
		for _, t := range u.Tactics {
			if !slices.Contains(columns[t], row) {
				columns[t] = append(columns[t], row)
			}
		}
		if len(u.Tactics) == 0 && !slices.Contains(columns[""], row) {
			columns[""] = append(columns[""], row)
		}
	}
	var names []string
	for _, t := range intel.Tactics {
		names = append(names, t.ShortName)
	}
	var others []string
	for name := range columns {
		if name != "" && !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	var rows []tacticRow
	for _, name := range append(append(names, others...), "") {
		items := columns[name]
		if len(items) == 0 {
			continue
		}
		slices.SortStableFunc(items, func(a, b linkRow) int { return cmp.Compare(a.ID, b.ID) })
		rows = append(rows, tacticRow{Name: cmp.Or(strings.ReplaceAll(name, "-", " "), "without a tactic"), Items: shorten(items, techniquesShown)})
	}
	return rows
}
