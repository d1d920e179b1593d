package intel

// A Run is one execution of an import or feed. It is kept whatever happens.
type Run struct {
	ID       string `json:"id"`
	Input    string `json:"input"` // as the user named it
	Started  Time   `json:"started"`
	Finished Time   `json:"finished,omitzero"`
	Files    int    `json:"files"`
	Counts   Counts `json:"counts"`
	Error    string `json:"error,omitempty"`
	// Rejected is what was not taken, most frequent reason first, at most [MaxReasons] of them.
	Rejected []Rejected `json:"rejected,omitempty"`
}

// MaxReasons is how many reasons are kept of a run.
const MaxReasons = 50

// Rejected counts what was not taken for one reason.
type Rejected struct {
	Reason   string   `json:"reason"`
	Count    int      `json:"count"`
	Examples []Reject `json:"examples"` // the first few
}

// Counts tell what became of what was read. Read is the sum of the others.
type Counts struct {
	Records    Tally `json:"records"`
	Indicators Tally `json:"indicators"`
}

// A Tally counts things of one sort. Read is the sum of the other four.
type Tally struct {
	Read      int `json:"read"`
	New       int `json:"new"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Rejected  int `json:"rejected"`
	// Gone counts what stood in an earlier release of a data set and not in
	// this one; it was not read.
	Gone int `json:"gone,omitempty"`
}

// Add adds o to t.
func (t *Tally) Add(o Tally) {
	t.Read += o.Read
	t.New += o.New
	t.Changed += o.Changed
	t.Unchanged += o.Unchanged
	t.Rejected += o.Rejected
	t.Gone += o.Gone
}
