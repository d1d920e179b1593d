package api

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// The resources of this and the following files are Dossier's own. Their bodies
// are plain JSON; their errors are in the envelope of all errors. Members are
// left out where they would be empty, unless a comment says otherwise.

// document is the answer that holds v.
func (r *request) document(v any) (*answer, error) {
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		return nil, err
	}
	return &answer{contentType: "application/json; charset=utf-8", header: r.header, body: b.Bytes()}, nil
}

// params returns the parameters of the query, decoded by the same rules as
// OData options: ';' is an ordinary character and a bad escape an error.
func (r *request) params() (params, error) {
	q, err := odata.ParseQuery(r.URL.RawQuery, nil, odata.Options{Ignore: odata.AllowAll})
	if err != nil {
		return nil, err
	}
	return q.Params, nil
}

type params []odata.Param

// all returns every value of a parameter.
func (p params) all(name string) []string {
	var out []string
	for _, v := range p {
		if strings.EqualFold(strings.TrimPrefix(v.Name, "$"), name) {
			out = append(out, v.Value)
		}
	}
	return out
}

// needed returns the value of a parameter that must be given once and not be blank.
func (p params) needed(name string) (string, error) {
	values := p.all(name)
	if len(values) != 1 || strings.TrimSpace(values[0]) == "" {
		return "", badRequest("The parameter '"+name+"' must be given once, with a value.", name)
	}
	return values[0], nil
}

// limit returns how many results are wanted; more than most are cut to most.
func (p params) limit(usual, most int) (int, error) {
	values := p.all("limit")
	if len(values) == 0 {
		return usual, nil
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 1 {
		return 0, badRequest("Invalid value of limit: expected a whole number of at least 1, found '"+clip(values[0])+"'.", "limit")
	}
	return min(n, most), nil
}

// ceiling returns what the one who asks may see.
func (r *request) ceiling() store.View {
	if r.who == nil { // open paths
		return store.View{Ceiling: intel.Clear}
	}
	return store.View{Ceiling: r.who.Ceiling}
}

// dossier answers GET /api/profiles/{id}: an [intel.Dossier], which is the
// profile with every claim that it rests on. Any id that leads to the profile will do.
func dossier(r *request) (*answer, error) {
	d, err := r.s.store.Dossier(r.Context(), r.ids[0], r.ceiling())
	if err != nil {
		return nil, err
	}
	if d.Profile.ID != r.ids[0] {
		r.header.Set("Content-Location", r.s.publicURL(r.Request)+"/api/profiles/"+d.Profile.ID)
	}
	return r.document(d)
}

// health is the body of /healthz and /readyz.
type health struct {
	Status   string `json:"status"` // "ok", "ready"
	Version  string `json:"version,omitempty"`
	Position int64  `json:"position,omitempty"` // of the last change
	Stale    bool   `json:"stale,omitempty"`    // an import was interrupted: what is served is older than what is known
	// Data is how old the data of each publisher is, as far as everybody may
	// know; /healthz has it. It may be a minute late.
	Data []store.Age `json:"data,omitempty"`
}

// healthz answers as long as the process does.
func healthz(r *request) (*answer, error) {
	return r.document(health{Status: "ok", Version: r.s.version, Data: r.s.ages.get(r)})
}

// How long the ages of data are remembered, and how long /healthz waits for the
// database to tell them: it answers without them rather than late.
const (
	agesKept = time.Minute
	agesWait = time.Second
)

type rememberedAges struct {
	mu   sync.Mutex
	at   time.Time
	list []store.Age
}

func (a *rememberedAges) get(r *request) []store.Age {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); now.Sub(a.at) > agesKept {
		ctx, cancel := context.WithTimeout(r.Context(), agesWait)
		defer cancel()
		list, err := r.s.store.Ages(ctx, store.View{Ceiling: intel.Clear})
		if err != nil {
			r.s.log.Warn("the ages of data", "error", err)
			list = a.list
		}
		a.at, a.list = now, list
	}
	return a.list
}

// readyz answers 200 if the database can be read, else 503.
func readyz(r *request) (*answer, error) {
	position, err := r.s.store.Head(r.Context())
	if err == nil {
		var stale bool
		if stale, err = r.s.store.Stale(r.Context()); err == nil {
			return r.document(health{Status: "ready", Version: r.s.version, Position: position, Stale: stale})
		}
	}
	r.s.log.Error("not ready", "error", err)
	f := fail(http.StatusServiceUnavailable, codeUnavailable, "The database cannot be read. The server's log says why.")
	f.header = http.Header{"Retry-After": {"5"}}
	return nil, f
}

// sourceList is the body of /api/sources: who the data is from, by rank.
type sourceList struct {
	Sources []source `json:"sources"` // never absent
}

type source struct {
	intel.Publisher
	Datasets []dataset `json:"datasets"` // never absent; empty for publishers that are only quoted
}

// A dataset is one body of a publisher's data. Age is in whole days since it was
// released, or since it was imported where its release is not known.
type dataset struct {
	Name     string     `json:"name"`
	Version  string     `json:"version,omitempty"`
	Released intel.Time `json:"released"` // null if unknown
	Imported intel.Time `json:"imported"`
	AgeDays  int        `json:"ageDays"`
	Snapshot bool       `json:"snapshot"`
	Catalog  bool       `json:"catalog"` // came with the program
	Records  int        `json:"records"`
}

func sources(r *request) (*answer, error) {
	publishers, err := r.s.store.Publishers(r.Context(), r.ceiling())
	if err != nil {
		return nil, err
	}
	stored, err := r.s.store.Datasets(r.Context(), r.ceiling())
	if err != nil {
		return nil, err
	}
	now := intel.TimeOf(r.s.now())
	out := sourceList{Sources: []source{}}
	for _, p := range publishers {
		src := source{Publisher: p, Datasets: []dataset{}}
		for _, d := range stored {
			if d.Publisher != p.ID {
				continue
			}
			since := d.Released
			if since == 0 {
				since = d.Imported
			}
			src.Datasets = append(src.Datasets, dataset{
				Name: d.Name, Version: d.Version, Released: d.Released, Imported: d.Imported,
				AgeDays: max(0, int((now-since)/(24*60*60*1000))), Snapshot: d.Snapshot,
				Catalog: d.Layer == store.FromCatalog, Records: d.Records,
			})
		}
		out.Sources = append(out.Sources, src)
	}
	return r.document(out)
}

// runList is the body of /api/runs.
type runList struct {
	Runs []*intel.Run `json:"runs"` // newest first; never absent
}

// How many runs are listed, by default and at most.
const (
	usualRuns = 50
	maxRuns   = 500
)

// runs answers GET /api/runs?limit=: the newest executions of imports and feeds.
// They tell of everything that came in, so only those see them from whom nothing
// is kept.
func runs(r *request) (*answer, error) {
	if r.ceiling().Ceiling < intel.Red {
		return nil, fail(http.StatusForbidden, codeDenied, "Insufficient privileges to complete the operation: runs are shown to those who see up to TLP:RED.")
	}
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	limit, err := p.limit(usualRuns, maxRuns)
	if err != nil {
		return nil, err
	}
	list, err := r.s.store.Runs(r.Context(), "", limit)
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []*intel.Run{}
	}
	return r.document(runList{list})
}
