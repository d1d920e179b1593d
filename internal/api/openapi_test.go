package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dossier/internal/auth"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// describedBy returns the document that a server serves.
func describedBy(t testing.TB, s http.Handler) map[string]any {
	t.Helper()
	w := ask(s, "GET", "/openapi.json")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("/openapi.json: %d, %s\n%s", w.Code, w.Header(), w.Body)
	}
	doc, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

// guardedServer has a token service, which needs no token to be described.
func guardedServer(s *store.Store) *Server {
	return New(Config{Store: s, PublicURL: "https://intel.example.org/", Version: "test", Guard: &auth.Guard{Mode: auth.Required, Issuer: &auth.Issuer{Store: s}}})
}

// TestOpenAPI validates each schema of the document against JSON Schema, and its
// references. That the document is one of OpenAPI 3.1 is tested with the running
// program, in test/conformance-ts, where there is a validator.
func TestOpenAPI(t *testing.T) {
	st := fixtureStore(t, 0)
	writing := fixtureServer(st)
	serveWrites(writing)
	for name, s := range map[string]*Server{"open": fixtureServer(st), "guarded": guardedServer(st), "writing": writing} {
		doc := describedBy(t, s)
		schemas := schemasOf(t, doc, false)
		for _, name := range slices.Sorted(maps.Keys(doc["components"].(map[string]any)["schemas"].(map[string]any))) {
			if _, err := schemas.Compile("doc.json#/components/schemas/" + name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		checkReferences(t, doc, doc)
		if strings.Contains(jsonOf(t, doc), "dossier.invalid") {
			t.Errorf("%s: the document names no real URL", name)
		}
	}
	first := ask(fixtureServer(st), "GET", "/openapi.json").Body.Bytes()
	if again := ask(fixtureServer(st), "GET", "/openapi.json").Body.Bytes(); !bytes.Equal(first, again) {
		t.Error("the document is not the same twice")
	}
}

// serveWrites puts something in the place of what is answered with 501.
func serveWrites(s *Server) {
	s.graph.each(nil, func(path []string, method string, h handler) {
		if method != http.MethodGet && !isServed(h) {
			s.graph.at(strings.Join(path, "/"), method, func(*request) (*answer, error) { return &answer{status: http.StatusNoContent}, nil })
		}
	})
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// schemasOf returns a compiler that knows the document as doc.json. If it is closed,
// objects have no other members than the schemas name.
func schemasOf(t testing.TB, doc map[string]any, closed bool) *jsonschema.Compiler {
	t.Helper()
	copied, err := jsonschema.UnmarshalJSON(strings.NewReader(jsonOf(t, doc)))
	if err != nil {
		t.Fatal(err)
	}
	if closed {
		closeObjects(copied)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("doc.json", copied); err != nil {
		t.Fatal(err)
	}
	return c
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

// checkReferences reports references that lead nowhere.
func checkReferences(t *testing.T, doc map[string]any, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			var at any = doc
			for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				inner, _ := at.(map[string]any)
				at = inner[name]
			}
			if at == nil {
				t.Errorf("%s leads nowhere", ref)
			}
		}
		for _, inner := range v {
			checkReferences(t, doc, inner)
		}
	case []any:
		for _, inner := range v {
			checkReferences(t, doc, inner)
		}
	}
}

// TestDescribed holds the document to the tree of routes, and the table of words
// to both.
func TestDescribed(t *testing.T) {
	s := guardedServer(fixtureStore(t, 0))
	doc := s.document()
	have := map[string]bool{}
	for _, p := range doc.Paths {
		for _, m := range p.Value.Methods {
			have[strings.ToUpper(m.Name)+" "+p.Name] = true
		}
	}
	table, used, ids := operations(), map[string]bool{}, map[string]string{}
	check := func(path []string, method string, h handler) {
		name, _ := pathTemplate(path)
		route, key := method+" "+name, operationKey(path, method)
		if !have[route] {
			t.Errorf("%s is not in the document", route)
		}
		delete(have, route)
		if table[key].summary == "" && isServed(h) {
			t.Errorf("%s is served and has no words: add %q to operations", route, key)
		}
		used[key] = true
		id := operationID(method, path)
		if ids[id] != "" {
			t.Errorf("%s and %s are both called %s", route, ids[id], id)
		}
		ids[id] = route
	}
	s.graph.each(nil, check)
	s.own.each(nil, check)
	for suffix, what := range tokenPaths {
		method := "GET"
		if what == "token" {
			method = "POST"
		}
		check(append([]string{"{}"}, strings.Split(suffix, "/")...), method, nil)
		if tenant, got := tokenPath(segmentsOf(t, "/contoso.com/"+suffix)); got != what || tenant != "contoso.com" {
			t.Errorf("%s: %q, %q", suffix, tenant, got)
		}
	}
	for route := range have {
		t.Errorf("%s is in the document and not served", route)
	}
	for key := range table {
		if !used[key] {
			t.Errorf("operations has %q, which is no route", key)
		}
	}
}

func segmentsOf(t *testing.T, path string) []odata.Segment {
	t.Helper()
	segments, err := odata.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	return segments
}

// TestNotServed asks for every route: what is marked answers 501, and nothing else
// does.
func TestNotServed(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	for _, p := range s.document().Paths {
		base := "/v1.0"
		if p.Value.Servers != nil {
			base = ""
		}
		for _, m := range p.Value.Methods {
			w := ask(s, strings.ToUpper(m.Name), base+regexp.MustCompile(`\{\w+\}`).ReplaceAllString(p.Name, "20.103.85.33"))
			if (w.Code == http.StatusNotImplemented) != m.Value.NotServed {
				t.Errorf("%s %s: marked %t, status %d", m.Name, p.Name, m.Value.NotServed, w.Code)
			}
			if _, ok := m.Value.Responses.get(strconv.Itoa(w.Code)); !ok {
				t.Errorf("%s %s: status %d is not in the document", m.Name, p.Name, w.Code)
			}
		}
	}
}

// TestOptions sends every query option to every route that is answered: those of
// the document are taken, others are refused or make no difference.
func TestOptions(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	shared := parsed(t, "domain", "shared.example.com").ID()
	wrong := map[string]string{"$filter": "(", "$orderby": "nope", "$search": `"`, "$select": "nope", "$expand": "nope", "$top": "x", "$skip": "x", "$count": "x", "$skiptoken": ""}
	for _, p := range s.document().Paths {
		get, ok := p.Value.Methods.get("get")
		if !ok || get.NotServed || p.Value.Servers != nil {
			continue
		}
		path := strings.NewReplacer("{intelProfileId}", aquaID, "{indicatorId}", shared, "{intelligenceProfileIndicatorId}", shared,
			"{articleId}", articleID, "{articleIndicatorId}", "c2hhcmVkLmV4YW1wbGUuY29t", "{intelProfileIndicatorId}", shared, "{hostId}", "20.103.85.33").Replace(p.Name)
		if strings.Contains(path, "{") || p.Name == "/" {
			continue // of empty lists
		}
		plain := ask(s, "GET", "/v1.0"+path)
		for option, value := range wrong {
			described := slices.ContainsFunc(get.Parameters, func(p *parameter) bool { return p.Name == option })
			w := ask(s, "GET", "/v1.0"+path+"?"+url.QueryEscape(option)+"="+url.QueryEscape(value))
			refused := w.Code == 400 && !strings.Contains(w.Body.String(), "is not allowed here")
			if option == "$expand" && !described && w.Code == 400 {
				continue // where there is nothing to expand the name is what is wrong
			}
			passedOver := w.Code == 400 || w.Code == plain.Code && w.Body.String() == plain.Body.String()
			if described && !refused || !described && (refused || !passedOver) {
				t.Errorf("%s with %s=%s: described %t, status %d\n%.200s", path, option, value, described, w.Code, w.Body)
			}
		}
	}
}

// A checker checks bodies against the schemas of a document, closed: a member that
// the document does not name is an error.
type checker struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func newChecker(t testing.TB, s http.Handler) *checker {
	doc := describedBy(t, s)
	return &checker{doc, schemasOf(t, doc, true)}
}

// operation returns the JSON pointer of the operation for a path, and the operation.
func (c *checker) operation(method, path string) (string, map[string]any) {
	for _, v := range versions {
		path = strings.TrimPrefix(path, "/"+v)
	}
	if path == "" {
		path = "/"
	}
	path = regexp.MustCompile(`\('([^']*)'\)`).ReplaceAllString(path, "/$1")
	given := strings.Split(path, "/")
	best, at := -1, ""
	for name := range c.doc["paths"].(map[string]any) {
		want := strings.Split(name, "/")
		literals := 0
		if len(want) != len(given) {
			continue
		}
		for i := range want {
			switch {
			case strings.HasPrefix(want[i], "{"):
			case want[i] == given[i]:
				literals++
			default:
				literals = -100
			}
		}
		if literals > best {
			best, at = literals, name
		}
	}
	if best < 0 {
		return "", nil
	}
	op, _ := c.doc["paths"].(map[string]any)[at].(map[string]any)[strings.ToLower(method)].(map[string]any)
	return "#/paths/" + strings.NewReplacer("~", "~0", "/", "~1", "$", "%24", "{", "%7B", "}", "%7D").Replace(at) + "/" + strings.ToLower(method), op
}

// check validates the answer to a request: its status, type, headers and body are
// described.
func (c *checker) check(t *testing.T, method, path string, status int, h http.Header, body []byte) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	at, op := c.operation(method, path)
	pointer := at + "/responses/" + strconv.Itoa(status)
	if op == nil {
		pointer = "#/components/responses/MethodNotAllowed" // or a path that is not there
		if status != 405 {
			pointer = "#/components/responses/BadRequest"
		}
	} else {
		res, ok := op["responses"].(map[string]any)[strconv.Itoa(status)].(map[string]any)
		if !ok {
			t.Errorf("%s %s: status %d is not described", method, path, status)
			return
		}
		if ref, ok := res["$ref"].(string); ok {
			pointer = ref
		}
	}
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	res := c.at(strings.TrimPrefix(pointer, "#"))
	content, _ := res["content"].(map[string]any)
	for name := range h {
		if slices.Contains([]string{"Etag", "Content-Location", "Preference-Applied", "Retry-After", "Www-Authenticate", "Allow", "Location"}, name) {
			if headers, _ := res["headers"].(map[string]any); !slices.ContainsFunc(slices.Collect(maps.Keys(headers)), func(h string) bool { return strings.EqualFold(h, name) }) {
				t.Errorf("%s %s: header %s is not described", method, path, name)
			}
		}
	}
	if len(body) == 0 {
		if content != nil && method != "HEAD" {
			t.Errorf("%s %s: no body, the document has one", method, path)
		}
		return
	}
	if content[media] == nil {
		t.Errorf("%s %s: %s is not described", method, path, media)
		return
	}
	if media != "application/json" {
		return
	}
	c.body(t, method+" "+path, pointer+"/content/application~1json/schema", body)
}

// at returns what a JSON pointer points to.
func (c *checker) at(pointer string) map[string]any {
	var v any = c.doc
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		name, _ = url.PathUnescape(name)
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		inner, _ := v.(map[string]any)
		v = inner[name]
	}
	out, _ := v.(map[string]any)
	return out
}

