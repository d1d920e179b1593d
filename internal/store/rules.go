package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
)

// A RuleLedger keeps which number was given to which rule, so that a number never
// gets another meaning, also when its rule is gone. It implements the Numbering of
// package export. It is used by one goroutine.
//
// Numbers are tried in an order that follows from the content; one that another
// rule has is passed over, for ever. Most rules get the first.
type RuleLedger struct {
	ctx       context.Context
	s         *Store
	candidate func(content string, n int, first, last uint32) uint32
	waiting   []ruleWish
	collect   bool
}

type ruleWish struct {
	content     string
	first, last uint32
}

// RuleLedger returns the ledger; candidate gives the nth number to try for a content.
func (s *Store) RuleLedger(ctx context.Context, candidate func(content string, n int, first, last uint32) uint32) *RuleLedger {
	return &RuleLedger{ctx: ctx, s: s, candidate: candidate}
}

// maxTries is how many numbers are tried for a rule before the range counts as full.
const maxTries = 1000

// ruleBatch is how many rules get their numbers in one transaction.
const ruleBatch = 500

// Collect makes Number only remember what is asked for, and give numbers to many
// rules at once; the numbers that it returns meanwhile are none. Settle ends it.
func (l *RuleLedger) Collect() { l.collect = true }

// Settle gives the rest its numbers; from then on Number returns them.
func (l *RuleLedger) Settle() error {
	l.collect = false
	return l.reserve()
}

// Number returns the number of the rule with this content. The error says that the
// range is full.
func (l *RuleLedger) Number(content string, first, last uint32) (uint32, error) {
	if l.collect {
		l.waiting = append(l.waiting, ruleWish{content, first, last})
		if len(l.waiting) < ruleBatch {
			return 0, nil
		}
		return 0, l.reserve()
	}
	w := ruleWish{content, first, last}
	n, free, err := l.find(l.s.read, w)
	if err != nil || !free {
		return n, err
	}
	l.waiting = append(l.waiting, w) // it is new since then
	if err := l.reserve(); err != nil {
		return 0, err
	}
	n, _, err = l.find(l.s.read, w)
	return n, err
}

// find returns the number that the rule has, or the first that is free.
func (l *RuleLedger) find(q rowQuerier, w ruleWish) (number uint32, free bool, err error) {
	own := contentHash(w.content)
	for n := range maxTries {
		number = l.candidate(w.content, n, w.first, w.last)
		var have string
		err := q.QueryRowContext(l.ctx, "SELECT content FROM rule_number WHERE number = ?", int64(number)).Scan(&have)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return number, true, nil
		case err != nil:
			return 0, false, fmt.Errorf("numbers of rules: %w", err)
		case have == own:
			return number, false, nil
		}
	}
	return 0, false, fmt.Errorf("numbers of rules: the range %d to %d is full", w.first, w.last)
}

// reserve gives those that wait and have no number one. Where all have, nothing is
// written.
func (l *RuleLedger) reserve() error {
	waiting := l.waiting
	l.waiting = l.waiting[:0]
	missing := false
	for _, w := range waiting {
		_, free, err := l.find(l.s.read, w)
		if err != nil {
			return err
		}
		missing = missing || free
	}
	if !missing {
		return nil
	}
	return l.s.inTx(l.ctx, func(tx *sql.Tx) error {
		for _, w := range waiting {
			n, free, err := l.find(tx, w)
			if err != nil || !free {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := tx.ExecContext(l.ctx, "INSERT INTO rule_number (number, content) VALUES (?, ?)", int64(n), contentHash(w.content)); err != nil {
				return err
			}
		}
		return nil
	})
}

func contentHash(content string) string {
	h := sha256.Sum256([]byte(content))
	return hex.EncodeToString(h[:16])
}
