package profile

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dossier/internal/intel"
)

// The limits of the texts: summary in characters, the others in bytes.
const (
	MaxSummary     = 400
	MaxDescription = 20_000
	MaxTradecraft  = 60_000
)

// and joins items to a list: "a", "a and b", "a, b, and c". Two items of which
// one has an "and" of its own are joined by "as well as".
func and(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	case 2:
		if strings.Contains(items[0], " and ") || strings.Contains(items[1], " and ") {
			return items[0] + " as well as " + items[1]
		}
		return items[0] + " and " + items[1]
	}
	sep := ", "
	if slices.ContainsFunc(items, func(s string) bool { return strings.Contains(s, ", ") }) {
		sep = "; "
	}
	last := len(items) - 1
	return strings.Join(items[:last], sep) + sep + "and " + items[last]
}

// andMore is and over at most limit items, the rest being counted: "a, b, and
// three other countries". One rest is not worth a count.
func andMore(items []string, limit int, noun string) string {
	if len(items) <= limit+1 {
		return and(items)
	}
	rest := len(items) - limit
	return and(append(slices.Clip(items[:limit]), number(rest)+" other "+plural(rest, noun)))
}

// count is a number with its noun: "one record", "three countries", "1,204
// indicators".
func count(n int, noun string) string { return number(n) + " " + plural(n, noun) }

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	switch {
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ey"):
		return strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "ch"), strings.HasSuffix(noun, "sh"):
		return noun + "es"
	}
	return noun + "s"
}

var small = [...]string{
	"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
}

// number writes small numbers as words and groups the digits of others.
func number(n int) string {
	if n >= 0 && n < len(small) {
		return small[n]
	}
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// a puts the indefinite article before a phrase, by how it begins to sound.
func a(phrase string) string {
	word, _, _ := strings.Cut(phrase, " ")
	word, _, _ = strings.Cut(word, "-")
	lower := strings.ToLower(word)
	if lower == "" {
		return phrase
	}
	vowel := strings.ContainsRune("aeiou", rune(lower[0]))
	switch {
	case lower == "rat" || lower == "lan" || lower == "saas" || lower == "mac": // initials that are read as a word
		vowel = false
	case len(word) > 1 && word == strings.ToUpper(word) && unicode.IsLetter(rune(word[0])):
		vowel = strings.ContainsRune("aefhilmnorsx", rune(lower[0]))
		if lower == "ios" {
			vowel = true
		}
	case strings.HasPrefix(lower, "uni") && !strings.HasPrefix(lower, "unid") && !strings.HasPrefix(lower, "unin"),
		strings.HasPrefix(lower, "use"), strings.HasPrefix(lower, "eu"), strings.HasPrefix(lower, "one"),
		strings.HasPrefix(lower, "ukr"), strings.HasPrefix(lower, "ugan"), strings.HasPrefix(lower, "urugu"):
		vowel = false
	case lower == "hour", strings.HasPrefix(lower, "honest"), lower[0] == '8', lower == "11", lower == "18":
		vowel = true
	}
	if vowel {
		return "an " + phrase
	}
	return "a " + phrase
}

// upper writes the first letter of a sentence large, unless the first word has
// large letters of its own: njRAT, eSentire.
func upper(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if strings.ContainsFunc(word, unicode.IsUpper) {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// titleCase turns a short name such as "network-effects" into words.
func titleCase(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '_' || r == ' ' })
	for i, w := range words {
		words[i] = upper(w)
	}
	return strings.Join(words, " ")
}

// possessive returns the owner's form of a name.
func possessive(s string) string {
	if strings.HasSuffix(s, "s") || strings.HasSuffix(s, "S") {
		return s + "'"
	}
	return s + "'s"
}

// when prints a date with the precision that it has: 2004, May 2016, 12 May
// 2016.
func when(d intel.Date) string {
	switch d.Precision {
	case intel.Year:
		return d.At.Std().Format("2006")
	case intel.Month:
		return d.At.Std().Format("January 2006")
	}
	return d.At.Std().Format("2 January 2006")
}

// in prints a date with its preposition: in 2004, in May 2016, on 12 May 2016.
func in(d intel.Date) string {
	if d.Precision == intel.Year || d.Precision == intel.Month {
		return "in " + when(d)
	}
	return "on " + when(d)
}

func day(t intel.Time) string { return t.Std().Format("2 January 2006") }

func month(t intel.Time) string { return t.Std().Format("January 2006") }

// span prints a period: "May 2016", "2012 to 2014", "from … on".
func span(from, to intel.Date) string {
	switch {
	case from.IsZero() && to.IsZero():
		return ""
	case from.IsZero():
		return "until " + when(to)
	case to.IsZero():
		return "from " + when(from)
	case when(from) == when(to):
		return when(from)
	}
	return when(from) + " to " + when(to)
}

// vary returns one of the options: the same for the same profile and place, so
// that a text changes only with its facts.
func (t *teller) vary(place string, options ...string) string {
	h := fnv.New32a()
	h.Write([]byte(t.d.Profile.ID))
	h.Write([]byte(place))
	return options[int(h.Sum32()>>8)%len(options)]
}

// publisher returns how the texts name a publisher.
func (t *teller) publisher(id string) string {
	switch id {
	case intel.Analyst:
		return "your analyst team"
	case intel.MitreAttack:
		return "MITRE ATT&CK"
	case intel.MicrosoftNaming:
		return "Microsoft"
	case intel.MISPThreatActor:
		return "the MISP galaxy"
	case intel.MISPGalaxyPrefix + "malpedia":
		return "Malpedia"
	case intel.MISPGalaxyPrefix + "tidal-groups":
		return "Tidal Cyber"
	case intel.MISPGalaxyPrefix + "microsoft-activity-group":
		return "MISP's list of Microsoft activity groups"
	}
	if id == intel.MISPGalaxyPrefix+"rat" {
		return "MISP's RAT galaxy"
	}
	if name, ok := strings.CutPrefix(id, intel.MISPGalaxyPrefix); ok {
		return "MISP's " + strings.ReplaceAll(name, "-", " ") + " galaxy"
	}
	if title := clean(t.f.w.Publisher(id).Title); title != "" {
		return title
	}
	return clean(id)
}

// publishers names the publishers of the references, each once, in order.
func (t *teller) publishers(refs []intel.Ref) []string {
	var out []string
	for _, r := range refs {
		if r.IsZero() {
			continue
		}
		if p := t.esc(t.publisher(r.Publisher)); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// verb returns the form of a verb for so many subjects.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
