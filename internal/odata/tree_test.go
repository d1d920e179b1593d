package odata

import (
	"fmt"
	"strings"
	"testing"
)

// TestTree shows trees with the position of each node.
func TestTree(t *testing.T) {
	for _, tt := range []struct{ filter, want string }{
		{"title eq 'x'", "eq@7(title@1 'x'@10)"},
		{" 'é'  ne  title", "ne@7('é'@2 title@11)"},
		{"a eq 1 or", "error"},
		{"title eq 'a' and title eq 'b' and (title eq 'c' and title eq 'd')", "and@7(eq@7(title@1 'a'@10) eq@24(title@18 'b'@27) eq@42(title@36 'c'@45) eq@59(title@53 'd'@62))"},
		{"title eq 'a' or kind eq 'tool' and id ne null", "or@7(eq@7(title@1 'a'@10) and@22(eq@22(kind@17 'tool'@25) ne@39(id@36 null@42)))"},
		{"not contains(title,'a')", "not@1(contains@5(title@14 'a'@20))"},
		{"kind in ('actor', 'TOOL')", "in@6(kind@1 'actor'@10 'tool'@19)"},
		{"kind has microsoft.graph.security.intelligenceProfileKind'actor'", "has@6(kind@1 'actor'@10)"},
		{"aliases/any(a:a eq 'x')", "any@1(aliases@1 eq@17(a@15 'x'@20))"},
		{"indicators/all(i:i/artifact/microsoft.graph.security.host/id eq 'X' and title eq 'y')", "all@1(indicators@1 and@62(eq@62(i/artifact/microsoft.graph.security.host/id@18 'x'@65) eq@79($it/title@73 'y'@82)))"},
		{"aliases/$count gt 1", "gt@16(aliases/$count@1 1@19)"},
		{"id eq 0F3EECD2-a2be-27c2-8dc0-40d1c0eada55", "eq@4(id@1 '0f3eecd2-a2be-27c2-8dc0-40d1c0eada55'@7)"},
		{"@dossier.confidence eq -5", "eq@21(@dossier.confidence@1 -5@24)"},
		{"@dossier.confidence eq +1.50e1", "eq@21(@dossier.confidence@1 1.5e+01@24)"},
		{"firstActiveDateTime ge 2024-02-29", "ge@21(firstActiveDateTime@1 2024-02-29T00:00:00Z@24)"},
		{"firstActiveDateTime ge 2024-02-29T10:00:00.1239-01:00", "ge@21(firstActiveDateTime@1 2024-02-29T11:00:00.123Z@24)"},
		{"firstActiveDateTime lt 1969-12-31T23:59:59.9999Z", "lt@21(firstActiveDateTime@1 1969-12-31T23:59:59.999Z@24)"},
		// What depends on no property is computed.
		{"1 eq 1", "true@3"},
		{"tolower('ÀB') eq title", "eq@15('àb'@1 title@18)"},
		{"length('ab') eq 2 and not (null eq 1)", "true@14"},
		{"contains(null,'x')", "null@1"},
		{"1 in (1,2) or title eq 'x'", "or@3(true@3 eq@21(title@15 'x'@24))"},
		{"title\neq\t'x'\r\n", "eq@7(title@1 'x'@10)"},
		{"(title)eq('x')and(true)", "and@8(eq@8(title@2 'x'@11) true@19)"},
	} {
		got := "error"
		if e, err := ParseFilter(tt.filter, profileType); err == nil {
			got = dump(e, false)
			checkReparse(t, e, profileType)
		} else if tt.want != "error" {
			t.Errorf("%s\n\t%v", tt.filter, err)
		}
		if got != tt.want {
			t.Errorf("%s\n\t= %s\n\twant %s", tt.filter, got, tt.want)
		}
	}
}

func dump(e Expr, inLambda bool) string {
	name := ""
	var under []Expr
	switch e := e.(type) {
	case *Compare:
		name, under = e.Op.String(), []Expr{e.L, e.R}
	case *In:
		name, under = "in", []Expr{e.X}
		for _, v := range e.List {
			under = append(under, v)
		}
	case *And:
		name, under = "and", e.Terms
	case *Or:
		name, under = "or", e.Terms
	case *Not:
		name, under = "not", []Expr{e.X}
	case *Call:
		name, under = e.Func.String(), e.Args
	case *Lambda:
		name, under = "any", []Expr{e.Path, e.Body}
		if e.All {
			name = "all"
		}
	default:
		var b strings.Builder
		e.write(&b, inLambda)
		return fmt.Sprintf("%s@%d", b.String(), e.Pos())
	}
	_, lambda := e.(*Lambda)
	var parts []string
	for i, u := range under {
		parts = append(parts, dump(u, inLambda || lambda && i == 1)) // 0 is the path
	}
	return fmt.Sprintf("%s@%d(%s)", name, e.Pos(), strings.Join(parts, " "))
}

