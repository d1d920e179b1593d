package intel

// A Run is one execution of an import or feed. It is kept whatever happens.
type Run struct {
	ID       string `json:"id"`
	Feed     string `json:"feed,omitempty"` // name of the feed, "" for an import by hand
	Input    string `json:"input"`          // as the user named it
	Started  Time   `json:"started"`
	Finished Time   `json:"finished,omitzero"`
	Files    int    `json:"files"`
	Counts   Counts `json:"counts"`
	// Rejected tells why things were not taken, most frequent first.
	Rejected []RejectCount `json:"rejected,omitempty"`
	Bytes    int64         `json:"bytes,omitempty"` // fetched
	// Unchanged means that the source had nothing new since the last run.
	Unchanged bool   `json:"unchanged,omitempty"`
	Error     string `json:"error,omitempty"`
	// Broken means that the process ended in the middle of the run. What was
	// finished is kept, and the next run of the same source does the rest.
	Broken bool `json:"broken,omitempty"`
}

// A RejectCount counts what was not taken for one reason, with an example.
type RejectCount struct {
	Reason  string `json:"reason"`
	Count   int    `json:"count"`
	Example Reject `json:"example"`
}

// Counts tell what became of what was read. Read is the sum of the others.
type Counts struct {
	Records    Tally `json:"records"`
	Indicators Tally `json:"indicators"`
	Articles   Tally `json:"articles,omitzero"`
	Patterns   Tally `json:"patterns,omitzero"` // no plain values; kept as they are written
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
