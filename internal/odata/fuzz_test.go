package odata

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds adds the cases of testdata/messages.txt for one option, or for all.
func seeds(f *testing.F, option string) {
	data, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		f.Fatal(err)
	}
	for lines := bufio.NewScanner(strings.NewReader(string(data))); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), "? ")
		name, value, _ := strings.Cut(rest, " ")
		switch {
		case !ok:
		case option == "":
			f.Add(name + "=" + url.QueryEscape(value))
		case option == name:
			f.Add(value)
		}
	}
}

// checkError checks what is true of every error.
func checkError(t *testing.T, err error, text string) {
	t.Helper()
	e := asError(t, err)
	if e.Code == "" || e.Message == "" || !utf8.ValidString(e.Message) || len(e.Message) > 2000 || e.Pos < 0 ||
		e.Pos > utf8.RuneCountInString(text)+1 {
		t.Errorf("bad error for %q: %+v", text, e)
	}
}

// What parses prints as something that parses to the same tree, and can be evaluated; any tree has limits.
func FuzzParseFilter(f *testing.F) {
	seeds(f, "$filter")
	for _, s := range []string{
		"aliases/any(a:a eq 'ACTINIUM') or countriesOrRegionsOfOrigin/any(c:c/code eq 'RU')",
		"indicators/any(i:i/artifact/microsoft.graph.security.hostname/id eq 'fake-malicious.site' and title ne i/id)",
		"not (startsWith(tolower(title),'x') eq false) and kind in ('actor',null) or length(summary/content) ge -1.5e-3",
		"firstActiveDateTime ge 2024-02-29T10:00:00.1239-01:00 and targets/all(t:t has 'x')",
		"@dossier.confidence ge 70 and (true eq (kind eq 'tool')) and id eq 0f3eecd2-a2be-27c2-8dc0-40d1c0eada55",
		"weight lt 1e300 and isRecent and trace ne 0f3eecd2-a2be-27c2-8dc0-40d1c0eada55 and issuer/alternateNames/any()",
	} {
		f.Add(s)
	}
	f.Fuzz(checkFilter)
}

// words are what FuzzFilterWords writes with: bytes make random text, which is seldom a filter; words often do.
var words = strings.Fields("( ( ) ) , / : * and or not eq ne gt ge lt le in has any( all( any() a: a a/ i: i i/ $it/ /$count null true false " +
	"startswith( endswith( contains( tolower( toupper( length( 'x' '' 'actor' 'ACTINIUM' 1 -2.5e3 2024-02-29 2024-01-01T00:00:00.1234Z " +
	"0f3eecd2-a2be-27c2-8dc0-40d1c0eada55 microsoft.graph.security.intelligenceProfileKind'tool' microsoft.graph.security.hostname/ " +
	"title id kind aliases indicators artifact/ owner summary/ content format targets firstActiveDateTime source @dossier.confidence " +
	"aliases/any(a:a indicators/any(i:i/source countriesOrRegionsOfOrigin/all(c:c/code aliases/$count isRecent port weight trace issuer/alternateNames/")

// FuzzFilterWords is FuzzParseFilter for filters made of whole words: each byte stands for one.
func FuzzFilterWords(f *testing.F) {
	index := map[string]byte{}
	for i, w := range words {
		index[w] = byte(i)
	}
	for _, s := range []string{
		"aliases/any(a:a eq 'ACTINIUM' ) or not ( kind in ( 'actor' , null ) ) and title ne null",
		"indicators/any(i:i/source eq 'x' or aliases/any(a:a eq id ) and startswith( tolower( title ) , 'x' ) eq false )",
		"length( summary/ content ) gt 1 eq true and aliases/$count le -2.5e3 and firstActiveDateTime lt 2024-02-29",
	} {
		var b []byte
		for _, w := range strings.Fields(s) {
			if _, ok := index[w]; !ok {
				f.Fatalf("no word %q", w)
			}
			b = append(b, index[w])
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b strings.Builder
		for i, c := range data {
			w := words[int(c)%len(words)]
			if i > 0 && !strings.HasSuffix(b.String(), "/") && w[0] != '/' {
				b.WriteByte(' ')
			}
			b.WriteString(w)
		}
		checkFilter(t, b.String())
	})
}

