package main

import (
	"errors"
	"fmt"
	"strings"

	"dossier/internal/ingest"
	"dossier/internal/intel"

	"github.com/spf13/cobra"
)

func (a *app) namesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "names NAME", Short: "Tell who uses a name, since when, and for whom",
		Long: `Names lists every profile that a name may mean, the likeliest first: who calls it
so, who coined the name, when that was first and last asserted, and why the profile
stands where it does. An unknown name lists those like it.

The commands below it decide what the sources leave open. A decision is a claim
with an author and a reason; it survives imports, and can be undone. To ask for a
name that is also one of these commands, write it in other case: names MERGE.`,
		Example: "  dossier names \"Labyrinth Chollima\"\n  dossier names --json winnti | jq .claims\n  dossier names merge \"Amethyst Rain\" \"Volatile Cedar\" --reason \"Microsoft lists them as one\"",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			answer, err := ingest.Names(cmd.Context(), s, strings.Join(args, " "), view())
			if err != nil {
				return err
			}
			return a.printNames(answer)
		},
	}
	a.jsonFlag(cmd)
	cmd.AddCommand(a.decisionCommands()...)
	return cmd
}

// printNames prints what a name may mean.
func (a *app) printNames(n *ingest.NameAnswer) error {
	if a.json {
		for i, p := range n.Profiles {
			if err := a.printJSON(struct {
				Name string `json:"name"`
				Rank int    `json:"rank"`
				ingest.NameProfile
			}{n.Name, i + 1, p}); err != nil {
				return err
			}
		}
		for _, s := range n.Similar {
			if err := a.printJSON(map[string]any{"name": n.Name, "similar": s}); err != nil {
				return err
			}
		}
		if len(n.Profiles) == 0 {
			return errNothing
		}
		return nil
	}
	if len(n.Profiles) == 0 {
		fmt.Fprintf(a.err, "nobody is called %q\n", clean(n.Name))
		if n.LooksLike != "" {
			fmt.Fprintf(a.err, "its letters are made to look like %q\n", clean(n.LooksLike))
		}
		if len(n.Similar) > 0 {
			fmt.Fprintln(a.err, "names like it:")
			t := &table{t: a.out, colour: []colour{plain, grey, grey}, max: []int{40, 40, 0}, indent: "  "}
			for _, s := range n.Similar {
				t.add(s.Name, "of "+s.Title, s.Why)
			}
			t.print(a.err)
		} else {
			fmt.Fprintln(a.err, "and no name is like it; dossier search looks through the texts too")
		}
		return errNothing
	}
	if len(n.Profiles) > 1 {
		fmt.Fprintf(a.out, "%q may mean %s, the likeliest first:\n", clean(n.Name), count(len(n.Profiles), "profile"))
	}
	if n.LooksLike != "" {
		fmt.Fprintln(a.out, a.out.paint(yellow, "its letters are made to look like "+clean(n.LooksLike)))
	}
	if n.Weak != "" {
		fmt.Fprintf(a.out, "it is a %s, and joins nothing by itself\n", n.Weak)
	}
	for i, p := range n.Profiles {
		fmt.Fprintf(a.out, "\n%d. %s  %s  %s\n", i+1, a.out.bold(plain, clean(p.Title)), a.out.paint(grey, string(p.Kind)), a.out.paint(grey, p.ID))
		if p.Reason != "" {
			fmt.Fprintln(a.out, "   "+wrap(clean(p.Reason), a.out.columns()-3, "   "))
		}
		t := &table{t: a.out, colour: []colour{plain, cyan, grey, grey, yellow}, max: []int{30, 24, 34, 24, 12}, indent: "     "}
		for _, c := range p.Claims {
			relation := ""
			switch {
			case c.Gone:
				relation = "no longer"
			case c.Relation != "" && c.Relation != intel.Same:
				relation = string(c.Relation)
			}
			by := c.CoinedBy
			if by != "" && !c.Decided {
				by = "coined by " + by
			}
			t.add(c.Value, intel.PublisherOf(c.From.Publisher).Title, by, span(c.First, c.Last), relation)
		}
		t.print(a.out)
	}
	return nil
}
