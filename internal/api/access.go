package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dossier/internal/auth"
	"dossier/internal/odata"
)

// Codes of Graph for who may not.
const (
	codeNoToken = "InvalidAuthenticationToken"
	codeDenied  = "Authorization_RequestDenied"
	codeTooMany = "TooManyRequests"
)

// statusNoToken is 401; the name that net/http has for it is a word that one
// client takes for an expired login, wherever it stands.
const statusNoToken = 401

// tokenHint is said to clients without a token, since SDKs do not say that they
// sent none.
const tokenHint = " Clients send a token only to hosts that they are told to trust, and over http only to localhost."

// identify finds out who is asking and whether they may: reading needs the read
// permission, every other method the write permission. It comes before paths and
// options are looked at, so a stranger learns nothing from them.
func (s *Server) identify(r *request) error {
	if s.guard == nil {
		r.who = &auth.Identity{Permissions: []auth.Permission{auth.ReadAll}, Ceiling: s.ceiling}
		return nil
	}
	if !safe(r.Method) {
		if err := s.origin.Check(r.Request); err != nil {
			return fail(http.StatusForbidden, codeDenied, "A request from another web site is refused.")
		}
	}
	identify := s.guard.Identify
	if r.taxii {
		identify = s.guard.IdentifyBasic
	}
	who, err := identify(r.Request)
	if err != nil {
		return s.refused(r, err)
	}
	r.who = who
	return nil
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// allow checks a permission.
func (s *Server) allow(r *request, p auth.Permission) error {
	if r.who.May(p) || p == auth.Hunt && safe(r.Method) && r.who.Anonymous() {
		return nil
	}
	s.refuse(r, "permission missing", slog.String("permission", string(p)))
	return fail(http.StatusForbidden, codeDenied, "Insufficient privileges to complete the operation.")
}

// neededFor returns the permission that a method needs. A batch is read: each of
// its requests is checked by itself. A subscription changes nothing that others see,
// so who may read may subscribe.
func neededFor(method string, segments []odata.Segment) auth.Permission {
	if len(segments) > 1 && segments[0].Text == "api" && hunted[segments[1].Text] {
		return auth.Hunt
	}
	if safe(method) || len(segments) == 1 && strings.EqualFold(segments[0].Text, "$batch") || isSubscriptions(segments) {
		return auth.ReadAll
	}
	return auth.ReadWrite
}

// hunted are the resources under /api that tell of the owner's own data, names of people and machines among it. They need the permission to hunt; only who
// asks from the server's own machine reads without, as on the pages.
var hunted = map[string]bool{"sightings": true, "hunt": true}

func isSubscriptions(segments []odata.Segment) bool {
	return len(segments) > 0 && (strings.EqualFold(segments[0].Text, subscriptionsPath) || strings.EqualFold(segments[0].Name, subscriptionsPath))
}

// refused makes the answer for a request that is nobody's (RFC 6750, 3).
func (s *Server) refused(r *request, err error) error {
	var wait *auth.TooMany
	challenge := `Bearer realm="dossier"`
	var f *failure
	switch {
	case errors.As(err, &wait):
		f = fail(http.StatusTooManyRequests, codeTooMany, "Too many requests. Wait as long as Retry-After says.")
		f.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Wait.Seconds())))}}
		return f
	case errors.Is(err, auth.ErrUnavailable):
		f = fail(http.StatusServiceUnavailable, codeUnavailable, "The keys of the token's issuer cannot be fetched now.")
		f.header = http.Header{"Retry-After": {"30"}}
		s.refuse(r, "authentication failed", slog.String("reason", err.Error()))
		return f
	case errors.Is(err, auth.ErrNoToken):
		f = fail(statusNoToken, codeNoToken, "Access token is empty."+tokenHint)
	case errors.Is(err, auth.ErrTokenExpired):
		f = fail(statusNoToken, codeNoToken, "Access token has expired or is not yet valid.")
		challenge += `, error="invalid_token", error_description="The access token expired"`
	case errors.Is(err, auth.ErrTokenInvalid):
		f = fail(statusNoToken, codeNoToken, "CompactToken parsing failed: "+strings.TrimPrefix(err.Error(), auth.ErrTokenInvalid.Error()+": ")+".")
		challenge += `, error="invalid_token", error_description="The access token is invalid"`
	default:
		return fmt.Errorf("identifying the client: %w", err)
	}
	f.header = http.Header{"Www-Authenticate": {challenge}}
	if r.taxii {
		f.header.Add("Www-Authenticate", `Basic realm="dossier"`)
	}
	s.refuse(r, "authentication failed", slog.String("reason", err.Error()))
	return f
}

