package api

import (
	"fmt"
	"slices"
	"strings"

	"dossier/internal/odata"
)

// A queryOption describes one query option of OData.
type queryOption struct {
	name  string
	bit   odata.Allow
	typed bool // names properties of a type
	about func(t *odata.Type, delta bool) (about string, s *schema, examples []string)
}

var queryOptions = []queryOption{
	{"$filter", odata.AllowFilter, true, func(t *odata.Type, delta bool) (string, *schema, []string) {
		paths, examples := filterable(t, delta)
		return fmt.Sprintf("Which rows: `eq ne gt ge lt le in has and or not`, `startswith endswith contains tolower toupper length`, `any all`. Strings compare without regard to case, ids exactly. "+
			"At most %d operations and values, %d of them in one list, nested %d deep. On: `%s`.", odata.MaxNodes, odata.MaxInList, odata.MaxDepth, strings.Join(paths, "`, `")), &schema{Type: "string"}, examples
	}},
	{"$orderby", odata.AllowOrderBy, true, func(t *odata.Type, _ bool) (string, *schema, []string) {
		paths := sortable(t)
		return fmt.Sprintf("Order of the rows: up to %d of these, each with `desc` or not: `%s`. Null comes first; ties are broken by id, which is also the order without it.",
			odata.MaxOrderBy, strings.Join(paths, "`, `")), &schema{Type: "string"}, []string{paths[len(paths)-1] + " desc"}
	}},
	{"$search", odata.AllowSearch, true, func(t *odata.Type, _ bool) (string, *schema, []string) {
		var fields []string
		for p := range t.All() {
			if p.Searchable {
				fields = append(fields, p.Name)
			}
		}
		return fmt.Sprintf("Words or `\"phrases in quotation marks\"`, all of which must be found; `AND OR NOT` between phrases. At most %d. `\"%s:text\"` looks into one property only: `%s`.",
			odata.MaxSearchTerms, fields[0], strings.Join(fields, "`, `")), &schema{Type: "string"}, []string{"espionage", `"` + fields[0] + `:bear"`}
	}},
	{"$select", odata.AllowSelect, true, func(t *odata.Type, _ bool) (string, *schema, []string) {
		s := arrayOf(&schema{Type: "string"})
		names := selectable(t)
		for _, name := range names {
			s.Items.Enum = append(s.Items.Enum, name)
		}
		return "Which properties. The id is not added by itself.", s, names[:1]
	}},
	{"$expand", odata.AllowExpand, true, func(t *odata.Type, _ bool) (string, *schema, []string) {
		for p := range t.All() {
			if p.Expandable && !p.Inlined {
				return fmt.Sprintf("`%s`, with nested options in parentheses, separated by `;`. One answer holds at most %d expanded rows: pages are cut accordingly.", p.Name, maxExpanded),
					&schema{Type: "string"}, []string{p.Name + "($top=3;$select=id)"}
			}
			if p.Expandable {
				return "`" + p.Name + "`, which is there anyway.", &schema{Type: "string"}, []string{p.Name}
			}
		}
		return "", nil, nil
	}},
	{"$top", odata.AllowTop, false, func(*odata.Type, bool) (string, *schema, []string) {
		return fmt.Sprintf("The size of a page. More than %d is cut to that.", odata.MaxPage), &schema{Type: "integer", Minimum: new(1), Default: odata.DefaultPage}, []string{"5"}
	}},
	{"$skip", odata.AllowSkip, false, func(*odata.Type, bool) (string, *schema, []string) {
		return "How many rows to leave out before the first page.", &schema{Type: "integer", Minimum: new(0), Default: 0}, []string{"10"}
	}},
	{"$count", odata.AllowCount, false, func(*odata.Type, bool) (string, *schema, []string) {
		return "Whether the first page tells how many rows there are, as `@odata.count`.", &schema{Type: "boolean", Default: false}, []string{"true"}
	}},
	{"$skiptoken", odata.AllowSkipToken, false, func(*odata.Type, bool) (string, *schema, []string) {
		return "Where a page begins. It comes from `@odata.nextLink` only.", &schema{Type: "string"}, nil
	}},
	{"$deltatoken", odata.AllowDeltaToken, false, func(*odata.Type, bool) (string, *schema, []string) {
		return "Since when. It comes from `@odata.deltaLink`; `latest` is now.", &schema{Type: "string"}, []string{latest}
	}},
}

