package misp

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text is a string that may be written as a number, a truth value, null, or a
// list, whose first element counts.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var all texts
	if err := all.UnmarshalJSON(b); err != nil {
		return err
	}
	*t = ""
	if len(all) > 0 {
		*t = text(all[0])
	}
	return nil
}

// texts is a list of strings that may be written as one value. Elements may be
// numbers; nested lists are flattened; null and objects count as nothing.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	*t = nil
	return t.add(b, 0)
}

func (t *texts) add(b []byte, depth int) error {
	b = bytes.TrimSpace(b)
	if len(b) == 0 || depth > 4 {
		return nil
	}
	switch b[0] {
	case '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = append(*t, s)
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
		for _, e := range list {
			if err := t.add(e, depth+1); err != nil {
				return err
			}
		}
	case 'n', '{':
	default: // a number, true, false
		*t = append(*t, string(b))
	}
	return nil
}

// flag is a truth value in any spelling. Set tells whether there was one.
type flag struct{ True, Set bool }

func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `" `)) {
	case "true", "1", "yes":
		*f = flag{true, true}
	case "false", "0", "no":
		*f = flag{false, true}
	default:
		*f = flag{}
	}
	return nil
}

// many is a list of objects of which the odd one that is no object is the zero
// value, and which may be missing, null, or an object in place of a list: PHP
// writes a list with a hole as {"0": …, "1": …}.
type many[T any] []T

func (m *many[T]) UnmarshalJSON(b []byte) error {
	*m = nil
	b = bytes.TrimSpace(b)
	var parts []json.RawMessage
	switch {
	case len(b) > 0 && b[0] == '[':
		if err := json.Unmarshal(b, &parts); err != nil {
			return err
		}
	case len(b) > 0 && b[0] == '{':
		var holes map[string]json.RawMessage
		if err := json.Unmarshal(b, &holes); err != nil {
			return err
		}
		for _, i := range indexes(holes) {
			parts = append(parts, holes[i])
		}
	}
	for _, p := range parts {
		var v T
		if json.Unmarshal(p, &v) != nil {
			v = *new(T)
		}
		*m = append(*m, v)
	}
	return nil
}

// indexes returns the keys in numerical order, or none if one is no number.
func indexes(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for i := 0; len(keys) < len(m) && i < 1<<20; i++ {
		if k := strconv.Itoa(i); m[k] != nil {
			keys = append(keys, k)
		}
	}
	if len(keys) != len(m) {
		return nil
	}
	return keys
}

// lax is an object, or the zero value where something else stands: PHP writes an
// empty object as [].
type lax[T any] struct{ V T }

func (l *lax[T]) UnmarshalJSON(b []byte) error {
	l.V = *new(T)
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '{' && json.Unmarshal(b, &l.V) != nil {
		l.V = *new(T)
	}
	return nil
}

type (
	wireCluster struct {
		UUID        text                  `json:"uuid"`
		Value       text                  `json:"value"`
		Description text                  `json:"description"`
		Meta        lax[map[string]texts] `json:"meta"`
		Related     many[wireRelated]     `json:"related"`
		Revoked     flag                  `json:"revoked"`
		Deprecated  flag                  `json:"deprecated"`
	}
	wireRelated struct {
		Dest text `json:"dest-uuid"`
		Type text `json:"type"`
	}

	wireEvent struct {
		UUID      text             `json:"uuid"`
		ID        text             `json:"id"`
		Info      text             `json:"info"`
		Date      text             `json:"date"`
		Timestamp text             `json:"timestamp"`
		Orgc      lax[wireOrg]     `json:"Orgc"`
		Attribute many[*wireAttr]  `json:"Attribute"`
		Object    many[wireObject] `json:"Object"`
		Tag       many[wireTag]    `json:"Tag"`
		Galaxy    many[wireGalaxy] `json:"Galaxy"`
		Threat    text             `json:"threat_level_id"`
		Reports   many[wireReport] `json:"EventReport"`
	}
	wireReport struct {
		Name    text `json:"name"`
		Content text `json:"content"` // Markdown
		Deleted flag `json:"deleted"`
	}
	wireOrg struct {
		Name text `json:"name"`
	}
	wireObject struct {
		Name      text            `json:"name"`
		FirstSeen text            `json:"first_seen"`
		LastSeen  text            `json:"last_seen"`
		Comment   text            `json:"comment"`
		Deleted   flag            `json:"deleted"`
		Attribute many[*wireAttr] `json:"Attribute"`
	}
	wireAttr struct {
		Type      text             `json:"type"`
		Category  text             `json:"category"`
		Relation  text             `json:"object_relation"`
		Value     text             `json:"value"`
		Comment   text             `json:"comment"`
		ToIDs     flag             `json:"to_ids"`
		Deleted   flag             `json:"deleted"`
		FirstSeen text             `json:"first_seen"`
		LastSeen  text             `json:"last_seen"`
		Timestamp text             `json:"timestamp"`
		Tag       many[wireTag]    `json:"Tag"`
		Galaxy    many[wireGalaxy] `json:"Galaxy"`
		Event     lax[wireEvent]   `json:"Event"` // in answers to a search for attributes
	}
	wireTag struct {
		Name text `json:"name"`
	}
	wireGalaxy struct {
		UUID    text               `json:"uuid"`
		Type    text               `json:"type"`
		Cluster many[eventCluster] `json:"GalaxyCluster"`
	}
	eventCluster struct {
		Collection text                  `json:"collection_uuid"`
		Type       text                  `json:"type"`
		Value      text                  `json:"value"`
		Tag        text                  `json:"tag_name"`
		UUID       text                  `json:"uuid"`
		Meta       lax[map[string]texts] `json:"meta"`
	}
)

// sample returns s cut to 120 bytes at a character.
func sample(s string) string {
	const limit = 120
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for cut := limit; cut > limit-utf8.UTFMax; cut-- {
		if utf8.RuneStart(s[cut]) {
			return s[:cut]
		}
	}
	return s[:limit]
}
