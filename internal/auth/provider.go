package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"dossier/internal/intel"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// A Provider is a foreign identity provider whose access tokens are accepted: an
// OpenID Connect issuer as Entra ID, Keycloak or Okta. Make one with
// [ReadProviders]. It is safe for concurrent use.
type Provider struct {
	Name      string   // begins the ids of its clients, as entra/4f2c…
	Issuer    string   // the claim iss, exactly
	Audiences []string // one of them must be in the claim aud
	Owner     string   // of its clients
	Rate      int      // requests a minute for each client; 0: the default
	Rules     []Rule   // what a token's claims allow; a token may meet several

	keys  *keySet
	cache tokenCache[*foreign]
}

// A Rule gives permissions to tokens in which all Claims hold.
type Rule struct {
	// Claims has, by the name of a claim, the values of which one must be there.
	// A dot leads into an object: realm_access.roles. A claim with several values
	// is an array; scp and scope also are words with spaces between.
	Claims      map[string][]string
	Permissions []Permission
	Ceiling     intel.TLP
}

// foreignAlgorithms are those that verify with a public key.
var foreignAlgorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// foreign is a token that was verified.
type foreign struct {
	keys      *keys // that it was verified with
	kid       string
	who       Identity
	notBefore time.Time
	expiry    time.Time
}

// foreignClaims are what every token is looked at for. Names are those of RFC
// 7519 and 9068, of Entra ID (appid, upn, …) and of Keycloak (typ).
type foreignClaims struct {
	jwt.Claims
	AuthorizedParty string          `json:"azp"`
	AppID           string          `json:"appid"`
	ClientID        string          `json:"client_id"`
	AppName         string          `json:"app_displayname"`
	Preferred       string          `json:"preferred_username"`
	UPN             string          `json:"upn"`
	Kind            string          `json:"typ"`
	Use             string          `json:"token_use"`
	Nonce           string          `json:"nonce"`
	TokenHash       string          `json:"at_hash"`
	CodeHash        string          `json:"c_hash"`
	Events          json.RawMessage `json:"events"`
	Confirmation    json.RawMessage `json:"cnf"`
}

// issuerOf returns what an unverified token says of its issuer, "" if nothing.
// It only chooses whose keys the token is verified with.
func issuerOf(raw string) string {
	_, rest, _ := strings.Cut(raw, ".")
	payload, _, _ := strings.Cut(rest, ".")
	body, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || len(raw) > maxToken {
		return ""
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(body, &c) != nil {
		return ""
	}
	return c.Issuer
}

// identify returns who a token of this issuer speaks for. The error wraps
// [ErrTokenExpired], [ErrTokenInvalid] or [ErrUnavailable], or is that of ctx.
func (p *Provider) identify(ctx context.Context, raw string) (*Identity, error) {
	now := p.keys.now()
	if f, ok := p.cache.get(raw); ok {
		if k, _ := p.keys.look(f.kid); k == f.keys {
			return f.valid(now)
		}
	}
	f, err := p.verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	who, err := f.valid(now)
	if err == nil {
		p.cache.put(raw, f)
	}
	return who, err
}

// valid returns whom the token speaks for, if it does so now.
func (f *foreign) valid(now time.Time) (*Identity, error) {
	if !now.Before(f.expiry.Add(skew)) || now.Before(f.notBefore.Add(-skew)) {
		return nil, ErrTokenExpired
	}
	who := f.who
	return &who, nil
}

// verify checks a token but for its times.
func (p *Provider) verify(ctx context.Context, raw string) (*foreign, error) {
	tok, err := jwt.ParseSigned(raw, foreignAlgorithms)
	if err != nil || len(tok.Headers) != 1 {
		return nil, invalid("it is not a JWT with one signature of a public key")
	}
	header := tok.Headers[0]
	if typ, ok := header.ExtraHeaders["typ"]; ok {
		// RFC 9068, 2.1: a JWT of another declared kind is no access token.
		if t, _ := typ.(string); !slices.Contains([]string{"jwt", "at+jwt", "application/at+jwt"}, strings.ToLower(t)) {
			return nil, invalid("its type is another one")
		}
	}
	k, err := p.keys.get(ctx, header.KeyID)
	if err != nil {
		return nil, err
	}
	signed := false
	for _, key := range k.named(header.KeyID) {
		if key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if signed = tok.Claims(key.Key) == nil; signed {
			break
		}
	}
	if !signed {
		return nil, invalid("it was not signed by its issuer")
	}
	var c foreignClaims
	var claims map[string]any
	if err := tok.UnsafeClaimsWithoutVerification(&c, &claims); err != nil { // verified above
		return nil, invalid("its claims are malformed")
	}
	switch {
	case c.Issuer != p.Issuer:
		return nil, invalid("its issuer is another one")
	case !slices.ContainsFunc(p.Audiences, c.Audience.Contains):
		return nil, invalid("its audience is another one")
	case c.Expiry == nil:
		return nil, invalid("it has no end")
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return nil, invalid(fmt.Sprintf("its subject is not of 1 to %d bytes", maxSubject))
	case c.identityToken():
		return nil, invalid("it is an identity token or one of another kind, not an access token")
	case c.Confirmation != nil && !bytes.Equal(c.Confirmation, []byte("null")):
		// RFC 8705, 9449: only its holder may use it, and that is not checked here.
		return nil, invalid("it is bound to a key, which is not supported")
	}
	f := &foreign{keys: k, kid: header.KeyID, expiry: c.Expiry.Time()}
	for _, t := range []*jwt.NumericDate{c.NotBefore, c.IssuedAt} {
		if t != nil && t.Time().After(f.notBefore) {
			f.notBefore = t.Time()
		}
	}
	f.who = p.identity(&c, claims)
	return f, nil
}

// maxSubject is that of OpenID Connect Core, 2.
const maxSubject = 255

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrTokenInvalid, why) }

