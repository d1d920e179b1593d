package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// fixture is an installation with one client, and a clock that the test moves.
type fixture struct {
	*Issuer
	guard  *Guard
	client *store.Client
	secret string
	now    time.Time
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	dir := t.TempDir()
	s, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	sealer, err := SealerFromFile(filepath.Join(dir, "a.db.key"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{Issuer: &Issuer{Store: s, Sealer: sealer}, now: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)}
	s.Now = func() time.Time { return f.now }
	f.guard = &Guard{Mode: Required, Issuer: f.Issuer}
	f.client, f.secret, err = Clients{s}.Add(t.Context(), NewClient{Name: "soar", Permissions: []Permission{ReadAll}, TLP: intel.Green, Lifetime: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// token gets a token as a client does.
func (f *fixture) token(t testing.TB) string {
	t.Helper()
	tok, err := f.Exchange(t.Context(), TokenRequest{
		Grant: "client_credentials", ClientID: f.client.ID, Secret: f.secret,
		Scope: GraphAudience + "/.default openid offline_access profile", Issuer: "https://x/t/v2.0",
	})
	if err != nil {
		t.Fatal(err)
	}
	return tok.AccessToken
}

func (f *fixture) identify(t testing.TB, token string) (*Identity, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://intel.example/v1.0", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return f.guard.Identify(r)
}

// signed makes a token with any header and claims; the key decides the algorithm.
func signed(t testing.TB, alg jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any, c any) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	for k, v := range header {
		opts = opts.WithHeader(k, v)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jwt.Signed(signer).Claims(c).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func b64(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestGoodToken(t *testing.T) {
	f := newFixture(t)
	who, err := f.identify(t, f.token(t))
	if err != nil || who.ClientID != f.client.ID || who.Ceiling != intel.Green || !who.May(ReadAll) || !who.May(Read) || who.May(ReadWrite) || who.May(Admin) {
		t.Errorf("%+v, %v", who, err)
	}
}

// TestTokenAttacks tries what attackers try. Every one is refused, and none of
// the reasons is a fault of ours.
func TestTokenAttacks(t *testing.T) {
	f := newFixture(t)
	good := f.token(t)
	ring, err := f.keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var c claims
	tok, err := jwt.ParseSigned(good, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		t.Fatal(err)
	}
	if err := tok.UnsafeClaimsWithoutVerification(&c); err != nil {
		t.Fatal(err)
	}
	evil, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&ring.signing.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	change := func(edit func(*claims)) claims {
		changed := c
		edit(&changed)
		return changed
	}
	ours := func(edit func(*claims)) string {
		return signed(t, algorithm, ring.signing, map[jose.HeaderKey]any{"kid": ring.id}, change(edit))
	}
	none := func(alg string) string {
		return b64(map[string]string{"alg": alg, "kid": ring.id, "typ": "JWT"}) + "." + parts[1] + "."
	}
	jwk := jose.JSONWebKey{Key: &evil.PublicKey, KeyID: ring.id}
	attacks := map[string]string{
		"alg none":               none("none"),
		"alg None":               none("None"),
		"alg NONE with the sig":  none("NONE") + parts[2],
		"no alg":                 b64(map[string]string{"kid": ring.id}) + "." + parts[1] + "." + parts[2],
		"HS256 with our key":     signed(t, jose.HS256, public, map[jose.HeaderKey]any{"kid": ring.id}, c),
		"HS256 with our modulus": signed(t, jose.HS256, ring.signing.N.Bytes(), map[jose.HeaderKey]any{"kid": ring.id}, c),
		"RS512 with our key":     signed(t, jose.RS512, ring.signing, map[jose.HeaderKey]any{"kid": ring.id}, c),
		"PS256 with our key":     signed(t, jose.PS256, ring.signing, map[jose.HeaderKey]any{"kid": ring.id}, c),
		"ES256":                  signed(t, jose.ES256, curve, map[jose.HeaderKey]any{"kid": ring.id}, c),
		"another key, our kid":   signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": ring.id}, c),
		"another kid":            signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": "x"}, c),
		"no kid":                 signed(t, algorithm, ring.signing, nil, c),
		"kid traversal":          signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": "../../../../dev/null"}, c),
		"kid injection":          signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": "x' OR '1'='1"}, c),
		"kid is our db":          signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": f.Store.Path()}, c),
		"embedded jwk":           signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": ring.id, "jwk": jwk}, c),
		"jku":                    signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": ring.id, "jku": "http://127.0.0.1:1/keys"}, c),
		"x5u":                    signed(t, algorithm, evil, map[jose.HeaderKey]any{"kid": ring.id, "x5u": "http://127.0.0.1:1/cert"}, c),
		"payload changed":        parts[0] + "." + b64(change(func(c *claims) { c.Roles = []string{string(ReadWrite)} })) + "." + parts[2],
		"header changed":         b64(map[string]string{"alg": "RS256", "kid": ring.id, "typ": "at+jwt"}) + "." + parts[1] + "." + parts[2],
		"no signature":           parts[0] + "." + parts[1] + ".",
		"signature cut":          parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-4],
		"two parts":              parts[0] + "." + parts[1],
		"four parts":             good + "." + parts[2],
		"empty parts":            "..",
		"not base64":             parts[0] + ".%%%." + parts[2],
		"payload no JSON":        parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("{")) + "." + parts[2],
		"general JSON form":      `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"flattened JSON form":    `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"garbage":                "abc",
		"the client's secret":    f.secret,
		"huge":                   strings.Repeat("A", 1<<20),
		"huge payload":           parts[0] + "." + strings.Repeat("A", maxToken) + "." + parts[2],
		"null byte":              good + "\x00",
		"other tenant":           ours(func(c *claims) { c.Tenant = "00000000-0000-4000-8000-000000000000" }),
		"no tenant":              ours(func(c *claims) { c.Tenant = "" }),
		"other use":              ours(func(c *claims) { c.Use = "id" }),
		"no use":                 ours(func(c *claims) { c.Use = "" }),
		"other audience":         ours(func(c *claims) { c.Audience = jwt.Audience{"https://management.azure.com"} }),
		"audience prefix":        ours(func(c *claims) { c.Audience = jwt.Audience{GraphAudience + ".evil.example"} }),
		"no audience":            ours(func(c *claims) { c.Audience = nil }),
		"no expiry":              ours(func(c *claims) { c.Expiry = nil }),
		"expired":                ours(func(c *claims) { c.Expiry = jwt.NewNumericDate(f.now.Add(-skew - time.Second)) }),
		"expired long ago":       ours(func(c *claims) { c.Expiry = jwt.NewNumericDate(time.Unix(1, 0)) }),
		"not yet valid":          ours(func(c *claims) { c.NotBefore = jwt.NewNumericDate(f.now.Add(skew + time.Second)) }),
		"unknown client":         ours(func(c *claims) { c.AppID, c.Subject = store.NewGUID(), "" }),
		"other subject":          ours(func(c *claims) { c.Subject = store.NewGUID() }),
		"client that is none":    ours(func(c *claims) { c.AppID = store.NewGUID(); c.Subject = c.AppID }),
		"no client":              ours(func(c *claims) { c.AppID, c.Subject = "", "" }),
	}
	for name, token := range attacks {
		who, err := f.identify(t, token)
		if err == nil {
			t.Errorf("%s: accepted as %+v", name, who)
			continue
		}
		if !errors.Is(err, ErrTokenInvalid) && !errors.Is(err, ErrTokenExpired) {
			t.Errorf("%s: %v is neither invalid nor expired", name, err)
		}
		if strings.Contains(err.Error(), f.secret) || len(err.Error()) > 300 {
			t.Errorf("%s: the error tells too much: %.400s", name, err)
		}
	}
	if who, err := f.identify(t, ours(func(c *claims) { c.Roles = []string{string(Admin)} })); err != nil || who.May(Admin) {
		t.Errorf("roles are read from the client, not from the token: %+v, %v", who, err)
	}
	if _, err := f.identify(t, ours(func(c *claims) { c.Expiry = jwt.NewNumericDate(f.now.Add(-skew + time.Second)) })); err != nil {
		t.Errorf("within the skew: %v", err)
	}
}

func TestHeaders(t *testing.T) {
	f := newFixture(t)
	token := f.token(t)
	for _, tt := range []struct {
		name    string
		headers []string
		query   string
		want    error // nil: accepted
	}{
		{"bearer", []string{"Bearer " + token}, "", nil},
		{"lower case", []string{"bearer " + token}, "", nil},
		{"none", nil, "", ErrNoToken},
		{"empty", []string{""}, "", ErrTokenInvalid},
		{"bearer alone", []string{"Bearer "}, "", ErrTokenInvalid},
		{"basic", []string{"Basic " + token}, "", ErrTokenInvalid},
		{"without scheme", []string{token}, "", ErrTokenInvalid},
		{"twice", []string{"Bearer " + token, "Bearer " + token}, "", ErrTokenInvalid},
		{"good and bad", []string{"Bearer " + token, "Bearer x"}, "", ErrTokenInvalid},
		{"two in one", []string{"Bearer " + token + ", Bearer x"}, "", ErrTokenInvalid},
		{"in the query", nil, "access_token=" + token, ErrTokenInvalid},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://intel.example/v1.0?"+tt.query, nil)
		r.Header["Authorization"] = tt.headers
		if _, err := f.guard.Identify(r); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestAnonymous: on loopback only what surely comes from this machine is
// anonymous, and a bad token never is.
func TestAnonymous(t *testing.T) {
	f := newFixture(t)
	for _, tt := range []struct {
		mode         Mode
		remote, host string
		header       map[string]string
		ok           bool
	}{
		{Auto, "127.0.0.1:5", "127.0.0.1:8080", nil, true},
		{Auto, "[::1]:5", "[::1]:8080", nil, true},
		{Auto, "[::ffff:127.0.0.1]:5", "localhost:8080", nil, true},
		{Auto, "127.0.0.1:5", "LOCALHOST", nil, true},
		{Auto, "10.0.0.9:5", "127.0.0.1:8080", nil, false},
		{Auto, "127.0.0.1:5", "evil.example:8080", nil, false}, // rebound
		{Auto, "127.0.0.1:5", "localhost.evil.example", nil, false},
		{Auto, "127.0.0.1:5", "127.0.0.1.evil.example", nil, false},
		{Auto, "127.0.0.1:5", "", nil, false},
		{Auto, "127.0.0.1:5", "localhost", map[string]string{"X-Forwarded-For": "10.1.2.3"}, false},
		{Auto, "127.0.0.1:5", "localhost", map[string]string{"Forwarded": "for=10.1.2.3"}, false},
		{Auto, "127.0.0.1:5", "localhost", map[string]string{"Via": "1.1 proxy"}, false},
		{Auto, "127.0.0.1:5", "localhost", map[string]string{"Authorization": "Bearer x"}, false},
		{"", "127.0.0.1:5", "localhost", nil, true}, // the zero value is auto
		{Required, "127.0.0.1:5", "localhost", nil, false},
		{None, "10.0.0.9:5", "anything", nil, true},
		{None, "10.0.0.9:5", "anything", map[string]string{"Authorization": "Bearer x"}, false},
	} {
		f.guard.Mode = tt.mode
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1.0", nil)
		r.RemoteAddr, r.Host = tt.remote, tt.host
		for k, v := range tt.header {
			r.Header.Set(k, v)
		}
		who, err := f.guard.Identify(r)
		if (err == nil) != tt.ok || err == nil && (!who.Anonymous() || who.May(ReadWrite) || !who.May(ReadAll)) {
			t.Errorf("%+v: %+v, %v", tt, who, err)
		}
	}
}

func TestExchange(t *testing.T) {
	f := newFixture(t)
	ok := TokenRequest{Grant: "client_credentials", ClientID: f.client.ID, Secret: f.secret}
	for _, tt := range []struct {
		name string
		edit func(*TokenRequest)
		code string // "" is a token
	}{
		{"plain", func(*TokenRequest) {}, ""},
		{"id in capitals", func(r *TokenRequest) { r.ClientID = strings.ToUpper(r.ClientID) }, ""},
		{"azidentity's scope", func(r *TokenRequest) { r.Scope = "https://graph.microsoft.com/.default openid offline_access profile" }, ""},
		{"MSAL's scope with a slash", func(r *TokenRequest) { r.Scope = "https://graph.microsoft.com//.default" }, ""},
		{"resource", func(r *TokenRequest) { r.Resource = "https://graph.microsoft.com/" }, ""},
		{"our own permission", func(r *TokenRequest) { r.Scope = "ThreatIntelligence.Read.All" }, ""},
		{"other resource", func(r *TokenRequest) { r.Scope = "https://management.azure.com/.default" }, "invalid_scope"},
		{"two resources", func(r *TokenRequest) { r.Scope = "https://graph.microsoft.com/.default https://a/.default" }, "invalid_scope"},
		{"a word", func(r *TokenRequest) { r.Scope = "everything" }, "invalid_scope"},
		{"no grant", func(r *TokenRequest) { r.Grant = "" }, "invalid_request"},
		{"password", func(r *TokenRequest) { r.Grant = "password" }, "unsupported_grant_type"},
		{"no secret", func(r *TokenRequest) { r.Secret = "" }, "invalid_client"},
		{"wrong secret", func(r *TokenRequest) { r.Secret += "x" }, "invalid_client"},
		{"the secret's hash", func(r *TokenRequest) { r.Secret = hashSecret(f.secret) }, "invalid_client"},
		{"unknown client", func(r *TokenRequest) { r.ClientID = store.NewGUID() }, "invalid_client"},
		{"id with a wildcard", func(r *TokenRequest) { r.ClientID = "%" }, "invalid_client"},
	} {
		r := ok
		tt.edit(&r)
		tok, err := f.Exchange(t.Context(), r)
		var refused *OAuthError
		switch {
		case tt.code == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.code != "" && (!errors.As(err, &refused) || refused.Code != tt.code || strings.Contains(refused.Description, f.secret)):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		case tt.code == "" && (tok.ExpiresIn < 3000 || tok.Type != "Bearer"):
			t.Errorf("%s: %+v", tt.name, tok)
		}
	}
}

func TestRevokingAndExpiryActAtOnce(t *testing.T) {
	f := newFixture(t)
	token := f.token(t)
	f.now = f.now.Add(24*time.Hour - 30*time.Minute)
	late := f.token(t)
	f.now = f.now.Add(31 * time.Minute) // the client has ended, its token within the skew has not
	if _, err := f.identify(t, late); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("a token of an expired client: %v", err)
	}
	if _, err := f.Exchange(t.Context(), TokenRequest{Grant: "client_credentials", ClientID: f.client.ID, Secret: f.secret}); err == nil {
		t.Error("an expired client got a token")
	}
	f.now = f.now.Add(-24 * time.Hour)
	if _, err := f.identify(t, token); err != nil {
		t.Fatalf("before: %v", err)
	}
	if err := f.Store.RevokeClient(t.Context(), f.client.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.identify(t, token); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("a token of a revoked client: %v", err)
	}
	if _, _, err := (Clients{f.Store}).Add(t.Context(), NewClient{Name: "SOAR", Permissions: []Permission{Read}}); err != nil {
		t.Errorf("the name of a revoked client is free: %v", err)
	}
}

// TestRotation: a new key signs after its time, tokens of the old one stay good,
// and another server over the same database knows both.
func TestRotation(t *testing.T) {
	f := newFixture(t)
	f.now = f.now.Add(time.Hour)
	if _, err := f.keys(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	f.client.Expires = 0
	f.now = f.now.Add(rotateAfter - time.Minute)
	mint := func(i *Issuer) string {
		tok, err := i.Mint(t.Context(), &store.Client{ID: f.client.ID}, GraphAudience, "x", TokenLife)
		if err != nil {
			t.Fatal(err)
		}
		return tok.AccessToken
	}
	client, _, err := Clients{f.Store}.Add(t.Context(), NewClient{Name: "long", Permissions: []Permission{ReadAll}})
	if err != nil {
		t.Fatal(err)
	}
	f.client = client
	old := mint(f.Issuer)
	f.now = f.now.Add(2 * time.Minute)
	fresh := mint(f.Issuer)
	kid := func(token string) string {
		tok, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{algorithm})
		if err != nil {
			t.Fatal(err)
		}
		return tok.Headers[0].KeyID
	}
	if kid(old) == kid(fresh) {
		t.Error("the key did not rotate")
	}
	other := &Guard{Mode: Required, Issuer: &Issuer{Store: f.Store, Sealer: f.Sealer}}
	for name, token := range map[string]string{"old": old, "fresh": fresh} {
		for _, g := range []*Guard{f.guard, other} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			if _, err := g.Identify(r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	set, err := f.JWKS(t.Context())
	if err != nil || len(set.Keys) != 2 {
		t.Fatalf("%d public keys, %v", len(set.Keys), err)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() {
			t.Error("a private key is published")
		}
	}
}

func TestKeyFile(t *testing.T) {
	f := newFixture(t)
	f.token(t)
	path := filepath.Join(t.TempDir(), "k")
	if _, err := SealerFromFile(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info.Mode(), err)
	}
	wrong, err := SealerFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&Issuer{Store: f.Store, Sealer: wrong}).JWKS(t.Context()); err == nil || !strings.Contains(err.Error(), "key file") {
		t.Errorf("with another key file: %v", err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SealerFromFile(path); err == nil || !strings.Contains(err.Error(), "64 hex digits") {
		t.Errorf("a damaged key file: %v", err)
	}
}

func TestRate(t *testing.T) {
	f := newFixture(t)
	client, secret, err := Clients{f.Store}.Add(t.Context(), NewClient{Name: "slow", Permissions: []Permission{ReadAll}, Rate: 60})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := f.Exchange(t.Context(), TokenRequest{Grant: "client_credentials", ClientID: client.ID, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	for range 60 {
		_, err := f.identify(t, tok.AccessToken)
		var wait *TooMany
		switch {
		case err == nil:
			good++
		case !errors.As(err, &wait) || wait.Wait <= 0 || wait.Wait > 2*time.Second:
			t.Fatalf("%v", err)
		}
	}
	if good != 15 {
		t.Errorf("%d requests at once, want a burst of a quarter of the rate", good)
	}
	if _, err := f.identify(t, f.token(t)); err != nil {
		t.Errorf("another client is slowed down: %v", err)
	}
	f.now = f.now.Add(time.Minute)
	if _, err := f.identify(t, tok.AccessToken); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestPeer(t *testing.T) {
	g := &Guard{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, tt := range []struct{ remote, forwarded, want string }{
		{"10.0.0.1:5", "8.8.8.8", "8.8.8.8"},
		{"10.0.0.1:5", "1.1.1.1, 8.8.8.8, 10.0.0.2", "8.8.8.8"}, // the first is the client's own word
		{"9.9.9.9:5", "8.8.8.8", "9.9.9.9"},                     // no proxy of ours
		{"10.0.0.1:5", "nonsense", "10.0.0.1"},
		{"10.0.0.1:5", "", "10.0.0.1"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := g.Peer(r); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func ExampleHolds() {
	fmt.Println(Holds([]Permission{ReadWrite}, ReadAll), Holds([]Permission{ReadAll}, ReadWrite))
	// Output: true false
}

// BenchmarkIdentify is the cost of a token for each request; the client is read
// from the database every time.
func BenchmarkIdentify(b *testing.B) {
	f := newFixture(b)
	token := f.token(b)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	for _, cached := range []bool{true, false} {
		b.Run(fmt.Sprintf("cached=%t", cached), func(b *testing.B) {
			for b.Loop() {
				if !cached {
					f.cache.m = nil
				}
				if _, err := f.guard.Identify(r); err != nil && !errors.Is(err, ErrTooMany) {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkExchange is the cost of the token endpoint.
func BenchmarkExchange(b *testing.B) {
	f := newFixture(b)
	for b.Loop() {
		f.token(b)
	}
}

// FuzzIdentify: whatever is given as a token, nothing panics and nothing but a
// token of ours is accepted.
func FuzzIdentify(f *testing.F) {
	fix := newFixture(f)
	good := fix.token(f)
	f.Add(good)
	f.Add("a.b.c")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		_, err := fix.Issuer.verify(t.Context(), token)
		if err == nil && token != good {
			t.Errorf("accepted %q", token)
		}
	})
}
