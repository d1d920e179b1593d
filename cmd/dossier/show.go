package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

func (a *app) showCommand() *cobra.Command {
	var full, why, claims bool
	cmd := &cobra.Command{
		Use: "show NAME|ID", Short: "Read a profile",
		Long: `Show prints the profile that a name, an ATT&CK id or a profile id leads to: a card
with who calls it what, where each fact comes from, and its newest indicators.
A name that means several profiles lists them; --all prints the texts whole.

--why tells instead which records the profile is made of, each with the reason, and which
came near and were not joined. Of an address, name, URL or hash it tells how much it is
worth now, with every term: who says so, how old that is, which list guards it. --claims tells, field by field, which source says
what, and by which rule the served value was chosen.`,
		Example: "  dossier show \"Forest Blizzard\"\n  dossier show G0007 --all\n  dossier show --why Turla\n  dossier show --why 'evil[.]example'\n  dossier show --claims Turla\n  dossier show --json S0154 | jq .names",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			name := strings.Join(args, " ")
			if why {
				if known, err := a.whyIndicator(cmd.Context(), s, name); known || err != nil {
					return err
				}
			}
			hits, err := s.ProfilesByName(cmd.Context(), name, view())
			if err != nil {
				return err
			}
			hits = served(hits)
			switch len(hits) {
			case 0:
				return a.suggest(cmd.Context(), s, name)
			case 1:
			default:
				return a.ambiguous(name, hits)
			}
			d, err := s.Dossier(cmd.Context(), hits[0].ID, view())
			if err != nil {
				return err
			}
			switch {
			case why:
				return a.why(d)
			case claims:
				return a.claims(d)
			case a.json:
				return a.printJSON(d)
			}
			return a.card(cmd.Context(), s, d, full)
		},
	}
	cmd.Flags().BoolVarP(&full, "all", "a", false, "print everything: texts, techniques, references, every indicator")
	cmd.Flags().BoolVar(&why, "why", false, "tell why each record is in the profile, and which near misses are not")
	cmd.Flags().BoolVar(&claims, "claims", false, "tell, for each field, which source says what and which rule chose")
	cmd.MarkFlagsMutuallyExclusive("all", "why", "claims")
	a.jsonFlag(cmd)
	return cmd
}

// served keeps the best answers of a name: an id or a title outranks an alias,
// an alias outranks a name that is only claimed.
func served(hits []store.Hit) []store.Hit {
	if len(hits) == 0 {
		return nil
	}
	best := hits[0].Match
	n := 0
	for n < len(hits) && hits[n].Match == best {
		n++
	}
	return hits[:n]
}

func (a *app) suggest(ctx context.Context, s *store.Store, name string) error {
	hits, _, err := s.Search(ctx, name, "", 6, view())
	if err != nil {
		return err
	}
	if a.json {
		return errNothing
	}
	fmt.Fprintf(a.err, "no profile is called %q\n", clean(name))
	if len(hits) > 0 {
		fmt.Fprintln(a.err, "profiles that mention it:")
		for _, h := range hits {
			fmt.Fprintf(a.err, "  %s (%s)\n", clean(h.Title), h.Kind)
		}
	}
	return errNothing
}

func (a *app) ambiguous(name string, hits []store.Hit) error {
	if a.json {
		return a.printHits(hits, false)
	}
	fmt.Fprintf(a.out, "%q may mean:\n\n", clean(name))
	t := &table{t: a.out, colour: []colour{plain, grey, cyan, grey}, max: []int{30, 5, 16, 64}, indent: "  "}
	for _, h := range hits {
		p, err := h.Decode()
		if err != nil {
			return err
		}
		t.add(p.Title, string(p.Kind), strings.Join(labels(p), ", "), p.ID)
	}
	t.print(a.out)
	fmt.Fprintln(a.out, "\nshow one of them by its id, or by a name of its own")
	return nil
}

