package odata

import (
	"strings"
	"testing"
)

func BenchmarkParseQuery(b *testing.B) {
	list := "$filter=id in ('" + strings.Repeat("9b01de37bf66d1760954a16dc2b52fed2a7bd4e093dfc8a4905e108e4843da80','", 999) + "x')"
	for _, bb := range []struct{ name, query string }{
		{"plain", "$filter=kind%20eq%20%27actor%27&$orderby=title%20desc&$select=id,title&$top=50"},
		{"sdk", "$count=true&$expand=indicators%28$top%3D5%29&$filter=kind%20eq%20%27actor%27&$orderby=title%20desc,firstActiveDateTime&$search=%22Mint%20Sandstorm%22&$select=id,title&$skip=0&$top=2"},
		{"lambda", "$filter=aliases/any(a:a eq 'ACTINIUM') or indicators/any(i:i/artifact/microsoft.graph.security.hostname/id eq 'fake-malicious.site')"},
		{"in1000", list},
		{"bomb", "$filter=" + strings.Repeat("(", 120_000)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.query)))
			for b.Loop() {
				_, _ = ParseQuery(bb.query, profileType, Options{Allow: AllowAll})
			}
		})
	}
}

func BenchmarkEval(b *testing.B) {
	e, err := ParseFilter("aliases/any(a:a eq 'ACTINIUM') and startswith(title,'aqua') and kind eq 'actor'", profileType)
	if err != nil {
		b.Fatal(err)
	}
	row := aqua()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Eval(e, row)
	}
}
