package store

import (
	"context"
	"database/sql"
)

// dropIndexes drops the indexes of a table in SQLite, but for those of its keys,
// and returns the statements that make them again.
func dropIndexes(ctx context.Context, tx *sql.Tx, table string) (again []string, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name", table)
	if err != nil {
		return nil, err
	}
	var names []string
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			rows.Close()
			return nil, err
		}
		names, again = append(names, name), append(again, text)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := tx.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return nil, err
		}
	}
	return again, nil
}

// sortIn tells SQLite where the connection that writes keeps what it sorts: in
// "file" or "memory". It cannot be told so in a transaction.
func (s *Store) sortIn(ctx context.Context, where string) error {
	_, err := s.write.ExecContext(ctx, "PRAGMA temp_store = "+where)
	return err
}
