package odata

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// summarize prints what a query asks for.
func summarize(q *Query) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, format+" ", args...) }
	if q.Filter != nil {
		add("filter{%s}", q.Filter)
	}
	for _, o := range q.OrderBy {
		add("by{%s}", o)
	}
	if q.Search != nil {
		add("search{%s}", q.Search)
	}
	if q.Select != nil || q.SelectAll {
		add("select{%s}", q.SelectNames())
	}
	for _, e := range q.Expand {
		add("expand{%s: %s}", e.Property.Name, summarize(e.Query))
	}
	if q.TopGiven || q.Top != DefaultPage {
		add("top{%d %v}", q.Top, q.TopGiven)
	}
	if q.Skip > 0 {
		add("skip{%d}", q.Skip)
	}
	if q.Count {
		add("count")
	}
	if q.SkipToken != "" {
		add("token{%s}", q.SkipToken)
	}
	if q.DeltaGiven {
		add("delta{%s}", q.DeltaToken)
	}
	if q.Format != MetadataUnset {
		add("format{%d}", q.Format)
	}
	return strings.TrimSpace(b.String())
}

func TestParseQuery(t *testing.T) {
	for _, tt := range []struct{ query, want string }{
		{"", ""},
		{"$top=50&", "top{50 true}"}, // Cortex XSOAR
		{"&&$top=50&&", "top{50 true}"},
		{"=x&$top=5", "top{5 true}"},
		{"%24top=1", "top{1 true}"},
		{"top=2", "top{2 true}"},
		{"$Top=3&$orderBy=title", "by{title} top{3 true}"},
		{"%24ORDERBY=title%20desc,firstActiveDateTime%20asc", "by{title desc} by{firstActiveDateTime}"},
		{"$top=1000000000000000000000000", "top{1000 true}"},
		{"$top=0007", "top{7 true}"},
		{"$skip=0&$count=false", ""},
		{"$skip=99999999999999", "skip{2147483647}"},
		{"$count=True", "count"},
		{"$skiptoken=a%2Bb+c", "token{a+b c}"},
		{"$deltatoken=", "delta{}"},
		{"$deltatoken=latest", "delta{latest}"},
		{"$format=json", "format{2}"},
		{"format=application/json;odata.metadata=none", "format{1}"},
		{"$format=application%2Fjson%3B%20odata.metadata%3Dfull%3Bodata.streaming%3Dtrue", "format{3}"},
		{"$sort=x&foo=bar&view=active&$top=1", "top{1 true}"},
		{"apply=x&index=2&levels=1&compute=x", ""}, // only with $ do they mean something
		{"@p=1", ""},

		// As msgraph-sdk-go sends it.
		{
			"$count=true&$expand=indicators%28$top%3D5%29&$filter=kind%20eq%20%27actor%27&$orderby=title%20desc,firstActiveDateTime&$search=%22Mint%20Sandstorm%22&$select=id,title&$skip=0&$top=2",
			`filter{kind eq 'actor'} by{title desc} by{firstActiveDateTime} search{"Mint Sandstorm"} select{id,title} expand{indicators: top{5 true}} top{2 true} count`,
		},
		{"$filter=title+eq+'a%2Bb'+or+title%20eq%20'c;d%26e=f'", "filter{title eq 'a+b' or title eq 'c;d&e=f'}"},
		{"$filter=title eq 'a=b'", "filter{title eq 'a=b'}"},
		{"$filter=title eq 'x'&co'", "filter{title eq 'x'}"}, // the & ends it; co' is an unknown parameter
		{"$filter=title eq 'Mintü'", "filter{title eq 'Mintü'}"},

		{"$select=title,ID", "select{id,title}"}, // declared order and names
		{"$select=title, title ,id", "select{id,title}"},
		{"$select=*", "select{*}"},
		{"$select=id,*", "select{*}"},
		{"$select=indicators", "select{indicators}"},
		{"$select=id,@dossier.confidence", "select{id,@dossier.confidence}"},

		{"$orderby=aliases/$count desc,summary/FORMAT,owner/microsoft.graph.security.hostname/id", "by{aliases/$count desc} by{summary/format} by{owner/microsoft.graph.security.hostname/id}"},
		{"$orderby=title,title desc,Title", "by{title}"},
		{"$orderby= title  DESC , $it/kind", "by{title desc} by{kind}"},
		{"$orderby=@dossier.confidence desc", "by{@dossier.confidence desc}"},

		// A raw ';' and everything nested.
		{"$expand=indicators($select=id;$top=5)&$top=3", "expand{indicators: select{id} top{5 true}} top{3 true}"},
		{"$expand=indicators", "expand{indicators: }"},
		{"$expand= Indicators ( $top=5000) ", "expand{indicators: top{1000 true}}"},
		{
			"$expand=indicators($filter=id eq 'o)s;i'';nt,';$orderby=firstSeenDateTime desc,id;$skip=2;$count=true;select=id)",
			"expand{indicators: filter{id eq 'o)s;i'';nt,'} by{firstSeenDateTime desc} by{id} select{id} skip{2} count}",
		},
		{"$expand=indicators(filter=contains(id,')') and (id ne ';');TOP=1)", "expand{indicators: filter{contains(id,')') and id ne ';'} top{1 true}}"},
		{"$expand=indicators($expand=artifact($select=id);$top=2)", "expand{indicators: expand{artifact: select{id}} top{2 true}}"},

		{"$search=Microsoft", `search{"Microsoft"}`},
		{"$search=Mint+Sandstorm", `search{"Mint" AND "Sandstorm"}`},
	} {
		q, err := ParseQuery(tt.query, profileType, Options{Allow: AllowAll})
		if err != nil {
			t.Errorf("%s\n\t%v", tt.query, err)
			continue
		}
		if got := summarize(q); got != tt.want {
			t.Errorf("%s\n\t= %s\n\twant %s", tt.query, got, tt.want)
		}
	}
}

