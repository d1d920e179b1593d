package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

// An author is who decides, as the flags say.
type author struct{ reason, by, tlp string }

func (w *author) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.by, "by", "", "who says so; by default the user of this machine")
	f.StringVarP(&w.reason, "reason", "r", "", "why (needed)")
	f.StringVar(&w.tlp, "tlp", "clear", "marking of the decision; raised to that of the records")
}

func (w *author) author() (ingest.Author, error) {
	a := ingest.Author{Client: "command line", Name: w.by, View: view()}
	a.View.Mode = store.All
	if u, err := user.Current(); a.Name == "" && err == nil {
		a.Name = u.Username
	}
	var err error
	if a.TLP, err = intel.ParseTLP(cmp.Or(w.tlp, "clear")); err != nil {
		return a, fmt.Errorf("--tlp: %w", err)
	}
	return a, nil
}

// decisionCommands are the verbs below names.
func (a *app) decisionCommands() []*cobra.Command {
	return []*cobra.Command{
		a.decideCommand("merge A B", "Make one profile of two", `Merge makes one profile of the profiles that A and B lead to: names, ids, or records
as publisher:key. It lifts every rule that keeps them apart. Both ids go on
leading to the profile.`,
			`  dossier names merge "Amethyst Rain" "Volatile Cedar" --reason "Microsoft lists them as one"`, 2,
			func(args []string) ingest.Proposal {
				return ingest.Proposal{Verdict: intel.Merge, A: args[0], B: args[1]}
			}),
		a.decideCommand("apart A B", "Say that two are not the same", `Apart keeps two profiles or records in different profiles, whatever sources say from
now on.`,
			`  dossier names apart "White Bear" Turla --reason "a tool set, not the group"`, 2,
			func(args []string) ingest.Proposal {
				return ingest.Proposal{Verdict: intel.KeepApart, A: args[0], B: args[1]}
			}),
		a.decideCommand("split RECORD", "Take a record out of its profile", `Split keeps a record, written as publisher:key or publisher:title, apart from the
profile that it is in; it goes where the other evidence leads, or founds a profile
of its own. To move it, split it and then merge it with another.`,
			`  dossier names split "misp-galaxy/threat-actor:APT26" --reason "it is Hippo Team"`, 1,
			func(args []string) ingest.Proposal { return ingest.Proposal{Verdict: ingest.Split, A: args[0]} }),
		a.decideCommand("means NAME PROFILE", "Say which profile a name means", `Means puts a profile first among those that a name may mean. Data that only repeats
the name joins that profile.`,
			`  dossier names means "Winnti" APT41 --reason "our team's usage"`, 2,
			func(args []string) ingest.Proposal {
				return ingest.Proposal{Verdict: intel.NameMeans, Name: args[0], A: args[1]}
			}),
		a.undoCommand(), a.decisionsCommand(), a.exportNamesCommand(), a.importNamesCommand(),
	}
}

func (a *app) decideCommand(use, short, long, example string, args int, proposal func([]string) ingest.Proposal) *cobra.Command {
	var who author
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: cobra.ExactArgs(args),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			by, err := who.author()
			if err != nil {
				return err
			}
			p := proposal(args)
			if p.Reason = who.reason; p.Reason == "" {
				return hinted{errors.New("a decision needs a reason"), `give one: --reason "…"`}
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			d, isNew, err := ingest.Editor{Store: s}.Decide(cmd.Context(), by, p)
			if err != nil {
				return decisionError(s, err)
			}
			if isNew {
				act("decision", slog.String("decision", d.ID), slog.String("verdict", string(d.Verdict)), slog.String("what", sentenceOf(d)))
			}
			standing, err := ingest.DecisionOf(cmd.Context(), s, d.ID, view())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(standing)
			}
			fmt.Fprintln(a.out, clean(sentenceOf(d)))
			switch {
			case !isNew:
				fmt.Fprintln(a.out, "it was decided before, by "+clean(cmp.Or(d.By, d.Client))+" on "+d.Made.Day())
			case standing.Effect != "holds":
				fmt.Fprintln(a.out, a.out.paint(yellow, standing.Effect))
			}
			fmt.Fprintln(a.err, "to take it back: dossier names undo "+d.ID)
			return nil
		},
	}
	who.flags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// decisionError gives an error its hint.
func decisionError(s *store.Store, err error) error {
	var bad *ingest.BadDecision
	if errors.As(err, &bad) {
		return hinted{errors.New(clean(bad.Msg)), clean(bad.Hint)}
	}
	if errors.Is(err, intel.ErrNotFound) {
		return hinted{err, "dossier names finds names like it; a record is written publisher:key, as dossier show --why prints it"}
	}
	return s.Explain(err)
}

