package conformance

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	kauth "github.com/microsoft/kiota-authentication-azure-go"
	khttp "github.com/microsoft/kiota-http-go"
	msgraph "github.com/microsoftgraph/msgraph-sdk-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
)

// A guarded server speaks TLS, is its own authority, and answers nobody without a
// token.
type guarded struct {
	base, db string
	roots    *x509.CertPool
}

// The guarded server that all tests share. run makes the database and stops the
// server.
var (
	guardedDB   string
	stopGuarded = func() string { return "" }
	theGuarded  = sync.OnceValues(func() (*guarded, error) {
		hooks, err := receiversCA(filepath.Dir(guardedDB))
		if err != nil {
			return nil, err
		}
		base, stop, err := start(binary, guardedDB, "--tls-self-signed", "--auth", "required", "--webhooks-private", "--webhooks-ca", hooks)
		if err != nil {
			return nil, err
		}
		stopGuarded = stop
		ca, err := os.ReadFile(guardedDB + ".ca.pem")
		if err != nil {
			return nil, err
		}
		g := &guarded{base, guardedDB, x509.NewCertPool()}
		if !g.roots.AppendCertsFromPEM(ca) {
			return nil, errors.New("no certificate in the authority's file")
		}
		return g, nil
	})
)

func guardedServer(t *testing.T) *guarded {
	t.Helper()
	if binary == "" {
		t.Skip("a running server is tested: its clients are not ours to make")
	}
	g, err := theGuarded()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A caller is an API client of the server.
type caller struct{ id, secret string }

func (g *guarded) add(t *testing.T, name, scope string) caller {
	t.Helper()
	out, err := exec.Command(binary, "client", "add", name, "--db", g.db, "--json", "--scope", scope).Output()
	if err != nil {
		t.Fatal(err)
	}
	var added struct {
		Client struct{ ID string }
		Secret string
	}
	if err := json.Unmarshal(out, &added); err != nil {
		t.Fatal(err)
	}
	return caller{added.Client.ID, added.Secret}
}

const (
	mayRead  = "ThreatIntelligence.Read.All"
	mayWrite = "ThreatIntelligence.ReadWrite.All"
)

// A session is the SDK of a caller: its requests get their tokens from azidentity
// and go through the SDK's own middleware. The wire has them as they were sent.
type session struct {
	*msgraph.GraphServiceClient
	adapter *msgraph.GraphRequestAdapter
	base    string // with the version
	wire    *wire
}

func (g *guarded) connect(c caller, version string) (*session, error) {
	wire := &wire{next: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: g.roots}}}
	cred, err := azidentity.NewClientSecretCredential("contoso.onmicrosoft.com", c.id, c.secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            azcore.ClientOptions{Transport: &http.Client{Transport: wire}, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: g.base}},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(g.base)
	if err != nil {
		return nil, err
	}
	provider, err := kauth.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(cred, []string{"https://graph.microsoft.com/.default"}, []string{u.Hostname()})
	if err != nil {
		return nil, err
	}
	options := msgraph.GetDefaultClientOptions()
	client := core.GetDefaultClient(&options)
	client.Transport = khttp.NewCustomTransportWithParentTransport(wire, core.GetDefaultMiddlewaresWithOptions(&options)...)
	adapter, err := msgraph.NewGraphRequestAdapterWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(provider, nil, nil, client)
	if err != nil {
		return nil, err
	}
	base := g.base + "/" + version
	adapter.SetBaseUrl(base)
	return &session{msgraph.NewGraphServiceClient(adapter), adapter, base, wire}, nil
}

// open returns a session of a new caller.
func open(t *testing.T, name, scope, version string) *session {
	t.Helper()
	g := guardedServer(t)
	s, err := g.connect(g.add(t, name, scope), version)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A wire records what is sent, bodies inflated, and what comes back.
type wire struct {
	next http.RoundTripper
	mu   sync.Mutex
	last exchange
}

type exchange struct {
	method, uri  string
	header       http.Header
	body         string
	status       int
	answerHeader http.Header
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchange{method: r.Method, uri: r.URL.RequestURI(), header: r.Header.Clone()}
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(raw))
			if err != nil {
				return nil, err
			}
			if raw, err = io.ReadAll(z); err != nil {
				return nil, err
			}
		}
		x.body = string(raw)
	}
	response, err := w.next.RoundTrip(r)
	if err == nil {
		x.status, x.answerHeader = response.StatusCode, response.Header
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = x
	return response, err
}

// lastSent is the last request of the session.
func (s *session) lastSent() exchange {
	s.wire.mu.Lock()
	defer s.wire.mu.Unlock()
	return s.wire.last
}

// copyFile copies the database while nobody has it open.
func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}
