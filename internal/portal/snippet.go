package portal

import (
	"regexp"
	"strings"

	"dossier/internal/intel"
)

// A snippet is a text around a word that was looked for.
type snippet struct{ Before, Match, After string }

// around is how many bytes of text are shown at each side of a match.
const around = 90

var (
	markup = regexp.MustCompile("(?m)^#.*$|[*`>\\\\]+|\\]\\([^)]*\\)|\\[")
	spaces = regexp.MustCompile(`\s+`)
)

// passage returns the first passage of a profile's texts with one of the words,
// the whole query first; it is empty if none has one as it is written, and the
// beginning of the summary stands in for it.
func passage(p *intel.Profile, query string) snippet {
	texts := []string{p.Summary.Content, p.Description.Content, strings.Join(p.Targets, ", ")}
	if p.Tradecraft != nil {
		texts = append(texts, p.Tradecraft.Content)
	}
	for _, word := range append([]string{query}, strings.Fields(query)...) {
		re, err := regexp.Compile("(?i)" + regexp.QuoteMeta(word))
		if err != nil {
			continue // of bytes that are no text
		}
		for _, t := range texts {
			t = strings.TrimSpace(spaces.ReplaceAllString(markup.ReplaceAllString(t, ""), " "))
			at := re.FindStringIndex(t)
			if at == nil {
				continue
			}
			from, to := at[0]-around, at[1]+around
			s := snippet{Match: brief(around, t[at[0]:at[1]])}
			s.Before, s.After = t[max(from, 0):at[0]], t[at[1]:min(to, len(t))]
			if from > 0 {
				_, s.Before, _ = strings.Cut(s.Before, " ")
				s.Before = "… " + s.Before
			}
			if to < len(t) {
				if i := strings.LastIndexByte(s.After, ' '); i > 0 {
					s.After = s.After[:i]
				}
				s.After += " …"
			}
			s.Before, s.After = strings.ToValidUTF8(s.Before, ""), strings.ToValidUTF8(s.After, "")
			return s
		}
	}
	return snippet{Before: brief(2*around, p.Summary.Content)}
}
