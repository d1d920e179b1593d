package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

const longHelp = `Dossier is a threat-intelligence profile server: dossiers on threat actors and
tools, with the network indicators that betray them, in the wire format of
Microsoft Graph's /security/threatIntelligence API.

  dossier serve                      answer the API and the pages on 127.0.0.1:8080
  dossier show "fancy bear"          read a profile
  dossier names winnti               who is called that, by whom, since when
  dossier search finance iran        find profiles by any words
  dossier lookup 'evil[.]com'        what is known of an address, name, URL or hash
  dossier hunt /var/log/zeek/        indicators in your logs
  dossier import enterprise-attack.json misp-galaxy/clusters/
  dossier feed enable recommended    read the open sources, on a schedule

The database is a file, by default dossier.db in the current folder, or a
PostgreSQL database (--db postgres://…); it is made and filled from the embedded
catalogue when it is empty.

Exit status: 0 done, 1 nothing found, 2 error.`

// root builds the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "dossier", Short: "Threat-intelligence profiles, self-hosted", Long: longHelp,
		SilenceErrors: true, SilenceUsage: true, Version: buildVersion(),
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hinted{err, "see " + cmd.CommandPath() + " --help"}
	})
	def := "dossier.db"
	if v := os.Getenv("DOSSIER_DB"); v != "" {
		def = v
	}
	root.PersistentFlags().StringVar(&a.db, "db", def, "database file, or postgres://… (or set DOSSIER_DB)")
	root.PersistentFlags().StringVar(&a.keyFile, "key-file", os.Getenv("DOSSIER_KEY_FILE"),
		"file with the key that seals the keys of tokens; made if it is missing (or set DOSSIER_KEY_FILE)")
	root.PersistentFlags().StringVar(&a.auditLog, "audit-log", os.Getenv("DOSSIER_AUDIT_LOG"),
		`file to which refusals, writes and administrative acts are appended as JSON; "-" is stderr;
by default it lies beside the database (or set DOSSIER_AUDIT_LOG)`)
	root.PersistentFlags().StringVar(&a.allowPath, "allow-list", os.Getenv("DOSSIER_ALLOW_LIST"),
		"file of values that are never malicious; by default it lies beside the database (or set DOSSIER_ALLOW_LIST)")
	root.PersistentFlags().BoolVar(&a.noCatalog, "no-catalog", false, "do not fill a new database from the embedded catalogue")
	root.AddCommand(a.serveCommand(), a.importCommand(), a.feedCommand(), a.searchCommand(), a.showCommand(), a.namesCommand(), a.changesCommand(), a.lookupCommand(), a.huntCommand(), a.sightingsCommand(), a.exportCommand(), a.collectionCommand(), a.allowCommand(), a.guardCommand(), a.sourceCommand(), a.backupCommand(), a.restoreCommand(), a.clientCommand(), a.subscriptionCommand(),
		a.tokenCommand(), a.benchCommand(), a.versionCommand(), a.manCommand())
	return root
}

// jsonFlag gives a command that prints results the flag --json.
func (a *app) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON, one object a line")
}

// open opens the database, makes it if there is none, and fills it from the
// catalogue. Whatever the first command is, the database is the same.
func (a *app) open(ctx context.Context) (*store.Store, error) {
	return a.openAs(ctx, store.Options{Create: true})
}

// openToRead is open for commands that write nothing: a file that cannot be
// written will do, as it is.
func (a *app) openToRead(ctx context.Context) (*store.Store, error) {
	return a.openAs(ctx, store.Options{Create: true, Read: true})
}

func (a *app) openAs(ctx context.Context, o store.Options) (*store.Store, error) {
	s, isNew, err := store.Open(ctx, a.db, o)
	if err != nil || s.ReadOnly() {
		return s, err
	}
	s.Waiting = sync.OnceFunc(func() {
		fmt.Fprintln(a.err, "waiting: another process writes to the database")
	})
	if a.noCatalog {
		return s, a.synced(ctx, s)
	}
	if isNew && a.err.isTerm {
		fmt.Fprintf(a.err, "new database %s: loading the catalogue\n", a.db)
	}
	res, err := a.importer(s).Seed(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("loading the catalogue: %w", s.Explain(err)), s.Close())
	}
	a.err.clearProgress()
	if res != nil && !isNew && res.Changed() {
		fmt.Fprintf(a.err, "this version's catalogue is newer than the database's: %s new or changed, %s gone, %s computed\n",
			count(res.Profiles.Written, "profile"), number(res.Profiles.Gone), count(res.Profiles.Indicators, "indicator"))
	}
	return s, a.synced(ctx, s)
}

// synced brings the allow-list up to date; it closes the store if that fails.
func (a *app) synced(ctx context.Context, s *store.Store) error {
	if err := a.syncAllowed(ctx, s); err != nil {
		return errors.Join(s.Explain(err), s.Close())
	}
	return nil
}

func (a *app) importer(s *store.Store) *ingest.Importer {
	return &ingest.Importer{Store: s, Stdin: a.in, Progress: func(p ingest.Progress) {
		switch {
		case p.Path != "":
			a.err.showProgress(fmt.Sprintf("%s %s  %s  %d items", p.Step, clean(p.Path), size(p.Bytes), p.Items))
		case p.Items > 0:
			a.err.showProgress(fmt.Sprintf("%s  %d", p.Step, p.Items))
		default:
			a.err.showProgress(p.Step)
		}
	}}
}

// view is what the operator of the command line may see: everything.
func view() store.View { return store.View{Ceiling: intel.Red} }

// printJSON writes one line.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
