package portal

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// Limits of a look-up of a pasted text: of the text, in bytes, and of the values
// that are looked up.
const (
	maxPasted = 1 << 20
	maxValues = 500
)

// nearShown is how many neighbours of a value are listed.
const nearShown = 25

// A verdict says in a word what is known of a value.
type verdict string

// The verdicts, gravest first.
const (
	malicious verdict = "active"    // named malicious, and believed now
	expired   verdict = "expired"   // was named malicious, too long ago
	withdrawn verdict = "withdrawn" // every source took it back
	guarded   verdict = "guarded"   // on a list of what is not malicious
	nearby    verdict = "nearby"    // itself unknown, its host or a name above it is known
	unknown   verdict = "unknown"
)

var verdicts = []verdict{malicious, nearby, expired, withdrawn, guarded, unknown}

func verdictOf(i *store.Indicator) verdict {
	switch {
	case i.Guarded():
		return guarded
	case i.Revoked:
		return withdrawn
	case i.Active:
		return malicious
	}
	return expired
}

// A valueRow is one of several values that were looked up.
type valueRow struct {
	Verdict     verdict
	Shown, Kind string
	Link        string
	Confidence  int
	First, Last string
	Guard       string
	Profiles    []store.ProfileTitle
	Note        string // what near it is known
}

// A lookupView is the page of values that were looked up.
type lookupView struct {
	Text   string
	Rows   []valueRow
	Counts []choice // by verdict
	More   bool     // there were more values than are looked up
	Asked  bool
}

// values returns what a text asks for: the observables in it, each once. whole
// reports that there is nothing else in it.
func values(text string) (found []observable.Observable, more, whole bool) {
	if o, err := observable.Parse(text); err == nil {
		return []observable.Observable{o}, false, true
	}
	seen := map[string]bool{}
	rest := 0
	last := 0
	observable.Find([]byte(text), func(o observable.Observable, start, end int) bool {
		rest += len(strings.Trim(text[last:start], " \t\r\n,;|"))
		last = end
		if seen[o.ID()] {
			return true
		}
		if len(found) == maxValues {
			more = true
			return false
		}
		seen[o.ID()] = true
		found = append(found, o)
		return true
	})
	if last < len(text) {
		rest += len(strings.Trim(text[last:], " \t\r\n,;|"))
	}
	return found, more, rest == 0
}

// lookup answers for every value of a text, pasted or typed. It changes nothing,
// also as POST, which is for texts that are too long for an address.
func (p *portal) lookup(r *http.Request) (*page, error) {
	text := r.URL.Query().Get("q")
	asked := r.URL.Query().Has("q")
	if r.Method == http.MethodPost {
		raw, err := io.ReadAll(io.LimitReader(r.Body, maxPasted+1))
		if err != nil {
			return nil, err
		}
		if len(raw) > maxPasted {
			return nil, &tooLongError{}
		}
		form, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, intel.ErrNotFound
		}
		text, asked = form.Get("q"), true
	}
	v := &lookupView{Text: strings.TrimSpace(text), Asked: asked}
	found, more, _ := values(v.Text)
	v.More = more
	for _, o := range found {
		row, err := p.valueRow(r.Context(), o)
		if err != nil {
			return nil, err
		}
		v.Rows = append(v.Rows, row)
	}
	slices.SortStableFunc(v.Rows, func(a, b valueRow) int { return slices.Index(verdicts, a.Verdict) - slices.Index(verdicts, b.Verdict) })
	counts := map[verdict]int64{}
	for _, row := range v.Rows {
		counts[row.Verdict]++
	}
	for _, word := range verdicts {
		if counts[word] > 0 {
			v.Counts = append(v.Counts, choice{Name: string(word), Count: counts[word]})
		}
	}
	return &page{Template: "lookup", Title: "Look up – Dossier", Data: v}, nil
}

// tooLongError is the answer to a text that is too long to look up.
type tooLongError struct{}

func (*tooLongError) Error() string {
	return "The text is longer than a million bytes. The command “dossier hunt -” reads texts of any length."
}

