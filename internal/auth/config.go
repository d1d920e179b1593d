package auth

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"dossier/internal/intel"

	"go.yaml.in/yaml/v3"
)

// providerFile is the form of the file that names the foreign issuers.
type providerFile struct {
	Issuers []struct {
		Name      string
		Issuer    string
		Audiences []string
		Keys      string // URL or file of the JWK set
		CA        string // file with the certificates of authorities to trust
		Owner     string
		Rate      int
		TLP       intel.TLP // ceiling, where there are no rules
		Rules     []struct {
			Claims      map[string]oneOrMore
			Permissions []string
			TLP         intel.TLP
		}
	}
}

// oneOrMore is a value, or a list of them.
type oneOrMore []string

// UnmarshalYAML reads either form.
func (o *oneOrMore) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*o = oneOrMore{n.Value}
		return nil
	}
	return n.Decode((*[]string)(o))
}

// ReadProviders reads the foreign issuers from YAML (docs/access.md describes the
// form). Nothing is fetched yet. Errors name the issuer and what is wrong.
func ReadProviders(r io.Reader, log *slog.Logger) ([]*Provider, error) {
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	var file providerFile
	if err := dec.Decode(&file); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("want a list of issuers")
		}
		return nil, err
	}
	var out []*Provider
	for i, in := range file.Issuers {
		p := &Provider{Name: in.Name, Issuer: in.Issuer, Audiences: in.Audiences, Owner: in.Owner, Rate: in.Rate}
		fail := func(format string, args ...any) error {
			return fmt.Errorf("issuer %d (%s): %w", i+1, in.Issuer, fmt.Errorf(format, args...))
		}
		if err := secureURL(in.Issuer); err != nil {
			return nil, fail("%w", err)
		}
		if p.Name == "" {
			u, _ := url.Parse(in.Issuer) // it was looked at just now
			p.Name = u.Hostname()
		}
		switch {
		case strings.ContainsAny(p.Name, "/ \t\n"):
			return nil, fail("name %q: want no spaces and slashes", p.Name)
		case slices.ContainsFunc(out, func(o *Provider) bool { return o.Name == p.Name || o.Issuer == p.Issuer }):
			return nil, fail("there are two with this name or issuer: give each a name of its own")
		case len(in.Audiences) == 0 || slices.Contains(in.Audiences, ""):
			// Without it a token for any other service of the issuer would do.
			return nil, fail("want audiences: what its tokens for this server have as aud")
		case in.Rate < 0:
			return nil, fail("rate must not be negative")
		}
		if strings.Contains(in.Keys, "://") {
			if err := secureURL(in.Keys); err != nil {
				return nil, fail("keys: %w", err)
			}
		}
		for n, r := range in.Rules {
			rule := Rule{Claims: map[string][]string{}, Ceiling: r.TLP}
			for name, values := range r.Claims {
				if len(values) == 0 || slices.Contains(values, "") {
					return nil, fail("rule %d: claim %s: want a value or a list of them", n+1, name)
				}
				rule.Claims[name] = values
			}
			if len(r.Claims) == 0 || len(r.Permissions) == 0 {
				return nil, fail("rule %d: want claims and permissions", n+1)
			}
			for _, s := range r.Permissions {
				perm, err := ParsePermission(s)
				if err != nil {
					return nil, fail("rule %d: %w", n+1, err)
				}
				rule.Permissions = append(rule.Permissions, perm)
			}
			p.Rules = append(p.Rules, rule)
		}
		if len(in.Rules) == 0 {
			p.Rules = ownNames(in.TLP)
		} else if in.TLP != intel.Clear {
			return nil, fail("tlp is for an issuer without rules: each rule has its own")
		}
		client, err := fetcher(in.CA)
		if err != nil {
			return nil, fail("ca: %w", err)
		}
		p.keys = &keySet{issuer: p.Issuer, source: in.Keys, client: client, log: log, now: time.Now}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, errors.New("want a list of issuers")
	}
	return out, nil
}

// ownNames are the rules where none are given: what roles and scopes name as
// Graph and we do.
func ownNames(ceiling intel.TLP) []Rule {
	var out []Rule
	for _, p := range Permissions() {
		for _, claim := range []string{"roles", "scp", "scope"} {
			out = append(out, Rule{Claims: map[string][]string{claim: {string(p)}}, Permissions: []Permission{p}, Ceiling: ceiling})
		}
	}
	return out
}

// secureURL refuses what is no https URL; http will do on this machine.
func secureURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !LoopbackHost(u.Host)) {
		return fmt.Errorf("%q: want an https URL", clipped(s))
	}
	return nil
}

// fetcher returns the client that fetches keys. It follows no redirection: keys
// come from where the operator, or the issuer itself, says.
func fetcher(ca string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: no certificate in it", ca)
		}
	}
	return &http.Client{Transport: transport, Timeout: fetchTimeout, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		return fmt.Errorf("redirected to %s, which is not followed", r.URL.Redacted())
	}}, nil
}
