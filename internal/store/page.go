package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// A sortKey is one term of the order of a page: an expression that is never NULL.
type sortKey struct {
	fragment
	desc bool
	text bool // strings, else integers
}

// order returns the terms of $orderby, then the key, so that the order is total.
// A property that may be null has two: whether there is a value, then the value.
func (e *emitter) order(items []odata.Order) ([]sortKey, error) {
	var keys []sortKey
	byID := false
	for _, item := range items {
		v, err := e.sortValue(item)
		if err != nil {
			return nil, err
		}
		kind := item.Path.Kind()
		text := kind == odata.String || kind == odata.Guid || kind == odata.EnumType && byName(item.Path.Leaf().Enum)
		if v.nullable {
			none := "0"
			if text {
				none = "''"
			}
			keys = append(keys, sortKey{sqlf("CASE WHEN ", v.fragment, " IS NULL THEN 0 ELSE 1 END"), item.Desc, false})
			v.fragment = sqlf("COALESCE(", v.fragment, ", "+none+")")
		}
		keys = append(keys, sortKey{v.fragment, item.Desc, text})
		byID = byID || v.sql == e.root.at(e.root.set.id)
	}
	if !byID {
		keys = append(keys, sortKey{fragment{sql: e.root.at(e.root.set.id)}, false, true})
	}
	return keys, nil
}

// sortValue is what rows are sorted by: of a long text, its beginning.
func (e *emitter) sortValue(o odata.Order) (value, error) {
	v, err := e.value(o.Path, o.Exact())
	if err != nil || o.Path.Count {
		return v, err
	}
	at, key, guard, err := e.resolve(o.Path)
	col := at.set.columns[key]
	if err != nil || guard == no.sql || col.sort == "" {
		return v, err
	}
	v.sql = at.at(col.sort)
	v.nullable = v.nullable && !(col.zero && guard == "")
	if guard != "" {
		v.sql = "CASE WHEN " + guard + " THEN " + v.sql + " END"
	}
	return v, nil
}

// sortName names the n-th term of an order in the list of columns.
func sortName(n int) string { return "sort" + strconv.Itoa(n) }

// sortColumns returns the terms as columns, with a comma before each.
func sortColumns(keys []sortKey) fragment {
	var f fragment
	for i, k := range keys {
		f = sqlf(f, ", ", k.fragment, " AS "+sortName(i))
	}
	return f
}

// keptColumns names them, as columns of a table that has them.
func keptColumns(table string, keys []sortKey) string {
	var b strings.Builder
	for i := range keys {
		b.WriteString(", " + table + "." + sortName(i))
	}
	return b.String()
}

// orderSQL is what stands behind ORDER BY; of is put before each name.
func orderSQL(of string, keys []sortKey) string {
	terms := make([]string, len(keys))
	for i, k := range keys {
		terms[i] = of + sortName(i)
		if k.desc {
			terms[i] += " DESC"
		}
	}
	return strings.Join(terms, ", ")
}

// after returns the condition for rows that come after the given values:
// a >= ? AND (a > ? OR (a = ? AND (b > ? OR (…)))). The first part says nothing
// new; it is what an index can begin at.
func after(keys []sortKey, values []any) fragment {
	bound := func(i int) fragment { return fragment{"?", []any{values[i]}} }
	cmp := func(i int) string {
		if keys[i].desc {
			return " < "
		}
		return " > "
	}
	last := len(keys) - 1
	cond := sqlf(keys[last].fragment, cmp(last), bound(last))
	for i := last - 1; i >= 0; i-- {
		cond = sqlf("(", keys[i].fragment, cmp(i), bound(i), " OR (", keys[i].fragment, " = ", bound(i), " AND ", cond, "))")
	}
	if last > 0 {
		cond = sqlf(keys[0].fragment, strings.TrimSuffix(cmp(0), " ")+"= ", bound(0), " AND ", cond)
	}
	return cond
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
	for _, o := range q.OrderBy {
		b.WriteString("\x00" + o.String())
	}
	return digest([]byte(selection(scope+b.String(), q)))[:8]
}

// selection identifies the rows that match a query.
func selection(scope string, q *odata.Query) string {
	var b strings.Builder
	b.WriteString(scope)
	if q.Filter != nil {
		b.WriteString("\x00f" + q.Filter.String())
	}
	if q.Search != nil {
		b.WriteString("\x00s" + fmt.Sprint(q.Search))
	}
	return b.String()
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

// The modes. The API's collections serve those that are shown: not withdrawn and
// not guarded, historical ones included. Hunts and exports take the active ones.
const (
	Shown  Mode = ""
	Active Mode = "active" // shown, and above the confidence floor now
	All    Mode = "all"
)
