package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// Texts of profiles are found through the runs of three code points in them. A
// run is hashed to a gram, of which there are few, so that the table is small:
// a row per gram and block of profiles, with a bit for each. Bits are set when a text
// comes and stay when it goes: what they lead to is verified by the text itself.
//
// Long texts have most of the frequent grams. So there are grams of all the texts of
// a profile, and behind them, numbered on, grams of its title and summary alone.
const (
	gramBits    = 13
	gramCount   = 2 << gramBits
	slotsPerRow = 4096 // of text_gram; its bitmap has 512 bytes at most
	maxSlots    = 400  // more candidates than this are no help
)

// gramVersion changes when a text gets other grams, or a block another size. It is
// kept in the database.
const gramVersion = 2

// A gramSpace is the texts that a set of grams is of.
type gramSpace int

const (
	allTexts   gramSpace = 0
	shortTexts gramSpace = 1 // title and summary
)

// shortFields are the fields of shortTexts.
var shortFields = map[string]bool{"title": true, "summary": true}

// grams is the set of grams of some texts.
type grams [gramCount / 64]uint64

func gramOf(a, b, c rune) uint32 {
	h := uint32(a)*0x9e3779b1 ^ uint32(b)*0x85ebca6b ^ uint32(c)*0xc2b2ae35
	return (h ^ h>>15) * 0x2c1b3c6d >> (32 - gramBits)
}

// add adds the grams of a folded text.
func (g *grams) add(of gramSpace, text string) {
	var a, b rune
	n := 0
	for _, c := range text {
		if n >= 2 {
			h := uint32(of)<<gramBits + gramOf(a, b, c)
			g[h/64] |= 1 << (h % 64)
		}
		n++
		a, b = b, c
	}
}

func (g *grams) each(f func(gram int)) {
	for i, word := range g {
		for ; word != 0; word &= word - 1 {
			f(i*64 + bits.TrailingZeros64(word))
		}
	}
}

// drop takes out the grams of another set.
func (g *grams) drop(other *grams) {
	for i := range g {
		g[i] &^= other[i]
	}
}

// A gramBlock is the new bits of one block.
type gramBlock [gramCount][]byte

func setBit(bitmap []byte, n int) []byte {
	for len(bitmap) <= n/8 {
		bitmap = append(bitmap, 0)
	}
	bitmap[n/8] |= 1 << (n % 8)
	return bitmap
}

// A gramWriter gathers what profiles came to have, and writes it with flush.
type gramWriter struct {
	blocks map[int64]*gramBlock
}

func (w *gramWriter) add(slot int64, g *grams) {
	block := w.blocks[slot/slotsPerRow]
	if block == nil {
		if w.blocks == nil {
			w.blocks = map[int64]*gramBlock{}
		}
		block = new(gramBlock)
		w.blocks[slot/slotsPerRow] = block
	}
	g.each(func(gram int) { block[gram] = setBit(block[gram], int(slot%slotsPerRow)) })
}

// fewGrams is how many grams of a block are asked for one by one; of more, all
// are read.
const fewGrams = 1000

// flush adds the gathered bits to the stored ones; rows that have them are not touched.
func (w *gramWriter) flush(ctx context.Context, tx *sql.Tx) error {
	put := newBulk(ctx, tx, "INSERT INTO text_gram (block, gram, profiles) VALUES", 3, "ON CONFLICT (block, gram) DO UPDATE SET profiles = excluded.profiles")
	for n, block := range w.blocks {
		var wanted []any
		for gram, bitmap := range block {
			if len(bitmap) > 0 {
				wanted = append(wanted, gram)
			}
		}
		if len(wanted) == 0 {
			continue
		}
		query := "SELECT gram, profiles FROM text_gram WHERE block = ?"
		if len(wanted) <= fewGrams {
			query += " AND gram IN (" + marks(len(wanted)) + ")"
		} else {
			wanted = nil
		}
		rows, err := tx.QueryContext(ctx, query, append([]any{n}, wanted...)...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var gram int
			var stored []byte
			if err := rows.Scan(&gram, &stored); err != nil {
				rows.Close()
				return err
			}
			if gram < 0 || gram >= gramCount {
				rows.Close()
				return fmt.Errorf("gram %d is out of range", gram)
			}
			block[gram] = union(stored, block[gram])
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for gram, bitmap := range block {
			if len(bitmap) > 0 {
				if err := put.add(n, gram, bitmap); err != nil {
					return err
				}
			}
		}
	}
	w.blocks = nil
	return put.flush()
}

// union returns the bits of both, nil if the first has all of them.
func union(stored, more []byte) []byte {
	changed := len(more) > len(stored)
	out := make([]byte, max(len(stored), len(more)))
	copy(out, stored)
	for i, b := range more {
		changed = changed || b&^out[i] != 0
		out[i] |= b
	}
	if !changed {
		return nil
	}
	return out
}

// slots returns the slots of the profiles that may have the folded text in one
// of these; ok is false if it is too short to tell, or they are too many to help.
func (s *Store) slots(ctx context.Context, of gramSpace, text string) (slots []int64, ok bool, err error) {
	if utf8.RuneCountInString(text) < 3 {
		return nil, false, nil
	}
	var g grams
	g.add(of, text)
	var wanted []int64
	g.each(func(gram int) { wanted = append(wanted, int64(gram)) })
	const most = 24 // a long text is as well told by some of its grams
	if len(wanted) > most {
		wanted = wanted[:most]
	}
	for block, last := int64(0), int64(0); block <= last; block++ {
		var bitmap []byte
		if bitmap, last, err = s.gramBitmap(ctx, block, wanted); err != nil {
			return nil, false, err
		}
		for i := 0; i+8 <= len(bitmap); i += 8 {
			for word := binary.LittleEndian.Uint64(bitmap[i:]); word != 0; word &= word - 1 {
				if len(slots) == maxSlots {
					return nil, false, nil
				}
				slots = append(slots, block*slotsPerRow+int64(i*8+bits.TrailingZeros64(word)))
			}
		}
	}
	return slots, true, nil
}

// gramBitmap returns the bits that all the wanted grams have in a block, and the
// last block.
func (s *Store) gramBitmap(ctx context.Context, block int64, wanted []int64) (all []byte, last int64, err error) {
	rows, err := s.query(ctx, "SELECT l.last, g.profiles FROM (SELECT COALESCE(MAX(slot), 0) AS last FROM profile) l LEFT JOIN text_gram g ON g.block = ? AND g.gram IN ("+
		marks(roundUp(len(wanted)))+")", append([]any{block}, anys(padded(wanted))...)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	all = make([]byte, slotsPerRow/8)
	n := 0
	for rows.Next() {
		var bitmap sql.RawBytes
		if err := rows.Scan(&last, &bitmap); err != nil {
			return nil, 0, err
		}
		if bitmap == nil {
			continue // no gram is there
		}
		for i := range all {
			switch {
			case i >= len(bitmap):
				all[i] = 0
			case n == 0:
				all[i] = bitmap[i]
			default:
				all[i] &= bitmap[i]
			}
		}
		n++
	}
	if n < len(wanted) {
		clear(all)
	}
	return all, last / slotsPerRow, rows.Err()
}
