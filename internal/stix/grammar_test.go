package stix

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestLiterals: every type of constant, and what of it is no constant.
func TestLiterals(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Literal // no kind: refused
	}{
		{`'x'`, Literal{StringLiteral, "x"}},
		{`''`, Literal{StringLiteral, ""}},
		{`'it\'s'`, Literal{StringLiteral, "it's"}},
		{`'C:\\a\\'`, Literal{StringLiteral, `C:\a\`}},
		{`'C:\Windows'`, Literal{StringLiteral, `C:\Windows`}}, // not doubled
		{`'é 雪 ]'`, Literal{StringLiteral, "é 雪 ]"}},
		{`'\\\''`, Literal{StringLiteral, `\'`}},
		{`'a' `, Literal{StringLiteral, "a"}},
		{"'a\nb'", Literal{StringLiteral, "a\nb"}},
		{`0`, Literal{IntegerLiteral, "0"}},
		{`-5`, Literal{IntegerLiteral, "-5"}},
		{`+5`, Literal{IntegerLiteral, "5"}},
		{`2.50`, Literal{FloatLiteral, "2.50"}},
		{`-.5`, Literal{FloatLiteral, "-.5"}},
		{`.5`, Literal{FloatLiteral, ".5"}},
		{`true`, Literal{BooleanLiteral, "true"}},
		{`false`, Literal{BooleanLiteral, "false"}},
		{`b'AAAA'`, Literal{BinaryLiteral, "AAAA"}},
		{`b''`, Literal{BinaryLiteral, ""}},
		{`b'AA=='`, Literal{BinaryLiteral, "AA=="}},
		{`h'00FF'`, Literal{HexLiteral, "00ff"}},
		{`t'2016-06-01T01:02:03Z'`, Literal{TimestampLiteral, "2016-06-01T01:02:03Z"}},
		{`t'2016-06-01T01:02:03.123456Z'`, Literal{TimestampLiteral, "2016-06-01T01:02:03.123456Z"}},

		{`"x"`, Literal{}},
		{`x`, Literal{}},
		{`TRUE`, Literal{}},
		{`01`, Literal{}},
		{`1.`, Literal{}},
		{`1.2.3`, Literal{}},
		{`1e5`, Literal{}},
		{`--1`, Literal{}},
		{`b'A'`, Literal{}},
		{`b'A A='`, Literal{}},
		{`h'0'`, Literal{}},
		{`h'0g'`, Literal{}},
		{`t'2016-06-01'`, Literal{}},
		{`t'2016-06-31T00:00:00Z'`, Literal{}}, // June has 30 days
		{`t'2016-06-01T00:00:00+01:00'`, Literal{}},
		{`'x`, Literal{}},
		{`'x\'`, Literal{}},
		{``, Literal{}},
		{`null`, Literal{}},
	} {
		p, err := ParsePattern("[a:b = " + tt.in + "]")
		if tt.want.Kind == "" {
			if err == nil {
				t.Errorf("%s is taken: %s", tt.in, p)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := p.Root.(Observed).Comparison.(Test).Values[0]; got != tt.want {
			t.Errorf("%s read as %+v, want %+v", tt.in, got, tt.want)
		}
		if again, err := ParsePattern(p.String()); err != nil || !reflect.DeepEqual(shape(p), shape(again)) {
			t.Errorf("%s printed as %s, read as %v, %v", tt.in, p, again, err)
		}
	}
}

// TestOperators: which operator takes which type of constant.
func TestOperators(t *testing.T) {
	constants := map[LiteralKind]string{
		StringLiteral: "'x'", IntegerLiteral: "5", FloatLiteral: "2.5", BooleanLiteral: "true", BinaryLiteral: "b'AAAA'", HexLiteral: "h'00'",
		TimestampLiteral: "t'2016-06-01T00:00:00Z'",
	}
	for _, tt := range []struct{ spelt, op string }{
		{"=", "="},
		{"==", "="},
		{"!=", "!="},
		{"<>", "!="},
		{"≠", "!="},
		{"<", "<"},
		{"<=", "<="},
		{"≤", "<="},
		{">", ">"},
		{">=", ">="},
		{"≥", ">="},
		{"LIKE", "LIKE"},
		{"MATCHES", "MATCHES"},
		{"ISSUBSET", "ISSUBSET"},
		{"ISSUPERSET", "ISSUPERSET"},
		{"like", ""},
		{"===", ""},
		{"=>", ""},
		{"CONTAINS", ""},
	} {
		for kind, constant := range constants {
			ok := tt.op != ""
			switch tt.op {
			case "<", "<=", ">", ">=":
				ok = kind != BooleanLiteral
			case "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET":
				ok = kind == StringLiteral
			}
			for _, not := range []string{"", "NOT "} {
				p, err := ParsePattern("[a:b " + not + tt.spelt + " " + constant + "]")
				if (err == nil) != ok {
					t.Errorf("%s%s %s: %v", not, tt.spelt, constant, err)
				}
				if err != nil {
					continue
				}
				if test := p.Root.(Observed).Comparison.(Test); test.Op != tt.op || test.Not != (not != "") || test.Pos != 1 {
					t.Errorf("%s%s %s: %+v", not, tt.spelt, constant, test)
				}
			}
		}
	}
}

func TestPaths(t *testing.T) {
	key := func(k string) Step { return Step{Key: k} }
	at := func(i string) Step { return Step{Index: i} }
	for _, tt := range []struct {
		in, printed string // printed "" is as in; no steps: refused
		typ         string
		steps       []Step
	}{
		{"file:name", "", "file", []Step{key("name")}},
		{"x-acme_thing:a_b", "", "x-acme_thing", []Step{key("a_b")}},
		{"file:hashes.'SHA-256'", "", "file", []Step{key("hashes"), key("SHA-256")}},
		{"file:hashes.SHA-256", "file:hashes.'SHA-256'", "file", []Step{key("hashes"), key("SHA-256")}},
		{"file:hashes['SHA-256']", "file:hashes.'SHA-256'", "file", []Step{key("hashes"), key("SHA-256")}},
		{"file:'name'", "file:name", "file", []Step{key("name")}},
		{`a:'it\'s'.'\\'`, "", "a", []Step{key("it's"), key(`\`)}},
		{"a:b[0][*].c", "", "a", []Step{key("b"), at("0"), at("*"), key("c")}},
		{"a:b[-1]", "", "a", []Step{key("b"), at("-1")}},
		{"a:b_refs[*].c_ref.'d e'", "", "a", []Step{key("b_refs"), at("*"), key("c_ref"), key("d e")}},
		{"a : b . c", "a:b.c", "a", []Step{key("b"), key("c")}},
		{"a:IN", "", "a", []Step{key("IN")}}, // a keyword is a key where only keys stand
		{"a:''", "", "a", []Step{key("")}},   // no key is empty, but it does no harm
		{"a:'1'", "", "a", []Step{key("1")}}, // a key in quotes is no number
		{"a:'b.c'", "", "a", []Step{key("b.c")}},

		{in: "a"},
		{in: "a:"},
		{in: ":b"},
		{in: "a:b."},
		{in: "a:b[x]"},
		{in: "a:b[1.5]"},
		{in: "a:b[]"},
		{in: "a:b[0"},
		{in: "a:[0]"},
		{in: "a:1"},
		{in: "'a':b"},
		{in: "AND:b"},
		{in: "a:b:c"},
		{in: "a.b:c"},
	} {
		p, err := ParsePattern("[" + tt.in + " = 1]")
		if tt.steps == nil {
			if err == nil {
				t.Errorf("%s is taken: %s", tt.in, p)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		path := p.Root.(Observed).Comparison.(Test).Path
		if path.Type != tt.typ || !reflect.DeepEqual(path.Steps, tt.steps) {
			t.Errorf("%s read as %+v", tt.in, path)
		}
		want := tt.printed
		if want == "" {
			want = tt.in
		}
		if path.String() != want {
			t.Errorf("%s printed as %s, want %s", tt.in, path, want)
		}
	}
}

// TestBinding: AND binds before OR, OR before FOLLOWEDBY; parentheses that
// change nothing are not printed, and those that group equals are kept.
func TestBinding(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"[A AND B OR C AND D]", "[(OR (AND A B) (AND C D))]"},
		{"[A OR B OR C]", "[(OR A B C)]"},
		{"[(A OR B) OR C]", "[(OR (OR A B) C)]"},
		{"[A AND (B OR C)]", "[(AND A (OR B C))]"},
		{"[((A))]", "[A]"},
		{"[A] AND [B] OR [C] FOLLOWEDBY [D] OR [E]", "(FOLLOWEDBY (OR (AND [A] [B]) [C]) (OR [D] [E]))"},
		{"[A] FOLLOWEDBY ([B] FOLLOWEDBY [C])", "(FOLLOWEDBY [A] (FOLLOWEDBY [B] [C]))"},
		{"[A] OR [B] WITHIN 5 SECONDS", "(OR [A] WITHIN{[B]})"}, // a qualifier belongs to the last
		{"([A] OR [B]) WITHIN 5 SECONDS", "WITHIN{(OR [A] [B])}"},
		{"[A] REPEATS 2 TIMES WITHIN 5 SECONDS", "WITHIN{REPEATS{[A]}}"},
		{"(([A]) WITHIN 5 SECONDS) REPEATS 2 TIMES", "REPEATS{WITHIN{[A]}}"},
	} {
		// A letter stands for a test of the property of its name.
		source := tt.in
		for _, name := range "ABCDE" {
			source = strings.NewReplacer("["+string(name), "[x:"+string(name)+" = 1", "("+string(name), "(x:"+string(name)+" = 1",
				" "+string(name)+" ", " x:"+string(name)+" = 1 ", " "+string(name)+")", " x:"+string(name)+" = 1)", " "+string(name)+"]", " x:"+string(name)+" = 1]").Replace(source)
		}
		p, err := ParsePattern(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := outline(p.Root); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
		again, err := ParsePattern(p.String())
		if err != nil || !reflect.DeepEqual(shape(p), shape(again)) {
			t.Errorf("%s printed as %s: %v", tt.in, p, err)
		}
	}
}

func outline(node any) string {
	join := func(op string, parts []string) string { return "(" + op + " " + strings.Join(parts, " ") + ")" }
	var parts []string
	switch n := node.(type) {
	case Observed:
		return "[" + outline(n.Comparison) + "]"
	case Combined:
		for _, p := range n.Parts {
			parts = append(parts, outline(p))
		}
		return join(n.Op, parts)
	case Qualified:
		return n.Kind + "{" + outline(n.Part) + "}"
	case Logic:
		for _, p := range n.Parts {
			parts = append(parts, outline(p))
		}
		return join(n.Op, parts)
	case Test:
		return n.Path.Steps[0].Key
	}
	return fmt.Sprintf("%T", node)
}

func TestQualifiers(t *testing.T) {
	const instant = "t'2016-06-01T00:00:00Z'"
	for _, tt := range []struct{ in, want string }{ // want "" is refused
		{"WITHIN 5 SECONDS", "WITHIN 5 SECONDS"},
		{"WITHIN 0.5 SECONDS", "WITHIN 0.5 SECONDS"},
		{"WITHIN -5 SECONDS", ""},
		{"WITHIN 5", ""},
		{"WITHIN 5 MINUTES", ""},
		{"WITHIN '5' SECONDS", ""},
		{"REPEATS 5 TIMES", "REPEATS 5 TIMES"},
		{"REPEATS 2.5 TIMES", ""},
		{"REPEATS TIMES", ""},
		{"START " + instant + " STOP " + instant, "START " + instant + " STOP " + instant},
		{"START '2016-06-01T00:00:00Z' STOP '2016-07-01T00:00:00Z'", "START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z'"}, // 2.0
		{"START 'June' STOP 'July'", ""},
		{"START " + instant, ""},
		{"STOP " + instant, ""},
		{"within 5 seconds", ""},
	} {
		p, err := ParsePattern("[a:b = 1] " + tt.in)
		if (err == nil) != (tt.want != "") || err == nil && p.String() != "[a:b = 1] "+tt.want {
			t.Errorf("%s: %v, %v", tt.in, p, err)
		}
	}
}

func TestBlanksAndComments(t *testing.T) {
	for _, tt := range []struct {
		in string
		ok bool
	}{
		{"[a:b='x'AND a:c='y']OR[a:d='z']", true},
		{"\t[\n a:b\r\n = 'x' ]\u00a0", true},
		{"[a:b /* why */ = 'x'] // so", true},
		{"// first\n[a:b = 'x']", true},
		{"\ufeff[a:b = 'x']", true},
		{"[a:b = '/* no comment */']", true},
		{"[a:b = 'x' /* open]", false},
		{"[a:b = 'x'] // line\nrest", false},
		{"[a:b = 'x'] ; DROP", false},
		{"[a:b = 'x']\x00", false},
		{"[a:b = \xff]", false},
	} {
		if _, err := ParsePattern(tt.in); (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.in, err)
		}
	}
}

// TestPatternErrors: an error says where and what.
func TestPatternErrors(t *testing.T) {
	for _, tt := range []struct {
		in, want string
	}{
		{"", "pattern: at 0: expected [ or (, found the end"},
		{"[a:b = 'x' and a:c = 'y']", "pattern: at 11: expected ], found and"},
		{"[a:b = 'x", "pattern: at 7: string without end"},
		{"[a:b IN (1 2)]", "pattern: at 11: expected ,, found 2"},
		{"[a:b IN (1,)]", "pattern: at 11: expected a constant, found )"},
		{"[a:b LIKE 5]", "pattern: at 10: expected a string, found 5"},
		{"[a:b > true]", "pattern: at 7: expected a constant that has an order, found true"},
		{"[EXISTS]", "pattern: at 7: expected an object type, found ]"},
		{"[NOT a:b = 1]", "pattern: at 5: expected EXISTS, found a"},
		{"[é:b = 1]", "pattern: at 1: unexpected character é"},
		{"[a:b = 1]]", "pattern: at 9: expected an operator or the end, found ]"},
		{"[a:b = '" + strings.Repeat("x", 10) + "' 'y']", "pattern: at 20: expected ], found a string"},
		{"[a:b = 1] " + strings.Repeat("z", 100), "pattern: at 10: expected an operator or the end, found " + strings.Repeat("z", 40) + "…"},
	} {
		if _, err := ParsePattern(tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

// TestPatternBounds: what is just within the limits is read, what is beyond is
// an error, and neither takes long.
func TestPatternBounds(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("(", n) + "[a:b = 1]" + strings.Repeat(")", n) }
	inner := func(n int) string {
		return "[" + strings.Repeat("(", n) + "a:b = 1" + strings.Repeat(")", n) + "]"
	}
	long := "[a:b = '" + strings.Repeat("x", MaxPattern-len("[a:b = '']")) + "']"
	chain := "[" + strings.Repeat("a:b = 1 OR ", MaxPattern/11-2) + "a:b = 2]"
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"nested as deep as may be", nested(maxPatternDepth - 1), true},
		{"deeper", nested(maxPatternDepth), false},
		{"comparisons as deep as may be", inner(maxPatternDepth - 1), true},
		{"deeper", inner(maxPatternDepth), false},
		{"as many qualifiers as may be", "[a:b = 1]" + strings.Repeat(" REPEATS 2 TIMES", maxPatternDepth-1), true},
		{"more", "[a:b = 1]" + strings.Repeat(" REPEATS 2 TIMES", maxPatternDepth), false},
		{"as long as may be", long, true},
		{"longer", long + " ", false},
		{"a chain is no nesting", chain, true},
	} {
		p, err := ParsePattern(tt.in)
		var bad *PatternError
		if (err == nil) != tt.ok || err != nil && !errors.As(err, &bad) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil {
			if again, err := ParsePattern(p.String()); err != nil || again.String() != p.String() {
				t.Errorf("%s: printed and read again: %v", tt.name, err)
			}
		}
	}
}
