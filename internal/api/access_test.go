package api

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier/internal/auth"
	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// guarded is a server with a guard over the fixture's store.
func guarded(t testing.TB, mode auth.Mode) (*Server, *store.Store) {
	t.Helper()
	st := fixtureStore(t, 3)
	sealer, err := auth.SealerFromFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	g := &auth.Guard{Mode: mode, Ceiling: intel.Clear, Issuer: &auth.Issuer{Store: st, Sealer: sealer}}
	home := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a page")) })
	return New(Config{Store: st, Guard: g, Home: home, Audit: auth.NewAudit(t.Output())}), st
}

// TestAuditLines: who was refused and who got a token is written down, without
// secrets, tokens and what was searched for.
func TestAuditLines(t *testing.T) {
	s, st := guarded(t, auth.Required)
	var log bytes.Buffer
	s.audit = auth.NewAudit(&log)
	token := newToken(t, s, st, "reader", intel.Clear, auth.ReadAll)
	send(s, "GET", ti+"/intelProfiles?$filter=title%20eq%20'sought'&$search=sought", "", "Authorization", token+"x")
	send(s, "GET", ti+"/intelProfiles?$search=sought&access_token="+strings.TrimPrefix(token, "Bearer "), "")
	send(s, "DELETE", ti+"/intelProfiles/"+aquaID, "", "Authorization", token)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"dsr_secret-in-the-wrong-field"}, "client_secret": {"dsr_hidden"}}
	send(s, "POST", "/t/oauth2/v2.0/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	r := httptest.NewRequest("POST", "/t/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(store.NewGUID(), "dsr_hidden")
	s.ServeHTTP(httptest.NewRecorder(), r)

	for _, hidden := range []string{"sought", "dsr_", strings.TrimPrefix(token, "Bearer ")} {
		if strings.Contains(log.String(), hidden) {
			t.Errorf("%q stands in the audit:\n%s", hidden, &log)
		}
	}
	var got []string
	for dec := json.NewDecoder(&log); ; {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			break
		}
		for _, field := range []string{"time", "level", "peer", "method", "path", "request-id"} {
			if line[field] == nil || line[field] == "" {
				t.Errorf("no %s in %v", field, line)
			}
		}
		got = append(got, line["msg"].(string))
	}
	want := "token issued, authentication failed, authentication failed, permission missing, token refused, token refused"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s; want %s", s, want)
	}
}

// TestForeignIssuer: the answers where a token comes from another issuer.
func TestForeignIssuer(t *testing.T) {
	s, _ := guarded(t, auth.Auto)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	gone := true
	var idp *httptest.Server
	idp = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case gone:
			http.Error(w, "gone", http.StatusBadGateway)
		case strings.HasSuffix(r.URL.Path, "/keys"):
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "a"}}})
		default:
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": idp.URL, "jwks_uri": idp.URL + "/keys"})
		}
	}))
	defer idp.Close()
	mint := func(audience string, roles ...string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "a"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": idp.URL, "aud": audience, "sub": "s", "exp": time.Now().Add(time.Hour).Unix(), "roles": roles,
		}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + raw
	}
	configure := func() {
		list, err := auth.ReadProviders(strings.NewReader("issuers: [{issuer: "+idp.URL+", audiences: [a]}]"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		s.guard.Providers = list
	}
	configure()
	w := send(s, "GET", ti+"/intelProfiles", "", "Authorization", mint("a", string(auth.ReadAll)))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), codeUnavailable) {
		t.Errorf("without keys: %d %v %s", w.Code, w.Header(), w.Body)
	}
	gone = false
	configure()
	for _, tt := range []struct {
		token  string
		status int
		code   string
	}{
		{mint("a", string(auth.ReadAll)), 200, ""},
		{mint("b", string(auth.ReadAll)), 401, codeNoToken},
		{mint("a"), 403, codeDenied},
		{mint("a", "Other.Read.All"), 403, codeDenied},
	} {
		w := send(s, "GET", ti+"/intelProfiles", "", "Authorization", tt.token)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.code) || strings.Contains(w.Body.String(), idp.URL) {
			t.Errorf("%d %s; want %d %s", w.Code, w.Body, tt.status, tt.code)
		}
	}
}

