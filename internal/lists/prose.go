package lists

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// A place is where in a text something stands, which decides whether a value
// that nobody made harmless is an indicator or a reference.
type place int

const (
	running place = iota // a sentence: what is not defanged is a reference
	listed               // an item of a list: names and addresses count, plain URLs are references
	shown                // code, or a cell of a table: whatever stands by itself counts
)

// prose reads text in Markdown, AsciiDoc or nothing in particular. Values that
// are defanged count wherever they stand, and so do hashes; others count by
// their [place]. What is passed over is rejected with its reason.
func (d *decoder) prose() error {
	p := page{decoder: d}
	return d.eachLine(func(n int, line string) error { return p.line(n, strings.TrimSpace(line)) })
}

// A page is a text that is being read.
type page struct {
	*decoder
	section string
	aside   string // why nothing in the section counts that is not defanged: references, victims
	fence   string // what ends the code block, "" outside of one
	heads   []string
	row     int // lines of the table read so far
}

var (
	heading = regexp.MustCompile(`^(?:#{1,6}|={1,6})\s+(.+?)\s*(?:#{1,6}|={1,6})?$|^\.([A-Z].*)$`)
	items   = regexp.MustCompile(`^(?:[-*•·+>]{1,3}|\d{1,3}[.)])\s+`)
	cites   = regexp.MustCompile(`(?i)^(?:references?|sources?|links?|further reading|see also|credits?|acknowledge?ments?|bibliography|licen[cs]e)\b`)
	victims = regexp.MustCompile(`(?i)\b(?:targett?ed|targets|victims?|victimology)\b`)
	fences  = []string{"```", "~~~", "----", "...."}
)

func (p *page) line(n int, line string) error {
	if p.fence != "" {
		if strings.HasPrefix(line, p.fence) && strings.Trim(line, p.fence[:1]) == "" {
			p.fence = ""
			return nil
		}
		return p.find(n, line, shown)
	}
	for _, f := range fences {
		if strings.HasPrefix(line, f) && (f[0] == '`' || f[0] == '~' || strings.Trim(line, f[:1]) == "") {
			p.fence = f
			return nil
		}
	}
	if m := heading.FindStringSubmatch(line); m != nil {
		p.title(m[1] + m[2])
		return p.find(n, m[1]+m[2], running)
	}
	switch {
	case strings.HasPrefix(line, "|="): // AsciiDoc's tables begin and end so
		p.row, p.heads = 0, nil
		return nil
	case strings.HasPrefix(line, "|"):
		return p.cells(n, line)
	case line == "":
		return nil
	}
	p.row = 0
	if item := items.ReplaceAllString(line, ""); item != line {
		return p.find(n, item, listed)
	}
	return p.find(n, line, running)
}

func (p *page) title(text string) {
	p.section = note(strings.Trim(text, "*_`# "))
	switch p.aside = ""; {
	case cites.MatchString(p.section):
		p.aside = notDefanged
	case victims.MatchString(p.section):
		p.aside = "a target, not an indicator"
	}
}

// cells reads a row of a table. The first one tells what the columns hold.
func (p *page) cells(n int, line string) error {
	row := strings.Split(strings.Trim(line, "|"), "|")
	p.row++
	if p.row == 1 && !slices.ContainsFunc(row, func(c string) bool { _, err := observable.Parse(bare(c)); return err == nil }) {
		p.heads = row
		return nil
	}
	for i, c := range row {
		at := shown
		if i < len(p.heads) {
			if heads[folded(p.heads[i])].role == isReference {
				at = running
			}
			if !guessable(p.heads[i]) {
				continue
			}
		}
		if err := p.find(n, c, at); err != nil {
			return err
		}
	}
	return nil
}

// bare returns what stands in a cell or in code without its marks.
func bare(s string) string { return strings.Trim(s, "`+*_\"' \t,;") }

// unmeant matches what makes a hash of Git's, not of a file.
var unmeant = regexp.MustCompile(`(?i)\b(?:commit|revision|rev|tree|blob|git)[\s:/@#]*$`)

const notDefanged = "reference in a text, not defanged"

// find gives the observables in a piece of text that are meant as such.
func (p *page) find(n int, text string, at place) error {
	alone := bare(text)
	_, err := p.within(n, text, func(o observable.Observable, raw string) string {
		switch {
		case p.aside != "":
			return p.aside
		case raw == alone && (at == shown || at == listed && o.Kind != observable.URL):
			return ""
		}
		return notDefanged
	}, p.section)
	return err
}

