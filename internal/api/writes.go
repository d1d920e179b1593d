package api

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"dossier/internal/auth"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// Codes of Graph for writes that do not fit.
const (
	codeExists  = "nameAlreadyExists"
	codeChanged = "resourceModified"
)

// A writer answers a write; by is who writes.
type writer func(r *request, by ingest.Author) (*answer, error)

// writes makes a handler of a writer: it needs the permission to write, and what
// was written is audited.
func (s *Server) writes(w writer) handler {
	return func(r *request) (*answer, error) {
		if !r.who.May(auth.ReadWrite) {
			return nil, fail(http.StatusForbidden, codeDenied, "Insufficient privileges to complete the operation.")
		}
		by := ingest.Author{Client: r.who.ClientID, Name: r.who.Name, Owner: r.who.Owner, View: r.ceiling()}
		var err error
		if by.TLP, err = r.marking(); err != nil {
			return nil, err
		}
		a, err := w(r, by)
		switch {
		case errors.Is(err, ingest.ErrChanged):
			return nil, fail(http.StatusPreconditionFailed, codeChanged, "The resource is not in the state that If-Match names.")
		case errors.Is(err, store.ErrExists):
			return nil, fail(http.StatusConflict, codeExists, "There is a resource with this id already.")
		case err != nil:
			return nil, err
		}
		if s.guard != nil {
			s.acted(r, "write", slog.String("tlp", by.TLP.String()))
		}
		return a, nil
	}
}

// marking is the TLP marking that the Prefer header gives what is written
// (dossier.tlp=amber); without it, it is clear.
func (r *request) marking() (intel.TLP, error) {
	word := r.preference("dossier.tlp")
	if word == "" {
		return intel.Clear, nil
	}
	tlp, err := intel.ParseTLP(word)
	if err != nil {
		return 0, badRequest("Prefer: dossier.tlp: expected clear, green, amber, amber+strict or red, found '"+clip(word)+"'.", "Prefer")
	}
	if tlp > r.who.Ceiling {
		return 0, badRequest("Prefer: dossier.tlp: what you write you must be able to see: at most TLP:"+strings.ToUpper(r.who.Ceiling.String())+".", "Prefer")
	}
	r.header.Add("Preference-Applied", "dossier.tlp="+tlp.String())
	return tlp, nil
}

