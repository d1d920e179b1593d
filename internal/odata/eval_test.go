package odata

import (
	"errors"
	"testing"
)

func TestEval(t *testing.T) {
	for _, tt := range []struct {
		filter string
		want   Tri
	}{
		// from the contract
		{"aliases/any(a:a eq 'ACTINIUM') or countriesOrRegionsOfOrigin/any(c:c/code eq 'RU')", True},
		{"targets/all(t:startswith(t,'Government')) and targets/$count gt 0 and tradecraft/content ne null", False},
		{"indicators/any(i:i/artifact/microsoft.graph.security.hostname/id eq 'fake-malicious.site')", True},
		{"indicators/any(i:i/artifact/microsoft.graph.security.unclassifiedArtifact/kind eq 'sha256')", True},
		{"startswith(title,'aqua')", True},

		// null
		{"tradecraft/content eq null", True},
		{"null eq tradecraft/content", True},
		{"tradecraft/content ne 'x'", True},
		{"tradecraft/content eq 'x'", False},
		{"tradecraft/content lt 'x'", False},
		{"not (tradecraft/content lt 'x')", True},
		{"tradecraft/content le null", False},
		{"title ge null", False},
		{"tradecraft eq null", True},
		{"summary ne null", True},
		{"summary eq null", False},
		{"description/content eq null", True},
		{"startswith(tradecraft/content,'x')", Unknown},
		{"startswith(title,null)", Unknown},
		{"not contains(tradecraft/content,'x')", Unknown},
		{"contains(tradecraft/content,'x') eq false", False},
		{"contains(tradecraft/content,'x') ne true", True},
		{"contains(tradecraft/content,'x') or title ne ''", True},
		{"contains(tradecraft/content,'x') or title eq ''", Unknown},
		{"contains(tradecraft/content,'x') and title eq ''", False},
		{"contains(tradecraft/content,'x') and title ne ''", Unknown},
		{"length(tradecraft/content) gt 0", False},
		{"length(tradecraft/content) eq null", True},
		{"tolower(tradecraft/content) ne 'x'", True},
		{"tradecraft/content in ('x')", False},
		{"tradecraft/content in ('x',null)", True},
		{"title in (null)", False},
		{"null", Unknown},
		{"not null", Unknown},
		{"null eq null", True},
		{"null in (null,1)", True},

		// text
		{"title eq 'AQUA blizzard'", True},
		{"'aqua blizzard' eq title", True},
		{"title gt 'aqua'", True},
		{"title lt 'B'", True},
		{"contains(title,'BLIZ')", True},
		{"endswith(title,'ard')", True},
		{"contains(summary/content,'''S')", True},
		{"tolower(title) eq 'aqua blizzard'", True},
		{"toupper(title) eq 'aqua blizzard'", True},
		{"length(title) eq 13", True},
		{"length('Zürich') eq 6", True},
		{"title in ('x','AQUA BLIZZARD')", True},
		{"id eq '9B01DE37'", False},
		{"id eq '9b01de37'", True},
		{"tolower('X') eq 'x'", True},
		{"startswith(id,'9B')", False},
		{"id in ('9B01DE37')", False},
		{"tolower(id) eq '9b01de37'", True},
		{"toupper(id) eq '9b01de37'", False},
		{"indicators/any(i:i/artifact/microsoft.graph.security.unclassifiedArtifact/value eq 'abcdef')", False},
		{"indicators/any(i:i/artifact/microsoft.graph.security.unclassifiedArtifact/value eq 'abcDEF')", True},
		{"indicators/any(i:i/artifact/microsoft.graph.security.hostname/id eq 'FAKE-malicious.SITE')", True},
		{"indicators/any(i:i/artifact/microsoft.graph.security.host/id in ('FAKE-malicious.SITE'))", True},
		{"indicators/any(i:i/artifact/id eq 'FAKE-malicious.SITE')", False},
		{"indicators/any(i:i/id eq FF3EECD2-A2BE-27C2-8DC0-40D1C0EADA55)", True},
		{"indicators/any(i:i/id in (FF3EECD2-A2BE-27C2-8DC0-40D1C0EADA55))", True},

		// enums
		{"kind eq 'actor'", True},
		{"kind eq microsoft.graph.security.intelligenceProfileKind'actor'", True},
		{"kind has 'actor'", True},
		{"kind has microsoft.graph.security.intelligenceProfileKind'tool'", False},
		{"kind lt 'tool'", True},
		{"kind in ('tool','ACTOR')", True},
		{"kind ne null", True},
		{"not kind in ('tool')", True},
		{"not kind has 'tool'", True},
		{"summary/format gt 'text'", False},
		{"tradecraft/format lt 'markdown'", False},
		{"summary/format ne description/format", True},

		// numbers, dates
		{"@dossier.confidence ge 79.5", True},
		{"@dossier.confidence eq 8e1", True},
		{"80 eq @DOSSIER.confidence", True},
		{"@dossier.techniques/any(t:t eq 'T1566')", True},
		{"aliases/$count eq 2 and indicators/$count gt 1.5 and targets/$count eq 0", True},
		{"firstActiveDateTime eq 2020-02-24", True},
		{"firstActiveDateTime eq 2020-02-24T00:00Z", True},
		{"firstActiveDateTime eq 2020-02-24T00:00:00.000999999999Z", True}, // truncated
		{"firstActiveDateTime eq 2020-02-24T05:30:00+05:30", True},
		{"firstActiveDateTime eq 2020-02-23t14:00:00-10:00", True},
		{"firstActiveDateTime gt 2020-02-23T23:59:59.999z", True},
		{"firstActiveDateTime in (2020-02-24,null)", True},
		{"indicators/any(i:i/firstSeenDateTime eq 2022-05-02T23:09:20.123Z)", True},
		{"indicators/any(i:i/firstSeenDateTime eq 2022-05-02T23:09:20.1239Z)", True},

		// logic
		{"true or false and false", True},
		{"(true or false) and false", False},
		{"not false", True},
		{"not not true", True},
		{"NOT (kind EQ 'tool') AND StartsWith(Title,'Aqua')", True},
		{"kind eq 'actor' eq true", True},
		{"@dossier.confidence gt 1 eq true", True},
		{"true eq (title eq 'x')", False},
		{"not contains(title,'x') eq false", False}, // (not contains) eq false
		{"(title eq 'x') in (false)", True},

		// lambdas
		{"targets/any()", False},
		{"aliases/any()", True},
		{"targets/all(t:t eq 'x')", True},
		{"aliases/all(a:length(a) gt 3)", True},
		{"aliases/all(a:a eq 'ACTINIUM')", False},
		{"not aliases/any(a:a eq 'x')", True},
		{"indicators/any(i:i/source eq 'osint' and i/lastSeenDateTime ne null)", True},
		{"indicators/all(i:contains(i/artifact/microsoft.graph.security.unclassifiedArtifact/value,'a'))", False}, // null is not true
		{"not indicators/any(i:contains(i/artifact/microsoft.graph.security.hostname/registrant,'a'))", True},
		{"aliases/any(a:indicators/any(i:i/source eq 'osint' and a eq 'ACTINIUM' and title ne a))", True},
		{"aliases/any(title:title eq 'ACTINIUM' and $it/title eq 'Aqua Blizzard')", True},
		{"aliases/any(eq:eq eq 'ACTINIUM')", True},
		{"aliases/ANY(a : a eq 'ACTINIUM')", True},
		{"$it/title eq 'Aqua Blizzard'", True},
		{"indicators/any(i:i/artifact/microsoft.graph.security.hostname/id ne null)", True},
		{"indicators/any(i:i/artifact/microsoft.graph.security.hostname ne null)", True},
		{"indicators/all(i:i/artifact/microsoft.graph.security.hostname ne null)", False},
		{"indicators/any(i:i/artifact/microsoft.graph.security.sslCertificate/issuer/alternateNames/any(n:n eq 'x'))", False},
		{"microsoft.graph.security.intelligenceProfile/title eq 'aqua blizzard'", True},
		{"microsoft.graph.entity/id ne null", True},
	} {
		e, err := ParseFilter(tt.filter, profileType)
		if err != nil {
			t.Errorf("%s\n\t%v", tt.filter, err)
			continue
		}
		got, err := Eval(e, aqua())
		if got != tt.want || err != nil {
			t.Errorf("%s\n\t= %v, %v; want %v", tt.filter, got, err, tt.want)
		}
		checkReparse(t, e, profileType)
	}
}

// A row that returns the wrong Go type is reported, not taken for something.
func TestEvalWrongRow(t *testing.T) {
	for filter, want := range map[string]string{
		"title eq 'x'":          `property "title": 5 (int) is no Edm.String`,
		"kind eq 'actor'":       `property "kind": spy (string) is no microsoft.graph.security.intelligenceProfileKind`,
		"aliases/any()":         `property "aliases": a string is no collection of Edm.String`,
		"summary/content eq ''": `property "summary": text (string) is no microsoft.graph.security.formattedContent`,
	} {
		e, err := ParseFilter(filter, profileType)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Eval(e, MapRow{profileType, map[string]any{"title": 5, "kind": "spy", "aliases": "x", "summary": "text"}})
		if err == nil || err.Error() != want {
			t.Errorf("Eval(%s): %v; want %s", filter, err, want)
		}
	}
}

func TestEvalNil(t *testing.T) {
	if got, err := Eval(nil, aqua()); got != True || err != nil {
		t.Errorf("Eval(nil) = %v, %v", got, err)
	}
}

// asError returns err as an *Error and fails if it is anything else.
func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error is a %T: %v", err, err)
	}
	return e
}
