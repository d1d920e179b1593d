package misp

import (
	"regexp"
	"strconv"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
	"dossier/internal/refdate"
)

var (
	attackGroup    = regexp.MustCompile(`^https?://attack\.mitre\.org/(?:wiki/Group|groups)/(G\d{4})/?$`)
	attackSoftware = regexp.MustCompile(`^https?://attack\.mitre\.org/(?:wiki/Software|software)/(S\d{4})/?$`)
	malpediaPage   = regexp.MustCompile(`^https?://malpedia\.caad\.fkie\.fraunhofer\.de/details/([\w.]+)/?$`)
)

// references reads the documents that a cluster cites. Pages of ATT&CK about
// things of the same kind are also ids, all of them: some actors cite two.
// Malpedia's own galaxy cites its own page.
func (d *decoder) references(r *intel.Record, m meta, g *galaxy) {
	page := attackGroup
	if r.Kind == intel.Tool {
		page = attackSoftware
	}
	for _, ref := range m.all(keysRefs...) {
		if f := page.FindStringSubmatch(ref); f != nil {
			addID(r, naming.ATTACK(f[1]))
		}
		if f := malpediaPage.FindStringSubmatch(ref); f != nil && g.id() == "malpedia" {
			addID(r, intel.ExternalID{Issuer: "malpedia", ID: f[1], URL: ref})
		}
		if !strings.Contains(ref, "://") {
			r.References = append(r.References, intel.Reference{Title: sample(ref)})
			continue
		}
		r.References = append(r.References, intel.Reference{URL: ref, Date: refdate.OfURL(ref, d.bound)})
	}
}

// mirrors are the galaxies whose uuids are those of ATT&CK's objects.
var mirrors = map[string]string{
	"mitre-intrusion-set": "intrusion-set--", "mitre-malware": "malware--", "mitre-tool": "tool--",
	"mitre-enterprise-attack-intrusion-set": "intrusion-set--", "mitre-enterprise-attack-malware": "malware--",
	"mitre-enterprise-attack-tool": "tool--", "mitre-mobile-attack-intrusion-set": "intrusion-set--",
	"mitre-mobile-attack-malware": "malware--", "mitre-mobile-attack-tool": "tool--", "mitre-ics-groups": "intrusion-set--",
}

// firstTidalID is the number of the first of Tidal's own groups, which look like
// ATT&CK's: G3014.
const firstTidalID = 3000

// sameAs states what a mirror mirrors: ATT&CK's object; the group that Tidal
// takes from ATT&CK; the row of Microsoft's table of names.
func sameAs(r *intel.Record, g *galaxy, m meta) {
	for _, id := range m.all("external-id") {
		if prefix := mirrors[g.id()]; prefix != "" {
			addID(r, naming.ATTACK(id))
		}
	}
	if prefix := mirrors[g.id()]; prefix != "" {
		r.Links = append(r.Links, intel.Link{Relation: intel.Same, To: intel.Ref{Publisher: intel.MitreAttack, Key: prefix + r.Key}, Kind: r.Kind})
	}
	for _, id := range m.all("group-attack-id", "software-attack-id") {
		if n, err := strconv.Atoi(strings.TrimLeft(id, "GS")); err != nil || n >= firstTidalID {
			addID(r, intel.ExternalID{Issuer: "tidal-cyber", ID: id})
			continue
		}
		addID(r, naming.ATTACK(id))
		r.Links = append(r.Links, intel.Link{Relation: intel.Same, ID: naming.ATTACK(id), Kind: r.Kind})
	}
	if g.id() == "microsoft-activity-group" {
		for _, ref := range m.all(keysRefs...) {
			if strings.HasSuffix(ref, "/MicrosoftMapping.json") {
				r.Links = append(r.Links, intel.Link{Relation: intel.Same, To: intel.Ref{Publisher: intel.MicrosoftNaming, Key: r.Title}, Kind: r.Kind})
				break
			}
		}
	}
}

// relations maps the types of related entries. The others, and those that run
// the other way (used-by), are Related with the type as text.
var relations = map[string]intel.Relation{
	"similar": intel.Similar, "similar-to": intel.Similar, "same-as": intel.Same, "uses": intel.Uses, "deploys": intel.Uses,
	"overlaps": intel.Overlaps, "overlaps-with": intel.Overlaps, "part-of": intel.PartOf, "subset-of": intel.PartOf,
	"revoked-by": intel.RevokedBy, "attributed-to": intel.AttributedTo,
}

// related maps related entries to links. The other end is known by its uuid
// alone; see [Decode].
func related(entries []wireRelated) []intel.Link {
	var out []intel.Link
	seen := make(map[intel.Ref]map[string]bool)
	for _, e := range entries {
		to := intel.Ref{Key: strings.ToLower(strings.TrimSpace(string(e.Dest)))}
		typ := strings.ToLower(strings.TrimSpace(string(e.Type)))
		if to.Key == "" || seen[to][typ] {
			continue
		}
		if seen[to] == nil {
			seen[to] = make(map[string]bool)
		}
		seen[to][typ] = true
		l := intel.Link{Relation: intel.Related, To: to}
		if known := relations[typ]; known != "" {
			l.Relation = known
		} else {
			l.Text = strings.ReplaceAll(typ, "-", " ")
		}
		out = append(out, l)
	}
	return out
}
