package feed

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
)

// A Kind is a way to read a source.
type Kind string

// The kinds of sources.
const (
	File  Kind = "file"  // one or several addresses of files or archives, in any format
	MISP  Kind = "misp"  // a MISP feed: manifest.json and an event a file
	TAXII Kind = "taxii" // a TAXII 2.1 server, API root or collection
	Graph Kind = "graph" // Microsoft Graph, or another Dossier
)

var kinds = []Kind{File, MISP, TAXII, Graph}

// A Feed is a configured source, as people write it. Fields that are not set come
// from the known source of the same name, if there is one.
type Feed struct {
	Name     string   `yaml:"name" json:"name"`
	Disabled bool     `yaml:"disabled,omitempty" json:"disabled,omitempty"`
	Kind     Kind     `yaml:"kind,omitempty" json:"kind,omitempty"`
	URL      string   `yaml:"url,omitempty" json:"url,omitempty"`
	URLs     []string `yaml:"urls,omitempty" json:"urls,omitempty"`
	Only     []string `yaml:"only,omitempty" json:"only,omitempty"` // patterns of paths in an archive
	Every    string   `yaml:"every,omitempty" json:"every,omitempty"`

	// What is read.
	Source  string   `yaml:"source,omitempty" json:"source,omitempty"` // publisher, if the content does not tell
	Format  string   `yaml:"as,omitempty" json:"as,omitempty"`
	Profile string   `yaml:"profile,omitempty" json:"profile,omitempty"`
	TLP     string   `yaml:"tlp,omitempty" json:"tlp,omitempty"` // least marking of everything in it
	Types   []string `yaml:"types,omitempty" json:"types,omitempty"`

	// How it is reached. Secret is env:NAME or file:PATH, never the secret itself.
	Secret       string  `yaml:"secret,omitempty" json:"secret,omitempty"`
	Header       string  `yaml:"header,omitempty" json:"header,omitempty"` // that carries the secret; Authorization if it is not set
	User         string  `yaml:"user,omitempty" json:"user,omitempty"`     // for HTTP Basic, with the secret as password
	Client       string  `yaml:"client,omitempty" json:"client,omitempty"` // id of the client, for kind graph; the secret is its own
	Tenant       string  `yaml:"tenant,omitempty" json:"tenant,omitempty"`
	Login        string  `yaml:"login,omitempty" json:"login,omitempty"` // where tokens come from, if the tenant does not tell
	Proxy        string  `yaml:"proxy,omitempty" json:"proxy,omitempty"`
	CA           string  `yaml:"ca,omitempty" json:"ca,omitempty"` // file of certificates, PEM
	AllowPrivate bool    `yaml:"allow-private,omitempty" json:"allow-private,omitempty"`
	MaxMiB       int     `yaml:"max-mib,omitempty" json:"max-mib,omitempty"`
	Rate         float64 `yaml:"rate,omitempty" json:"rate,omitempty"` // requests a second

	// What it is, for people.
	Title   string `yaml:"title,omitempty" json:"title,omitempty"`
	Licence string `yaml:"licence,omitempty" json:"licence,omitempty"`
	Credit  string `yaml:"credit,omitempty" json:"credit,omitempty"`
	Home    string `yaml:"home,omitempty" json:"home,omitempty"` // where people read about it
}

// usualEvery is the schedule of a feed that states none, and leastEvery the
// shortest one.
const (
	usualEvery = "1d"
	leastEvery = time.Minute
)

// Resolved returns the feed with what the known source of its name says where it
// says nothing itself, and defaults elsewhere. The errors name every field that
// is wrong.
func (f Feed) Resolved() (Feed, error) {
	if k, ok := Known(f.Name); ok {
		own := f.Kind == "" && f.URL == "" && len(f.URLs) == 0 // a feed of one's own may have a known name
		if own {
			f.Kind, f.URL, f.URLs, f.Only = k.Kind, k.URL, k.URLs, orElse(f.Only, k.Only)
		}
		f.Source, f.Format, f.Header = cmp.Or(f.Source, k.Source), cmp.Or(f.Format, k.Format), cmp.Or(f.Header, k.Header)
		f.Secret, f.Every = cmp.Or(f.Secret, k.Secret), cmp.Or(f.Every, k.Every)
		f.Title, f.Licence, f.Credit, f.Home = cmp.Or(f.Title, k.Title), cmp.Or(f.Licence, k.Licence), cmp.Or(f.Credit, k.Credit), cmp.Or(f.Home, k.Home)
	}
	f.Kind, f.Every, f.Title = cmp.Or(f.Kind, File), cmp.Or(f.Every, usualEvery), cmp.Or(f.Title, f.Name)
	if f.URL != "" {
		f.URLs, f.URL = append([]string{f.URL}, f.URLs...), ""
	}
	return f, f.check()
}

