package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"

	"github.com/spf13/cobra"
)

// sightingFlags say which sightings are meant.
type sightingFlags struct{ value, profile, host, since, until string }

func (o *sightingFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.value, "value", "", "only those of this indicator")
	f.StringVar(&o.profile, "profile", "", "only those of the indicators of this profile (a name or an id)")
	f.StringVar(&o.host, "host", "", "only those through this host of yours: its address or name, or its pseudonym")
	f.StringVar(&o.since, "since", "", "only those last seen from this time on: 2026-03-01, or 36h, 14d ago")
	f.StringVar(&o.until, "until", "", "only those last seen before this time")
}

// filter makes a filter of the flags.
func (o *sightingFlags) filter(ctx context.Context, a *app, s *store.Store) (f store.SightingFilter, err error) {
	if o.value != "" {
		v, err := observable.Parse(o.value)
		if err != nil {
			return f, fmt.Errorf("--value: %w", err)
		}
		f.Indicator = v.ID()
	}
	if o.profile != "" {
		if f.Profile, err = profileID(ctx, s, o.profile, view()); err != nil {
			return f, err
		}
	}
	if o.host != "" {
		key, err := a.sightingKey(ctx, s)
		if err != nil {
			return f, err
		}
		f.Hosts = key.Names(o.host)
	}
	for flag, to := range map[string]*intel.Time{"since": &f.Since, "until": &f.Until} {
		text := o.since
		if flag == "until" {
			text = o.until
		}
		t, err := whenAsked(text, s.Now())
		if err != nil {
			return f, fmt.Errorf("--%s: %w", flag, err)
		}
		*to = intel.TimeOf(t)
	}
	return f, nil
}

func (a *app) sightingsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "sightings", Short: "What hunts found and kept: list, erase, retention, pseudonyms",
		Long: `Sightings are what "dossier hunt --save" and POST /api/hunt?save=1 keep: which host of yours
met which indicator, in which direction and field of a log, on which day, first and last, on
how many lines. A line counts once, however often it is hunted, also when its log was
renamed or compressed.

They hold names of people and machines. "retention" says how long they are kept, "erase"
forgets those of a host, an indicator or a time, "pseudonyms" keeps hosts under hashes with
a key that is not in the database (it is sealed with the key file, as those of tokens are).`,
		Example: "  dossier sightings list --since 7d\n  dossier sightings erase --host 10.0.0.5\n  dossier sightings retention 90d\n  dossier sightings pseudonyms on",
		Args:    cobra.NoArgs,
	}
	cmd.AddCommand(a.sightingsList(), a.sightingsErase(), a.sightingsRetention(), a.sightingsPseudonyms())
	return cmd
}

// sightingsShown is how many a person is shown unless more are asked for.
const sightingsShown = 50

func (a *app) sightingsList() *cobra.Command {
	var o sightingFlags
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "Print sightings, the latest first", Args: cobra.NoArgs,
		Example: "  dossier sightings list --profile APT28\n  dossier sightings list --host 10.0.0.5 --json",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			f, err := o.filter(cmd.Context(), a, s)
			if err != nil {
				return err
			}
			return a.listSightings(cmd.Context(), s, f, limit)
		},
	}
	o.add(cmd)
	cmd.Flags().IntVar(&limit, "limit", 0, fmt.Sprintf("how many at most (default: %d, with --json all)", sightingsShown))
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) listSightings(ctx context.Context, s *store.Store, f store.SightingFilter, limit int) error {
	if limit < 0 {
		return errors.New("--limit: want a number above 0")
	}
	if limit == 0 && !a.json {
		limit = sightingsShown
	}
	t := &table{t: a.out, colour: []colour{grey, red, plain, cyan, grey, grey, grey}, max: []int{20, 60, 12, 34, 5, 30, 40}}
	printed := 0
	for after := ""; ; {
		n := 500
		if limit > 0 {
			n = min(n, limit-printed)
		}
		list, next, err := s.Sightings(ctx, f, n, after, view())
		if err != nil {
			return err
		}
		for _, g := range list {
			if printed++; a.json {
				if err := a.printJSON(g); err != nil {
					return err
				}
				continue
			}
			t.add(seenWords(g), observable.Defang(observable.Observable{Kind: g.Kind, Value: g.Value}), linesOf(g.Lines, g.Estimated), g.Host, g.Direction, g.Field, g.Log)
		}
		if after = next; next == "" || printed == limit {
			break
		}
	}
	if printed == 0 {
		return errNothing
	}
	t.print(a.out)
	if !a.json {
		total, err := s.SightingTotal(ctx, f, view())
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "\n%s on %s, through %s\n", count(total.Indicators, "indicator"), count(int(total.Lines), "line"), count(total.Hosts, "host"))
	}
	return nil
}

