package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"dossier/internal/auth"
	"dossier/internal/hunt"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/sighting"
	"dossier/internal/store"
)

// Limits of sightings in one answer or request.
const (
	usualSightings = 100
	maxSightings   = 1000
)

// hunts makes a handler of one that needs the permission to hunt, also where everybody may read. What was done is audited.
func (s *Server) hunts(what string, h func(r *request) (*answer, []slog.Attr, error)) handler {
	return func(r *request) (*answer, error) {
		if !r.who.May(auth.Hunt) {
			return nil, fail(http.StatusForbidden, codeDenied, "Insufficient privileges to complete the operation.")
		}
		a, attrs, err := h(r)
		if err == nil && s.guard != nil {
			s.acted(r, what, attrs...)
		}
		return a, err
	}
}

// seesSightings reports whether the one who asks may see what was met here: it needs the permission to hunt, unless it is somebody on the server's own
// machine, who sees it on the pages, too.
func (r *request) seesSightings() bool { return r.who.May(auth.Hunt) || r.who.Anonymous() }

// sightingKey returns the key of marks and pseudonyms, nil if this server has no key file.
func (s *Server) sightingKey(ctx context.Context) (sighting.Key, error) {
	if s.guard == nil || s.guard.Issuer == nil || s.guard.Issuer.Sealer == nil {
		return nil, nil
	}
	return s.guard.Issuer.Sealer.Secret(ctx, s.store, sighting.SecretName)
}

// sightingFilter reads the parameters value, profile, host, since and until. given tells whether there is any.
func (r *request) sightingFilter(p params) (f store.SightingFilter, given bool, err error) {
	f.Owner = r.who.Owner
	for _, name := range []string{"value", "profile", "host", "since", "until"} {
		if len(p.all(name)) == 0 {
			continue
		}
		text, err := p.needed(name)
		if err != nil {
			return f, false, err
		}
		given = true
		switch name {
		case "value":
			o, err := observable.Parse(text)
			if err != nil {
				return f, false, badRequest("Invalid value of value: "+clip(err.Error())+".", name)
			}
			f.Indicator = o.ID()
		case "profile":
			if f.Profile, err = r.s.store.CanonicalID(r.Context(), text, r.ceiling()); err != nil {
				return f, false, err
			}
		case "host":
			key, err := r.s.sightingKey(r.Context())
			if err != nil {
				return f, false, err
			}
			f.Hosts = key.Names(text)
		default:
			t, err := ingest.ParseSince(text, r.s.now())
			if err != nil {
				return f, false, badRequest("Invalid value of "+name+": "+clip(err.Error())+".", name)
			}
			if f.Since = t; name == "until" {
				f.Since, f.Until = 0, t
			}
		}
	}
	return f, given, nil
}

// sightingList is the body of GET /api/sightings.
type sightingList struct {
	Sightings []*store.Sighting   `json:"sightings"`      // the latest first; never absent
	Total     store.SightingTotal `json:"total"`          // of all that are asked for, on this page or not
	Next      string              `json:"next,omitempty"` // give it as after to go on
}

// sightings answers GET /api/sightings?value=&profile=&host=&since=&until=&limit=&after=: what was met in the owner's own data.
func sightings(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	f, _, err := r.sightingFilter(p)
	if err != nil {
		return nil, err
	}
	limit, err := p.limit(usualSightings, maxSightings)
	if err != nil {
		return nil, err
	}
	after := ""
	if values := p.all("after"); len(values) > 0 {
		after = values[0]
	}
	var out sightingList
	if out.Sightings, out.Next, err = r.s.store.Sightings(r.Context(), f, limit, after, r.ceiling()); err != nil {
		return nil, err
	}
	if out.Total, err = r.s.store.SightingTotal(r.Context(), f, r.ceiling()); err != nil {
		return nil, err
	}
	out.Sightings = orEmpty(out.Sightings)
	return r.document(out)
}

// getSighting answers GET /api/sightings/{id}.
func getSighting(r *request) (*answer, error) {
	list, _, err := r.s.store.Sightings(r.Context(), store.SightingFilter{Owner: r.who.Owner, ID: r.ids[0]}, 1, "", r.ceiling())
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("sighting %q: %w", r.ids[0], intel.ErrNotFound)
	}
	return r.document(list[0])
}

// A met is a sighting that another program tells of.
type met struct {
	Value     string     `json:"value"`               // in any usual form
	Seen      intel.Time `json:"seen,omitzero"`       // when
	Host      string     `json:"host,omitempty"`      // of yours
	Direction string     `json:"direction,omitempty"` // out or in
	Field     string     `json:"field,omitempty"`     // where it stood
	Log       string     `json:"log,omitempty"`       // which log or sensor told
	ID        string     `json:"id,omitempty"`        // of the event: one that is told twice counts once. Without it the other members tell it apart
}

// sightingReport is the body of POST /api/sightings.
type sightingReport struct {
	Sightings []met `json:"sightings"`
}

// reported is the answer to it.
type reported struct {
	New     int      `json:"new"`               // sightings that were not known
	Grown   int      `json:"grown"`             // that were, and are on more lines now
	Lines   int64    `json:"lines"`             // events that were not counted yet
	Unknown []string `json:"unknown,omitempty"` // values that are no indicators here; nothing is kept of them
}

