package api

import (
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// A reputation is microsoft.graph.security.hostReputation.
type reputation struct {
	ODataType      string           `json:"@odata.type"`
	ID             string           `json:"id"`
	Classification string           `json:"classification"`
	Score          int              `json:"score"` // 0 to 100
	Rules          []reputationRule `json:"rules"` // never null
}

// A reputationRule says why: one for each publisher that has the host.
type reputationRule struct {
	ODataType   string  `json:"@odata.type"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Severity    string  `json:"severity"`
	Details     *string `json:"relatedDetailsUrl"`
}

// The scores from which a host is so classified. These are the bounds that
// Microsoft's portal documents.
const (
	maliciousFrom  = 75
	suspiciousFrom = 50
	neutralFrom    = 25
)

// Scores where no source states its confidence, and the most that is left once
// every statement is past its validity.
const (
	scoreAttributed   = 80 // tied to a profile
	scoreUnattributed = 60
	scoreExpired      = 40
)

// classify returns the classification of a score.
func classify(score int) string {
	switch {
	case score >= maliciousFrom:
		return "malicious"
	case score >= suspiciousFrom:
		return "suspicious"
	case score >= neutralFrom:
		return "neutral"
	}
	return "unknown"
}

// reputationOf judges a host by what is known of it at a time: a pure function
// of its arguments. What every publisher has withdrawn counts for nothing. Publishers
// supply the titles.
func reputationOf(o observable.Observable, k *store.Known, publishers []intel.Publisher, now intel.Time) reputation {
	out := reputation{
		ODataType: "#microsoft.graph.security.hostReputation",
		ID:        observable.Observable{Kind: "hostReputation", Value: o.Value}.ID(),
		Rules:     []reputationRule{},
	}
	confidence, live := 0, false
	seen := map[string]bool{}
	for _, e := range k.Evidence {
		if e.Revoked {
			continue
		}
		confidence = max(confidence, e.Confidence)
		live = live || e.ValidUntil == 0 || e.ValidUntil > now
		if !seen[e.Publisher] {
			seen[e.Publisher] = true
			out.Rules = append(out.Rules, ruleOf(e, k.Profiles, publishers))
		}
	}
	if len(out.Rules) > 0 {
		switch {
		case confidence > 0:
			out.Score = confidence
		case len(k.Profiles) > 0:
			out.Score = scoreAttributed
		default:
			out.Score = scoreUnattributed
		}
		if !live {
			out.Score = min(out.Score, scoreExpired)
		}
	}
	out.Classification = classify(out.Score)
	return out
}

func ruleOf(e store.Evidence, profiles []store.ProfileTitle, publishers []intel.Publisher) reputationRule {
	title := e.Publisher
	if i := slices.IndexFunc(publishers, func(p intel.Publisher) bool { return p.ID == e.Publisher }); i >= 0 {
		title = publishers[i].Title
	}
	r := reputationRule{
		ODataType: "microsoft.graph.security.hostReputationRule", Name: title,
		Description: title + " lists this host as an indicator of malicious activity.", Severity: "medium",
	}
	if len(profiles) > 0 {
		var names []string
		for _, p := range profiles[:min(len(profiles), 5)] {
			names = append(names, p.Title)
		}
		r.Description = title + " lists this host; it is an indicator of " + strings.Join(names, ", ") + "."
		if len(profiles) > 5 {
			r.Description = strings.TrimSuffix(r.Description, ".") + " and others."
		}
		r.Severity = "high"
	}
	if e.Reference != "" {
		r.Details = &e.Reference
	}
	return r
}
