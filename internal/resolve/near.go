package resolve

import (
	"strings"
	"unicode"

	"dossier/internal/intel"
)

// Weakness says why a name joins nothing by itself: "temporary id", "short name",
// "dictionary word" and the like; "" if it may. That other records make a name
// weak, such as one that software has too, does not show in the name alone.
func Weakness(name string) string {
	key := intel.NameKey(name)
	if key == "" {
		return ""
	}
	return weakness(name, key)
}

// Near returns a function that tells how far a name's key is from the given
// one: 1 is nearest; not ok is too far to propose. Names whose figures differ
// are far apart: APT28 is no slip of APT29.
func Near(key string) func(other string) (distance int, ok bool) {
	own, mine, stem := []rune(key), figures(key), core(key)
	most := min(2, len(own)/4)
	return func(other string) (int, bool) {
		switch theirs := core(other); {
		case other == key:
			return 0, false
		case stem != "" && theirs == stem:
			return 1, true
		}
		if figures(other) != mine {
			return 0, false
		}
		if d := edits(own, []rune(other), most); d <= most {
			return d, true
		}
		if len(own) >= 5 && len(other) >= 5 && (strings.HasPrefix(other, key) || strings.HasPrefix(key, other)) {
			return 3, true
		}
		return 0, false
	}
}

// figures are the digits of a key, in order.
func figures(key string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, key)
}

// edits counts the insertions, deletions, substitutions and swaps of neighbours
// between two texts; anything above most is most+1.
func edits(a, b []rune, most int) int {
	if n := len(a) - len(b); n > most || -n > most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], most+1)
}
