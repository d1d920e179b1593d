package intel

import (
	"cmp"
	"encoding/json"
	"slices"
)

// A Claim is what a person says through the API: that a field of a profile or
// an indicator has another value than the sources give it. Claims override by
// precedence, are shown as such, and can be withdrawn; no import touches them.
type Claim struct {
	ID     string `json:"id"`              // a GUID
	Owner  string `json:"owner,omitempty"` // of the client
	Target string `json:"target"`          // id of the profile or indicator
	// Field is the name of a property, or the path to one in a complex property
	// (summary/content); "indicators" for a link; "" for the thing as a whole.
	Field  string      `json:"field,omitempty"`
	Action ClaimAction `json:"action"`
	// Value is what is set, as the API's JSON has it; of a link the indicator's id.
	Value     json.RawMessage `json:"value,omitempty"`
	TLP       TLP             `json:"tlp,omitempty"`
	Client    string          `json:"client"`
	Name      string          `json:"name,omitempty"` // of the client
	Made      Time            `json:"made"`
	Withdrawn Time            `json:"withdrawn,omitzero"` // 0: it holds
}

// A ClaimAction is what a claim does to its field.
type ClaimAction string

// The actions. On a whole thing, Set makes or revives it and Suppress hides it;
// on a link, Set makes it and Suppress breaks it.
const (
	Set      ClaimAction = "set"
	ClearOut ClaimAction = "clear"
	Suppress ClaimAction = "suppress"
)

// FieldIndicators is the field of claims that link an indicator to a profile.
const FieldIndicators = "indicators"

// Claims are the claims about one thing. See [Claims.At].
type Claims []*Claim

// At returns the claims that count for those who see up to level: not withdrawn,
// and of several about one field (and one indicator, where they are links) the
// newest. They are ordered by target and field.
func (c Claims) At(level TLP) Claims {
	type key struct{ target, field, link string }
	newest := map[key]*Claim{}
	for _, x := range c {
		if x.Withdrawn != 0 || x.TLP > level {
			continue
		}
		k := key{target: x.Target, field: x.Field}
		if x.Field == FieldIndicators {
			k.link = string(x.Value)
		}
		if had := newest[k]; had == nil || had.Made < x.Made || had.Made == x.Made && had.ID < x.ID {
			newest[k] = x
		}
	}
	var out Claims
	for _, x := range newest {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *Claim) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Field, b.Field), cmp.Compare(string(a.Value), string(b.Value)), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Of returns the claim about a field; nil if there is none.
func (c Claims) Of(field string) *Claim {
	i := slices.IndexFunc(c, func(x *Claim) bool { return x.Field == field })
	if i < 0 {
		return nil
	}
	return c[i]
}

// Suppressed reports whether the claims hide the whole thing.
func (c Claims) Suppressed() bool {
	x := c.Of("")
	return x != nil && x.Action == Suppress
}
