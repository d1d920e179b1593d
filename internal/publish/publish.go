// Package publish makes exports of what the store has: which indicators a request
// selects, what an audience may have of them, and what became of the rest. The
// command line and the API both come through here.
//
// Start with [Prepare], which checks a [Request] before anything is written;
// [Job.Write] writes it as a stream. [Compare] tells how much a list has changed.
package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"dossier/internal/export"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// An Audience is whom an export is for.
type Audience string

// The audiences. By the Traffic Light Protocol 2.0 customers may have what is
// marked up to AMBER, the public what is CLEAR; neither may have what a publisher
// does not allow to be passed on.
const (
	Internal  Audience = "internal"
	Customers Audience = "customers"
	Public    Audience = "public"
)

// A View chooses among indicators, as the API's option view does.
type View string

// The views. Withdrawn and guarded indicators are in none.
const (
	Active  View = "active"  // above the confidence floor now; this is what "" means
	Default View = "default" // what the API's collections show: historical ones too
)

// A Request says what is to be exported. Format alone is needed.
type Request struct {
	Format        string
	Filter        string // $filter of the collection of indicators
	Profile       string // name or id
	MinConfidence int
	View          View
	Max           int      // entries; 0: the format's limit, less than 0: none
	Audience      Audience // "": internal
	FirstRule     uint32   // numbers of rules; 0: the usual range
	LastRule      uint32
}

// A Mistake is what is wrong with a request, for whoever made it.
type Mistake struct {
	Field   string // of the request: "format", "filter", "profile", "minConfidence", "view", "audience", "rules"
	Message string
}

func (m *Mistake) Error() string { return m.Message }

// A Job is an export that can be written.
type Job struct {
	Format  *export.Format
	Profile *store.Profile // nil: all

	st   *store.Store
	view store.View
	sel  store.Selection
	opts export.Options
	req  Request
}

// A Result tells what was written and what was not.
type Result struct {
	export.Report
	Withheld map[string]int // by publisher: not allowed to go to the audience
	Credits  []string       // lines that the publishers ask to be shown
	Near     map[string]Near
}

// Near are the entries of an export that stand on a list of guards which does not
// keep them back: popular names, shared infrastructure, resolvers.
type Near struct {
	Entries  int
	Examples []string // the first few values
}

// maxNear is how many values are told for each list.
const maxNear = 3

// Prepare checks a request for a reader with the view. The error is a [*Mistake],
// an [*odata.Error] about the filter, or wraps [intel.ErrNotFound] for the profile.
func Prepare(ctx context.Context, st *store.Store, req Request, v store.View) (*Job, error) {
	f, err := export.Lookup(req.Format)
	if err != nil {
		return nil, &Mistake{"format", err.Error()}
	}
	if req.MinConfidence < 0 || req.MinConfidence > 100 {
		return nil, &Mistake{"minConfidence", fmt.Sprintf("confidence %d: want 0 to 100", req.MinConfidence)}
	}
	if req.FirstRule > 0 && req.LastRule > 0 && req.LastRule < req.FirstRule {
		return nil, &Mistake{"rules", fmt.Sprintf("numbers of rules: %d to %d is no range", req.FirstRule, req.LastRule)}
	}
	j := &Job{Format: f, st: st, view: v, req: req}
	switch req.Audience {
	case "", Internal:
	case Customers:
		j.view.Ceiling = min(v.Ceiling, intel.Amber)
	case Public:
		j.view.Ceiling = intel.Clear
	default:
		return nil, &Mistake{"audience", fmt.Sprintf("audience %q: want internal, customers or public", req.Audience)}
	}
	mode := store.Active
	switch req.View {
	case "", Active:
	case Default:
		mode = store.Shown
	default:
		return nil, &Mistake{"view", fmt.Sprintf("view %q: want active or default", req.View)}
	}
	j.sel = store.Selection{Mode: mode, MinConfidence: req.MinConfidence, Kinds: f.Kinds, Dated: f.Versioned}
	if req.Filter != "" {
		q, err := odata.ParseQuery("$filter="+url.QueryEscape(req.Filter), store.Types.Indicator, odata.Options{Allow: odata.AllowFilter})
		if err != nil {
			return nil, err
		}
		j.sel.Filter = q
	}
	title := "Dossier"
	if req.Profile != "" {
		if j.Profile, err = profile(ctx, st, req.Profile, j.view); err != nil {
			return nil, err
		}
		p, err := j.Profile.Decode()
		if err != nil {
			return nil, err
		}
		j.sel.Profile, title = p.ID, "Dossier: "+p.Title
	}
	installation, err := st.Installation(ctx)
	if err != nil {
		return nil, err
	}
	j.opts = export.Options{
		Title: title, Updated: intel.TimeOf(st.Now()), Max: req.Max, First: req.FirstRule, Last: req.LastRule, Installation: installation,
		Profile: func(id string) (*intel.Dossier, intel.Time, error) {
			d, modified, err := st.DatedDossier(ctx, id, j.view)
			if errors.Is(err, intel.ErrNotFound) {
				return nil, 0, nil
			}
			return d, modified, err
		},
	}
	return j, nil
}

