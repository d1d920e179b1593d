package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dossier/internal/odata"
)

// A list is a table that is served in pages.
type list[T any] struct {
	set     *entitySet
	alias   string // of the table, in from
	view    View
	scope   string // what the rows are, for tokens
	columns string
	from    string
	where   fragment
	// deferred is set if the rows of a page in a chosen order are found before they are read; the key of the table is
	// (id, tlp_lo).
	deferred bool
	scan     func(rows scanner, more ...any) (T, error)
}

// queryBudget bounds the time of a statement that a client's filter, order or
// search shapes. What an index serves takes milliseconds, and a scan of a
// million indicators about a second, so only what multiplies rows with rows, or scans
// very many, comes near it.
const queryBudget = 10 * time.Second

// tooCostly is the answer to what would take longer. Trying again does not help, so it is no 503.
func tooCostly(after time.Duration) error {
	return &odata.Error{
		Code: odata.CodeBadRequest,
		Message: fmt.Sprintf("The query is too costly: it was stopped after %s. Equality, in and startswith on ids, titles, aliases and values use an index; "+
			"contains, endswith and nested conditions on indicators look at all of them, so ask for those of one profile.", after),
		Target: "$filter",
	}
}

// within runs f with the time that a query may take.
func (s *Store) within(ctx context.Context, f func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.budget)
	defer cancel()
	err := f(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return tooCostly(s.budget)
	}
	return err
}

// conditions returns the WHERE of a query, without paging.
func (l *list[T]) conditions(e *emitter, q *odata.Query) (fragment, error) {
	where := l.where
	if q.Filter != nil {
		cond, err := e.condition(q.Filter)
		if err != nil {
			return where, fmt.Errorf("$filter=%s: %w", q.Filter, err)
		}
		where = sqlf(where, " AND (", cond, ")")
	}
	if q.Search != nil {
		cond, err := e.search(q.Search)
		if err != nil {
			return where, err
		}
		where = sqlf(where, " AND (", cond, ")")
	}
	return where, nil
}

// count returns how many rows match a query. A number is kept until something
// changes.
func (l *list[T]) count(ctx context.Context, s *Store, q *odata.Query) (n int64, err error) {
	if l.view.Mode == Active { // depends on the time
		return l.counted(ctx, s, q)
	}
	return s.counts.number(ctx, s, fmt.Sprint(l.view.Ceiling, "\x00", selection(l.scope, q)), func() (int64, error) { return l.counted(ctx, s, q) })
}

func (l *list[T]) counted(ctx context.Context, s *Store, q *odata.Query) (n int64, err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		where, err := l.conditions(s.emitter(ctx, l.set, l.alias, l.view), q)
		if err != nil {
			return err
		}
		return s.queryRow(ctx, "SELECT COUNT(*) FROM "+l.from+" WHERE "+where.sql, where.args...).Scan(&n)
	})
	return n, err
}

func (l *list[T]) page(ctx context.Context, s *Store, q *odata.Query) (page *Page[T], err error) {
	count := int64(-1)
	if q.Count && q.SkipToken == "" {
		if count, err = l.count(ctx, s, q); err != nil {
			return nil, err
		}
	}
	err = s.within(ctx, func(ctx context.Context) error {
		query, keys, err := l.statement(ctx, s, q)
		if err != nil {
			return err
		}
		page, err = l.rows(ctx, s, q, query, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	page.Count = count
	return page, nil
}

// statement returns the SELECT of a page. It asks for one row more than a page
// has, to learn whether there is a next.
//
// In an order that the client chose, the rows of the page are found first, by
// what an index may hold, and then read: the database may have to sort more rows
// than the page has.
func (l *list[T]) statement(ctx context.Context, s *Store, q *odata.Query) (query fragment, keys []sortKey, err error) {
	e := s.emitter(ctx, l.set, l.alias, l.view)
	if keys, err = e.order(q.OrderBy); err != nil {
		return query, nil, err
	}
	where, err := l.conditions(e, q)
	if err != nil {
		return query, nil, err
	}
	if q.SkipToken != "" {
		values, err := decodeToken(q.SkipToken, queryDigest(l.scope, q), keys)
		if err != nil {
			return query, nil, err
		}
		where = sqlf(where, " AND (", after(keys, values), ")")
	}
	rows := sqlf(sortColumns(keys), " FROM "+l.from+" WHERE ", where, " ORDER BY "+orderSQL("", keys), fragment{" LIMIT ?", []any{q.Top + 1}})
	if q.Skip > 0 && q.SkipToken == "" {
		rows = sqlf(rows, fragment{" OFFSET ?", []any{q.Skip}})
	}
	if len(keys) == 1 || !l.deferred {
		return sqlf("SELECT "+l.columns, rows), keys, nil
	}
	at := place{l.set, l.alias}
	query = sqlf("SELECT "+l.columns, keptColumns("found", keys), " FROM (SELECT "+at.at(s.dialect.key), rows, ") found JOIN "+l.from+" ON "+at.at(s.dialect.found),
		" ORDER BY "+orderSQL("found.", keys))
	return query, keys, nil
}

func (l *list[T]) rows(ctx context.Context, s *Store, q *odata.Query, query fragment, keys []sortKey) (*Page[T], error) {
	page := &Page[T]{Items: []T{}, Count: -1}
	rows, err := s.query(ctx, query.sql, query.args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", strings.Fields(l.from)[0], err)
	}
	defer rows.Close()
	values, dest := sortValues(keys)
	for rows.Next() {
		if len(page.Items) == q.Top {
			page.Next = token{Query: queryDigest(l.scope, q), Values: values()}.encode()
			return page, nil
		}
		item, err := l.scan(rows, dest...)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, item)
	}
	return page, rows.Err()
}

// sortValues returns where to scan the sort values of a row, and a function
// that reads those of the row that was scanned last.
func sortValues(keys []sortKey) (values func() []any, dest []any) {
	texts, ints := make([]string, len(keys)), make([]int64, len(keys))
	dest = make([]any, len(keys))
	for i, k := range keys {
		if k.text {
			dest[i] = &texts[i]
		} else {
			dest[i] = &ints[i]
		}
	}
	return func() []any {
		out := make([]any, len(keys))
		for i, k := range keys {
			if k.text {
				out[i] = texts[i]
			} else {
				out[i] = ints[i]
			}
		}
		return out
	}, dest
}
