package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

// An answer is what lookup knows of one value.
type answer struct {
	Input      string               `json:"input"`
	Known      bool                 `json:"known"`
	Kind       observable.Kind      `json:"kind,omitempty"`
	Value      string               `json:"value,omitempty"`
	ID         string               `json:"id,omitempty"`
	FirstSeen  intel.Time           `json:"firstSeen,omitzero"`
	LastSeen   intel.Time           `json:"lastSeen,omitzero"`
	Revoked    bool                 `json:"revoked,omitempty"`
	Confidence int                  `json:"confidence,omitempty"` // 0..100, now
	Active     bool                 `json:"active,omitempty"`
	Until      intel.Time           `json:"activeUntil,omitzero"`
	Guard      *guard.Listing       `json:"guard,omitempty"`
	Profiles   []store.ProfileTitle `json:"profiles,omitempty"`
	Evidence   []store.Evidence     `json:"evidence,omitempty"`
	Articles   []store.ArticleTitle `json:"articles,omitempty"` // that list it, latest first
	MoreArts   bool                 `json:"moreArticles,omitempty"`
	Under      []answer             `json:"under,omitempty"`  // known names above it
	OnHost     []string             `json:"onHost,omitempty"` // known URLs and ports of the host
	MoreOnHost bool                 `json:"moreOnHost,omitempty"`
	Sighted    *store.SightingTotal `json:"sighted,omitempty"` // met in your own data
	Error      string               `json:"error,omitempty"`
}

func (a *app) lookupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "lookup VALUE…|-", Short: "Tell what is known of addresses, names, URLs and hashes",
		Long: `Lookup answers every value, known or not: which profiles it belongs to, who says
so, when it was first and last seen. Defanged values are fine. "-" reads one
value a line from standard input.`,
		Example: "  dossier lookup 'hxxps://evil[.]com/x' 8.8.8.8\n  grep -o '[0-9a-f]\\{64\\}' report.txt | dossier lookup --json -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			known := false
			err = a.values(args, func(value string) error {
				ans, err := lookup(cmd.Context(), s, value)
				if err != nil {
					return err
				}
				known = known || ans.Known || len(ans.Under)+len(ans.OnHost) > 0
				if a.json {
					return a.printJSON(ans)
				}
				a.printAnswer(ans)
				return nil
			})
			if err == nil && !known {
				return errNothing
			}
			return err
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