// reportSightings answers POST /api/sightings: all of it is kept, or nothing if a part of it is wrong.
func reportSightings(r *request) (*answer, []slog.Attr, error) {
	body, err := r.readBody(maxEntityBody)
	if err != nil {
		return nil, nil, err
	}
	var in sightingReport
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, nil, badBody("", "Invalid body: %s.", clip(err.Error()))
	}
	if n := len(in.Sightings); n == 0 || n > maxSightings {
		return nil, nil, badBody("sightings", "Property 'sightings': expected 1 to %d elements, found %d.", maxSightings, n)
	}
	keeper, err := r.recorder(store.FromReport)
	if err != nil {
		return nil, nil, err
	}
	var list []*store.Sighting
	keeper.Save = func(_ context.Context, more []*store.Sighting) (store.Kept, error) {
		list = append(list, more...)
		return store.Kept{}, nil
	}
	var out reported
	for i, m := range in.Sightings {
		target := fmt.Sprintf("sightings/%d", i)
		o, err := observable.Parse(m.Value)
		if err != nil {
			return nil, nil, badBody(target+"/value", "Property '%s/value': %s.", target, clip(err.Error()))
		}
		e := hunt.Event{Time: m.Seen.Std(), Field: m.Field}
		switch d := hunt.Direction(m.Direction); {
		case m.Direction != "" && d != hunt.Out && d != hunt.In:
			return nil, nil, badBody(target+"/direction", "Property '%s/direction': expected out or in, found '%s'.", target, clip(m.Direction))
		case len(m.Host) > 253 || len(m.Field) > 253 || len(m.Log) > 253:
			return nil, nil, badBody(target, "Property '%s': host, field and log have at most 253 bytes.", target)
		}
		_, err = r.s.store.Lookup(r.Context(), o, r.ceiling())
		if errors.Is(err, intel.ErrNotFound) {
			out.Unknown = append(out.Unknown, m.Value)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		told, err := json.Marshal(m)
		if err != nil {
			return nil, nil, err
		}
		if err := keeper.Told(r.Context(), o, e, m.Host, hunt.Direction(m.Direction), []byte(cmp.Or(m.ID, string(told))), m.Log); err != nil {
			return nil, nil, err
		}
	}
	if err := keeper.Flush(r.Context()); err != nil {
		return nil, nil, err
	}
	kept, err := r.s.importer().SaveSightings(r.Context(), list)
	if err != nil {
		return nil, nil, err
	}
	out.New, out.Grown, out.Lines = kept.New, kept.Grown, kept.Lines
	a, err := r.document(out)
	return a, []slog.Attr{slog.Int("new", kept.New), slog.Int("grown", kept.Grown), slog.Int64("lines", kept.Lines)}, err
}

func (s *Server) importer() *ingest.Importer { return &ingest.Importer{Store: s.store} }

// recorder makes what saves sightings for the one who asks.
func (r *request) recorder(origin store.Origin) (*sighting.Recorder, error) {
	key, err := r.s.sightingKey(r.Context())
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, errors.New("sightings: the server has no key file")
	}
	hide, err := r.s.store.HostsAreHidden(r.Context())
	if err != nil {
		return nil, err
	}
	return &sighting.Recorder{
		Key: key, Hide: hide, Origin: origin, By: cmp.Or(r.who.Name, r.who.ClientID), Owner: r.who.Owner, Save: r.s.importer().SaveSightings,
	}, nil
}

// erased is the answer to DELETE /api/sightings.
type erased struct {
	Erased int `json:"erased"` // sightings
}

// eraseSightings answers DELETE /api/sightings?value=&profile=&host=&since=&until= or ?all=true.
func eraseSightings(r *request) (*answer, []slog.Attr, error) {
	p, err := r.params()
	if err != nil {
		return nil, nil, err
	}
	for _, given := range p { // a misspelt one would erase more than is meant
		if !strings.Contains(" value profile host since until all ", " "+strings.ToLower(given.Name)+" ") {
			return nil, nil, badRequest("The parameter '"+clip(given.Name)+"' is not known: use value, profile, host, since, until, or all=true.", clip(given.Name))
		}
	}
	f, given, err := r.sightingFilter(p)
	if err != nil {
		return nil, nil, err
	}
	all := p.all("all")
	if everything := len(all) == 1 && all[0] == "true"; everything == given || len(all) > 1 {
		return nil, nil, badRequest("Say which sightings: by value, profile, host, since or until, or all=true alone.", "all")
	}
	return r.erase(f)
}

// eraseSighting answers DELETE /api/sightings/{id}.
func eraseSighting(r *request) (*answer, []slog.Attr, error) {
	a, attrs, err := r.erase(store.SightingFilter{Owner: r.who.Owner, ID: r.ids[0]})
	if err == nil && attrs[0].Value.Int64() == 0 {
		err = fmt.Errorf("sighting %q: %w", r.ids[0], intel.ErrNotFound)
	}
	return a, attrs, err
}

func (r *request) erase(f store.SightingFilter) (*answer, []slog.Attr, error) {
	n, err := r.s.importer().EraseSightings(r.Context(), f, r.ceiling())
	if err != nil {
		return nil, nil, err
	}
	a, err := r.document(erased{n})
	return a, []slog.Attr{slog.Int("sightings", n)}, err
}
