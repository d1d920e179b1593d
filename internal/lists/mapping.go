package lists

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dossier/internal/observable"
)

// A Mapping says what columns of a table, or properties of objects, hold, where
// their names do not tell or tell something wrong. nil says nothing.
type Mapping []mapped

type mapped struct {
	head string // folded, "" for a number
	at   int    // from 0, -1 for a name
	column
}

// roleNames are the words of a mapping for what is no observable.
var roleNames = map[string]role{
	"value": isValue, "type": isTypeName, "firstseen": isFirstSeen, "added": isAdded, "lastseen": isLastSeen, "validuntil": isValidUntil,
	"confidence": isConfidence, "tlp": isMarking, "context": isContext, "reference": isReference, "actor": isActorName, "tool": isToolName,
	"active": isActive, "ignore": isIgnored,
}

// ParseMapping reads "COLUMN=ROLE,…". COLUMN is a heading or the name of a
// property, compared without case and separators, or a number from 1. ROLE is
// value, type, firstSeen, added, lastSeen, validUntil, confidence, tlp, context,
// reference, actor, tool, active, ignore, or a kind of observables, such as
// domain, ipAddress, url or sha256.
func ParseMapping(s string) (Mapping, error) {
	var out Mapping
	for i, part := range strings.Split(s, ",") {
		name, word, ok := strings.Cut(part, "=")
		name, word = strings.TrimSpace(name), strings.TrimSpace(word)
		if !ok || name == "" || word == "" {
			return nil, fmt.Errorf("mapping: part %d, %q: want COLUMN=ROLE", i+1, part)
		}
		m := mapped{head: folded(name), at: -1}
		if n, err := strconv.Atoi(name); err == nil {
			if n < 1 || n > maxColumns {
				return nil, fmt.Errorf("mapping: part %d, %q: columns are numbered from 1 to %d", i+1, part, maxColumns)
			}
			m.head, m.at = "", n-1
		}
		role, known := roleNames[folded(word)]
		switch of := slices.IndexFunc(observable.Kinds, func(k observable.Kind) bool { return folded(string(k)) == folded(word) }); {
		case known:
			m.column = column{role: role}
		case of >= 0:
			m.column = column{role: isTyped, kind: observable.Kinds[of]}
		default:
			return nil, fmt.Errorf("mapping: part %d, %q: %q is no role: want value, type, firstSeen, added, lastSeen, validUntil, confidence, tlp, context, reference, actor, tool, active, ignore, or a kind such as domain, ipAddress, url, sha256", i+1, part, word)
		}
		m.column.head = name
		out = append(out, m)
	}
	return out, nil
}

// column returns what the mapping says of a column, by its heading or its number.
func (m Mapping) column(head string, at int) (column, bool) {
	for _, x := range m {
		if x.head != "" && x.head == folded(head) || x.at >= 0 && x.at == at {
			c := x.column
			if head != "" {
				c.head = head
			}
			return c, true
		}
	}
	return column{}, false
}

// apply returns the columns of a row of headings as the mapping has them.
func (m Mapping) apply(cols []column, row []string) []column {
	for i := range row {
		if c, ok := m.column(row[i], i); ok {
			cols[i] = c
		}
	}
	return cols
}
