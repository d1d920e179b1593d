package api

import "net/http"

// routes lists every path that is answered. HEAD goes where GET goes.
func (s *Server) routes() {
	g := &node{fold: true} // behind {base}
	get := func(path string, h handler) { g.at(path, http.MethodGet, h) }
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
	g.at(profiles, http.MethodPost, s.writes(createProfile))
	g.at(profiles+"/{}", http.MethodPatch, s.writes(changeProfile))
	g.at(profiles+"/{}", http.MethodDelete, s.writes(deleteProfile))

	get(ofOne, listProfileIndicators)
	get(ofOne+"/$count", countProfileIndicators)
	get(ofOne+"/{}", getProfileIndicator)
	get(ofOne+"/{}/artifact", getProfileArtifact)
	g.at(ofOne, http.MethodPost, s.writes(createProfileIndicator))
	g.at(ofOne+"/$ref", http.MethodPost, s.writes(linkIndicator))
	g.at(ofOne+"/{}/$ref", http.MethodDelete, s.writes(unlinkIndicator))

	for _, name := range []string{"intelligenceProfileIndicators", "intelProfileIndicators"} {
		indicators := ti + "/" + name
		get(indicators, listIndicators)
		get(indicators+"/$count", countIndicators)
		get(indicators+"/{}", getIndicator)
		get(indicators+"/{}/artifact", getArtifact)
		g.at(indicators, http.MethodPost, s.writes(createIndicator))
		g.at(indicators+"/{}", http.MethodPatch, s.writes(changeIndicator))
		g.at(indicators+"/{}", http.MethodDelete, s.writes(deleteIndicator))
		for _, name := range deltaNames {
			get(indicators+"/"+name, deltaIndicators)
		}
	}
	for _, name := range deltaNames {
		get(profiles+"/"+name, deltaProfiles)
		get(ofOne+"/"+name, deltaProfileIndicators)
	}

	const (
		articles = ti + "/articles"
		listed   = ti + "/articleIndicators"
	)
	get(articles, listArticles)
	get(articles+"/$count", countArticles)
	get(articles+"/{}", getArticle)
	get(articles+"/{}/indicators", listArticleIndicators)
	get(articles+"/{}/indicators/$count", countArticleIndicators)
	get(articles+"/{}/indicators/{}", getArticleIndicator)
	get(articles+"/{}/indicators/{}/artifact", getArticleArtifact)
	get(listed, listArticleIndicators)
	get(listed+"/$count", countArticleIndicators)
	get(listed+"/{}", getArticleIndicator)
	get(listed+"/{}/artifact", getArticleArtifact)

	g.at(subscriptionsPath, http.MethodGet, s.subscribes(listSubscriptions))
	g.at(subscriptionsPath, http.MethodPost, s.subscribes(createSubscription))
	g.at(subscriptionsPath+"/{}", http.MethodGet, s.subscribes(getSubscription))
	g.at(subscriptionsPath+"/{}", http.MethodPatch, s.subscribes(renewSubscription))
	g.at(subscriptionsPath+"/{}", http.MethodDelete, s.subscribes(deleteSubscription))
	g.at(subscriptionsPath+"/{}/reauthorize", http.MethodPost, s.subscribes(reauthorizeSubscription))
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
	own.at("api/changes", http.MethodGet, changes)
	own.at("api/changes.atom", http.MethodGet, atomFeed)
	own.at("api/changes.json", http.MethodGet, jsonFeed)
	own.at("api/names", http.MethodGet, names)
	own.at("api/profiles/{}", http.MethodGet, dossier)
	own.at("api/profiles/{}/resolution", http.MethodGet, profileResolution)
	own.at("api/profiles/{}/claims", http.MethodGet, profileClaims)
	own.at("api/export", http.MethodGet, exportFormats)
	own.at("api/export/{}", http.MethodGet, exportIndicators).long = true
	own.at("api/sources", http.MethodGet, sources)
	own.at("api/runs", http.MethodGet, runs)
	own.at("api/claims", http.MethodGet, claims)
	own.at("api/claims/{}", http.MethodGet, getClaim)
	own.at("api/claims/{}", http.MethodDelete, s.writes(withdrawClaim))
	own.at("api/decisions", http.MethodGet, decisions)
	own.at("api/decisions", http.MethodPost, s.writes(decide))
	own.at("api/decisions/{}", http.MethodGet, getDecision)
	own.at("api/decisions/{}", http.MethodDelete, s.writes(undoDecision))
	own.at("api/hunt", http.MethodPost, huntLog)
	own.at("api/sightings", http.MethodGet, sightings)
	own.at("api/sightings", http.MethodPost, s.hunts("sightings-saved", reportSightings))
	own.at("api/sightings", http.MethodDelete, s.hunts("sightings-erased", eraseSightings))
	own.at("api/sightings/{}", http.MethodGet, getSighting)
	own.at("api/sightings/{}", http.MethodDelete, s.hunts("sightings-erased", eraseSighting))
	own.at("healthz", http.MethodGet, healthz)
	own.at("readyz", http.MethodGet, readyz)
	own.at("metrics", http.MethodGet, exposition)
	s.collections = taxiiRoutes()
	inJSON, asPage := s.descriptions()
	own.at("openapi.json", http.MethodGet, inJSON)
	own.at("reference", http.MethodGet, asPage)
	s.own = own
}

// deltaNames are the forms in which clients call the function delta.
var deltaNames = []string{"delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"}

// hostCollections are the collections of a host. This release has no data for them.
var hostCollections = []string{
	"childHostPairs", "components", "cookies", "hostPairs", "parentHostPairs", "passiveDns", "passiveDnsReverse",
	"ports", "sslCertificates", "subdomains", "trackers", "whois/history",
}
