package odata

import "testing"

func TestParseSearch(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Microsoft", `"Microsoft"`},
		{`"Mint Sandstorm"`, `"Mint Sandstorm"`},
		{"Mint Sandstorm", `"Mint" AND "Sandstorm"`},
		{"  Mint\tSandstorm ", `"Mint" AND "Sandstorm"`},
		{`"a" AND "b"`, `"a" AND "b"`},
		{`"a" OR "b" "c"`, `"a" OR "b" AND "c"`},
		{`a OR b AND NOT c`, `"a" OR "b" AND NOT "c"`},
		{`(a OR b) c`, `("a" OR "b") AND "c"`},
		{`(a OR (b OR c)) OR d`, `"a" OR "b" OR "c" OR "d"`},
		{`((a b) c)`, `"a" AND "b" AND "c"`},
		{`NOT NOT a`, `NOT NOT "a"`},
		{`NOT (a b)`, `NOT ("a" AND "b")`},
		{`NOT a b`, `NOT "a" AND "b"`},
		{`a(b)c`, `"a" AND "b" AND "c"`},
		{`"a"(b)`, `error`},
		{`and or not`, `"and" AND "or" AND "not"`},
		{`ANDROID NOTE`, `"ANDROID" AND "NOTE"`},
		{`"AND"`, `"AND"`},
		{`"say \"hi\" C:\\x \n"`, `"say \"hi\" C:\\x \\n"`},
		{`O'Brien & Söhne, a;b*`, `"O'Brien" AND "&" AND "Söhne," AND "a;b*"`},
		{`" x "`, `" x "`},

		{`"title:mint"`, `"title:mint"`},
		{`"TITLE: Mint Sandstorm "`, `"title:Mint Sandstorm"`},
		{`title:mint`, `"title:mint"`},
		{`"summary/content:x"`, `"summary/content:x"`},
		{`"kind:actor"`, `"kind:actor"`}, // text, since kind is not searched
		{`"title:"`, `"title:"`},
		{`"http://example.org"`, `"http://example.org"`},
		{`"aliases/x:y"`, `"aliases/x:y"`},
		{`"title:a:b"`, `"title:a:b"`},
	} {
		s, err := ParseSearch(tt.text, profileType)
		if err != nil {
			if tt.want != "error" {
				t.Errorf("%s: %v", tt.text, err)
			}
			continue
		}
		if got := s.String(); got != tt.want {
			t.Errorf("%s\n\t= %s\n\twant %s", tt.text, got, tt.want)
		}
		if again, err := ParseSearch(s.String(), profileType); err != nil || again.String() != s.String() {
			t.Errorf("%s parsed again: %v, %v", s, again, err)
		}
	}
}

func TestSearchRestriction(t *testing.T) {
	for text, want := range map[string]string{
		"title:x":                    "title",
		"aliases:x":                  "aliases",
		"tradecraft:x":               "tradecraft",
		"kind:x":                     "",
		"x:y":                        "",
		":x":                         "",
		"title/x:y":                  "",
		"aliases/x:y":                "",
		"issuer/commonName:x":        "issuer/commonName",
		"ISSUER/alternatenames:x":    "issuer/alternateNames",
		"issuer/alternateNames/x:y":  "",
		"serialNumber:00:11":         "serialNumber",
		"microsoft.graph.security:x": "",
	} {
		typ := profileType
		if _, err := ParseSearch(text, certType); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if text[0] == 'i' || text[0] == 'I' || text[0] == 's' {
			typ = certType
		}
		s, err := ParseSearch(text, typ)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := ""
		if p := s.(*SearchTerm).Path; p != nil {
			got = p.String()
		}
		if got != want {
			t.Errorf("%s is restricted to %q, want %q", text, got, want)
		}
	}
}

func TestMatchSearch(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, "x": false, "a b": true, "a x": false, "a OR x": true, "NOT x": true, "NOT (a x)": true, "x OR a NOT b": false,
	} {
		s, err := ParseSearch(text, profileType)
		if err != nil {
			t.Fatal(err)
		}
		if got := MatchSearch(s, func(term *SearchTerm) bool { return term.Text != "x" }); got != want {
			t.Errorf("%s = %v", text, got)
		}
	}
	if !MatchSearch(nil, nil) {
		t.Error("no search does not match")
	}
}
