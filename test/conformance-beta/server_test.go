package beta

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	kauth "github.com/microsoft/kiota-authentication-azure-go"
	khttp "github.com/microsoft/kiota-http-go"
	msgraph "github.com/microsoftgraph/msgraph-beta-sdk-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
)

// The indicators of the test's own, and whose they are.
const (
	actor    = "Lazarus Group"
	imported = 250
)

// serve builds Dossier, imports the indicators and serves all of it, over TLS and
// to nobody without a token. It returns the SDK's client, with a token that may write.
func serve(t *testing.T) (client *msgraph.GraphServiceClient, adapter *msgraph.GraphRequestAdapter, base string) {
	t.Helper()
	dir := t.TempDir()
	bin, db := filepath.Join(dir, "dossier"), filepath.Join(dir, "dossier.db")
	run := func(command *exec.Cmd) []byte {
		t.Helper()
		out, err := command.Output()
		if err != nil {
			var said string
			if e, ok := err.(*exec.ExitError); ok {
				said = string(e.Stderr)
			}
			t.Fatalf("%v: %v\n%s", command.Args, err, said)
		}
		return out
	}
	build := exec.Command("go", "build", "-o", bin, "./cmd/dossier")
	build.Dir = "../.."
	run(build)
	var list strings.Builder
	for i := range imported {
		fmt.Fprintf(&list, "c%d.conformance-check.com\n", i)
	}
	names := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(names, []byte(list.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	run(exec.Command(bin, "import", "--db", db, "--source", "conformance", "--profile", actor, names))
	var added struct {
		Client struct{ ID string }
		Secret string
	}
	if err := json.Unmarshal(run(exec.Command(bin, "client", "add", "beta", "--db", db, "--json", "--scope", "ThreatIntelligence.ReadWrite.All")), &added); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, bin, "serve", "--listen", "127.0.0.1:0", "--db", db, "--tls-self-signed", "--auth", "required")
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	server.WaitDelay = 10 * time.Second
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	listening, ended := make(chan string, 1), make(chan struct{})
	var log strings.Builder
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if at, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				listening <- at
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = server.Wait() // it was interrupted
		if t.Failed() {
			t.Log(log.String())
		}
	})
	select {
	case base = <-listening:
	case <-ended:
		t.Fatal("dossier serve ended")
	case <-time.After(2 * time.Minute):
		t.Fatal("dossier serve does not say where it listens")
	}

	ca, err := os.ReadFile(db + ".ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in the authority's file")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	cred, err := azidentity.NewClientSecretCredential("contoso.onmicrosoft.com", added.Client.ID, added.Secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            azcore.ClientOptions{Transport: &http.Client{Transport: transport}, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: base}},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := kauth.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(cred, []string{"https://graph.microsoft.com/.default"}, []string{u.Hostname()})
	if err != nil {
		t.Fatal(err)
	}
	options := msgraph.GetDefaultClientOptions()
	web := core.GetDefaultClient(&options)
	web.Transport = khttp.NewCustomTransportWithParentTransport(transport, core.GetDefaultMiddlewaresWithOptions(&options)...)
	adapter, err = msgraph.NewGraphRequestAdapterWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(provider, nil, nil, web)
	if err != nil {
		t.Fatal(err)
	}
	base += "/beta"
	adapter.SetBaseUrl(base)
	return msgraph.NewGraphServiceClient(adapter), adapter, base
}
