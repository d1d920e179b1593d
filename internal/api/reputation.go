package api

import (
	"slices"
	"strconv"
	"strings"

	"dossier/internal/guard"
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

// A reputationRule says why: one for each publisher that has the host, and for what
// else counts.
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

// What a score is made of, beside the confidence that is left of the evidence.
const (
	scoreAttributed = 20 // tied to a profile, while the indicator is active
	scorePast       = 25 // known in the past, and no more active …
	scorePastActor  = 55 // … and tied to a profile: who asked it then was hit
	scorePastMost   = maliciousFrom - 1
	underKnown      = 0.8 // of the score of the name that a host lies under
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

// A subject is what is known of a host when it is judged.
type subject struct {
	known *store.Known  // nothing known: the Indicator is nil
	guard guard.Listing // the list that guards it
	above *store.Known  // the nearest known name above it, nil if there is none or the host itself is known
}

// reputationOf judges a host by what is known of it: a pure function of its
// arguments. What its publishers have withdrawn counts for nothing, and what a list
// excludes is neutral, whoever has it. Publishers supply the titles. docs/lifecycle.md has the
// rules.
func reputationOf(o observable.Observable, about subject, publishers []intel.Publisher) reputation {
	out := reputation{
		ODataType: "#microsoft.graph.security.hostReputation",
		ID:        observable.Observable{Kind: "hostReputation", Value: o.Value}.ID(),
		Rules:     []reputationRule{},
	}
	switch {
	case about.known.Indicator != nil:
		out.Score, out.Rules = scoreOf(about.known, publishers)
	case about.above != nil:
		score, rules := scoreOf(about.above, publishers)
		if len(rules) > 0 {
			name := about.above.Indicator.Observable.Value
			out.Score = int(underKnown * float64(score))
			out.Rules = append(rules, rule("Domain", "The host lies under "+name+", of which the other rules tell.", "medium"))
		}
	}
	out.Classification = classify(out.Score)
	if about.guard.Policy == guard.Exclude {
		out.Score, out.Classification = 0, "neutral"
		out.Rules = append(out.Rules, rule("Known benign", "The list "+about.guard.List+" has this host as one that is not to be taken for malicious.", "low"))
	}
	return out
}

// scoreOf returns the score of an indicator, with a rule for each publisher and for
// what else counts; no rules if nobody stands by it.
func scoreOf(k *store.Known, publishers []intel.Publisher) (score int, rules []reputationRule) {
	rules = []reputationRule{}
	seen := map[string]bool{}
	for _, e := range k.Evidence {
		if !e.Revoked && !seen[e.Publisher] {
			seen[e.Publisher] = true
			rules = append(rules, ruleOf(e, k.Profiles, publishers))
		}
	}
	i := k.Indicator
	if len(rules) == 0 {
		return 0, rules
	}
	if len(seen) > 1 {
		rules = append(rules, rule("Corroboration", strconv.Itoa(len(seen))+" sources list this host.", "medium"))
	}
	score = i.Confidence
	attributed := len(k.Profiles) > 0
	switch {
	case i.Life.Active(k.AsOf):
		if attributed {
			score += scoreAttributed
		}
		rules = append(rules, rule("Activity", "Last known on "+i.Life.From.Day()+"; confidence "+strconv.Itoa(i.Confidence)+" of 100.", "medium"))
	default:
		past := scorePast
		if attributed {
			past = scorePastActor
		}
		score = min(max(score, past), scorePastMost)
		rules = append(rules, rule("Activity", "Last known on "+i.Life.From.Day()+"; what is known of it is too old, or too weak, to be active.", "low"))
	}
	return min(score, 100), rules
}

func rule(name, description, severity string) reputationRule {
	return reputationRule{ODataType: "microsoft.graph.security.hostReputationRule", Name: name, Description: description, Severity: severity}
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