// sentenceOf says a decision in words.
func sentenceOf(d *intel.Decision) string {
	label := func(r *intel.RecordRef) string {
		if r == nil {
			return ""
		}
		return fmt.Sprintf("%s (%s)", cmp.Or(r.Title, r.Key), r.Publisher)
	}
	switch d.Verdict {
	case intel.Merge:
		return label(&d.A) + " and " + label(d.B) + " are one"
	case intel.KeepApart:
		return label(&d.A) + " and " + label(d.B) + " are not the same"
	case intel.NameMeans:
		return fmt.Sprintf("%q means %s", d.Name, label(&d.A))
	}
	return string(d.Verdict)
}

func (a *app) undoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "undo ID", Short: "Take a decision back", Example: "  dossier names undo 5d0f3a0c-7d6e-4a5e-9d1b-6a4f0d8f1c2e", Args: cobra.ExactArgs(1),
		Long: "Undo withdraws a decision: profiles are as if it had never been made. It stays on\nrecord; dossier names decisions --all lists it.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			by, err := new(author).author()
			if err != nil {
				return err
			}
			d, err := ingest.Editor{Store: s}.Undo(cmd.Context(), by, args[0])
			if errors.Is(err, intel.ErrNotFound) {
				return hinted{err, "dossier names decisions lists those that hold"}
			}
			if err != nil {
				return s.Explain(err)
			}
			act("decision undone", slog.String("decision", d.ID), slog.String("what", sentenceOf(d)))
			fmt.Fprintln(a.out, "undone: "+clean(sentenceOf(d)))
			return nil
		},
	}
}

func (a *app) decisionsCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "decisions", Short: "List what people decided about names and profiles", Args: cobra.NoArgs,
		Example: "  dossier names decisions --all",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			list, err := ingest.Decisions(cmd.Context(), s, all, view())
			if err != nil {
				return err
			}
			for i := range list {
				d := &list[i]
				if a.json {
					if err := a.printJSON(d); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintln(a.out, a.out.bold(plain, clean(sentenceOf(&d.Decision))))
				fmt.Fprintf(a.out, "  %s, by %s on %s: %s\n", clean(d.Effect), clean(cmp.Or(d.By, d.Client)), d.Made.Day(), wrap(clean(d.Reason), a.out.columns()-4, "    "))
				fmt.Fprintln(a.out, "  "+a.out.paint(grey, d.ID))
			}
			if len(list) == 0 {
				if !a.json {
					fmt.Fprintln(a.err, "nothing was decided")
				}
				return errNothing
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "also what was undone")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) exportNamesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export FILE", Short: "Write all decisions to a file", Args: cobra.ExactArgs(1),
		Long: `Export writes what people decided, one decision a line (NDJSON), those that were
undone included. They name records by publisher and key, so that every installation
understands them. "-" is standard output.`,
		Example: "  dossier names export decisions.ndjson && git commit -m \"names\" decisions.ndjson",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if args[0] == "-" {
				_, err = ingest.ExportDecisions(cmd.Context(), s, a.out, view())
				return err
			}
			// A failure leaves the file that was there.
			f, err := os.CreateTemp(filepath.Dir(args[0]), ".names-*")
			if err != nil {
				return err
			}
			defer os.Remove(f.Name())
			n, err := ingest.ExportDecisions(cmd.Context(), s, f, view())
			if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
				return err
			}
			if err := os.Rename(f.Name(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "wrote %s to %s\n", count(n, "decision"), clean(args[0]))
			return nil
		},
	}
}

func (a *app) importNamesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Read decisions from a file", Args: cobra.ExactArgs(1),
		Long: `Import reads what names export writes: all of it, or nothing. Reading a file again
changes nothing. A decision about a record that is not here waits for it. One that
was undone here stays undone. A line that was written by hand needs no id; it
needs verdict (merge, apart, means), a (and b) with publisher and key, and reason.`,
		Example: "  dossier names import decisions.ndjson",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			by, err := new(author).author()
			if err != nil {
				return err
			}
			var in io.Reader = a.in
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			n, err := ingest.Editor{Store: s}.ImportDecisions(cmd.Context(), by, in)
			if err != nil {
				return decisionError(s, err)
			}
			act("decisions imported", slog.String("input", args[0]), slog.Int("new", n.New), slog.Int("undone", n.Undone))
			if a.json {
				return a.printJSON(n)
			}
			fmt.Fprintf(a.out, "%s new, %s undone, %s unchanged\n", count(n.New, "decision"), number(n.Undone), number(n.Unchanged))
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}