// preference returns the value of a preference (RFC 7240), "" if there is none.
func (r *request) preference(name string) string {
	for _, item := range list(r.Header.Values("Prefer")) {
		item, _, _ = strings.Cut(item, ";")
		key, value, _ := strings.Cut(item, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// ifMatch returns the condition of the If-Match header, nil if there is none.
func ifMatch[T any](r *request, etag func(T) string) ingest.Match[T] {
	tags := list(r.Header.Values("If-Match"))
	if len(tags) == 0 {
		return nil
	}
	return func(thing T) bool {
		tag := strings.TrimPrefix(etag(thing), "W/")
		for _, want := range tags {
			if want == "*" || strings.TrimPrefix(want, "W/") == tag {
				return true
			}
		}
		return false
	}
}

func profileTag(p *store.Profile) string { return (&entity{digest: p.ETag}).etag() }

// written answers a write: with the entity, as get does, or with nothing if that
// is preferred.
func (r *request) written(status int, location string, get handler) (*answer, error) {
	if location != "" {
		r.header.Set("Location", r.url(location))
	}
	a, err := get(r)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(r.preference("return"), "minimal") {
		r.header.Add("Preference-Applied", "return=minimal")
		return &answer{status: http.StatusNoContent, header: a.header}, nil
	}
	a.status = status
	return a, nil
}

// done answers a write of which there is nothing to show.
func (r *request) done() (*answer, error) {
	return &answer{status: http.StatusNoContent, header: r.header}, nil
}

func createProfile(r *request, by ingest.Author) (*answer, error) {
	if _, err := r.query(store.Types.Profile, entityOptions); err != nil {
		return nil, err
	}
	in, err := r.readEntity(store.Types.Profile)
	if err != nil {
		return nil, err
	}
	if in.has("indicators") {
		return nil, badBody("indicators", "Indicators are linked after the profile is made.")
	}
	if err := in.need("kind", "title", "firstActiveDateTime", "summary", "description"); err != nil {
		return nil, err
	}
	for _, name := range []string{"summary", "description"} {
		if !strings.Contains(string(in.values[name]), `"content"`) {
			return nil, badBody(name+"/content", "Property '%s/content' is needed.", name)
		}
	}
	id, err := in.profileID()
	if err != nil {
		return nil, err
	}
	says, err := in.profileStatements(&intel.Profile{Description: intel.Markdown("")})
	if err != nil {
		return nil, err
	}
	if err := r.s.editor().MakeProfile(r.Context(), by, id, says); err != nil {
		return nil, err
	}
	r.ids = []string{id}
	return r.written(http.StatusCreated, profilesPath+"/"+id, getProfile)
}

func changeProfile(r *request, by ingest.Author) (*answer, error) {
	if _, err := r.query(store.Types.Profile, entityOptions); err != nil {
		return nil, err
	}
	in, err := r.readEntity(store.Types.Profile)
	if err != nil {
		return nil, err
	}
	p, err := r.s.store.Profile(r.Context(), r.ids[0], by.View)
	if err != nil {
		return nil, err
	}
	if err := in.sameID(r.ids[0], p.ID); err != nil {
		return nil, err
	}
	served, err := p.Decode()
	if err != nil {
		return nil, err
	}
	says, err := in.profileStatements(served)
	if err != nil {
		return nil, err
	}
	if err := r.s.editor().ChangeProfile(r.Context(), by, p.ID, ifMatch(r, profileTag), says); err != nil {
		return nil, err
	}
	return r.written(http.StatusOK, "", getProfile)
}

func deleteProfile(r *request, by ingest.Author) (*answer, error) {
	id, err := r.s.store.CanonicalID(r.Context(), r.ids[0], by.View)
	if err != nil {
		return nil, err
	}
	if err := r.s.editor().HideProfile(r.Context(), by, id, ifMatch(r, profileTag)); err != nil {
		return nil, err
	}
	return r.done()
}

func (s *Server) editor() ingest.Editor { return ingest.Editor{Store: s.store} }

// need refuses an input that lacks a property.
func (in *input) need(names ...string) error {
	for _, n := range names {
		if !in.has(n) {
			return badBody(n, "Property '%s' is needed.", n)
		}
	}
	return nil
}

// sameID refuses an input with another id than the path has.
func (in *input) sameID(ids ...string) error {
	if !in.has("id") {
		return nil
	}
	var id string
	_ = json.Unmarshal(in.values["id"], &id) // it was checked
	for _, want := range ids {
		if id == want {
			return nil
		}
	}
	return badBody("id", "Property 'id' cannot be changed.")
}

// profileID returns the id that was given, or a new one.
func (in *input) profileID() (string, error) {
	if !in.has("id") {
		var random [32]byte
		_, _ = rand.Read(random[:]) // never fails
		return hex.EncodeToString(random[:]), nil
	}
	var id string
	_ = json.Unmarshal(in.values["id"], &id) // it was checked
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != 32 || strings.ToLower(id) != id {
		return "", badBody("id", "Property 'id': expected 64 lower-case hexadecimal digits.")
	}
	return id, nil
}

// profileStatements makes claims of an input; served is what is served now, into
// which parts are merged.
func (in *input) profileStatements(served *intel.Profile) ([]ingest.Statement, error) {
	var says []ingest.Statement
	for p := range in.typ.All() {
		value := in.values[p.Name]
		if value == nil || p.Name == "id" || p.Navigation {
			continue
		}
		switch p.Name {
		case "title":
			var title string
			_ = json.Unmarshal(value, &title) // it was checked
			if t := strings.TrimSpace(title); intel.NameKey(t) == "" || len(t) > maxTitle || strings.ContainsAny(t, "\r\n\t") {
				return nil, badBody("title", "Property 'title': expected one line of 1 to %d bytes with a letter or digit.", maxTitle)
			}
		case "firstActiveDateTime":
			if string(value) == "null" {
				return nil, badBody(p.Name, "Property '%s': 1970-01-01T00:00:00Z stands for an unknown time.", p.Name)
			}
		case "summary", "description":
			parts, err := textStatements(p.Name, value)
			if err != nil {
				return nil, err
			}
			says = append(says, parts...)
			continue
		case "tradecraft":
			merged, err := mergedText(served.Tradecraft, value)
			if err != nil {
				return nil, err
			}
			value = merged
		case "countriesOrRegionsOfOrigin":
			if err := checkOrigins(value); err != nil {
				return nil, err
			}
		}
		s := ingest.Statement{Field: p.Name, Action: intel.Set, Value: value}
		if string(value) == "null" {
			s.Action, s.Value = intel.ClearOut, nil
		}
		says = append(says, s)
	}
	return says, nil
}

// textStatements are the claims about the parts of a text that is always there.
func textStatements(name string, value json.RawMessage) ([]ingest.Statement, error) {
	var parts struct{ Content, Format json.RawMessage }
	if err := json.Unmarshal(value, &parts); err != nil {
		return nil, badBody(name, "Property '%s': expected an object.", name)
	}
	var says []ingest.Statement
	for _, part := range []struct {
		name  string
		value json.RawMessage
	}{{"content", parts.Content}, {"format", parts.Format}} {
		path := name + "/" + part.name
		switch {
		case part.value == nil:
			continue
		case string(part.value) == "null", string(part.value) == `""`:
			return nil, badBody(path, "Property '%s' cannot be empty.", path)
		}
		says = append(says, ingest.Statement{Field: path, Action: intel.Set, Value: part.value})
	}
	return says, nil
}

// mergedText is the text with the parts that are given in place of its own.
func mergedText(have *intel.FormattedContent, value json.RawMessage) (json.RawMessage, error) {
	if string(value) == "null" {
		return value, nil
	}
	merged := intel.Markdown("")
	if have != nil {
		merged = *have
	}
	if err := json.Unmarshal(value, &merged); err != nil {
		return nil, badBody("tradecraft", "Property 'tradecraft': expected an object.")
	}
	return json.Marshal(merged)
}

func checkOrigins(value json.RawMessage) error {
	var origins []intel.CountryOfOrigin
	if err := json.Unmarshal(value, &origins); err != nil {
		return badBody("countriesOrRegionsOfOrigin", "Property 'countriesOrRegionsOfOrigin': expected an array of objects.")
	}
	for i, o := range origins {
		if strings.TrimSpace(o.Label) == "" || strings.TrimSpace(o.Code) == "" {
			return badBody("countriesOrRegionsOfOrigin", "Property 'countriesOrRegionsOfOrigin/%d': label and code are needed.", i)
		}
	}
	return nil
}

// ---------------------------------------------------------------- indicators

func createIndicator(r *request, by ingest.Author) (*answer, error) { return r.addIndicator(by, "") }

func createProfileIndicator(r *request, by ingest.Author) (*answer, error) {
	id, err := r.s.store.CanonicalID(r.Context(), r.ids[0], by.View)
	if err != nil {
		return nil, err
	}
	return r.addIndicator(by, id)
}

func (r *request) addIndicator(by ingest.Author, profileID string) (*answer, error) {
	if _, err := r.query(store.Types.Indicator, entityOptions); err != nil {
		return nil, err
	}
	in, err := r.readEntity(store.Types.Indicator)
	if err != nil {
		return nil, err
	}
	if err := in.need("source", "firstSeenDateTime", "artifact"); err != nil {
		return nil, err
	}
	o, err := artifactOf(in.values["artifact"])
	if err != nil {
		return nil, err
	}
	if err := in.sameID(o.ID()); err != nil {
		return nil, badBody("id", "Property 'id': the id of this artifact is %s.", o.ID())
	}
	seen := &intel.Observation{Observable: o}
	var first intel.Time
	// All three were checked.
	_ = json.Unmarshal(in.values["source"], &seen.Source)
	_ = json.Unmarshal(in.values["firstSeenDateTime"], &first)
	if in.has("lastSeenDateTime") {
		_ = json.Unmarshal(in.values["lastSeenDateTime"], &seen.LastSeen)
	}
	if err := ordered(first, seen.LastSeen); err != nil {
		return nil, err
	}
	seen.FirstSeen = intel.Date{At: first, Precision: intel.Exact, Basis: intel.BasisStated}
	isNew, err := r.s.editor().AddIndicator(r.Context(), by, seen, profileID)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if isNew {
		status = http.StatusCreated
	}
	r.ids = []string{o.ID()}
	return r.written(status, indicatorsPath+"/"+o.ID(), getIndicator)
}

// ordered refuses times in the wrong order.
func ordered(first, last intel.Time) error {
	switch {
	case first == 0:
		return badBody("firstSeenDateTime", "Property 'firstSeenDateTime': 1970-01-01T00:00:00Z stands for an unknown time.")
	case last != 0 && last < first:
		return badBody("lastSeenDateTime", "Property 'lastSeenDateTime' is before firstSeenDateTime.")
	}
	return nil
}

// artifactOf reads an artifact as it is inlined in an indicator.
func artifactOf(raw json.RawMessage) (observable.Observable, error) {
	var none observable.Observable
	object, err := parseObject(raw)
	if err != nil {
		return none, badBody("artifact", "Property 'artifact': expected an object, found %s.", found(raw))
	}
	var a struct {
		Type  string `json:"@odata.type"`
		ID    string `json:"id"`
		Kind  string `json:"kind"`
		Value string `json:"value"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return none, badBody("artifact", "Property 'artifact': expected strings in it.")
	}
	kind, value, at := observable.Kind(""), a.ID, "artifact/id"
	switch strings.TrimPrefix(a.Type, "#") {
	case "microsoft.graph.security.hostname":
		kind = observable.Domain
	case "microsoft.graph.security.ipAddress":
		kind = observable.IPAddress
	case "microsoft.graph.security.unclassifiedArtifact":
		kind, value, at = observable.Kind(a.Kind), a.Value, "artifact/value"
		if kind == observable.Domain || kind == observable.IPAddress {
			return none, badBody("artifact/kind", "Property 'artifact/kind': names and addresses are of type hostname and ipAddress.")
		}
	case "":
		return none, badBody("artifact/@odata.type", "Property 'artifact/@odata.type' is needed: #microsoft.graph.security.hostname, ipAddress or unclassifiedArtifact.")
	default:
		return none, badBody("artifact/@odata.type", "An indicator's artifact cannot be of type '%s'.", clip(a.Type))
	}
	if _, ok := object[strings.TrimPrefix(at, "artifact/")]; !ok {
		return none, badBody(at, "Property '%s' is needed.", at)
	}
	o, err := observable.ParseAs(kind, value)
	var bad *observable.Error
	if errors.As(err, &bad) && bad.Reason == observable.UnknownKind {
		return none, badBody("artifact/kind", "Property 'artifact/kind': '%s' is not a kind of unclassified artifacts.", clip(a.Kind))
	}
	if err != nil {
		return none, badBody(at, "Property '%s': %s.", at, clip(err.Error()))
	}
	return o, nil
}

func changeIndicator(r *request, by ingest.Author) (*answer, error) {
	if _, err := r.query(store.Types.Indicator, entityOptions); err != nil {
		return nil, err
	}
	in, err := r.readEntity(store.Types.Indicator)
	if err != nil {
		return nil, err
	}
	i, err := r.s.store.Indicator(r.Context(), r.ids[0], by.View)
	if err != nil {
		return nil, err
	}
	if err := in.sameID(i.ID); err != nil {
		return nil, err
	}
	if in.has("artifact") {
		o, err := artifactOf(in.values["artifact"])
		if err != nil {
			return nil, err
		}
		if o != i.Observable {
			return nil, badBody("artifact", "Property 'artifact' cannot be changed: another value is another indicator.")
		}
	}
	first, last := i.FirstSeen, i.LastSeen
	var says []ingest.Statement
	for _, name := range []string{"source", "firstSeenDateTime", "lastSeenDateTime"} {
		value := in.values[name]
		if value == nil {
			continue
		}
		s := ingest.Statement{Field: name, Action: intel.Set, Value: value}
		if string(value) == "null" {
			s.Action, s.Value = intel.ClearOut, nil
		}
		switch name {
		case "firstSeenDateTime":
			_ = json.Unmarshal(value, &first) // it was checked
		case "lastSeenDateTime":
			_ = json.Unmarshal(value, &last) // it was checked
		}
		says = append(says, s)
	}
	if in.has("firstSeenDateTime") || in.has("lastSeenDateTime") {
		if err := ordered(first, last); err != nil {
			return nil, err
		}
	}
	if err := r.s.editor().ChangeIndicator(r.Context(), by, i.ID, ifMatch(r, r.indicatorTag), says); err != nil {
		return nil, err
	}
	return r.written(http.StatusOK, "", getIndicator)
}

// indicatorTag is the ETag of an indicator, "" if it cannot be made.
func (r *request) indicatorTag(i *store.Indicator) string {
	e, err := r.indicator(i, r.ceiling())
	if err != nil {
		return ""
	}
	return e.etag()
}

func deleteIndicator(r *request, by ingest.Author) (*answer, error) {
	if err := r.s.editor().HideIndicator(r.Context(), by, r.ids[0], ifMatch(r, r.indicatorTag)); err != nil {
		return nil, err
	}
	return r.done()
}

// linkIndicator answers POST …/indicators/$ref with {"@odata.id": "…"}.
func linkIndicator(r *request, by ingest.Author) (*answer, error) {
	body, err := r.readBody(maxEntityBody)
	if err != nil {
		return nil, err
	}
	object, err := parseObject(body)
	if err != nil {
		return nil, badBody("", "Invalid body: %v.", err)
	}
	var ref string
	if json.Unmarshal(object["@odata.id"], &ref) != nil || ref == "" {
		return nil, badBody("@odata.id", "Property '@odata.id' is needed: the URL of an indicator.")
	}
	id, err := referenced(ref)
	if err != nil {
		return nil, err
	}
	profile, err := r.s.store.CanonicalID(r.Context(), r.ids[0], by.View)
	if err != nil {
		return nil, err
	}
	if err := r.s.editor().Link(r.Context(), by, profile, id, intel.Set); err != nil {
		return nil, err
	}
	return r.done()
}

// referenced returns the id of the indicator that a URL names, absolute or not.
func referenced(ref string) (string, error) {
	bad := badBody("@odata.id", "Property '@odata.id': expected the URL of an indicator, found '%s'.", clip(ref))
	u, err := url.Parse(ref)
	if err != nil {
		return "", bad
	}
	path := "/" + strings.TrimLeft(u.EscapedPath(), "/")
	segments, err := odata.ParsePath(path)
	if err != nil || len(segments) == 0 {
		return "", bad
	}
	last := segments[len(segments)-1]
	if last.HasKey && isIndicators(last.Name) {
		return last.Key, nil
	}
	if n := len(segments); n > 1 && isIndicators(segments[n-2].Text) {
		return last.Text, nil
	}
	return "", bad
}

func isIndicators(segment string) bool {
	return strings.EqualFold(segment, "intelligenceProfileIndicators") || strings.EqualFold(segment, "intelProfileIndicators") || strings.EqualFold(segment, "indicators")
}

func unlinkIndicator(r *request, by ingest.Author) (*answer, error) {
	profile, err := r.s.store.CanonicalID(r.Context(), r.ids[0], by.View)
	if err != nil {
		return nil, err
	}
	if err := r.s.editor().Link(r.Context(), by, profile, r.ids[1], intel.Suppress); err != nil {
		return nil, err
	}
	return r.done()
}

// ---------------------------------------------------------------- claims

// claimList is the body of /api/claims.
type claimList struct {
	Claims intel.Claims `json:"claims"` // never absent
}

// How many claims are listed, by default and at most.
const (
	usualClaims = 100
	maxClaims   = 1000
)

// claims answers GET /api/claims?target=&limit=: what people have said, the newest
// claims last; withdrawn ones say so.
func claims(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	limit, err := p.limit(usualClaims, maxClaims)
	if err != nil {
		return nil, err
	}
	target := ""
	if values := p.all("target"); len(values) > 0 {
		target = values[0]
	}
	list, err := r.s.store.Claims(r.Context(), target, limit, r.ceiling())
	if err != nil {
		return nil, err
	}
	return r.document(claimList{orEmpty(list)})
}

func getClaim(r *request) (*answer, error) {
	c, err := r.s.store.Claim(r.Context(), r.ids[0], r.ceiling())
	if err != nil {
		return nil, err
	}
	return r.document(c)
}

func withdrawClaim(r *request, by ingest.Author) (*answer, error) {
	if err := r.s.editor().Withdraw(r.Context(), by, r.ids[0]); err != nil {
		return nil, err
	}
	return r.done()
}
