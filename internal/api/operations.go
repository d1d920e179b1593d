package api

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"dossier/internal/auth"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/publish"
	"dossier/internal/store"
)

// An operation is what has to be said of a route, beyond what the code tells by
// itself.
type operation struct {
	tag, summary, about string

	// The query options: those that the handler parses, with the type it gives them.
	typ     *odata.Type
	options odata.Options
	format  bool // takes $format although it has no options
	view    bool // takes view

	params      []*parameter
	conditional bool // answers If-None-Match
	body        *content
	answers     []reply
	refusals    []int // further statuses of errors
	examples    []example
}

// content is a body. One of typ, of and schema says what it is.
type content struct {
	media   string // "" is application/json
	about   string
	typ     *odata.Type
	many    bool         // a page of typ
	of      reflect.Type // a Go struct
	schema  *schema
	example any
}

// A reply is an answer of success.
type reply struct {
	status  int
	about   string
	headers []string
	body    *content
}

// An example is a request that is answered with success over the embedded
// catalogue. Query has the parameters, decoded: $top=5.
type example struct {
	label string
	query []string
	body  string
}

// The tags, in the order of the reference.
const (
	tagProfiles   = "Profiles"
	tagIndicators = "Indicators"
	tagHosts      = "Hosts"
	tagArticles   = "Articles"
	tagFollow     = "Subscriptions"
	tagOwn        = "Dossier"
	tagServer     = "Service"
	tagTokens     = "Tokens"
	tagAliases    = "Aliases"
	tagEmpty      = "Always empty"
	tagNotServed  = "Not served"
)

var tags = []documentTag{
	{tagProfiles, "Threat actors and tools."},
	{tagIndicators, "What profiles are known by: names, addresses, URLs, hashes."},
	{tagHosts, "Every valid name and address is a host; what is not known of it is null or empty."},
	{tagArticles, "What sources published, with the indicators that it lists: STIX reports and MISP events."},
	{tagFollow, "Notifications of what changed, to an address of the client's own. A client sees and has only its own subscriptions."},
	{tagOwn, "Resources of Dossier's own, in plain JSON: what Graph has no form for."},
	{tagServer, "The service itself: metadata, batches, health, this description."},
	{tagTokens, "Tokens for clients of this server, by the OAuth 2.0 grant client_credentials. Any tenant will do. Paths and errors are those of Microsoft Entra ID."},
	{tagAliases, "Other paths to the same, which some clients use."},
	{tagEmpty, "Collections of hosts of which there is no data in this release: a client finds them empty, not missing. They take `$top`, `$skip` and `$count`, and pass over what would choose among rows."},
	{tagNotServed, "What is in Microsoft Graph's model and not in this release. It is answered with 501 `NotImplemented`."},
}

var introduction = strings.Join([]string{
	"Microsoft Graph's threat intelligence API, `/security/threatIntelligence`, served from this installation's own database, and a few resources beside it. " +
		"Clients of Graph work unchanged with this server as their base URL.",
	"Paths of Graph stand under a version, `v1.0` or `beta`; both answer alike. Their names match in any case, ids exactly. A key may also stand in parentheses: `intelProfiles('id')`. " +
		"HEAD is answered as GET, without a body. A method that a path does not have is 405 with the header Allow; a segment that is not in the model is 400; what is in the model and not served is 501.",
	"Reading needs the permission `" + string(auth.ReadAll) + "`, writing `" + string(auth.ReadWrite) + "`. On the server's own machine reading needs no token unless the operator demands one. " +
		"A client sees nothing above its TLP ceiling, neither in lists nor in counts. What is written is a claim that stands over what the sources say; `/api/claims` shows it and takes it back.",
	fmt.Sprintf("Query options may be written without `$` and in any case. A query has at most %d bytes. Pages have %d rows unless `$top` says otherwise, and at most %d; `@odata.nextLink` leads to the next one and is to be requested as it is.",
		odata.MaxQueryLength, odata.DefaultPage, odata.MaxPage),
	"The header Accept, or `$format`, chooses how many annotations a body has: `application/json;odata.metadata=minimal` (as without it), `none`, or `full`, which adds `@odata.id` and `@odata.etag`. " +
		"Bodies are compressed if Accept-Encoding allows gzip.",
	"Every error has the same body. Branch on its code; the message is for people.",
}, "\n\n")

// one and page are the answers that hold one entity and a list.
func one(typ *odata.Type, path string, example any) []reply {
	return []reply{
		{status: http.StatusOK, about: "The entity.", headers: []string{"ETag", "Content-Location"}, body: &content{typ: typ, example: inContext(path, true, example)}},
		{status: http.StatusNotModified, about: "With If-None-Match: the client has this version.", headers: []string{"ETag"}},
	}
}

func page(typ *odata.Type, path string, example any) []reply {
	return []reply{{status: http.StatusOK, about: "A page.", body: &content{typ: typ, many: true, example: inContext(path, false, example)}}}
}

func count(n int) []reply {
	return []reply{{status: http.StatusOK, about: "The number, in decimal.", body: &content{media: "text/plain", schema: &schema{Type: "integer"}, example: n}}}
}

// ownBody is the answer that holds a Go struct.
func ownBody[T any](about string, example any) []reply {
	return []reply{{status: http.StatusOK, about: about, body: &content{of: reflect.TypeFor[T](), example: example}}}
}

// emptyPage is the form of lists that never have rows.
var emptyPage = &schema{Type: "object", Required: []string{"value"}, Properties: object[*schema]{
	{"@odata.context", contextSchema},
	{"@odata.count", countSchema},
	{"value", &schema{Type: "array", MaxItems: new(0), Items: &schema{Type: "object"}, Description: "Always empty in this release."}},
}}

func asked(label string, query ...string) example { return example{label: label, query: query} }

