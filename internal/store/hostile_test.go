package store

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"dossier/internal/odata"
)

// TestHostileQueries sends as much as the parser lets through: nothing is too
// deep or too long for the database, and all is answered at once.
func TestHostileQueries(t *testing.T) {
	s := sharedStore(t).s
	repeat := strings.Repeat
	list := func(n int, f string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, f, i)
		}
		return b.String()
	}
	const value = "artifact/microsoft.graph.security.unclassifiedArtifact/value"
	for _, tt := range []struct {
		typ           *odata.Type
		filter, order string
	}{
		{Types.Profile, repeat("(", 99) + "title eq 'x'" + repeat(")", 99), ""},
		{Types.Profile, repeat("not ", 98) + "(title eq 'x')", ""},
		{Types.Profile, "contains(title,'x')" + repeat(" eq true", 97), ""},
		{Types.Profile, "contains(title,'x')" + repeat(" eq null", 97), ""},
		{Types.Profile, repeat("(", 90) + "contains(title,'x')" + repeat(" in (true,null))", 90), ""},
		{Types.Profile, "title eq 'x'" + repeat(" or title eq 'y'", 600), "title desc,kind"},
		{Types.Profile, "title in (" + list(1000, "'a%d'") + ")", ""},
		{Types.Profile, "tolower(summary/content) in (null," + list(999, "'a%d'") + ")", ""},
		{Types.Profile, "contains(title,'abc')" + repeat(" or contains(summary/content,'bcd')", 450), ""},
		{Types.Profile, "aliases/any(a:a in (" + list(1000, "'a%d'") + "))", ""},
		{Types.Profile, "aliases/any(a:a eq 'x')" + repeat(" or aliases/any(a:a eq 'x')", 350), ""},
		{Types.Profile, "targets/any(a:a ne 'x')" + repeat(" and aliases/all(a:startswith(a,'x'))", 350), ""},
		{Types.Profile, "indicators/any(i:i/artifact/id in (" + list(1000, "'a%d'") + "))", ""},
		{Types.Profile, "indicators/any(i:i/" + value + " in (" + list(1000, "'a%d'") + "))", ""},
		{Types.Profile, "indicators/any(i:i/" + value + " eq 'x')" + repeat(" or indicators/any(i:i/"+value+" eq 'x')", 350), ""},
		{Types.Profile, "indicators/$count gt 1" + repeat(" or indicators/$count lt 0", 400), "indicators/$count desc,aliases/$count,summary/content desc,tradecraft/content,tradecraft/format desc"},
		{Types.Indicator, value + " in (" + list(1000, "'a%d'") + ")", ""},
		{Types.Indicator, value + " eq 'x'" + repeat(" or "+value+" eq 'x'", 600), value + " desc"},
		{Types.Indicator, "artifact/id in (" + list(1000, "'a%d'") + ")", "artifact/id"},
		{Types.Indicator, "startswith(artifact/id,'" + repeat("x", 60_000) + "')", ""},
		{Types.Indicator, "contains(artifact/id,'" + repeat("%_", 30_000) + "')", ""},
	} {
		raw := "$count=true&$filter=" + url.QueryEscape(tt.filter)
		if len(raw) > odata.MaxQueryLength {
			raw = "$count=true&$filter=" + strings.ReplaceAll(tt.filter, " ", "+")
		}
		if tt.order != "" {
			raw += "&$orderby=" + url.QueryEscape(tt.order)
		}
		q, err := odata.ParseQuery(raw, tt.typ, odata.Options{Allow: odata.AllowCollection})
		if err != nil {
			t.Errorf("%.80s…: %v", tt.filter, err)
			continue
		}
		start := time.Now()
		if tt.typ == Types.Profile {
			_, err = s.Profiles(t.Context(), q, testViews[0])
		} else {
			_, err = s.Indicators(t.Context(), q, testViews[0])
		}
		if took := time.Since(start); err != nil || took > 2*time.Second {
			t.Errorf("%.80s…: %v after %s", tt.filter, err, took)
		} else if testing.Verbose() {
			t.Logf("%s: %.60s…", took.Round(time.Millisecond), tt.filter)
		}
	}
}

// TestBudget checks that a query that takes too long is refused, with advice.
func TestBudget(t *testing.T) {
	s, _ := testStore(t)
	s.budget = time.Nanosecond
	q := query(t, "$filter=contains(title,'x')", Types.Profile)
	var refused *odata.Error
	if _, err := s.Profiles(t.Context(), q, View{}); !errors.As(err, &refused) || refused.Target != "$filter" || !strings.Contains(refused.Message, "too costly") {
		t.Errorf("a page: %v", err)
	}
	if _, err := s.ProfileCount(t.Context(), q, View{}); !errors.As(err, &refused) {
		t.Errorf("a count: %v", err)
	}
	s.budget = queryBudget
	if _, err := s.Profiles(t.Context(), query(t, "", Types.Profile), View{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