// values yields each argument, and each line of standard input for "-".
func (a *app) values(args []string, f func(string) error) error {
	for _, arg := range args {
		if arg != "-" {
			if err := f(arg); err != nil {
				return err
			}
			continue
		}
		in := bufio.NewReader(a.in)
		for {
			line, err := in.ReadString('\n')
			if value := strings.TrimSpace(line); value != "" {
				if err := f(value); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
		}
	}
	return nil
}

const maxOnHost = 10

func lookup(ctx context.Context, s *store.Store, value string) (answer, error) {
	ans := answer{Input: value}
	o, err := observable.Parse(value)
	if err != nil {
		ans.Error = err.Error()
		return ans, nil
	}
	ans.Kind, ans.Value = o.Kind, o.Value
	k, err := s.Lookup(ctx, o, view())
	switch {
	case err == nil:
		if err := ans.fill(ctx, s, k); err != nil {
			return ans, err
		}
	case !errors.Is(err, intel.ErrNotFound):
		return ans, err
	}
	host := o.Value
	if h, ok := o.Host(); ok {
		host = h.Value
		if k, err := s.Lookup(ctx, h, view()); err == nil {
			above := answer{Input: h.Value, Kind: h.Kind, Value: h.Value}
			if err := above.fill(ctx, s, k); err != nil {
				return ans, err
			}
			ans.Under = append(ans.Under, above)
		} else if !errors.Is(err, intel.ErrNotFound) {
			return ans, err
		}
	} else if o.Kind == observable.Domain || o.Kind == observable.IPAddress {
		found, more, err := s.OnHost(ctx, o.Value, maxOnHost, view())
		if err != nil {
			return ans, err
		}
		for _, i := range found {
			ans.OnHost = append(ans.OnHost, i.Observable.Value)
		}
		ans.MoreOnHost = more
	}
	if o.Kind == observable.Domain || host != o.Value {
		parents, err := s.Parents(ctx, host, view())
		if err != nil {
			return ans, err
		}
		for _, k := range parents {
			above := answer{Input: k.Indicator.Observable.Value, Kind: k.Indicator.Observable.Kind, Value: k.Indicator.Observable.Value}
			if err := above.fill(ctx, s, k); err != nil {
				return ans, err
			}
			ans.Under = append(ans.Under, above)
		}
	}
	return ans, nil
}

func (ans *answer) fill(ctx context.Context, s *store.Store, k *store.Known) error {
	ans.Known = true
	ans.ID, ans.FirstSeen, ans.LastSeen, ans.Revoked = k.Indicator.ID, k.Indicator.FirstSeen, k.Indicator.LastSeen, k.Indicator.Revoked
	ans.Profiles, ans.Evidence, ans.Articles, ans.MoreArts = k.Profiles, k.Evidence, k.Articles, k.More
	ans.Confidence, ans.Active, ans.Until = k.Indicator.Confidence, k.Indicator.Active, k.Indicator.Life.Until
	if m := k.Indicator.Guard; !m.IsZero() {
		ans.Guard = &m
	}
	total, err := s.SightingTotal(ctx, store.SightingFilter{Indicator: k.Indicator.ID}, view())
	if err == nil && total.Indicators > 0 {
		ans.Sighted = &total
	}
	return err
}

func (a *app) printAnswer(ans answer) {
	switch {
	case ans.Error != "":
		fmt.Fprintln(a.out, a.out.bold(yellow, clean(ans.Input)), "cannot be looked up:", clean(ans.Error))
		return
	case !ans.Known && len(ans.Under)+len(ans.OnHost) == 0:
		fmt.Fprintln(a.out, a.out.bold(plain, defanged(ans)), a.out.paint(grey, string(ans.Kind)), "unknown")
		return
	case ans.Known:
		a.printKnown(ans, "")
	default:
		fmt.Fprintln(a.out, a.out.bold(plain, defanged(ans)), a.out.paint(grey, string(ans.Kind)), "not known itself, but:")
	}
	for _, u := range ans.Under {
		fmt.Fprintln(a.out, "  it lies under")
		a.printKnown(u, "  ")
	}
	for _, v := range ans.OnHost {
		o, _ := observable.Parse(v)
		fmt.Fprintln(a.out, "  known on it:", observable.Defang(o))
	}
	if ans.MoreOnHost {
		fmt.Fprintln(a.out, "  … and more on it")
	}
}

func defanged(ans answer) string {
	return clean(observable.Defang(observable.Observable{Kind: ans.Kind, Value: ans.Value}))
}

func (a *app) printKnown(ans answer, indent string) {
	when := "first seen " + ans.FirstSeen.Day()
	if len(ans.Evidence) > 0 && ans.Evidence[0].FirstSeen.Basis == intel.BasisImport {
		when = "first heard of " + ans.FirstSeen.Day()
	}
	if ans.LastSeen != 0 {
		when += ", last " + ans.LastSeen.Day()
	}
	if ans.Revoked {
		when += ", " + a.out.bold(yellow, "withdrawn by its source")
	}
	fmt.Fprintln(a.out, indent+a.out.bold(red, defanged(ans)), a.out.paint(grey, string(ans.Kind)), when)
	fmt.Fprintln(a.out, indent+"  "+a.lifeWords(ans))
	if ans.Sighted != nil {
		fmt.Fprintln(a.out, indent+"  "+a.out.bold(yellow, "met in your own data")+" "+metWords(*ans.Sighted))
	}
	var titles []string
	for _, p := range ans.Profiles {
		titles = append(titles, p.Title+" ("+string(p.Kind)+")")
	}
	if len(titles) == 0 {
		titles = []string{"no profile"}
	}
	fmt.Fprintln(a.out, indent+"  "+a.out.bold(magenta, clean(few(titles, 6))))
	t := &table{t: a.out, colour: []colour{cyan, plain, grey, grey}, max: []int{28, 24, 40, 90}, indent: indent + "  "}
	for i, e := range ans.Evidence {
		if i == 8 {
			t.add(fmt.Sprintf("and %d more", len(ans.Evidence)-i))
			break
		}
		dates := e.FirstSeen.String() + " " + basisWord(e.FirstSeen.Basis)
		if e.LastSeen != 0 && e.LastSeen != e.FirstSeen.At {
			dates += ", last " + e.LastSeen.Day()
		}
		t.add(intel.PublisherOf(e.Publisher).Title, dates, e.Context, e.Reference)
	}
	t.print(a.out)
	a.printArticles(ans.Articles, ans.MoreArts, 4, indent+"  in ")
}

// printArticles names articles, the latest, a line each and no more than limit.
func (a *app) printArticles(list []store.ArticleTitle, more bool, limit int, before string) {
	for i, t := range list {
		if i == limit {
			more = true
			break
		}
		fmt.Fprintln(a.out, before+a.out.bold(plain, clean(t.Title)), a.out.paint(grey, clean(intel.PublisherOf(t.Publisher).Title)+", "+t.Created.Day()+", article "+t.ID))
	}
	if more {
		fmt.Fprintln(a.out, before+"more articles")
	}
}

// lifeWords say how much an indicator is worth now.
func (a *app) lifeWords(ans answer) string {
	text := fmt.Sprintf("confidence %d, ", ans.Confidence)
	switch {
	case ans.Revoked:
		text += "withdrawn"
	case ans.Guard != nil && ans.Guard.Policy == guard.Exclude:
		return text + a.out.bold(green, "guarded by "+clean(ans.Guard.List)) + ": it reaches no hunt and no export"
	case ans.Active && ans.Until == lifecycle.Never:
		text += "active"
	case ans.Active:
		text += "active until " + ans.Until.Day()
	case ans.Until != 0:
		text += a.out.paint(grey, "expired "+ans.Until.Day())
	default:
		text += a.out.paint(grey, "below the floor")
	}
	if ans.Guard != nil {
		text += a.out.paint(grey, fmt.Sprintf(" (on the list %s: %s)", clean(ans.Guard.List), ans.Guard.Policy))
	}
	return text
}

// basisWord says what a date rests on.
func basisWord(b intel.Basis) string {
	switch b {
	case intel.BasisStated:
		return "(stated)"
	case intel.BasisReference:
		return "(date of the reference)"
	case intel.BasisEvent:
		return "(date of the report)"
	case intel.BasisFile:
		return "(date of the file)"
	case intel.BasisRelease:
		return "(date of the release)"
	case intel.BasisImport:
		return "(date of the import)"
	}
	return ""
}