// operations describes the routes, by method and path; "~" stands for
// security/threatIntelligence.
func operations() map[string]operation {
	profile, indicator := store.Types.Profile, store.Types.Indicator
	ops := map[string]operation{
		"GET ~/intelProfiles": {
			tag: tagProfiles, summary: "List profiles", typ: profile, options: profileOptions, view: true,
			about:   "Actors and tools, by id unless $orderby says otherwise.",
			answers: page(profile, profilesPath, exampleProfile),
			examples: []example{
				asked("Actors by name", "$filter=kind eq 'actor'", "$orderby=title", "$top=5", "$count=true"),
				asked("Active since 2020", "$filter=firstActiveDateTime ge 2020-01-01T00:00:00Z and kind eq 'tool'", "$select=id,title,firstActiveDateTime", "$top=5"),
				asked("By any of its names", `$search="Fancy Bear"`, "$top=5"),
				asked("With their latest indicators", "$expand=indicators($orderby=firstSeenDateTime desc;$top=3)", "$top=2"),
			},
		},
		"GET ~/intelProfiles/$count": {
			tag: tagProfiles, summary: "Count profiles", typ: profile, options: countOptions, view: true, answers: count(2031),
			examples: []example{asked("How many tools there are", "$filter=kind eq 'tool'")},
		},
		"GET ~/intelProfiles/{}": {
			tag: tagProfiles, summary: "Get a profile", typ: profile, options: entityOptions, view: true, conditional: true,
			answers:  one(profile, profilesPath, exampleProfile),
			examples: []example{asked("Some of its properties", "$select=title,aliases,summary")},
		},
		"POST ~/intelProfiles": {
			tag: tagProfiles, summary: "Create a profile", refusals: []int{http.StatusConflict}, typ: profile, options: entityOptions,
			about:  "An id may be given, 64 lower-case hex digits; else one is made. That of a deleted profile brings it back.",
			params: []*parameter{sharedParameter("write")},
			body:   &content{schema: writeSchema(profile, true), about: writeWords},
			answers: []reply{
				{status: http.StatusCreated, about: "The profile.", headers: []string{"Location", "ETag", "Preference-Applied"}, body: &content{typ: profile}},
				{status: http.StatusNoContent, about: "With Prefer: return=minimal.", headers: []string{"Location", "ETag", "Preference-Applied"}},
			},
			examples: []example{{label: "An actor of our own", body: `{"kind":"actor","title":"Grey Heron","firstActiveDateTime":"2025-03-01T00:00:00Z",` +
				`"summary":{"content":"Seen by our team only."},"description":{"content":"## Snapshot\r\nLoads through signed drivers.","format":"markdown"}}`}},
		},
		"PATCH ~/intelProfiles/{}":  patch(tagProfiles, "Change a profile", profile, example{label: "Another title", body: `{"title":"APT 28"}`}),
		"DELETE ~/intelProfiles/{}": deletion(tagProfiles, "Delete a profile", "It loses its links; its indicators stay.", asked("APT28")),

		"GET ~/intelProfiles/{}/indicators": {
			tag: tagIndicators, summary: "List a profile's indicators", typ: indicator, options: noSearchOptions, view: true,
			answers: page(indicator, ofProfile(exampleProfileID), exampleIndicator),
			examples: []example{
				asked("The latest", "$orderby=firstSeenDateTime desc", "$top=5"),
				asked("Since a day", "$filter=firstSeenDateTime ge 2024-01-01T00:00:00Z", "$count=true", "$top=5"),
			},
		},
		"GET ~/intelProfiles/{}/indicators/$count": {
			tag: tagIndicators, summary: "Count a profile's indicators", typ: indicator, options: noSearchCount, view: true, answers: count(663),
			examples: []example{asked("All of them, withdrawn and expired ones too", "view=all")},
		},
		"GET ~/intelProfiles/{}/indicators/{}": {
			tag: tagIndicators, summary: "Get an indicator of a profile", typ: indicator, options: entityOptions, view: true, conditional: true,
			answers: one(indicator, ofProfile(exampleProfileID), exampleIndicator),
		},
		"GET ~/intelProfiles/{}/indicators/{}/artifact": artifactOperation(ofProfile(exampleProfileID) + "('" + exampleIndicatorID + "')/artifact"),
		"POST ~/intelProfiles/{}/indicators":            newIndicator("Create an indicator of a profile", "A value that is known already gets further evidence, and is linked.", writtenIndicator),
		"POST ~/intelProfiles/{}/indicators/$ref": {
			tag: tagIndicators, summary: "Link an indicator to a profile", params: []*parameter{sharedParameter("marking")},
			body:     &content{schema: &schema{Type: "object", Required: []string{"@odata.id"}, Properties: object[*schema]{{"@odata.id", text("The URL of the indicator.")}}}},
			answers:  []reply{{status: http.StatusNoContent, about: "It is linked.", headers: []string{"Preference-Applied"}}},
			examples: []example{{label: "By its URL", body: `{"@odata.id":"` + anyBase + "/v1.0/" + contextPrefix + indicatorsPath + "/" + exampleIndicatorID + `"}`}},
		},
		"DELETE ~/intelProfiles/{}/indicators/{}/$ref": {
			tag: tagIndicators, summary: "Unlink an indicator from a profile", params: []*parameter{sharedParameter("marking")},
			answers:  []reply{{status: http.StatusNoContent, about: "It is no longer linked.", headers: []string{"Preference-Applied"}}},
			examples: []example{asked("One of APT28")},
		},

		"GET ~/hosts/{}": {
			tag: tagHosts, summary: "Get a host", typ: typeNamed("microsoft.graph.security.host"), options: entityOptions, conditional: true,
			about:    "A hostname or an ipAddress, whichever the id is. Names are made lower case, addresses canonical.",
			answers:  one(typeNamed("microsoft.graph.security.host"), hostsPath, hostBody(exampleArtifact, 0, 0)),
			examples: []example{asked("A host of the catalogue")},
		},
		"GET ~/hosts/{}/reputation": {
			tag: tagHosts, summary: "Get the reputation of a host", typ: store.Types.Reputation, options: entityOptions, conditional: true,
			about:    "What publishers say of the host amounts to a score, and each of them is a rule.",
			answers:  one(store.Types.Reputation, keyed("hosts", exampleHost)+"/reputation", exampleReputation),
			examples: []example{asked("In two words", "$select=classification,score")},
		},
		"GET ~/hosts/{}/whois": {
			tag: tagHosts, summary: "Get the registration of a host", options: emptyOptions, conditional: true,
			about: "A whoisRecord in which everything but the id and the host is null: there is no registration data.",
			answers: []reply{{status: http.StatusOK, about: "The record.", headers: []string{"ETag", "Content-Location"}, body: &content{schema: &schema{
				Type: "object", Properties: object[*schema]{
					{"@odata.context", contextSchema},
					{"@odata.type", &schema{Type: "string", Const: "#microsoft.graph.security.whoisRecord"}},
					{"id", text("Made of the host.")},
					{"nameservers", &schema{Type: "array", MaxItems: new(0)}},
					{"host", &schema{Type: "object", Properties: object[*schema]{{"id", text("The host.")}}}},
				}, Additional: &schema{Type: "null"},
			}}}, {status: http.StatusNotModified, about: "With If-None-Match: the client has this version.", headers: []string{"ETag"}}},
		},

		"GET subscriptions": {
			tag: tagFollow, summary: "List subscriptions", options: subscriptionOptions, typ: subscriptionType, about: "Those of the client that are in force, oldest first.",
			answers: []reply{{status: http.StatusOK, about: "All of them.", body: &content{typ: subscriptionType, many: true}}},
		},
		"POST subscriptions": {
			tag: tagFollow, summary: "Subscribe", options: subscriptionOptions, typ: subscriptionType, about: subscriptionWords,
			body:     &content{schema: subscriptionSchema(true), example: exampleSubscription},
			refusals: []int{http.StatusNotFound},
			answers:  []reply{{status: http.StatusCreated, about: "The subscription.", headers: []string{"Location"}, body: &content{typ: subscriptionType}}},
		},
		"GET subscriptions/{}": {
			tag: tagFollow, summary: "Get a subscription", options: subscriptionOptions, typ: subscriptionType,
			answers: []reply{{status: http.StatusOK, about: "The subscription.", body: &content{typ: subscriptionType}}},
		},
		"PATCH subscriptions/{}": {
			tag: tagFollow, summary: "Renew a subscription", options: subscriptionOptions, typ: subscriptionType, about: "Nothing but its end can be changed.",
			body:    &content{schema: subscriptionSchema(false), example: object[any]{{"expirationDateTime", "2026-02-01T00:00:00Z"}}},
			answers: []reply{{status: http.StatusOK, about: "The subscription.", body: &content{typ: subscriptionType}}},
		},
		"DELETE subscriptions/{}": {
			tag: tagFollow, summary: "End a subscription", answers: []reply{{status: http.StatusNoContent, about: "It has ended."}},
		},
		"POST subscriptions/{}/reauthorize": {
			tag: tagFollow, summary: "Reauthorize a subscription", about: "Nothing is to be done: who may read is asked at every delivery.",
			answers: []reply{{status: http.StatusNoContent, about: "It goes on."}},
		},

		"GET api/lookup": {
			tag: tagOwn, summary: "Look up indicators", about: "What is known of values: the indicator, its evidence, its profiles; for a URL or port also of its host, for a name also of those above it, " +
				"and what stands on it. Values may be defanged. What is unknown, or no indicator at all, is a result like any other.",
			params: []*parameter{{
				Name: "value", In: "query", Required: true, Description: "Once for each value, at most " + strconv.Itoa(maxLookup) + " times.",
				Schema: &schema{Type: "array", Items: &schema{Type: "string"}, MinItems: new(1), MaxItems: new(maxLookup)}, Example: []string{"adobeupgradeflash[.]com"},
			}},
			answers: ownBody[lookupList]("One result for each value, in the order given.", lookupList{[]lookupResult{{
				Input: "adobeupgradeflash[.]com", Kind: "domain", Value: exampleHost, Known: true, known: &known{
					Indicator: exampleIndicator,
					Evidence: []store.Evidence{{
						Publisher: intel.Maltrail, Subject: intel.Ref{Publisher: intel.Maltrail, Key: "apt_sofacy"},
						FirstSeen: intel.Date{At: intel.TimeOf(time.Date(2016, 12, 1, 0, 0, 0, 0, time.UTC)), Precision: intel.Day, Basis: intel.BasisFile}, Source: intel.SourceOSINT,
					}},
					Profiles: []store.ProfileTitle{{ID: exampleProfileID, Kind: intel.Actor, Title: "APT28"}},
				},
			}}}),
			examples: []example{asked("Two values", "value=adobeupgradeflash[.]com", "value=8.8.8.8")},
		},
		"GET api/search": {
			tag: tagOwn, summary: "Search profiles", about: "By name first, then by text.",
			params: []*parameter{
				{Name: "q", In: "query", Required: true, Schema: text("Names or words."), Example: "fancy bear"},
				{Name: "kind", In: "query", Schema: enumOf(intel.Actor, intel.Tool)(), Example: "actor", Description: "Only profiles of this kind."},
				limitParameter(usualHits, maxHits),
			},
			answers:  ownBody[searchList]("What was found.", searchList{Results: []hit{exampleHit}}),
			examples: []example{asked("Actors of a name", "q=fancy bear", "kind=actor", "limit=3")},
		},
		"GET api/changes": {
			tag: tagOwn, summary: "Tell what changed", about: "What is served now, compared with what was served at a time: profiles and indicators that are new, changed or gone; of what changed each field, before and after, and " +
				"which sources say what is served now. What changed back is not listed. Programs that keep a copy use delta.",
			params: []*parameter{
				{Name: "since", In: "query", Required: true, Schema: text("A date, a time, or how long ago: `36h`, `7d`."), Example: "7d"},
				{Name: "profile", In: "query", Schema: text("The id of a profile: only that and its indicators."), Example: exampleProfileID},
				limitParameter(usualChanges, maxChanges),
			},
			answers:  ownBody[ingest.Report]("What changed.", nil),
			refusals: []int{http.StatusNotFound},
			examples: []example{asked("In a week", "since=7d", "limit=5")},
		},
		"GET api/names": {
			tag: tagOwn, summary: "Resolve a name", about: "Every profile that a name may mean, the likeliest first, with the claims that give it the name, and the reason for its place. Case, spaces and signs do not matter. " +
				"More than one makes the name ambiguous. At most " + strconv.Itoa(ingest.MaxNameProfiles) + " are listed. A name that nobody has gives those like it.",
			params: []*parameter{{Name: "name", In: "query", Required: true, Schema: &schema{Type: "string"}, Example: "Fancy Bear"}},
			answers: ownBody[ingest.NameAnswer]("The profiles; none is an empty list.", ingest.NameAnswer{Name: "Fancy Bear", Profiles: []ingest.NameProfile{{
				ID: exampleProfileID, Kind: intel.Actor, Title: "APT28", Match: "alias", Aliases: exampleProfile.Aliases, Summary: exampleProfile.Summary.Content,
				Reason: "alias in mitre-attack G0007", Score: 0.8, Claims: []intel.NameClaim{
					{Name: intel.Name{Value: "Fancy Bear", CoinedBy: "CrowdStrike"}, From: intel.Ref{Publisher: intel.MitreAttack, Key: "G0007"}, Alias: true},
				},
			}}}),
			examples: []example{asked("Who is meant", "name=Fancy Bear"), asked("A slip", "name=Fancy Baer")},
		},
		"GET api/profiles/{}": {
			tag: tagOwn, summary: "Get a profile with its claims", about: "The profile and every claim that it rests on: names, origins, targets, techniques, tools, references, and the source of each.",
			answers: ownBody[intel.Dossier]("The dossier.", nil), examples: []example{asked("APT28")},
		},
		"GET api/profiles/{}/resolution": {
			tag: tagOwn, summary: "Tell why a profile is made of its records", about: "Each record with the rule and the evidence by which it was assigned, and the records that came near and were not joined, with what speaks against it.",
			answers: ownBody[resolution]("The records and the near misses.", nil), examples: []example{asked("APT28")},
		},
		"GET api/profiles/{}/claims": {
			tag: tagOwn, summary: "Tell who says what of a profile", about: "For each field which source states what, which value is served, and the rule that chose it.",
			answers: ownBody[fieldList]("The fields.", nil), examples: []example{asked("APT28")},
		},
		"GET api/decisions": {
			tag: tagOwn, summary: "List decisions", about: "What people decided about who is who, oldest first, and what became of each.",
			params:  []*parameter{{Name: "all", In: "query", Schema: &schema{Type: "boolean"}, Description: "Also those that were undone.", Example: true}},
			answers: ownBody[decisionList]("The decisions.", nil), examples: []example{asked("All of them", "all=true")},
		},
		"GET api/decisions/{}": {tag: tagOwn, summary: "Get a decision", answers: ownBody[ingest.Standing]("The decision.", nil)},
		"POST api/decisions": {
			tag: tagOwn, summary: "Decide who is who", about: "merge makes one profile of two; apart keeps two profiles or records in different profiles; split takes the record a out of its profile; means says that a name means the profile of a. " +
				"a and b are names, ids of profiles, or records as publisher:key or publisher:title. A decision needs a reason. Everything is computed anew before the answer.",
			params: []*parameter{sharedParameter("marking")},
			body:   &content{of: reflect.TypeFor[proposal](), example: proposal{Verdict: intel.NameMeans, Name: "Our Bear", A: exampleProfileID, Reason: "house style"}},
			answers: []reply{
				{status: http.StatusOK, about: "It was decided before.", headers: []string{"Location", "Preference-Applied"}, body: &content{of: reflect.TypeFor[ingest.Standing]()}},
				{status: http.StatusCreated, about: "The decision.", headers: []string{"Location", "Preference-Applied"}, body: &content{of: reflect.TypeFor[ingest.Standing]()}},
			},
			examples: []example{{label: "A name of the house", body: `{"verdict":"means","name":"Our Bear","a":"` + exampleProfileID + `","reason":"house style"}`}},
		},
		"DELETE api/decisions/{}": {
			tag: tagOwn, summary: "Undo a decision", about: "What is served is as if it had never been made.", params: []*parameter{sharedParameter("marking")},
			answers: []reply{{status: http.StatusNoContent, about: "It is undone.", headers: []string{"Preference-Applied"}}},
		},
		"GET api/export": {
			tag: tagOwn, summary: "List export formats", about: "In which forms indicators can be fetched.",
			answers:  ownBody[formatList]("The formats.", formatList{[]formatEntry{{Name: "domains", About: "plain list: domain names", MediaType: "text/plain; charset=utf-8", Kinds: []string{"domain"}}}}),
			examples: []example{asked("The formats")},
		},
		"GET api/export/{}": {
			tag: tagOwn, summary: "Export indicators", about: "The active indicators in the form of an engine or platform: a list, a zone, rules, a bundle. A file, with ranges, and compressed if Accept-Encoding allows zstd or gzip. " +
				"What the format, the device or the audience has no place for is left out and counted. A parameter that is not known is refused.",
			params: []*parameter{
				{Name: "$filter", In: "query", Schema: &schema{Type: "string"}, Description: "Over the collection of indicators.", Example: "firstSeenDateTime ge 2016-01-01T00:00:00Z"},
				{Name: "profile", In: "query", Schema: text("The name or id of a profile."), Example: "APT28"},
				{Name: "minConfidence", In: "query", Schema: &schema{Type: "integer"}, Description: "Only indicators with at least this confidence, 0 to 100.", Example: 10},
				{Name: "view", In: "query", Schema: enumOf(publish.Active, publish.Default)(), Description: "Active ones are above the confidence floor now, and are the default; `default` is what the collections show, historical ones too.", Example: publish.Default},
				{Name: "max", In: "query", Schema: &schema{Type: "integer"}, Description: "Most entries; by default what the device or format takes.", Example: 100},
				{Name: "audience", In: "query", Schema: enumOf(publish.Internal, publish.Customers, publish.Public)(), Description: "Leaves out what markings and publishers' rights do not allow to go there.", Example: publish.Public},
			},
			conditional: true,
			answers: []reply{
				{
					status: http.StatusOK, about: "The file.", headers: []string{"ETag", "Last-Modified", "Dossier-Entries", "Dossier-Left-Out", "Dossier-Credit"},
					body: &content{media: "*/*", schema: &schema{Type: "string"}},
				},
				{status: http.StatusNotModified, about: "With If-None-Match or If-Modified-Since: the client has this version.", headers: []string{"ETag"}},
			},
		},
		"GET api/sources": {
			tag: tagOwn, summary: "List sources", about: "Publishers by rank, with licence, credit line, and the age of their data.",
			answers: ownBody[sourceList]("The publishers.", nil), examples: []example{asked("Who the data is from")},
		},
		"GET api/runs": {
			tag: tagOwn, summary: "List runs", about: "Executions of imports and feeds. Only those see them whose TLP ceiling is red.",
			params:  []*parameter{limitParameter(usualRuns, maxRuns)},
			answers: ownBody[runList]("The runs.", nil), examples: []example{asked("The last five", "limit=5")},
		},

		"GET api/claims": {
			tag: tagOwn, summary: "List claims", about: "What people have set over the sources by writing, oldest first; withdrawn ones say so.",
			params: []*parameter{
				{Name: "target", In: "query", Schema: &schema{Type: "string"}, Description: "Only those about the profile or indicator with this id.", Example: exampleProfileID},
				limitParameter(usualClaims, maxClaims),
			},
			answers: ownBody[claimList]("The claims.", nil), examples: []example{asked("About APT28", "target="+exampleProfileID)},
		},
		"GET api/claims/{}": {tag: tagOwn, summary: "Get a claim", answers: ownBody[intel.Claim]("The claim.", nil)},
		"DELETE api/claims/{}": {
			tag: tagOwn, summary: "Withdraw a claim", about: "What the sources say, or an older claim, counts again.", params: []*parameter{sharedParameter("marking")},
			answers: []reply{{status: http.StatusNoContent, about: "It is withdrawn.", headers: []string{"Preference-Applied"}}},
		},

		"POST api/hunt": {
			tag: tagOwn, summary: "Hunt in a log", about: fmt.Sprintf("The body is a log of any format that `dossier hunt` reads, or JSON as log shippers send it: objects a line, in one array, or behind each other; plain, or compressed with gzip or zstd. "+
				"The answer is a line of JSON for each match, as soon as it is found, and a last line with the member `summary`; if something ended it early, that line has an `error`. With answer=summary the summary alone is the answer, "+
				"with a status that tells whether all went well. A client that sends without reading the answer must ask for that, or it is cut off when the answer is not taken. Indicators that change while a stream is open are looked for from then on. "+
				"By default at most %d streams at once, a quarter of them of one client, then 429; a stream ends after %s without a byte.", 32, huntIdle),
			params: []*parameter{
				{Name: "save", In: "query", Schema: &schema{Type: "boolean"}, Description: "Keep what is found as sightings. A line that is sent twice counts once."},
				{Name: "answer", In: "query", Schema: enumOf("matches", "summary")(), Description: "What is told; matches by default."},
				{Name: "log", In: "query", Schema: text("The name of the log, for sightings; by default that of the client.")},
				{Name: "minConfidence", In: "query", Schema: &schema{Type: "integer"}, Description: "Only indicators with at least this confidence, 0 to 100."},
			},
			body:     &content{media: "*/*", schema: &schema{Type: "string"}},
			answers:  []reply{{status: http.StatusOK, about: "The matches, then the summary.", body: &content{media: "application/x-ndjson", schema: &schema{Type: "string"}}}},
			refusals: []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		},
		"GET api/sightings": {
			tag: tagOwn, summary: "List sightings", about: "Indicators that were met in the owner's own data, the latest first: through which host, in which direction and field, on which day, on how many lines. " +
				"They need the permission `" + string(auth.Hunt) + "`; on the server's own machine reading needs no token.",
			params: append(sightingParameters(), limitParameter(usualSightings, maxSightings),
				&parameter{Name: "after", In: "query", Schema: text("The `next` of the page before."), Example: "1772359200000.0f"}),
			answers:  ownBody[sightingList]("The sightings.", nil),
			refusals: []int{http.StatusNotFound},
			examples: []example{asked("In a week", "since=7d", "limit=5")},
		},
		"GET api/sightings/{}": {tag: tagOwn, summary: "Get a sighting", answers: ownBody[store.Sighting]("The sighting.", nil)},
		"POST api/sightings": {
			tag: tagOwn, summary: "Report sightings", about: "What another program met of indicators that are known here; of other values nothing is kept. What is told twice counts once. All of it is kept, or nothing if a part is wrong. " +
				"Whole logs are better sent to /api/hunt.",
			body:     &content{of: reflect.TypeFor[sightingReport](), example: sightingReport{[]met{{Value: "adobeupgradeflash[.]com", Seen: intel.TimeOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), Host: "10.0.0.5", Direction: "out", Field: "query", Log: "resolver"}}}},
			answers:  ownBody[reported]("What was kept.", reported{New: 1, Lines: 1}),
			examples: []example{{label: "One", body: `{"sightings":[{"value":"adobeupgradeflash[.]com","seen":"2026-03-01T12:00:00Z","host":"10.0.0.5","direction":"out","field":"query","log":"resolver"}]}`}},
		},
		"DELETE api/sightings": {
			tag: tagOwn, summary: "Erase sightings", about: "Those that fit all that is given, and what they did for the life of the indicators. A parameter that is not known is refused.",
			params:   append(sightingParameters(), &parameter{Name: "all", In: "query", Schema: &schema{Type: "boolean"}, Description: "All there are; in place of the others.", Example: true}),
			answers:  ownBody[erased]("How many there were.", erased{1}),
			refusals: []int{http.StatusNotFound},
			examples: []example{asked("Of a host", "host=10.0.0.5")},
		},
		"DELETE api/sightings/{}": {tag: tagOwn, summary: "Erase a sighting", answers: ownBody[erased]("It is erased.", erased{1})},

		"GET ": {
			tag: tagServer, summary: "Service document", options: odata.Options{Allow: odata.AllowSelect}, about: "What there is below a version.",
			answers:  ownBody[serviceList]("The service document.", serviceList{anyBase + "/v1.0/$metadata", []serviceItem{{"security", "Singleton", "security"}}}),
			examples: []example{asked("What there is")},
		},
		"GET $metadata": {
			tag: tagServer, summary: "Metadata", about: "The model as CSDL.",
			answers:  []reply{{status: http.StatusOK, about: "The model.", body: &content{media: "application/xml", schema: &schema{Type: "string"}}}},
			examples: []example{asked("The model")},
		},
		"POST $batch": {
			tag: tagServer, summary: "Batch", about: fmt.Sprintf("At most %d requests in one, in a body of at most %d bytes, compressed or not. Each is answered as it would be alone, after those that it depends on; if one of those fails, with 424 `%s`.",
				maxBatch, maxBatchBody, codeFailedDepend),
			body:     &content{schema: batchSchema(), example: batchExample},
			answers:  []reply{{status: http.StatusOK, about: "One response for each request, in the same order.", body: &content{of: reflect.TypeFor[batchResponse]()}}},
			examples: []example{{label: "Two requests", body: `{"requests":[{"id":"1","method":"GET","url":"/security/threatIntelligence/intelProfiles?$top=1"},{"id":"2","method":"GET","url":"/security/threatIntelligence/intelProfiles/$count","dependsOn":["1"]}]}`}},
		},
		"GET ~": {
			tag: tagServer, summary: "The root", typ: intelligenceType(), options: entityOptions, about: "An entity that has nothing but an id.",
			answers: []reply{{status: http.StatusOK, about: "The entity.", body: &content{typ: intelligenceType(), example: inContext("", true, object[any]{{"id", rootID}})}}},
		},
		"GET healthz": {
			tag: tagServer, summary: "Liveness", about: "Answers as long as the process does.",
			answers: ownBody[health]("It runs.", health{Status: "ok", Version: "1.0", Data: []store.Age{{Publisher: intel.MitreAttack, Title: "MITRE ATT&CK", As: intel.TimeOf(time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC)), Released: true}}}), examples: []example{asked("Whether it runs")},
		},
		"GET readyz": {
			tag: tagServer, summary: "Readiness", about: "200 if the database can be read, else 503.",
			answers: ownBody[health]("It can answer.", health{Status: "ready", Version: "1.0", Position: 4711}), examples: []example{asked("Whether it can answer")},
		},
		"GET metrics": {
			tag: tagServer, summary: "Metrics", about: "In the text format of Prometheus, or OpenMetrics: requests and how long they took, by route and query; answers from memory; connections, also to the database; the age of data; feeds and imports.",
			answers:  []reply{{status: http.StatusOK, about: "The metrics.", body: &content{media: "text/plain", schema: &schema{Type: "string"}}}},
			examples: []example{asked("The metrics")},
		},
		"GET openapi.json": {
			tag: tagServer, summary: "This description", about: "In OpenAPI 3.1.",
			answers:  []reply{{status: http.StatusOK, about: "The description.", body: &content{schema: &schema{Type: "object"}}}},
			examples: []example{asked("The description")},
		},
		"GET reference": {
			tag: tagServer, summary: "This description as a page",
			answers:  []reply{{status: http.StatusOK, about: "A page.", body: &content{media: "text/html", schema: &schema{Type: "string"}}}},
			examples: []example{asked("The page")},
		},
	}
	for _, name := range []string{"intelligenceProfileIndicators", "intelProfileIndicators"} {
		base, tag := "~/"+name, tagIndicators
		if "/"+name != indicatorsPath {
			tag = tagAliases
		}
		ops["GET "+base] = operation{
			tag: tag, summary: "List indicators", typ: indicator, options: noSearchOptions, view: true,
			about:    "Those of all profiles, and those of none.",
			answers:  page(indicator, indicatorsPath, exampleIndicator),
			examples: []example{asked("Open sources, newest first", "$filter=source eq 'osint'", "$orderby=firstSeenDateTime desc", "$top=5")},
		}
		ops["GET "+base+"/$count"] = operation{
			tag: tag, summary: "Count indicators", typ: indicator, options: noSearchCount, view: true, answers: count(20032),
			examples: []example{asked("How many are active", "view=active")},
		}
		ops["GET "+base+"/{}"] = operation{
			tag: tag, summary: "Get an indicator", typ: indicator, options: entityOptions, view: true, conditional: true,
			answers: one(indicator, indicatorsPath, exampleIndicator), examples: []example{asked("One of the catalogue")},
		}
		artifact := artifactOperation(keyed("intelligenceProfileIndicators", exampleIndicatorID) + "/artifact")
		artifact.tag = tag
		ops["GET "+base+"/{}/artifact"] = artifact
		create := newIndicator("Create an indicator", "A value that is known already gets further evidence.", writtenIndicator)
		create.tag = tag
		ops["POST "+base] = create
		if tag == tagAliases {
			create.examples = nil
			ops["POST "+base] = create
			ops["PATCH "+base+"/{}"] = patch(tag, "Change an indicator", indicator)
			ops["DELETE "+base+"/{}"] = deletion(tag, "Delete an indicator", "")
			continue
		}
		ops["PATCH "+base+"/{}"] = patch(tag, "Change an indicator", indicator, example{label: "When it was last seen", body: `{"lastSeenDateTime":"2026-01-01T00:00:00Z"}`})
		ops["DELETE "+base+"/{}"] = deletion(tag, "Delete an indicator", "", asked("One of the catalogue"))
	}
	describeArticles(ops)
	for base, op := range map[string]operation{
		"~/intelProfiles": {
			tag: tagProfiles, summary: "Follow profiles", typ: profile, examples: []example{asked("Actors, from now on", "$deltatoken=latest", "$filter=kind eq 'actor'", "$select=title")},
		},
		"~/intelProfiles/{}/indicators":   {tag: tagIndicators, summary: "Follow a profile's indicators", typ: indicator, examples: []example{asked("All of them", "$top=5")}},
		"~/intelligenceProfileIndicators": {tag: tagIndicators, summary: "Follow indicators", typ: indicator, examples: []example{asked("From now on", "$deltatoken=latest")}},
		"~/intelProfileIndicators":        {tag: tagAliases, summary: "Follow indicators", typ: indicator, examples: []example{asked("From now on", "$deltatoken=latest")}},
	} {
		op.options, op.about, op.refusals = deltaOptions, deltaWords, []int{http.StatusGone}
		op.answers = []reply{{status: http.StatusOK, about: "A page.", body: &content{schema: deltaSchema(op.typ)}}}
		for i, name := range deltaNames {
			if i > 0 {
				op.tag = tagAliases
			}
			ops["GET "+base+"/"+name] = op
		}
	}
	for path, form := range map[string]*content{
		"api/changes.atom": {media: "application/atom+xml", schema: &schema{Type: "string"}}, "api/changes.json": {media: "application/feed+json", schema: &schema{Type: "object"}},
	} {
		ops["GET "+path] = operation{
			tag: tagOwn, summary: "Feed of what changed", conditional: true, refusals: []int{http.StatusNotFound},
			about: "For feed readers: RFC 4287, or JSON Feed 1.1. The last changes, the newest first; each has an id that never changes, and leads to the page of the profile. Values of indicators are defanged.",
			params: []*parameter{
				{Name: "of", In: "query", Schema: enumOf(newsProfiles, newsIndicators)(), Description: "Of what; profiles without it.", Example: newsProfiles},
				{Name: "$filter", In: "query", Schema: text("Over the collection. A profile that is gone is judged by what it was; of indicators that are gone is told only without a filter."), Example: "kind eq 'actor'"},
				{Name: "profile", In: "query", Schema: text("The id of a profile: only that, or its indicators."), Example: exampleProfileID},
				limitParameter(usualNews, maxNews),
			},
			answers: []reply{
				{status: http.StatusOK, about: "The feed.", headers: []string{"ETag", "Last-Modified"}, body: form},
				{status: http.StatusNotModified, about: "With If-None-Match or If-Modified-Since: the client has this version.", headers: []string{"ETag", "Last-Modified"}},
			},
			examples: []example{asked("Actors", "$filter=kind eq 'actor'", "limit=5")},
		}
	}
	for _, name := range hostCollections {
		base := "~/hosts/{}/" + name
		ops["GET "+base] = operation{
			tag: tagEmpty, summary: "List " + name + " of a host", options: emptyOptions, about: "An empty list: there is no such data in this release.",
			answers: []reply{{status: http.StatusOK, about: "The list.", body: &content{schema: emptyPage}}},
		}
		ops["GET "+base+"/$count"] = operation{tag: tagEmpty, summary: "Count " + name + " of a host", about: "Always 0.", answers: count(0)}
		ops["GET "+base+"/{}"] = operation{
			tag: tagEmpty, summary: "One of " + name + " of a host", about: "Always 404: the list is empty.", answers: []reply{},
		}
	}
	for suffix, what := range tokenPaths {
		op, method := tokenOperations[what], http.MethodGet
		if what == "token" {
			method = http.MethodPost
		}
		if !strings.Contains(suffix, "v2.0") {
			op.tag = tagAliases
		}
		ops[method+" {}/"+suffix] = op
	}
	return ops
}