func orElse(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

func (f Feed) check() error {
	var wrong []error
	bad := func(field, format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("feed %q: %s: %s", f.Name, field, fmt.Sprintf(format, args...)))
	}
	if !nameForm.MatchString(f.Name) {
		bad("name", "want small letters, digits, '.', '_' and '-', at most 63")
	}
	switch {
	case !contains(kinds, f.Kind):
		bad("kind", "%q is none of %v", f.Kind, kinds)
	case len(f.URLs) == 0:
		bad("url", "is missing, and there is no known source of this name")
	case f.Kind != File && len(f.URLs) > 1:
		bad("url", "a feed of kind %s has one", f.Kind)
	}
	for _, u := range f.URLs {
		if p, err := url.Parse(u); err != nil || p.Scheme != "http" && p.Scheme != "https" || p.Host == "" {
			bad("url", "want http:// or https:// and a host")
		} else if p.User != nil {
			bad("url", "holds credentials; give user and secret instead")
		}
	}
	if _, err := ParseEvery(f.Every); err != nil {
		bad("every", "%v", err)
	}
	if f.Format != "" && !contains(ingest.Formats(), f.Format) {
		bad("as", "%q is none of %s", f.Format, strings.Join(ingest.Formats(), ", "))
	}
	if _, err := f.tlp(); err != nil {
		bad("tlp", "%v", err)
	}
	for _, p := range f.Only {
		if _, err := path.Match(p, ""); err != nil {
			bad("only", "pattern %q: %v", p, err)
		}
	}
	if len(f.Types) > 0 && f.Kind != TAXII {
		bad("types", "only feeds of kind taxii have them")
	}
	switch {
	case f.Secret != "" && !strings.HasPrefix(f.Secret, "env:") && !strings.HasPrefix(f.Secret, "file:"):
		bad("secret", "want env:NAME or file:PATH; the secret itself is not kept")
	case f.Kind == Graph && (f.Client == "") != (f.Secret == ""):
		bad("client, secret", "belong together")
	case f.Client != "" && f.Kind != Graph:
		bad("client", "only feeds of kind graph have one; elsewhere it is user")
	case f.Secret == "" && (f.User != "" || f.Header != ""):
		bad("secret", "is missing; user and header need one")
	}
	if f.Kind == Graph && f.Client != "" && f.Login == "" && f.Tenant == "" && contains(f.URLs, microsoftGraph) {
		bad("tenant", "is missing")
	}
	if f.Login != "" {
		if p, err := url.Parse(f.Login); err != nil || p.Scheme != "https" && p.Scheme != "http" || p.Host == "" {
			bad("login", "want an address, as https://login.example/tenant/oauth2/v2.0/token")
		}
	}
	if f.Proxy != "" {
		if p, err := url.Parse(f.Proxy); err != nil || p.Host == "" {
			bad("proxy", "want an address, as http://proxy.example:3128")
		}
	}
	if f.MaxMiB < 0 || f.Rate < 0 {
		bad("max-mib, rate", "want numbers above 0")
	}
	return errors.Join(wrong...)
}

func contains[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

func (f Feed) tlp() (intel.TLP, error) {
	if f.TLP == "" {
		return intel.Clear, nil
	}
	return intel.ParseTLP(f.TLP)
}

func (f Feed) every() time.Duration {
	d, _ := ParseEvery(f.Every) // checked
	return d
}

// ParseEvery reads a schedule: 15m, 6h, 1d, 2w.
func ParseEvery(s string) (time.Duration, error) {
	for suffix, unit := range map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		number, ok := strings.CutSuffix(s, suffix)
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(number); err == nil && n > 0 && n <= 10_000 && time.Duration(n)*unit >= leastEvery {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("%q: want a time as 15m, 6h, 1d or 2w", s)
}

// meaning is what decides which claims a feed's data becomes. If it changes, what
// was fetched is fetched and read again.
func (f Feed) meaning() string {
	data, _ := json.Marshal([]any{f.Kind, f.Only, f.Source, f.Format, f.Profile, f.TLP, f.Types})
	return string(data)
}
