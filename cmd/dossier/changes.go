package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/profile"

	"github.com/spf13/cobra"
)

// maxChanges is how many changes are printed at most: they are compared in memory.
const maxChanges = 10000

func (a *app) changesCommand() *cobra.Command {
	var since, name string
	var limit int
	cmd := &cobra.Command{
		Use: "changes", Short: "Tell what is new, what changed and what is gone",
		Long: `Changes compares what is served now with what was served at a time: profiles and
indicators that are new, changed or gone; of what changed each field, before and
after, and which sources say what is served now. What changed and changed back is
not listed. Changes are kept for 30 days, or what "dossier serve --keep-changes" says.`,
		Example: "  dossier changes --since 7d\n  dossier changes --since 2026-01-31 --profile \"fancy bear\"\n  dossier changes --since 24h --json | jq .title",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			from, err := ingest.ParseSince(since, time.Now())
			if err != nil {
				return fmt.Errorf("--since: %w", err)
			}
			if limit < 1 || limit > maxChanges {
				return fmt.Errorf("--limit %d: want 1 to %d", limit, maxChanges)
			}
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			id := ""
			if name != "" {
				hits, err := s.ProfilesByName(cmd.Context(), name, view())
				if err != nil {
					return err
				}
				switch hits = served(hits); len(hits) {
				case 0:
					return a.suggest(cmd.Context(), s, name)
				case 1:
					id = hits[0].ID
				default:
					return a.ambiguous(name, hits)
				}
			}
			r, err := ingest.ReportChanges(cmd.Context(), s, id, from, limit, view())
			if err != nil {
				return err
			}
			return a.printChanges(r)
		},
	}
	cmd.Flags().StringVar(&since, "since", "24h", "a date, a time, or how long ago: 2026-01-31, 36h, 7d")
	cmd.Flags().StringVar(&name, "profile", "", "only this profile and its indicators: a name or an id")
	cmd.Flags().IntVarP(&limit, "limit", "n", 100, "most profiles, and most indicators, to print")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printChanges(r *ingest.Report) error {
	if a.json {
		for _, p := range r.Profiles {
			if err := a.printJSON(struct {
				Of string `json:"of"`
				ingest.ProfileReport
			}{"profile", p}); err != nil {
				return err
			}
		}
		for _, i := range r.Indicators {
			if err := a.printJSON(struct {
				Of string `json:"of"`
				ingest.IndicatorReport
			}{"indicator", i}); err != nil {
				return err
			}
		}
	} else {
		t := &table{t: a.out, colour: []colour{plain, grey, plain}, max: []int{8, 12, a.out.columns() - 24}}
		for _, p := range r.Profiles {
			t.add(p.Change, string(p.Kind), p.Title)
			a.addFields(t, p.Fields)
		}
		for _, i := range r.Indicators {
			t.add(i.Change, i.Kind, i.Value)
			a.addFields(t, i.Fields)
		}
		t.print(a.out)
	}
	if r.KnownSince != 0 {
		fmt.Fprintf(a.err, "changes are known since %s only\n", r.KnownSince)
	}
	if r.More {
		fmt.Fprintln(a.err, "there are more; use --limit, --profile or a later --since")
	}
	if len(r.Profiles)+len(r.Indicators) == 0 {
		if !a.json {
			fmt.Fprintf(a.err, "nothing has changed since %s\n", r.Since)
		}
		return errNothing
	}
	return nil
}

// addFields adds a line for each field: what it was, what it is, who says so.
func (a *app) addFields(t *table, fields []profile.FieldChange) {
	for _, f := range fields {
		t.add("", "", f.Field+": "+brief(f.Before)+" -> "+brief(f.After))
		if len(f.Sources) > 0 {
			t.add("", "", "    says "+few(f.Sources, 4))
		}
	}
}

// brief is the values of a field for one line.
func brief(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	const most = 60
	text := []rune(strings.Join(values, ", "))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}
