package store

import (
	"context"
	"database/sql"
)

// dropIndexes drops the indexes of a table, but for those of its keys, and returns
// the statements that make them again.
func (d dialect) dropIndexes(ctx context.Context, tx *sql.Tx, table string) (again []string, err error) {
	query := "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name"
	if d.postgres {
		query = `SELECT i.relname, pg_get_indexdef(i.oid) FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
			JOIN pg_class AS t ON t.oid = x.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
			WHERE n.nspname = current_schema() AND t.relname = ? AND NOT x.indisprimary ORDER BY i.relname`
	}
	rows, err := tx.QueryContext(ctx, query, table)
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