func (c *checker) body(t *testing.T, name, pointer string, body []byte) {
	t.Helper()
	form, err := c.compiler.Compile("doc.json" + pointer)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = form.Validate(v)
	}
	if err != nil {
		t.Errorf("%s: %v\n%.600s", name, err, body)
	}
}

// TestGoldenSchemas checks that every golden answer is one that the document
// describes.
func TestGoldenSchemas(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	c := newChecker(t, s)
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range parseArchive(string(text)).Files {
			if !strings.HasSuffix(f.Name, ".request") {
				continue
			}
			lines := strings.Split(strings.TrimSpace(string(f.Data)), "\n")
			method, path, _ := strings.Cut(lines[0], " ")
			path = strings.ReplaceAll(path, "~", ti)
			var headers []string
			for _, l := range lines[1:] {
				k, v, _ := strings.Cut(l, ": ")
				headers = append(headers, k, v)
			}
			w := ask(s, method, path, headers...)
			c.check(t, method, path, w.Code, w.Header(), w.Body.Bytes())
		}
	}
}

// catalogueServer answers from the embedded catalogue, as a new installation does,
// to everybody; the token is one to write with.
func catalogueServer(t *testing.T) (s *Server, token string) {
	t.Helper()
	if testing.Short() {
		t.Skip("the catalogue takes seconds to load")
	}
	st, _, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "catalogue.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := (&ingest.Importer{Store: st}).Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := fixtureArticles(t)[0]
	a.List(parsed(t, observable.Domain, exampleHost), intel.Clear)
	putArticles(t, st, a)
	sealer, err := auth.SealerFromFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	s = New(Config{Store: st, PublicURL: "https://intel.example.org", Guard: &auth.Guard{Mode: auth.None, Ceiling: intel.Red, Issuer: &auth.Issuer{Store: st, Sealer: sealer}}})
	return s, newToken(t, s, st, "reader", intel.Red, auth.ReadWrite, auth.Hunt)
}

