package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"dossier/internal/intel"
)

// SaveRun keeps the record of a run; saving it again replaces it.
func (s *Store) SaveRun(ctx context.Context, r *intel.Run) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.write.ExecContext(ctx, `INSERT INTO run (id, started, finished, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET finished = excluded.finished, body = excluded.body`, r.ID, int64(r.Started), int64(r.Finished), string(body))
	return err
}

// Runs returns the newest runs, at most limit of them.
func (s *Store) Runs(ctx context.Context, limit int) ([]*intel.Run, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT body FROM run ORDER BY started DESC, id LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*intel.Run
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		r := new(intel.Run)
		if err := json.Unmarshal([]byte(body), r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

const metaCatalog = "catalog.version"

// CatalogVersion returns the version of the catalogue that was loaded last, ""
// if none was.
func (s *Store) CatalogVersion(ctx context.Context) (string, error) { return s.meta(ctx, metaCatalog) }

// SetCatalogVersion remembers which catalogue is loaded.
func (s *Store) SetCatalogVersion(ctx context.Context, v string) error {
	return s.inTx(ctx, func(tx *sql.Tx) error { return setMeta(ctx, tx, metaCatalog, v) })
}
