// Package testcorpus finds the development data set for the tests of other
// packages; no program imports it.
package testcorpus

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns the path of a file or folder of the data set; without elements,
// of the set itself. The environment variable DOSSIER_CORPUS names it; the
// default is ../shared/corpus beside the module. Where it is missing the test is
// skipped, or fails if CI is "true".
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{root()}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the data set is missing: %v", err)
		}
		t.Skipf("the data set is missing (set DOSSIER_CORPUS): %v", err)
	}
	return path
}

func root() string {
	if dir := os.Getenv("DOSSIER_CORPUS"); dir != "" {
		return dir
	}
	// Tests run in the folder of their package, somewhere below go.mod.
	module := "."
	for range 8 {
		if _, err := os.Stat(filepath.Join(module, "go.mod")); err == nil {
			break
		}
		module = filepath.Join(module, "..")
	}
	return filepath.Join(module, "..", "shared", "corpus")
}
