package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"dossier/internal/guard"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// A reflector makes schemas of the Go types of this server's own bodies, by the
// rules of encoding/json. Structs become components.
type reflector struct {
	components object[*schema]
	types      map[string]reflect.Type // by name of the component
	seen       map[string]bool         // by name in Go, embedded ones too
}

// wire are Go types that have a form of their own on the wire.
var wire = map[reflect.Type]func() *schema{
	reflect.TypeFor[json.RawMessage]():       func() *schema { return &schema{} },
	reflect.TypeFor[intel.Time]():            func() *schema { return &schema{Type: "string", Format: "date-time"} },
	reflect.TypeFor[intel.Profile]():         func() *schema { return schemaRef(store.Types.Profile.Name) },
	reflect.TypeFor[store.WireIndicator]():   func() *schema { return schemaRef(store.Types.Indicator.Name) },
	reflect.TypeFor[intel.TLP]():             enumOf(intel.Clear.String(), intel.Green.String(), intel.Amber.String(), intel.AmberStrict.String(), intel.Red.String()),
	reflect.TypeFor[intel.Kind]():            enumOf(intel.Actor, intel.Tool, intel.Campaign, intel.Technique),
	reflect.TypeFor[intel.Precision]():       enumOf(intel.Year, intel.Month, intel.Day, intel.Exact),
	reflect.TypeFor[intel.IndicatorSource](): enumOf(intel.SourceMicrosoft, intel.SourceOSINT, intel.SourcePublic),
	reflect.TypeFor[intel.Availability]():    enumOf(intel.Custom, intel.Commodity, intel.Public),
	reflect.TypeFor[intel.ClaimAction]():     enumOf(intel.Set, intel.ClearOut, intel.Suppress),
	reflect.TypeFor[intel.Verdict]():         enumOf(intel.Merge, intel.KeepApart, intel.NameMeans, ingest.Split),
	reflect.TypeFor[observable.Kind](): enumOf(
		observable.Domain, observable.IPAddress, observable.CIDR, observable.IPPort, observable.URL, observable.Email,
		observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512),
}

func enumOf[T any](values ...T) func() *schema {
	return func() *schema {
		s := &schema{Type: "string"}
		for _, v := range values {
			s.Enum = append(s.Enum, v)
		}
		return s
	}
}

func (c *reflector) schema(t reflect.Type) *schema {
	if own := wire[t]; own != nil {
		return own()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return orNull(c.schema(t.Elem()))
	case reflect.Slice:
		return arrayOf(c.schema(t.Elem()))
	case reflect.Map:
		return &schema{Type: "object", Additional: c.schema(t.Elem())}
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Struct:
		return c.component(t)
	}
	panic("api: no schema for " + t.String()) // a type in the bodies that this function does not know; every test sees it
}

func (c *reflector) component(t reflect.Type) *schema {
	name := componentName(t)
	if known := c.types[name]; known != nil {
		if known != t {
			panic("api: two types are called " + name)
		}
		return schemaRef(name)
	}
	if c.types == nil {
		c.types, c.seen = map[string]reflect.Type{}, map[string]bool{}
	}
	c.types[name] = t
	s := &schema{Type: "object"}
	c.fields(s, t, true)
	c.components.put(name, s)
	return schemaRef(name)
}

// fields adds the members that encoding/json writes for a struct. Those of an
// embedded pointer are missing if it is nil.
func (c *reflector) fields(s *schema, t reflect.Type, always bool) {
	c.seen[goName(t)] = true
	for f := range t.Fields() {
		name, flags, _ := strings.Cut(f.Tag.Get("json"), ",")
		optional := slices.ContainsFunc(strings.Split(flags, ","), func(flag string) bool { return flag == "omitempty" || flag == "omitzero" })
		switch {
		case f.Anonymous && name == "":
			inner, pointer := f.Type, f.Type.Kind() == reflect.Pointer
			if pointer {
				inner = inner.Elem()
			}
			c.fields(s, inner, always && !pointer)
			continue
		case name == "" || name == "-":
			continue
		}
		if optional && f.Type.Kind() == reflect.Pointer {
			f.Type = f.Type.Elem()
		}
		v := c.schema(f.Type)
		if !optional && f.Type == reflect.TypeFor[intel.Time]() {
			v = orNull(v) // a zero time
		}
		v.Description = comments[goName(t)+"."+f.Name]
		s.Properties.put(name, v)
		if always && !optional {
			s.Required = append(s.Required, name)
		}
	}
}

// annotated adds the annotations on request to the types that can carry them. What
// they hold is seen from what they say of something made up.
func (c *reflector) annotated(schemas object[*schema]) object[*schema] {
	profile, _ := schemas.get(store.Types.Profile.Name)
	for _, a := range profileTerms {
		profile.Properties.put("@"+a.term, c.annotation(a.value(&intel.Dossier{}), a.value(&intel.Dossier{Records: []intel.RecordUse{{Modified: 1}}})))
	}
	indicator, _ := schemas.get(store.Types.Indicator.Name)
	for _, a := range indicatorTerms {
		without, with := &annotatedIndicator{Indicator: &store.Indicator{}}, &annotatedIndicator{Indicator: &store.Indicator{Guard: guard.Listing{List: "x"}}}
		indicator.Properties.put("@"+a.term, c.annotation(a.value(without), a.value(with)))
	}
	return schemas
}

// annotation returns the schema of an annotation, which may be null if it is when
// nothing is known.
func (c *reflector) annotation(without, with any) *schema {
	s := c.schema(reflect.TypeOf(with))
	if without == nil {
		s = orNull(s)
	}
	s.Description = "With Prefer: odata.include-annotations."
	return s
}

// componentName returns the name of a Go type in the document: dossier.lookupList,
// dossier.SourcedDate.
func componentName(t reflect.Type) string {
	name, arg, generic := strings.Cut(strings.TrimSuffix(t.Name(), "]"), "[")
	if name == "envelope" {
		name = "error"
	}
	if generic {
		arg = local(arg)
		name += strings.ToUpper(arg[:1]) + arg[1:]
	}
	return "dossier." + name
}

// goName returns the name under which the comments of a type are found: api.hit.
func goName(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:] + "." + name
}
