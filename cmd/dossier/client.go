package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"dossier/internal/auth"
	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

func (a *app) clientCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "client", Short: "Add, list and revoke API clients",
		Long: `A client is a program that uses the API. It gets an id and a secret, with which it
asks this server for short-lived tokens (OAuth 2.0 client credentials), just as it
would ask Microsoft's.`,
		Example: "  dossier client add soar --scope ThreatIntelligence.Read.All --expires 90d --tlp amber\n  dossier client list\n  dossier client revoke soar",
	}
	cmd.AddCommand(a.clientAddCommand(), a.clientListCommand(), a.clientRevokeCommand())
	return cmd
}

func (a *app) clientAddCommand() *cobra.Command {
	var scopes []string
	var expires, tlp string
	n := auth.NewClient{}
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a client and print its id and secret, once",
		Example: "  dossier client add soar --scope ThreatIntelligence.Read.All --expires 90d --tlp amber",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			n.Name = args[0]
			for _, s := range scopes {
				p, err := auth.ParsePermission(s)
				if err != nil {
					return fmt.Errorf("--scope: %w", err)
				}
				n.Permissions = append(n.Permissions, p)
			}
			if n.TLP, err = intel.ParseTLP(tlp); err != nil {
				return fmt.Errorf("--tlp: %w", err)
			}
			if n.Lifetime, err = lifetime(expires); err != nil {
				return fmt.Errorf("--expires: %w", err)
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			c, secret, err := auth.Clients{Store: s}.Add(cmd.Context(), n)
			if errors.Is(err, store.ErrExists) {
				return hinted{err, "revoke it first: dossier client revoke " + n.Name}
			}
			if err != nil {
				return s.Explain(err)
			}
			act("client added", append(clientAttrs(c), slog.Any("permissions", c.Scopes), slog.String("tlp", c.TLP.String()),
				slog.String("owner", c.Owner), slog.String("expires", orNever(c.Expires)))...)
			if a.json {
				return a.printJSON(map[string]any{"client": c, "secret": secret})
			}
			t := &table{t: a.out, colour: []colour{grey}}
			t.add("client id", c.ID)
			t.add("client secret", secret)
			t.add("permissions", strings.Join(c.Scopes, ", "))
			t.add("sees up to", "TLP:"+strings.ToUpper(c.TLP.String()))
			t.add("expires", orNever(c.Expires))
			t.print(a.out)
			fmt.Fprintln(a.err, "the secret is not shown again")
			return nil
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&scopes, "scope", []string{string(auth.ReadAll)}, "permissions")
	f.StringVar(&expires, "expires", "", "how long it may be used: 90d, 12h, 1y; by default without end")
	f.StringVar(&tlp, "tlp", "clear", "highest TLP marking that it sees")
	f.StringVar(&n.Owner, "owner", "", "team or customer that it belongs to")
	f.IntVar(&n.Rate, "rate", 0, fmt.Sprintf("requests a minute (default %d)", auth.DefaultRate))
	a.jsonFlag(cmd)
	return cmd
}

// findClient returns the client with a name or id.
func findClient(ctx context.Context, s *store.Store, nameOrID string) (*store.Client, error) {
	c, err := auth.Clients{Store: s}.Find(ctx, nameOrID)
	if errors.Is(err, intel.ErrNotFound) {
		err = hinted{err, "dossier client list shows them, dossier client add makes one"}
	}
	return c, err
}

// clientAttrs name a client in the audit.
func clientAttrs(c *store.Client) []slog.Attr {
	return []slog.Attr{slog.String("client", c.ID), slog.String("name", c.Name)}
}

// lifetime reads a duration with days and years, which Go's own has not.
func lifetime(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	const day = 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day, "y": 365 * day} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			if v, err := strconv.Atoi(n); err == nil && v > 0 && v <= 36500 {
				return time.Duration(v) * unit, nil
			}
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%q: want a time as 90d, 2w, 1y or 12h", s)
}

func orNever(t intel.Time) string {
	if t == 0 {
		return "never"
	}
	return t.String()
}

func (a *app) clientListCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: "List clients", Args: cobra.NoArgs, Example: "  dossier client list --all",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			list, err := s.Clients(cmd.Context())
			if err != nil {
				return err
			}
			t := &table{t: a.out, colour: []colour{plain, grey, cyan, plain, grey}, max: []int{30, 36, 60, 12, 0}}
			n := 0
			for _, c := range list {
				if c.Revoked != 0 && !all {
					continue
				}
				n++
				if a.json {
					if err := a.printJSON(c); err != nil {
						return err
					}
					continue
				}
				state := "expires " + orNever(c.Expires)
				switch now := intel.TimeOf(s.Now()); {
				case c.Revoked != 0:
					state = "revoked " + c.Revoked.String()
				case c.Expires != 0 && c.Expires <= now:
					state = "expired " + c.Expires.String()
				}
				t.add(c.Name, c.ID, strings.Join(c.Scopes, " "), c.TLP.String(), state+", last used "+orNever(c.LastUsed))
			}
			t.print(a.out)
			if n == 0 {
				if !a.json {
					fmt.Fprintln(a.err, "no clients")
				}
				return errNothing
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "also those that were revoked")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) clientRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME|ID", Short: "End a client, its secret and its tokens at once",
		Example: "  dossier client revoke soar", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			c, err := findClient(cmd.Context(), s, args[0])
			if err != nil {
				return err
			}
			if err := s.RevokeClient(cmd.Context(), c.ID); err != nil {
				return s.Explain(err)
			}
			act("client revoked", clientAttrs(c)...)
			fmt.Fprintf(a.out, "revoked %s (%s)\n", clean(c.Name), c.ID)
			return nil
		},
	}
}

func (a *app) tokenCommand() *cobra.Command {
	var life, audience string
	cmd := &cobra.Command{
		Use: "token CLIENT", Short: "Print a token for scripts",
		Long: `Token signs an access token for a client, without its secret: whoever may read the
database and its key file may do so. It is for scripts on the server's machine.`,
		Example: "  curl -H \"Authorization: Bearer $(dossier token soar)\" https://intel.example/v1.0/security/threatIntelligence/intelProfiles",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			d, err := lifetime(life)
			if err != nil {
				return fmt.Errorf("--for: %w", err)
			}
			if d > auth.MaxTokenLife {
				return fmt.Errorf("--for %s: a token lives at most %s", life, auth.MaxTokenLife)
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			c, err := findClient(cmd.Context(), s, args[0])
			if err != nil {
				return err
			}
			sealer, err := auth.SealerFromFile(a.sealKey(s))
			if err != nil {
				return err
			}
			token, err := (&auth.Issuer{Store: s, Sealer: sealer}).Mint(cmd.Context(), c, audience, "dossier", d)
			if err != nil {
				return s.Explain(err)
			}
			act("token made", append(clientAttrs(c), slog.String("for", life))...)
			fmt.Fprintln(a.out, token.AccessToken)
			return nil
		},
	}
	cmd.Flags().StringVar(&life, "for", "1h", "how long it is valid, at most 24h")
	cmd.Flags().StringVar(&audience, "audience", auth.GraphAudience, "resource that it is for")
	return cmd
}

// sealKey is the file with the key that seals the signing keys of a database.
func (a *app) sealKey(s *store.Store) string { return cmp.Or(a.keyFile, s.Beside(".key")) }
