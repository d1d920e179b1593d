package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// TokenLife is how long a token from the token endpoint is valid, MaxTokenLife
// the longest that any may be, and skew how far clocks may be apart.
const (
	TokenLife    = time.Hour
	MaxTokenLife = 24 * time.Hour
	skew         = 2 * time.Minute
)

// GraphAudience is the audience that all Graph clients ask for.
const GraphAudience = "https://graph.microsoft.com"

// An Issuer is the token service of an installation. It is safe for concurrent
// use. Several servers over one database and with one key file issue and verify
// the same tokens.
type Issuer struct {
	Store  *store.Store
	Sealer *Sealer
	// Audiences are the resources that tokens may be for; the first is given
	// where a client asks for none. Empty: [GraphAudience] alone.
	Audiences []string

	cache tokenCache[*own]
	mu    sync.Mutex
	ring  *keyring
	once  sync.Mutex
	inst  string
}

// own is a token of ours that was verified.
type own struct {
	claims claims
	kid    string
}

// claims of our tokens, named as Entra ID names them.
type claims struct {
	jwt.Claims
	AppID   string   `json:"appid"`
	AppName string   `json:"app_displayname,omitempty"`
	Tenant  string   `json:"tid"`
	Roles   []string `json:"roles"`
	Version string   `json:"ver"`
	Use     string   `json:"use"` // always "access": a token of another kind is none
}

// An OAuthError is the answer of the token endpoint (RFC 6749, 5.2).
type OAuthError struct {
	Status      int
	Code        string
	Description string
}

func (e *OAuthError) Error() string { return e.Code + ": " + e.Description }

// Numbers returns the numbers of Entra ID that the description names.
func (e *OAuthError) Numbers() []int {
	head, _, _ := strings.Cut(e.Description, ":")
	n, err := strconv.Atoi(strings.TrimPrefix(head, "AADSTS"))
	if err != nil {
		return []int{}
	}
	return []int{n}
}

// A TokenRequest is what a client sends to the token endpoint.
type TokenRequest struct {
	Grant, ClientID, Secret, Scope, Resource string
	Issuer                                   string // of the token: {authority}/{tenant}/v2.0
}

// A Token is the answer (RFC 6749, 5.1).
type Token struct {
	Type        string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	ExtExpires  int    `json:"ext_expires_in"`
	AccessToken string `json:"access_token"`
}

// Exchange gives a client with the right secret a token. The error is an
// *[OAuthError] where the client is at fault.
func (i *Issuer) Exchange(ctx context.Context, r TokenRequest) (*Token, error) {
	client, err := i.authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	return i.grant(ctx, client, r)
}

// authenticate returns the client that sends a token request.
func (i *Issuer) authenticate(ctx context.Context, r TokenRequest) (*store.Client, error) {
	switch {
	case r.Grant == "":
		return nil, &OAuthError{400, "invalid_request", "AADSTS900144: The request body must contain the parameter 'grant_type'."}
	case r.Grant != "client_credentials":
		return nil, &OAuthError{400, "unsupported_grant_type", "AADSTS70003: Only the grant type client_credentials is supported."}
	case r.ClientID == "" || r.Secret == "":
		return nil, &OAuthError{401, "invalid_client", "AADSTS7000216: The request must contain client_id and client_secret, in the body or as Basic credentials."}
	}
	return Clients{i.Store}.authenticate(ctx, r.ClientID, r.Secret)
}

// grant gives a client that has proven who it is a token.
func (i *Issuer) grant(ctx context.Context, client *store.Client, r TokenRequest) (*Token, error) {
	audience, err := i.audience(r.Scope, r.Resource)
	if err != nil {
		return nil, err
	}
	return i.Mint(ctx, client, audience, r.Issuer, TokenLife)
}

func (i *Issuer) audiences() []string {
	if len(i.Audiences) == 0 {
		return []string{GraphAudience}
	}
	return i.Audiences
}

// audience finds the resource in the scope (…/.default) or, in the older form,
// the resource. OIDC's own scopes are accepted and mean nothing here.
func (i *Issuer) audience(scope, resource string) (string, error) {
	wanted := strings.TrimRight(resource, "/")
	for _, s := range strings.Fields(scope) {
		switch s {
		case "openid", "profile", "offline_access", "email":
			continue
		}
		var name string
		if rest, ok := strings.CutSuffix(s, "/.default"); ok {
			name = rest
		} else if slices.ContainsFunc(Permissions(), func(p Permission) bool { return strings.HasSuffix(s, string(p)) }) {
			name = strings.TrimRight(s[:strings.LastIndex(s, "/")+1], "/")
		} else {
			return "", &OAuthError{400, "invalid_scope", "AADSTS1002012: The scope must be a resource followed by /.default, as " + i.audiences()[0] + "/.default."}
		}
		if wanted != "" && name != "" && wanted != name {
			return "", &OAuthError{400, "invalid_scope", "AADSTS70011: Only one resource may be asked for at a time."}
		}
		if name != "" {
			wanted = strings.TrimRight(name, "/")
		}
	}
	if wanted == "" {
		return i.audiences()[0], nil
	}
	if !slices.Contains(i.audiences(), wanted) {
		return "", &OAuthError{400, "invalid_scope", "AADSTS500011: The resource is not served here; ask for " + i.audiences()[0] + "/.default."}
	}
	return wanted, nil
}

