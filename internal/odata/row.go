package odata

import (
	"fmt"
	"slices"
	"time"
)

// A Row is a structure, an entity or a complex value, that a filter can be evaluated on.
type Row interface {
	// Type returns the actual type, which may be derived from the declared one.
	Type() *Type
	// Value returns the value of a property of that type, nil for null:
	//
	//	String, Guid      string
	//	DateTimeOffset    int64 (milliseconds since 1970 UTC) or time.Time
	//	Int32, Int64      int64, int32 or int
	//	Double            float64
	//	Boolean           bool
	//	an enum           string (the member) or int (its value)
	//	a structure       Row
	//	a collection      []any of these, []string or []Row
	Value(p *Property) any
}

// A MapRow is a Row made of a map from declared names to values.
type MapRow struct {
	Of     *Type
	Values map[string]any
}

// Type returns r.Of.
func (r MapRow) Type() *Type { return r.Of }

// Value returns the value with the name of p.
func (r MapRow) Value(p *Property) any { return r.Values[p.Name] }

// normal turns what a Row returned into what expressions work on.
func normal(v any, p *Property) (any, error) {
	if !p.Collection {
		return normalOne(v, p)
	}
	var list []any
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		list = slices.Clone(v)
	case []string:
		for _, s := range v {
			list = append(list, s)
		}
	case []Row:
		for _, r := range v {
			list = append(list, r)
		}
	default:
		return nil, fmt.Errorf("property %q: a %T is no collection of %s", p.Name, v, p.TypeName())
	}
	for i := range list {
		var err error
		if list[i], err = normalOne(list[i], p); err != nil {
			return nil, err
		}
	}
	if list == nil {
		list = []any{}
	}
	return list, nil
}

func normalOne(v any, p *Property) (any, error) {
	kind := p.Kind()
	whole := kind == Int32 || kind == Int64 || kind == DateTimeOffset || kind == EnumType
	ok := false
	given := v
	switch value := v.(type) {
	case nil:
		return nil, nil
	case string:
		ok = kind == String || kind == Guid
		if kind == EnumType {
			if m := p.Enum.Member(value); m != nil {
				return int64(m.Value), nil
			}
		}
	case int64:
		ok = whole
	case int32:
		v, ok = int64(value), whole
	case int:
		v, ok = int64(value), whole
	case time.Time:
		v, ok = value.UnixMilli(), kind == DateTimeOffset
	case float64:
		ok = kind == Double
	case bool:
		ok = kind == Boolean
	case Row:
		ok = kind.structured()
	}
	if !ok {
		return nil, fmt.Errorf("property %q: %v (%T) is no %s", p.Name, given, given, p.TypeName())
	}
	return v, nil
}
