package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/publish"
)

// A TAXII 2.1 server (OASIS Standard, 10 June 2021) of the collections that package
// publish makes. It is read-only. Numbers in parentheses are sections of the standard.

const (
	taxiiMedia = "application/taxii+json;version=2.1"
	stixMedia  = "application/stix+json;version=2.1"
	taxiiPath  = "/taxii2/"
	taxiiRoot  = taxiiPath + "api/"
)

// maxTaxiiPage bounds the objects of a page; also how many there are where the
// client does not say.
const maxTaxiiPage = 1000

// maxTaxiiMatch bounds the values of all match fields.
const maxTaxiiMatch = 500

// taxiiStamp is the form of timestamps (2.1): UTC, microseconds.
const taxiiStamp = "2006-01-02T15:04:05.000000Z"

func taxiiTime(micros int64) string { return time.UnixMicro(micros).UTC().Format(taxiiStamp) }

// taxiiRoutes lists the paths of the TAXII server. Slashes at their ends do not
// matter. The standard describes them; /openapi.json does not.
func taxiiRoutes() *node {
	tree := &node{}
	get := func(path string, h handler) { tree.at(path, http.MethodGet, negotiated(h)) }
	const root, collection = "taxii2/api", "taxii2/api/collections/{}"
	get("taxii2", taxiiDiscovery)
	get(root, taxiiAPIRoot)
	get(root+"/status/{}", taxiiStatus)
	get(root+"/collections", taxiiCollections)
	get(collection, taxiiCollection)
	get(collection+"/manifest", taxiiManifest)
	get(collection+"/objects", taxiiObjects)
	get(collection+"/objects/{}", taxiiObject)
	get(collection+"/objects/{}/versions", taxiiVersions)
	return tree
}

// negotiated answers 406 if the client does not take what is sent (3.2).
func negotiated(h handler) handler {
	return func(r *request) (*answer, error) {
		if !takesTaxii(r.Header.Values("Accept")) {
			return nil, fail(http.StatusNotAcceptable, codeNotAcceptable, "Only "+taxiiMedia+" is served.")
		}
		return h(r)
	}
}

// takesTaxii reads Accept. A client that says nothing takes everything.
func takesTaxii(values []string) bool {
	ranges := list(values)
	for _, item := range ranges {
		media, params, _ := strings.Cut(item, ";")
		if weight(params) == 0 {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "*/*", "application/*", "application/json":
			return true
		case "application/taxii+json":
			version := ""
			for p := range strings.SplitSeq(params, ";") {
				if name, value, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "version") {
					version = strings.Trim(value, `"`)
				}
			}
			if version == "" || version == "2.1" {
				return true
			}
		}
	}
	return len(ranges) == 0
}

// taxiiDocument is the answer with a resource.
func (r *request) taxiiDocument(v any) (*answer, error) {
	a, err := r.document(v)
	if err == nil {
		a.contentType = taxiiMedia
	}
	return a, err
}

// taxiiFailure is an error message (3.6.1).
type taxiiFailure struct {
	Title  string `json:"title"`
	ID     string `json:"error_id"`
	Code   string `json:"error_code"`
	Status string `json:"http_status"`
}

func (r *request) taxiiFailure(f *failure) *answer {
	// Strings only: this cannot fail.
	body, _ := json.Marshal(taxiiFailure{f.message, r.id, f.code, strconv.Itoa(f.status)})
	return &answer{status: f.status, contentType: taxiiMedia, header: f.header, body: body}
}

type taxiiServer struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Default     string   `json:"default"`
	Roots       []string `json:"api_roots"`
}

// taxiiDiscovery answers GET /taxii2/ (4.1).
func taxiiDiscovery(r *request) (*answer, error) {
	root := r.s.publicURL(r.Request) + taxiiRoot
	return r.taxiiDocument(taxiiServer{"Dossier", "Threat-intelligence profiles and their indicators, as STIX 2.1. Read-only.", root, []string{root}})
}

type taxiiRootInfo struct {
	Title     string   `json:"title"`
	Versions  []string `json:"versions"`
	MaxLength int      `json:"max_content_length"`
}

// taxiiAPIRoot answers GET of the one API root (4.2). Nothing can be sent to it, and
// a length must be above 0.
func taxiiAPIRoot(r *request) (*answer, error) {
	return r.taxiiDocument(taxiiRootInfo{"Dossier", []string{taxiiMedia}, 1})
}

// taxiiStatus answers GET of a status (4.3): there are none, for nothing is taken in.
func taxiiStatus(*request) (*answer, error) {
	return nil, fail(http.StatusNotFound, codeNotFound, "There is no such status: this server takes no objects.")
}