// TestExamples sends every request that the document gives as an example, and
// every parameter with each of its examples; the answers are 200 and as described.
// The bodies that the document gives as examples are of their schemas.
func TestExamples(t *testing.T) {
	s, token := catalogueServer(t)
	c := newChecker(t, s)
	sent := 0
	doc := s.document()
	var writes []codeSample
	for _, p := range doc.Paths {
		base := "/v1.0"
		if p.Value.Servers != nil {
			base = ""
		}
		for _, m := range p.Value.Methods {
			op, method := m.Value, strings.ToUpper(m.Name)
			pointer, _ := c.operation(method, base+p.Name)
			for _, r := range op.Responses {
				if example := exampleOf(r.Value.Content); example != nil && r.Value.Content[0].Name == "application/json" {
					c.body(t, method+" "+p.Name+" example", pointer+"/responses/"+r.Name+"/content/application~1json/schema", example)
				}
			}
			if op.Body != nil {
				if example := exampleOf(op.Body.Content); example != nil {
					c.body(t, method+" "+p.Name+" example", pointer+"/requestBody/content/application~1json/schema", example)
				}
			}
			for _, sample := range op.Samples {
				if method != "GET" {
					writes = append(writes, sample)
					continue
				}
				sent++
				sendSample(t, s, c, "", sample)
			}
			if op.NotServed || method != "GET" || strings.Contains(exampleURL(p.Name), "{") {
				continue
			}
			needed := url.Values{}
			for _, q := range op.Parameters {
				if q.Required && q.In == "query" {
					needed[q.Name] = texts(q.Example)
				}
			}
			for _, q := range op.Parameters {
				q = resolved(doc, q)
				values := [][]string{}
				if q.Example != nil {
					values = append(values, texts(q.Example))
				}
				for _, e := range q.Examples {
					values = append(values, texts(e.Value.Value))
				}
				for _, value := range values {
					sent++
					query, headers := maps.Clone(needed), []string{}
					if q.In == "query" {
						query[q.Name] = value
					} else {
						headers = []string{q.Name, value[0]}
					}
					target := base + exampleURL(p.Name) + "?" + query.Encode()
					w := ask(s, "GET", target, headers...)
					if w.Code != 200 {
						t.Errorf("%s: %d %s", target, w.Code, w.Body)
						continue
					}
					c.check(t, "GET", target, w.Code, w.Header(), w.Body.Bytes())
				}
			}
		}
	}
	if sent < 100 {
		t.Errorf("only %d requests were sent", sent)
	}
	// What deletes comes last, links before what they lead to.
	order := map[string]int{"POST": 1, "PATCH": 2, "DELETE": 3}
	slices.SortStableFunc(writes, func(a, b codeSample) int {
		m, n := strings.Fields(a.Source)[2], strings.Fields(b.Source)[2]
		return cmp.Or(order[m]-order[n], len(b.Source)-len(a.Source))
	})
	defer func() {
		for _, w := range writes {
			sendSample(t, s, c, token, w)
		}
	}()
	// Bodies of our own come in more shapes than the examples show.
	for _, p := range []string{"?$top=1000&$expand=indicators($top=1)", "?$top=300&$format=application/json;odata.metadata=full", "?$top=300&$format=application/json;odata.metadata=none"} {
		w := ask(s, "GET", ti+"/intelProfiles"+p)
		c.check(t, "GET", ti+"/intelProfiles", w.Code, w.Header(), w.Body.Bytes())
		for _, raw := range read(t, w).Value[:100] {
			var e struct{ ID string }
			if err := json.Unmarshal(raw, &e); err != nil {
				t.Fatal(err)
			}
			w := ask(s, "GET", "/api/profiles/"+e.ID)
			c.check(t, "GET", "/api/profiles/"+e.ID, w.Code, w.Header(), w.Body.Bytes())
		}
	}
}

