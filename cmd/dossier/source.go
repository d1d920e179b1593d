package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"dossier/internal/ingest"
	"dossier/internal/intel"

	"github.com/spf13/cobra"
)

func (a *app) sourceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "source", Short: "Who says things here: precedence, reliability, removal",
		Long: `A source is a publisher: who says something. Where sources differ, the one of the
lower rank is served; reliability is the Admiralty code, from A (completely reliable)
to F (cannot be judged). What your analysts say comes before all.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(a.sourceListCommand(), a.sourceSetCommand(), a.sourceResetCommand(), a.sourceRemoveCommand())
	return cmd
}

func (a *app) sourceListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List sources by precedence", Args: cobra.NoArgs, Example: "  dossier source list",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			list, err := s.Publishers(cmd.Context(), view())
			if err != nil {
				return err
			}
			holds, err := s.PublisherTable(cmd.Context())
			if err != nil {
				return err
			}
			t := &table{t: a.out, colour: []colour{grey, plain, cyan, plain, grey}, max: []int{5, 40, 44, 0, 40}}
			for _, p := range list {
				p = holds.Of(p.ID)
				set := holds.Set[p.ID]
				if a.json {
					if err := a.printJSON(struct {
						intel.Publisher
						Set *intel.PublisherSetting `json:"set,omitempty"`
					}{p, nonZero(set)}); err != nil {
						return err
					}
					continue
				}
				about := cmp.Or(p.Reliability, "-")
				if p.Distinct {
					about += ", each entry another thing"
				}
				if !set.IsZero() {
					about += ", set here"
				}
				t.add(strconv.Itoa(p.Rank), p.ID, p.Title, about, p.Licence)
			}
			t.print(a.out)
			if len(list) == 0 {
				return errNothing
			}
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

func nonZero(s intel.PublisherSetting) *intel.PublisherSetting {
	if s.IsZero() {
		return nil
	}
	return &s
}

func (a *app) sourceSetCommand() *cobra.Command {
	var rank int
	var reliability string
	var distinct bool
	cmd := &cobra.Command{
		Use: "set ID", Short: "Set precedence and reliability of a source",
		Long: `Set changes what holds of a source here, at once and for all that it has said and
will say; it may be set before its first import. What is not given stays as it was.
Everything is computed anew.

Distinct says that the source keeps its entries apart: two of them are never made
one profile. That is so of dictionaries of actors unless it is set otherwise.`,
		Example: `  dossier source set misp-galaxy/threat-actor --rank 5
  dossier source set our-team --rank 2 --reliability A --distinct`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.setSource(cmd, args[0], func(set *intel.PublisherSetting) error {
				f := cmd.Flags()
				if f.Changed("rank") {
					set.Rank = &rank
				}
				if f.Changed("reliability") {
					reliability = strings.ToUpper(reliability)
					set.Reliability = &reliability
				}
				if f.Changed("distinct") {
					set.Distinct = &distinct
				}
				if !f.Changed("rank") && !f.Changed("reliability") && !f.Changed("distinct") {
					return hinted{errors.New("nothing to set"), "give --rank, --reliability or --distinct"}
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&rank, "rank", 0, "place in the order of precedence, 1 (first) to 1000")
	f.StringVar(&reliability, "reliability", "", "Admiralty code, A to F")
	f.BoolVar(&distinct, "distinct", false, "each of its entries is another thing (--distinct=false: not so)")
	return cmd
}

func (a *app) sourceResetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reset ID", Short: "Take back what was set of a source", Args: cobra.ExactArgs(1),
		Example: "  dossier source reset misp-galaxy/threat-actor",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.setSource(cmd, args[0], func(set *intel.PublisherSetting) error {
				*set = intel.PublisherSetting{}
				return nil
			})
		},
	}
}

// setSource changes the settings of a source.
func (a *app) setSource(cmd *cobra.Command, id string, change func(*intel.PublisherSetting) error) (err error) {
	s, act, err := a.openToAct(cmd.Context())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	known, err := s.PublisherTable(cmd.Context())
	if err != nil {
		return err
	}
	set := known.Set[id]
	if err := change(&set); err != nil {
		return err
	}
	if wrong := set.Check(id); wrong != "" {
		return errors.New(wrong)
	}
	changed, err := ingest.Editor{Store: s}.SetPublisher(cmd.Context(), id, set)
	if err != nil {
		return s.Explain(err)
	}
	if known, err = s.PublisherTable(cmd.Context()); err != nil {
		return err
	}
	p := known.Of(id)
	if changed {
		act("source set", slog.String("source", id), slog.Int("rank", p.Rank), slog.String("reliability", p.Reliability), slog.Bool("distinct", p.Distinct))
	} else {
		fmt.Fprintln(a.err, "nothing changed")
	}
	fmt.Fprintf(a.out, "%s: rank %d, reliability %s, distinct %t\n", clean(id), p.Rank, cmp.Or(p.Reliability, "not judged"), p.Distinct)
	return nil
}

func (a *app) sourceRemoveCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Take back all that a source said",
		Long: `Remove takes a source's records and evidence out of the database, with their former
versions. What is served is then as if it had never been imported; profiles keep
their ids. Import it again to have it back. What your analysts wrote is not touched.`,
		Example: "  dossier source remove unattributed --yes", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if !yes {
				return hinted{fmt.Errorf("this deletes everything that %s said", clean(args[0])), "say that you mean it: --yes"}
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			r, err := ingest.Editor{Store: s}.RemovePublisher(cmd.Context(), args[0])
			if errors.Is(err, intel.ErrNotFound) {
				return hinted{err, "dossier source list names all"}
			}
			if err != nil {
				return s.Explain(err)
			}
			act("source removed", slog.String("source", args[0]), slog.Int("records", r.Records), slog.Int("indicators", r.Indicators), slog.Int("articles", r.Articles))
			fmt.Fprintf(a.out, "removed %s: %s with %s, evidence of %s", clean(args[0]), count(r.Records, "record"), count(r.Versions, "former version"), count(r.Indicators, "indicator"))
			if r.Articles > 0 {
				fmt.Fprintf(a.out, ", %s", count(r.Articles, "article"))
			}
			if r.Patterns > 0 {
				fmt.Fprintf(a.out, ", %s", count(r.Patterns, "pattern"))
			}
			fmt.Fprintln(a.out)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it")
	return cmd
}
