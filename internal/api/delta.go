package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"dossier/internal/odata"
	"dossier/internal/store"
)

// codeNoSync is Graph's code for a token of delta of which the changes are forgotten.
const codeNoSync = "syncStateNotFound"

// latest is the value of $deltatoken that asks for a token without the rows.
const latest = "latest"

var deltaOptions = odata.Options{Allow: odata.AllowDelta}

// A deltaState is what a token of delta holds: what was asked for in the first
// call, and how far the client is. A client can read it and cannot make one.
type deltaState struct {
	Scope   string     `json:"o"`
	Ceiling int        `json:"c"`
	Mode    store.Mode `json:"m,omitempty"`
	Filter  string     `json:"f,omitempty"`
	Select  string     `json:"s,omitempty"`
	Top     int        `json:"t"`

	Position int64  `json:"p"`           // the client has everything up to here
	ID       string `json:"i,omitempty"` // and behind it up to the change of this; "": all of it
	Until    int64  `json:"u,omitempty"` // the end of a round of changes that goes on; 0: a new one begins
	List     string `json:"l,omitempty"` // the first call goes on from here
}

// place is how far the client is in the order of changes.
func (d *deltaState) place() store.Place {
	if d.ID == "" {
		return store.Settled(d.Position)
	}
	return store.Place{Position: d.Position, ID: d.ID}
}

// seals authenticates tokens with the key of the database.
type seals struct {
	mu  sync.Mutex
	key []byte
}

func (s *seals) mac(ctx context.Context, st *store.Store, payload []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == nil {
		secret, err := st.Secret(ctx)
		if err != nil {
			return nil, err
		}
		s.key = []byte("delta " + secret)
	}
	h := hmac.New(sha256.New, s.key)
	h.Write(payload)
	return h.Sum(nil)[:macSize], nil
}

const macSize = 16

func (s *Server) sealed(ctx context.Context, d *deltaState) (string, error) {
	payload, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	mac, err := s.seals.mac(ctx, s.store, payload)
	return base64.RawURLEncoding.EncodeToString(append(mac, payload...)), err
}

// opened reads a token. option is the one that it came in.
func (s *Server) opened(ctx context.Context, token, option string) (*deltaState, error) {
	bad := badRequest("Invalid value of "+option+": it is no token of this server's delta. Start again without it.", option)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < macSize {
		return nil, bad
	}
	mac, err := s.seals.mac(ctx, s.store, raw[macSize:])
	if err != nil {
		return nil, err
	}
	d := new(deltaState)
	if !hmac.Equal(mac, raw[:macSize]) || json.Unmarshal(raw[macSize:], d) != nil {
		return nil, bad
	}
	return d, nil
}

// A deltaList is a collection that can be followed.
type deltaList[T any] struct {
	typ     *odata.Type
	path    string // of the context
	link    string // of the collection, behind {base}/security/threatIntelligence
	scope   string // for tokens
	page    func(q *odata.Query) (*store.Page[T], error)
	changes func(q *odata.Query, since store.Place, until int64) (*store.Changes[T], error)
	entity  func(item T, q *odata.Query) (*entity, error)
}

func deltaProfiles(r *request) (*answer, error) {
	return delta(r, store.Types.Profile, func(v store.View) (*deltaList[*store.Profile], error) {
		return &deltaList[*store.Profile]{
			path: profilesPath, link: profilesPath, scope: "profiles",
			page: func(q *odata.Query) (*store.Page[*store.Profile], error) {
				return r.s.store.Profiles(r.Context(), q, v)
			},
			changes: func(q *odata.Query, since store.Place, until int64) (*store.Changes[*store.Profile], error) {
				return r.s.store.ProfileChanges(r.Context(), q, v, since, until)
			},
			entity: func(p *store.Profile, q *odata.Query) (*entity, error) { return r.profile(p, q, v) },
		}, nil
	})
}

func deltaIndicators(r *request) (*answer, error) {
	return delta(r, store.Types.Indicator, func(v store.View) (*deltaList[*store.Indicator], error) {
		return &deltaList[*store.Indicator]{
			path: indicatorsPath, link: indicatorsPath, scope: "indicators",
			page: func(q *odata.Query) (*store.Page[*store.Indicator], error) {
				return r.s.store.Indicators(r.Context(), q, v)
			},
			changes: func(q *odata.Query, since store.Place, until int64) (*store.Changes[*store.Indicator], error) {
				return r.s.store.IndicatorChanges(r.Context(), q, v, since, until)
			},
			entity: func(i *store.Indicator, _ *odata.Query) (*entity, error) { return r.indicator(i, v) },
		}, nil
	})
}