var profileID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// profile finds a profile by id or by a name that only one has.
func profile(ctx context.Context, st *store.Store, name string, v store.View) (*store.Profile, error) {
	if profileID.MatchString(name) {
		return st.Profile(ctx, name, v)
	}
	hits, err := st.ProfilesByName(ctx, name, v)
	if err != nil {
		return nil, err
	}
	switch len(hits) {
	case 0:
		return nil, fmt.Errorf("profile %q: %w", name, intel.ErrNotFound)
	case 1:
		return st.Profile(ctx, hits[0].ID, v)
	}
	var titles []string
	for _, h := range hits {
		p, err := h.Decode()
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(p.Title, name) { // a title goes before aliases
			return st.Profile(ctx, h.ID, v)
		}
		titles = append(titles, p.Title+" ("+h.ID+")")
	}
	return nil, &Mistake{"profile", fmt.Sprintf("the name %q is that of several profiles: %s; give an id", name, strings.Join(titles, ", "))}
}

// At says when what is exported last changed, for formats in which that stands;
// without it, it is now.
func (j *Job) At(t intel.Time) { j.opts.Updated = t }

// Write writes the export. If w fails or ctx ends, so does it. It may be called again.
func (j *Job) Write(ctx context.Context, w io.Writer) (Result, error) {
	r := Result{Withheld: map[string]int{}, Near: map[string]Near{}}
	met := map[string]bool{}
	opts := j.opts
	if err := j.number(ctx, &opts); err != nil {
		return r, err
	}
	var err error
	r.Report, err = export.Export(w, j.Format, opts, j.indicators(ctx, met, r.Withheld, r.Near))
	for id := range met {
		if c := intel.PublisherOf(id).Credit; c != "" && !slices.Contains(r.Credits, c) {
			r.Credits = append(r.Credits, c)
		}
	}
	slices.Sort(r.Credits)
	return r, err
}

// number lets rules have the numbers that the database keeps for them. Those that
// are new get theirs before anything is written, many at once. A database that
// cannot be written keeps none.
func (j *Job) number(ctx context.Context, o *export.Options) error {
	if !j.Format.Rules || j.st.ReadOnly() {
		return nil
	}
	ledger := j.st.RuleLedger(ctx, export.Candidate)
	o.Numbers = ledger
	ledger.Collect()
	if _, err := export.Export(io.Discard, j.Format, *o, j.indicators(ctx, map[string]bool{}, map[string]int{}, map[string]Near{})); err != nil {
		return err
	}
	return ledger.Settle()
}

// indicators are those that the audience may have, by id.
func (j *Job) indicators(ctx context.Context, met map[string]bool, withheld map[string]int, near map[string]Near) iter.Seq2[*export.Indicator, error] {
	outside := j.req.Audience == Customers || j.req.Audience == Public
	errStop := errors.New("stop")
	return func(yield func(*export.Indicator, error) bool) {
		err := j.st.EachIndicator(ctx, j.sel, j.view, func(i *store.Indicator) error {
			publishers := i.Publishers
			if outside {
				publishers = slices.DeleteFunc(slices.Clone(publishers), func(id string) bool { return !intel.PublisherOf(id).Rights.Redistribute })
				if len(publishers) == 0 {
					for _, id := range i.Publishers {
						withheld[id]++
					}
					return nil
				}
			}
			for _, id := range publishers {
				met[id] = true
			}
			x := indicator(i, publishers)
			if list := i.Guard.List; list != "" && j.Format.Carries(x) {
				n := near[list]
				if n.Entries++; len(n.Examples) < maxNear {
					n.Examples = append(n.Examples, i.Observable.Value)
				}
				near[list] = n
			}
			if !yield(x, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop {
			yield(nil, err)
		}
	}
}

func indicator(i *store.Indicator, publishers []string) *export.Indicator {
	until := i.Life.Until
	if until == lifecycle.Never {
		until = 0
	}
	x := &export.Indicator{
		ID: i.ID, Observable: i.Observable, Source: i.Source, FirstSeen: i.FirstSeen, LastSeen: i.LastSeen, ValidUntil: until,
		Created: i.Created, Modified: i.Modified, Confidence: i.Confidence, Fresh: i.Life.Base, TLP: i.TLP, Revoked: i.Revoked, Publishers: publishers, Profiles: make([]export.Profile, len(i.Profiles)),
	}
	for n, p := range i.Profiles {
		x.Profiles[n] = export.Profile{ID: p.ID, Kind: p.Kind, Title: p.Title}
	}
	return x
}