// sendSample sends what a command line sends: it succeeds, and the answer is as
// described.
func sendSample(t *testing.T, s *Server, c *checker, token string, sample codeSample) {
	t.Helper()
	method, target, body := readCurl(t, sample.Source)
	var headers []string
	if token != "" {
		headers = append(headers, "Authorization", token)
	}
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	w := send(s, method, target, body, headers...)
	if w.Code >= 300 {
		t.Errorf("%s\n%d %s", sample.Source, w.Code, w.Body)
		return
	}
	at, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	c.check(t, method, at.Path, w.Code, w.Header(), w.Body.Bytes())
}

func exampleOf(content object[mediaType]) []byte {
	for _, m := range content {
		if m.Value.Example != nil {
			var b bytes.Buffer
			if encode(&b, m.Value.Example) == nil {
				return b.Bytes()
			}
		}
	}
	return nil
}

func resolved(d *document, p *parameter) *parameter {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
		p, _ = d.Components.Parameters.get(name)
	}
	return p
}

// texts returns an example as the values of a parameter.
func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []string:
		return v
	case string:
		return []string{v}
	}
	return []string{strings.Trim(indented(v), `"`)}
}

// readCurl returns the request of a command line.
func readCurl(t *testing.T, line string) (method, target, body string) {
	t.Helper()
	method = "GET"
	if m := regexp.MustCompile(`-X (\w+)`).FindStringSubmatch(line); m != nil {
		method = m[1]
	}
	line = strings.ReplaceAll(line, `'\''`, "\x00")
	var query []string
	for _, m := range regexp.MustCompile(`(\S+)\s+'([^']*)'`).FindAllStringSubmatch(line, -1) {
		value := strings.ReplaceAll(m[2], "\x00", "'")
		switch {
		case m[1] == "--data-urlencode":
			k, v, _ := strings.Cut(value, "=")
			query = append(query, k+"="+url.QueryEscape(v))
		case m[1] == "-d":
			body = value
		case strings.HasPrefix(value, "https://"):
			target = value
		}
	}
	if target == "" {
		t.Fatalf("no URL in %s", line)
	}
	if query != nil {
		target += "?" + strings.Join(query, "&")
	}
	return method, target, body
}

