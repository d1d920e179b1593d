package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

func post(s *Server, path, payload string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(payload))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestBatch(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	payload := `{"requests":[
		{"id":"late","method":"GET","url":"/security/threatIntelligence/intelProfiles/$count?%24filter=kind%20eq%20'tool'","dependsOn":["First"],"body":null,"headers":null},
		{"id":"first","method":"get","url":"security/threatIntelligence/intelProfiles?$top=1&$select=id","headers":{"accept":"application/json;odata.metadata=none"},"dependsOn":[]},
		{"id":"lost","method":"GET","url":"/security/threatIntelligence/intelProfiles/nope","headers":{"client-request-id":"mine"}},
		{"id":"dependant","method":"GET","url":"/security/threatIntelligence/intelProfiles","dependsOn":["lost"]},
		{"id":"its dependant","method":"GET","url":"/security/threatIntelligence/intelProfiles","dependsOn":["dependant"]},
		{"id":"nested","method":"POST","url":"/$batch"},
		{"id":"write","method":"POST","url":"/security/threatIntelligence/intelProfiles","headers":{"Content-Type":"application/json"},"body":{"title":"x"}},
		{"id":"raw","method":"GET","url":"/security/threatIntelligence/intelProfiles/a%2Fb%zz"},
		{"id":"xml","method":"GET","url":"$metadata"}]}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprint(z, payload)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"plain": post(s, "/beta/$batch", payload), "gzip": post(s, "/beta/$batch", zipped.String(), "Content-Encoding", "gzip"),
	} {
		var got struct{ Responses []batchAnswer }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d, %v, %s", name, w.Code, err, w.Body)
		}
		want := []struct {
			id     string
			status int
			body   string // part of it
		}{
			{"late", 200, `"MQ=="`},
			{"first", 200, `intelligence/intelProfiles?$top=1&$select=id`},
			{"lost", 404, `"client-request-id":"mine"`},
			{"dependant", 424, "FailedDependency"},
			{"its dependant", 424, "FailedDependency"},
			{"nested", 400, "BadRequest"},
			{"write", 403, "Authorization_RequestDenied"},
			{"raw", 400, "invalid escape"},
			{"xml", 200, `"PD94bWw`},
		}
		if len(got.Responses) != len(want) {
			t.Fatalf("%s: %d answers", name, len(got.Responses))
		}
		for i, a := range got.Responses {
			if a.ID != want[i].id || a.Status != want[i].status || !strings.Contains(strings.ToLower(string(a.Body)), strings.ToLower(want[i].body)) || a.Headers["Content-Type"] == "" {
				t.Errorf("%s: %s: %d %v %s; want %+v", name, a.ID, a.Status, a.Headers, a.Body, want[i])
			}
		}
		if first := string(got.Responses[1].Body); !strings.Contains(first, "https://intel.example.org/beta/security") || strings.Contains(first, "@odata.type") {
			t.Errorf("%s: another version or another metadata level: %s", name, first)
		}
	}
}

func TestBatchRefused(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	item := func(id, more string) string {
		return fmt.Sprintf(`{"id":%q,"method":"GET","url":"/security/threatIntelligence/intelProfiles/$count"%s}`, id, more)
	}
	var many []string
	for i := range 21 {
		many = append(many, item(fmt.Sprint(i), ""))
	}
	for name, tt := range map[string]struct {
		payload string
		status  int
	}{
		"no JSON":        {"{", 400},
		"nothing":        {`{"requests":[]}`, 400},
		"twenty":         {`{"requests":[` + strings.Join(many[:20], ",") + `]}`, 200},
		"too many":       {`{"requests":[` + strings.Join(many, ",") + `]}`, 400},
		"same id":        {`{"requests":[` + item("a", "") + "," + item("A", "") + `]}`, 400},
		"no id":          {`{"requests":[{"method":"GET","url":"/x"}]}`, 400},
		"unknown":        {`{"requests":[` + item("a", `,"dependsOn":["b"]`) + `]}`, 400},
		"circle":         {`{"requests":[` + item("a", `,"dependsOn":["b"]`) + "," + item("b", `,"dependsOn":["a"]`) + `]}`, 400},
		"self":           {`{"requests":[` + item("a", `,"dependsOn":["a"]`) + `]}`, 400},
		"too long":       {`{"requests":[` + item("a", `,"headers":{"x":"`+strings.Repeat("x", maxBatchBody)+`"}`) + `]}`, 413},
		"a number as id": {`{"requests":[{"id":1,"method":"GET","url":"/x"}]}`, 400},
	} {
		w := post(s, "/v1.0/$batch", tt.payload)
		if w.Code != tt.status {
			t.Errorf("%s: %d, want %d: %.300s", name, w.Code, tt.status, w.Body)
		}
		checkAnswer(t, name, httptest.NewRequest("POST", "/", nil), w)
	}
	if w := post(s, "/v1.0/$batch", "{}", "Content-Encoding", "gzip"); w.Code != 400 {
		t.Errorf("not gzip: %d", w.Code)
	}
	if w := post(s, "/v1.0/$batch", "{}", "Content-Encoding", "br"); w.Code != 415 {
		t.Errorf("brotli: %d", w.Code)
	}
	if w := ask(s, "GET", "/v1.0/$batch"); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d, %s", w.Code, w.Header())
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	fmt.Fprint(z, strings.Repeat(" ", 2*maxBatchBody))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if w := post(s, "/v1.0/$batch", bomb.String(), "Content-Encoding", "gzip"); w.Code != 413 {
		t.Errorf("a bomb: %d, %s", w.Code, w.Body)
	}
}
