package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier/internal/intel"

	"github.com/go-jose/go-jose/v4"
)

// testKeys are made once: RSA keys take long.
var testKeys = sync.OnceValue(func() (k struct {
	good, evil, weak *rsa.PrivateKey
	curve            *ecdsa.PrivateKey
	edwards          ed25519.PrivateKey
},
) {
	k.good, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.evil, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.weak, _ = rsa.GenerateKey(rand.Reader, 1024)
	k.curve, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.edwards, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

// An idp is an identity provider that a test can make hostile.
type idp struct {
	*httptest.Server
	mu        sync.Mutex
	keys      []any // of the JWK set
	discovery func(http.ResponseWriter, *http.Request)
	set       func(http.ResponseWriter, *http.Request)
	fetches   atomic.Int32 // of the key set
}

func newIDP(t testing.TB, keys ...any) *idp {
	t.Helper()
	p := &idp{keys: keys}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		if p.discovery != nil {
			p.discovery(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": p.URL, "jwks_uri": p.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		set, keys := p.set, p.keys
		p.mu.Unlock()
		if set != nil {
			set(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// publish replaces the keys of the set.
func (p *idp) publish(keys ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys, p.set = keys, nil
}

// serve lets the key set be answered in another way.
func (p *idp) serve(set func(http.ResponseWriter, *http.Request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = set
}

func publicKey(key crypto.Signer, id string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: id, Use: "sig"}
}

// withProvider adds an issuer to the fixture's guard.
func (f *fixture) withProvider(t testing.TB, issuer, more string) *Provider {
	t.Helper()
	list, err := ReadProviders(strings.NewReader(fmt.Sprintf("issuers:\n  - name: idp\n    issuer: %s\n    audiences: [api://dossier, other]\n%s", issuer, more)),
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	list[0].keys.now = func() time.Time { return f.now }
	f.guard.Providers = append(f.guard.Providers, list[0])
	return list[0]
}

// good are the claims of a token that is accepted.
func (f *fixture) good(issuer string) map[string]any {
	return map[string]any{
		"iss": issuer, "aud": "api://dossier", "sub": "4f2c", "exp": f.now.Add(time.Hour).Unix(), "nbf": f.now.Unix(), "iat": f.now.Unix(),
		"roles": []string{string(ReadAll)},
	}
}

func with(claims map[string]any, more ...any) map[string]any {
	out := maps.Clone(claims)
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] == nil {
			delete(out, more[i].(string))
			continue
		}
		out[more[i].(string)] = more[i+1]
	}
	return out
}

// signedBytes makes a token with any payload.
func signedBytes(t testing.TB, key *rsa.PrivateKey, id, payload string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func kid(id string) map[jose.HeaderKey]any { return map[jose.HeaderKey]any{"kid": id, "typ": "JWT"} }

func TestForeignTokens(t *testing.T) {
	f, k := newFixture(t), testKeys()
	p := newIDP(t, publicKey(k.good, "a"), publicKey(k.curve, "b"), publicKey(k.edwards, "c"))
	f.withProvider(t, p.URL, "    owner: acme\n    tlp: amber\n")
	claims := f.good(p.URL)
	for name, token := range map[string]string{
		"RS256": signed(t, jose.RS256, k.good, kid("a"), claims),
		"RS512": signed(t, jose.RS512, k.good, kid("a"), claims),
		"PS256": signed(t, jose.PS256, k.good, kid("a"), claims),
		"ES256": signed(t, jose.ES256, k.curve, kid("b"), claims),
		"EdDSA": signed(t, jose.EdDSA, k.edwards, kid("c"), claims),
		"at+jwt": signed(t, jose.RS256, k.good, map[jose.HeaderKey]any{"kid": "a", "typ": "at+jwt"},
			claims),
		"no typ":             signed(t, jose.RS256, k.good, map[jose.HeaderKey]any{"kid": "a"}, claims),
		"several audiences":  signed(t, jose.RS256, k.good, kid("a"), with(claims, "aud", []string{"x", "other"})),
		"within the skew":    signed(t, jose.RS256, k.good, kid("a"), with(claims, "exp", f.now.Add(time.Second-skew).Unix())),
		"Keycloak's":         signed(t, jose.RS256, k.good, kid("a"), with(claims, "typ", "Bearer", "nonce", "x")),
		"Cognito's":          signed(t, jose.RS256, k.good, kid("a"), with(claims, "token_use", "access")),
		"without not-before": signed(t, jose.RS256, k.good, kid("a"), with(claims, "nbf", nil, "iat", nil)),
	} {
		for _, again := range []string{"", ", again"} {
			who, err := f.identify(t, token)
			if err != nil {
				t.Errorf("%s%s: %v", name, again, err)
				continue
			}
			if who.ClientID != "idp/4f2c" || who.Owner != "acme" || who.Ceiling != intel.Amber || !who.May(ReadAll) || who.May(ReadWrite) {
				t.Errorf("%s%s: %+v", name, again, who)
			}
		}
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	if who, err := f.identify(t, f.token(t)); err != nil || who.ClientID != f.client.ID {
		t.Errorf("our own token beside them: %+v, %v", who, err)
	}
}

// TestForeignAttacks tries what attackers try who have a token, or an issuer, of
// their own.
func TestForeignAttacks(t *testing.T) {
	f, k := newFixture(t), testKeys()
	p := newIDP(t, publicKey(k.good, "a"), publicKey(k.curve, "b"), publicKey(k.weak, "weak"),
		jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef"), KeyID: "oct"},
		jose.JSONWebKey{Key: k.good.Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: k.good.Public(), KeyID: "rs512 only", Use: "sig", Algorithm: "RS512"},
		map[string]string{"kty": "oct-of-tomorrow", "kid": "new"})
	other := newIDP(t, publicKey(k.evil, "other"), publicKey(k.evil, "a"))
	f.withProvider(t, p.URL, "")
	list, err := ReadProviders(strings.NewReader("issuers: [{name: two, issuer: "+other.URL+", audiences: [api://other]}]"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	list[0].keys.now = func() time.Time { return f.now }
	f.guard.Providers = append(f.guard.Providers, list[0])

	c := f.good(p.URL)
	good := signed(t, jose.RS256, k.good, kid("a"), c)
	if _, err := f.identify(t, good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	rs := func(more ...any) string { return signed(t, jose.RS256, k.good, kid("a"), with(c, more...)) }
	header := func(more ...any) string {
		h := kid("a")
		for i := 0; i+1 < len(more); i += 2 {
			h[jose.HeaderKey(more[i].(string))] = more[i+1]
		}
		return signed(t, jose.RS256, k.evil, h, c)
	}
	public, err := x509.MarshalPKIXPublicKey(k.good.Public())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := f.keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	attacks := map[string]string{
		"alg none":                     b64(map[string]string{"alg": "none", "kid": "a"}) + "." + parts[1] + ".",
		"alg NoNe with the signature":  b64(map[string]string{"alg": "NoNe", "kid": "a"}) + "." + parts[1] + "." + parts[2],
		"HS256 with the public key":    signed(t, jose.HS256, public, kid("a"), c),
		"HS256 with the modulus":       signed(t, jose.HS256, k.good.N.Bytes(), kid("a"), c),
		"HS256 with a symmetric key":   signed(t, jose.HS256, []byte("0123456789abcdef0123456789abcdef"), kid("oct"), c),
		"another issuer's key":         signed(t, jose.RS256, k.evil, kid("other"), c),
		"another issuer's key and kid": signed(t, jose.RS256, k.evil, kid("a"), c),
		"our own key":                  signed(t, jose.RS256, ring.signing, kid(ring.id), c),
		"our own key as kid a":         signed(t, jose.RS256, ring.signing, kid("a"), c),
		"the other's token for us":     signed(t, jose.RS256, k.evil, kid("a"), f.good(other.URL)),
		"a weak key":                   signed(t, jose.RS256, k.weak, kid("weak"), c),
		"a key for encryption":         signed(t, jose.RS256, k.good, kid("enc"), c),
		"a key for another algorithm":  signed(t, jose.RS256, k.good, kid("rs512 only"), c),
		"ES256 under an RSA kid":       signed(t, jose.ES256, k.curve, kid("a"), c),
		"RS256 under an EC kid":        signed(t, jose.RS256, k.good, kid("b"), c),
		"no kid among several keys":    signed(t, jose.RS256, k.good, map[jose.HeaderKey]any{"typ": "JWT"}, c),
		"unknown kid":                  signed(t, jose.RS256, k.good, kid("zzz"), c),
		"kid traversal":                signed(t, jose.RS256, k.evil, kid("../../../../dev/null"), c),
		"kid URL":                      signed(t, jose.RS256, k.evil, kid(other.URL+"/keys"), c),
		"kid SQL":                      signed(t, jose.RS256, k.evil, kid("a' OR '1'='1"), c),
		"kid 10 kB":                    signed(t, jose.RS256, k.evil, kid(strings.Repeat("a", 10<<10)), c),
		"embedded jwk":                 header("jwk", publicKey(k.evil, "a")),
		"jku":                          header("jku", other.URL+"/keys"),
		"x5u":                          header("x5u", other.URL+"/keys"),
		"crit":                         header("crit", []string{"exp"}),
		"crit, good key":               signed(t, jose.RS256, k.good, map[jose.HeaderKey]any{"kid": "a", "crit": []string{"exp"}}, c),
		"typ of a logout token":        signed(t, jose.RS256, k.good, map[jose.HeaderKey]any{"kid": "a", "typ": "logout+jwt"}, c),
		"typ of a DPoP proof":          signed(t, jose.RS256, k.good, map[jose.HeaderKey]any{"kid": "a", "typ": "dpop+jwt"}, c),
		"typ no text":                  b64(map[string]any{"alg": "RS256", "kid": "a", "typ": 1}) + "." + parts[1] + "." + parts[2],
		"payload changed":              parts[0] + "." + b64(with(c, "roles", []string{string(Admin)})) + "." + parts[2],
		"signature cut":                parts[0] + "." + parts[1] + "." + parts[2][:len(parts[2])-4],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"other issuer, path below":     rs("iss", p.URL+"/x"),
		"other issuer, slash":          rs("iss", p.URL+"/"),
		"issuer a list":                rs("iss", []string{p.URL}),
		"no issuer":                    rs("iss", nil),
		"other audience":               rs("aud", "https://graph.microsoft.com.evil.example"),
		"audience in other case":       rs("aud", "API://DOSSIER"),
		"audience prefix":              rs("aud", "api://dossier2"),
		"audience an object":           rs("aud", map[string]string{"a": "api://dossier"}),
		"no audience":                  rs("aud", nil),
		"the other's audience":         rs("aud", "api://other"),
		"no expiry":                    rs("exp", nil),
		"expired":                      rs("exp", f.now.Add(-skew-time.Second).Unix()),
		"expiry zero":                  rs("exp", 0),
		"expiry a text":                rs("exp", "9999999999"),
		"expiry beyond numbers":        parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"`+p.URL+`","exp":1e999}`)) + "." + parts[2],
		"not yet valid":                rs("nbf", f.now.Add(skew+time.Hour).Unix()),
		"issued in the future":         rs("iat", f.now.Add(skew+time.Hour).Unix()),
		"no subject":                   rs("sub", nil),
		"subject too long":             rs("sub", strings.Repeat("x", 256)),
		"identity token, at_hash":      rs("at_hash", "x"),
		"identity token, c_hash":       rs("c_hash", "x"),
		"identity token, nonce":        rs("nonce", "x"),
		"identity token, Keycloak":     rs("typ", "ID"),
		"identity token, Cognito":      rs("token_use", "id"),
		"refresh token, Keycloak":      rs("typ", "Refresh"),
		"logout token":                 rs("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}),
		"bound to a key":               rs("cnf", map[string]string{"jkt": "x"}),
		"claim twice": parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"x","iss":"`+p.URL+`"}`)) + "." +
			parts[2],
		"payload an array":    signedBytes(t, k.good, "a", `["`+p.URL+`"]`),
		"claim twice, signed": signedBytes(t, k.good, "a", strings.Replace(mustJSON(c), "{", `{"aud":"x",`, 1)),
		"claims no JSON":      signedBytes(t, k.good, "a", `{"iss":"`+p.URL+`",`),
		"huge":                parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
		"JSON form":           `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	}
	for name, token := range attacks {
		f.now = f.now.Add(time.Second) // so that unknown kids may lead to fetches
		who, err := f.identify(t, token)
		if err == nil {
			t.Errorf("%s: accepted as %+v", name, who)
			continue
		}
		if !errors.Is(err, ErrTokenInvalid) && !errors.Is(err, ErrTokenExpired) {
			t.Errorf("%s: %v is neither invalid nor expired", name, err)
		}
		if len(err.Error()) > 300 || strings.Contains(err.Error(), parts[2]) {
			t.Errorf("%s: the error tells too much: %.400s", name, err)
		}
	}
	t.Logf("%d attacks", len(attacks))
	if _, err := f.identify(t, good); err != nil {
		t.Errorf("after all that: %v", err)
	}
	if n := other.fetches.Load(); n > 1 {
		t.Errorf("the other issuer was asked for keys %d times", n)
	}
}

// TestRules: what claims allow.
func TestRules(t *testing.T) {
	f, k := newFixture(t), testKeys()
	p := newIDP(t, publicKey(k.good, "a"))
	f.withProvider(t, p.URL, `    rules:
      - claims: {roles: [reader, analyst]}
        permissions: [threatintelligence.read.all]
        tlp: green
      - claims: {realm_access.roles: lead, scp: access}
        permissions: [ThreatIntelligence.ReadWrite.All, Dossier.Hunt.All]
        tlp: red
      - claims: {resource_access.my.client.roles: admin}
        permissions: [Dossier.Administration.All]
      - claims: {https://example.com/groups: /soc}
        permissions: [ThreatIntelligence.Read]
        tlp: amber
`)
	for _, tt := range []struct {
		name    string
		claims  []any
		want    []Permission
		ceiling intel.TLP
	}{
		{"nothing", []any{"roles", nil}, nil, intel.Clear},
		{"permission by name is no rule", nil, nil, intel.Clear},
		{"a role", []any{"roles", []string{"x", "analyst"}}, []Permission{ReadAll}, intel.Green},
		{"a role as text", []any{"roles", "reader"}, []Permission{ReadAll}, intel.Green},
		{"roles are no words", []any{"roles", "reader analyst"}, nil, intel.Clear},
		{"role in other case", []any{"roles", []string{"Reader"}}, nil, intel.Clear},
		{"one of two claims", []any{"realm_access", map[string]any{"roles": []string{"lead"}}}, nil, intel.Clear},
		{"both claims", []any{"realm_access", map[string]any{"roles": []string{"lead"}}, "scp", "openid access"}, []Permission{ReadWrite, Hunt}, intel.Red},
		{"scp prefix", []any{"realm_access", map[string]any{"roles": []string{"lead"}}, "scp", "access_all"}, nil, intel.Clear},
		{"dots in names", []any{"resource_access", map[string]any{"my.client": map[string]any{"roles": []string{"admin"}}}}, []Permission{Admin}, intel.Clear},
		{"a URL", []any{"https://example.com/groups", []string{"/soc"}}, []Permission{Read}, intel.Amber},
		{"two rules", []any{"roles", "reader", "https://example.com/groups", "/soc"}, []Permission{ReadAll, Read}, intel.Amber},
		{"numbers", []any{"roles", []any{1, nil, map[string]any{}, "reader"}}, []Permission{ReadAll}, intel.Green},
		{"deep nonsense", []any{"roles", map[string]any{"reader": true}}, nil, intel.Clear},
	} {
		who, err := f.identify(t, signed(t, jose.RS256, k.good, kid("a"), with(f.good(p.URL), tt.claims...)))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !slices.Equal(who.Permissions, tt.want) || who.Ceiling != tt.ceiling {
			t.Errorf("%s: %v up to %s, want %v up to %s", tt.name, who.Permissions, who.Ceiling, tt.want, tt.ceiling)
		}
	}
}

// TestKeySets: key sets that are slow, huge, wrong, gone or rotating.
func TestKeySets(t *testing.T) {
	k := testKeys()
	start := func(t *testing.T) (*fixture, *idp, *Provider, func(kid string, key *rsa.PrivateKey) error) {
		f, p := newFixture(t), newIDP(t, publicKey(k.good, "a"))
		provider := f.withProvider(t, p.URL, "")
		n := 0
		return f, p, provider, func(id string, key *rsa.PrivateKey) error {
			n++ // another token each time, or the cache answers
			_, err := f.identify(t, signed(t, jose.RS256, key, kid(id), with(f.good(p.URL), "jti", fmt.Sprint(n))))
			return err
		}
	}
	expect := func(t *testing.T, what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	t.Run("rotating", func(t *testing.T) {
		f, p, _, try := start(t)
		expect(t, "the first key", try("a", k.good), nil)
		p.publish(publicKey(k.evil, "b"), publicKey(k.good, "a"))
		expect(t, "a new key, too soon after the last fetch", try("b", k.evil), ErrTokenInvalid)
		f.now = f.now.Add(keysRetry)
		expect(t, "a new key", try("b", k.evil), nil)
		p.publish(publicKey(k.evil, "b"))
		expect(t, "a key that was removed just now", try("a", k.good), nil)
		f.now = f.now.Add(keysFresh)
		_ = try("b", k.evil) // starts the fetch
		eventually(t, func() bool { return errors.Is(try("a", k.good), ErrTokenInvalid) }, "a key that was removed is still believed")
	})
	t.Run("cached tokens of removed keys", func(t *testing.T) {
		f, p, _, _ := start(t)
		token := signed(t, jose.RS256, k.good, kid("a"), f.good(p.URL))
		identify := func() error { _, err := f.identify(t, token); return err }
		expect(t, "at first", identify(), nil)
		p.publish(publicKey(k.evil, "a")) // the same id
		f.now = f.now.Add(keysFresh)
		eventually(t, func() bool { return errors.Is(identify(), ErrTokenInvalid) }, "a token of a replaced key is still accepted")
	})
	t.Run("a flood of unknown keys", func(t *testing.T) {
		f, p, _, try := start(t)
		expect(t, "the first key", try("a", k.good), nil)
		var wg sync.WaitGroup
		for i := range 200 {
			token := signed(t, jose.RS256, k.evil, kid(fmt.Sprint("x", i)), f.good(p.URL))
			wg.Go(func() { _, _ = f.identify(t, token) })
		}
		wg.Wait()
		if n := p.fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
	t.Run("gone, then back", func(t *testing.T) {
		f, p, _, try := start(t)
		p.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		expect(t, "never there", try("a", k.good), ErrUnavailable)
		p.publish(publicKey(k.good, "a"))
		expect(t, "back, too soon", try("a", k.good), ErrUnavailable)
		f.now = f.now.Add(keysRetry)
		expect(t, "back", try("a", k.good), nil)
		p.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		f.now = f.now.Add(keysStale - time.Second)
		expect(t, "gone for nearly a day", try("a", k.good), nil)
		f.now = f.now.Add(keysRetry)
		expect(t, "gone for a day", try("a", k.good), ErrUnavailable)
	})
	t.Run("slow", func(t *testing.T) {
		_, p, provider, try := start(t)
		provider.keys.client.Timeout = 100 * time.Millisecond
		stop := make(chan struct{})
		p.serve(func(w http.ResponseWriter, r *http.Request) {
			for { // a byte at a time, for ever
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-stop:
					return
				case <-r.Context().Done():
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
		defer close(stop)
		expect(t, "slow", try("a", k.good), ErrUnavailable)
	})
	huge := bytes.Repeat([]byte(" "), maxDocument+1)
	many := make([]any, maxKeys+1)
	for i := range many {
		many[i] = publicKey(k.good, fmt.Sprint("k", i))
	}
	private := jose.JSONWebKey{Key: k.evil, KeyID: "a"}
	for name, body := range map[string]any{
		"huge": huge, "too many keys": map[string]any{"keys": many}, "no keys": map[string]any{"keys": []any{}}, "an array": []any{},
		"HTML": []byte("<html>"), "null": nil, "nothing": []byte(""), "cut": []byte(`{"keys":[{"kty":"RSA"`),
		"keys no list": map[string]any{"keys": map[string]any{}}, "only symmetric": map[string]any{"keys": []any{jose.JSONWebKey{Key: []byte("secret"), KeyID: "a"}}},
		"only weak": map[string]any{"keys": []any{publicKey(k.weak, "a")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, p, _, try := start(t)
			p.serve(func(w http.ResponseWriter, _ *http.Request) {
				if raw, ok := body.([]byte); ok {
					_, _ = w.Write(raw)
					return
				}
				_ = json.NewEncoder(w).Encode(body)
			})
			expect(t, name, try("a", k.good), ErrUnavailable)
		})
	}
	t.Run("private keys published", func(t *testing.T) { // careless, not dangerous for us
		_, p, _, try := start(t)
		p.publish(private)
		expect(t, "private", try("a", k.evil), nil)
	})
	t.Run("one id for two keys", func(t *testing.T) {
		_, p, _, try := start(t)
		p.publish(publicKey(k.evil, "a"), publicKey(k.good, "a"))
		expect(t, "the first", try("a", k.evil), nil)
		expect(t, "the second", try("a", k.good), nil)
	})
	t.Run("one key without an id", func(t *testing.T) {
		_, p, _, try := start(t)
		p.publish(publicKey(k.good, ""))
		expect(t, "no kid", try("", k.good), nil)
		expect(t, "another's", try("", k.evil), ErrTokenInvalid)
	})
	t.Run("redirected", func(t *testing.T) {
		_, p, _, try := start(t)
		p.serve(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/keys", http.StatusFound)
		})
		expect(t, "redirected", try("a", k.good), ErrUnavailable)
	})
	for name, doc := range map[string]func(base string) any{
		"another issuer": func(base string) any { return map[string]string{"issuer": base + "/x", "jwks_uri": base + "/keys"} },
		"template": func(base string) any {
			return map[string]string{"issuer": base + "/{tenantid}", "jwks_uri": base + "/keys"}
		},
		"no issuer": func(base string) any { return map[string]string{"jwks_uri": base + "/keys"} },
		"keys over http": func(base string) any {
			return map[string]string{"issuer": base, "jwks_uri": "http://idp.example/keys"}
		},
		"keys in a file": func(base string) any { return map[string]string{"issuer": base, "jwks_uri": "file:///etc/passwd"} },
		"keys relative":  func(base string) any { return map[string]string{"issuer": base, "jwks_uri": "/keys"} },
		"no keys":        func(base string) any { return map[string]string{"issuer": base} },
	} {
		t.Run("discovery: "+name, func(t *testing.T) {
			_, p, _, try := start(t)
			p.discovery = func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(doc(p.URL)) }
			expect(t, name, try("a", k.good), ErrUnavailable)
			if p.fetches.Load() != 0 {
				t.Error("the keys were fetched all the same")
			}
		})
	}
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error(what)
}

func TestReadProviders(t *testing.T) {
	for _, tt := range []struct{ text, want string }{ // want "" is accepted
		{"issuers: [{issuer: https://idp.example, audiences: [a]}]", ""},
		{"issuers: [{issuer: http://127.0.0.1:1/realms/x, audiences: [a]}]", ""},
		{"issuers: [{issuer: https://idp.example, audiences: [a], keys: keys.json}]", ""},
		{"issuers: [{issuer: https://idp.example, audiences: [a], rules: [{claims: {groups: [x, y]}, permissions: [Dossier.Hunt.All], tlp: amber+strict}]}]", ""},
		{"", "want a list of issuers"},
		{"issuers: []", "want a list of issuers"},
		{"issuer: x", "field issuer not found"},
		{"issuers: [{issuer: https://idp.example, audience: [a]}]", "field audience not found"},
		{"issuers: [{audiences: [a]}]", "want an https URL"},
		{"issuers: [{issuer: http://idp.example, audiences: [a]}]", "want an https URL"},
		{"issuers: [{issuer: https://user:pw@idp.example, audiences: [a]}]", "want an https URL"},
		{"issuers: [{issuer: idp.example, audiences: [a]}]", "want an https URL"},
		{"issuers: [{issuer: https://idp.example}]", "want audiences"},
		{"issuers: [{issuer: https://idp.example, audiences: ['']}]", "want audiences"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], keys: http://idp.example/keys}]", "keys: "},
		{"issuers: [{issuer: https://idp.example, audiences: [a], ca: /nowhere/ca.pem}]", "ca: "},
		{"issuers: [{issuer: https://idp.example, audiences: [a], rate: -1}]", "rate"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], tlp: purple}]", "purple"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], name: a/b}]", "no spaces and slashes"},
		{"issuers: [{issuer: https://idp.example/1, audiences: [a]}, {issuer: https://idp.example/2, audiences: [a]}]", "give each a name"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], rules: [{claims: {roles: x}}]}]", "rule 1: want claims and permissions"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], rules: [{permissions: [Dossier.Hunt.All]}]}]", "rule 1: want claims and permissions"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], rules: [{claims: {roles: []}, permissions: [Dossier.Hunt.All]}]}]", "want a value"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], rules: [{claims: {roles: x}, permissions: [Everything]}]}]", "want one of"},
		{"issuers: [{issuer: https://idp.example, audiences: [a], tlp: red, rules: [{claims: {roles: x}, permissions: [Dossier.Hunt.All]}]}]", "each rule has its own"},
		{"issuers: {", "yaml"},
	} {
		_, err := ReadProviders(strings.NewReader(tt.text), slog.New(slog.DiscardHandler))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestAudit(t *testing.T) {
	var b bytes.Buffer
	a := NewAudit(&b)
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	a.now = func() time.Time { return now }
	for range 100 {
		a.Refuse(t.Context(), "10.0.0.1", "authentication failed")
	}
	a.Refuse(t.Context(), "10.0.0.2", "authentication failed")
	a.Act(t.Context(), "client added", slog.String("client", "x"))
	now = now.Add(burstLength)
	a.Refuse(t.Context(), "10.0.0.1", "authentication failed")
	for i := range 2 * maxBursts { // from everywhere
		a.Refuse(t.Context(), fmt.Sprint("peer", i), "token refused")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	dec := json.NewDecoder(&b)
	for {
		var line struct {
			Msg, Peer string
			More      int
		}
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		lines[line.Msg]++
		lines[line.Msg+" in all"] += max(line.More, 1)
	}
	if lines["authentication failed"] != burstLines+3 || lines["authentication failed in all"] != 102 || lines["client added"] != 1 ||
		lines["token refused in all"] != 2*maxBursts || lines["token refused"] > maxBursts+burstLines+1 || len(a.bursts) > 0 {
		t.Errorf("%v, %d bursts left", lines, len(a.bursts))
	}
	(*Audit)(nil).Act(t.Context(), "nothing")
	(*Audit)(nil).Refuse(t.Context(), "x", "nothing")
}

// BenchmarkForeign is the cost of a foreign token: seen before, and for the first time.
func BenchmarkForeign(b *testing.B) {
	f, k := newFixture(b), testKeys()
	p := newIDP(b, publicKey(k.good, "a"))
	provider := f.withProvider(b, p.URL, "")
	token := signed(b, jose.RS256, k.good, kid("a"), f.good(p.URL))
	for _, cached := range []bool{true, false} {
		b.Run(fmt.Sprintf("cached=%t", cached), func(b *testing.B) {
			for b.Loop() {
				if !cached {
					provider.cache.m = nil
				}
				if _, err := provider.identify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzForeign: whatever is given as a token of a foreign issuer, only what it
// signed is accepted.
func FuzzForeign(f *testing.F) {
	fix, k := newFixture(f), testKeys()
	p := newIDP(f, publicKey(k.good, "a"))
	fix.withProvider(f, p.URL, "")
	good := signed(f, jose.RS256, k.good, kid("a"), fix.good(p.URL))
	f.Add(good)
	f.Add(strings.Replace(good, ".", ".e", 1))
	f.Add(signed(f, jose.RS256, k.evil, kid("a"), fix.good(p.URL)))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := fix.identify(t, token); err == nil && token != good {
			t.Errorf("accepted %q", token)
		}
	})
}
