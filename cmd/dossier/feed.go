package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"

	"dossier/internal/feed"
	"dossier/internal/fetch"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

func (a *app) feedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "feed", Short: "Configure sources, run them, see how they are",
		Long: `Feed keeps the sources that are read again and again. The well-known open ones are
built in by name; any address, MISP feed or TAXII 2.1 server can be added. Nothing is
fetched until you enable it; "dossier serve" then runs each feed on its schedule.`,
		Example: `  dossier feed list --known
  dossier feed enable recommended
  dossier feed run
  dossier feed list`,
	}
	cmd.AddCommand(a.feedListCommand(), a.feedAddCommand(), a.feedEnableCommand(), a.feedDisableCommand(), a.feedRunCommand(), a.feedRemoveCommand(), a.feedApplyCommand(), a.feedRunsCommand())
	return cmd
}

// withStore opens the database for a command.
func (a *app) withStore(f func(ctx context.Context, s *store.Store) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) (err error) {
		s, err := a.openToRead(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return f(cmd.Context(), s)
	}
}

func (a *app) feedListCommand() *cobra.Command {
	var known bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the configured feeds and how they are", Args: cobra.NoArgs,
		Long:    "List shows each feed with its last run, what that brought, when the next one is, and\nwhat went wrong. With --known it lists the sources that are built in, their licences\nand whether you have them.",
		Example: "  dossier feed list\n  dossier feed list --known",
	}
	cmd.RunE = a.withStore(func(ctx context.Context, s *store.Store) error {
		if _, err := s.BreakRuns(ctx); err != nil {
			return s.Explain(err)
		}
		list, err := feed.List(ctx, s)
		if err != nil {
			return err
		}
		if known {
			return a.printSources(feed.KnownSources(), list)
		}
		if len(list) == 0 && !a.json {
			fmt.Fprintln(a.out, "no feeds; dossier feed list --known shows what there is")
			return errNothing
		}
		return a.printFeeds(ctx, s, list)
	})
	cmd.Flags().BoolVar(&known, "known", false, "list the well-known sources that are built in")
	a.jsonFlag(cmd)
	return cmd
}

// A feedHealth is how a feed is, as it is printed.
type feedHealth struct {
	feed.Feed
	State    string     `json:"state"` // disabled, running, waiting, ok, failing, broken
	Failures int        `json:"failures,omitempty"`
	Next     intel.Time `json:"next,omitzero"`
	Last     *intel.Run `json:"last,omitempty"`
}

func healthOf(ctx context.Context, s *store.Store, c feed.Configured) (feedHealth, error) {
	f, err := c.Resolved()
	if err != nil {
		return feedHealth{}, err
	}
	h := feedHealth{Feed: f, State: "waiting", Failures: c.Stored.Failures, Next: c.Stored.Due}
	runs, err := s.Runs(ctx, c.Name, 2)
	if err != nil {
		return h, err
	}
	for _, r := range runs {
		if r.ID == c.Stored.LastRun {
			h.Last = r
		}
	}
	switch {
	case c.Disabled:
		h.State, h.Next = "disabled", 0
	case c.Stored.Run != "":
		h.State = "running"
	case h.Last == nil:
	case h.Last.Broken:
		h.State = "broken"
	case h.Last.Error != "":
		h.State = "failing"
	default:
		h.State = "ok"
	}
	return h, nil
}

func (a *app) printFeeds(ctx context.Context, s *store.Store, list []feed.Configured) error {
	t := &table{t: a.out, colour: []colour{plain, cyan, grey, plain, grey}, max: []int{28, 10, 34, 120, 40}}
	now := s.Now()
	for _, c := range list {
		h, err := healthOf(ctx, s, c)
		if err != nil {
			return err
		}
		if a.json {
			if err := a.printJSON(h); err != nil {
				return err
			}
			continue
		}
		last, brought := "never run", ""
		if h.Last != nil {
			last = "last run " + ago(now.Sub(h.Last.Started.Std()))
			brought = cmp.Or(h.Last.Error, runSummary(h.Last))
		}
		next := ""
		if h.Next != 0 && h.State != "running" {
			next = "next " + until(h.Next.Std().Sub(now))
		}
		t.add(h.Name, h.State, last, brought, next)
	}
	t.print(a.out)
	return nil
}