// metWords tell how often, through how many hosts and when something was met.
func metWords(t store.SightingTotal) string {
	text := "on " + count(int(t.Lines), "line")
	if t.Hosts > 0 {
		text += ", through " + count(t.Hosts, "host")
	}
	if t.First != 0 {
		text += ", " + t.First.Day()
		if t.Last.Day() != t.First.Day() {
			text += " to " + t.Last.Day()
		}
	}
	return text
}

// sightingsOf prints the latest sightings of a profile's indicators, if there are any.
func (a *app) sightingsOf(ctx context.Context, s *store.Store, profile string, full bool) error {
	f := store.SightingFilter{Profile: profile}
	list, next, err := s.Sightings(ctx, f, min(limitOf(full, 8), 1000), "", view())
	if err != nil || len(list) == 0 {
		return err
	}
	total, err := s.SightingTotal(ctx, f, view())
	if err != nil {
		return err
	}
	a.section("met in your own data")
	fmt.Fprintf(a.out, "  %s %s\n", a.out.bold(yellow, count(total.Indicators, "indicator")), metWords(total))
	t := &table{t: a.out, colour: []colour{grey, red, plain, cyan, grey, grey}, max: []int{20, 60, 16, 34, 5, 30}, indent: "  "}
	for _, g := range list {
		t.add(seenWords(g), observable.Defang(observable.Observable{Kind: g.Kind, Value: g.Value}), linesOf(g.Lines, g.Estimated), g.Host, g.Direction, g.Field)
	}
	t.print(a.out)
	if next != "" {
		fmt.Fprintln(a.out, a.out.paint(grey, "  … and more: dossier sightings list --profile "+profile[:min(12, len(profile))]+"…"))
	}
	return nil
}

func seenWords(g *store.Sighting) string {
	if g.Last == 0 {
		return "saved " + g.Saved.Day()
	}
	return g.Last.Std().Format("2006-01-02 15:04:05")
}

func linesOf(n int64, estimated bool) string {
	if estimated {
		return "about " + count(int(n), "line")
	}
	return count(int(n), "line")
}

