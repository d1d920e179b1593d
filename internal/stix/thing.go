package stix

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// attackSource reports whether an external reference holds an ATT&CK id.
func attackSource(source string) bool {
	switch source {
	case "mitre-attack", "mitre-ics-attack", "mitre-mobile-attack":
		return true
	}
	return false
}

// thing makes the record of an object, without what only the whole file tells:
// publisher, marking, links, targets, the order of tactics.
func (b *builder) thing(typ string) any {
	w := &b.w
	title := strings.TrimSpace(unescape(w.name))
	if title == "" {
		b.note("", "no name", "")
		return nil
	}
	x := &thing{meta: b.meta(typ)}
	rec := &x.rec
	rec.Key, rec.Kind, rec.Title = x.id, kindOf(typ), title
	rec.Created, rec.Modified = x.created, x.modified
	rec.Revoked, rec.Deprecated = w.revoked, w.deprecated
	rec.Description, _ = clean(unescape(w.description))

	vendors := b.references(x)
	b.names(rec, vendors)

	if t := b.time("first_seen", w.firstSeen); t != 0 {
		rec.FirstActive = []intel.Date{stated(t, intel.BasisStated)}
	}
	rec.LastActive = stated(b.time("last_seen", w.lastSeen), intel.BasisStated)
	rec.Motives = b.sharedAll(append([][]byte{w.motive}, w.motives...))
	rec.Platforms = b.sharedAll(w.platforms)
	if rec.Kind == intel.Tool {
		rec.ToolTypes = b.toolTypes(typ)
	}
	if rec.Kind == intel.Technique {
		for _, p := range w.phases {
			if name := b.shared(p.name); attackSource(b.shared(p.chain)) && !slices.Contains(rec.Tactics, name) {
				rec.Tactics = append(rec.Tactics, name)
			}
		}
	}
	if typ == "intrusion-set" {
		x.tags = b.sharedAll(w.labels)
	}
	return x
}

// toolTypes returns what sort of tool it is. STIX 2.0 says so in labels, which
// in 2.1 are free tags; both may only repeat the type of the object.
func (b *builder) toolTypes(typ string) []string {
	words := b.w.toolTypes
	if len(b.w.specVersion) == 0 && len(words) == 0 {
		words = b.w.labels
	}
	types := b.sharedAll(words)
	return slices.DeleteFunc(types, func(s string) bool { return s == typ || s == "unknown" })
}

// references sorts external references into ids, cited documents, and notes on
// names; it returns the citations of each name.
func (b *builder) references(x *thing) map[string][]string {
	var names map[string][]string
	var ids uniq[intel.ExternalID]
	var refs uniq[intel.Reference]
	for _, r := range b.w.refs {
		source := b.shared(r.source)
		switch {
		case len(r.id) > 0:
			id := intel.ExternalID{Issuer: slug(source), ID: b.shared(r.id), URL: strings.TrimSpace(unescape(r.url))}
			if attackSource(source) {
				id.Issuer = intel.MitreAttack
				x.attack = true
			}
			ids.add(id)
		case len(r.url) == 0 && strings.Contains(string(r.description), citation):
			_, cited := clean(unescape(r.description))
			if names == nil {
				names = map[string][]string{}
			}
			names[source] = append(names[source], cited...)
		case len(r.url) > 0 || len(r.description) > 0:
			refs.add(b.reference(r))
		}
	}
	x.rec.IDs, x.rec.References = ids.list, refs.list
	return names
}

// names fills in the other names. The title gets an entry only if it is known
// who coined it; then its first assertion is the object's creation. Of an alias
// the object tells only that it holds now, as of its last change.
func (b *builder) names(rec *intel.Record, cited map[string][]string) {
	var all []document
	if cited != nil {
		for _, r := range b.w.refs {
			if source := b.shared(r.source); len(r.url) > 0 && cited[source] == nil {
				all = append(all, documentOf(source, unescape(r.description)))
			}
		}
	}
	if by := coinedBy(rec.Title, cited[rec.Title], all); by != "" {
		rec.Names = append(rec.Names, intel.Name{Value: rec.Title, CoinedBy: by, First: rec.Created, Last: rec.Modified})
	}
	for _, alias := range b.sharedAll(b.w.aliases) {
		if alias == rec.Title || intel.Placeholder(alias) {
			continue
		}
		rec.Names = append(rec.Names, intel.Name{
			Value: alias, CoinedBy: coinedBy(alias, cited[alias], all), First: rec.Modified, Last: rec.Modified,
		})
	}
}
