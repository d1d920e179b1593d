package api

import (
	"bytes"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"dossier/internal/auth"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// /openapi.json describes what this server answers, in OpenAPI 3.1. It is made
// from the code that serves: paths, methods and what is answered with 501 from the
// tree of routes, types from the model and the Go structs of the bodies, limits and
// codes from their constants. What no code can tell, the words and the examples,
// stands in operations.go and wording.go; tests hold it to what is answered.

// anyBase stands for the public URL in a document that is made once for all
// requests; [atBase] puts in the real one.
const anyBase = "https://dossier.invalid"

// descriptions returns the handlers of /openapi.json and /reference. Both are made
// when they are first asked for.
func (s *Server) descriptions() (inJSON, asPage handler) {
	once := sync.OnceValues(func() (*described, error) { return s.described() })
	inJSON = func(r *request) (*answer, error) {
		d, err := once()
		if err != nil {
			return nil, err
		}
		base := strings.Trim(string(quoted(s.publicURL(r.Request))), `"`)
		return &answer{contentType: "application/json; charset=utf-8", body: atBase(d.json, base)}, nil
	}
	asPage = func(r *request) (*answer, error) {
		d, err := once()
		if err != nil {
			return nil, err
		}
		base := template.HTMLEscapeString(s.publicURL(r.Request))
		h := http.Header{"Content-Security-Policy": {referencePolicy}, "Referrer-Policy": {"no-referrer"}}
		return &answer{contentType: "text/html; charset=utf-8", header: h, body: atBase(d.page, base)}, nil
	}
	return inJSON, asPage
}

func atBase(text []byte, base string) []byte {
	return bytes.ReplaceAll(text, []byte(anyBase), []byte(base))
}

// described is the description of a server in both forms, with anyBase.
type described struct{ json, page []byte }

func (s *Server) described() (*described, error) {
	d := s.document()
	var b bytes.Buffer
	if err := encode(&b, d); err != nil {
		return nil, err
	}
	page, err := referencePage(d)
	return &described{b.Bytes(), page}, err
}

// A describer collects a document.
type describer struct {
	*document
	s       *Server
	structs reflector
	table   map[string]operation
}

// document describes what the server answers.
func (s *Server) document() *document { return s.describe().document }

func (s *Server) describe() *describer {
	d := &describer{document: &document{OpenAPI: "3.1.1", Tags: tags}, s: s, table: operations()}
	d.Info = documentInfo{Title: "Dossier", Summary: "Threat intelligence behind Microsoft Graph's API.", Description: introduction, Version: s.version}
	d.Info.License.Name, d.Info.License.Identifier = "Apache-2.0", "Apache-2.0"
	if s.version == "" {
		d.Info.Version = "development"
	}
	for _, v := range versions {
		d.Servers = append(d.Servers, documentServer{anyBase + "/" + v, "The paths of Microsoft Graph, version " + v + ". Both versions answer alike; links keep the version of the request."})
	}
	d.structs.schema(reflect.TypeFor[envelope]())
	d.Components.Schemas = d.structs.annotated(graphSchemas())
	d.Components.Headers = responseHeaders()
	d.Components.Parameters = sharedParameters()
	d.Components.SecuritySchemes = securitySchemes()

	s.graph.each(nil, func(path []string, method string, h handler) { d.add(d.pathItem(path, nil), path, method, h, nil) })
	own := []documentServer{{anyBase, "Paths without a version"}}
	s.own.each(nil, func(path []string, method string, h handler) { d.add(d.pathItem(path, own), path, method, h, own) })
	if s.guard != nil {
		for _, suffix := range slices.Sorted(maps.Keys(tokenPaths)) {
			path := append([]string{"{}"}, strings.Split(suffix, "/")...)
			method := http.MethodGet
			if tokenPaths[suffix] == "token" {
				method = http.MethodPost
			}
			d.add(d.pathItem(path, own), path, method, nil, own)
		}
	}

	for _, p := range d.Paths {
		slices.SortStableFunc(p.Value.Methods, func(a, b named[*apiOperation]) int {
			return slices.Index(methodOrder, a.Name) - slices.Index(methodOrder, b.Name)
		})
	}
	d.refusal(http.StatusMethodNotAllowed)
	d.refusal(http.StatusFailedDependency)
	d.Components.Schemas = append(d.Components.Schemas, d.structs.components...)
	slices.SortFunc(d.Components.Schemas, func(a, b named[*schema]) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Components.Responses, func(a, b named[*response]) int { return strings.Compare(a.Name, b.Name) })
	return d
}

// methodOrder is that of the methods of a path.
var methodOrder = []string{"get", "post", "patch", "delete"}

// pathTemplate returns the path with names for its ids, and the names.
func pathTemplate(path []string) (string, []string) {
	var b strings.Builder
	var ids []string
	for i, segment := range path {
		if segment == "{}" {
			name := "tenant"
			if i > 0 {
				name = singular(path[i-1]) + "Id"
			}
			if name == "indicatorId" && slices.Contains(path, "articles") {
				name = "articleIndicatorId"
			}
			ids = append(ids, name)
			segment = "{" + name + "}"
		}
		b.WriteString("/" + segment)
	}
	if b.Len() == 0 {
		return "/", nil
	}
	return b.String(), ids
}

// singular returns the word for one member of a collection.
func singular(name string) string {
	switch {
	case strings.HasSuffix(name, "ies"):
		return strings.TrimSuffix(name, "ies") + "y"
	case strings.HasSuffix(name, "Dns"):
		return name
	}
	return strings.TrimSuffix(name, "s")
}

// pathItem returns the item of the path.
func (d *describer) pathItem(path []string, servers []documentServer) *pathItem {
	name, ids := pathTemplate(path)
	if item, ok := d.Paths.get(name); ok {
		return item
	}
	item := &pathItem{Servers: servers}
	for _, id := range ids {
		item.Parameters = append(item.Parameters, &parameter{
			Name: id, In: "path", Required: true, Schema: &schema{Type: "string"}, Description: idWords[id], Example: exampleIDs[id],
		})
	}
	d.Paths.put(name, item)
	return item
}

// operationKey returns how a route is called in the table of operations.
func operationKey(path []string, method string) string {
	return method + " " + strings.Replace(strings.Join(path, "/"), contextPrefix, "~", 1)
}

// isServed reports whether a route is answered with something else than 501.
func isServed(h handler) bool {
	if h == nil {
		return true
	}
	return reflect.ValueOf(h).Pointer() != reflect.ValueOf(notServed).Pointer()
}

// add describes one route.
func (d *describer) add(item *pathItem, path []string, method string, h handler, servers []documentServer) {
	name, ids := pathTemplate(path)
	op := &apiOperation{ID: operationID(method, path), Security: []object[[]string]{}}
	item.Methods.put(strings.ToLower(method), op)
	about := d.table[operationKey(path, method)]
	op.Summary, op.Description, op.Tags = about.summary, about.about, []string{about.tag}
	graph := servers == nil
	closed := graph || h != nil
	if len(path) == 1 && slices.Contains(open, path[0]) && safe(method) {
		closed = false
	}
	var refusals []int
	if closed {
		segments := make([]odata.Segment, len(path))
		for i := range path {
			segments[i] = odata.Segment{Text: path[i]}
		}
		need := neededFor(method, segments)
		op.Security = d.security(need, safe(method))
		refusals = append(refusals, statusNoToken, http.StatusForbidden, http.StatusTooManyRequests)
	}
	op.Parameters = []*parameter{sharedParameter("client-request-id")}
	if !isServed(h) {
		op.NotServed, op.Tags = true, []string{tagNotServed}
		if op.Summary == "" {
			op.Summary = path[len(path)-1]
			if op.Summary == "{}" {
				op.Summary = "One " + strings.TrimSuffix(ids[len(ids)-1], "Id")
			}
		}
		op.Description = "In Microsoft Graph's model, not in this release: the answer is 501."
		d.refuse(op, append(refusals, http.StatusNotImplemented))
		return
	}
	if op.Summary == "" {
		op.Summary, op.Tags = name, []string{tagServer}
	}
	refusals = append(refusals, http.StatusInternalServerError, http.StatusServiceUnavailable)
	if len(ids) > 0 && h != nil {
		refusals = append(refusals, http.StatusNotFound)
	}
	if graph || len(about.params) > 0 {
		refusals = append(refusals, http.StatusBadRequest)
	}
	d.options(op, about)
	op.Parameters = append(op.Parameters, about.params...)
	if about.options.Allow&odata.AllowSelect != 0 {
		refusals = append(refusals, http.StatusNotAcceptable)
	}
	if about.body != nil {
		op.Body = &requestBody{Required: true, Description: about.body.about, Content: d.content(about.body)}
		if about.body.media == "" {
			refusals = append(refusals, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusBadRequest)
		}
	}
	refusals = append(refusals, about.refusals...)
	answers := about.answers
	if answers == nil {
		answers = []reply{{status: http.StatusOK, body: &content{}}}
	}
	for _, a := range answers {
		d.reply(op, a, about)
	}
	d.refuse(op, refusals)
	for _, e := range about.examples {
		op.Samples = append(op.Samples, codeSample{"Shell", e.label, curl(d.base(servers)+exampleURL(name), e.query, method, e.body, closed)})
	}
}

func (d *describer) base(servers []documentServer) string {
	if servers != nil {
		return anyBase
	}
	return d.Servers[0].URL
}

// exampleURL returns a path with the ids of examples.
func exampleURL(name string) string {
	for id, value := range exampleIDs {
		name = strings.ReplaceAll(name, "{"+id+"}", value)
	}
	return name
}

// operationID makes a name of a method and a path: getIntelProfilesId.
func operationID(method string, path []string) string {
	name := strings.ToLower(method)
	rest := strings.TrimPrefix(strings.Join(path, "/"), contextPrefix+"/")
	if rest == "" {
		rest = "service document"
	}
	rest = strings.NewReplacer("{}", "id", "()", " call").Replace(rest)
	for word := range strings.FieldsFuncSeq(rest, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}

// security returns the ways to be let in with the permission.
func (d *describer) security(need auth.Permission, read bool) []object[[]string] {
	out := []object[[]string]{{{"oauth2", []string{string(need)}}}, {{"bearer", []string{string(need)}}}}
	if (need == auth.ReadAll || need == auth.Hunt && read) && (d.s.guard == nil || d.s.guard.Mode != auth.Required) {
		out = append(out, object[[]string]{}) // who asks from the server's own machine
	}
	return out
}

// content makes the content of a body.
func (d *describer) content(c *content) object[mediaType] {
	media := c.media
	if media == "" {
		media = "application/json"
	}
	m := mediaType{Schema: c.schema}
	switch {
	case c.of != nil:
		m.Schema = d.structs.schema(c.of)
	case c.many:
		m.Schema = schemaRef(c.typ.Name + "Collection")
	case c.typ != nil:
		m.Schema = schemaRef(c.typ.Name)
	}
	if m.Schema == nil {
		m.Schema = &schema{Type: "object"}
	}
	if c.example != nil {
		var b bytes.Buffer
		_ = encode(&b, c.example) // plain values
		m.Example = json.RawMessage(b.Bytes())
	}
	return object[mediaType]{{media, m}}
}

// reply adds an answer of success.
func (d *describer) reply(op *apiOperation, a reply, about operation) {
	res := &response{Description: a.about, Headers: headerRefs(append([]string{"request-id", "client-request-id"}, a.headers...)...)}
	if res.Description == "" {
		res.Description = http.StatusText(a.status)
	}
	if a.body != nil {
		res.Content = d.content(a.body)
	}
	if _, has := res.Headers.get("Preference-Applied"); !has && a.status != http.StatusNotModified && about.options.Allow&(odata.AllowTop|odata.AllowSelect) != 0 {
		res.Headers = append(res.Headers, headerRefs("Preference-Applied")...)
	}
	op.Responses.put(strconv.Itoa(a.status), res)
}

func headerRefs(names ...string) object[*responseHeader] {
	var out object[*responseHeader]
	for _, name := range names {
		out.put(name, &responseHeader{Ref: "#/components/headers/" + name})
	}
	return out
}

// refuse adds the answers for errors, each of which is described once.
func (d *describer) refuse(op *apiOperation, statuses []int) {
	slices.Sort(statuses)
	for _, status := range slices.Compact(statuses) {
		code := strconv.Itoa(status)
		op.Responses.put(code, &response{Ref: "#/components/responses/" + d.refusal(status)})
	}
}

// refusal returns the name of the response for a status.
func (d *describer) refusal(status int) string {
	f := failures[slices.IndexFunc(failures, func(f documentFailure) bool { return f.status == status })]
	if _, ok := d.Components.Responses.get(f.name); ok {
		return f.name
	}
	quotedCodes := make([]string, len(f.codes))
	for i, c := range f.codes {
		quotedCodes[i] = "`" + c + "`"
	}
	res := &response{Description: strconv.Itoa(status) + " " + strings.Join(quotedCodes, " or ") + ": " + f.about, Headers: headerRefs(append([]string{"request-id", "client-request-id"}, f.headers...)...)}
	example := envelope{errorBody{f.codes[0], f.message, f.target, innerError{"2026-01-02T03:04:05", exampleRequestID, exampleRequestID}}}
	res.Content = object[mediaType]{{"application/json", mediaType{schemaRef("dossier.error"), example}}}
	d.Components.Responses.put(f.name, res)
	return f.name
}

// options adds the query options that a handler parses.
func (d *describer) options(op *apiOperation, about operation) {
	if about.typ == nil && about.options.Allow == 0 && !about.format {
		return
	}
	for _, o := range queryOptions {
		if o.bit&about.options.Allow == 0 || about.typ == nil && o.typed {
			continue
		}
		if p := o.describe(about.typ, about.options.Allow&odata.AllowDeltaToken != 0); p != nil {
			op.Parameters = append(op.Parameters, p)
		}
	}
	if about.options.Allow&odata.AllowSelect != 0 || about.format {
		op.Parameters = append(op.Parameters, sharedParameter("format"))
	}
	if about.view {
		op.Parameters = append(op.Parameters, sharedParameter("view"))
	}
	annotated := about.typ == store.Types.Profile || about.typ == store.Types.Indicator
	switch pages := about.options.Allow&odata.AllowTop != 0; {
	case about.body != nil: // a write has preferences of its own
	case pages && annotated:
		op.Parameters = append(op.Parameters, sharedParameter("rows"))
	case pages:
		op.Parameters = append(op.Parameters, sharedParameter("Prefer"))
	case annotated && about.options.Allow&odata.AllowSelect != 0:
		op.Parameters = append(op.Parameters, sharedParameter("annotations"))
	}
	if about.conditional {
		op.Parameters = append(op.Parameters, sharedParameter("If-None-Match"))
	}
}

// curl returns a command line for a request.
func curl(url string, query []string, method, body string, token bool) string {
	var b strings.Builder
	b.WriteString("curl ")
	if len(query) > 0 {
		b.WriteString("-G ")
	}
	if method != http.MethodGet {
		b.WriteString("-X " + method + " ")
	}
	if token {
		b.WriteString("-H \"Authorization: Bearer $TOKEN\" \\\n  ")
	}
	b.WriteString(shellQuoted(url))
	for _, q := range query {
		b.WriteString(" \\\n  --data-urlencode " + shellQuoted(q))
	}
	if body != "" {
		b.WriteString(" \\\n  -H 'Content-Type: application/json' -d " + shellQuoted(body))
	}
	return b.String()
}

func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
