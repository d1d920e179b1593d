package api

import "net/http"

// routes lists every path that is answered. HEAD goes where GET goes.
func (s *Server) routes() {
	g := &node{fold: true} // behind {base}
	get := func(path string, h handler) { g.at(path, http.MethodGet, h) }
	// Writes are in the model; this release does not serve them.
	unserved := func(path string, methods ...string) {
		for _, m := range methods {
			g.at(path, m, unservedWrite)
		}
	}
	const (
		ti       = contextPrefix
		profiles = ti + "/intelProfiles"
		ofOne    = profiles + "/{}/indicators"
	)

	get("", serviceDocument)
	get("$metadata", metadataDocument)
	g.at("$batch", http.MethodPost, batch)
	get("security", notServed)
	get(ti, root)

	get(profiles, listProfiles)
	get(profiles+"/$count", countProfiles)
	get(profiles+"/{}", getProfile)
	unserved(profiles, http.MethodPost)
	unserved(profiles+"/{}", http.MethodPatch, http.MethodDelete)

	get(ofOne, listProfileIndicators)
	get(ofOne+"/$count", countProfileIndicators)
	get(ofOne+"/{}", getProfileIndicator)
	get(ofOne+"/{}/artifact", getProfileArtifact)
	unserved(ofOne, http.MethodPost)
	unserved(ofOne+"/$ref", http.MethodPost)
	unserved(ofOne+"/{}/$ref", http.MethodDelete)

	for _, name := range []string{"intelligenceProfileIndicators", "intelProfileIndicators"} {
		indicators := ti + "/" + name
		get(indicators, listIndicators)
		get(indicators+"/$count", countIndicators)
		get(indicators+"/{}", getIndicator)
		get(indicators+"/{}/artifact", getArtifact)
		unserved(indicators, http.MethodPost)
		unserved(indicators+"/{}", http.MethodPatch, http.MethodDelete)
		for _, delta := range deltaNames {
			get(indicators+"/"+delta, notServed)
		}
	}
	for _, delta := range deltaNames {
		get(profiles+"/"+delta, notServed)
		get(ofOne+"/"+delta, notServed)
	}

	get("subscriptions", notServed)
	unserved("subscriptions", http.MethodPost)
	get("subscriptions/{}", notServed)
	unserved("subscriptions/{}", http.MethodPatch, http.MethodDelete)
	unserved("subscriptions/{}/reauthorize", http.MethodPost)
	const host = ti + "/hosts/{}"
	get(ti+"/hosts", notServed)
	get(ti+"/hosts/$count", notServed)
	get(host, getHost)
	get(host+"/reputation", getReputation)
	get(host+"/whois", getWhois)
	for _, name := range hostCollections {
		get(host+"/"+name, emptyList(name))
		get(host+"/"+name+"/$count", emptyCount)
		get(host+"/"+name+"/{}", nothingThere)
	}
	for _, n := range neighbours {
		n.register(get, ti)
	}
	s.graph = g

	own := &node{}
	own.at("api/lookup", http.MethodGet, lookup)
	own.at("api/search", http.MethodGet, search)
	own.at("api/names", http.MethodGet, names)
	own.at("api/profiles/{}", http.MethodGet, dossier)
	own.at("api/sources", http.MethodGet, sources)
	own.at("api/runs", http.MethodGet, runs)
	own.at("healthz", http.MethodGet, healthz)
	own.at("readyz", http.MethodGet, readyz)
	s.own = own
}

// deltaNames are the forms in which clients call the function delta.
var deltaNames = []string{"delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"}

// hostCollections are the collections of a host. This release has no data for them.
var hostCollections = []string{
	"childHostPairs", "components", "cookies", "hostPairs", "parentHostPairs", "passiveDns", "passiveDnsReverse",
	"ports", "sslCertificates", "subdomains", "trackers", "whois/history",
}