// indicatorLink is the page of an indicator that is known.
func indicatorLink(o observable.Observable) string { return "/indicators/" + o.ID() }

// valueLink is the page of any value.
func valueLink(o observable.Observable) string {
	return "/indicator?" + url.Values{"value": {o.Value}, "kind": {string(o.Kind)}}.Encode()
}

func (p *portal) valueRow(ctx context.Context, o observable.Observable) (valueRow, error) {
	row := valueRow{Verdict: unknown, Shown: observable.Defang(o), Kind: string(o.Kind), Link: valueLink(o)}
	k, err := p.Store.Lookup(ctx, o, p.view())
	if err == nil {
		return rowOfKnown(k.Indicator, k.Profiles), nil
	}
	if !errors.Is(err, intel.ErrNotFound) {
		return row, err
	}
	around, err := p.around(ctx, o)
	if err != nil {
		return row, err
	}
	for _, k := range around {
		word := verdictOf(k.Indicator)
		if row.Note == "" || word == malicious {
			row.Profiles, row.Note = k.Profiles, observable.Defang(k.Indicator.Observable)+" is known: "+string(word)
		}
		if word == malicious {
			row.Verdict = nearby
			return row, nil
		}
	}
	matcher, err := p.Store.GuardMatcher(ctx)
	if err != nil {
		return row, err
	}
	if listed, ok := matcher.Match(o); ok && listed.Policy == guard.Exclude {
		row.Verdict, row.Guard = guarded, "on the list “"+listed.List+"”"
	}
	return row, nil
}

// around returns what is known of the host of a value and of the names above it.
func (p *portal) around(ctx context.Context, o observable.Observable) (out []*store.Known, err error) {
	if host, ok := o.Host(); ok {
		k, err := p.Store.Lookup(ctx, host, p.view())
		switch {
		case err == nil:
			out = append(out, k)
		case !errors.Is(err, intel.ErrNotFound):
			return nil, err
		}
		o = host
	}
	if o.Kind == observable.Domain {
		above, err := p.Store.Parents(ctx, o.Value, p.view())
		return append(out, above...), err
	}
	return out, nil
}

// An indicatorView is the page of a value.
type indicatorView struct {
	Shown, Raw, Kind string
	Verdict          verdict
	Known            bool
	Why              lifecycle.Explanation
	Guard            guard.Listing // the list that has it, whether it is known or not
	First, Last      string
	FirstBasis       string
	Until            string
	TLP              string
	Evidence         []evidenceRow
	Profiles         []store.ProfileTitle
	Around           []valueRow // its host, the names above it
	Near             []valueRow // on it, below it, in the same network
	NearMore         bool
	NearTitle        string
	Curl             string
	Host             string // path of the API's reputation, "" if it is no host

	Met       *store.SightingTotal // in the owner's own data; nil: never
	Sightings []sightingRow        // the latest
}

type evidenceRow struct {
	store.Evidence
	Source, Link string
	Subject      string
}

