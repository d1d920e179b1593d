package store

import (
	"net/url"
	"strings"
	"testing"

	"dossier/internal/odata"
	"dossier/internal/testdb"
)

// plan returns how SQLite will find the rows of a statement.
func plan(t *testing.T, s *Store, query fragment) string {
	t.Helper()
	rows, err := s.read.Query("EXPLAIN QUERY PLAN "+query.sql, query.args...)
	if err != nil {
		t.Fatalf("%s: %v", query.sql, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Replace(detail, " EXISTS USING", " USING", 1))
	}
	return strings.Join(lines, "\n")
}

// TestPlans checks that what is promised to be found by an index is. A statement
// may have no SCAN, except through an index whose order it follows.
func TestPlans(t *testing.T) {
	if testdb.Postgres() {
		t.Skip("the plans are those of SQLite")
	}
	s := sharedStore(t).s
	const ofProfile = "profile"
	for _, tt := range []struct {
		of, filter, order string
		want              []string // parts of the plan
		next              bool     // of the second page
	}{
		{"", "title eq 'a'", "", []string{"SEARCH p USING INDEX profile_by_title (title_fold=?)"}, false},
		{"", "title in ('a','b')", "", []string{"SEARCH p USING INDEX profile_by_title (title_fold=?)"}, false},
		{"", "startswith(title,'a')", "", []string{"SEARCH p USING INDEX profile_by_title (title_fold>? AND title_fold<?)"}, false},
		{"", "startswith(title,'a')", "title", []string{"SEARCH p USING INDEX profile_by_title (title_fold>? AND title_fold<?)"}, false},
		{"", "kind eq 'tool'", "title", []string{"SEARCH p USING INDEX profile_by_kind_and_title (kind=?)"}, false},
		{"", "id eq 'x'", "", []string{"SEARCH p USING INDEX sqlite_autoindex_profile_1 (id=?"}, false},
		{"", "", "title", []string{"SEARCH p USING INDEX profile_by_title (title_fold>?)"}, true},
		{"", "", "title desc", []string{"SEARCH p USING INDEX profile_by_title (title_fold<?)"}, true},
		{"", "", "", []string{"SEARCH p USING INDEX sqlite_autoindex_profile_1 (id>?"}, true},
		{"", "contains(summary/content,'lorem')", "", []string{"SEARCH p USING INDEX profile_by_slot (slot=?)"}, false},
		{"", "contains(description/content,'lorem') or contains(title,'ore')", "title", []string{"profile_by_slot (slot=?)"}, false},
		{"", "aliases/any(a:a eq 'a')", "", []string{"SEARCH p USING INDEX sqlite_autoindex_profile_1 (id=?", "SEARCH o USING COVERING INDEX profile_value_by_fold (property=? AND fold=?)"}, false},
		{"", "aliases/any(a:startswith(a,'a'))", "title", []string{"SEARCH o USING COVERING INDEX profile_value_by_fold (property=? AND fold>? AND fold<?)"}, false},
		{"", "countriesOrRegionsOfOrigin/any(c:c/code eq 'ru')", "", []string{"SEARCH o USING COVERING INDEX profile_origin_by_code (code_fold=?)"}, false},
		{"", "countriesOrRegionsOfOrigin/any(c:c/label eq 'a')", "", []string{"SEARCH o USING COVERING INDEX profile_origin_by_label (label_fold=?)"}, false},
		{"", "indicators/any(i:i/artifact/id eq 'a.example')", "", []string{
			"SEARCH p USING INDEX sqlite_autoindex_profile_1 (id=?", "SEARCH o USING COVERING INDEX sqlite_autoindex_indicator_profile_1 (indicator_id=?)",
			"SEARCH e1 USING INDEX sqlite_autoindex_profile_indicator_1 (profile_id=? AND indicator_id=?",
		}, false},
		{"", "indicators/any(i:i/source eq 'osint' and i/artifact/microsoft.graph.security.hostname/id in ('a.example','d.example'))", "title", []string{
			"SEARCH o USING COVERING INDEX sqlite_autoindex_indicator_profile_1 (indicator_id=?)",
		}, false},
		{"", "indicators/any(i:i/source eq 'osint')", "", []string{"SEARCH e1 USING INDEX profile_indicator_by_position (profile_id=?)"}, false},
		{"", "indicators/$count gt 5", "", []string{"SEARCH e1 USING COVERING INDEX profile_indicator_by_first (profile_id=?)"}, false},
		{"all", "artifact/id eq 'a.example'", "", []string{"SEARCH i USING INDEX sqlite_autoindex_indicator_1 (id=?"}, false},
		{"all", "artifact/microsoft.graph.security.hostname/id in ('a.example','d.example')", "", []string{"SEARCH i USING INDEX sqlite_autoindex_indicator_1 (id=?"}, false},
		{"all", "artifact/microsoft.graph.security.unclassifiedArtifact/value eq 'x'", "", []string{"SEARCH i USING INDEX sqlite_autoindex_indicator_1 (id=?"}, false},
		{"all", "startswith(artifact/id,'a.')", "", []string{"SEARCH i USING INDEX indicator_by_artifact (<expr>>? AND <expr><?)"}, false},
		{"all", "startswith(artifact/microsoft.graph.security.hostname/id,'a.')", "", []string{"SEARCH i USING INDEX indicator_by_artifact (<expr>>? AND <expr><?)"}, false},
		{"all", "endswith(artifact/id,'.example')", "", []string{"SEARCH i USING INDEX indicator_by_host_reversed (host_reversed>? AND host_reversed<?)"}, false},
		{"all", "endswith(artifact/microsoft.graph.security.hostname/id,'example')", "", []string{"SEARCH i USING INDEX indicator_by_host_reversed (host_reversed>? AND host_reversed<?)"}, false},
		{"all", "", "artifact/id", []string{"SEARCH i USING INDEX indicator_by_artifact (<expr>>?)"}, true},
		{"all", "", "", []string{"SEARCH i USING INDEX sqlite_autoindex_indicator_1 (id>?"}, true},
		{ofProfile, "", "firstSeenDateTime desc", []string{"SEARCH i USING INDEX profile_indicator_by_first (profile_id=? AND first_seen<?)"}, true},
		{ofProfile, "artifact/id eq 'a.example'", "", []string{"SEARCH i USING INDEX sqlite_autoindex_profile_indicator_1 (profile_id=? AND indicator_id=?"}, false},
		{ofProfile, "", "artifact/id", []string{"SEARCH i USING INDEX profile_indicator_by_position (profile_id=?)"}, false},
	} {
		raw := "$top=2&"
		if tt.filter != "" {
			raw += "$filter=" + url.QueryEscape(tt.filter) + "&"
		}
		if tt.order != "" {
			raw += "$orderby=" + url.QueryEscape(tt.order)
		}
		v := testViews[0]
		typ := Types.Indicator
		if tt.of == "" {
			typ = Types.Profile
		}
		q := query(t, raw, typ)
		var f fragment
		var err error
		next := func(scope string, keys []sortKey) {
			values := make([]any, len(keys))
			for i, k := range keys {
				values[i] = 0
				if k.text {
					values[i] = "x"
				}
			}
			if tt.next {
				q.SkipToken = token{Query: queryDigest(scope, q), Values: values}.encode()
			}
		}
		switch tt.of {
		case "":
			f, err = planned(t, s, s.profileList(v), q, next)
		case "all":
			f, err = planned(t, s, s.indicatorList(v), q, next)
		default:
			f, err = planned(t, s, s.profileIndicatorList("00", v), q, next)
		}
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		p := plan(t, s, f)
		for _, want := range tt.want {
			if !strings.Contains(p, want) {
				t.Errorf("$filter=%s&$orderby=%s: no %q in\n%s\n%s", tt.filter, tt.order, want, p, f.sql)
			}
		}
		if tt.of != "" && strings.Contains(p, "SCAN i") || strings.Contains(p, "SCAN e") || strings.Contains(p, "SCAN o") {
			t.Errorf("$filter=%s&$orderby=%s scans:\n%s", tt.filter, tt.order, p)
		}
	}
}

// planned returns the statement of a page; token gives the query one for the second page.
func planned[T any](t *testing.T, s *Store, l list[T], q *odata.Query, token func(string, []sortKey)) (fragment, error) {
	t.Helper()
	f, keys, err := l.statement(t.Context(), s, q)
	if err != nil {
		return f, err
	}
	if token(l.scope, keys); q.SkipToken == "" {
		return f, nil
	}
	f, _, err = l.statement(t.Context(), s, q)
	return f, err
}
