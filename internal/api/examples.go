package api

import (
	"bytes"
	"encoding/json"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// The ids in examples are in the embedded catalogue: APT28 and a host of it. An
// article is not.
const (
	exampleProfileID   = "d17a53e8603895822e699ff29b4ab76c06d23ea4fd986472fd942b893d2c4127"
	exampleIndicatorID = "03f8fbde-6216-5cc5-b343-9155c54b94c0"
	exampleHost        = "adobeupgradeflash.com"
	exampleArticleID   = "4ab6f39a"
	exampleRequestID   = "0f6b2c1e-7a53-4c0f-9a43-1f1f6c3a9d52"
)

// exampleArticleIndicatorID is base64 of exampleHost.
var exampleArticleIndicatorID = store.ArticleIndicatorID(observable.Observable{Kind: observable.Domain, Value: exampleHost})

var exampleIDs = map[string]string{
	"intelProfileId": exampleProfileID, "profileId": exampleProfileID, "indicatorId": exampleIndicatorID,
	"intelligenceProfileIndicatorId": exampleIndicatorID, "intelProfileIndicatorId": exampleIndicatorID,
	"articleId": exampleArticleID, "articleIndicatorId": exampleArticleIndicatorID,
	"decisionId": exampleRequestID, "hostId": exampleHost, "tenant": "contoso.com",
}

var idWords = map[string]string{
	"intelProfileId":                 "The id of a profile. One that the profile had before will do; then Content-Location tells the present one.",
	"profileId":                      "Any id that leads to the profile.",
	"indicatorId":                    "The id of an indicator, a GUID made from its value.",
	"intelligenceProfileIndicatorId": "The id of an indicator, a GUID made from its value.",
	"intelProfileIndicatorId":        "The id of an indicator, a GUID made from its value.",
	"articleId":                      "The id of an article, eight hex digits.",
	"articleIndicatorId":             "The id of an indicator in articles: base64 of a name or address, else of kind$$value.",
	"subscriptionId":                 "The id of a subscription, a GUID.",
	"decisionId":                     "The id of a decision, a GUID.",
	"hostId":                         "The name or address itself.",
	"tenant":                         "Any.",
}

// Bodies of examples, made of the types that bodies are made of.
var (
	exampleProfile = intel.Profile{
		ODataType: intel.ProfileType, ID: exampleProfileID, Kind: intel.Actor, Title: "APT28",
		FirstActive: intel.TimeOf(time.Date(2004, 1, 1, 0, 0, 0, 0, time.UTC)),
		Aliases:     []string{"Fancy Bear", "Forest Blizzard", "Sednit"}, Targets: []string{"Government Agencies & Services: Defense"},
		Origins:     []intel.CountryOfOrigin{{ODataType: intel.OriginType, Label: "Russia", Code: "RU"}},
		Summary:     intel.Text("APT28 is a cyber-espionage group tied to Russia's military intelligence."),
		Description: intel.Markdown("## Snapshot\r\nAPT28 is a cyber-espionage group …"),
	}
	exampleArtifact  = store.WireArtifact{ODataType: hostnameType, ID: exampleHost}
	exampleIndicator = store.WireIndicator{
		ODataType: intel.IndicatorType, ID: exampleIndicatorID, Source: string(intel.SourceOSINT), FirstSeen: "2016-12-01T00:00:00.000Z", Artifact: exampleArtifact,
	}
	exampleArticle = intel.WireArticle{
		ODataType: intel.ArticleType, ID: exampleArticleID, Created: intel.TimeOf(time.Date(2020, 5, 5, 0, 0, 0, 0, time.UTC)),
		LastUpdated: intel.TimeOf(time.Date(2020, 5, 7, 9, 30, 0, 0, time.UTC)), Title: "A loader that waits for reboots",
		Summary: intel.Text("The loader registers a driver and does nothing until the machine restarts."),
		Body:    intel.Markdown("#### Description\r\nThe loader registers a driver …"), Tags: []string{"loader", "APT28"},
	}
	exampleArticleIndicator = store.WireArticleIndicator{
		ODataType: intel.ArticleIndicatorType, ID: exampleArticleIndicatorID, Source: string(intel.SourceOSINT), Artifact: exampleArtifact,
	}
	exampleReputation = reputation{
		ODataType: "#microsoft.graph.security.hostReputation", ID: exampleRequestID, Classification: classify(80), Score: 80,
		Rules: []reputationRule{{
			ODataType: "microsoft.graph.security.hostReputationRule", Name: "Maltrail", Description: "Maltrail lists this host; it is an indicator of APT28.", Severity: "high",
		}},
	}
	exampleHit = hit{ID: exampleProfileID, Kind: intel.Actor, Title: "APT28", Match: "alias", Aliases: exampleProfile.Aliases, Summary: exampleProfile.Summary.Content}
)

// inContext returns the body of an answer with one entity, or of a page with it.
func inContext(path string, single bool, body any) any {
	context := contextURL(anyBase+"/"+versions[0], path, &odata.Query{}, single)
	if !single {
		return object[any]{{"@odata.context", context}, {"value", []any{body}}}
	}
	var b bytes.Buffer
	_ = encode(&b, body) // plain values
	return json.RawMessage(`{"@odata.context":` + string(quoted(context)) + "," + b.String()[1:])
}