// runSummary tells in a few words what a run brought.
func runSummary(r *intel.Run) string {
	if r.Unchanged {
		return "nothing new"
	}
	var parts []string
	if c := r.Counts.Records; c.Read > 0 {
		parts = append(parts, tallyText("record", c))
	}
	if c := r.Counts.Indicators; c.Read > 0 {
		parts = append(parts, tallyText("indicator", c))
	}
	if c := r.Counts.Articles; c.New+c.Changed > 0 {
		parts = append(parts, tallyText("article", c))
	}
	if len(parts) == 0 {
		return count(r.Files, "file") + ", nothing in it"
	}
	return strings.Join(parts, "; ")
}

func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	return roughly(d) + " ago"
}

func until(d time.Duration) string {
	if d < time.Minute {
		return "now"
	}
	return "in " + roughly(d)
}

// roughly is a duration in one unit.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return count(int(d.Minutes()), "minute")
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour")
	}
	return count(int(d.Hours()/24), "day")
}

func (a *app) printSources(sources []feed.Source, have []feed.Configured) error {
	configured := map[string]bool{}
	for _, c := range have {
		configured[c.Name] = true
	}
	t := &table{t: a.out, colour: []colour{plain, cyan, plain, grey, grey}, max: []int{20, 12, 46, 30, 70}}
	for _, k := range sources {
		f, _ := k.Resolved() // an error says what is still to be told: a client, a tenant
		if a.json {
			if err := a.printJSON(map[string]any{"feed": f, "recommended": k.Recommended, "terms": k.Terms, "brings": k.Brings, "needsKey": k.NeedsKey, "configured": configured[k.Name]}); err != nil {
				return err
			}
			continue
		}
		state := ""
		switch {
		case configured[k.Name]:
			state = "configured"
		case k.Recommended:
			state = "recommended"
		case k.NeedsKey != "":
			state = "needs a key"
		}
		t.add(k.Name, state, k.Brings, f.Licence, k.Terms)
	}
	t.print(a.out)
	return nil
}

