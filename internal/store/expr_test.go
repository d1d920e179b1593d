package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"dossier/internal/odata"
)

// A term is a path that a query may hold, as text.
type term struct {
	text string
	leaf *odata.Property // nil for an element itself; see kind
	kind odata.Primitive
	enum *odata.Enum
	list bool // ends at a collection
}

// terms lists the paths from a structure of a type that the table allows:
// through complex properties and navigations, and through casts to every derived type.
func terms(t *odata.Type, prefix string) (out []term) {
	for p := range t.All() {
		if p.NoFilter {
			continue
		}
		text := prefix + p.Name
		out = append(out, term{text, p, p.Kind(), p.Enum, p.Collection})
		if p.Collection || p.Type == nil {
			continue
		}
		out = append(out, terms(p.Type, text+"/")...)
		for _, d := range derivedOfType(p.Type) {
			out = append(out, term{text + "/" + d.Name, p, p.Kind(), nil, false})
			out = append(out, terms(d, text+"/"+d.Name+"/")...)
		}
	}
	return out
}

func derivedOfType(t *odata.Type) (out []*odata.Type) {
	for _, d := range t.Derived {
		out = append(append(out, d), derivedOfType(d)...)
	}
	return out
}

// strange are paths whose casts lead elsewhere: up and down again.
var strange = []string{
	"artifact/microsoft.graph.entity/id", "artifact/microsoft.graph.entity/microsoft.graph.security.intelligenceProfile/title",
	"artifact/microsoft.graph.security.host/microsoft.graph.security.hostname/id", "microsoft.graph.security.indicator/microsoft.graph.entity/id",
	"artifact/microsoft.graph.security.hostname/microsoft.graph.security.host/id",
}

// An author writes random expressions that type-check.
type author struct {
	*rand.Rand
	typ   *odata.Type
	texts map[string][]string // that occur, by the name of the property; "" has all
	vars  []variable
}

type variable struct {
	name  string
	terms []term
}

func (a *author) quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// text returns a string as it occurs in a property, or nearly so.
func (a *author) text(t term) string {
	texts := a.texts[""]
	if t.leaf != nil && len(a.texts[t.leaf.Name]) > 0 && a.IntN(5) > 0 {
		texts = a.texts[t.leaf.Name]
	}
	s := pick(a.Rand, texts)
	switch a.IntN(8) {
	case 0:
		return randomText(a.Rand)
	case 1:
		return flip(a.Rand, s)
	case 2, 3, 4:
		runes := []rune(s)
		from := a.IntN(len(runes) + 1)
		part := string(runes[from : from+a.IntN(len(runes)-from+1)])
		if a.IntN(2) == 0 {
			return part
		}
		return flip(a.Rand, part)
	}
	return s
}

// terms returns every path in scope that fits.
func (a *author) find(fits func(term) bool) (out []term) {
	root := terms(a.typ, "")
	if len(a.vars) > 0 { // a range variable may have the name of a property
		root = terms(a.typ, "$it/")
	}
	if a.typ == Types.Indicator {
		for _, s := range strange {
			if len(a.vars) == 0 {
				root = append(root, term{text: s, kind: odata.String})
			}
		}
	}
	add := func(terms []term) {
		for _, t := range terms {
			if fits(t) {
				out = append(out, t)
			}
		}
	}
	if n := len(a.vars); n > 0 && a.IntN(4) > 0 { // mostly the element itself
		if add(a.vars[n-1].terms); len(out) > 0 {
			return out
		}
	}
	add(root)
	for _, v := range a.vars {
		add(v.terms)
	}
	return out
}

func (a *author) path(kind odata.Primitive) (term, bool) {
	found := a.find(func(t term) bool { return !t.list && t.kind == kind })
	if len(found) == 0 {
		return term{}, false
	}
	t := pick(a.Rand, found)
	if kind == odata.String && t.leaf != nil && a.texts[t.leaf.Name] == nil { // one that is always null
		t = pick(a.Rand, found)
	}
	return t, true
}

func (a *author) literal(t term) string {
	switch t.kind {
	case odata.String:
		return a.quoted(a.text(t))
	case odata.DateTimeOffset:
		return time.UnixMilli(int64(randomTime(a.Rand))).UTC().Format("2006-01-02T15:04:05.000Z")
	case odata.EnumType:
		return a.quoted(pick(a.Rand, t.enum.Members).Name)
	}
	return pick(a.Rand, []string{"0", "1", "2", "3", "-1", "1.5", "1e0", "9223372036854775807"})
}

