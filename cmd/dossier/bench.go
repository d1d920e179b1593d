package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/namebench"

	"github.com/spf13/cobra"
)

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure how well Dossier does its work",
		Example: "  dossier bench names", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.benchNamesCommand())
	return cmd
}

func (a *app) benchNamesCommand() *cobra.Command {
	var corpus, cases string
	cmd := &cobra.Command{
		Use: "names [PATH…]", Short: "Measure how well names are resolved",
		Long: `Names resolves dictionaries of names from nothing, without a database, and compares:
known answers; the pairs of entries of one list, of which none may share a profile,
save those that a curated source itself merged; and links that people drew, once as
they are and once with the telling names or ids hidden.

The dictionaries are those of the embedded catalogue; with --corpus those in a
folder with copies of the sources' repositories; with --no-catalog none. PATHs are
read besides. The status is 1 if anything that is required is not reached.`,
		Example: "  dossier bench names\n  dossier bench names --corpus ../shared/corpus --json\n  dossier bench names --cases my-answers.json my-actors.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			answers := namebench.Cases()
			if cases != "" {
				f, err := os.Open(cases)
				if err != nil {
					return err
				}
				answers, err = namebench.ReadCases(f)
				if _ = f.Close(); err != nil {
					return fmt.Errorf("%s: %w", cases, err)
				}
			}
			var records []*intel.Record
			var err error
			switch {
			case corpus != "":
				records, err = namebench.Dictionaries(cmd.Context(), filepath.Clean(corpus))
			case !a.noCatalog:
				records, err = namebench.Catalogue(cmd.Context())
			case len(args) == 0:
				err = hinted{errors.New("nothing to measure"), "name files, or leave out --no-catalog"}
			}
			if err != nil {
				return err
			}
			more, err := ingest.ReadRecords(cmd.Context(), args)
			if err != nil {
				return err
			}
			r := namebench.Run(slices.Concat(records, more), answers)
			problems := r.Problems()
			if a.json {
				if err := a.printJSON(struct {
					*namebench.Report
					Problems []string `json:"problems"`
				}{r, problems}); err != nil {
					return err
				}
			} else {
				a.printBench(r, problems)
			}
			if len(problems) > 0 {
				return errNothing
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&corpus, "corpus", "", "folder with copies of the sources' repositories")
	cmd.Flags().StringVar(&cases, "cases", "", "file with known answers, a JSON array; by default those of the program")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printBench(r *namebench.Report, problems []string) {
	fmt.Fprintf(a.out, "%s in %s: %s and %s; the largest has %s; %s; resolved in %s\n", count(r.Records, "record"), count(r.Profiles, "profile"),
		count(r.Actors, "actor"), count(r.Tools, "tool"), count(r.Largest, "record"), number(r.Suggestions)+" near misses", r.Took.Round(time.Millisecond))
	held, measured := 0, 0
	for _, c := range r.Cases {
		if c.Absent == "" {
			measured++
			if c.Fail == "" {
				held++
			}
		}
	}
	a.section("known answers")
	fmt.Fprintf(a.out, "  %d of %d hold\n", held, measured)
	for _, c := range r.Cases {
		switch {
		case c.Absent != "":
			fmt.Fprintln(a.out, "  "+a.out.paint(grey, clean(c.ID+" is not measured: "+c.Absent+" is not in the data")))
		case c.Fail != "":
			fmt.Fprintln(a.out, "  "+a.out.paint(red, c.ID)+"  "+clean(c.Fail))
		}
	}
	a.section("entries of one list in one profile")
	t := &table{t: a.out, colour: []colour{plain, grey, grey, plain}, indent: "  "}
	for _, l := range r.Apart {
		t.add(l.List, number(l.Entries)+" entries", number(l.Pairs)+" pairs", fmt.Sprintf("%d wrong, %d that a curated source merged", len(l.Wrong), len(l.Excused)))
	}
	t.print(a.out)
	for _, l := range r.Apart {
		for _, w := range l.Wrong {
			fmt.Fprintln(a.out, "  "+a.out.paint(red, "wrong: ")+clean(w))
		}
		for _, w := range l.Excused {
			fmt.Fprintln(a.out, "  "+a.out.paint(grey, "merged: "+clean(w)))
		}
	}
	a.section("links that people drew")
	t = &table{t: a.out, colour: []colour{plain, grey, plain, plain, plain, grey}, indent: "  "}
	for i := range r.Links {
		l := &r.Links[i]
		hidden := "nothing hidden"
		if l.Hidden != "" {
			hidden = "hidden: " + l.Hidden
		}
		t.add(l.Name, count(l.Gold, "link"), fmt.Sprintf("precision %.3f", l.Precision()), fmt.Sprintf("recall %.3f", l.Recall()), fmt.Sprintf("%d suggested, %d missed", l.Ambiguous, l.Missed), hidden)
	}
	t.print(a.out)
	for i := range r.Links {
		l := &r.Links[i]
		for _, f := range l.Fails {
			fmt.Fprintln(a.out, "  "+clean(l.Name+": "+f))
		}
		if l.Hidden == "" {
			for _, f := range l.Left {
				fmt.Fprintln(a.out, "  "+a.out.paint(grey, clean(l.Name+": left out, for the source contradicts itself: "+f)))
			}
		}
	}
	fmt.Fprintln(a.out)
	if len(problems) == 0 {
		fmt.Fprintln(a.out, a.out.paint(green, "all that is required is reached"))
		return
	}
	fmt.Fprintln(a.out, a.out.paint(red, "required and not reached:"))
	for _, p := range problems {
		fmt.Fprintln(a.out, "  "+clean(p))
	}
}