func (a *app) feedAddCommand() *cobra.Command {
	var f feed.Feed
	var kind string
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a source and enable it", Args: cobra.ExactArgs(1),
		Long: `Add takes the name of a source that is built in (dossier feed list --known), or a
name of your own with --url. The kind says how it is read: file (any format, also
archives), misp (a MISP feed: the folder with manifest.json), taxii (a TAXII 2.1
server, API root or collection) or graph (Microsoft Graph, or another Dossier).

A key is never kept in the database: --secret says where it is found at each run,
env:NAME or file:PATH. It is sent as "Authorization: Bearer", in the header that
--header names, or with --user as a password.`,
		Example: `  dossier feed add attack-enterprise
  dossier feed add urlhaus      (reads its key from ABUSECH_AUTH_KEY at each run)
  dossier feed add blocklist --url https://lists.example/bad.txt --source our-team --every 6h
  dossier feed add microsoft-graph --tenant contoso.example --client 1111… --secret env:AZURE_CLIENT_SECRET
  dossier feed add isac --kind taxii --url https://isac.example/taxii2/ --user acme --secret file:/etc/dossier/isac --tlp amber`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		f.Name, f.Kind = args[0], feed.Kind(kind)
		s, act, err := a.openToAct(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		if _, err := s.Feed(cmd.Context(), f.Name); err == nil {
			return hinted{fmt.Errorf("feed %q exists already", f.Name), "dossier feed remove " + f.Name + " first, or change it in a file: dossier feed apply --help"}
		} else if !errors.Is(err, intel.ErrNotFound) {
			return err
		}
		return a.putFeeds(cmd.Context(), s, act, f)
	}
	fl := cmd.Flags()
	fl.StringVar(&kind, "kind", "", "how it is read: file, misp, taxii, graph (default file)")
	fl.StringVar(&f.URL, "url", "", "its address")
	fl.StringVar(&f.Every, "every", "", "how often it is read: 15m, 6h, 1d, 2w (default 1d)")
	fl.StringVar(&f.Source, "source", "", "who published this, if the content does not tell (a short name)")
	fl.StringVar(&f.Format, "as", "", "format, if the content does not tell: "+strings.Join(ingest.Formats(), ", "))
	fl.StringVar(&f.Profile, "profile", "", "tie the indicators to this profile (a name or an id)")
	fl.StringVar(&f.TLP, "tlp", "", "least marking of everything in it: clear, green, amber, amber+strict, red")
	fl.StringSliceVar(&f.Only, "only", nil, "patterns of paths in an archive, as */iocs/*.csv; others are passed over")
	fl.StringSliceVar(&f.Types, "types", nil, "of a TAXII server, only objects of these types")
	fl.StringVar(&f.Secret, "secret", "", "where the key is: env:NAME or file:PATH")
	fl.StringVar(&f.Header, "header", "", "header that carries the key, as Auth-Key")
	fl.StringVar(&f.User, "user", "", "user name; the key is the password")
	fl.StringVar(&f.Client, "client", "", "of kind graph: id of the client that signs in; the key is its secret")
	fl.StringVar(&f.Tenant, "tenant", "", "of kind graph: tenant that it signs in to")
	fl.StringVar(&f.Login, "login", "", "of kind graph: address of the token endpoint, if the tenant does not tell")
	fl.StringVar(&f.Proxy, "proxy", "", "proxy; by default what HTTPS_PROXY and NO_PROXY say")
	fl.StringVar(&f.CA, "ca", "", "file with further certificates to trust (PEM)")
	fl.BoolVar(&f.AllowPrivate, "allow-private", false, "the server may have a private or loopback address")
	fl.IntVar(&f.MaxMiB, "max-mib", 0, "largest body that is fetched, in MiB (default 4096)")
	fl.Float64Var(&f.Rate, "rate", 0, "requests a second (default 5)")
	fl.StringVar(&f.Licence, "licence", "", "its licence, shown in lists")
	fl.StringVar(&f.Title, "title", "", "what it is called")
	return cmd
}

// putFeeds keeps feeds and tells of them, with their licences.
func (a *app) putFeeds(ctx context.Context, s *store.Store, act func(string, ...slog.Attr), list ...feed.Feed) error {
	changes, err := feed.Put(ctx, s, list...)
	if err != nil {
		return s.Explain(err)
	}
	for i, c := range changes {
		act("feed "+c.What, slog.String("feed", c.Name))
		f, err := list[i].Resolved()
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s %s (%s), every %s\n", c.What, clean(f.Name), clean(cmp.Or(f.Licence, "licence unknown")), f.Every)
	}
	fmt.Fprintln(a.err, "dossier serve reads them on their schedule; dossier feed run reads them now")
	return nil
}

func (a *app) feedEnableCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "enable NAME…|recommended", Short: "Enable feeds; shows their licences first", Args: cobra.MinimumNArgs(1),
		Long: `Enable enables feeds that were disabled, and adds those that are built in.
"recommended" stands for the open sources that everybody may use. Licences and terms
are shown first; on a terminal you are asked, elsewhere --yes says that you agree.`,
		Example: "  dossier feed enable recommended\n  dossier feed enable --yes circl-osint",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		s, act, err := a.openToAct(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		list, sources, err := toEnable(cmd.Context(), s, args)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Fprintln(a.out, "all of them are enabled")
			return nil
		}
		a.printTerms(sources)
		if !yes {
			if !a.err.isTerm {
				return hinted{errors.New("nothing was enabled: nobody has agreed to these terms"), "read them, and add --yes"}
			}
			fmt.Fprint(a.err, "enable them? [y/N] ")
			answer, _ := bufio.NewReader(a.in).ReadString('\n')
			if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
				fmt.Fprintln(a.out, "nothing was enabled")
				return errNothing
			}
		}
		return a.putFeeds(cmd.Context(), s, act, list...)
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "agree to the terms that are shown")
	return cmd
}

