package resolve

import "dossier/internal/intel"

// Joins returns the keys by which an assignment ties a record to others: its
// reference, names, ids, UUID, the core of its title, the records that it is
// linked with as the same, and the profile ids that it gives or is remembered
// under (profileID is the ledger's, "" if it has none).
//
// Records without a key in common never bear on each other: of records that are
// closed under common keys, with those of the decisions about them
// ([Decision.Joins]), [Assign] makes the cells that it makes of all records. Only
// how many cite a document counts over all of them: see [Cites] and
// Input.Citing. A record without a profile of its own has no keys.
func Joins(r *intel.Record, profileID string) []string {
	if !r.Kind.HasProfile() {
		return nil
	}
	out := make([]string, 0, 8+len(r.Names))
	out = append(out, refJoin(r.Ref), idJoin(ProfileID(r.Ref)))
	if profileID != "" {
		out = append(out, idJoin(profileID))
	}
	if u := uuidOf(r.Key); u != "" {
		out = append(out, "u"+u)
	}
	name := func(s string) (folded string) {
		if folded = intel.NameKey(s); folded == "" || intel.Placeholder(s) {
			return ""
		}
		out = append(out, nameJoin(folded))
		return folded
	}
	if c := core(name(r.Title)); c != "" {
		out = append(out, "c"+c)
	}
	for _, n := range r.Names {
		if evidential(n.Relation) && !attackID.MatchString(n.Value) {
			name(n.Value)
		}
	}
	for id := range citedIDs(r) {
		out = append(out, "i"+id)
	}
	for _, l := range r.Links {
		switch l.Relation {
		case intel.Same, intel.Formerly, intel.RevokedBy:
			if l.To.Publisher != "" {
				out = append(out, refJoin(l.To))
			} else if u := uuidOf(l.To.Key); u != "" {
				out = append(out, "u"+u)
			}
		}
	}
	return out
}

// Joins returns the keys that a decision ties: a record that has one of them may
// come to bear on all that have another.
func (d *Decision) Joins() []string {
	var out []string
	for _, ref := range []intel.Ref{d.A, d.B} {
		switch {
		case ref.Publisher != "":
			out = append(out, refJoin(ref))
		case ref.Key != "":
			out = append(out, idJoin(ref.Key))
		}
	}
	if folded := intel.NameKey(d.Name); d.Verdict == Means && folded != "" {
		out = append(out, nameJoin(folded))
	}
	return out
}

// ProfileJoin returns the key that some member of the profile with the id has.
func ProfileJoin(id string) string { return idJoin(id) }

func refJoin(r intel.Ref) string    { return "r" + r.Publisher + "\x00" + r.Key }
func idJoin(id string) string       { return "p" + id }
func nameJoin(folded string) string { return "n" + folded }

// Cites returns the documents that a record cites, in the form in which they are
// counted, each once. Up to [MaxCiting] records may cite one; beyond that it
// says nothing of any.
func Cites(r *intel.Record) []string {
	if !r.Kind.HasProfile() {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for _, ref := range r.References {
		if d := document(ref.URL); d != "" && !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}