var tokenOperations = map[string]operation{
	"token": {
		tag: tagTokens, summary: "Get a token", about: "The client's id and secret stand in the form, or as Basic credentials. A token lives for " + auth.TokenLife.String() + ".",
		body: &content{media: "application/x-www-form-urlencoded", schema: &schema{Type: "object", Required: []string{"grant_type"}, Properties: object[*schema]{
			{"grant_type", &schema{Type: "string", Const: "client_credentials"}},
			{"client_id", &schema{Type: "string", Format: "uuid"}},
			{"client_secret", &schema{Type: "string", Format: "password"}},
			{"scope", text(auth.GraphAudience + "/.default")},
			{"resource", text("In the place of scope, in the older form.")},
		}}},
		answers: append(ownBody[auth.Token]("The token.", auth.Token{Type: "Bearer", ExpiresIn: int(auth.TokenLife.Seconds()), ExtExpires: int(auth.TokenLife.Seconds()), AccessToken: "eyJ…"}),
			reply{status: http.StatusBadRequest, about: "The request is wrong.", body: &content{of: reflect.TypeFor[tokenError]()}},
			reply{status: statusNoToken, about: "The client is not known, or the secret is wrong.", body: &content{of: reflect.TypeFor[tokenError]()}}),
		refusals: []int{http.StatusTooManyRequests},
	},
	"configuration": {
		tag: tagTokens, summary: "OpenID Connect configuration", answers: ownBody[configuration]("Where the other paths are.", nil),
	},
	"keys": {
		tag: tagTokens, summary: "Keys of tokens", about: "The public keys that verify our tokens.",
		answers: []reply{{status: http.StatusOK, about: "A JSON Web Key Set.", body: &content{schema: &schema{Type: "object", Required: []string{"keys"}, Properties: object[*schema]{
			{"keys", arrayOf(&schema{Type: "object"})},
		}}}}},
	},
}

