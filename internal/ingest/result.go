package ingest

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

// A Result is what an import did.
type Result struct {
	Run      *intel.Run   `json:"run"`
	Files    []FileResult `json:"files"`
	Profiles Effect       `json:"profiles"`
	Guards   int          `json:"guards,omitempty"` // lists of guards new or changed
}

// Effect is what an import changed in what is served.
type Effect struct {
	Written int `json:"written"` // profiles new or changed
	Gone    int `json:"gone"`
	// Indicators is how many were computed anew.
	Indicators int `json:"indicators"`
}

// A FileResult is what became of one file.
type FileResult struct {
	Path     string           `json:"path"`
	Format   string           `json:"format,omitempty"` // "" if it was not recognised
	Datasets []intel.Dataset  `json:"datasets,omitempty"`
	Counts   intel.Counts     `json:"counts"`
	Rejected []RejectedReason `json:"rejected,omitempty"`
	Unmapped []UnmappedWord   `json:"unmapped,omitempty"` // most frequent first
	Notes    []string         `json:"notes,omitempty"`
	Error    string           `json:"error,omitempty"` // the file could not be read to its end: nothing of it was kept
	Skipped  string           `json:"skipped,omitempty"`
}

// A RejectedReason counts what was not taken for one reason.
type RejectedReason struct {
	Reason   string         `json:"reason"`
	Count    int            `json:"count"`
	Examples []intel.Reject `json:"examples"`
}

// An UnmappedWord counts the records of a file that have a word for origin or
// target that is not in the vocabulary. See [profile.Unmapped].
type UnmappedWord struct {
	profile.Word
	Count int `json:"count"`
}

// maxUnmapped is how many different words are kept of a file.
const maxUnmapped = 1000

// unmapped counts the words of records that no vocabulary has.
func unmapped(records []*intel.Record) []UnmappedWord {
	counts := map[profile.Word]int{}
	for _, r := range records {
		for _, w := range profile.Unmapped(r) {
			counts[w]++
		}
	}
	out := make([]UnmappedWord, 0, len(counts))
	for w, n := range counts {
		out = append(out, UnmappedWord{w, n})
	}
	slices.SortFunc(out, func(a, b UnmappedWord) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
	})
	return out[:min(len(out), maxUnmapped)]
}

// maxExamples is how many examples are kept of a reason, and maxReasons how
// many reasons of a file; what goes beyond is counted together.
const (
	maxExamples = 3
	maxReasons  = 50
	otherReason = "other reasons"
)

// rejects gathers what was not taken.
type rejects struct {
	total   int
	reasons map[string]*RejectedReason
}

func (r *rejects) add(x intel.Reject) {
	r.total++
	if r.reasons == nil {
		r.reasons = map[string]*RejectedReason{}
	}
	key := x.Reason
	if _, ok := r.reasons[key]; !ok && len(r.reasons) >= maxReasons {
		key = otherReason
	}
	c, ok := r.reasons[key]
	if !ok {
		c = &RejectedReason{Reason: key}
		r.reasons[key] = c
	}
	c.Count++
	if len(c.Examples) < maxExamples {
		c.Examples = append(c.Examples, x)
	}
}

// list returns the reasons, most frequent first.
func (r *rejects) list() []RejectedReason {
	var out []RejectedReason
	for _, c := range r.reasons {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b RejectedReason) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return out
}

// Changed reports whether the import altered any claim.
func (r *Result) Changed() bool {
	c := r.Run.Counts
	return r.Guards+c.Records.New+c.Records.Changed+c.Records.Gone+c.Indicators.New+c.Indicators.Changed+c.Indicators.Gone+c.Articles.New+c.Articles.Changed+c.Patterns.New+c.Patterns.Changed > 0
}

// Failed returns the files that could not be read.
func (r *Result) Failed() []FileResult {
	var out []FileResult
	for _, f := range r.Files {
		if f.Error != "" {
			out = append(out, f)
		}
	}
	return out
}

// addRejected adds the reasons of a file to those of a run, of which at most
// maxReasons are kept.
func addRejected(have []intel.RejectCount, more []RejectedReason) []intel.RejectCount {
	have = slices.Clone(have)
	for _, m := range more {
		reason := m.Reason
		i := slices.IndexFunc(have, func(r intel.RejectCount) bool { return r.Reason == reason })
		if i < 0 && len(have) >= maxReasons {
			reason = otherReason
			i = slices.IndexFunc(have, func(r intel.RejectCount) bool { return r.Reason == reason })
		}
		if i < 0 {
			have, i = append(have, intel.RejectCount{Reason: reason}), len(have)
			if len(m.Examples) > 0 {
				have[i].Example = m.Examples[0]
			}
		}
		have[i].Count += m.Count
	}
	slices.SortStableFunc(have, func(a, b intel.RejectCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return have
}
