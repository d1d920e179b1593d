package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dossier/internal/odata"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// isPostgres reports whether a path is the URL of a PostgreSQL database.
func isPostgres(path string) bool {
	return strings.HasPrefix(path, "postgres://") || strings.HasPrefix(path, "postgresql://")
}

// Connections to one PostgreSQL server. Writes take turns as they do in SQLite.
const (
	postgresReaders = 16
	postgresName    = "dossier" // application_name, unless the URL has one
)

// openPostgres connects to the database of a URL, in the forms of libpq.
func openPostgres(raw string) (write, read *sql.DB, err error) {
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		// The driver's own message may hold the password.
		return nil, nil, &OpenError{Path: "postgres://…", Msg: "the URL cannot be read", Hint: "want postgres://user:password@host:5432/database?sslmode=verify-full"}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = postgresName
	}
	// Hundreds of EXISTS would be planned as one join of hundreds of tables, for
	// seconds; joins are written in the order that is meant. Poolers would refuse
	// this as a parameter of the connection.
	connector := rebinding{stdlib.GetConnector(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		for _, set := range []string{"SET join_collapse_limit = 1", "SET from_collapse_limit = 1"} {
			if _, err := c.Exec(ctx, set); err != nil {
				return err
			}
		}
		return nil
	}))}
	write, read = sql.OpenDB(connector), sql.OpenDB(connector)
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(postgresReaders)
	read.SetMaxIdleConns(postgresReaders)
	return write, read, nil
}

// rebinding makes connections that take the statements of this package, in which
// arguments are question marks and truth values are numbers.
type rebinding struct{ driver.Connector }

func (r rebinding) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := r.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("unexpected connection %T", c)
	}
	return &reboundConn{conn}, nil
}

type reboundConn struct{ *stdlib.Conn }

func (c *reboundConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.Conn.PrepareContext(ctx, rebind(query))
}

func (c *reboundConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.ExecContext(ctx, rebind(query), args)
}

func (c *reboundConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.QueryContext(ctx, rebind(query), args)
}

// CheckNamedValue makes values of the sorts that database/sql knows of the
// arguments, as it would for any driver, and numbers of truth values.
func (c *reboundConn) CheckNamedValue(v *driver.NamedValue) error {
	value, err := driver.DefaultParameterConverter.ConvertValue(v.Value)
	if err != nil {
		return err
	}
	if b, ok := value.(bool); ok {
		value = int64(0)
		if b {
			value = int64(1)
		}
	}
	v.Value = value
	return nil
}

// rebind numbers the question marks outside of quotes.
func rebind(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 16)
	n, quoted := 0, false
	for i := range len(query) {
		switch c := query[i]; {
		case c == '\'':
			quoted = !quoted
			b.WriteByte(c)
		case c == '?' && !quoted:
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

var postgresDialect = dialect{
	postgres: true,
	contains: func(text, part fragment) fragment { return sqlf("STRPOS(", text, ", ", part, ") > 0") },
	lower:    "dossier_lower",
	upper:    "dossier_upper",
	key:      "@.id AS k0, @.tlp_lo AS k1",
	found:    "@.id = found.k0 AND @.tlp_lo = found.k1",
	json: func(column, path string) string {
		return "(convert_from(" + column + ", 'UTF8')::jsonb #>> '{" + strings.ReplaceAll(path, ".", ",") + "}')"
	},
}

// postgresSchema is a statement of a schema file as PostgreSQL takes it. Text is
// compared byte by byte, as SQLite does.
func postgresSchema(stmt string) string {
	for _, r := range [][2]string{{" TEXT", ` TEXT COLLATE "C"`}, {" BLOB", " BYTEA"}} {
		stmt = strings.ReplaceAll(stmt, r[0], r[1])
	}
	return stmt
}

// postgresFunctions make dossier_lower and dossier_upper, which map code points
// as odata.Lower and odata.Upper do, whatever the server's locale is.
func postgresFunctions() []string {
	var out []string
	for name, f := range map[string]func(string) string{postgresDialect.lower: odata.Lower, postgresDialect.upper: odata.Upper} {
		var from, to strings.Builder
		for r := rune(1); r <= unicode.MaxRune; r++ {
			if m := f(string(r)); utf8.ValidRune(r) && m != string(r) {
				from.WriteRune(r)
				to.WriteString(m)
			}
		}
		out = append(out, "CREATE OR REPLACE FUNCTION "+name+"(t TEXT) RETURNS TEXT LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT translate(t, '"+
			from.String()+"', '"+to.String()+"') $$")
	}
	return out
}

// postgresError says what is wrong with a PostgreSQL database, without what is
// secret in its URL.
func postgresError(raw string, err error) error {
	var known *OpenError
	if errors.As(err, &known) {
		return err
	}
	e := &OpenError{Path: postgresPath(raw), Msg: "cannot be used: " + err.Error(), Err: err}
	var refused *pgconn.ConnectError
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && strings.HasPrefix(pg.Code, "28"):
		e.Msg, e.Hint = "refuses the user: "+pg.Message, "check user and password in the URL"
	case errors.As(err, &pg) && pg.Code == "3D000":
		e.Msg, e.Hint = "does not exist", "create it first: createdb, with encoding UTF8"
	case errors.As(err, &pg) && pg.Code == "42501":
		e.Msg, e.Hint = "does not let the user make tables: "+pg.Message, "GRANT CREATE, USAGE ON SCHEMA public, or name another schema with ?search_path="
	case errors.As(err, &pg):
		e.Msg = "answers: " + pg.Message
	case errors.As(err, &refused):
		e.Msg, e.Hint = "cannot be reached", "is the server running, and does the URL name its host and port?"
	}
	return e
}

// postgresPath is the URL without its password.
func postgresPath(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "postgres://…"
	}
	return u.Redacted()
}

// postgresVersion is schemaVersion for PostgreSQL, where the number has a table of
// its own.
func (s *Store) postgresVersion(ctx context.Context) (have int, err error) {
	var ours, tables int
	err = s.write.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(*) FILTER (WHERE table_name = 'dossier_schema')
		FROM information_schema.tables WHERE table_schema = current_schema()`).Scan(&tables, &ours)
	switch {
	case err != nil:
		return 0, err
	case ours == 0 && tables > 0:
		return 0, &OpenError{Path: s.Path(), Msg: "has tables of another program", Hint: "use an empty database, or a schema of its own: ?search_path=dossier"}
	}
	for _, stmt := range append([]string{
		"CREATE TABLE IF NOT EXISTS dossier_schema (id BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL)",
		"INSERT INTO dossier_schema (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING",
	}, postgresFunctions()...) {
		if ours > 0 {
			break
		}
		if _, err := s.write.ExecContext(ctx, stmt); err != nil {
			return 0, err
		}
	}
	err = s.write.QueryRowContext(ctx, "SELECT version FROM dossier_schema WHERE id = 1").Scan(&have)
	return have, err
}
