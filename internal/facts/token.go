package facts

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// refKind says whom a token names.
type refKind uint8

const (
	refNone  refKind = iota
	refSelf          // the record, by a name or by its id
	refThis          // "the group", "it": the record, if nothing else is meant
	refOther         // another actor, tool or campaign
)

// A token is a word, a punctuation mark, or a name of one or more words.
type token struct {
	s    string // as written, without a possessive 's
	l    string // lower case
	poss bool   // written with 's
	word bool   // starts with a letter or digit
	ref  refKind
	id   string // ATT&CK id of a linked name
	pos  int    // offset in the cleaned text
}

func (t token) upper() bool {
	r, _ := utf8.DecodeRuneInString(t.s)
	return unicode.IsUpper(r)
}

// A sentence is a run of tokens, without the full stop.
type sentence struct {
	tok  []token
	para bool // first of its paragraph
	self bool // the record is the subject
	at   int  // where the subject is mentioned; -1 if it is understood
}

// abbreviations that a full stop follows in the middle of a sentence.
var abbreviations = map[string]bool{
	"inc": true, "ltd": true, "co": true, "corp": true, "vs": true, "mr": true, "dr": true, "st": true,
	"jr": true, "gen": true, "approx": true, "al": true, "e.g": true, "i.e": true, "a.k.a": true, "etc": true, "jan": true, "feb": true, "mar": true, "apr": true, "jun": true, "jul": true, "aug": true, "sep": true, "sept": true, "oct": true, "nov": true, "dec": true, "u.s": true, "u.k": true, "u.n": true,
}

// starters are words that open a sentence even after an abbreviation.
var starters = map[string]bool{
	"the": true, "this": true, "these": true, "it": true, "its": true, "they": true, "their": true, "in": true,
	"since": true, "while": true, "some": true, "as": true, "a": true, "an": true, "during": true, "based": true,
}

// maxSentence bounds a sentence, in tokens: what is longer is a list or garbage,
// and is read in parts. It keeps the cost linear in the length of the text.
const maxSentence = 300

// sentences cuts the cleaned text into sentences. Linked names are one token.
func sentences(text string, ms []mention) []sentence {
	var out []sentence
	cur := make([]token, 0, 40)
	all := make([]token, 0, len(text)/5+8)
	para := true
	flush := func() {
		if len(cur) > 0 {
			start := len(all)
			all = append(all, cur...)
			out = append(out, sentence{tok: all[start:len(all):len(all)], para: para, at: -1})
			cur = cur[:0]
			para = false
		}
	}
	for i := 0; i < len(text); {
		if len(cur) >= maxSentence {
			flush()
		}
		if len(ms) > 0 && ms[0].start <= i {
			m := ms[0]
			ms = ms[1:]
			name := strings.TrimSpace(text[m.start:m.end])
			i = max(i, m.end)
			if name == "" {
				continue
			}
			t := token{s: name, l: strings.ToLower(name), word: true, ref: refOther, id: m.id, pos: m.start}
			if strings.HasPrefix(text[i:], "'s") {
				t.poss = true
				i += 2
			}
			cur = append(cur, t)
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n':
			j := i
			for j < len(text) && (text[j] == '\n' || text[j] == ' ' || text[j] == '\r') {
				j++
			}
			if strings.Count(text[i:j], "\n") > 1 {
				flush()
				para = true
			}
			i = j
		case unicode.IsSpace(r):
			i += n
		case wordRune(r):
			end := wordEnd(text, i, ms)
			t := newToken(text[i:end], i)
			i = end
			if i < len(text) && text[i] == '.' && !stops(text, i, t) {
				i++
			}
			cur = append(cur, t)
		case r == '.' && i > 0 && (text[i-1] == ' ' || text[i-1] == '/' || text[i-1] == '(') && i+1 < len(text) && wordRune(rune(text[i+1])): // .NET
			end := wordEnd(text, i+1, ms)
			cur = append(cur, newToken(text[i:end], i))
			i = end
		case r == '.' || r == '!' || r == '?':
			i += n
			if i >= len(text) || text[i] == ' ' || text[i] == '\n' || text[i] == '"' || text[i] == '\'' || text[i] == ')' || text[i] == '\r' || text[i] >= 'A' && text[i] <= 'Z' {
				flush()
			}
		default:
			cur = append(cur, token{s: text[i : i+n], l: text[i : i+n], pos: i})
			i += n
		}
	}
	flush()
	return out
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '@' || r == '_' || unicode.Is(unicode.M, r)
}

// wordEnd returns where the word that starts at i ends: letters and digits, and
// between them - ' . _ + # and &.
func wordEnd(text string, i int, ms []mention) int {
	limit := len(text)
	if len(ms) > 0 {
		limit = min(limit, ms[0].start)
	}
	end := i
	for end < limit {
		r, n := utf8.DecodeRuneInString(text[end:limit])
		if wordRune(r) {
			end += n
			continue
		}
		if r == '+' || r == '#' {
			end += n
			continue
		}
		if r == '-' || r == '\'' || r == '.' || r == '&' {
			if next, _ := utf8.DecodeRuneInString(text[end+n : limit]); end+n < limit && wordRune(next) {
				end += n
				continue
			}
		}
		break
	}
	if end == i {
		_, n := utf8.DecodeRuneInString(text[i:])
		end = i + n
	}
	return end
}

func newToken(w string, pos int) token {
	t := token{s: w, word: true, pos: pos}
	if base, ok := strings.CutSuffix(w, "'s"); ok && base != "" {
		t.s, t.poss = base, true
	}
	t.l = strings.ToLower(t.s)
	return t
}

// stops reports whether the full stop at text[i] after a word ends a sentence.
func stops(text string, i int, t token) bool {
	if !abbreviations[t.l] && len(t.s) > 1 {
		return true
	}
	if len(t.s) == 1 && !t.upper() {
		return true
	}
	rest := strings.TrimLeft(text[i+1:], " ")
	if rest == "" || rest[0] == '\n' {
		return true
	}
	next := newToken(rest[:wordEnd(rest, 0, nil)], 0)
	return next.upper() && starters[next.l]
}

// is reports whether the tokens from i on are the given lower-case words.
func (s *sentence) is(i int, words ...string) bool {
	if i < 0 || i+len(words) > len(s.tok) {
		return false
	}
	for k, w := range words {
		if s.tok[i+k].l != w {
			return false
		}
	}
	return true
}

// l returns the lower-case word at i, "" outside the sentence.
func (s *sentence) l(i int) string {
	if i < 0 || i >= len(s.tok) {
		return ""
	}
	return s.tok[i].l
}

// has reports whether one of the words stands in [from, to).
func (s *sentence) has(from, to int, words map[string]bool) bool {
	for i := max(0, from); i < min(to, len(s.tok)); i++ {
		if words[s.tok[i].l] {
			return true
		}
	}
	return false
}

// any reports whether one of the few words stands in [from, to).
func (s *sentence) any(from, to int, words ...string) bool {
	for i := max(0, from); i < min(to, len(s.tok)); i++ {
		if oneOf(s.tok[i].l, words...) {
			return true
		}
	}
	return false
}

// oneOf reports whether w is one of the words.
func oneOf(w string, words ...string) bool {
	for _, x := range words {
		if w == x {
			return true
		}
	}
	return false
}

// set makes a lookup table of the words in a text.
func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
