package store

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// forbidden are words of what SQLite, PostgreSQL, Citus, YugabyteDB and CockroachDB
// do not all have, or do not have for distributed tables.
var forbidden = regexp.MustCompile(`(?i)\b(serial|bigserial|identity|autoincrement|sequence|nextval|trigger|generated|listen|notify|pg_advisory\w*|deferrable|recursive|grouping\s+sets|lock\s+table|without\s+rowid|unique|now\(\)|random\(\)|skip\s+locked|returning|rowid|ilike|glob|create\s+rule)\b`)

// TestPortable reads the schema and every statement in the source.
func TestPortable(t *testing.T) {
	keys := map[string][]string{} // primary keys, by table
	table := regexp.MustCompile(`(?s)CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*)\)`)
	primary := regexp.MustCompile(`PRIMARY KEY \(([^)]*)\)`)
	single := regexp.MustCompile(`(\w+)\s+\w+ NOT NULL PRIMARY KEY`)
	files, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := schemaFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, stmt := range statements(string(text)) {
			if word := forbidden.FindString(stmt); word != "" {
				t.Errorf("%s: %s in %s", file, word, stmt)
			}
			m := table.FindStringSubmatch(stmt)
			if m == nil {
				continue
			}
			name := m[1]
			switch p, s := primary.FindStringSubmatch(m[2]), single.FindStringSubmatch(m[2]); {
			case p != nil:
				keys[name] = strings.Split(p[1], ", ")
			case s != nil:
				keys[name] = []string{s[1]}
			default:
				t.Errorf("%s: table %s has no primary key", file, name)
			}
		}
	}
	// What belongs to a profile, or to an indicator, stands beside it.
	for child, owner := range map[string]string{
		"profile_value": "profile_id", "profile_origin": "profile_id", "profile_text": "profile_id", "profile_indicator": "profile_id",
		"evidence": "indicator_id", "indicator_profile": "indicator_id", "indicator": "id", "profile": "id",
	} {
		if len(keys[child]) == 0 || keys[child][0] != owner {
			t.Errorf("the key of %s does not begin with %s: %v", child, owner, keys[child])
		}
	}

	upsert := regexp.MustCompile(`(?s)INSERT INTO (\w+) .*ON CONFLICT \(([^)]*)\)`)
	statement := regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|WITH) `)
	found := 0
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != gotoken.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil || !statement.MatchString(text) {
				return true
			}
			found++
			if word := forbidden.FindString(text); word != "" {
				t.Errorf("%s in %s", word, text)
			}
			if m := upsert.FindStringSubmatch(text); m != nil && m[1] != "dossier_schema" {
				if want := keys[m[1]]; !slices.Equal(strings.Split(m[2], ", "), want) {
					t.Errorf("ON CONFLICT (%s) is not the key %v: %s", m[2], want, text)
				}
			}
			return true
		})
	}
	if found < 60 {
		t.Errorf("%d statements found, there are more", found)
	}
}
