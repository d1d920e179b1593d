package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/lists"

	"github.com/spf13/cobra"
)

func (a *app) importCommand() *cobra.Command {
	var o ingest.Options
	var verbose, private bool
	var mapping string
	cmd := &cobra.Command{
		Use: "import PATH…", Short: "Import files, folders, archives and addresses",
		Long: `Import reads STIX 2.0 and 2.1, MISP galaxies and events, Microsoft's list of actor
names, dictionaries of actors, Maltrail trails, OpenIOC, CSV with any columns, exports in JSON, Zeek's
intelligence files, block lists (hosts, AdBlock, dnsmasq, RPZ, ipset and others),
plain lists, and texts (Markdown, AsciiDoc, HTML) with defanged values. The
format is found from the content. PATH may be a file, a folder, a pattern, an
archive (.gz, .zst, .xz, .bz2, .zip, .tar.gz), an https or http address, or "-" for
standard input.

Columns of a CSV and properties of JSON are told by their names and by what they
hold; --map says it where neither tells: COLUMN=ROLE, where COLUMN is a name or a
number from 1, and ROLE a kind (domain, ipAddress, url, sha256 …) or one of value,
type, firstSeen, lastSeen, validUntil, confidence, tlp, context, reference, actor,
tool, ignore.

Each file is one transaction: it is kept whole, or not at all. Importing a file
again changes nothing. What is not taken is counted with its reason.`,
		Example: `  dossier import enterprise-attack.json
  dossier import misp-galaxy/clusters/ microsoft/MicrosoftMapping.json
  dossier import --profile "Aqua Blizzard" --source our-team iocs.csv
  dossier import https://intel.example/feed.json.gz
  dossier import --source our-isac --map "Adres=domain,Datum=firstSeen,4=context" lijst.csv
  cat iocs.txt | dossier import -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if mapping != "" {
				if o.Map, err = lists.ParseMapping(mapping); err != nil {
					return fmt.Errorf("--map: %w", err)
				}
			}
			s, act, err := a.openToAct(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			im := a.importer(s)
			im.Fetch = a.fetchURL(private)
			res, err := im.Import(cmd.Context(), args, o)
			a.err.clearProgress()
			if len(res.Files) > 0 {
				act("import", slog.String("run", res.Run.ID), slog.String("input", res.Run.Input),
					slog.String("source", o.Publisher), slog.Int("files", res.Run.Files), slog.Any("counts", res.Run.Counts))
				if printErr := a.printImport(res, verbose); printErr != nil {
					err = errors.Join(err, printErr)
				}
			}
			if err != nil && errors.Is(err, context.Canceled) {
				return context.Canceled
			}
			if err != nil {
				return s.Explain(err)
			}
			if failed := res.Failed(); len(failed) > 0 {
				return fmt.Errorf("%s could not be read", count(len(failed), "file"))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Publisher, "source", "", "who published this, if the content does not tell (a short name)")
	f.StringVar(&o.Format, "as", "", "format, if the content does not tell: "+strings.Join(ingest.Formats(), ", "))
	f.StringVar(&o.Profile, "profile", "", "tie the indicators to this profile (a name or an id)")
	f.BoolVar(&private, "allow-private", false, "an address may lead to a private or loopback address")
	f.StringVar(&mapping, "map", "", "what columns or properties hold: COLUMN=ROLE,…")
	f.BoolVarP(&verbose, "verbose", "v", false, "tell of every file")
	a.jsonFlag(cmd)
	return cmd
}

// maxListed is how many files are listed without --verbose.
const maxListed = 12

// printImport tells what an import did: a line a file, then the sum.
func (a *app) printImport(res *ingest.Result, verbose bool) error {
	if a.json {
		for _, f := range res.Files {
			if err := a.printJSON(map[string]any{"file": f}); err != nil {
				return err
			}
		}
		return a.printJSON(map[string]any{"run": res.Run, "profiles": res.Profiles})
	}
	t := &table{t: a.out, colour: []colour{plain, grey, plain}, max: []int{60, 24, 90}}
	listed, left := 0, 0
	skipped := map[string]int{}
	for _, f := range res.Files {
		switch {
		case f.Error != "":
			t.add(f.Path, "failed", f.Error)
		case f.Skipped != "" && !verbose && len(res.Files) > 1:
			skipped[f.Skipped]++
		case f.Skipped != "":
			t.add(f.Path, "skipped", f.Skipped)
		case listed >= maxListed && !verbose:
			left++
		default:
			listed++
			t.add(f.Path, publisherOf(f), fileSummary(f))
		}
	}
	t.print(a.out)
	if left > 0 {
		fmt.Fprintf(a.out, "… and %s (--verbose lists all)\n", count(left, "more file"))
	}
	for why, n := range skipped {
		fmt.Fprintf(a.out, "%s skipped: %s\n", count(n, "file"), why)
	}
	fmt.Fprintln(a.out)
	a.printTally("records", res.Run.Counts.Records)
	a.printTally("indicators", res.Run.Counts.Indicators)
	a.printTally("articles", res.Run.Counts.Articles)
	a.printTally("patterns", res.Run.Counts.Patterns)
	a.printRejected(res, verbose)
	a.printUnmapped(res, verbose)
	if !res.Changed() {
		fmt.Fprintln(a.out, "nothing changed")
		return nil
	}
	fmt.Fprintf(a.out, "%s new or changed, %s gone, %s computed, in %.1f s\n", count(res.Profiles.Written, "profile"),
		number(res.Profiles.Gone), count(res.Profiles.Indicators, "indicator"), float64(res.Run.Finished-res.Run.Started)/1000)
	return nil
}

func publisherOf(f ingest.FileResult) string {
	var names []string
	for _, d := range f.Datasets {
		if d.Publisher != "" {
			names = append(names, d.Publisher)
		}
	}
	if len(names) == 0 {
		return f.Format
	}
	return strings.Join(names, ", ")
}

func fileSummary(f ingest.FileResult) string {
	var parts []string
	if c := f.Counts.Records; c.Read > 0 {
		parts = append(parts, tallyText("record", c))
	}
	if c := f.Counts.Indicators; c.Read > 0 {
		parts = append(parts, tallyText("indicator", c))
	}
	if c := f.Counts.Articles; c.Read > 0 {
		parts = append(parts, tallyText("article", c))
	}
	if c := f.Counts.Patterns; c.Read > 0 {
		parts = append(parts, tallyText("pattern", c))
	}
	if len(parts) == 0 && len(f.Notes) == 0 {
		parts = append(parts, "nothing in it")
	}
	return strings.Join(append(parts, f.Notes...), "; ")
}

func tallyText(what string, c intel.Tally) string {
	text := count(c.Read, what) + ": "
	var parts []string
	for _, p := range []struct {
		n    int
		name string
	}{{c.New, "new"}, {c.Changed, "changed"}, {c.Unchanged, "unchanged"}, {c.Rejected, "rejected"}, {c.Gone, "gone"}} {
		if p.n > 0 {
			parts = append(parts, number(p.n)+" "+p.name)
		}
	}
	return text + strings.Join(parts, ", ")
}

func (a *app) printTally(what string, c intel.Tally) {
	if c.Read == 0 && c.Gone == 0 {
		return
	}
	fmt.Fprintf(a.out, "%-11s read %s: new %s, changed %s, unchanged %s, rejected %s", what, number(c.Read), number(c.New),
		number(c.Changed), number(c.Unchanged), number(c.Rejected))
	if c.Gone > 0 {
		fmt.Fprintf(a.out, "; gone from the source %s", number(c.Gone))
	}
	fmt.Fprintln(a.out)
}

// printRejected sums the reasons over all files, with an example of each.
func (a *app) printRejected(res *ingest.Result, verbose bool) {
	type sum struct {
		ingest.RejectedReason
		file string
	}
	var sums []*sum
	byReason := map[string]*sum{}
	for _, f := range res.Files {
		for _, r := range f.Rejected {
			s, ok := byReason[r.Reason]
			if !ok {
				s = &sum{RejectedReason: ingest.RejectedReason{Reason: r.Reason, Examples: r.Examples}, file: f.Path}
				byReason[r.Reason] = s
				sums = append(sums, s)
			}
			s.Count += r.Count
		}
	}
	sortBy(sums, func(x, y *sum) bool { return x.Count > y.Count || x.Count == y.Count && x.Reason < y.Reason })
	t := &table{t: a.out, colour: []colour{plain, yellow, grey}, max: []int{8, 44, 80}, indent: "  "}
	for i, s := range sums {
		if i == 10 && !verbose {
			t.add("", fmt.Sprintf("and %d more reasons", len(sums)-i), "(--verbose lists all)")
			break
		}
		example := ""
		if len(s.Examples) > 0 {
			e := s.Examples[0]
			example = strings.TrimSpace(fmt.Sprintf("%s %s: %s", s.file, e.Position, e.Sample))
		}
		t.add(number(s.Count), s.Reason, example)
	}
	t.print(a.out)
}

// printUnmapped tells which words for origins and targets no vocabulary has, the
// most frequent first.
func (a *app) printUnmapped(res *ingest.Result, verbose bool) {
	for _, field := range []struct{ name, what string }{
		{"origin", "origins that are no country, not served"}, {"target", "targets that are in no vocabulary, served as written"},
	} {
		counts := map[string]int{}
		for _, f := range res.Files {
			for _, w := range f.Unmapped {
				if w.Field == field.name {
					counts[w.Value] += w.Count
				}
			}
		}
		words := slices.Sorted(maps.Keys(counts))
		slices.SortStableFunc(words, func(x, y string) int { return cmp.Compare(counts[y], counts[x]) })
		if len(words) == 0 {
			continue
		}
		shown := words
		if !verbose {
			shown = words[:min(len(words), 8)]
		}
		var b strings.Builder
		for i, w := range shown {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(clean(w))
			if counts[w] > 1 {
				fmt.Fprintf(&b, " (%s)", number(counts[w]))
			}
		}
		if more := len(words) - len(shown); more > 0 {
			fmt.Fprintf(&b, " and %s (--verbose lists all)", count(more, "other"))
		}
		fmt.Fprintf(a.out, "%s: %s\n", field.what, b.String())
	}
}