func TestParseQueryErrors(t *testing.T) {
	for _, tt := range []struct {
		query  string
		target string
		pos    int
		want   string
	}{
		{"$top=1&$top=1", "$top", 0, "Query option '$top' was specified more than once, but it must be specified at most once."},
		{"$top=1&%24TOP=2", "$top", 0, "Query option '$top' was specified more than once, but it must be specified at most once."},
		{"$filter=a&filter=b", "$filter", 1, "Could not find a property named 'a' on type 'microsoft.graph.security.intelligenceProfile'."},
		{"$filter=title eq '%zz'", "$filter", 11, "Invalid query: invalid escape '%zz' in query parameter '$filter' at position 11."},
		{"$filter=title%20eq+'%C3%BC%4", "$filter", 12, "Invalid query: invalid escape '%4' in query parameter '$filter' at position 12."},
		{"foo=%", "foo", 1, "Invalid query: invalid escape '%' in query parameter 'foo' at position 1."},
		{"a%2=1", "", 2, "Invalid query: invalid escape '%2' in the name of a query parameter at position 2."},
		{"$filter=title%20eq%20'%ff'", "$filter", 11, "Invalid query: bytes that are not UTF-8 in query parameter '$filter' at position 11."},
		{"$filter=title eq '\xff'", "$filter", 11, "Invalid query: bytes that are not UTF-8 in query parameter '$filter' at position 11."},
		{"$filter=title%20eq%20'%C0%80'", "$filter", 11, "Invalid query: bytes that are not UTF-8 in query parameter '$filter' at position 11."},
		{"x=ab%00", "x", 3, "Invalid query: a NUL character in query parameter 'x' at position 3."},
		{"$apply=x", "$apply", 0, "Query option '$apply' is not supported."},
		{"%24Levels=x", "$levels", 0, "Query option '$levels' is not supported."},
		// As the JavaScript client sends it: the & ends the string.
		{"$filter=startswith(title,'Mint & co+1')", "$filter", 18, "Invalid filter clause: unterminated string literal starting at position 18; an '&' in a value must be sent as %26"},
		{"$filter=title eq 'x&$top=1", "$filter", 10, "Invalid filter clause: unterminated string literal starting at position 10"},
		{"$search=\"AT&T\"", "$search", 1, "Invalid search clause: unterminated phrase starting at position 1; an '&' in a value must be sent as %26"},
	} {
		_, err := ParseQuery(tt.query, profileType, Options{Allow: AllowAll})
		if err == nil {
			t.Errorf("%s is accepted", tt.query)
			continue
		}
		if e := asError(t, err); e.Message != tt.want || e.Target != tt.target || e.Pos != tt.pos || e.Code != CodeBadRequest {
			t.Errorf("%s\n\t%s %s at %d: %s\n\twant %s at %d: %s", tt.query, e.Code, e.Target, e.Pos, e.Message, tt.target, tt.pos, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	const all = "$filter=title eq 'x'&$orderby=title&$search=x&$select=id&$expand=indicators&$top=5&$skip=1&$count=true&$skiptoken=x&$deltatoken=y"
	for _, tt := range []struct {
		query string
		opts  Options
		want  string // the message if it begins with "Query"
	}{
		{all, Options{Allow: AllowAll}, `filter{title eq 'x'} by{title} search{"x"} select{id} expand{indicators: } top{5 true} skip{1} count token{x} delta{y}`},
		{all, Options{Allow: AllowNumber, Ignore: AllowAll}, `filter{title eq 'x'} search{"x"}`},
		{"$top=x&$filter=title eq 'x'", Options{Allow: AllowNumber, Ignore: AllowAll}, "filter{title eq 'x'}"}, // not even looked at
		{"$select=id", Options{Allow: AllowEntity}, "select{id}"},
		{"$filter=x", Options{Allow: AllowEntity}, "Query option '$filter' is not allowed here."},
		{"$orderby=x", Options{Allow: AllowDelta}, "Query option '$orderby' is not allowed here."},
		{"$format=json&x=y", Options{}, "format{2}"},
		{"", Options{DefaultPage: 20}, "top{20 false}"},
		{"", Options{DefaultPage: 2000}, "top{1000 false}"},
		{"$top=7", Options{Allow: AllowTop, DefaultPage: 20}, "top{7 true}"},
		{"$top=7", Options{Allow: AllowTop, MaxPage: 5}, "top{5 true}"},
		{"$expand=indicators", Options{Allow: AllowExpand, DefaultPage: 7}, "expand{indicators: } top{7 false}"},
	} {
		q, err := ParseQuery(tt.query, profileType, tt.opts)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = summarize(q)
		}
		if got != tt.want {
			t.Errorf("%s with %+v\n\t= %s\n\twant %s", tt.query, tt.opts, got, tt.want)
		}
	}
	if _, err := ParseQuery("$filter=title eq 'x'", nil, Options{Allow: AllowAll}); err == nil {
		t.Error("$filter is accepted without a type")
	}
	if _, err := ParseQuery("$top=3", nil, Options{Allow: AllowAll}); err != nil {
		t.Errorf("$top without a type: %v", err)
	}
	if _, err := ParseQuery("$search=x", indicatorType, Options{Allow: AllowCollection &^ AllowSearch}); err == nil {
		t.Error("$search on indicators is accepted")
	}
}

func TestQueryMethods(t *testing.T) {
	q, err := ParseQuery("$select=ID,title&$expand=Indicators($top=3)&View=active", profileType, Options{Allow: AllowAll})
	if err != nil {
		t.Fatal(err)
	}
	if !q.Selected("title") || q.Selected("kind") {
		t.Error("Selected is wrong")
	}
	if e := q.Expanded("indicators"); e == nil || e.Query.Top != 3 || q.Expanded("artifact") != nil {
		t.Error("Expanded is wrong")
	}
	if v, ok := q.Param("view"); v != "active" || !ok {
		t.Errorf("Param = %q, %v", v, ok)
	}
	if _, ok := q.Param("x"); ok {
		t.Error("Param finds what is not there")
	}
	for _, query := range []string{"", "$select=*"} {
		if q, err = ParseQuery(query, profileType, Options{Allow: AllowAll}); err != nil || !q.Selected("kind") {
			t.Errorf("%q does not select kind: %v", query, err)
		}
	}
}

func TestNextLink(t *testing.T) {
	const base = "https://intel.example.org/v1.0/security/threatIntelligence/intelProfiles"
	for _, tt := range []struct{ query, want string }{
		{"", "?$top=100&$skiptoken=T1"},
		{"$count=true&$top=1", "?$count=true&$top=1&$skiptoken=T1"},
		{"$top=5000&$count=true", "?$top=1000&$count=true&$skiptoken=T1"},
		{"$skip=10&$skiptoken=old&%24TOP=3&orderby=title", "?$top=3&$orderby=title&$skiptoken=T1"},
		{"$filter=title+eq+'a%2Bb;%26%23'&view=active&$sort=x&&", "?$filter=title%20eq%20%27a%2Bb%3B%26%23%27&view=active&$sort=x&$top=100&$skiptoken=T1"},
		{"$search=\"Mint\"&$select=id, title", "?$search=%22Mint%22&$select=id,%20title&$top=100&$skiptoken=T1"},
		{"$filter=title eq 'ü'", "?$filter=title%20eq%20%27%C3%BC%27&$top=100&$skiptoken=T1"},
	} {
		q, err := ParseQuery(tt.query, profileType, Options{Allow: AllowAll})
		if err != nil {
			t.Errorf("%s: %v", tt.query, err)
			continue
		}
		link := q.NextLink(base, "T1")
		if got := strings.TrimPrefix(link, base); got != tt.want {
			t.Errorf("NextLink of %s\n\t= %s\n\twant %s", tt.query, got, tt.want)
		}
		u, err := url.Parse(link)
		if err != nil {
			t.Errorf("NextLink of %s: %v", tt.query, err)
			continue
		}
		again, err := ParseQuery(u.RawQuery, profileType, Options{Allow: AllowAll})
		if err != nil || again.SkipToken != "T1" || again.Top != q.Top || again.Skip != 0 {
			t.Errorf("NextLink of %s does not parse again: %+v, %v", tt.query, again, err)
		}
		if second := again.NextLink(base, "T1"); second != link {
			t.Errorf("the NextLink of the NextLink is another:\n\t%s\n\t%s", link, second)
		}
	}
}

// The nested options make the link to the rest of an expanded collection.
func TestNextLinkNested(t *testing.T) {
	q, err := ParseQuery("$expand=indicators($filter=source eq 'osint';$top=5)", profileType, Options{Allow: AllowAll})
	if err != nil {
		t.Fatal(err)
	}
	const want = "b?$filter=source%20eq%20%27osint%27&$top=5&$skiptoken=T"
	if got := q.Expand[0].Query.NextLink("b", "T"); got != want {
		t.Errorf("NextLink = %s, want %s", got, want)
	}
}