// toEnable returns the feeds that the names stand for and that are not enabled
// yet, with what is known of them.
func toEnable(ctx context.Context, s *store.Store, names []string) (list []feed.Feed, sources []feed.Source, err error) {
	have, err := feed.List(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	byName := map[string]feed.Feed{}
	for _, c := range have {
		byName[c.Name] = c.Feed
	}
	var all []string
	for _, name := range names {
		if name != "recommended" {
			all = append(all, name)
			continue
		}
		for _, k := range feed.KnownSources() {
			if k.Recommended {
				all = append(all, k.Name)
			}
		}
	}
	for _, name := range all {
		f, configured := byName[name]
		if configured && !f.Disabled {
			continue
		}
		k, known := feed.Known(name)
		if !configured && !known {
			return nil, nil, hinted{fmt.Errorf("feed %q: %w", name, intel.ErrNotFound), "dossier feed list --known shows the names; dossier feed add adds your own"}
		}
		f.Name, f.Disabled = name, false
		if k.Feed, err = f.Resolved(); err != nil {
			return nil, nil, err
		}
		list, sources = append(list, f), append(sources, k)
		byName[name] = f // named twice
	}
	return list, sources, nil
}

// printTerms shows what is agreed to.
func (a *app) printTerms(sources []feed.Source) {
	t := &table{t: a.out, colour: []colour{plain, cyan, plain, grey}, max: []int{20, 28, 60, 50}}
	var credits []string
	keys := map[string]string{}
	for _, k := range sources {
		t.add(k.Name, cmp.Or(k.Licence, "licence unknown"), k.Terms, k.Home)
		if k.Credit != "" {
			credits = appendNew(credits, k.Credit)
		}
		if k.NeedsKey != "" {
			keys[k.Secret] = k.NeedsKey
		}
	}
	t.print(a.out)
	if len(credits) > 0 {
		fmt.Fprintln(a.out, "\nCredits, which pages and exports carry:")
		for _, c := range credits {
			fmt.Fprintln(a.out, "  "+clean(c))
		}
	}
	for where, from := range keys {
		fmt.Fprintf(a.out, "\nThe key is read from %s; get one at %s\n", where, from)
	}
	fmt.Fprintln(a.out)
}

func (a *app) feedDisableCommand() *cobra.Command {
	return &cobra.Command{
		Use: "disable NAME", Short: "Stop reading a feed; what it brought stays", Args: cobra.ExactArgs(1), Example: "  dossier feed disable circl-osint",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			c, err := feed.Find(cmd.Context(), s, args[0])
			if err != nil {
				return noFeed(err)
			}
			c.Disabled = true
			if _, err := feed.Put(cmd.Context(), s, c.Feed); err != nil {
				return s.Explain(err)
			}
			act("feed disabled", slog.String("feed", c.Name))
			fmt.Fprintf(a.out, "disabled %s\n", clean(c.Name))
			return nil
		},
	}
}

func noFeed(err error) error {
	if errors.Is(err, intel.ErrNotFound) {
		return hinted{err, "dossier feed list shows those that are configured"}
	}
	return err
}

func (a *app) feedRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Remove a feed; what it brought stays", Args: cobra.ExactArgs(1), Example: "  dossier feed remove blocklist",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if err := feed.Remove(cmd.Context(), s, args[0]); err != nil {
				return noFeed(s.Explain(err))
			}
			act("feed removed", slog.String("feed", args[0]))
			fmt.Fprintf(a.out, "removed %s; what it brought stays\n", clean(args[0]))
			return nil
		},
	}
}

