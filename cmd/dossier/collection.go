package main

import (
	"errors"
	"fmt"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/publish"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

func (a *app) collectionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "collection", Short: "Collections of your own for TAXII clients",
		Long: `Collection keeps collections that the TAXII server at /taxii2/ has beside its own: the
indicators that a filter or a profile chooses. --filter is what $filter is for the API's
collection of indicators. A collection does not change: remove it and add another, so that
clients read it anew.`,
		Example: "  dossier collection add phishing --title 'Recent names' --filter \"firstSeenDateTime ge 2026-01-01T00:00:00Z\"\n  dossier collection list",
		Args:    cobra.NoArgs,
	}
	c := store.Collection{}
	add := &cobra.Command{
		Use: "add NAME", Short: "Add a collection", Args: cobra.ExactArgs(1),
		Example: "  dossier collection add apt28 --profile APT28\n  dossier collection add recent --filter \"firstSeenDateTime ge 2026-01-01T00:00:00Z\"",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			c.Name = args[0]
			if err := publish.CheckCollection(cmd.Context(), s, &c, view()); err != nil {
				var q *odata.Error
				if errors.As(err, &q) {
					return fmt.Errorf("--filter: %s", q.Message)
				}
				return err
			}
			if c.Title == "" {
				c.Title = c.Name
			}
			if err := s.AddCollection(cmd.Context(), c); err != nil {
				if errors.Is(err, store.ErrExists) {
					return hinted{err, "dossier collection remove " + c.Name + " first"}
				}
				return err
			}
			fmt.Fprintf(a.out, "added: /taxii2/api/collections/%s/\n", c.Name)
			return nil
		},
	}
	add.Flags().StringVar(&c.Title, "title", "", "what people read; by default the name")
	add.Flags().StringVar(&c.Filter, "filter", "", "OData filter over indicators, as the API's $filter")
	add.Flags().StringVar(&c.Profile, "profile", "", "only indicators of the profile with this name or id")
	remove := &cobra.Command{
		Use: "remove NAME", Short: "Remove a collection", Args: cobra.ExactArgs(1), Example: "  dossier collection remove apt28",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			return s.RemoveCollection(cmd.Context(), args[0])
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "Print your collections", Args: cobra.NoArgs, Example: "  dossier collection list --json",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			all, err := s.Collections(cmd.Context())
			if err != nil {
				return err
			}
			if len(all) == 0 {
				return errNothing
			}
			for _, c := range all {
				if a.json {
					err := a.printJSON(struct {
						Name    string     `json:"name"`
						Title   string     `json:"title"`
						Filter  string     `json:"filter,omitempty"`
						Profile string     `json:"profile,omitempty"`
						Made    intel.Time `json:"made"`
					}(c))
					if err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(a.out, "%s  %s\n", clean(c.Name), clean(c.Title))
				if c.Filter != "" {
					fmt.Fprintln(a.out, "  filter", clean(c.Filter))
				}
				if c.Profile != "" {
					fmt.Fprintln(a.out, "  profile", clean(c.Profile))
				}
			}
			return nil
		},
	}
	a.jsonFlag(list)
	cmd.AddCommand(add, remove, list)
	return cmd
}
