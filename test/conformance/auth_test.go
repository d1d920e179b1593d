package conformance

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
)

// TestClientCredentials goes the whole way of a client at Microsoft, with
// Microsoft's own libraries: azidentity asks the server for a token, over TLS
// with the server as its authority, and the Graph SDK sends it along.
func TestClientCredentials(t *testing.T) {
	g := guardedServer(t)
	who := g.add(t, "conformance", mayRead)
	list := func(c caller) error {
		s, err := g.connect(c, "v1.0")
		if err != nil {
			return err
		}
		page, err := s.Security().ThreatIntelligence().IntelProfiles().Get(t.Context(), &profileConfig{QueryParameters: &profileQuery{Top: ptr(int32(5))}})
		if err != nil {
			return err
		}
		if len(page.GetValue()) != 5 {
			t.Errorf("%d profiles", len(page.GetValue()))
		}
		return nil
	}
	if err := list(who); err != nil {
		t.Errorf("with the right secret: %v", explain(err))
	}
	var refused *azidentity.AuthenticationFailedError
	if err := list(caller{who.id, who.secret + "x"}); !errors.As(err, &refused) {
		t.Errorf("with a wrong secret: %v, want azidentity's own error", err)
	}
	if out, err := exec.Command(binary, "client", "revoke", "conformance", "--db", g.db).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// azidentity asks for a new token, and is refused.
	err := list(who)
	var graph *odataerrors.ODataError
	if !errors.As(err, &refused) && !errors.As(err, &graph) {
		t.Errorf("after revoking: %v", err)
	}
}
