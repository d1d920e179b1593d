package api_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"

	"dossier/internal/api"
	"dossier/internal/store"
)

// A server over an empty database answers with an empty list.
func Example() {
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	st, _, err := store.Open(context.Background(), filepath.Join(dir, "dossier.db"), store.Options{Create: true})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	s := api.New(api.Config{Store: st, PublicURL: "https://intel.example.org"})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/v1.0/security/threatIntelligence/intelProfiles", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 {"@odata.context":"https://intel.example.org/v1.0/$metadata#security/threatIntelligence/intelProfiles","value":[]}
}