func artifactOperation(path string) operation {
	artifact := typeNamed("microsoft.graph.security.artifact")
	return operation{
		tag: tagIndicators, summary: "Get the artifact of an indicator", typ: artifact, options: entityOptions, view: true, conditional: true,
		about:   "With every property of its type. $select names those of the type that it turns out to be.",
		answers: one(artifact, path, hostBody(exampleArtifact, 0, 0)),
	}
}

// describeArticles adds the routes of articles. The catalogue has none, so they
// have no examples of requests.
func describeArticles(ops map[string]operation) {
	article, indicator := store.Types.Article, store.Types.ArticleIndicator
	ops["GET ~/articles"] = operation{
		tag: tagArticles, summary: "List articles", typ: article, options: profileOptions, view: true,
		about:    "By id unless $orderby says otherwise.",
		answers:  page(article, articlesPath, exampleArticle),
		examples: []example{asked("The latest", "$orderby=createdDateTime desc", "$top=5"), asked("With a value", "$filter=indicators/any(i:i/artifact/id eq '"+exampleHost+"')")},
	}
	ops["GET ~/articles/$count"] = operation{
		tag: tagArticles, summary: "Count articles", typ: article, options: countOptions, view: true, answers: count(311),
		examples: []example{asked("With a tag", "$filter=tags/any(t:t eq 'ransomware')")},
	}
	ops["GET ~/articles/{}"] = operation{
		tag: tagArticles, summary: "Get an article", typ: article, options: entityOptions, view: true, conditional: true,
		answers: one(article, articlesPath, exampleArticle),
	}
	for _, c := range []struct{ base, of, context string }{
		{"~/articles/{}/indicators", " of an article", keyed("articles", exampleArticleID) + "/indicators"},
		{"~/articleIndicators", " of articles", articleIndicatorsPath},
	} {
		list := operation{
			tag: tagArticles, summary: "List indicators" + c.of, typ: indicator, options: noSearchOptions, view: true,
			about:   "Each value once, by id unless $orderby says otherwise.",
			answers: page(indicator, c.context, exampleArticleIndicator),
		}
		number := operation{tag: tagArticles, summary: "Count indicators" + c.of, typ: indicator, options: noSearchCount, view: true, answers: count(35)}
		artifact := artifactOperation(c.context + "('" + exampleArticleIndicatorID + "')/artifact")
		if c.base == "~/articleIndicators" {
			artifact = artifactOperation(keyed("articleIndicators", exampleArticleIndicatorID) + "/artifact")
			list.examples = []example{asked("Names", "$filter=artifact/microsoft.graph.security.hostname/id ne null", "$top=5")}
			number.examples = []example{asked("All of them", "view=all")}
		}
		artifact.tag = tagArticles
		ops["GET "+c.base] = list
		ops["GET "+c.base+"/$count"] = number
		ops["GET "+c.base+"/{}"] = operation{
			tag: tagArticles, summary: "Get an indicator" + c.of, typ: indicator, options: entityOptions, view: true, conditional: true,
			answers: one(indicator, c.context, exampleArticleIndicator),
		}
		ops["GET "+c.base+"/{}/artifact"] = artifact
	}
}