// describe returns the parameter for a resource of the type, nil if the option has
// no use there.
func (o queryOption) describe(t *odata.Type, delta bool) *parameter {
	about, s, examples := o.about(t, delta)
	if s == nil {
		return nil
	}
	p := &parameter{Name: o.name, In: "query", Description: about, Schema: s}
	if s.Type == "array" {
		p.Style, p.Explode = "form", new(false)
	}
	for i, e := range examples {
		p.Examples.put(fmt.Sprint(i+1), sample{Value: typed(s, e)})
	}
	return p
}

// typed returns the text of an example as a value of the schema.
func typed(s *schema, text string) any {
	switch s.Type {
	case "array":
		return []string{text}
	case "boolean":
		return text == "true"
	case "integer":
		n := 0
		_, _ = fmt.Sscan(text, &n)
		return n
	}
	return text
}

// filterable returns the paths that a filter may have and a condition on each; one
// of delta must stay within the row.
func filterable(t *odata.Type, delta bool) (paths, conditions []string) {
	for p := range t.All() {
		if p.NoFilter || p.Annotation() || delta && p.Navigation && p.Collection {
			continue
		}
		switch {
		case p.Collection && p.Type != nil:
			inner, c := filterable(p.Type, delta)
			if len(inner) == 0 {
				continue
			}
			paths = append(paths, p.Name+"/any", p.Name+"/$count")
			i := slices.IndexFunc(inner, func(path string) bool { return path != "id" })
			conditions = append(conditions, p.Name+"/any(x:"+qualified("x", inner[i], c[i])+")", p.Name+"/$count gt 0")
		case p.Collection:
			paths = append(paths, p.Name+"/any", p.Name+"/$count")
			conditions = append(conditions, p.Name+"/any(x:"+condition("x", p)+")", p.Name+"/$count gt 0")
		case p.Type != nil:
			inner, c := filterable(p.Type, delta)
			for i := range inner {
				paths = append(paths, p.Name+"/"+inner[i])
				conditions = append(conditions, qualified(p.Name, inner[i], c[i]))
			}
			for _, d := range concrete(p.Type) {
				own, c := filterable(d, delta)
				for i := range own {
					if !slices.Contains(inner, own[i]) { // what only the derived type has
						paths = append(paths, p.Name+"/"+d.Name+"/"+own[i])
						conditions = append(conditions, qualified(p.Name+"/"+d.Name, own[i], c[i]))
					}
				}
			}
		default:
			paths = append(paths, p.Name)
			conditions = append(conditions, condition(p.Name, p))
		}
	}
	return paths, conditions
}

// qualified puts a name before a path in a condition.
func qualified(name, path, condition string) string {
	return strings.Replace(condition, path, name+"/"+path, 1)
}

// condition returns a condition on a property as an example.
func condition(path string, p *odata.Property) string {
	switch p.Kind() {
	case odata.EnumType:
		return path + " eq '" + p.Enum.Members[0].Name + "'"
	case odata.DateTimeOffset:
		return path + " ge 2020-01-01T00:00:00Z"
	case odata.Int32, odata.Int64, odata.Double:
		return path + " gt 0"
	case odata.Boolean:
		return path + " eq true"
	}
	if p.Exact {
		return path + " eq '" + exampleProfileID + "'"
	}
	return "startswith(" + path + ",'A')"
}

// sortable returns the paths that rows may be sorted by.
func sortable(t *odata.Type) []string {
	var out []string
	for p := range t.All() {
		switch {
		case p.NoSort || p.Annotation():
		case p.Collection:
			out = append(out, p.Name+"/$count")
		case p.Type != nil:
			for _, path := range sortable(p.Type) {
				out = append(out, p.Name+"/"+path)
			}
		default:
			out = append(out, p.Name)
		}
	}
	return out
}

// selectable returns the properties that bodies of the type have, or those derived
// from it.
func selectable(t *odata.Type) []string {
	var out []string
	for _, d := range append([]*odata.Type{t}, concrete(t)...) {
		for p := range d.All() {
			if !p.Annotation() && (!p.Navigation || p.Inlined) && !slices.Contains(out, p.Name) {
				out = append(out, p.Name)
			}
		}
	}
	return out
}
