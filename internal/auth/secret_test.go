package auth

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"dossier/internal/store"
	"dossier/internal/testdb"
)

func TestSecret(t *testing.T) {
	s, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sealers := make([]*Sealer, 2)
	for i, file := range []string{"a.key", "b.key"} {
		if sealers[i], err = SealerFromFile(filepath.Join(t.TempDir(), file)); err != nil {
			t.Fatal(err)
		}
	}
	first, err := sealers[0].Secret(t.Context(), s, "hosts")
	if err != nil || len(first) != 32 {
		t.Fatal(first, err)
	}
	if again, err := sealers[0].Secret(t.Context(), s, "hosts"); err != nil || !bytes.Equal(first, again) {
		t.Errorf("another one the second time, %v", err)
	}
	if other, err := sealers[0].Secret(t.Context(), s, "other"); err != nil || bytes.Equal(first, other) {
		t.Errorf("the same under another name, %v", err)
	}
	if _, err := sealers[1].Secret(t.Context(), s, "hosts"); err == nil || !strings.Contains(err.Error(), "another key file") {
		t.Errorf("with another key file: %v", err)
	}
}