func (a *app) sightingsErase() *cobra.Command {
	var o sightingFlags
	var all bool
	cmd := &cobra.Command{
		Use: "erase", Short: "Forget sightings of a host, an indicator, a profile or a time", Args: cobra.NoArgs,
		Long: `Erase forgets the sightings that fit all that is given, and what they did for the life of the
indicators. Backups and the logs themselves are not touched.`,
		Example: "  dossier sightings erase --host 10.0.0.5\n  dossier sightings erase --value 'evil[.]com' --until 2026-01-01\n  dossier sightings erase --all",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o == (sightingFlags{}) != all {
				return hinted{errors.New("erase: say which"), "--host, --value, --profile, --since or --until; or --all, alone"}
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			f, err := o.filter(cmd.Context(), a, s)
			if err != nil {
				return err
			}
			n, err := a.importer(s).EraseSightings(cmd.Context(), f, view())
			if n > 0 || err == nil {
				// Not of whom: else the audit would remember what was erased.
				act("sightings-erased", slog.Int("sightings", n))
			}
			if err != nil {
				return s.Explain(err)
			}
			a.err.clearProgress()
			fmt.Fprintf(a.out, "%s erased\n", count(n, "sighting"))
			if n == 0 {
				return errNothing
			}
			return nil
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all there are")
	return cmd
}

func (a *app) sightingsRetention() *cobra.Command {
	return &cobra.Command{
		Use: "retention [AGE|off]", Short: "Tell or set how long sightings are kept", Args: cobra.MaximumNArgs(1),
		Long: `Retention tells how long sightings are kept, or sets it: 90d, 36h, or off for ever. Older ones are
erased at once, then with every hunt that saves, and every hour by the server.`,
		Example: "  dossier sightings retention 90d",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if len(args) > 0 {
				keep, err := age(args[0])
				if err != nil {
					return err
				}
				if err := s.SetSightingRetention(cmd.Context(), keep); err != nil {
					return s.Explain(err)
				}
				act("sightings-retention", slog.String("age", args[0]))
				n, err := a.importer(s).PruneSightings(cmd.Context())
				if err != nil {
					return s.Explain(err)
				}
				if n > 0 {
					fmt.Fprintf(a.out, "%s erased\n", count(n, "sighting"))
				}
			}
			keep, err := s.SightingRetention(cmd.Context())
			switch {
			case err != nil:
				return err
			case keep == 0:
				fmt.Fprintln(a.out, "sightings are kept for ever")
			case keep%(24*time.Hour) == 0:
				fmt.Fprintf(a.out, "sightings are kept for %s\n", count(int(keep/(24*time.Hour)), "day"))
			default:
				fmt.Fprintf(a.out, "sightings are kept for %s\n", keep)
			}
			return nil
		},
	}
}

// age reads how long something is kept, at least an hour: 90d, 36h; off is 0.
func age(s string) (time.Duration, error) {
	if s == "off" {
		return 0, nil
	}
	if d, err := lifetime(s); err == nil && d >= time.Hour {
		return d, nil
	}
	return 0, hinted{fmt.Errorf("%q is no age", s), "36h, 90d, 1y, or off"}
}

// pruneEvery is how often a server looks for sightings that are too old.
const pruneEvery = time.Hour

// pruneSightings erases sightings that are too old, until ctx ends.
func (a *app) pruneSightings(ctx context.Context, s *store.Store, log *slog.Logger) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		n, err := (&ingest.Importer{Store: s}).PruneSightings(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("old sightings were not erased", "error", err)
		case n > 0:
			log.Info("old sightings erased", "sightings", n)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// inBackground runs f until the function that it returns is called, which waits for its end.
func inBackground(ctx context.Context, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	return func() { cancel(); <-done }
}

func (a *app) sightingsPseudonyms() *cobra.Command {
	return &cobra.Command{
		Use: "pseudonyms [on|off]", Short: "Tell or set whether hosts are kept under pseudonyms", Args: cobra.MaximumNArgs(1), ValidArgs: []string{"on", "off"},
		Long: `Pseudonyms are hashes of the host with a key that is sealed with the key file. "on" gives them to the
sightings that are there, too. --host finds and erases those of a host in both forms. "off" leaves
the pseudonyms that there are: nobody can turn them back.`,
		Example: "  dossier sightings pseudonyms on",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if len(args) > 0 {
				if args[0] != "on" && args[0] != "off" {
					return hinted{fmt.Errorf("pseudonyms %q", args[0]), "on or off"}
				}
				key, err := a.sightingKey(cmd.Context(), s)
				if err != nil {
					return err
				}
				n, err := s.HideHosts(cmd.Context(), args[0] == "on", key.Pseudonym)
				if err != nil {
					return s.Explain(err)
				}
				act("sightings-pseudonyms", slog.String("set", args[0]))
				if n > 0 {
					fmt.Fprintf(a.out, "%s changed\n", count(n, "sighting"))
				}
			}
			on, err := s.HostsAreHidden(cmd.Context())
			if err != nil {
				return err
			}
			word := "in the clear"
			if on {
				word = "under pseudonyms"
			}
			fmt.Fprintln(a.out, "hosts are kept "+word)
			return nil
		},
	}
}
