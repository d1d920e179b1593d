package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"dossier/internal/intel"
)

// The handler serves every page; it needs a database only.
func Example() {
	dir, err := os.MkdirTemp("", "portal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s, err := fill(context.Background(), dir)
	if err != nil {
		panic(err)
	}
	defer s.Close()

	pages := New(Config{Store: s, Ceiling: intel.Red})
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/profiles/quiet", nil))
	_, title, _ := strings.Cut(w.Body.String(), "<h1>")
	title, _, _ = strings.Cut(title, "</h1>")
	fmt.Println(w.Code, title)
	// Output: 200 Quiet Heron
}
