package lists

import (
	"strings"

	"dossier/internal/intel"
)

// headed takes a row of headings, as far as the content bears them out.
func (t *table) headed(cols []column, row []string) {
	t.ready, t.cols = true, verified(t.o.Map.apply(cols, row), row, t.sample)
}

// maxSample is how many rows are looked at to see what the columns hold.
const maxSample = 64

// sampleRows returns the first rows that are one line each and no comment.
func sampleRows(head []byte, comma byte) [][]string {
	var out [][]string
	for _, l := range headLines(head) {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		if row, open := fields(l, comma); !open {
			out = append(out, row)
		}
		if len(out) == maxSample {
			break
		}
	}
	return out
}

// verified holds headings against what stands below them. A column that is
// called as if it had observables, and has none while others do, is context; where none
// of those so called has any, the column that has most takes their place.
func verified(cols []column, heading []string, sample [][]string) []column {
	hits, filled := make([]int, len(cols)), make([]int, len(cols))
	for _, row := range sample {
		if len(row) > 0 && len(heading) > 0 && row[0] == heading[0] {
			continue
		}
		for i, f := range row {
			if i >= len(cols) || f == "" || intel.Placeholder(f) {
				continue
			}
			filled[i]++
			if vs := several(cols[i].kind, f); len(vs) > 0 {
				if _, err := parseAs(cols[i].kind, vs[0]); err == nil {
					hits[i]++
				}
			}
		}
	}
	good, called, best := false, false, -1
	for i, c := range cols {
		switch c.role {
		case isTypeName:
			return cols // then values may be names of files and the like
		case isValue, isTyped:
			called = called || filled[i] > 0
			good = good || hits[i] > 0
		case isIgnored, isContext:
			if hits[i]*2 > filled[i] && guessable(c.head) && (best < 0 || hits[i] > hits[best]) {
				best = i
			}
		}
	}
	for i, c := range cols {
		switch {
		case c.role != isValue && c.role != isTyped:
		case good && filled[i] > 1 && hits[i] == 0:
			cols[i].role = isContext
		case !good && called && best >= 0:
			cols[i].role, cols[best].role = isContext, isValue
		}
	}
	return cols
}
