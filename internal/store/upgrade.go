package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"dossier/internal/intel"
)

// upgradeChunk is how many profiles' bodies are in memory at once.
const upgradeChunk = 100

// fillQuery fills what the second schema added, from the bodies and texts that
// the first one kept; the indicators come later, with [fillIndicators]. It makes no change that a reader of deltas sees.
func fillQuery(ctx context.Context, tx *sql.Tx) error {
	if err := setMeta(ctx, tx, "version.grams", versions["grams"]); err != nil {
		return err
	}
	return fillProfiles(ctx, tx)
}

type bodyRow struct {
	profileKey
	hi   intel.TLP
	body []byte
}

func fillProfiles(ctx context.Context, tx *sql.Tx) error {
	update, err := tx.PrepareContext(ctx, `UPDATE profile SET slot = ?, alias_count = ?, target_count = ?, origin_count = ?, summary_format = ?,
		description_format = ?, tradecraft_format = ?, summary_sort = ?, description_sort = ?, tradecraft_sort = ? WHERE id = ? AND tlp_lo = ?`)
	if err != nil {
		return err
	}
	defer update.Close()
	values := newValueRows(ctx, tx)
	slots := map[string]int64{}
	var written gramWriter
	last := profileKey{lo: -1}
	for {
		rows, err := bodies(ctx, tx, last)
		if err != nil {
			return err
		}
		for _, r := range rows {
			p := new(intel.Profile)
			if err := json.Unmarshal(r.body, p); err != nil {
				return fmt.Errorf("profile %s: %w", r.id, err)
			}
			slot, ok := slots[r.id]
			if !ok {
				slot = int64(len(slots))
				slots[r.id] = slot
			}
			if _, err := update.ExecContext(ctx, append(queried(p, slot), r.id, int(r.lo))...); err != nil {
				return err
			}
			if err := values.add(p, r.lo, r.hi); err != nil {
				return err
			}
			texts, err := storedTexts(ctx, tx, r.profileKey)
			if err != nil {
				return err
			}
			written.add(slot, gramsOf(texts))
			last = r.profileKey
		}
		if len(rows) < upgradeChunk {
			break
		}
	}
	if err := flushAll(values.strings, values.origins); err != nil {
		return err
	}
	return written.flush(ctx, tx)
}

// bodies returns the next profiles after a key.
func bodies(ctx context.Context, tx *sql.Tx, after profileKey) ([]bodyRow, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, tlp_lo, tlp_hi, body FROM profile WHERE (id, tlp_lo) > (?, ?) ORDER BY id, tlp_lo LIMIT ?",
		after.id, int(after.lo), upgradeChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []bodyRow
	for rows.Next() {
		var r bodyRow
		if err := rows.Scan(&r.id, &r.lo, &r.hi, &r.body); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func storedTexts(ctx context.Context, tx *sql.Tx, k profileKey) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT field, text FROM profile_text WHERE profile_id = ? AND tlp_lo = ?", k.id, int(k.lo))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	texts := map[string]string{}
	for rows.Next() {
		var field, text string
		if err := rows.Scan(&field, &text); err != nil {
			return nil, err
		}
		texts[field] = text
	}
	return texts, rows.Err()
}

// fillGrams fills the empty table of grams from the texts of all profiles.
func fillGrams(ctx context.Context, tx *sql.Tx) error {
	type slotRow struct {
		profileKey
		slot int64
	}
	rows, err := tx.QueryContext(ctx, "SELECT id, tlp_lo, slot FROM profile")
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []slotRow
	for rows.Next() {
		var r slotRow
		if err := rows.Scan(&r.id, &r.lo, &r.slot); err != nil {
			return err
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var written gramWriter
	for _, r := range all {
		texts, err := storedTexts(ctx, tx, r.profileKey)
		if err != nil {
			return err
		}
		written.add(r.slot, gramsOf(texts))
	}
	if err := written.flush(ctx, tx); err != nil {
		return err
	}
	return setMeta(ctx, tx, "version.grams", versions["grams"])
}

// fillIndicators folds every indicator into the tables that the seventh schema
// emptied; rows keep their positions. It makes no change that a reader of deltas sees.
func fillIndicators(ctx context.Context, tx *sql.Tx) error {
	f := folder{ctx: ctx, tx: tx, q: tx, positions: map[string]int64{}}
	if err := f.start(); err != nil {
		return err
	}
	last := ""
	for {
		ids, err := f.after(last)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return nil
		}
		if err := f.refold(ids); err != nil {
			return err
		}
		if err := flushAll(f.indicators, f.ofProfiles, f.profiles); err != nil {
			return err
		}
		last = ids[len(ids)-1]
	}
}

// after returns the next ids of indicators and remembers their positions.
func (f *folder) after(last string) (ids []string, err error) {
	rows, err := f.tx.QueryContext(f.ctx, "SELECT id, MAX(position) FROM indicator_first WHERE id > ? GROUP BY id ORDER BY id LIMIT ?", last, foldChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	clear(f.positions)
	for rows.Next() {
		var id string
		var position int64
		if err := rows.Scan(&id, &position); err != nil {
			return nil, err
		}
		ids = append(ids, id)
		f.positions[id] = position
	}
	return ids, rows.Err()
}