// TestWords holds the words to the model: each property has some, and none are
// about what is not there.
func TestWords(t *testing.T) {
	used := map[string]bool{}
	for _, typ := range model().Types {
		name := local(typ.Name)
		if typeWords[name] == "" {
			t.Errorf("the type %s has no words", name)
		}
		used[name] = true
		for i := range typ.Properties {
			p := &typ.Properties[i]
			key := name + "." + p.Name
			used[key] = true
			if (!p.Navigation || p.Inlined || p.Expandable) && propertyWords[key] == "" && !p.Annotation() {
				t.Errorf("the property %s has no words", key)
			}
		}
	}
	for _, words := range []map[string]string{typeWords, propertyWords} {
		for key := range words {
			if !used[key] {
				t.Errorf("there are words about %s, which is not in the model", key)
			}
		}
	}
	for _, p := range auth.Permissions() {
		if permissionWords[p] == "" {
			t.Errorf("the permission %s has no words", p)
		}
	}
}

// TestCodes finds every code of an error in the sources, and in the document.
func TestCodes(t *testing.T) {
	var described []string
	for _, f := range failures {
		described = append(described, f.codes...)
	}
	for _, dir := range []string{".", "../odata"} {
		for _, file := range parsedFiles(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.ValueSpec)
				if !ok {
					return true
				}
				for i, name := range spec.Names {
					if !strings.HasPrefix(strings.ToLower(name.Name), "code") || i >= len(spec.Values) {
						continue
					}
					lit, ok := spec.Values[i].(*ast.BasicLit)
					if !ok || lit.Kind != token.STRING {
						continue
					}
					code, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Contains(described, code) {
						t.Errorf("the code %s (%s) is not described: add it to failures", code, name.Name)
					}
				}
				return true
			})
		}
	}
}

// parsedFiles returns the sources of a package, without its tests.
func parsedFiles(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	var out []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, file)
	}
	return out
}

// TestComments keeps reference/comments.json: the doc comments of the Go types
// that bodies are made of, as the sources have them. -update rewrites it.
func TestComments(t *testing.T) {
	types := guardedServer(fixtureStore(t, 0)).describe().structs.seen
	found := map[string]string{}
	for _, dir := range []string{".", "../auth", "../guard", "../intel", "../lifecycle", "../store"} {
		for _, file := range parsedFiles(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				decl, ok := n.(*ast.GenDecl)
				if !ok || decl.Tok != token.TYPE {
					return true
				}
				for _, s := range decl.Specs {
					spec := s.(*ast.TypeSpec)
					fields, ok := spec.Type.(*ast.StructType)
					name := file.Name.Name + "." + spec.Name.Name
					if !ok || !types[name] {
						continue
					}
					for _, f := range fields.Fields.List {
						text := f.Doc.Text()
						if text == "" {
							text = f.Comment.Text()
						}
						for _, id := range f.Names {
							if text = strings.Join(strings.Fields(text), " "); text != "" {
								found[name+"."+id.Name] = docLinks.Replace(text)
							}
						}
					}
				}
				return true
			})
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(found); err != nil {
		t.Fatal(err)
	}
	const file = "reference/comments.json"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is not what the sources say (%v): run go test ./internal/api -run TestComments -update", file, err)
	}
}

// docLinks takes away what is for godoc only.
var docLinks = strings.NewReplacer("[", "", "]", "")