// within gives the sink the defanged values in a text, its hashes, and those
// others for which plain returns no reason not to. The rest is rejected. found
// tells that there was any.
func (d *decoder) within(n int, text string, plain func(o observable.Observable, raw string) string, context string) (found bool, err error) {
	observable.Find([]byte(text), func(o observable.Observable, start, end int) bool {
		raw := text[start:end]
		found = true
		switch {
		case isHash(o.Kind):
			if unmeant.MatchString(text[max(0, start-16):start]) {
				d.reject(n, "a revision of a repository", raw)
				return true
			}
		case defanged(raw):
		default:
			if why := plain(o, raw); why != "" {
				d.reject(n, why, raw)
				return true
			}
		}
		x := intel.Observation{Publisher: d.set.Publisher, Subjects: d.subjects(), Observable: o, FirstSeen: d.fallback, Context: context}
		err = d.sink.Observation(&x)
		return err == nil
	})
	return found, err
}

// defanged reports whether a value is written so that no program makes a link of it.
func defanged(raw string) bool { return observable.Refang(raw) != raw }

// markup reads HTML and XML: the text of each element, without scripts and
// styles, and without what is a link by its element.
func (d *decoder) markup() error {
	p := page{decoder: d}
	z := html.NewTokenizer(d.in)
	z.SetMaxBuf(MaxLine)
	line := 1
	var text strings.Builder
	var stack []string // elements that decide how text is read, and are open
	linked := false    // some of the text is a link
	flush := func() error {
		s := strings.Join(strings.Fields(clean([]byte(text.String()))), " ")
		text.Reset()
		if s == "" {
			return nil
		}
		at := running
		for _, e := range stack {
			at = max(at, placeOf(e))
		}
		if linked { // an address that is a link leads somewhere harmless
			at = min(at, listed)
		}
		linked = false
		return p.find(line, s, at)
	}
	skip := ""
	for i := 0; ; i++ {
		if i%1024 == 0 {
			if err := d.ctx.Err(); err != nil {
				return err
			}
		}
		kind := z.Next()
		raw := z.Raw()
		if kind == html.ErrorToken {
			if err := flush(); err != nil {
				return err
			}
			return d.endOfMarkup(z.Err(), line)
		}
		if kind == html.TextToken {
			if skip == "" {
				err := p.paragraphs(&line, z.Text(), &text, stack, flush)
				if err != nil {
					return err
				}
				continue
			}
		}
		line += bytes.Count(raw, []byte("\n"))
		if kind != html.StartTagToken && kind != html.EndTagToken {
			continue
		}
		tag, _ := z.TagName()
		name := string(tag)
		switch {
		case kind == html.EndTagToken && name == skip:
			skip = ""
			continue
		case skip != "":
			continue
		case kind == html.StartTagToken && (name == "script" || name == "style" || linkElements[name]):
			skip = name
			continue
		case inline[name]:
			linked = linked || name == "a"
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		switch i := slices.Index(stack, name); {
		case len(name) == 2 && name[0] == 'h' && kind == html.StartTagToken:
			p.section, p.aside = "", ""
		case kind == html.StartTagToken && placeOf(name) != running && len(stack) < 64:
			stack = append(stack, name)
		case kind == html.EndTagToken && i >= 0:
			stack = stack[:i]
		}
	}
}

// paragraphs adds a piece of text; in code every line stands by itself.
func (p *page) paragraphs(line *int, piece []byte, text *strings.Builder, stack []string, flush func() error) error {
	if !slices.Contains(stack, "pre") {
		text.Write(piece)
		*line += bytes.Count(piece, []byte("\n"))
		return nil
	}
	for i, l := range bytes.Split(piece, []byte("\n")) {
		if i > 0 {
			if err := flush(); err != nil {
				return err
			}
			*line++
		}
		text.Write(l)
	}
	return nil
}

func (d *decoder) endOfMarkup(err error, line int) error {
	switch err {
	case html.ErrBufferExceeded:
		return &intel.SyntaxError{Line: line, Msg: "a tag or text of more than 1 MiB"}
	case nil:
		return nil
	}
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

// inline are the elements that do not end a line of text.
var inline = map[string]bool{"a": true, "b": true, "i": true, "em": true, "strong": true, "span": true, "u": true, "wbr": true, "font": true, "small": true, "mark": true, "sub": true, "sup": true}

// linkElements are those of feeds that hold addresses of documents.
var linkElements = map[string]bool{"link": true, "guid": true, "docs": true, "generator": true, "atom:link": true}

func placeOf(element string) place {
	switch element {
	case "pre", "code", "td", "samp", "kbd":
		return shown
	case "li", "dd", "dt":
		return listed
	}
	return running
}

// looksLikeText reports whether a body is text, and neither binary nor code of
// a page's programs.
func looksLikeText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	control, foreign := 0, 0
	for i := 0; i < len(head); {
		r, n := utf8.DecodeRune(head[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			foreign++
		case r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != 0x1b:
			control++
		}
		i += n
	}
	return control == 0 && foreign*10 <= len(head)
}
