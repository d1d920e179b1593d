package export

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

// The range that numbers of rules come from, where Options has no other. Suricata
// and Snort keep 1,000,000 to 1,999,999 for local rules; Emerging Threats has
// 2,000,000 to 2,999,999. What is above 2^31 overflows in programs that read a
// number of a rule as a signed integer.
const (
	FirstRule uint32 = 1_000_000_000
	LastRule  uint32 = 2_147_483_647
)

// A Numbering gives rules their numbers.
type Numbering interface {
	// Number returns the number of the rule with this content, from first to last. It
	// returns the same one for the same content as long as it is asked with the same
	// range, and another for every other content.
	Number(content string, first, last uint32) (uint32, error)
}

// Candidate returns the nth number to try for a content: the first follows from
// the content alone, so that installations agree on it.
func Candidate(content string, n int, first, last uint32) uint32 {
	h := sha256.Sum256([]byte(content + "\x00" + strconv.Itoa(n)))
	return first + uint32(binary.BigEndian.Uint64(h[:])%(uint64(last-first)+1))
}

// Numbers is a Numbering that lasts for one export. It takes 8 bytes for each
// rule: formats with rules have a limit.
type Numbers struct {
	taken map[uint32]uint64 // number: hash of its content
}

// Number implements [Numbering]. The error says that the range is full.
func (s *Numbers) Number(content string, first, last uint32) (uint32, error) {
	if s.taken == nil {
		s.taken = map[uint32]uint64{}
	}
	h := sha256.Sum256([]byte(content))
	own := binary.BigEndian.Uint64(h[8:])
	for n := range 1000 {
		c := Candidate(content, n, first, last)
		if have, ok := s.taken[c]; !ok || have == own {
			s.taken[c] = own
			return c, nil
		}
	}
	return 0, fmt.Errorf("numbers of rules: the range %d to %d is full", first, last)
}

// number returns the number of the rule with this content.
func (o *Options) number(content string) (uint32, error) {
	first, last := o.First, o.Last
	if first == 0 {
		first = FirstRule
	}
	if last == 0 {
		last = max(LastRule, first)
	}
	if last < first {
		return 0, fmt.Errorf("numbers of rules: the range %d to %d is empty", first, last)
	}
	if o.Numbers == nil {
		o.Numbers = new(Numbers)
	}
	return o.Numbers.Number(content, first, last)
}

func itoa(n int) string { return strconv.Itoa(n) }
