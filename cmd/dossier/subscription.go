package main

import (
	"errors"
	"fmt"
	"log/slog"

	"dossier/internal/intel"
	"dossier/internal/notify"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

func (a *app) subscriptionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "subscription", Short: "List and end the subscriptions of clients",
		Long: `Clients subscribe to changes by the API (POST /v1.0/subscriptions) and are told of
them at an address of their own. A server tells them while it runs (dossier serve).`,
		Example: "  dossier subscription list\n  dossier subscription remove 0f6b2c1e-7a53-4c0f-9a43-1f1f6c3a9d52",
	}
	list := &cobra.Command{
		Use: "list", Short: "List subscriptions: whose, to what, how they go", Args: cobra.NoArgs, Example: "  dossier subscription list\n  dossier subscription list --json",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			subs, err := s.Subscriptions(cmd.Context())
			if err != nil {
				return s.Explain(err)
			}
			clients, err := s.Clients(cmd.Context())
			if err != nil {
				return s.Explain(err)
			}
			names := map[string]string{}
			for _, c := range clients {
				names[c.ID] = c.Name
			}
			return a.printSubscriptions(s, subs, names)
		},
	}
	a.jsonFlag(list)
	remove := &cobra.Command{
		Use: "remove ID", Short: "End a subscription; its client is told, if it wants to be", Args: cobra.ExactArgs(1),
		Example: "  dossier subscription remove 0f6b2c1e-7a53-4c0f-9a43-1f1f6c3a9d52",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if err := s.RemoveSubscription(cmd.Context(), args[0]); err != nil {
				if errors.Is(err, intel.ErrNotFound) {
					return hinted{err, "dossier subscription list shows them"}
				}
				return s.Explain(err)
			}
			act("subscription removed", slog.String("subscription", args[0]))
			return nil
		},
	}
	cmd.AddCommand(list, remove)
	return cmd
}

// A subscriptionRow is what is printed of a subscription. Secrets of clients are not.
type subscriptionRow struct {
	ID       string     `json:"id"`
	Client   string     `json:"client"`
	Name     string     `json:"name,omitempty"`
	Resource string     `json:"resource"`
	Changes  string     `json:"changeType"`
	URL      string     `json:"notificationUrl"`
	Expires  intel.Time `json:"expires"`
	Failing  intel.Time `json:"failingSince,omitzero"`
}

func (a *app) printSubscriptions(s *store.Store, subs []*store.Subscription, names map[string]string) error {
	now := intel.TimeOf(s.Now())
	t := &table{t: a.out, colour: []colour{grey, plain, plain, plain, grey}}
	found := false
	for _, sub := range subs {
		terms, err := notify.TermsOf(sub)
		if err != nil {
			return err
		}
		if sub.Expires <= now || sub.Removed != 0 {
			continue
		}
		found = true
		row := subscriptionRow{
			ID: sub.ID, Client: sub.Client, Name: names[sub.Client], Resource: terms.Resource, Changes: terms.ChangeType, URL: terms.URL,
			Expires: sub.Expires, Failing: sub.Failing,
		}
		if a.json {
			if err := a.printJSON(row); err != nil {
				return err
			}
			continue
		}
		state := "until " + row.Expires.String()
		if row.Failing != 0 {
			state += ", fails since " + row.Failing.String()
		}
		who := row.Name
		if who == "" {
			who = row.Client
		}
		t.add(row.ID, clean(who), clean(row.Resource), clean(row.URL), state)
	}
	t.print(a.out)
	if !found {
		fmt.Fprintln(a.err, "there are no subscriptions")
		return errNothing
	}
	return nil
}