// writeWords are said of every body of a write.
var writeWords = fmt.Sprintf("At most %d bytes, compressed with gzip or not. Collections are replaced and have at most %d elements; parts of a text that are not given stay. Annotations are passed over.", maxEntityBody, maxElements)

var writtenIndicator = example{
	label: "A host name", body: `{"source":"osint","firstSeenDateTime":"2026-01-01T00:00:00Z","artifact":{"@odata.type":"` + hostnameType + `","id":"login.grey-heron.example.com"}}`,
}

func newIndicator(summary, about string, e example) operation {
	return operation{
		tag: tagIndicators, summary: summary, about: about, params: []*parameter{sharedParameter("write")}, typ: store.Types.Indicator, options: entityOptions,
		body: &content{schema: writeSchema(store.Types.Indicator, true), about: writeWords}, examples: []example{e},
		answers: []reply{
			{status: http.StatusCreated, about: "The indicator.", headers: []string{"Location", "ETag", "Preference-Applied"}, body: &content{typ: store.Types.Indicator}},
			{status: http.StatusOK, about: "The value was known: the indicator.", headers: []string{"Location", "ETag"}, body: &content{typ: store.Types.Indicator}},
			{status: http.StatusNoContent, about: "With Prefer: return=minimal.", headers: []string{"Location", "ETag", "Preference-Applied"}},
		},
	}
}

