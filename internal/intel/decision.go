package intel

import "encoding/json"

// A Decision is what a person says about who is who. It is kept as a [Claim] of
// field [FieldResolution], holds over every source, and can be withdrawn. It
// names records, so that another installation understands it.
type Decision struct {
	ID      string     `json:"id,omitempty"`
	Verdict Verdict    `json:"verdict"`
	A       RecordRef  `json:"a"`
	B       *RecordRef `json:"b,omitempty"`    // of merge and apart
	Name    string     `json:"name,omitempty"` // of means, as written
	Reason  string     `json:"reason"`
	By      string     `json:"by,omitempty"`
	Client  string     `json:"client,omitempty"`
	TLP     TLP        `json:"tlp,omitempty"`
	Made    Time       `json:"made,omitzero"`

	Withdrawn Time `json:"withdrawn,omitzero"` // 0: it holds
}

// A RecordRef names a record; the title is for people, and decides nothing.
type RecordRef struct {
	Ref
	Title string `json:"title,omitempty"`
}

// A Verdict is what a decision states.
type Verdict string

// The verdicts.
const (
	Merge     Verdict = "merge" // the profiles of A and B are one
	KeepApart Verdict = "apart" // A and B are not the same, and never share a profile
	NameMeans Verdict = "means" // the name means the profile of A
)

// FieldResolution is the field of claims that hold a decision.
const FieldResolution = "resolution"

// ruling is the value of a claim that holds a decision.
type ruling struct {
	Verdict Verdict    `json:"verdict"`
	A       RecordRef  `json:"a"`
	B       *RecordRef `json:"b,omitempty"`
	Name    string     `json:"name,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

// Decision returns the decision that the claim holds; ok is false if it is a
// claim of another kind.
func (c *Claim) Decision() (d Decision, ok bool) {
	var r ruling
	if c.Field != FieldResolution || json.Unmarshal(c.Value, &r) != nil {
		return Decision{}, false
	}
	return Decision{
		ID: c.ID, Verdict: r.Verdict, A: r.A, B: r.B, Name: r.Name, Reason: r.Reason,
		By: c.Name, Client: c.Client, TLP: c.TLP, Made: c.Made, Withdrawn: c.Withdrawn,
	}, true
}

// Claim returns the decision as a claim about the profile with the id.
func (d *Decision) Claim(target string) (*Claim, error) {
	value, err := json.Marshal(ruling{d.Verdict, d.A, d.B, d.Name, d.Reason})
	return &Claim{
		ID: d.ID, Target: target, Field: FieldResolution, Action: Set, Value: value,
		TLP: d.TLP, Client: d.Client, Name: d.By, Made: d.Made, Withdrawn: d.Withdrawn,
	}, err
}

// Same reports whether two decisions state the same, whoever made them and when.
// The order of A and B makes no difference.
func (d *Decision) Same(o *Decision) bool {
	if d.Verdict != o.Verdict || NameKey(d.Name) != NameKey(o.Name) {
		return false
	}
	if d.B == nil || o.B == nil {
		return d.B == nil && o.B == nil && d.A.Ref == o.A.Ref
	}
	return d.A.Ref == o.A.Ref && d.B.Ref == o.B.Ref || d.A.Ref == o.B.Ref && d.B.Ref == o.A.Ref
}