// refuse writes down that somebody was refused.
func (s *Server) refuse(r *request, what string, more ...slog.Attr) {
	s.audit.Refuse(r.Context(), s.guard.Peer(r.Request), what, append(s.whoAndWhat(r), more...)...)
}

// acted writes down what somebody did.
func (s *Server) acted(r *request, what string, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.String("peer", s.guard.Peer(r.Request))}, s.whoAndWhat(r)...)
	s.audit.Act(r.Context(), what, append(attrs, more...)...)
}

// whoAndWhat are what every line of the audit has. Options are left out: what
// people search for is nobody's business.
func (s *Server) whoAndWhat(r *request) []slog.Attr {
	attrs := []slog.Attr{slog.String("method", r.Method), slog.String("path", clip(r.URL.EscapedPath())), slog.String("request-id", r.id)}
	if r.who != nil {
		attrs = append(attrs, slog.String("client", r.who.ClientID), slog.String("name", r.who.Name))
	}
	return attrs
}

// page answers for the pages, which are for people on this machine: those who
// give a token get none, for the pages know no ceiling but the operator's.
func (s *Server) page(w http.ResponseWriter, r *request) error {
	if s.guard != nil {
		if err := s.identify(r); err != nil {
			return err
		}
		if !r.who.Anonymous() {
			return fail(http.StatusForbidden, codeDenied, "The pages are for people on the server's own machine; programs use the API.")
		}
	}
	s.home.ServeHTTP(w, r.Request)
	return nil
}

// tokenPaths are what follows the tenant in the paths of the token service.
var tokenPaths = map[string]string{
	"oauth2/v2.0/token":                     "token",
	"oauth2/token":                          "token",
	"v2.0/.well-known/openid-configuration": "configuration",
	".well-known/openid-configuration":      "configuration",
	"discovery/v2.0/keys":                   "keys",
	"discovery/keys":                        "keys",
}

// tokenPath returns what of the token service a path asks for, and its tenant.
// Any tenant will do: there is one installation, and clients are configured with
// whatever they had.
func tokenPath(segments []odata.Segment) (tenant, what string) {
	if len(segments) < 2 {
		return "", ""
	}
	rest := make([]string, len(segments)-1)
	for i, seg := range segments[1:] {
		rest[i] = strings.ToLower(seg.Text)
	}
	what = tokenPaths[strings.Join(rest, "/")]
	if tenant = segments[0].Text; what == "" || !plainTenant(tenant) {
		return "", ""
	}
	return tenant, what
}