// installation returns the id of the database, which our tokens carry.
func (i *Issuer) installation(ctx context.Context) (string, error) {
	i.once.Lock()
	defer i.once.Unlock()
	if i.inst != "" {
		return i.inst, nil
	}
	var err error
	i.inst, err = i.Store.Installation(ctx)
	return i.inst, err
}

// Mint signs a token for a client. It ends after life or [MaxTokenLife], with the
// client at the latest.
func (i *Issuer) Mint(ctx context.Context, c *store.Client, audience, issuer string, life time.Duration) (*Token, error) {
	ring, err := i.keys(ctx, "")
	if err != nil {
		return nil, err
	}
	tenant, err := i.installation(ctx)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: ring.signing, KeyID: ring.id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, err
	}
	now := i.Store.Now()
	life = min(life, MaxTokenLife) // its key is forgotten after that
	if c.Expires != 0 {
		life = min(life, c.Expires.Std().Sub(now))
	}
	raw, err := jwt.Signed(signer).Claims(claims{
		Claims: jwt.Claims{
			Issuer: issuer, Subject: c.ID, Audience: jwt.Audience{audience}, ID: store.NewGUID(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(life)),
		},
		AppID: c.ID, AppName: c.Name, Tenant: tenant, Roles: c.Scopes, Version: "2.0", Use: "access",
	}).Serialize()
	if err != nil {
		return nil, err
	}
	seconds := max(int(life.Seconds())-1, 1)
	return &Token{Type: "Bearer", ExpiresIn: seconds, ExtExpires: seconds, AccessToken: raw}, nil
}

// maxToken bounds the tokens that are looked at, in bytes.
const maxToken = 16 << 10

// Reasons why a token is refused. The first two are Graph's sentences.
var (
	ErrTokenExpired = errors.New("access token has expired or is not yet valid")
	ErrTokenInvalid = errors.New("access token is invalid")
)

// verify returns the client that a token was given to. The error wraps
// [ErrTokenExpired] or [ErrTokenInvalid]; anything else is a fault of ours.
func (i *Issuer) verify(ctx context.Context, raw string) (*store.Client, error) {
	t, err := i.signed(ctx, raw)
	if err != nil {
		return nil, err
	}
	tenant, err := i.installation(ctx)
	if err != nil {
		return nil, err
	}
	now, c := i.Store.Now(), &t.claims
	switch {
	case c.Tenant != tenant || c.Use != "access" || c.AppID == "" || c.AppID != c.Subject:
		return nil, invalid("it is not an access token of this installation")
	case !slices.ContainsFunc(i.audiences(), c.Audience.Contains):
		return nil, invalid("its audience is another one")
	case c.Expiry == nil || !now.Before(c.Expiry.Time().Add(skew)), c.NotBefore != nil && now.Before(c.NotBefore.Time().Add(-skew)):
		return nil, ErrTokenExpired
	}
	client, err := i.Store.Client(ctx, c.AppID)
	if errors.Is(err, intel.ErrNotFound) {
		return nil, invalid("its client does not exist")
	}
	if err != nil {
		return nil, err
	}
	if err := usable(client, now); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTokenInvalid, err)
	}
	return client, nil
}

// signed returns what is in a token, if one of our keys signed it.
func (i *Issuer) signed(ctx context.Context, raw string) (*own, error) {
	if t, ok := i.cache.get(raw); ok {
		ring, err := i.keys(ctx, t.kid)
		if err != nil {
			return nil, err
		}
		if ring.public[t.kid] != nil {
			return t, nil
		}
	}
	tok, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		return nil, invalid("it is not a JWT signed with " + string(algorithm))
	}
	if len(tok.Headers) != 1 {
		return nil, invalid("it has several signatures")
	}
	t := &own{kid: tok.Headers[0].KeyID}
	ring, err := i.keys(ctx, t.kid)
	if err != nil {
		return nil, err
	}
	key, ok := ring.public[t.kid]
	if !ok {
		return nil, invalid("it was not signed here")
	}
	if err := tok.Claims(key, &t.claims); err != nil {
		return nil, invalid("its signature is wrong")
	}
	i.cache.put(raw, t)
	return t, nil
}

// JWKS returns the public keys that verify our tokens.
func (i *Issuer) JWKS(ctx context.Context) (jose.JSONWebKeySet, error) {
	ring, err := i.keys(ctx, "")
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	return ring.jwks, nil
}
