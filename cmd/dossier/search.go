package main

import (
	"errors"
	"fmt"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

func (a *app) searchCommand() *cobra.Command {
	var kind string
	var limit int
	cmd := &cobra.Command{
		Use: "search TEXT…", Short: "Find profiles by name or by any words",
		Long: `Search finds profiles whose names or texts hold all the words, in any case.
Profiles with the exact name come first; an ambiguous name lists every profile
that uses it.`,
		Example: "  dossier search fancy bear\n  dossier search --kind tool ransomware healthcare\n  dossier search --json iran",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if kind != "" && !intel.Kind(kind).HasProfile() {
				return fmt.Errorf("--kind %q: want actor or tool", kind)
			}
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			hits, more, err := s.Search(cmd.Context(), strings.Join(args, " "), intel.Kind(kind), limit, view())
			if err != nil {
				return err
			}
			return a.printHits(hits, more)
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "actor or tool")
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "most profiles to print")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printHits(hits []store.Hit, more bool) error {
	if len(hits) == 0 {
		if !a.json {
			fmt.Fprintln(a.err, "no profile found")
		}
		return errNothing
	}
	t := &table{t: a.out, colour: []colour{plain, grey, cyan, plain}, max: []int{30, 5, 16, a.out.columns() - 58}}
	for _, h := range hits {
		p, err := h.Decode()
		if err != nil {
			return err
		}
		if a.json {
			if err := a.printJSON(map[string]any{"id": p.ID, "kind": p.Kind, "title": p.Title, "match": h.Match, "aliases": p.Aliases, "countriesOrRegionsOfOrigin": codes(p), "summary": p.Summary.Content}); err != nil {
				return err
			}
			continue
		}
		about := few(p.Aliases, 4)
		if about == "" {
			about = p.Summary.Content
		}
		t.add(p.Title, string(p.Kind), strings.Join(labels(p), ", "), about)
	}
	t.print(a.out)
	if more && !a.json {
		fmt.Fprintln(a.err, "there are more; use --limit or more words")
	}
	return nil
}

func labels(p *intel.Profile) []string {
	var out []string
	for _, o := range p.Origins {
		out = append(out, o.Label)
	}
	return out
}

func codes(p *intel.Profile) []string {
	out := []string{}
	for _, o := range p.Origins {
		out = append(out, o.Code)
	}
	return out
}