func plainTenant(s string) bool {
	for _, c := range s {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// tokenService answers the token endpoint, its configuration and its keys.
func (s *Server) tokenService(r *request, tenant, what string) (*answer, error) {
	authority := s.publicURL(r.Request) + "/" + tenant
	switch {
	case what == "token" && r.Method == http.MethodPost:
		return s.token(r, authority)
	case what == "token":
		return nil, methodNotAllowed("POST")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return nil, methodNotAllowed("GET, HEAD")
	case what == "keys":
		keys, err := s.guard.Issuer.JWKS(r.Context())
		if err != nil {
			return nil, err
		}
		return r.document(keys)
	}
	return r.document(configuration{
		Issuer: authority + "/v2.0", TokenEndpoint: authority + "/oauth2/v2.0/token", AuthorizationEndpoint: authority + "/oauth2/v2.0/authorize",
		KeysURI: authority + "/discovery/v2.0/keys", AuthMethods: []string{"client_secret_post", "client_secret_basic"},
		ResponseTypes: []string{"token"}, SubjectTypes: []string{"pairwise"}, Algorithms: []string{"RS256"},
		Grants: []string{"client_credentials"},
	})
}

// configuration is OpenID Connect's discovery document, as far as clients of
// client credentials read it. The authorization endpoint does not exist; clients
// want it named.
type configuration struct {
	Issuer                string   `json:"issuer"`
	TokenEndpoint         string   `json:"token_endpoint"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	KeysURI               string   `json:"jwks_uri"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	Algorithms            []string `json:"id_token_signing_alg_values_supported"`
	Grants                []string `json:"grant_types_supported"`
}

// maxForm bounds the body of a token request, in bytes.
const maxForm = 64 << 10

// token answers the token endpoint.
func (s *Server) token(r *request, authority string) (*answer, error) {
	if own := r.URL.Query().Get("client-request-id"); own != "" { // where MSAL puts it
		r.clientID = clientID(http.Header{"Client-Request-Id": {own}}, r.clientID)
	}
	req, err := r.tokenRequest(authority + "/v2.0")
	var token *auth.Token
	if err == nil {
		token, err = s.guard.Exchange(r.Context(), req)
	}
	client := slog.String("client", givenClient(req.ClientID))
	var refused *auth.OAuthError
	switch {
	case err == nil:
		s.acted(r, "token issued", client)
		r.header.Set("Cache-Control", "no-store")
		r.header.Set("Pragma", "no-cache")
		return r.document(token)
	case errors.Is(err, auth.ErrTooMany):
		return nil, s.refused(r, err)
	case !errors.As(err, &refused):
		return nil, err
	}
	s.refuse(r, "token refused", slog.String("reason", refused.Code), client)
	body, err := json.Marshal(tokenError{
		refused.Code, refused.Description, refused.Numbers(), s.now().UTC().Format("2006-01-02 15:04:05Z"), r.id, r.clientID,
	})
	if err != nil {
		return nil, err
	}
	h := http.Header{"Cache-Control": {"no-store"}}
	if refused.Status == statusNoToken && r.Header.Get("Authorization") != "" {
		h.Set("Www-Authenticate", `Basic realm="dossier"`)
	}
	return &answer{status: refused.Status, contentType: "application/json; charset=utf-8", header: h, body: body}, nil
}

// A tokenError is the body of a refusal (RFC 6749, 5.2) with what Entra ID adds;
// MSAL shows it, and programs branch on the numbers.
type tokenError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
	Numbers     []int  `json:"error_codes"`
	Timestamp   string `json:"timestamp"`
	Trace       string `json:"trace_id"`
	Correlation string `json:"correlation_id"`
}

// tokenRequest reads the form and, where they are, Basic credentials.
func (r *request) tokenRequest(issuer string) (auth.TokenRequest, error) {
	form, err := r.form()
	if err != nil {
		return auth.TokenRequest{}, err
	}
	req := auth.TokenRequest{
		Grant: form.Get("grant_type"), ClientID: form.Get("client_id"), Secret: form.Get("client_secret"),
		Scope: form.Get("scope"), Resource: form.Get("resource"), Issuer: issuer,
	}
	if id, secret, ok := r.BasicAuth(); ok {
		if req.Secret != "" {
			return req, &auth.OAuthError{Status: 400, Code: "invalid_request", Description: "AADSTS90023: Give the credentials in the body or as Basic credentials, not both."}
		}
		req.ClientID, req.Secret = formDecoded(id), formDecoded(secret)
	}
	return req, nil
}

// givenClient is what the audit tells of a client's id that is not known to be
// one: it may be anything, also a secret in the wrong field.
func givenClient(id string) string {
	const guid = 36
	if len(id) != guid {
		return "malformed"
	}
	return id
}

// formDecoded undoes the form encoding that RFC 6749 (2.3.1) asks of Basic
// credentials; what is not encoded stays.
func formDecoded(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// form reads a form of bounded size; a parameter that comes twice is an error
// (RFC 6749, 3.2).
func (r *request) form() (url.Values, error) {
	bad := func(description string) error {
		return &auth.OAuthError{Status: 400, Code: "invalid_request", Description: description}
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, bad("AADSTS900144: The body must be application/x-www-form-urlencoded.")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxForm {
		return nil, bad("AADSTS900144: The body is too large.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, bad("AADSTS900144: The body is no form.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, bad("AADSTS900144: A parameter comes twice: " + clip(name) + ".")
		}
	}
	return form, nil
}
