package store

import (
	lru "container/list"
	"context"
	"database/sql"
	"sync"
)

// How many statements are kept ready, and how long one may be in bytes. Each
// connection of SQLite holds its own, of some ten kilobytes.
const (
	maxPrepared     = 128
	maxPreparedText = 8 << 10
)

// prepared holds the statements that were asked last, ready to be asked again:
// to parse and plan one takes SQLite longer than to find a row by its key. What
// a query's shape makes of it is text; its values are bound, so that few texts
// serve most requests. PostgreSQL's driver does the same by itself.
//
// It is safe for concurrent use.
type prepared struct {
	mu     sync.Mutex
	byText map[string]*lru.Element // of *readied
	used   *lru.List               // the latest first
}

// A readied is a statement. It is prepared when its text comes a second time,
// since many never do.
type readied struct {
	text    string
	stmt    *sql.Stmt // nil: it was seen once
	users   int       // that ask it now
	dropped bool      // it is closed with the last of them
}

func newPrepared() *prepared { return &prepared{byText: map[string]*lru.Element{}, used: lru.New()} }

// take returns the statement of a text, nil if it is not to be kept. drop must
// follow.
func (p *prepared) take(ctx context.Context, db *sql.DB, text string) *readied {
	if p == nil || len(text) > maxPreparedText {
		return nil
	}
	p.mu.Lock()
	e := p.byText[text]
	if e == nil {
		p.byText[text] = p.used.PushFront(&readied{text: text})
		closed := p.trim()
		p.mu.Unlock()
		if closed != nil {
			_ = closed.Close() // nobody can use it any more
		}
		return nil
	}
	p.used.MoveToFront(e)
	r := e.Value.(*readied)
	r.users++
	ready := r.stmt != nil
	p.mu.Unlock()
	if ready {
		return r
	}
	stmt, err := db.PrepareContext(ctx, text)
	p.mu.Lock()
	switch {
	case err != nil: // it is told when the text is asked
	case r.stmt == nil:
		r.stmt = stmt
	default: // another was faster
		defer stmt.Close()
	}
	ready = r.stmt != nil
	p.mu.Unlock()
	if !ready {
		p.drop(r)
		return nil
	}
	return r
}

// trim forgets the statement that was not asked for longest, if there are too
// many, and returns it if it is to be closed now.
func (p *prepared) trim() *sql.Stmt {
	if p.used.Len() <= maxPrepared {
		return nil
	}
	r := p.used.Remove(p.used.Back()).(*readied)
	delete(p.byText, r.text)
	r.dropped = true
	if r.users > 0 {
		return nil
	}
	return r.stmt
}

// drop ends the use of a statement. Rows that it gave may still be read.
func (p *prepared) drop(r *readied) {
	p.mu.Lock()
	r.users--
	last := r.dropped && r.users == 0 && r.stmt != nil
	p.mu.Unlock()
	if last {
		_ = r.stmt.Close() // waits for its rows
	}
}

// query asks for rows, with a statement that is kept.
func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	r := s.prepared.take(ctx, s.read, text)
	if r == nil {
		return s.read.QueryContext(ctx, text, args...)
	}
	defer s.prepared.drop(r)
	return r.stmt.QueryContext(ctx, args...)
}

// queryRow asks for one row likewise.
func (s *Store) queryRow(ctx context.Context, text string, args ...any) *sql.Row {
	r := s.prepared.take(ctx, s.read, text)
	if r == nil {
		return s.read.QueryRowContext(ctx, text, args...)
	}
	defer s.prepared.drop(r)
	return r.stmt.QueryRowContext(ctx, args...)
}

// brief is the context of a statement that finds a row by its key. In SQLite that
// takes microseconds, of which watching over a context that may end is a third;
// what it waits for is a connection, and those are given back when their queries
// end. A server may not answer at all.
func (s *Store) brief(ctx context.Context) context.Context {
	if s.postgres {
		return ctx
	}
	return context.WithoutCancel(ctx)
}