func (a *app) feedApplyCommand() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use: "apply FILE", Short: "Make the configured feeds equal a file", Args: cobra.ExactArgs(1),
		Long: `Apply reads a list of feeds (YAML), adds and changes what is in it, and removes
every feed that is not; what those brought stays. So a file in git is the truth.
An entry that is only the name of a source that is built in is enough. "-" is
standard input.`,
		Example: `  dossier feed apply feeds.yaml

  # feeds.yaml
  feeds:
    - name: attack-enterprise
    - name: urlhaus
      secret: file:/etc/dossier/abusech
    - name: isac
      kind: taxii
      url: https://isac.example/taxii2/
      user: acme
      secret: env:ISAC_PASSWORD
      every: 1h
      tlp: amber`,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		in := a.in
		if args[0] != "-" {
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			in = f
		}
		list, err := feed.ReadFile(in)
		if err != nil {
			return hinted{fmt.Errorf("%s: %w", args[0], err), "nothing was changed"}
		}
		s, act, err := a.openToAct(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		changes, err := feed.Apply(cmd.Context(), s, list, dry)
		if err != nil {
			return s.Explain(err)
		}
		t := &table{t: a.out, colour: []colour{cyan, plain}}
		for _, c := range changes {
			if a.json {
				if err := a.printJSON(c); err != nil {
					return err
				}
			}
			t.add(c.What, c.Name)
			if !dry && c.What != "unchanged" {
				act("feed "+c.What, slog.String("feed", c.Name))
			}
		}
		if !a.json {
			t.print(a.out)
		}
		return nil
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only tell what would change")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) feedRunCommand() *cobra.Command {
	var due, verbose bool
	cmd := &cobra.Command{
		Use: "run [NAME…]", Short: "Read feeds now", Args: cobra.ArbitraryArgs,
		Long: `Run reads the named feeds, or all that are enabled, one after the other. What has
not changed since the last run is not fetched again. A feed that is being run
already, by another command or server, is passed over.`,
		Example: "  dossier feed run\n  dossier feed run attack-enterprise\n  dossier feed run --due",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		ctx := cmd.Context()
		s, act, err := a.openToAct(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		names, err := namesToRun(ctx, s, args, due)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			fmt.Fprintln(a.err, "no feed is enabled and due")
			return errNothing
		}
		r := a.feedRunner(s)
		failed := 0
		for _, name := range names {
			res, err := r.Run(ctx, name)
			a.err.clearProgress()
			if ctx.Err() != nil {
				return context.Canceled
			}
			if res == nil && (errors.Is(err, store.ErrBusy) && len(args) == 0) {
				fmt.Fprintf(a.err, "%s is being run already\n", clean(name))
				continue
			}
			if res == nil {
				return noFeed(runHint(s.Explain(err), name))
			}
			act("feed run", slog.String("feed", name), slog.String("run", res.Run.ID), slog.Any("counts", res.Run.Counts))
			if err := a.printRun(res, verbose); err != nil {
				return err
			}
			if err != nil {
				failed++
				fmt.Fprintln(a.err, a.err.bold(red, "error:"), clean(name)+": "+clean(s.Explain(err).Error()))
			}
		}
		if failed > 0 {
			return fmt.Errorf("%d of %s failed", failed, count(len(names), "feed"))
		}
		return nil
	}
	cmd.Flags().BoolVar(&due, "due", false, "only those whose time has come")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "tell of every file")
	a.jsonFlag(cmd)
	return cmd
}

func runHint(err error, name string) error {
	if errors.Is(err, feed.ErrDisabled) {
		return hinted{err, "dossier feed enable " + name}
	}
	return err
}

