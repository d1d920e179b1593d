package store

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"dossier/internal/odata"

	"modernc.org/sqlite"
)

// A dialect is what databases write differently. Everything else that is
// emitted for a query means the same to SQLite and PostgreSQL.
type dialect struct {
	postgres bool
	// contains is the condition that a text has a part. Case counts. LIKE would
	// not do: SQLite's ignores the case of ASCII letters.
	contains func(text, part fragment) fragment
	// lower and upper are the functions that do what odata.Lower and odata.Upper do.
	lower, upper string
	// key is what rows of a table with the primary key (id, tlp_lo) are found again by within a statement, as columns, and
	// found says that a row is the one of the row "found" that has them.
	key, found string
	// json is the text at a path, as a.b, of the JSON object in a column of bytes.
	json func(column, path string) string
}

var sqliteDialect = dialect{
	contains: func(text, part fragment) fragment { return sqlf("INSTR(", text, ", ", part, ") > 0") },
	lower:    "dossier_lower",
	upper:    "dossier_upper",
	key:      "@.rowid AS k0",
	found:    "@.rowid = found.k0",
	json: func(column, path string) string {
		return "(CAST(" + column + " AS TEXT) ->> '$." + path + "')"
	},
}

func init() {
	// SQLite's own functions know ASCII only.
	for name, f := range map[string]func(string) string{sqliteDialect.lower: odata.Lower, sqliteDialect.upper: odata.Upper} {
		sqlite.MustRegisterDeterministicScalarFunction(name, 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			switch s := args[0].(type) {
			case nil:
				return nil, nil
			case string:
				return f(s), nil
			}
			return nil, fmt.Errorf("%s of a %T", name, args[0])
		})
	}
}

// A fragment is a piece of SQL with what is to be bound to it, in order.
type fragment struct {
	sql  string
	args []any
}

// sqlf joins pieces: strings are SQL, fragments bring their arguments.
func sqlf(parts ...any) fragment {
	var b strings.Builder
	var f fragment
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case fragment:
			b.WriteString(p.sql)
			f.args = append(f.args, p.args...)
		}
	}
	f.sql = b.String()
	return f
}

// listed is the values as a list in parentheses.
func listed[T any](values []T) fragment {
	return fragment{"(" + marks(len(values)) + ")", anys(values)}
}
