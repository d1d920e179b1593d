package store

import (
	"context"
	"database/sql"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// queried is what a profile's row holds for $filter and $orderby, in the order
// of the columns from slot to tradecraft_sort.
func queried(p *intel.Profile, slot int64) []any {
	row := []any{slot, len(p.Aliases), len(p.Targets), len(p.Origins), formatValue(&p.Summary), formatValue(&p.Description)}
	if p.Tradecraft == nil {
		return append(row, nil, sortText(p.Summary.Content), sortText(p.Description.Content), nil)
	}
	return append(row, formatValue(p.Tradecraft), sortText(p.Summary.Content), sortText(p.Description.Content), sortText(p.Tradecraft.Content))
}

// formatValue is the value of the member of contentFormat, by which formats sort.
func formatValue(c *intel.FormattedContent) int {
	if m := Types.ContentFormat.Member(c.Format); m != nil {
		return m.Value
	}
	return 0
}

// sortText is what a long text is sorted by.
func sortText(s string) string { return Fold(firstRunes(s, sortPrefix)) }

// valueRows writes the elements of profiles' collections.
type valueRows struct {
	strings, origins *bulk
}

func newValueRows(ctx context.Context, tx *sql.Tx) valueRows {
	return valueRows{
		newBulk(ctx, tx, "INSERT INTO profile_value (profile_id, tlp_lo, tlp_hi, property, n, value, fold) VALUES", 7, ""),
		newBulk(ctx, tx, "INSERT INTO profile_origin (profile_id, tlp_lo, tlp_hi, n, label, label_fold, code, code_fold) VALUES", 8, ""),
	}
}

func (w valueRows) add(p *intel.Profile, lo, hi intel.TLP) error {
	for _, c := range []struct {
		property string
		values   []string
	}{{"aliases", p.Aliases}, {"targets", p.Targets}} {
		for n, v := range c.values {
			if err := w.strings.add(p.ID, int(lo), int(hi), c.property, n, v, odata.Fold(v)); err != nil {
				return err
			}
		}
	}
	for n, o := range p.Origins {
		if err := w.origins.add(p.ID, int(lo), int(hi), n, o.Label, Fold(o.Label), o.Code, Fold(o.Code)); err != nil {
			return err
		}
	}
	return nil
}