func patch(tag, summary string, typ *odata.Type, examples ...example) operation {
	return operation{
		tag: tag, summary: summary, about: "Only what is given changes; null clears a property that may be null.", typ: typ, options: entityOptions, examples: examples,
		params: []*parameter{sharedParameter("If-Match"), sharedParameter("write")}, refusals: []int{http.StatusPreconditionFailed},
		body: &content{schema: writeSchema(typ, false), about: writeWords},
		answers: []reply{
			{status: http.StatusOK, about: "The entity as it is now.", headers: []string{"ETag", "Content-Location"}, body: &content{typ: typ}},
			{status: http.StatusNoContent, about: "With Prefer: return=minimal.", headers: []string{"ETag", "Content-Location", "Preference-Applied"}},
		},
	}
}

func deletion(tag, summary, about string, examples ...example) operation {
	return operation{
		tag: tag, summary: summary, about: about, params: []*parameter{sharedParameter("If-Match"), sharedParameter("marking")}, refusals: []int{http.StatusPreconditionFailed}, examples: examples,
		answers: []reply{{status: http.StatusNoContent, about: "It is deleted.", headers: []string{"Preference-Applied"}}},
	}
}

// sightingParameters say which sightings are meant.
func sightingParameters() []*parameter {
	return []*parameter{
		{Name: "value", In: "query", Schema: text("An indicator, also defanged."), Example: "adobeupgradeflash[.]com"},
		{Name: "profile", In: "query", Schema: text("The id of a profile: those of its indicators."), Example: exampleProfileID},
		{Name: "host", In: "query", Schema: text("A host of the owner's: its address or name, or its pseudonym."), Example: "10.0.0.5"},
		{Name: "since", In: "query", Schema: text("Last seen from then on: a date, a time, or how long ago."), Example: "7d"},
		{Name: "until", In: "query", Schema: text("Last seen before then."), Example: "2026-01-01"},
	}
}

