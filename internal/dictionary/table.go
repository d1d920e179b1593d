package dictionary

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"dossier/internal/intel"
)

// A table is the head of a dictionary in rows.
type table struct {
	comma   rune
	columns []column
}

// headings is how many rows may stand before the headings: spreadsheets have
// notices there.
const headings = 8

// tableOf finds the row of headings and the separator of a table, if it is a
// dictionary.
func tableOf(head []byte) (*table, bool) {
	for _, comma := range []rune{',', '\t', ';', '|'} {
		rows := reader(head, comma)
		for range headings {
			row, err := rows.Read()
			if err != nil {
				break
			}
			if t := tableWith(row, comma); t != nil {
				return t, true
			}
		}
	}
	return nil, false
}

func tableWith(row []string, comma rune) *table {
	if len(row) < 2 || len(row) > 1000 || !dictionaryFields(row) {
		return nil
	}
	vendors := 0
	for _, heading := range row {
		if columnOf(heading, false).role == isVendor {
			vendors++
		}
	}
	t := &table{comma: comma}
	titled := false
	for _, heading := range row {
		c := columnOf(heading, vendors >= 2)
		if c.role == isTitle || c.role == isToolTitle {
			if titled {
				c.role = isNames // a second column of names
			}
			titled = true
		}
		t.columns = append(t.columns, c)
	}
	return t
}

func reader(data []byte, comma rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = comma, true, -1, false
	return r
}

func (d *decoder) table(data []byte) error {
	t, ok := tableOf(data)
	if !ok {
		return &intel.SyntaxError{Line: 1, Column: 1, Msg: "want a row of headings, one for the actor's name and one for its other names, or one an organisation"}
	}
	rows := reader(data, t.comma)
	for begun := false; ; {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			var bad *csv.ParseError
			if errors.As(err, &bad) {
				return &intel.SyntaxError{Line: bad.Line, Column: bad.Column, Msg: bad.Err.Error()}
			}
			return err
		}
		if !begun {
			begun = tableWith(row, t.comma) != nil
			continue
		}
		if err := d.ctx.Err(); err != nil {
			return err
		}
		line, _ := rows.FieldPos(0)
		position := fmt.Sprintf("line %d", line)
		var cells []cell
		empty := true
		for i, text := range row {
			empty = empty && strings.TrimSpace(text) == ""
			switch {
			case i < len(t.columns):
				cells = append(cells, textCell(t.columns[i], text))
			case strings.TrimSpace(text) != "":
				d.reject(position, "more fields than headings", text)
			}
		}
		if !empty {
			d.entry(position, "", cells, strings.Join(row, string(t.comma)))
		}
	}
}

// textCell is a field of text: names are between separators.
func textCell(c column, text string) cell {
	out := cell{column: c}
	if strings.TrimSpace(text) == "" {
		return out
	}
	switch c.role {
	case isNames, isVendor, isAttack:
		for _, n := range splitNames(text) {
			out.named = append(out.named, named{name: n, by: c.by})
		}
	case isText, isTitle, isToolTitle, isKey, isFirst, isModified, isOperation:
		out.texts = []string{strings.TrimSpace(text)}
	default:
		out.texts = splitWords(text)
	}
	return out
}

// splitNames splits several names in one field: at commas, semicolons, bars and
// ends of lines, and at slashes between names of three characters or more.
func splitNames(s string) (out []string) {
	for _, part := range splitWords(s) {
		pieces := strings.Split(strings.Trim(part, "/ "), "/")
		for _, p := range pieces {
			if len([]rune(strings.TrimSpace(p))) < 3 {
				pieces = []string{part}
				break
			}
		}
		for _, p := range pieces {
			out = append(out, strings.TrimSpace(p))
		}
	}
	return out
}

func splitWords(s string) (out []string) {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' || r == '|' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