// identityToken recognises tokens that tell a client who signed in, or out, and
// are not meant for a resource: they carry what OpenID Connect defines for them,
// or say so in the way of Keycloak (typ) or Cognito (token_use).
func (c *foreignClaims) identityToken() bool {
	return c.TokenHash != "" || c.CodeHash != "" || c.Events != nil ||
		c.Kind != "" && !strings.EqualFold(c.Kind, "Bearer") || c.Use != "" && c.Use != "access" ||
		c.Nonce != "" && c.Kind == ""
}

// identity applies the rules.
func (p *Provider) identity(c *foreignClaims, claims map[string]any) Identity {
	who := Identity{ClientID: p.Name + "/" + c.Subject, Owner: p.Owner}
	for _, name := range []string{c.AppName, c.Preferred, c.UPN, c.AuthorizedParty, c.AppID, c.ClientID, c.Subject} {
		if name != "" {
			who.Name = clipped(name)
			break
		}
	}
	for _, r := range p.Rules {
		if !r.holds(claims) {
			continue
		}
		who.Ceiling = max(who.Ceiling, r.Ceiling)
		for _, perm := range r.Permissions {
			if !slices.Contains(who.Permissions, perm) {
				who.Permissions = append(who.Permissions, perm)
			}
		}
	}
	return who
}

func (r *Rule) holds(claims map[string]any) bool {
	for name, want := range r.Claims {
		have := claimValues(name, claimAt(claims, name))
		if !slices.ContainsFunc(want, func(w string) bool { return slices.Contains(have, w) }) {
			return false
		}
	}
	return true
}

// claimAt finds a claim by its name, or by a path of names with dots between;
// names may hold dots themselves, as URLs do.
func claimAt(claims map[string]any, path string) any {
	if v, ok := claims[path]; ok {
		return v
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if inner, ok := claims[path[:i]].(map[string]any); ok {
			if v := claimAt(inner, path[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}

// claimValues returns the values of a claim.
func claimValues(name string, v any) []string {
	switch v := v.(type) {
	case string:
		if name == "scp" || name == "scope" {
			return strings.Fields(v)
		}
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// clipped shortens what others wrote.
func clipped(s string) string {
	const most = 100
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