func limitParameter(usual, most int) *parameter {
	return &parameter{
		Name: "limit", In: "query", Schema: &schema{Type: "integer", Minimum: new(1), Default: usual}, Example: 5,
		Description: "How many at most. More than " + strconv.Itoa(most) + " are cut to that.",
	}
}

// batchSchema is the form of a batch; null is the same as absent.
func batchSchema() *schema {
	return &schema{Type: "object", Required: []string{"requests"}, Properties: object[*schema]{
		{"requests", &schema{Type: "array", MinItems: new(1), MaxItems: new(maxBatch), Items: &schema{
			Type: "object", Required: []string{"id", "method", "url"}, Properties: object[*schema]{
				{"id", text("Unique in the batch, in any case.")},
				{"method", &schema{Type: "string"}},
				{"url", text("Relative to the version: /security/threatIntelligence/intelProfiles.")},
				{"headers", orNull(&schema{Type: "object", Additional: &schema{Type: "string"}})},
				{"body", &schema{Description: "JSON; needs a Content-Type in headers."}},
				{"dependsOn", orNull(arrayOf(text("The id of another request.")))},
			},
		}}},
	}}
}

var batchExample = object[any]{{"requests", []any{
	object[any]{{"id", "1"}, {"method", "GET"}, {"url", "/" + contextPrefix + "/intelProfiles?$top=1"}},
	object[any]{{"id", "2"}, {"method", "GET"}, {"url", "/" + contextPrefix + "/intelProfiles/$count"}, {"dependsOn", []string{"1"}}},
}}}
