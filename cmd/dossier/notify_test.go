package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier/internal/store"
	"dossier/internal/testdb"
)

// TestNotifyKilled: a server that tells is killed (-9) at various moments, and what it
// had not told the next one tells: every change comes, some perhaps twice.
func TestNotifyKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a lease to run out")
	}
	program, err := exec.LookPath("dossier")
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{t: t, program: program, dir: t.TempDir(), db: testdb.Path(t)}
	s, _, err := store.Open(t.Context(), in.db, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in.run("client", "add", "soar")
	in.token = in.run("token", "soar")

	var mu sync.Mutex
	told := map[string]bool{}
	hook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := r.URL.Query().Get("validationToken"); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, token)
			return
		}
		var body struct {
			Value []struct {
				Type string `json:"changeType"`
				Data struct {
					ID string `json:"id"`
				} `json:"resourceData"`
			} `json:"value"`
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return // the server was killed
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		for _, n := range body.Value {
			if n.Type == "created" {
				told[n.Data.ID] = true
			}
		}
	}))
	defer hook.Close()
	ca := filepath.Join(in.dir, "hooks.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--webhooks-private", "--webhooks-ca", ca, "--no-feeds"}
	url, kill := in.serve(flags...)
	body := fmt.Sprintf(`{"resource":"security/threatIntelligence/intelligenceProfileIndicators","changeType":"created","notificationUrl":%q,"expirationDateTime":%q}`,
		hook.URL, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1.0/subscriptions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+in.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", res.StatusCode, answer)
	}
	const rounds, each = 1, 1500 // more than one notification holds
	for round := range rounds {
		var list strings.Builder
		for i := range each {
			fmt.Fprintf(&list, "n%d.r%d.contoso.com\n", i, round)
		}
		path := filepath.Join(in.dir, fmt.Sprintf("r%d.txt", round))
		if err := os.WriteFile(path, []byte(list.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		in.run("import", "--source", "ours", path)
		wait(t, time.Minute, "the telling has begun", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(told) > each*round
		})
		kill() // in the midst of it
		mu.Lock()
		n := len(told)
		mu.Unlock()
		t.Logf("killed after %d of %d", n, each*(round+1))
		_, kill = in.serve(flags...)
	}
	wait(t, time.Minute, "everything is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) == rounds*each
	})
}