func deltaProfileIndicators(r *request) (*answer, error) {
	return delta(r, store.Types.Indicator, func(v store.View) (*deltaList[*store.Indicator], error) {
		id, err := r.canonicalProfile(v, "/indicators/delta")
		if err != nil {
			return nil, err
		}
		return &deltaList[*store.Indicator]{
			path: ofProfile(id), link: profilesPath + "/" + url.PathEscape(id) + "/indicators", scope: "of " + id,
			page: func(q *odata.Query) (*store.Page[*store.Indicator], error) {
				return r.s.store.ProfileIndicators(r.Context(), id, q, v)
			},
			changes: func(q *odata.Query, since store.Place, until int64) (*store.Changes[*store.Indicator], error) {
				return r.s.store.ProfileIndicatorChanges(r.Context(), id, q, v, since, until)
			},
			entity: func(i *store.Indicator, _ *odata.Query) (*entity, error) { return r.indicator(i, v) },
		}, nil
	})
}

// delta answers a call of the function delta: a first one with the rows as they
// are, later ones with what changed since.
func delta[T any](r *request, typ *odata.Type, of func(store.View) (*deltaList[T], error)) (*answer, error) {
	asked, err := r.query(typ, deltaOptions)
	if err != nil {
		return nil, err
	}
	v, err := r.view(asked)
	if err != nil {
		return nil, err
	}
	if v.Mode == store.Active {
		return nil, badRequest("view=active is not served with delta: an indicator leaves it as time passes, which is no change.", "view")
	}
	token, option, err := deltaToken(asked)
	if err != nil {
		return nil, err
	}
	var state *deltaState
	if token != "" {
		if state, err = r.s.opened(r.Context(), token, option); err != nil {
			return nil, err
		}
		v.Mode = state.Mode
	}
	l, err := of(v)
	if err != nil {
		return nil, err
	}
	l.typ = typ
	if state == nil {
		state = &deltaState{Scope: l.scope, Ceiling: int(v.Ceiling), Mode: v.Mode, Top: asked.Top}
		state.Filter = given(asked, "$filter")
		state.Select = given(asked, "$select")
		head, err := r.s.store.Head(r.Context())
		if err != nil {
			return nil, err
		}
		state.Position = head
		if asked.DeltaGiven && asked.DeltaToken == latest {
			if _, err := l.query(state); err != nil {
				return nil, err
			}
			return l.answer(r, asked, state, nil, false)
		}
		return l.first(r, state)
	}
	if asked.TopGiven {
		state.Top = asked.Top
	}
	if state.Scope != l.scope || state.Ceiling != int(v.Ceiling) {
		return nil, l.gone(r, state)
	}
	head, err := r.s.store.Known(r.Context(), state.place())
	if errors.Is(err, store.ErrPruned) {
		return nil, l.gone(r, state)
	}
	if err != nil {
		return nil, err
	}
	if state.List != "" {
		return l.first(r, state)
	}
	if state.Until == 0 {
		state.Until = head
	}
	return l.next(r, state)
}

// deltaToken returns the token of a call, "" in a first one, and the option it came in.
func deltaToken(q *odata.Query) (token, option string, err error) {
	switch {
	case q.SkipToken != "" && q.DeltaGiven:
		return "", "", badRequest("$skiptoken and $deltatoken cannot be given together: follow the links as they are.", "$deltatoken")
	case q.SkipToken != "":
		token, option = q.SkipToken, "$skiptoken"
	case q.DeltaToken != "" && q.DeltaToken != latest:
		token, option = q.DeltaToken, "$deltatoken"
	default:
		return "", "", nil
	}
	for _, name := range []string{"$filter", "$select"} {
		if slices.ContainsFunc(q.Params, func(p odata.Param) bool { return p.Name == name }) {
			return "", "", badRequest(name+" can be given in the first call of delta only: the token holds it.", name)
		}
	}
	return token, option, nil
}

// given returns an option as the client wrote it.
func given(q *odata.Query, name string) string {
	v, _ := q.Param(name)
	return v
}

// query returns the query that the state holds.
func (l *deltaList[T]) query(d *deltaState) (*odata.Query, error) {
	raw := url.Values{"$top": {strconv.Itoa(d.Top)}}
	if d.Filter != "" {
		raw.Set("$filter", d.Filter)
	}
	if d.Select != "" {
		raw.Set("$select", d.Select)
	}
	q, err := odata.ParseQuery(raw.Encode(), l.typ, deltaOptions)
	if err != nil {
		return nil, err
	}
	return q, followable(q.Filter)
}

// followable refuses a filter over what can change without a change of the rows
// themselves.
func followable(filter odata.Expr) (err error) {
	odata.Walk(filter, func(e odata.Expr) bool {
		path, ok := e.(*odata.Path)
		if !ok {
			return err == nil
		}
		for _, s := range path.Steps {
			switch p := s.Property; {
			case p == nil:
			case p.Annotation():
				err = badRequest("Invalid filter clause: "+p.Name+" cannot be filtered by in delta: it may change without the row.", "$filter")
			case p.Navigation && p.Collection:
				err = badRequest("Invalid filter clause: "+p.Name+" cannot be filtered by in delta: linking does not change the row.", "$filter")
			}
		}
		return err == nil
	})
	return err
}

