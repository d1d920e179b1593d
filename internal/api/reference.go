package api

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"slices"
	"strings"
)

//go:embed reference/page.html reference/style.css
var referenceFiles embed.FS

// The style sheet stands in the page, which so needs nothing else; the policy
// allows this one and nothing more.
var (
	referenceStyle = func() string {
		text, err := referenceFiles.ReadFile("reference/style.css")
		if err != nil {
			panic(err) // the file is embedded
		}
		return string(text)
	}()
	referencePolicy = func() string {
		sum := sha256.Sum256([]byte(referenceStyle))
		return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	}()
	referenceTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
		"local": local, "id": anchor, "schema": describeSchema, "indent": indented, "paragraphs": func(s string) []string { return strings.Split(s, "\n\n") },
		"upper": strings.ToUpper, "refName": func(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }, "code": codeMarks, "required": slices.Contains[[]string],
	}).ParseFS(referenceFiles, "reference/page.html"))
)

// A referenceData is what the page shows of a document.
type referenceData struct {
	*document
	Style    template.CSS
	Sections []referenceSection
}

// A referenceSection has the operations of a tag.
type referenceSection struct {
	documentTag
	Operations []referenceOperation
	Brief      bool // a table will do
}

type referenceOperation struct {
	*apiOperation
	Method, Path string
	Base         string // under which the path stands
	Versions     bool   // or another version
	Permission   string // "" if no token is needed
	Anonymous    bool   // who asks from the server's machine needs none
	Parameters   []*parameter
	Responses    []referenceResponse
}

type referenceResponse struct {
	Status string
	*response
	Name  string // of the error, if it is one that is described with all errors
	Media string
	Body  *schema
	JSON  string
}

// referencePage writes the page of a document.
func referencePage(d *document) ([]byte, error) {
	data := referenceData{document: d, Style: template.CSS(referenceStyle)}
	for _, tag := range d.Tags {
		data.Sections = append(data.Sections, referenceSection{documentTag: tag, Brief: slices.Contains([]string{tagAliases, tagEmpty, tagNotServed}, tag.Name)})
	}
	for _, path := range d.Paths {
		for _, m := range path.Value.Methods {
			op := referenceOperation{apiOperation: m.Value, Method: strings.ToUpper(m.Name), Path: path.Name, Base: d.Servers[0].URL, Versions: true}
			if path.Value.Servers != nil {
				op.Base, op.Versions = path.Value.Servers[0].URL, false
			}
			for _, way := range m.Value.Security {
				if need, ok := way.get("oauth2"); ok {
					op.Permission = need[0]
				}
				op.Anonymous = op.Anonymous || len(way) == 0
			}
			for _, p := range slices.Concat(path.Value.Parameters, m.Value.Parameters) {
				if name, shared := strings.CutPrefix(p.Ref, "#/components/parameters/"); shared {
					p, _ = d.Components.Parameters.get(name)
				}
				if p.Name != "client-request-id" { // everywhere, and said once
					op.Parameters = append(op.Parameters, p)
				}
			}
			for _, r := range m.Value.Responses {
				res := referenceResponse{Status: r.Name, response: r.Value}
				if name, shared := strings.CutPrefix(r.Value.Ref, "#/components/responses/"); shared {
					res.Name = name
					res.response, _ = d.Components.Responses.get(name)
				}
				for _, c := range res.Content {
					res.Media, res.Body = c.Name, c.Value.Schema
					if c.Value.Example != nil {
						res.JSON = indented(c.Value.Example)
					}
				}
				op.Responses = append(op.Responses, res)
			}
			i := slices.IndexFunc(data.Sections, func(s referenceSection) bool { return s.Name == m.Value.Tags[0] })
			data.Sections[i].Operations = append(data.Sections[i].Operations, op)
		}
	}
	data.Sections = slices.DeleteFunc(data.Sections, func(s referenceSection) bool { return len(s.Operations) == 0 })
	var b bytes.Buffer
	err := referenceTemplate.Execute(&b, data)
	return b.Bytes(), err
}

// indented returns a value as JSON for people.
func indented(v any) string {
	var compact, out bytes.Buffer
	if err := encode(&compact, v); err != nil {
		return ""
	}
	_ = json.Indent(&out, compact.Bytes(), "", "  ") // it was just encoded
	return out.String()
}

// anchor makes an id for an element of a name.
func anchor(name string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			return c
		}
		return '-'
	}, name)
}

// A typeText says what a value is, with a link where that is described.
type typeText struct {
	Before, Name, Link, After string
	Values                    string // of an enumeration
}

// describeSchema returns a schema in a few words.
func describeSchema(s *schema) typeText {
	var t typeText
	switch {
	case s == nil:
		return t
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, schemaPrefix)
		t.Name, t.Link = local(name), "#type-"+anchor(name)
	case len(s.AnyOf) == 2 && s.AnyOf[1].Type == "null":
		t = describeSchema(s.AnyOf[0])
		t.After += " or null"
	case s.Type == "array":
		t = describeSchema(s.Items)
		t.Before = "list of " + t.Before
	default:
		switch kind := s.Type.(type) {
		case string:
			t.Name = kind
		case []string:
			t.Name = strings.Join(kind, " or ")
		default:
			t.Name = "any"
		}
		if s.Format != "" {
			t.After = ", " + s.Format
		}
	}
	var values []string
	for _, v := range s.Enum {
		if v != nil {
			values = append(values, strings.Trim(indented(v), `"`))
		}
	}
	if s.Const != nil {
		values = append(values, strings.Trim(indented(s.Const), `"`))
	}
	t.Values = strings.Join(append(values, strings.Fields(t.Values)...), " ")
	return t
}

// codeMarks returns a text in which `this` is code.
func codeMarks(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String())
}
