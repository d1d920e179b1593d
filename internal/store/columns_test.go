package store

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"dossier/internal/observable"
)

// TestEveryKindIsKnown checks that equality of values looks for every kind that
// is no host: it reads the constants of package observable.
func TestEveryKindIsKnown(t *testing.T) {
	text, err := os.ReadFile("../observable/observable.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\t\w+ +(?:Kind +)?= "(\w+)"`).FindAllSubmatch(text, -1)
	if len(found) != len(unclassified)+2 {
		t.Errorf("%d kinds, want the %d unclassified and two of hosts", len(found), len(unclassified))
	}
	for _, m := range found {
		kind := observable.Kind(m[1])
		if host := kind == observable.Domain || kind == observable.IPAddress; host == slices.Contains(unclassified, kind) {
			t.Errorf("%s is listed: %v", kind, !host)
		}
	}
}