// first answers with a page of the rows as they are. What changes meanwhile comes
// with the deltaLink: it leads back to where the first page began.
func (l *deltaList[T]) first(r *request, d *deltaState) (*answer, error) {
	q, err := l.query(d)
	if err != nil {
		return nil, err
	}
	q.SkipToken = d.List
	page, err := l.page(q)
	if err != nil {
		return nil, err
	}
	rows := make([]store.Changed[T], len(page.Items))
	for i, item := range page.Items {
		rows[i].Item = item
	}
	d.List = page.Next
	return l.answer(r, q, d, rows, page.Next != "")
}

// next answers with a page of what changed.
func (l *deltaList[T]) next(r *request, d *deltaState) (*answer, error) {
	q, err := l.query(d)
	if err != nil {
		return nil, err
	}
	page, err := l.changes(q, d.place(), d.Until)
	if err != nil {
		return nil, err
	}
	d.Position, d.ID = page.Next.Position, page.Next.ID
	if !page.More {
		d.ID, d.Until = "", 0
	}
	return l.answer(r, q, d, page.Items, page.More)
}

// gone is the answer for a token that is of no use any more; Location is a first
// call with the same options.
func (l *deltaList[T]) gone(r *request, d *deltaState) error {
	location := r.url(l.link+"/delta") + "?$deltatoken="
	for _, o := range [][2]string{{"$filter", d.Filter}, {"$select", d.Select}} {
		if o[1] != "" {
			location += "&" + o[0] + "=" + url.QueryEscape(o[1])
		}
	}
	f := fail(http.StatusGone, codeNoSync, "The changes since this token are not known any more. Start again at the Location.")
	f.header = http.Header{"Location": {location}}
	return f
}

// answer writes a page. d is where the client is after it.
func (l *deltaList[T]) answer(r *request, q *odata.Query, d *deltaState, rows []store.Changed[T], more bool) (*answer, error) {
	token, err := r.s.sealed(r.Context(), d)
	if err != nil {
		return nil, err
	}
	name, option := "@odata.deltaLink", "$deltatoken="
	if more {
		name, option = "@odata.nextLink", "$skiptoken="
	}
	var b bytes.Buffer
	b.WriteByte('{')
	if r.metadata != odata.MetadataNone {
		b.WriteString(`"@odata.context":`)
		b.Write(quoted(contextURL(r.base, l.path, q, false)))
		b.WriteByte(',')
	}
	b.WriteString(`"` + name + `":`)
	b.Write(quoted(r.url(l.link+"/delta") + "?" + option + token))
	b.WriteString(`,"value":[`)
	q = withID(q, l.typ)
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		if row.Gone {
			reason := "deleted"
			if row.Left {
				reason = "changed"
			}
			b.WriteString(`{"id":`)
			b.Write(quoted(row.ID))
			b.WriteString(`,"@removed":{"reason":"` + reason + `"}}`)
			continue
		}
		e, err := l.entity(row.Item, q)
		if err != nil {
			return nil, err
		}
		if err := r.render(&b, e, q, ""); err != nil {
			return nil, err
		}
	}
	b.WriteString("]}")
	return &answer{contentType: r.contentType(), header: r.header, body: b.Bytes()}, nil
}

// withID is the query with the id selected, which delta always prints.
func withID(q *odata.Query, typ *odata.Type) *odata.Query {
	if q.Select == nil || q.Selected("id") {
		return q
	}
	with := *q
	with.Select = append([]*odata.Property{typ.Property("id")}, q.Select...)
	return &with
}

const deltaWords = "Without a token the rows as they are, in pages; `@odata.deltaLink` on the last one leads to what changed since, paged the same way. `$deltatoken=latest` begins with that link. " +
	"`$filter`, `$select` and `$top` are given in the first call, and the token holds them; a filter over a profile's indicators is refused. What is gone has `@removed`, with the reason `deleted`, or `changed` if it " +
	"does not match the filter, or is not linked, any more. A row may come twice; none is left out. A token that is too old is 410."

// deltaSchema describes a page of delta.
func deltaSchema(typ *odata.Type) *schema {
	removed := &schema{Type: "object", Description: "What is gone.", Required: []string{"id", "@removed"}, Properties: object[*schema]{
		{"id", text("Its id.")},
		{"@removed", &schema{Type: "object", Required: []string{"reason"}, Properties: object[*schema]{{"reason", &schema{Type: "string", Enum: []any{"deleted", "changed"}}}}}},
	}}
	return &schema{Type: "object", Required: []string{"value"}, Properties: object[*schema]{
		{"@odata.context", contextSchema},
		{"@odata.nextLink", &schema{Type: "string", Format: "uri", Description: "The next page, to be requested as it is."}},
		{"@odata.deltaLink", &schema{Type: "string", Format: "uri", Description: "On the last page: what changes from now on, to be requested as it is, any time later."}},
		{"value", arrayOf(&schema{AnyOf: []*schema{removed, schemaRef(typ.Name)}})},
	}}
}
