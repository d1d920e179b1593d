package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// typeWords describe the types of the model, by name without the namespace.
var typeWords = map[string]string{
	"entity":                       "What has an id.",
	"formattedContent":             "A text and its format.",
	"artifact":                     "What an indicator is of. Inlined in an indicator it has its id alone, and kind and value where it is an unclassifiedArtifact.",
	"hostReputationRule":           "Why a host is judged so: one for each publisher that lists it.",
	"hostReputation":               "How a host is judged by what publishers say of it.",
	"host":                         "A host name or an address.",
	"hostname":                     "A domain or host name.",
	"autonomousSystem":             "Who routes an address.",
	"ipAddress":                    "An IPv4 or IPv6 address.",
	"unclassifiedArtifact":         "What is neither a host name nor an address: a URL, a hash, an e-mail address and others.",
	"indicator":                    "An indicator of malicious activity.",
	"intelligenceProfile":          "A threat actor or a tool.",
	"article":                      "A document that a source published: a report, an event.",
	"articleIndicator":             "An indicator that articles list.",
	"intelligenceProfileIndicator": "An indicator tied to profiles. It may belong to several, and to none.",
	"subscription":                 "What a client wants to be told of.",
	"threatIntelligence":           "The root of all that is served.",
	"security":                     "The singleton above it.",
	"intelligenceProfileCountryOrRegionOfOrigin": "Where an actor comes from.",
}

// propertyWords describe properties, by type and name; a derived type has those of
// its base.
var propertyWords = map[string]string{
	"entity.id":                                        "The key. Ids compare exactly.",
	"formattedContent.content":                         "The text. Lines of Markdown end in \\r\\n.",
	"formattedContent.format":                          "The format of the content.",
	"indicator.source":                                 "microsoft for what Microsoft itself published, else osint or public.",
	"indicator.artifact":                               "What the indicator is of. It is always there unless $select leaves it out.",
	"unclassifiedArtifact.kind":                        "What it is: url, md5, sha1, sha256, sha512, emailAddress, cidr, ja3, ja3s, jarm, ipAddressPort, sslCertificateSha1 and others; an open list.",
	"unclassifiedArtifact.value":                       "The value itself, in canonical form.",
	"host.firstSeenDateTime":                           "The earliest sighting that a source states.",
	"host.lastSeenDateTime":                            "The latest sighting that a source states.",
	"hostname.registrant":                              "Always null: there is no registration data.",
	"hostname.registrar":                               "Always null: there is no registration data.",
	"ipAddress.autonomousSystem":                       "Always null: there is no routing data.",
	"ipAddress.countryOrRegion":                        "Always null: there is no routing data.",
	"ipAddress.hostingProvider":                        "Always null: there is no routing data.",
	"ipAddress.netblock":                               "Always null: there is no routing data.",
	"autonomousSystem.name":                            "The name of the system.",
	"autonomousSystem.number":                          "Its number.",
	"autonomousSystem.organization":                    "Who runs it.",
	"autonomousSystem.value":                           "Number and name in one.",
	"hostReputation.classification":                    fmt.Sprintf("The score in a word: malicious from %d, suspicious from %d, neutral from %d, else unknown.", maliciousFrom, suspiciousFrom, neutralFrom),
	"hostReputation.score":                             "0 to 100.",
	"hostReputation.rules":                             "Why; empty if no publisher lists the host.",
	"hostReputationRule.name":                          "The publisher.",
	"hostReputationRule.description":                   "What it says.",
	"hostReputationRule.severity":                      "high if the host is tied to a profile.",
	"hostReputationRule.relatedDetailsUrl":             "The publisher's report.",
	"intelligenceProfileIndicator.firstSeenDateTime":   "When it was first seen, with three fraction digits.",
	"intelligenceProfileIndicator.lastSeenDateTime":    "When it was last seen; null if no source says.",
	"subscription.applicationId":                       "The client.",
	"subscription.changeType":                          "created, updated, deleted, or several with commas.",
	"subscription.clientState":                         "It comes with every notification, so that the receiver knows whose it is; at most 128 characters.",
	"subscription.creatorId":                           "The client.",
	"subscription.encryptionCertificate":               "Kept, without effect.",
	"subscription.encryptionCertificateId":             "Kept, without effect.",
	"subscription.expirationDateTime":                  "When it ends, without notice.",
	"subscription.includeResourceData":                 "Always false.",
	"subscription.latestSupportedTlsVersion":           "Kept, without effect: TLS is 1.2 or newer.",
	"subscription.lifecycleNotificationUrl":            "Where the client is told of the subscription itself.",
	"subscription.notificationQueryOptions":            "Always null.",
	"subscription.notificationUrl":                     "Where notifications are sent.",
	"subscription.notificationUrlAppId":                "Kept, without effect.",
	"subscription.resource":                            "What is followed: a path behind the version.",
	"intelligenceProfile.kind":                         "Whether it is an actor or a tool.",
	"intelligenceProfile.title":                        "The name that it is listed under.",
	"intelligenceProfile.firstActiveDateTime":          "Since when it has been active, as far as is known. /api/profiles tells what the date rests on.",
	"intelligenceProfile.aliases":                      "What else it is called.",
	"intelligenceProfile.targets":                      "Whom it is after: \"Sector: Sub-sector\", or a country.",
	"intelligenceProfile.countriesOrRegionsOfOrigin":   "Where it comes from, according to the sources.",
	"intelligenceProfile.summary":                      "One or two sentences of plain text.",
	"intelligenceProfile.description":                  "The profile in Markdown.",
	"intelligenceProfile.tradecraft":                   "Tactics, techniques and tools in Markdown; null if none are known.",
	"intelligenceProfile.indicators":                   "Only with $expand=indicators, a page of them.",
	"article.createdDateTime":                          "When it was published; when it was first read where the source does not say.",
	"article.lastUpdatedDateTime":                      "When its source last changed it.",
	"article.title":                                    "Its title.",
	"article.summary":                                  "One or two sentences of plain text.",
	"article.isFeatured":                               "Whether its source gives it the highest weight: a MISP event of threat level high.",
	"article.body":                                     "The source's words in Markdown, and what it cites.",
	"article.tags":                                     "The source's labels, but for markings.",
	"article.imageUrl":                                 "An image of it; null if the source names none.",
	"article.indicators":                               "Only with $expand=indicators, a page of them.",
	"intelligenceProfileCountryOrRegionOfOrigin.label": "The common English name.",
	"intelligenceProfileCountryOrRegionOfOrigin.code":  "ISO 3166-1 alpha-2, in upper case.",
}

// comments are the comments in the sources on the fields of the Go types that own
// bodies are made of, by name: api.hit.Match. A test keeps the file as they are.
var comments = func() map[string]string {
	out := map[string]string{}
	if err := json.Unmarshal(commentsFile, &out); err != nil {
		panic(err) // the file is embedded
	}
	return out
}()

//go:embed reference/comments.json
var commentsFile []byte