func TestExact(t *testing.T) {
	for filter, want := range map[string]bool{
		"id eq 'x'": true, "'x' eq id": true, "title eq 'x'": false, "title eq id": true, "tolower(id) eq 'x'": true, "length(id) eq 1": false,
		"id in ('x')": true, "title in ('x')": false, "startswith(id,'x')": true, "contains(title,id)": true, "endswith(title,'x')": false,
	} {
		e, err := ParseFilter(filter, profileType)
		if err != nil {
			t.Fatal(err)
		}
		got := false
		switch e := e.(type) {
		case *Compare:
			got = e.Exact
		case *In:
			got = e.Exact
		case *Call:
			got = e.Exact
		}
		if got != want {
			t.Errorf("%s: Exact is %v", filter, got)
		}
	}
}

func TestWalk(t *testing.T) {
	e, err := ParseFilter("not (title in ('x','y') or aliases/any(a:length(a) eq 2) or targets/any())", profileType)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	Walk(e, func(Expr) bool { n++; return true })
	if n != 14 {
		t.Errorf("Walk visits %d nodes", n)
	}
	n = 0
	Walk(e, func(e Expr) bool { _, or := e.(*Or); n++; return !or })
	if n != 2 {
		t.Errorf("Walk visits %d nodes when told to stop", n)
	}
	Walk(nil, func(Expr) bool { panic("called") })
}

func TestOrder(t *testing.T) {
	list, err := ParseOrderBy("tradecraft/content desc,title,kind desc,aliases/$count,firstActiveDateTime,id", profileType)
	if err != nil {
		t.Fatal(err)
	}
	row := func(title, kind string) MapRow {
		return MapRow{profileType, map[string]any{"title": title, "kind": kind, "aliases": []string{title}, "firstActiveDateTime": 1, "id": title}}
	}
	a, b := row("a", "actor"), row("B", "tool")
	a.Values["tradecraft"] = MapRow{profileType.Property("tradecraft").Type, map[string]any{"content": "x"}}
	for i, want := range []int{-1, -1, 1, 0, 0, 1} { // null last descending; a before B; tool first descending; id by code point
		if got, err := list[i].Compare(a, b); got != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", list[i], got, err, want)
		}
		if got, err := list[i].Compare(b, a); got != -want || err != nil {
			t.Errorf("%s turned round: %d, %v; want %d", list[i], got, err, -want)
		}
	}
	if _, err := list[1].Compare(a, MapRow{profileType, map[string]any{"title": 1}}); err == nil {
		t.Error("a wrong value is taken")
	}
	recent, err := ParseOrderBy("isRecent", certType)
	if err != nil {
		t.Fatal(err)
	}
	yes, no, null := MapRow{certType, map[string]any{"isRecent": true}}, MapRow{certType, map[string]any{"isRecent": false}}, MapRow{certType, nil}
	for _, pair := range [][2]MapRow{{no, yes}, {null, no}} {
		if got, err := recent[0].Compare(pair[0], pair[1]); got != -1 || err != nil {
			t.Errorf("Compare(%v, %v) = %d, %v", pair[0], pair[1], got, err)
		}
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc XYZ_1": "ABC XYZ_1", "straße": "STRAßE", "Kelvin": "KELVIN", "ſ": "S", "Σσς": "ΣΣΣ", "éÉ": "ÉÉ", "İı": "İı", "日本": "日本", "ẞ": "ß",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Lower("ÀİK\u212a"); got != "àİkk" {
		t.Errorf("Lower = %q", got)
	}
	if got := Upper("àıß"); got != "ÀıSS" && got != "Àıß" {
		t.Errorf("Upper = %q", got)
	}
}

func TestTypes(t *testing.T) {
	var names []string
	for p := range indicatorType.All() {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "id source firstSeenDateTime lastSeenDateTime artifact" {
		t.Errorf("All = %s", got)
	}
	for p := range indicatorType.All() {
		if p.Name != "id" {
			t.Error("All goes on after a break")
		}
		break
	}
	if indicatorType.KeyName() != "id" || profileType.Property("summary").Type.KeyName() != "" {
		t.Error("KeyName is wrong")
	}
	if !hostnameType.Is(hostnameType.Base) || hostnameType.Base.Is(hostnameType) {
		t.Error("Is is wrong")
	}
	for p := range Null + 2 {
		if p.String() == "" {
			t.Errorf("Primitive %d has no name", p)
		}
	}
}