func (p *portal) indicator(r *http.Request) (*page, error) {
	ctx := r.Context()
	o, err := p.asked(r)
	if err != nil {
		return nil, err
	}
	v := &indicatorView{Shown: observable.Defang(o), Raw: o.Value, Kind: string(o.Kind), Verdict: unknown}
	k, err := p.Store.Lookup(ctx, o, p.view())
	switch {
	case err == nil:
		if err := p.known(ctx, v, k); err != nil {
			return nil, err
		}
	case !errors.Is(err, intel.ErrNotFound):
		return nil, err
	}
	if v.Met, v.Sightings, err = p.sightings(ctx, store.SightingFilter{Indicator: o.ID()}); err != nil {
		return nil, err
	}
	around, err := p.around(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, k := range around {
		v.Around = append(v.Around, rowOfKnown(k.Indicator, k.Profiles))
	}
	if err := p.near(ctx, v, o); err != nil {
		return nil, err
	}
	matcher, err := p.Store.GuardMatcher(ctx)
	if err != nil {
		return nil, err
	}
	if listed, ok := matcher.Match(o); ok {
		v.Guard = listed
	}
	v.Curl = curlOf(p.base(r)+"/api/lookup", "value="+o.Value)
	if o.Kind == observable.Domain || o.Kind == observable.IPAddress {
		v.Host = apiPath + "/hosts/" + url.PathEscape(o.Value) + "/reputation"
	}
	return &page{Template: "indicator", Title: brief(80, v.Shown) + " – Dossier", Data: v}, nil
}

// asked is the value that an address names: by the id of a known indicator, or as
// it is.
func (p *portal) asked(r *http.Request) (o observable.Observable, err error) {
	if id := r.PathValue("id"); id != "" {
		v := p.view()
		v.Mode = store.All
		i, err := p.Store.Indicator(r.Context(), id, v)
		if err != nil {
			return o, err
		}
		return i.Observable, nil
	}
	in := r.URL.Query()
	if kind := in.Get("kind"); kind != "" {
		o, err = observable.ParseAs(observable.Kind(kind), in.Get("value"))
	} else {
		o, err = observable.Parse(in.Get("value"))
	}
	if err != nil {
		return o, &notValueError{err}
	}
	return o, nil
}

func (p *portal) known(ctx context.Context, v *indicatorView, k *store.Known) (err error) {
	i := k.Indicator
	v.Known, v.Verdict, v.Profiles = true, verdictOf(i), k.Profiles
	v.First, v.FirstBasis, v.Last, v.TLP = i.FirstSeen.Day(), basisWord(i.Basis), i.LastSeen.Day(), i.TLP.String()
	if v.Why, err = p.Store.Why(ctx, i, p.view()); err != nil {
		return err
	}
	if v.Why.Until != 0 && v.Why.Active {
		v.Until = v.Why.Until.Day()
	}
	for n := range v.Why.Terms {
		t := &v.Why.Terms[n]
		if t.Name == "source" || t.Name == "corroboration" || t.Name == "withdrawn" {
			t.Who = intel.PublisherOf(t.Who).Title
		}
	}
	for _, e := range k.Evidence {
		v.Evidence = append(v.Evidence, evidenceRow{e, intel.PublisherOf(e.Publisher).Title, webLink(e.Reference), e.Subject.Key})
	}
	return nil
}

func rowOfKnown(i *store.Indicator, profiles []store.ProfileTitle) valueRow {
	row := valueRow{
		Verdict: verdictOf(i), Shown: observable.Defang(i.Observable), Kind: string(i.Observable.Kind), Link: indicatorLink(i.Observable),
		Confidence: i.Confidence, First: i.FirstSeen.Day(), Last: i.LastSeen.Day(), Profiles: profiles,
	}
	if !i.Guard.IsZero() {
		row.Guard = "on the list “" + i.Guard.List + "”"
	}
	return row
}

// near adds what stands on a host, below a name and in the same network.
func (p *portal) near(ctx context.Context, v *indicatorView, o observable.Observable) error {
	var list []*store.Indicator
	if o.Kind == observable.Domain || o.Kind == observable.IPAddress {
		on, more, err := p.Store.OnHost(ctx, o.Value, nearShown, p.view())
		if err != nil {
			return err
		}
		list, v.NearMore = on, more
	}
	if room := nearShown - len(list); room > 0 {
		beside, more, err := p.Store.Near(ctx, o, room, p.view())
		if err != nil {
			return err
		}
		list, v.NearMore = append(list, beside...), v.NearMore || more
	}
	v.NearTitle = "On this host"
	switch o.Kind {
	case observable.Domain:
		v.NearTitle = "On this host and below it"
	case observable.IPAddress:
		v.NearTitle = "On this host and in its network (/24)"
	}
	for _, i := range list {
		profiles, err := p.Store.IndicatorProfiles(ctx, i.ID, p.view())
		if err != nil {
			return err
		}
		v.Near = append(v.Near, rowOfKnown(i, profiles))
	}
	return nil
}

// notValueError is the answer to what is no observable.
type notValueError struct{ err error }

func (e *notValueError) Error() string {
	return "This is no value that can be looked up: " + e.err.Error() + "."
}