// card prints a profile for a person.
func (a *app) card(ctx context.Context, s *store.Store, d *intel.Dossier, full bool) error {
	p := &d.Profile
	w := a.out.columns()
	head := a.out.bold(plain, clean(p.Title)) + "  " + a.out.paint(grey, string(p.Kind))
	for _, l := range labels(p) {
		head += "  " + a.out.paint(cyan, l)
	}
	if d.OriginsDiffer {
		head += " " + a.out.paint(yellow, "(sources differ)")
	}
	fmt.Fprintln(a.out, head)
	fmt.Fprintln(a.out, a.out.paint(grey, p.ID))
	fmt.Fprintln(a.out)
	fmt.Fprintln(a.out, wrap(clean(p.Summary.Content), w, ""))
	fmt.Fprintln(a.out)

	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.out, "%s %s\n", a.out.paint(grey, fmt.Sprintf("%-13s", name)), wrap(clean(value), w-14, strings.Repeat(" ", 14)))
		}
	}
	field("first active", d.FirstActive.Value.String()+" ("+activeBasis(d.FirstActive)+")")
	field("targets", few(p.Targets, limitOf(full, 14)))
	field("motives", few(values(d.Motives), 6))
	field("affiliation", strings.Join(bodies(d), "; "))
	field("type", strings.Join(values(d.ToolTypes), ", "))
	field("platforms", strings.Join(d.Platforms, ", "))
	if d.Availability.Value != "" {
		field("availability", string(d.Availability.Value))
	}
	field("ids", few(externalIDs(d), 10))

	a.names(d, full)
	a.links("tools", d.Tools, full)
	a.links("used by", d.Users, full)
	a.links("related", d.Related, full)
	a.techniques(d, full)
	if full {
		a.section("description")
		fmt.Fprintln(a.out, strings.ReplaceAll(printable(p.Description.Content), "\r\n", "\n"))
		if p.Tradecraft != nil {
			a.section("tradecraft")
			fmt.Fprintln(a.out, strings.ReplaceAll(printable(p.Tradecraft.Content), "\r\n", "\n"))
		}
	}
	if err := a.indicators(ctx, s, d, full); err != nil {
		return err
	}
	if err := a.sightingsOf(ctx, s, p.ID, full); err != nil {
		return err
	}
	articles, more, err := s.ProfileArticles(ctx, p.ID, limitOf(full, 8), view())
	if err != nil {
		return err
	}
	if len(articles) > 0 {
		a.section("articles about it")
		a.printArticles(articles, more, len(articles), "  ")
	}
	if len(d.Claims) > 0 {
		a.section("set by people, over the sources")
		t := &table{t: a.out, colour: []colour{cyan, plain, grey, grey, grey}, max: []int{30, 44, 24, 20, 36}, indent: "  "}
		for _, c := range d.Claims {
			t.add(cmp.Or(c.Field, "the profile"), string(c.Value), cmp.Or(c.Name, c.Client), c.Made.Day(), c.ID)
		}
		t.print(a.out)
	}
	a.section("sources")
	t := &table{t: a.out, colour: []colour{cyan, plain, grey, grey}, max: []int{30, 44, 10, 80}, indent: "  "}
	for _, r := range d.Records {
		t.add(intel.PublisherOf(r.Publisher).Title, r.Title, r.Modified.Day(), r.Reason)
	}
	t.print(a.out)
	if err := a.patterns(ctx, s, d, full); err != nil {
		return err
	}
	if !full {
		fmt.Fprintln(a.out, a.out.paint(grey, "\n--all prints the texts, every name, technique and indicator"))
	}
	return nil
}

// printable keeps line ends and drops what could harm a terminal.
func printable(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

func limitOf(full bool, n int) int {
	if full {
		return 1 << 20
	}
	return n
}

func (a *app) section(title string) {
	fmt.Fprintln(a.out)
	fmt.Fprintln(a.out, a.out.bold(plain, title))
}

func activeBasis(f intel.Sourced[intel.Date]) string {
	by := intel.PublisherOf(f.From.Publisher).Title
	if f.From.Publisher == "" {
		by = "Dossier"
	}
	switch f.Value.Basis {
	case intel.BasisStated:
		return "stated by " + by
	case intel.BasisCampaign:
		return "earliest campaign in " + by
	case intel.BasisProse:
		return "from the text of " + by
	case intel.BasisIndicator:
		return "earliest dated indicator"
	case intel.BasisReference:
		return "earliest report cited by " + by
	case intel.BasisCreated:
		return "entry created by " + by + "; activity may be older"
	case intel.BasisRelease:
		return "release of " + by + "; activity may be older"
	}
	return "first imported; activity may be older"
}

func values(list []intel.Sourced[string]) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range list {
		if k := strings.ToLower(v.Value); !seen[k] {
			seen[k] = true
			out = append(out, v.Value)
		}
	}
	return out
}

func bodies(d *intel.Dossier) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range d.Affiliations {
		if k := strings.ReplaceAll(intel.NameKey(v.Value.Body), "militaryunit", "unit"); !seen[k] {
			seen[k] = true
			out = append(out, v.Value.Body)
		}
	}
	return out
}

func externalIDs(d *intel.Dossier) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range d.IDs {
		if !seen[v.Value.ID] {
			seen[v.Value.ID] = true
			out = append(out, v.Value.ID)
		}
	}
	return out
}