type taxiiCollectionInfo struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Alias       string   `json:"alias"`
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types"`
}

func infoOf(c *publish.Collection) taxiiCollectionInfo {
	return taxiiCollectionInfo{c.ID, c.Title, c.Description, c.Alias, true, false, []string{stixMedia}}
}

type taxiiCollectionList struct {
	Collections []taxiiCollectionInfo `json:"collections"`
}

// taxiiCollections answers GET of the collections (5.1).
func taxiiCollections(r *request) (*answer, error) {
	list, err := publish.Collections(r.Context(), r.s.store, r.ceiling(), &r.s.types)
	if err != nil {
		return nil, err
	}
	var out taxiiCollectionList
	for _, c := range list {
		out.Collections = append(out.Collections, infoOf(c))
	}
	return r.taxiiDocument(out)
}

// collection returns the collection that the path names, by its id or its alias.
func (r *request) collection() (*publish.Collection, error) {
	list, err := publish.Collections(r.Context(), r.s.store, r.ceiling(), &r.s.types)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.ID == r.ids[0] || c.Alias == r.ids[0] {
			return c, nil
		}
	}
	return nil, fail(http.StatusNotFound, codeNotFound, "There is no collection '"+clip(r.ids[0])+"'.")
}

// taxiiCollection answers GET of a collection (5.2).
func taxiiCollection(r *request) (*answer, error) {
	c, err := r.collection()
	if err != nil {
		return nil, err
	}
	return r.taxiiDocument(infoOf(c))
}

// A taxiiQuery is what a client asks of a collection (3.4).
type taxiiQuery struct {
	match publish.Match
	none  bool // of what it asks for there can be nothing
	from  publish.Cursor
	limit int
}

// taxiiQuery reads the parameters; what is not known is ignored, but for what looks
// like a filter: without it, everything would be sent.
func (r *request) taxiiQuery() (q taxiiQuery, err error) {
	p, err := r.params()
	if err != nil {
		return q, err
	}
	q.limit = maxTaxiiPage
	values := 0
	for _, given := range p {
		bad := func(want string) error {
			return badRequest("Invalid value of "+clip(given.Name)+": expected "+want+", found '"+clip(given.Value)+"'.", clip(given.Name))
		}
		isMatch := strings.HasPrefix(given.Name, "match[")
		if (isMatch || slices.Contains([]string{"added_after", "limit", "next"}, given.Name)) && len(p.all(given.Name)) > 1 {
			return q, badRequest("The parameter '"+clip(given.Name)+"' was specified more than once.", clip(given.Name))
		}
		var list []string
		if isMatch {
			list = strings.Split(given.Value, ",")
			if values += len(list); values > maxTaxiiMatch {
				return q, badRequest(fmt.Sprintf("More than %d values are in match.", maxTaxiiMatch), clip(given.Name))
			}
			for i := range list {
				if list[i] = strings.TrimSpace(list[i]); list[i] == "" {
					return q, bad("values, with commas between them")
				}
			}
		}
		switch given.Name {
		case "added_after":
			t, err := time.Parse(time.RFC3339Nano, given.Value)
			if err != nil {
				return q, bad("a timestamp such as 2026-01-31T12:00:00.000000Z")
			}
			q.match.After = max(t.UnixMicro(), 1)
		case "limit":
			n, err := strconv.Atoi(given.Value)
			if err != nil || n < 1 {
				return q, bad("a number above 0")
			}
			q.limit = min(n, maxTaxiiPage)
		case "next":
			if given.Value == "" { // of clients that have none yet
				continue
			}
			var ok bool
			if q.from, ok = publish.ParseCursor(given.Value); !ok {
				return q, bad("what the page before had as next")
			}
		case "match[id]":
			q.match.IDs = list
		case "match[type]":
			q.match.Types = list
		case "match[spec_version]": // all is of one
			q.none = q.none || !slices.Contains(list, "2.1")
		case "match[version]":
			if q.match.Versions, err = taxiiVersionList(list); err != nil {
				return q, bad("last, first, all, or timestamps")
			}
		default:
			if isMatch {
				return q, badRequest("The filter '"+clip(given.Name)+"' is not known: use match[id], match[type], match[version], match[spec_version].", clip(given.Name))
			}
		}
	}
	return q, nil
}

// taxiiVersionList reads match[version]; nil if what there is is among it: of each
// object that is one version, the first and the last.
func taxiiVersionList(list []string) ([]intel.Time, error) {
	out := []intel.Time{}
	any := false
	for _, text := range list {
		if text == "last" || text == "first" || text == "all" {
			any = true
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return nil, err
		}
		if t.Nanosecond()%1e6 == 0 { // versions are whole milliseconds
			out = append(out, intel.TimeOf(t))
		}
	}
	if any {
		return nil, nil
	}
	return out, nil
}

