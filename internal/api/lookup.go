package api

import (
	"errors"
	"strconv"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// Limits of one look-up.
const (
	maxLookup = 100 // values
	maxOnHost = 20  // indicators on a host that are listed
)

// lookupList is the body of /api/lookup?value=…&value=…: one result for each
// value, in the order given.
type lookupList struct {
	Results []lookupResult `json:"results"`
}

// A lookupResult says what is known of one value. Kind and value are the canonical
// form; they are missing if the value is no observable, and error says why.
// A value that is not known may still stand on a known host or under a known name.
type lookupResult struct {
	Input  string          `json:"input"` // as given
	Kind   observable.Kind `json:"kind,omitempty"`
	Value  string          `json:"value,omitempty"`
	Known  bool            `json:"known"`
	Error  string          `json:"error,omitempty"`
	Host   *known          `json:"host,omitempty"`    // of a URL, an address with port, an e-mail address
	Above  []*known        `json:"parents,omitempty"` // names above a domain, nearest first
	On     *onHost         `json:"onHost,omitempty"`  // of a domain or address: what stands on it
	*known                 // of the value itself
}

// known is what is known of an indicator.
type known struct {
	Indicator store.WireIndicator `json:"indicator"`
	Revoked   bool                `json:"revoked,omitempty"` // every source has withdrawn it

	Confidence int            `json:"confidence"`           // 0..100, now
	Active     bool           `json:"active"`               // above the confidence floor, not withdrawn, not guarded
	Until      intel.Time     `json:"activeUntil,omitzero"` // the last moment above the floor
	Guard      *guard.Listing `json:"guard,omitempty"`      // the list that guards it

	Evidence []store.Evidence     `json:"evidence"` // earliest first
	Profiles []store.ProfileTitle `json:"profiles"` // by title; empty if it names nobody

	// Sighted is what was met of it in the owner's own data; absent if nothing was, or who asks may not know.
	Sighted *store.SightingTotal `json:"sighted,omitempty"`

	Articles     []store.ArticleTitle `json:"articles,omitempty"`     // that list it, latest first
	MoreArticles bool                 `json:"moreArticles,omitempty"` // there are more than these
}

type onHost struct {
	Indicators []store.WireIndicator `json:"indicators"`
	More       bool                  `json:"more,omitempty"`
}

func knownOf(k *store.Known) *known {
	out := &known{
		Indicator: k.Indicator.Wire(), Revoked: k.Indicator.Revoked, Evidence: k.Evidence, Profiles: k.Profiles,
		Articles: k.Articles, MoreArticles: k.More,
	}
	out.Confidence, out.Active, out.Until = k.Indicator.Confidence, k.Indicator.Active, k.Indicator.Life.Until
	if m := k.Indicator.Guard; !m.IsZero() {
		out.Guard = &m
	}
	if out.Evidence == nil {
		out.Evidence = []store.Evidence{}
	}
	if out.Profiles == nil {
		out.Profiles = []store.ProfileTitle{}
	}
	return out
}

// lookup tells what is known of values. They may be defanged. What is unknown or no
// observable at all is a result like any other: the status is 200.
func lookup(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	values := p.all("value")
	switch {
	case len(values) == 0:
		return nil, badRequest("The parameter 'value' is missing: give it once for each value to look up.", "value")
	case len(values) > maxLookup:
		return nil, badRequest("At most "+strconv.Itoa(maxLookup)+" values can be looked up at once.", "value")
	}
	out := lookupList{Results: make([]lookupResult, 0, len(values))}
	for _, v := range values {
		result, err := r.lookupOne(v)
		if err != nil {
			return nil, err
		}
		out.Results = append(out.Results, result)
	}
	return r.document(out)
}

func (r *request) lookupOne(input string) (out lookupResult, err error) {
	out.Input = input
	o, err := observable.Parse(input)
	if err != nil {
		var bad *observable.Error
		if !errors.As(err, &bad) {
			return out, err
		}
		out.Error = string(bad.Reason)
		if bad.Detail != "" {
			out.Error += ": " + bad.Detail
		}
		return out, nil
	}
	out.Kind, out.Value = o.Kind, o.Value
	if out.known, err = r.known(o); err != nil {
		return out, err
	}
	out.Known = out.known != nil
	if host, ok := o.Host(); ok {
		if out.Host, err = r.known(host); err != nil {
			return out, err
		}
	}
	if o.Kind == observable.Domain {
		parents, err := r.s.store.Parents(r.Context(), o.Value, r.ceiling())
		if err != nil {
			return out, err
		}
		for _, k := range parents {
			above, err := r.known(k.Indicator.Observable)
			if err != nil {
				return out, err
			}
			if above != nil {
				out.Above = append(out.Above, above)
			}
		}
	}
	if o.Kind == observable.Domain || o.Kind == observable.IPAddress {
		found, more, err := r.s.store.OnHost(r.Context(), o.Value, maxOnHost, r.ceiling())
		if err != nil {
			return out, err
		}
		if len(found) > 0 {
			out.On = &onHost{More: more}
			for _, i := range found {
				out.On.Indicators = append(out.On.Indicators, i.Wire())
			}
		}
	}
	return out, nil
}

// known returns what is known of an observable, nil if nothing is.
func (r *request) known(o observable.Observable) (*known, error) {
	k, err := r.s.store.Lookup(r.Context(), o, r.ceiling())
	if errors.Is(err, intel.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := knownOf(k)
	if r.seesSightings() {
		total, err := r.s.store.SightingTotal(r.Context(), store.SightingFilter{Owner: r.who.Owner, Indicator: k.Indicator.ID}, r.ceiling())
		if err != nil {
			return nil, err
		}
		if total.Indicators > 0 {
			out.Sighted = &total
		}
	}
	return out, nil
}