// names prints who calls the profile what: one row a name.
func (a *app) names(d *intel.Dossier, full bool) {
	type row struct {
		name, relation string
		by, sources    []string
		last           intel.Time
	}
	var rows []*row
	byKey := map[string]*row{}
	for _, n := range d.Names {
		relation := string(n.Relation)
		if n.Gone {
			relation = "no longer"
		}
		k := intel.NameKey(n.Value) + "\x00" + relation
		r, ok := byKey[k]
		if !ok {
			r = &row{name: n.Value}
			if relation != string(intel.Same) {
				r.relation = relation
			}
			byKey[k] = r
			rows = append(rows, r)
		}
		r.by = appendNew(r.by, n.CoinedBy)
		r.sources = appendNew(r.sources, intel.PublisherOf(n.From.Publisher).Title)
		r.last = max(r.last, n.Last)
	}
	if len(rows) == 0 {
		return
	}
	a.section("names")
	t := &table{t: a.out, colour: []colour{plain, cyan, grey, grey, yellow}, max: []int{34, 30, 10, 60, 14}, indent: "  "}
	limit := limitOf(full, 16)
	for i, r := range rows {
		if i == limit {
			t.add(fmt.Sprintf("… and %d more", len(rows)-i))
			break
		}
		t.add(r.name, strings.Join(r.by, ", "), r.last.Day(), strings.Join(r.sources, ", "), r.relation)
	}
	t.print(a.out)
}

func appendNew(list []string, s string) []string {
	if s == "" {
		return list
	}
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

func (a *app) links(title string, links []intel.ProfileLink, full bool) {
	if len(links) == 0 {
		return
	}
	a.section(title)
	t := &table{t: a.out, colour: []colour{plain, grey, grey, grey}, max: []int{34, 8, 12, 60}, indent: "  "}
	limit := limitOf(full, 12)
	for i, l := range links {
		if i == limit {
			t.add(fmt.Sprintf("… and %d more", len(links)-i))
			break
		}
		what := strings.Join(l.ToolTypes, ", ")
		if title == "related" {
			what = string(l.Relation)
		}
		t.add(l.Title, l.ExternalID, string(l.Availability), what)
	}
	t.print(a.out)
}

func (a *app) techniques(d *intel.Dossier, full bool) {
	if len(d.Techniques) == 0 {
		return
	}
	a.section("techniques")
	t := &table{t: a.out, colour: []colour{grey, plain, grey}, max: []int{10, 60, 40}, indent: "  "}
	limit := limitOf(full, 12)
	for i, u := range d.Techniques {
		if i == limit {
			t.add("", fmt.Sprintf("… and %d more", len(d.Techniques)-i))
			break
		}
		t.add(u.ID, u.Name, strings.Join(u.Tactics, ", "))
	}
	t.print(a.out)
}

// patterns prints what sources say to look for that is no plain value; in full as
// it is written, else the beginning.
func (a *app) patterns(ctx context.Context, s *store.Store, d *intel.Dossier, full bool) error {
	list, total, err := s.ProfilePatterns(ctx, d.Profile.ID, limitOf(full, 4), view())
	if err != nil || total == 0 {
		return err
	}
	a.section("patterns, kept as their sources write them")
	for _, p := range list {
		fmt.Fprintln(a.out, "  "+a.out.bold(plain, clean(cmp.Or(p.Name, p.Key))), a.out.paint(grey, clean(p.Type)+", "+clean(intel.PublisherOf(p.Publisher).Title)+": "+clean(p.Reason)))
		text := printable(p.Text)
		if !full {
			if r := []rune(text); len(r) > 160 {
				text = string(r[:160]) + "…"
			}
			text = strings.Join(strings.Fields(text), " ")
		}
		fmt.Fprintln(a.out, "    "+strings.ReplaceAll(text, "\n", "\n    "))
	}
	if total > len(list) {
		fmt.Fprintf(a.out, "  … and %s more\n", number(total-len(list)))
	}
	return nil
}

// indicators prints the newest ones, defanged.
func (a *app) indicators(ctx context.Context, s *store.Store, d *intel.Dossier, full bool) error {
	q, err := odata.ParseQuery("$orderby=firstSeenDateTime desc&$count=true", store.Types.Indicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return err
	}
	q.Top = 10
	if full {
		q.Top = odata.MaxPage
	}
	a.section("indicators")
	t := &table{t: a.out, colour: []colour{grey, red, grey}, max: []int{24, 80, 40}, indent: "  "}
	page, err := s.ProfileIndicators(ctx, d.Profile.ID, q, view())
	if err != nil {
		return err
	}
	total := page.Count
	shown := int64(0)
	for {
		for _, i := range page.Items {
			when := i.FirstSeen.Day()
			if i.Basis.Rung() >= intel.BasisFile.Rung() {
				when = "heard of " + when // the date is that of a file or an import
			}
			if i.LastSeen != 0 {
				when += " – " + i.LastSeen.Day()
			}
			t.add(string(i.Observable.Kind), observable.Defang(i.Observable), when)
			shown++
		}
		if !full || page.Next == "" {
			break
		}
		q.SkipToken = page.Next
		if page, err = s.ProfileIndicators(ctx, d.Profile.ID, q, view()); err != nil {
			return err
		}
	}
	switch {
	case total == 0:
		fmt.Fprintln(a.out, "  none known")
	case total > shown:
		t.add("", fmt.Sprintf("… and %s more", number(int(total-shown))))
	}
	t.print(a.out)
	return nil
}