// operand returns something of a kind, that depends on a property.
func (a *author) operand(kind odata.Primitive) (string, term, bool) {
	switch kind {
	case odata.Int64:
		if a.IntN(2) == 0 {
			if s, _, ok := a.operand(odata.String); ok {
				return "length(" + s + ")", term{kind: odata.Int64}, true
			}
		}
		if found := a.find(func(t term) bool { return t.list }); len(found) > 0 {
			return pick(a.Rand, found).text + "/$count", term{kind: odata.Int64}, true
		}
		return "", term{}, false
	case odata.String:
		t, ok := a.path(kind)
		s := t.text
		for a.IntN(5) == 0 {
			s = pick(a.Rand, []string{"tolower(", "toupper("}) + s + ")"
		}
		return s, t, ok
	}
	t, ok := a.path(kind)
	return t.text, t, ok
}

var relations = []string{"eq", "ne", "lt", "le", "gt", "ge", "eq", "eq"}

// condition returns a condition; depth bounds how deep it is.
func (a *author) condition(depth int) string {
	if depth > 0 {
		switch a.IntN(9) {
		case 0, 1:
			return "(" + a.condition(depth-1) + pick(a.Rand, []string{" and ", " or "}) + a.condition(depth-1) + ")"
		case 2:
			return "not (" + a.condition(depth-1) + ")"
		case 3:
			switch a.IntN(3) {
			case 0:
				return "((" + a.condition(depth-1) + ") " + pick(a.Rand, []string{"eq", "ne"}) + " (" + a.condition(depth-1) + "))"
			case 1:
				return "((" + a.condition(depth-1) + ") " + pick(a.Rand, []string{"eq", "ne"}) + " " + pick(a.Rand, []string{"true", "false", "null"}) + ")"
			}
			return "((" + a.condition(depth-1) + ") in (" + pick(a.Rand, []string{"true", "false", "null", "true,null", "false,null", "true,false", "true,false,null"}) + "))"
		case 4, 5, 6:
			if s := a.lambda(depth); s != "" {
				return s
			}
		}
	}
	if len(a.vars) == 0 && a.IntN(2) == 0 {
		return a.found()
	}
	for {
		if s := a.leaf(); s != "" {
			return s
		}
	}
}

// found returns a condition of a form that an index helps with, and that is
// often true of something.
func (a *author) found() string {
	if a.typ == Types.Indicator {
		name := pick(a.Rand, []string{"id", "artifact/id", "artifact/microsoft.graph.security.unclassifiedArtifact/value", "artifact/microsoft.graph.security.host/id"})
		return a.match(name, a.texts[name[strings.LastIndexByte(name, '/')+1:]])
	}
	if a.typ == Types.Article || a.typ == Types.ArticleIndicator {
		return a.foundArticle()
	}
	switch a.IntN(4) {
	case 0:
		texts, name := a.texts["content"], pick(a.Rand, []string{"summary", "description", "tradecraft"})+"/content"
		if a.IntN(3) == 0 {
			texts, name = a.texts["title"], "title"
		}
		runes := []rune(pick(a.Rand, texts))
		for range 20 {
			if len(runes) >= 3 {
				break
			}
			runes = []rune(pick(a.Rand, texts))
		}
		from := a.IntN(max(1, len(runes)-3))
		return "contains(" + name + "," + a.quoted(flip(a.Rand, string(runes[from:min(len(runes), from+3+a.IntN(9))]))) + ")"
	case 1:
		name := pick(a.Rand, []string{"aliases", "targets"})
		return name + "/any(x:" + a.matches("x", a.texts[name]) + ")"
	case 2:
		name := pick(a.Rand, []string{"label", "code"})
		return "countriesOrRegionsOfOrigin/any(x:" + a.matches("x/"+name, a.texts[name]) + ")"
	}
	name := pick(a.Rand, []string{"id", "artifact/id", "artifact/microsoft.graph.security.unclassifiedArtifact/value", "artifact/microsoft.graph.security.hostname/id"})
	return "indicators/any(x:" + a.matches("x/"+name, a.texts[name[strings.LastIndexByte(name, '/')+1:]]) + ")"
}

