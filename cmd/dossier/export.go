package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier/internal/export"
	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/publish"

	"github.com/spf13/cobra"
)

type exportFlags struct {
	publish.Request
	audience  string
	view      string
	output    string
	maxChange string
	preview   bool
	rules     string
}

func (a *app) exportCommand() *cobra.Command {
	var o exportFlags
	cmd := &cobra.Command{
		Use: "export --format FORMAT", Short: "Write indicators for firewalls, resolvers, sensors and other platforms",
		Long: `Export writes the indicators that are active now: not withdrawn, not guarded, above
the confidence floor. --filter takes what $filter takes of the API's collection of
indicators. The order is that of the indicators' ids, so that two exports differ
where the data does.

What a format has no place for is left out, counted and told on standard error.
A file given with --output is replaced when the new one is whole, and kept if
--max-change or --max-entries refuses it.

The formats:
` + formatList(),
		Example: `  dossier export --format domains --output /srv/www/domains.txt --max-change 20%
  dossier export --format suricata --profile APT28 --min-confidence 70
  dossier export --format nftables --filter "firstSeenDateTime ge 2025-01-01T00:00:00Z" --preview
  dossier export --format stix --audience customers | gzip > bundle.json.gz`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Audience, o.View = publish.Audience(o.audience), publish.View(o.view)
			if o.FirstRule, o.LastRule, err = ruleRange(o.rules); err != nil {
				return err
			}
			limit, err := percent(o.maxChange)
			if err != nil {
				return err
			}
			if limit >= 0 && o.output == "" {
				return hinted{errors.New("--max-change needs --output: it compares with the file that is there"), "give --output FILE"}
			}
			if _, err := export.Lookup(o.Format); err != nil { // before the database is opened
				return hinted{fmt.Errorf("--format: %w", err), "dossier export --help tells what each is for"}
			}
			s, err := a.openToRead(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			job, err := publish.Prepare(cmd.Context(), s, o.Request, view())
			if err != nil {
				var q *odata.Error
				var m *publish.Mistake
				switch {
				case errors.As(err, &q):
					return fmt.Errorf("--filter: %s", q.Message)
				case errors.As(err, &m):
					return fmt.Errorf("--%s: %s", map[string]string{"minConfidence": "min-confidence"}[m.Field]+strings.TrimPrefix(m.Field, "minConfidence"), m.Message)
				}
				return err
			}
			return a.export(cmd.Context(), job, o, limit)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Format, "format", "f", "", "what to write; see above")
	f.StringVar(&o.Filter, "filter", "", "OData filter over indicators, as the API's $filter")
	f.StringVar(&o.Profile, "profile", "", "only indicators of the profile with this name or id")
	f.IntVar(&o.MinConfidence, "min-confidence", 0, "only indicators with at least this confidence, 1 to 100")
	f.StringVarP(&o.output, "output", "o", "", "file to write; by default standard output")
	f.BoolVar(&o.preview, "preview", false, "write nothing, and tell what would be written and what changes against --output")
	f.StringVar(&o.maxChange, "max-change", "", "keep the file at --output if more than this share of its lines would change, as 20%")
	f.IntVar(&o.Max, "max-entries", 0, "refuse more entries; by default what the device or format takes is written and the rest counted; -1: no limit")
	f.StringVar(&o.audience, "audience", "internal", "internal, customers or public: leaves out what markings and publishers' rights do not allow to go there")
	f.StringVar(&o.view, "view", "active", "active indicators, or default: what the API's collections show, historical ones too")
	f.StringVar(&o.rules, "rule-ids", "", fmt.Sprintf("range of the numbers of rules, as 5000000-5999999 (by default %d-%d)", export.FirstRule, export.LastRule))
	_ = cmd.MarkFlagRequired("format")
	return cmd
}

func formatList() string {
	var b strings.Builder
	for _, f := range export.Formats() {
		fmt.Fprintf(&b, "  %-20s %s\n", f.Name, strings.TrimPrefix(f.About, "plain list: "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// percent reads 20% or 20; -1 is none.
func percent(s string) (float64, error) {
	if s == "" {
		return -1, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || n < 0 || n > 1000 {
		return 0, fmt.Errorf("--max-change %q: want a share, as 20%%", s)
	}
	return n, nil
}

func ruleRange(s string) (first, last uint32, err error) {
	if s == "" {
		return 0, 0, nil
	}
	a, b, ok := strings.Cut(s, "-")
	x, err1 := strconv.ParseUint(a, 10, 31)
	y, err2 := strconv.ParseUint(b, 10, 31)
	if !ok || err1 != nil || err2 != nil || x == 0 || y < x {
		return 0, 0, fmt.Errorf("--rule-ids %q: want two numbers up to 2147483647, as 5000000-5999999", s)
	}
	return uint32(x), uint32(y), nil
}

// export writes the job to standard output, or to a new file that takes the place
// of the former once it is whole and allowed.
func (a *app) export(ctx context.Context, job *publish.Job, o exportFlags, maxChange float64) error {
	if o.output == "" && !o.preview && o.Max <= 0 {
		r, err := job.Write(ctx, a.out)
		if err != nil {
			return err
		}
		return a.printResult(r, nil)
	}
	dir := filepath.Dir(o.output)
	if o.output == "" || o.preview {
		dir = os.TempDir()
	}
	file, err := os.CreateTemp(dir, ".dossier-export-*")
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	defer os.Remove(file.Name()) // nothing is there once it was renamed
	defer file.Close()
	write := func() (publish.Result, *publish.Change, error) {
		r, err := job.Write(ctx, &told{w: file, tell: func(n int64) { a.err.showProgress("writing " + size(n)) }})
		if err != nil {
			return r, nil, err
		}
		a.err.clearProgress()
		change, err := compareWith(o.output, file)
		return r, change, err
	}
	// A format in which the time of the last change stands is written with the
	// former file's first: if nothing else differs, nothing has changed.
	dated := false
	if info, err := os.Stat(o.output); err == nil && job.Format.Dated {
		dated = true
		job.At(intel.TimeOf(info.ModTime()) / 1000 * 1000)
	}
	r, change, err := write()
	if err == nil && dated && change != nil && change.Share() > 0 {
		if err = errors.Join(file.Truncate(0), seek(file)); err == nil {
			job.At(intel.TimeOf(time.Now()))
			r, change, err = write()
		}
	}
	if err != nil {
		return err
	}
	switch {
	case o.preview:
		return a.printPreview(job, r, change)
	case o.Max > 0 && r.Over > 0:
		return hinted{fmt.Errorf("%d entries are more than --max-entries %d; nothing was written", r.Written+r.Over, o.Max), "narrow it with --filter, --profile or --min-confidence"}
	case maxChange >= 0 && change != nil && change.Share() > maxChange:
		return hinted{
			fmt.Errorf("%.1f%% of %s would change (%d of %d lines gone, %d new): more than --max-change %g%%; the file is as it was", change.Share(), o.output, change.Gone, change.Before, change.New, maxChange),
			"look at it with --preview, then give a larger share",
		}
	case change != nil && change.Share() == 0:
		// It stands as it is, with the time of its last change.
	case o.output == "":
		if err := seek(file); err != nil {
			return err
		}
		if _, err := io.Copy(a.out, file); err != nil {
			return err
		}
	default:
		if err := file.Chmod(0o644); err != nil {
			return err
		}
		if err := errors.Join(file.Sync(), file.Close()); err != nil {
			return err
		}
		if err := os.Rename(file.Name(), o.output); err != nil {
			return err
		}
	}
	return a.printResult(r, change)
}

func seek(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// compareWith compares the former file with the new one; nil if there is none.
func compareWith(path string, file *os.File) (*publish.Change, error) {
	if path == "" {
		return nil, nil
	}
	former, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	defer former.Close()
	if err := seek(file); err != nil {
		return nil, err
	}
	c, err := publish.Compare(former, file)
	return &c, err
}

// printResult tells what was left out, on standard error. It returns [errNothing]
// if nothing was written.
func (a *app) printResult(r publish.Result, c *publish.Change) error {
	fmt.Fprintf(a.err, "%d entries", r.Written)
	if c != nil {
		fmt.Fprintf(a.err, " (%d new, %d gone)", c.New, c.Gone)
	}
	fmt.Fprintln(a.err)
	for _, l := range leftOut(r) {
		fmt.Fprintln(a.err, "  "+clean(l))
	}
	return nothing(r)
}

func nothing(r publish.Result) error {
	if r.Written == 0 {
		return errNothing
	}
	return nil
}

// leftOut says in lines what does not stand in an export, and whom to credit.
func leftOut(r publish.Result) []string {
	var out []string
	if r.Over > 0 {
		out = append(out, fmt.Sprintf("left out: %d beyond the limit of %d", r.Over, r.Max))
	}
	if r.Repeated > 0 {
		out = append(out, fmt.Sprintf("left out: %d that give an entry that stands there already", r.Repeated))
	}
	for _, why := range slices.Sorted(maps.Keys(r.Refused)) {
		out = append(out, fmt.Sprintf("left out: %d: %s", r.Refused[why], why))
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Skipped)) {
		out = append(out, fmt.Sprintf("left out: %d of kind %s, which the format does not carry", r.Skipped[kind], kind))
	}
	for _, id := range slices.Sorted(maps.Keys(r.Withheld)) {
		out = append(out, fmt.Sprintf("left out: %d that %s does not allow to be passed on", r.Withheld[id], id))
	}
	for _, c := range r.Credits {
		out = append(out, "credit: "+c)
	}
	return out
}

func (a *app) printPreview(job *publish.Job, r publish.Result, c *publish.Change) error {
	fmt.Fprintf(a.out, "%s: %d entries of %d indicators\n", job.Format.Name, r.Written, r.Read)
	if c != nil {
		fmt.Fprintf(a.out, "  against the file: %d lines new, %d gone, of %d (%.1f%%)\n", c.New, c.Gone, c.Before, c.Share())
	}
	for _, list := range slices.Sorted(maps.Keys(r.Near)) {
		n := r.Near[list]
		fmt.Fprintf(a.out, "  look at: %d on the list %s of what is popular or shared, as %s\n", n.Entries, clean(list), clean(strings.Join(n.Examples, ", ")))
	}
	for _, l := range leftOut(r) {
		fmt.Fprintln(a.out, "  "+clean(l))
	}
	return nothing(r)
}

// told is a writer that tells how much was written.
type told struct {
	w    io.Writer
	n    int64
	tell func(int64)
}

func (t *told) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.n += int64(n)
	t.tell(t.n)
	return n, err
}
