package main

import (
	"errors"
	"log/slog"

	"dossier/internal/guard"

	"github.com/spf13/cobra"
)

func (a *app) guardCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "guard", Short: "Lists of values that are not to be taken for malicious",
		Long: `Guards are lists of what everybody has in their logs: popular names, update servers,
public resolvers, hashes of empty files. A compact set comes with the program; MISP's
warning lists (dossier import misp-warninglists/lists) bring all of them. What a list does
is its policy: exclude (no hunt, no export, not in the API's collections), demote (half the
confidence), annotate (a mark) or off.`,
		Example: "  dossier guard list\n  dossier guard set vpn-ipv4 demote\n  dossier guard set vpn-ipv4 default", Args: cobra.NoArgs,
	}
	list := &cobra.Command{
		Use: "list", Short: "Print the lists with their policies", Args: cobra.NoArgs, Example: "  dossier guard list",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			lists, err := s.Guards(cmd.Context())
			if err != nil {
				return err
			}
			if len(lists) == 0 {
				return errNothing
			}
			t := &table{t: a.out, colour: []colour{plain, cyan, grey, grey}, max: []int{44, 20, 10, 70}}
			for _, l := range lists {
				if a.json {
					if err := a.printJSON(l); err != nil {
						return err
					}
					continue
				}
				policy := string(l.Policy)
				if l.Policy != l.Own {
					policy += " (set)"
				}
				t.add(l.Name, policy, number(l.Size), l.Title)
			}
			t.print(a.out)
			return nil
		},
	}
	a.jsonFlag(list)
	set := &cobra.Command{
		Use: "set LIST POLICY", Short: "Set what a list does: exclude, demote, annotate, off, or default", Args: cobra.ExactArgs(2),
		Example: "  dossier guard set vpn-ipv4 demote",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var p guard.Policy
			if args[1] != "default" {
				if p, err = guard.ParsePolicy(args[1]); err != nil {
					return hinted{err, "or default, which is the list's own"}
				}
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if err := a.importer(s).SetGuardPolicy(cmd.Context(), args[0], p); err != nil {
				return err
			}
			act("guard-set", slog.String("list", args[0]), slog.String("policy", args[1]))
			return nil
		},
	}
	cmd.AddCommand(list, set)
	return cmd
}