// checkFilter checks what is true of every filter.
func checkFilter(t *testing.T, text string) {
	cert := MapRow{certType, map[string]any{
		"id": "x", "serialNumber": "1", "issuer": nil, "port": 5, "weight": 1.5, "isRecent": true, "trace": "0f3eecd2-a2be-27c2-8dc0-40d1c0eada55",
	}}
	for _, row := range []MapRow{aqua(), cert} {
		e, err := ParseFilter(text, row.Of)
		if err != nil {
			checkError(t, err, text)
			continue
		}
		checkReparse(t, e, row.Of)
		got, err := Eval(e, row)
		if err != nil {
			t.Errorf("Eval: %v", err)
		}
		if again, err := ParseFilter("not not ("+e.String()+")", row.Of); err == nil {
			if g, err := Eval(again, row); g != got || err != nil {
				t.Errorf("not not: %v, %v; want %v", g, err, got)
			}
		}
		nodes := 0
		Walk(e, func(x Expr) bool {
			nodes++
			if x.Pos() < 1 || x.Pos() > utf8.RuneCountInString(text) {
				t.Errorf("%s is at %d", x, x.Pos())
			}
			if c, ok := x.(*Compare); ok {
				_, l := c.L.(*Literal)
				_, r := c.R.(*Literal)
				if l && r {
					t.Errorf("two literals: %s", c)
				}
			}
			return true
		})
		if nodes > 2*MaxNodes || height(e) > MaxDepth {
			t.Errorf("%d nodes, height %d", nodes, height(e))
		}
	}
}

// A query that parses gives a link that parses to the same query; nothing panics.
func FuzzParseQuery(f *testing.F) {
	seeds(f, "")
	f.Add("$count=true&$expand=indicators%28$top%3D5;$filter=source eq 'osint'%29&$search=%22Mint%20Sandstorm%22&$select=id,title&$skip=0&$top=2&view=x")
	f.Add("expand=indicators($expand=artifact($select=id);$orderby=id desc;$skip=1),&%24Format=json;odata.metadata=none")
	f.Add("$orderby=title desc,aliases/$count&$search=\"title:x\" AND NOT (a OR b)&$select=*&$skiptoken=x&$deltatoken=")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := ParseQuery(query, profileType, Options{Allow: AllowAll})
		if err != nil {
			checkError(t, err, query)
			return
		}
		link := q.NextLink("http://x/y", "T+1")
		u, err := url.Parse(link)
		if err != nil {
			t.Fatalf("NextLink %q: %v", link, err)
		}
		again, err := ParseQuery(u.RawQuery, profileType, Options{Allow: AllowAll})
		if err != nil {
			if len(u.RawQuery) > MaxQueryLength { // escapes made it longer
				return
			}
			t.Fatalf("NextLink %q: %v", link, err)
		}
		q.SkipToken, q.Skip, q.TopGiven, q.DeltaGiven, q.DeltaToken = "T+1", 0, true, false, ""
		if a, b := summarize(q), summarize(again); a != b {
			t.Errorf("the query of the NextLink is another:\n%s\n%s", a, b)
		}
		if q.Search != nil {
			if s, err := ParseSearch(q.Search.String(), profileType); err != nil || s.String() != q.Search.String() {
				t.Errorf("$search %s parses again as %v, %v", q.Search, s, err)
			}
		}
		for _, o := range q.OrderBy {
			if _, err := o.Compare(aqua(), aqua()); err != nil {
				t.Errorf("Compare %s: %v", o, err)
			}
		}
	})
}

// Escaping the segments again gives a path with the same segments.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{
		"/v1.0//security/threatIntelligence/intelProfiles('O''Brien')/indicators/", "/hosts(id='x%2Fy')/delta()", "/x/%zz", "/é/%ff/%00", "/a%2",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		segments, err := ParsePath(path)
		if err != nil {
			checkError(t, err, path)
			return
		}
		var b strings.Builder
		for _, s := range segments {
			if s.Text == "" || s.Raw == "" || s.HasKey && s.Call || s.Pos < 1 || !utf8.ValidString(s.Text) {
				t.Errorf("bad segment %+v", s)
			}
			if s.HasKey && s.Text != s.Name+"("+quote(s.Key)+")" && !strings.Contains(s.Text, "=") {
				t.Errorf("the key of %+v is wrong", s)
			}
			b.WriteString("/" + url.PathEscape(s.Text))
		}
		again, err := ParsePath(b.String())
		if err != nil && b.Len() > MaxPathLength {
			return
		}
		if err != nil || len(again) != len(segments) {
			t.Fatalf("%q: %v, %v", b.String(), again, err)
		}
		for i := range again {
			x, y := again[i], segments[i]
			x.Raw, y.Raw, x.Pos, y.Pos = "", "", 0, 0
			if x != y {
				t.Errorf("%+v, want %+v", x, y)
			}
		}
	})
}

func describePath(t *testing.T, segments []Segment, err error) string {
	t.Helper()
	if err != nil {
		e := asError(t, err)
		return fmt.Sprintf("error at %d: %s", e.Pos, e.Message)
	}
	var parts []string
	for _, s := range segments {
		text := s.Name
		switch {
		case s.HasKey:
			text += "[" + s.Key + "]"
		case s.Call:
			text += "()"
		}
		parts = append(parts, fmt.Sprintf("%s@%d", text, s.Pos))
	}
	return strings.Join(parts, " ")
}
