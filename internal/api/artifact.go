package api

import (
	"bytes"
	"net/url"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// A wireHostname is microsoft.graph.security.hostname, complete.
type wireHostname struct {
	wireHost
	Registrant *string `json:"registrant"`
	Registrar  *string `json:"registrar"`
}

// A wireAddress is microsoft.graph.security.ipAddress, complete.
type wireAddress struct {
	wireHost
	AutonomousSystem *struct{} `json:"autonomousSystem"`
	CountryOrRegion  *string   `json:"countryOrRegion"`
	HostingProvider  *string   `json:"hostingProvider"`
	Netblock         *string   `json:"netblock"`
}

type wireHost struct {
	ODataType string     `json:"@odata.type"`
	ID        string     `json:"id"`
	FirstSeen intel.Time `json:"firstSeenDateTime"` // null if zero
	LastSeen  intel.Time `json:"lastSeenDateTime"`
}

func getArtifact(r *request) (*answer, error) {
	v, err := r.artifactView()
	if err != nil {
		return nil, err
	}
	i, err := r.s.store.Indicator(r.Context(), r.ids[0], v)
	if err != nil {
		return nil, err
	}
	return r.artifact(i, keyed("intelligenceProfileIndicators", i.ID)+"/artifact", v)
}

func getProfileArtifact(r *request) (*answer, error) {
	v, err := r.artifactView()
	if err != nil {
		return nil, err
	}
	id, err := r.canonicalProfile(v, "/indicators/"+url.PathEscape(r.ids[1])+"/artifact")
	if err != nil {
		return nil, err
	}
	i, err := r.s.store.ProfileIndicator(r.Context(), id, r.ids[1], v)
	if err != nil {
		return nil, err
	}
	return r.artifact(i, ofProfile(id)+"('"+i.ID+"')/artifact", v)
}

// artifactView checks what can be checked of the query before the type of the
// artifact is known.
func (r *request) artifactView() (store.View, error) {
	q, err := odata.ParseQuery(r.URL.RawQuery, nil, odata.Options{Ignore: odata.AllowAll})
	if err != nil {
		return store.View{}, err
	}
	return r.view(q)
}

// artifact answers with the artifact of an indicator and every property of its
// type. path is that of the context.
func (r *request) artifact(i *store.Indicator, path string, v store.View) (*answer, error) {
	inlined := store.Artifact(i.Observable)
	q, err := r.query(typeNamed(strings.TrimPrefix(inlined.ODataType, "#")), entityOptions)
	if err != nil {
		return nil, err
	}
	var body any = inlined
	home := ""
	if isHost(inlined) {
		evidence, err := r.s.store.Evidence(r.Context(), i.ID, v)
		if err != nil {
			return nil, err
		}
		first, last := seen(evidence)
		body, home = hostBody(inlined, first, last), hostsPath+"/"+url.PathEscape(inlined.ID)
	}
	var b bytes.Buffer
	if err := encode(&b, body); err != nil {
		return nil, err
	}
	return r.one(&entity{body: b.Bytes(), home: home, digest: digestOfBody}, path, q)
}

// The types of hosts, as bodies name them.
const (
	hostnameType = "#microsoft.graph.security.hostname"
	addressType  = "#microsoft.graph.security.ipAddress"
)

func isHost(a store.WireArtifact) bool {
	return a.ODataType == hostnameType || a.ODataType == addressType
}

// hostBody returns the complete form of a host. What Dossier has no source for,
// as registration and routing, is null.
func hostBody(a store.WireArtifact, first, last intel.Time) any {
	h := wireHost{a.ODataType, a.ID, first, last}
	if a.ODataType == addressType {
		return wireAddress{wireHost: h}
	}
	return wireHostname{wireHost: h}
}

// seen returns when an observable was first and last seen as far as sources say
// so: the date of a file or of an import is no sighting. 0 is unknown.
func seen(evidence []store.Evidence) (first, last intel.Time) {
	for _, e := range evidence {
		if at := e.FirstSeen.At; at != 0 && store.IsSighting(e.FirstSeen.Basis) && (first == 0 || at < first) {
			first = at
		}
		last = max(last, e.LastSeen)
	}
	return first, last
}

// typeNamed returns the type with the qualified name.
func typeNamed(name string) *odata.Type {
	for _, t := range store.Types.Types {
		if t.Name == name {
			return t
		}
	}
	return nil
}