func send(s *Server, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = "127.0.0.1:5", "127.0.0.1:8080"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// newToken adds a client and gets a token through the endpoint.
func newToken(t testing.TB, s *Server, st *store.Store, name string, tlp intel.TLP, p ...auth.Permission) string {
	t.Helper()
	c, secret, err := auth.Clients{Store: st}.Add(t.Context(), auth.NewClient{Name: name, Permissions: p, TLP: tlp})
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {secret}, "scope": {auth.GraphAudience + "/.default"}}
	w := send(s, "POST", "/contoso.com/oauth2/v2.0/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	var tok auth.Token
	if err := json.Unmarshal(w.Body.Bytes(), &tok); err != nil || w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s, %v", w.Code, w.Body, err)
	}
	return "Bearer " + tok.AccessToken
}

func TestAccess(t *testing.T) {
	s, st := guarded(t, auth.Required)
	read := newToken(t, s, st, "reader", intel.Clear, auth.ReadAll)
	write := newToken(t, s, st, "writer", intel.Clear, auth.ReadWrite)
	hunt := newToken(t, s, st, "hunter", intel.Clear, auth.Hunt)
	const profiles = ti + "/intelProfiles"
	for _, tt := range []struct {
		method, path, token string
		status              int
		code                string
	}{
		{"GET", profiles, "", 401, codeNoToken},
		{"GET", profiles, "Bearer x", 401, codeNoToken},
		{"GET", profiles, read, 200, ""},
		{"GET", profiles, write, 200, ""},
		{"GET", profiles, hunt, 403, codeDenied},
		{"GET", profiles + "?$filter=", "", 401, codeNoToken}, // before the options
		{"GET", "/v1.0/nowhere", "", 401, codeNoToken},        // before the path
		{"GET", "/v1.0/nowhere", read, 400, "BadRequest"},
		{"POST", profiles, read, 403, codeDenied},
		{"POST", profiles, write, 400, "BadRequest"}, // what it sends is no profile
		{"DELETE", profiles + "/" + aquaID, read, 403, codeDenied},
		{"GET", "/v1.0/$metadata", "", 200, ""}, // clients read it before they sign in
		{"POST", "/v1.0/$metadata", "", 401, codeNoToken},
		{"GET", "/healthz", "", 200, ""},
		{"GET", "/readyz", "", 200, ""},
		{"GET", "/api/sources", "", 401, codeNoToken},
		{"GET", "/api/sources", read, 200, ""},
		{"GET", "/", "", 401, codeNoToken},
		{"GET", "/", read, 403, codeDenied}, // the pages know no ceiling but the operator's
	} {
		var header []string
		if tt.token != "" {
			header = []string{"Authorization", tt.token, "Content-Type", "application/json"}
		}
		w := send(s, tt.method, tt.path, "{}", header...)
		if w.Code != tt.status || tt.code != "" && !strings.Contains(w.Body.String(), `"code":"`+tt.code+`"`) {
			t.Errorf("%s %s: %d %s; want %d %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.code)
		}
		if challenge := w.Header().Get("WWW-Authenticate"); (w.Code == 401) != strings.HasPrefix(challenge, "Bearer") {
			t.Errorf("%s %s: %d with challenge %q", tt.method, tt.path, w.Code, challenge)
		}
	}
	batch := `{"requests":[{"id":"1","method":"GET","url":"/security/threatIntelligence/intelProfiles?$top=1"},
		{"id":"2","method":"DELETE","url":"/security/threatIntelligence/intelProfiles/` + aquaID + `"}]}`
	w := send(s, "POST", "/v1.0/$batch", batch, "Authorization", read, "Content-Type", "application/json")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"status":200`) || !strings.Contains(w.Body.String(), `"status":403`) {
		t.Errorf("a batch: %d %s", w.Code, w.Body)
	}
}

func TestAnonymousOnLoopback(t *testing.T) {
	s, _ := guarded(t, auth.Auto)
	for _, tt := range []struct {
		method, path string
		header       []string
		status       int
	}{
		{"GET", ti + "/intelProfiles", nil, 200},
		{"GET", "/", nil, 200},
		{"POST", ti + "/intelProfiles", []string{"Content-Type", "application/json"}, 403},
		{"GET", ti + "/intelProfiles", []string{"X-Forwarded-For", "10.1.1.1"}, 401},
		{"GET", ti + "/intelProfiles", []string{"Authorization", "Bearer bad"}, 401},
		{"POST", "/v1.0/$batch", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"}, 403},
		{"POST", "/v1.0/$batch", []string{"Origin", "https://evil.example", "Content-Type", "application/json"}, 403},
		{"POST", "/v1.0/$batch", []string{"Content-Type", "application/json"}, 400}, // let in, and found empty
	} {
		if w := send(s, tt.method, tt.path, `{"requests":[]}`, tt.header...); w.Code != tt.status {
			t.Errorf("%s %s %v: %d %s; want %d", tt.method, tt.path, tt.header, w.Code, w.Body, tt.status)
		}
	}
}

func TestTokenEndpoint(t *testing.T) {
	s, st := guarded(t, auth.Required)
	c, secret, err := auth.Clients{Store: st}.Add(t.Context(), auth.NewClient{Name: "x", Permissions: []auth.Permission{auth.ReadAll}})
	if err != nil {
		t.Fatal(err)
	}
	form := func(more ...string) string {
		v := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {secret}}
		for i := 0; i+1 < len(more); i += 2 {
			if more[i+1] == "" {
				v.Del(more[i])
			} else {
				v.Set(more[i], more[i+1])
			}
		}
		return v.Encode()
	}
	const formType = "application/x-www-form-urlencoded"
	basic := func(id, secret string) string {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(id, secret)
		return r.Header.Get("Authorization")
	}
	for _, tt := range []struct {
		name, method, path, body, contentType, authorization string
		status                                               int
		want                                                 string
	}{
		{"v2", "POST", "/t/oauth2/v2.0/token", form(), formType, "", 200, `"token_type":"Bearer"`},
		{"v1, as Netskope", "POST", "/t/oauth2/token", form("resource", auth.GraphAudience), formType, "", 200, `"access_token":"`},
		{"charset", "POST", "/t/oauth2/v2.0/token", form(), formType + ";charset=UTF-8", "", 200, `"expires_in":3599`},
		{"basic", "POST", "/t/oauth2/v2.0/token", form("client_id", "", "client_secret", ""), formType, basic(c.ID, secret), 200, `"access_token"`},
		{"basic and body", "POST", "/t/oauth2/v2.0/token", form(), formType, basic(c.ID, secret), 400, "invalid_request"},
		{"wrong secret", "POST", "/t/oauth2/v2.0/token", form("client_secret", "no"), formType, "", 401, "AADSTS7000215"},
		{"numbers", "POST", "/t/oauth2/v2.0/token", form("client_secret", "no"), formType, "", 401, `"error_codes":[7000215],"timestamp":"2`},
		{"MSAL's own id", "POST", "/t/oauth2/v2.0/token?client-request-id=7c1b", form("client_secret", "no"), formType, "", 401, `"correlation_id":"7c1b"`},
		{"wrong basic", "POST", "/t/oauth2/v2.0/token", form("client_id", "", "client_secret", ""), formType, basic(c.ID, "no"), 401, "invalid_client"},
		{"JSON", "POST", "/t/oauth2/v2.0/token", `{"grant_type":"client_credentials"}`, "application/json", "", 400, "invalid_request"},
		{"twice", "POST", "/t/oauth2/v2.0/token", form() + "&client_id=x", formType, "", 400, "comes twice"},
		{"bad escape", "POST", "/t/oauth2/v2.0/token", "grant_type=%zz", formType, "", 400, "invalid_request"},
		{"huge", "POST", "/t/oauth2/v2.0/token", strings.Repeat("a", maxForm+1), formType, "", 400, "too large"},
		{"other grant", "POST", "/t/oauth2/v2.0/token", form("grant_type", "authorization_code"), formType, "", 400, "unsupported_grant_type"},
		{"other resource", "POST", "/t/oauth2/v2.0/token", form("scope", "https://vault.azure.net/.default"), formType, "", 400, "invalid_scope"},
		{"GET", "GET", "/t/oauth2/v2.0/token", "", "", "", 405, "Request_BadRequest"},
		{"discovery", "GET", "/t/v2.0/.well-known/openid-configuration?", "", "", "", 200, `"token_endpoint":"http://127.0.0.1:8080/t/oauth2/v2.0/token"`},
		{"keys", "GET", "/t/discovery/v2.0/keys", "", "", "", 200, `"kty":"RSA"`},
		{"strange tenant", "GET", "/a%2Fb/v2.0/.well-known/openid-configuration", "", "", "", 401, codeNoToken},
	} {
		header := []string{"Content-Type", tt.contentType}
		if tt.authorization != "" {
			header = append(header, "Authorization", tt.authorization)
		}
		w := send(s, tt.method, tt.path, tt.body, header...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s; want %d with %s", tt.name, w.Code, w.Body, tt.status, tt.want)
		}
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s: the answer holds the secret", tt.name)
		}
	}
}