// matches joins one or two matches with each other or with something else.
func (a *author) matches(path string, texts []string) string {
	switch s := a.match(path, texts); a.IntN(4) {
	case 0:
		return s + " and " + a.match(path, texts)
	case 1:
		return s + " or " + a.match(path, texts)
	case 2:
		a.vars = append(a.vars, variable{name: "x"}) // so that nothing else is called x
		defer func() { a.vars = a.vars[:len(a.vars)-1] }()
		return s + pick(a.Rand, []string{" and ", " or "}) + a.condition(1)
	default:
		return s
	}
}

func (a *author) match(path string, texts []string) string {
	s := pick(a.Rand, texts)
	switch a.IntN(4) {
	case 0:
		return path + " in (" + a.quoted(s) + "," + a.quoted(pick(a.Rand, texts)) + ")"
	case 1:
		n := a.IntN(len([]rune(s)) + 1)
		if a.IntN(2) == 0 {
			return "endswith(" + path + "," + a.quoted(string([]rune(s)[n:])) + ")"
		}
		return "startswith(" + path + "," + a.quoted(string([]rune(s)[:n])) + ")"
	case 2:
		return a.quoted(s) + " eq " + path
	}
	return path + " eq " + a.quoted(s)
}

func (a *author) lambda(depth int) string {
	found := a.find(func(t term) bool { return t.list })
	if len(found) == 0 || len(a.vars) == odata.MaxLambdas {
		return ""
	}
	t := pick(a.Rand, found)
	if a.IntN(6) == 0 {
		return t.text + "/any()"
	}
	v := variable{name: fmt.Sprintf("v%d", len(a.vars))}
	if t.leaf.Type == nil {
		v.terms = []term{{text: v.name, kind: t.kind, leaf: t.leaf}}
	} else {
		v.terms = terms(t.leaf.Type, v.name+"/")
	}
	a.vars = append(a.vars, v)
	body := a.condition(depth - 1)
	a.vars = a.vars[:len(a.vars)-1]
	return t.text + pick(a.Rand, []string{"/any(", "/any(", "/all("}) + v.name + ":" + body + ")"
}

// leaf returns a condition without conditions in it, "" if it has no luck.
func (a *author) leaf() string {
	kind := pick(a.Rand, []odata.Primitive{odata.String, odata.String, odata.String, odata.DateTimeOffset, odata.EnumType, odata.Int64, odata.Int32, odata.ComplexType, odata.EntityType})
	if kind == odata.ComplexType || kind == odata.EntityType {
		t, ok := a.path(kind)
		if !ok || t.list {
			return ""
		}
		return t.text + pick(a.Rand, []string{" eq null", " ne null"})
	}
	left, t, ok := a.operand(kind)
	if !ok {
		return ""
	}
	if a.IntN(40) == 0 {
		return pick(a.Rand, []string{"true", "false", "null"})
	}
	right := a.literal(t)
	if a.IntN(5) == 0 {
		other, u, ok := a.operand(kind)
		if ok && u.enum == t.enum {
			right = other
		}
	}
	switch n := a.IntN(10); {
	case n == 0:
		return left + " " + pick(a.Rand, relations) + " null"
	case n == 1:
		list := []string{a.literal(t)}
		for range a.IntN(3) {
			list = append(list, a.literal(t))
		}
		if a.IntN(3) == 0 {
			list = append(list, "null")
		}
		return left + " in (" + strings.Join(list, ",") + ")"
	case n < 6 && kind == odata.String:
		f := pick(a.Rand, []string{"contains", "startswith", "endswith"})
		if a.IntN(8) == 0 {
			left, right = right, left
		}
		return f + "(" + left + "," + right + ")"
	case n == 7:
		return right + " " + pick(a.Rand, relations) + " " + left
	case n == 8 && kind == odata.EnumType && !strings.Contains(right, "/") && strings.HasPrefix(right, "'"):
		return left + " has " + right
	}
	return left + " " + pick(a.Rand, relations) + " " + right
}

// orders lists what rows of a type can be sorted by.
func orders(t *odata.Type) (out []string) {
	for _, t := range terms(t, "") {
		switch {
		case t.list:
			out = append(out, t.text+"/$count")
		case t.kind != odata.ComplexType && t.kind != odata.EntityType && !t.leaf.NoSort:
			out = append(out, t.text)
		}
	}
	return out
}

func (a *author) order() string {
	all := orders(a.typ)
	var items []string
	for range a.IntN(3) {
		items = append(items, pick(a.Rand, all)+pick(a.Rand, []string{"", " asc", " desc"}))
	}
	return strings.Join(items, ",")
}
