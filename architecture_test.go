// Package dossier_test holds the checks of the house as a whole: which package
// may import which, and which modules are used. It reads the files itself.
package dossier_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rows of the house, from the ground up: a package may import those of rows
// above its own. ARCHITECTURE.md shows the same table.
var rows = [][]string{
	{"internal/observable", "internal/odata", "internal/vocab", "internal/testcorpus", "internal/testdb"},
	{"internal/intel", "internal/guard"},
	{"internal/lifecycle", "internal/naming", "internal/refdate"},
	{"internal/facts", "internal/stix", "internal/misp", "internal/lists", "internal/dictionary", "internal/graph", "internal/export"},
	{"internal/resolve", "internal/profile", "internal/hunt"},
	{"catalog", "internal/store", "internal/fetch", "internal/taxii"},
	{"internal/ingest", "internal/auth", "internal/publish", "internal/sighting", "internal/notify"},
	{"internal/api", "internal/portal", "internal/namebench", "internal/feed"},
	{"cmd/dossier", "catalog/generate", "internal/hunt/gen"},
}

func rowOf(pkg string) int {
	return slices.IndexFunc(rows, func(row []string) bool { return slices.Contains(row, pkg) })
}

// imports yields every import of the module's own Go files.
func imports(t *testing.T, f func(pkg, file, path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (path != "." && strings.HasPrefix(name, ".") || name == "testdata" || path == "test") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f(filepath.ToSlash(filepath.Dir(path)), filepath.ToSlash(path), imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportsPointUp(t *testing.T) {
	seen := map[string]bool{}
	imports(t, func(pkg, file, path string) {
		if pkg == "." {
			return
		}
		seen[pkg] = true
		from := rowOf(pkg)
		if from < 0 {
			t.Errorf("%s: package %s has no row in the table", file, pkg)
			return
		}
		own, ok := strings.CutPrefix(path, "dossier/")
		if !ok || own == pkg {
			return
		}
		if strings.HasSuffix(file, "_test.go") {
			return // tests may look at the whole
		}
		if to := rowOf(own); to < 0 || to >= from {
			t.Errorf("%s imports %s, which does not stand above it", file, own)
		}
	})
	for _, row := range rows {
		for _, pkg := range row {
			if !seen[pkg] {
				t.Errorf("package %s of the table does not exist", pkg)
			}
		}
	}
}

func TestOnlyStoreSpeaksSQL(t *testing.T) {
	imports(t, func(pkg, file, path string) {
		if path == "database/sql" && pkg != "internal/store" && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s imports database/sql", file)
		}
	})
}

// TestNoNetworkInPurePackages holds the decoders and the rules to being pure.
func TestNoNetworkInPurePackages(t *testing.T) {
	imports(t, func(pkg, file, path string) {
		if r := rowOf(pkg); r >= 0 && r < rowOf("internal/store") && !strings.HasSuffix(file, "_test.go") && (path == "net/http" || path == "os/exec") {
			t.Errorf("%s imports %s", file, path)
		}
	})
}

// modules are what the program may be built from; a new one is argued for in
// the commit that adds it here.
var modules = []string{
	"github.com/fxamacker/cbor/v2",
	"github.com/gaissmai/bart",
	"github.com/go-jose/go-jose/v4",
	"github.com/jackc/pgx/v5",
	"github.com/klauspost/compress",
	"github.com/microcosm-cc/bluemonday",
	"github.com/prometheus/client_golang",
	"github.com/prometheus/common",
	"github.com/spf13/cobra",
	"github.com/ulikunitz/xz",
	"github.com/yuin/goldmark",
	"go.yaml.in/yaml/v3",
	"golang.org/x/net",
	"golang.org/x/sys",
	"golang.org/x/term",
	"golang.org/x/text",
	"golang.org/x/time",
	"modernc.org/sqlite",
	// in tests only
	"github.com/google/go-cmp",
	"github.com/prometheus/client_model", // what the parser of the format returns
	"github.com/rogpeppe/go-internal",
	"github.com/santhosh-tekuri/jsonschema/v6",
}

func TestModules(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) < 2 || !strings.Contains(fields[0], ".") || strings.Contains(line, "// indirect") {
			continue
		}
		if !slices.Contains(modules, fields[0]) {
			t.Errorf("go.mod requires %s, which is not in the list of modules", fields[0])
		}
	}
}

// TestLibcPin holds modernc.org/libc to the version that the SQLite driver was
// made with: another one may break it in ways no compiler sees.
func TestLibcPin(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := func(text, module string) string {
		m := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s in go.mod", module)
		}
		return m[1]
	}
	driver := version(string(mod), "modernc.org/sqlite")
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		if gopath := os.Getenv("GOPATH"); gopath != "" {
			cache = filepath.Join(gopath, "pkg", "mod")
		} else {
			home, err := os.UserHomeDir()
			if err != nil {
				t.Fatal(err)
			}
			cache = filepath.Join(home, "go", "pkg", "mod")
		}
	}
	theirs, err := os.ReadFile(filepath.Join(cache, "modernc.org", "sqlite@"+driver, "go.mod"))
	if err != nil {
		t.Skipf("the driver's go.mod is not in the module cache: %v", err)
	}
	if have, want := version(string(mod), "modernc.org/libc"), version(string(theirs), "modernc.org/libc"); have != want {
		t.Errorf("modernc.org/libc is %s, the driver %s wants %s", have, driver, want)
	}
}
