package resolve

import (
	"sort"

	"dossier/internal/intel"
)

// A Partition says which records belong together. It is immutable and safe for
// concurrent use. Records that are in no cell are not served: withdrawn ones
// without successor, and mentions whose name means nothing certain.
type Partition struct {
	Cells []Cell // sorted by ID

	byRef       map[intel.Ref]int32 // record -> index in Cells
	byID        map[string]int32    // every id, canonical or former -> index in Cells
	names       map[string][]posting
	means       map[string]Decision // name key -> the decision that holds
	meansCell   map[string]int32
	suggestions []Suggestion
	unmet       []Unmet
	rankOf      map[string]int  // of the publishers that have records here
	guests      []*intel.Record // records with a claim on a profile that is not theirs
}

// A Cell is one profile: the records that belong to it.
type Cell struct {
	ID      string
	Kind    intel.Kind
	Founder intel.Ref // lowest publisher rank, then publisher and key, among the live members
	Members []Member  // in order of precedence: rank, publisher, key; live before withdrawn, mentions last
	Former  []string  // sorted: all other ids that resolve to this cell: superseded ones and those computed from each member
}

// A Member is a record with the reason why it is in its cell.
type Member struct {
	Record *intel.Record
	Reason Reason
}

// Rule names the rule by which a record is in a cell.
type Rule string

// The rules, strongest first.
const (
	RuleFounder      Rule = "founder"      // the cell is its own
	RuleAnalyst      Rule = "analyst"      // a person says so
	RuleRevokedBy    Rule = "revoked-by"   // its publisher replaced it by a member
	RuleSameAs       Rule = "same-as"      // a source links the two as the same
	RuleUUID         Rule = "uuid"         // the same object under the same UUID
	RuleExternalID   Rule = "external-id"  // it cites the issuer's id of a member
	RuleSupersession Rule = "supersession" // a curated source says that what it describes was superseded by a member
	RuleTitle        Rule = "title"        // the same title, with something that speaks for it
	RuleNames        Rule = "names"        // enough shared names
)

// A Reason says why a record is in a cell.
type Reason struct {
	Rule     Rule
	Evidence []Evidence // heaviest first
	Score    float64
	Text     string // one sentence without the final stop: "shares Fancy Bear, Sednit and 3 more names with mitre-attack G0007"
}

// Evidence is one thing that speaks for or against an assignment.
type Evidence struct {
	Kind   EvidenceKind
	Name   string    // as the assigned record writes it: a name, an id, a URL, a country
	By     intel.Ref // the member that states it too
	Weight float64   // negative: speaks against
	Weak   string    // why it counts less and never alone: "temporary id", "software name" …; "" if it does not
}

// EvidenceKind says what sort of thing agrees.
type EvidenceKind string

// The kinds of evidence.
const (
	ByName      EvidenceKind = "name"
	ByTitle     EvidenceKind = "title" // a name that is the title of both
	ByID        EvidenceKind = "id"
	ByLink      EvidenceKind = "link"
	ByReference EvidenceKind = "reference" // both cite a document that few others cite
	ByCountry   EvidenceKind = "country"
)

// CellOf returns the cell that holds the record.
func (p *Partition) CellOf(ref intel.Ref) (*Cell, bool) {
	i, ok := p.byRef[ref]
	if !ok {
		return nil, false
	}
	return &p.Cells[i], true
}

// ByID returns the cell that an id resolves to: its own, a superseded one, or
// one computed from any of its members.
func (p *Partition) ByID(id string) (*Cell, bool) {
	i, ok := p.byID[id]
	if !ok {
		return nil, false
	}
	return &p.Cells[i], true
}

// Unmet returns the decisions that could not be followed: they name records
// that are not there, or would change a lower level.
func (p *Partition) Unmet() []Unmet { return p.unmet }

// Remember returns the entries to add to the ledger: one for each live record
// that has a cell and no entry yet, in no order. Existing entries never change.
// Mentions and withdrawn records get none: they may have a cell at a restricted
// level only, and what is remembered of them would show below.
func (p *Partition) Remember(ledger map[intel.Ref]Entry, at intel.Time) map[intel.Ref]Entry {
	add := make(map[intel.Ref]Entry)
	for i := range p.Cells {
		for _, m := range p.Cells[i].Members {
			if _, known := ledger[m.Record.Ref]; !known && m.Record.Live() && !m.Record.Mention {
				add[m.Record.Ref] = Entry{p.Cells[i].ID, at}
			}
		}
	}
	return add
}

// index fills the look-up tables from Cells.
func (p *Partition) index() {
	sort.Slice(p.Cells, func(i, j int) bool { return p.Cells[i].ID < p.Cells[j].ID })
	p.byRef = make(map[intel.Ref]int32)
	p.byID = make(map[string]int32)
	for i := range p.Cells {
		c := &p.Cells[i]
		p.byID[c.ID] = int32(i)
		for _, id := range c.Former {
			p.byID[id] = int32(i)
		}
		for _, m := range c.Members {
			p.byRef[m.Record.Ref] = int32(i)
		}
	}
}