func namesToRun(ctx context.Context, s *store.Store, args []string, due bool) ([]string, error) {
	if len(args) > 0 {
		return args, nil
	}
	list, err := feed.List(ctx, s)
	if due {
		list, err = feed.Due(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range list {
		if !c.Disabled {
			names = append(names, c.Name)
		}
	}
	return names, nil
}

func (a *app) printRun(res *ingest.Result, verbose bool) error {
	switch {
	case a.json:
		return a.printImport(res, verbose)
	case res.Run.Unchanged:
		fmt.Fprintf(a.out, "%s: nothing new\n\n", clean(res.Run.Feed))
	case len(res.Files) > 0:
		fmt.Fprintln(a.out, a.out.bold(plain, clean(res.Run.Feed)))
		if err := a.printImport(res, verbose); err != nil {
			return err
		}
		fmt.Fprintln(a.out)
	}
	return nil
}

func (a *app) feedRunner(s *store.Store) *feed.Runner {
	return &feed.Runner{Store: s, Progress: a.importer(s).Progress, Agent: agent()}
}

// agent is how the program names itself to servers.
func agent() string { return "dossier/" + release }

func (a *app) feedRunsCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "runs [NAME]", Short: "List the executions of feeds and imports", Args: cobra.MaximumNArgs(1),
		Long:    "Runs lists what was read, newest first: counts, what was rejected and why, how long it\ntook, and what went wrong. Without a name, imports by hand are there too.",
		Example: "  dossier feed runs\n  dossier feed runs urlhaus --limit 5 --json",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := ""
		if len(args) > 0 {
			name = args[0]
		}
		return a.withStore(func(ctx context.Context, s *store.Store) error {
			if _, err := s.BreakRuns(ctx); err != nil {
				return s.Explain(err)
			}
			list, err := s.Runs(ctx, name, limit)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				if !a.json {
					fmt.Fprintln(a.out, "no runs")
				}
				return errNothing
			}
			return a.printRuns(list)
		})(cmd, args)
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printRuns(list []*intel.Run) error {
	t := &table{t: a.out, colour: []colour{grey, plain, cyan, plain}, max: []int{20, 40, 9, 90}}
	for _, r := range list {
		if a.json {
			if err := a.printJSON(r); err != nil {
				return err
			}
			continue
		}
		state, text := "done", runSummary(r)
		switch {
		case r.Broken:
			state, text = "broken", r.Error
		case r.Error != "":
			state, text = "failed", r.Error
		case r.Finished == 0:
			state, text = "running", ""
		default:
			text += fmt.Sprintf(", in %.1f s", float64(r.Finished-r.Started)/1000)
		}
		t.add(r.Started.Std().UTC().Format("2006-01-02 15:04:05"), cmp.Or(r.Feed, r.Input), state, text)
		for i, x := range r.Rejected {
			if i == 3 {
				t.add("", "", "", fmt.Sprintf("and %d more reasons (--json has them)", len(r.Rejected)-i))
				break
			}
			t.add("", "", "", strings.TrimSpace(fmt.Sprintf("%s rejected: %s, as %s %s", number(x.Count), x.Reason, x.Example.Position, x.Example.Sample)))
		}
	}
	t.print(a.out)
	return nil
}

// fetchURL returns how an import gets what an address names.
func (a *app) fetchURL(private bool) func(ctx context.Context, url string) (io.ReadCloser, error) {
	return func(ctx context.Context, url string) (io.ReadCloser, error) {
		got, shown := int64(0), time.Now()
		c := &fetch.Client{AllowPrivate: private, UserAgent: agent(), Progress: func(n int) {
			if got += int64(n); time.Since(shown) > 100*time.Millisecond {
				shown = time.Now()
				a.err.showProgress("fetching " + clean(path.Base(ingest.URLPath(url))) + "  " + size(got))
			}
		}}
		body, err := feed.Fetch(ctx, c, url)
		var refused *fetch.RefusedError
		if errors.As(err, &refused) && !private {
			err = hinted{err, "--allow-private lets private addresses be contacted, if that is what you mean"}
		}
		return body, err
	}
}