// taxiiPage returns a page of the collection in the path.
func (r *request) taxiiPage(q taxiiQuery) (objects []publish.CollectionObject, next string, err error) {
	c, err := r.collection()
	if err != nil || q.none {
		return nil, "", err
	}
	objects, more, err := c.Page(r.Context(), q.match, q.from, q.limit)
	if err != nil {
		return nil, "", err
	}
	if more != nil {
		next = more.String()
	}
	if len(objects) > 0 {
		r.header.Set("X-Taxii-Date-Added-First", taxiiTime(objects[0].Added))
		r.header.Set("X-Taxii-Date-Added-Last", taxiiTime(objects[len(objects)-1].Added))
	}
	return objects, next, nil
}

// taxiiObjects answers GET of a collection's objects (5.4) with an envelope (3.7). An
// empty one has no members.
func taxiiObjects(r *request) (*answer, error) {
	q, err := r.taxiiQuery()
	if err != nil {
		return nil, err
	}
	objects, next, err := r.taxiiPage(q)
	if err != nil {
		return nil, err
	}
	return r.taxiiEnvelope(objects, next)
}

func (r *request) taxiiEnvelope(objects []publish.CollectionObject, next string) (*answer, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if next != "" {
		fmt.Fprintf(&b, `"more":true,"next":%q`, next)
	}
	for i, o := range objects {
		switch {
		case i > 0:
			b.WriteByte(',')
		case next != "":
			b.WriteString(`,"objects":[`)
		default:
			b.WriteString(`"objects":[`)
		}
		raw, err := o.JSON()
		if err != nil {
			return nil, err
		}
		b.Write(raw)
	}
	if len(objects) > 0 {
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return &answer{contentType: taxiiMedia, header: r.header, body: b.Bytes()}, nil
}

type taxiiManifestPage struct {
	More    bool                  `json:"more,omitempty"`
	Next    string                `json:"next,omitempty"` // for clients that look for it here too; the standard has added_after
	Objects []taxiiManifestRecord `json:"objects,omitempty"`
}

type taxiiManifestRecord struct {
	ID        string `json:"id"`
	DateAdded string `json:"date_added"`
	Version   string `json:"version"`
	MediaType string `json:"media_type"`
}

// taxiiManifest answers GET of a collection's manifest (5.3): the objects without
// their contents.
func taxiiManifest(r *request) (*answer, error) {
	q, err := r.taxiiQuery()
	if err != nil {
		return nil, err
	}
	objects, next, err := r.taxiiPage(q)
	if err != nil {
		return nil, err
	}
	out := taxiiManifestPage{More: next != "", Next: next}
	for _, o := range objects {
		out.Objects = append(out.Objects, taxiiManifestRecord{o.ID, taxiiTime(o.Added), o.Version.Millis(), stixMedia})
	}
	return r.taxiiDocument(out)
}

// ofObject returns what the query has of the object in the path. The error says that
// there is no such object.
func (r *request) ofObject() ([]publish.CollectionObject, string, error) {
	q, err := r.taxiiQuery()
	if err != nil {
		return nil, "", err
	}
	q.match.IDs, q.match.Types = []string{r.ids[1]}, nil
	objects, next, err := r.taxiiPage(q)
	if err != nil || len(objects) > 0 {
		return objects, next, err
	}
	if all, _, err := r.taxiiPage(taxiiQuery{match: publish.Match{IDs: q.match.IDs}, limit: 1}); err != nil || len(all) == 0 {
		if err == nil {
			err = fail(http.StatusNotFound, codeNotFound, "The collection has no object '"+clip(r.ids[1])+"'.")
		}
		return nil, "", err
	}
	r.header = http.Header{} // there is one, but not of that kind
	return nil, "", nil
}

// taxiiObject answers GET of an object (5.6).
func taxiiObject(r *request) (*answer, error) {
	objects, next, err := r.ofObject()
	if err != nil {
		return nil, err
	}
	return r.taxiiEnvelope(objects, next)
}

type taxiiVersionPage struct {
	Versions []string `json:"versions,omitempty"`
}

// taxiiVersions answers GET of the versions of an object (5.8).
func taxiiVersions(r *request) (*answer, error) {
	objects, _, err := r.ofObject()
	if err != nil {
		return nil, err
	}
	var out taxiiVersionPage
	for _, o := range objects {
		out.Versions = append(out.Versions, o.Version.Millis())
	}
	return r.taxiiDocument(out)
}
