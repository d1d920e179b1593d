package odata

import (
	"strings"
	"testing"
)

// Bombs are refused, and fast.
func TestLimits(t *testing.T) {
	repeat := strings.Repeat
	for _, tt := range []struct{ name, filter, want string }{
		{"parentheses", repeat("(", 100_000) + "true" + repeat(")", 100_000), "is longer than"},
		{"parentheses", repeat("(", 50_000), "is nested more than 100 levels deep at position 101"},
		{"not", repeat("not ", 30_000) + "true", "is nested more than 100 levels deep"},
		{"not and parentheses", repeat("not (", 20_000), "is nested more than 100 levels deep"},
		{"tolower", repeat("tolower(", 10_000), "is nested more than 100 levels deep"},
		{"lambdas", repeat("indicators/any(i:", 101), "find a property named 'indicators'|in use already"},
		{"or", repeat("title eq 'x' or ", 5_000) + "true", "has more than 2000 terms"},
		{"eq", repeat("true eq ", 1_500) + "@dossier.techniques/any()", ""},
		{"eq", "@dossier.techniques/any()" + repeat(" eq true", 150), "is nested more than 100 levels deep"},
		{"in", "title in ('x'" + repeat(",'x'", 1000) + ")", "has more than 1000 values"},
		{"string", "title eq '" + repeat("x", MaxQueryLength) + "'", "is longer than"},
		{"name", repeat("x", 100_000), "property named '" + repeat("x", 60) + "…'"},
		{"many $it", "title in " + repeat("in ", 30_000), "expected a list"},
	} {
		_, err := ParseFilter(tt.filter, profileType)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		found := false
		for want := range strings.SplitSeq(tt.want, "|") {
			found = found || err != nil && strings.Contains(err.Error(), want)
		}
		if !found || len(err.Error()) > 1000 {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	// As much as is allowed.
	for _, filter := range []string{
		repeat("(", 100) + "true" + repeat(")", 100),
		repeat("not ", 98) + "(title eq 'x')",
		"title eq 'x'" + repeat(" or title eq 'x'", 600),
		"title in ('x'" + repeat(",'x'", 999) + ")",
		"@dossier.techniques/any()" + repeat(" eq true", 98),
	} {
		e, err := ParseFilter(filter, profileType)
		if err != nil {
			t.Errorf("%.40s…: %v", filter, err)
			continue
		}
		checkReparse(t, e, profileType)
	}
	for _, query := range []string{
		"$search=" + repeat("(", 50_000),
		"$search=" + repeat("NOT ", 30_000),
		"$search=" + repeat("x ", 51),
		"$orderby=" + repeat("title,", 10_000) + "x",
		"$expand=" + repeat("indicators($expand=", 5_000),
		"$expand=indicators($expand=artifact($expand=x($expand=y)))",
		"$orderby=" + strings.TrimSuffix(strings.Join([]string{
			"title", "kind", "id", "firstActiveDateTime", "aliases/$count", "targets/$count", "countriesOrRegionsOfOrigin/$count", "summary/content",
			"summary/format", "description/content", "description/format", "tradecraft/content", "tradecraft/format", "indicators/$count",
			"owner/id", "@dossier.confidence", "@dossier.techniques/$count",
		}, ","), ","),
		repeat("x", MaxQueryLength+1),
	} {
		if _, err := ParseQuery(query, profileType, Options{Allow: AllowAll}); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%.40s…: %v", query, err)
		}
	}
}
