package store

import (
	"context"
	"database/sql"
)

// bulkRows is how many rows go into one statement: the cost of a call into the
// database is shared by so many.
const bulkRows = 40

// A bulk gathers rows for one INSERT. Close writes what is left. No key may
// come twice between two calls of flush.
type bulk struct {
	ctx   context.Context
	tx    *sql.Tx
	head  string // INSERT INTO t (…) VALUES
	tail  string // ON CONFLICT …
	marks string // (?, ?, …)
	cols  int
	args  []any
	full  *sql.Stmt

	changed bool // some statement altered a row
}

func newBulk(ctx context.Context, tx *sql.Tx, head string, cols int, tail string) *bulk {
	return &bulk{ctx: ctx, tx: tx, head: head, tail: tail, cols: cols, marks: "(" + marks(cols) + ")"}
}

func (b *bulk) add(row ...any) error {
	b.args = append(b.args, row...)
	if len(b.args) < bulkRows*b.cols {
		return nil
	}
	if b.full == nil {
		var err error
		if b.full, err = b.tx.PrepareContext(b.ctx, b.text(bulkRows)); err != nil {
			return err
		}
	}
	return b.did(b.full.ExecContext(b.ctx, b.args...))
}

func (b *bulk) did(res sql.Result, err error) error {
	b.args = b.args[:0]
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	b.changed = b.changed || n > 0
	return err
}

func (b *bulk) text(rows int) string {
	text := b.head + " "
	for i := range rows {
		if i > 0 {
			text += ", "
		}
		text += b.marks
	}
	return text + " " + b.tail
}

// flush writes the rows that wait.
func (b *bulk) flush() error {
	if len(b.args) == 0 {
		return nil
	}
	return b.did(b.tx.ExecContext(b.ctx, b.text(len(b.args)/b.cols), b.args...))
}

// flushAll writes what waits in several, in order.
func flushAll(list ...*bulk) error {
	for _, b := range list {
		if err := b.flush(); err != nil {
			return err
		}
	}
	return nil
}
