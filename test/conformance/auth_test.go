package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	kauth "github.com/microsoft/kiota-authentication-azure-go"
	msgraph "github.com/microsoftgraph/msgraph-sdk-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/security"
)

// TestClientCredentials goes the whole way of a client at Microsoft, with
// Microsoft's own libraries: azidentity asks the server for a token, over TLS
// with the server as its authority, and the Graph SDK sends it along.
func TestClientCredentials(t *testing.T) {
	if binary == "" {
		t.Skip("a running server is tested: its clients are not ours to make")
	}
	db := filepath.Join(t.TempDir(), "dossier.db")
	out, err := exec.Command(binary, "client", "add", "conformance", "--db", db, "--json").Output()
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
	base, stop, err := start(binary, db, "--tls-self-signed", "--auth", "required")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if log := stop(); t.Failed() {
			t.Log(log)
		}
	}()
	ca, err := os.ReadFile(db + ".ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in the authority's file")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}

	list := func(secret string) error {
		cred, err := azidentity.NewClientSecretCredential("contoso.onmicrosoft.com", added.Client.ID, secret, &azidentity.ClientSecretCredentialOptions{
			ClientOptions:            azcore.ClientOptions{Transport: client, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: base}},
			DisableInstanceDiscovery: true,
		})
		if err != nil {
			return err
		}
		u, err := url.Parse(base)
		if err != nil {
			return err
		}
		provider, err := kauth.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(cred, []string{"https://graph.microsoft.com/.default"}, []string{u.Hostname()})
		if err != nil {
			return err
		}
		adapter, err := msgraph.NewGraphRequestAdapterWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(provider, nil, nil, client)
		if err != nil {
			return err
		}
		adapter.SetBaseUrl(base + "/v1.0")
		top := int32(5)
		page, err := msgraph.NewGraphServiceClient(adapter).Security().ThreatIntelligence().IntelProfiles().Get(context.Background(),
			&security.ThreatIntelligenceIntelProfilesRequestBuilderGetRequestConfiguration{
				QueryParameters: &security.ThreatIntelligenceIntelProfilesRequestBuilderGetQueryParameters{Top: &top},
			})
		if err != nil {
			return err
		}
		if len(page.GetValue()) != 5 {
			t.Errorf("%d profiles", len(page.GetValue()))
		}
		return nil
	}
	if err := list(added.Secret); err != nil {
		t.Errorf("with the right secret: %v", explain(err))
	}
	var refused *azidentity.AuthenticationFailedError
	if err := list(added.Secret + "x"); !errors.As(err, &refused) {
		t.Errorf("with a wrong secret: %v, want azidentity's own error", err)
	}
	if out, err := exec.Command(binary, "client", "revoke", "conformance", "--db", db).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// azidentity asks for a new token, and is refused.
	err = list(added.Secret)
	var graph *odataerrors.ODataError
	if !errors.As(err, &refused) && !errors.As(err, &graph) {
		t.Errorf("after revoking: %v", err)
	}
}
