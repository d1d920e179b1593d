package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// A sortKey is one term of the order of a page: an expression that is never NULL.
type sortKey struct {
	sql  string
	desc bool
	text bool // strings, else integers
}

// order returns the terms of $orderby, then the key, so that the order is total.
func order(set entitySet, items []odata.Order) ([]sortKey, error) {
	var keys []sortKey
	e := emitter{set: set}
	byID := false
	for _, item := range items {
		col, ok := e.column(item.Path)
		if !ok {
			return nil, fmt.Errorf("order by %s has no column", item.Path)
		}
		kind := item.Path.Kind()
		keys = append(keys, sortKey{sql: col.sort, desc: item.Desc, text: kind == odata.String || col.enumText})
		byID = byID || col.sql == set.id
	}
	if !byID {
		keys = append(keys, sortKey{sql: set.id, text: true})
	}
	return keys, nil
}

func orderSQL(keys []sortKey) string {
	terms := make([]string, len(keys))
	for i, k := range keys {
		terms[i] = k.sql
		if k.desc {
			terms[i] += " DESC"
		}
	}
	return strings.Join(terms, ", ")
}

// after returns the condition for rows that come after the given values:
// a > ? OR (a = ? AND (b > ? OR (…))).
func after(keys []sortKey, values []any) (string, []any) {
	k := keys[0]
	cmp := " > ?"
	if k.desc {
		cmp = " < ?"
	}
	if len(keys) == 1 {
		return k.sql + cmp, values[:1]
	}
	rest, args := after(keys[1:], values[1:])
	return "(" + k.sql + cmp + " OR (" + k.sql + " = ? AND " + rest + "))", append([]any{values[0], values[0]}, args...)
}

// A token is a place in an order: the sort values of the last row that was
// served. It survives any change of other rows.
type token struct {
	Query  string `json:"q"` // digest of what the place depends on
	Values []any  `json:"v"`
}

// queryDigest identifies the order and the selection of rows that a token is for.
func queryDigest(scope string, q *odata.Query) string {
	var b strings.Builder
	b.WriteString(scope)
	for _, o := range q.OrderBy {
		b.WriteString("\x00" + o.String())
	}
	if q.Filter != nil {
		b.WriteString("\x00f" + q.Filter.String())
	}
	if q.Search != nil {
		b.WriteString("\x00s" + fmt.Sprint(q.Search))
	}
	return digest([]byte(b.String()))[:8]
}

func (t token) encode() string {
	b, err := encodeJSON(t)
	if err != nil {
		panic(err) // strings and integers only
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// badToken is the answer to a token that this query did not give out.
func badToken() error {
	return &odata.Error{Code: odata.CodeBadRequest, Message: "Invalid value of $skiptoken: it does not belong to this query. Start again without it.", Target: "$skiptoken"}
}

// decodeToken reads a token and checks that it fits the query.
func decodeToken(s, digest string, keys []sortKey) ([]any, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, badToken()
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var t token
	if err := dec.Decode(&t); err != nil || t.Query != digest || len(t.Values) != len(keys) {
		return nil, badToken()
	}
	for i, v := range t.Values {
		switch v := v.(type) {
		case string:
			if !keys[i].text || strings.ContainsRune(v, 0) {
				return nil, badToken()
			}
		case json.Number:
			n, err := v.Int64()
			if err != nil || keys[i].text {
				return nil, badToken()
			}
			t.Values[i] = n
		default:
			return nil, badToken()
		}
	}
	return t.Values, nil
}

// A View says for whom an answer is made.
type View struct {
	Ceiling intel.TLP // highest marking that may be seen
	Mode    Mode
}

// A Mode chooses among indicators.
type Mode string

// The modes: served by default are all that are not revoked, historical ones
// included.
const (
	Default Mode = ""
	Active  Mode = "active" // not past their validity
	All     Mode = "all"
)
