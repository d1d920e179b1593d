package intel

import (
	"fmt"
	"strings"
	"time"
)

// Time is a point in time in milliseconds since 1970-01-01T00:00:00Z. The zero
// value means "not stated". It is the only form in which times are compared,
// stored and printed, so a printed value always equals itself in a filter.
type Time int64

// TimeOf returns t truncated to milliseconds.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// Std returns the time in UTC; a zero Time gives the zero [time.Time].
func (t Time) Std() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// IsZero reports whether no time is stated.
func (t Time) IsZero() bool { return t == 0 }

// String prints the time as Graph does outside indicators: RFC 3339 in UTC,
// whole seconds unless there is a fraction, then three digits. A zero Time
// prints as the empty string.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	if t%1000 == 0 {
		return t.Std().Format("2006-01-02T15:04:05Z")
	}
	return t.Std().Format("2006-01-02T15:04:05.000Z")
}

// Millis prints the time with exactly three fraction digits, the form of
// indicator times.
func (t Time) Millis() string { return t.Std().Format("2006-01-02T15:04:05.000Z") }

// Day prints the date alone, 2006-01-02.
func (t Time) Day() string {
	if t == 0 {
		return ""
	}
	return t.Std().Format("2006-01-02")
}

// MarshalJSON writes the form of [Time.String], or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "" || s == "null" {
		*t = 0
		return nil
	}
	std, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("time %q: want RFC 3339", s)
	}
	*t = TimeOf(std)
	return nil
}

// Precision says how much of a date is stated. The rest of the value is the
// beginning of the period: a year is its first of January.
type Precision string

// The precisions, coarsest first.
const (
	Year  Precision = "year"
	Month Precision = "month"
	Day   Precision = "day"
	Exact Precision = "time"
)

// A Date is a point in time with its precision and the rung of the ladder of
// fallbacks that it comes from.
type Date struct {
	At        Time      `json:"at"`
	Precision Precision `json:"precision,omitempty"`
	Basis     Basis     `json:"basis,omitempty"`
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d.At == 0 }

// String prints only what is stated: 2014, 2014-05, 2014-05-02, or the time.
func (d Date) String() string {
	if d.At == 0 {
		return ""
	}
	switch d.Precision {
	case Year:
		return d.At.Std().Format("2006")
	case Month:
		return d.At.Std().Format("2006-01")
	case Exact:
		return d.At.String()
	}
	return d.At.Day()
}

// YearDate returns the first of January of a year, with precision Year.
func YearDate(year int, b Basis) Date {
	return Date{At: TimeOf(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)), Precision: Year, Basis: b}
}

// Basis names the rung of a date's ladder of fallbacks. It is served as the
// annotation dossier.dateBasis, so that nobody takes "imported then" for "seen
// then".
type Basis string

// The rungs for when a profile was first active, best first.
const (
	BasisStated    Basis = "stated"    // the source has a field for it
	BasisCampaign  Basis = "campaign"  // earliest first_seen of an attributed campaign
	BasisProse     Basis = "prose"     // "since at least 2007" in the source's description
	BasisIndicator Basis = "indicator" // earliest dated indicator
	BasisReference Basis = "reference" // earliest dated reference
	BasisCreated   Basis = "created"   // the source created its entry then
	BasisRelease   Basis = "release"   // the source's data set was released then
	BasisImport    Basis = "import"    // Dossier first heard of it then
)

// Further rungs for when an indicator was first seen; between BasisStated and
// BasisImport.
const (
	BasisEvent Basis = "event" // date of the event or report that has it
	BasisFile  Basis = "file"  // date of the file or commit that has it
)

// rungs orders every basis; a smaller number is better evidence.
var rungs = map[Basis]int{
	BasisStated: 0, BasisCampaign: 1, BasisProse: 2, BasisIndicator: 3, BasisReference: 4,
	BasisEvent: 5, BasisFile: 6, BasisCreated: 7, BasisRelease: 8, BasisImport: 9,
}

// Rung returns the place of b in the ladder: 0 is the best evidence.
func (b Basis) Rung() int {
	if n, ok := rungs[b]; ok {
		return n
	}
	return len(rungs)
}