// TestCeilingOfClients: a client sees what its ceiling allows, in every answer.
func TestCeilingOfClients(t *testing.T) {
	s, st := guarded(t, auth.Required)
	profiles := fixtureProfiles(3)
	hidden := derived(strings.Repeat("e", 64), intel.Actor, "Hidden Ibis", nil)
	hidden.Lo = intel.Amber
	write(t, st, []*intel.Observation{{
		Publisher: "restricted", Observable: parsed(t, "domain", "ibis.example.com"), Subjects: []intel.Ref{refTo(hidden.ID)}, TLP: intel.Amber,
	}}, append(profiles, hidden))
	clear := newToken(t, s, st, "clear", intel.Clear, auth.ReadAll)
	amber := newToken(t, s, st, "amber", intel.Amber, auth.ReadAll)
	for _, path := range []string{
		ti + "/intelProfiles?$top=1000", ti + "/intelProfiles?$search=ibis", ti + "/intelProfiles/" + hidden.ID, ti + "/intelProfiles/" + hidden.ID + "/indicators",
		ti + "/intelligenceProfileIndicators?$top=1000", ti + "/intelProfiles?$expand=indicators&$top=1000", "/api/lookup?value=ibis.example.com",
		"/api/search?q=ibis", "/api/names?name=hidden%20ibis", "/api/profiles/" + hidden.ID, "/api/sources", ti + "/hosts/ibis.example.com/reputation",
	} {
		low := send(s, "GET", path, "", "Authorization", clear).Body.String()
		high := send(s, "GET", path, "", "Authorization", amber)
		for _, secret := range []string{"Ibis", `"restricted"`, `"malicious"`} {
			if strings.Contains(low, secret) {
				t.Errorf("%s: a clear client sees %s in %s", path, secret, low)
			}
		}
		if high.Code != 200 {
			t.Errorf("%s: an amber client gets %d %s", path, high.Code, high.Body)
		}
	}
	for _, path := range []string{ti + "/intelProfiles/$count", ti + "/intelligenceProfileIndicators/$count"} {
		if low, high := send(s, "GET", path, "", "Authorization", clear).Body.String(), send(s, "GET", path, "", "Authorization", amber).Body.String(); low == high {
			t.Errorf("%s: both ceilings count %s", path, low)
		}
	}
}
