package intel

import "dossier/internal/observable"

// An Observation is one observable with what one publisher says of it. A
// publisher may speak of the same observable many times, under different
// subjects; each time is evidence.
type Observation struct {
	Publisher  string
	Observable observable.Observable
	// Subjects are the records that the publisher ties the observable to;
	// none means that it names nobody.
	Subjects   []Ref
	FirstSeen  Date // zero: the importer supplies the last rungs of the ladder
	LastSeen   Time // zero: not stated
	ValidUntil Time // zero: not stated
	Confidence int8 // 1..100; 0 is not stated
	TLP        TLP
	Source     IndicatorSource
	Reference  string // URL of the document that has it, "" if none
	Context    string // short note of the source: a comment, a role such as "C2"
	Revoked    bool   // withdrawn by the source
	// Modified is when the publisher last touched the statement; of two
	// statements about the same thing the later decides Revoked, Confidence
	// and ValidUntil. Zero if not stated.
	Modified Time
}

// IndicatorSource is Graph's indicatorSource.
type IndicatorSource string

// The members of indicatorSource. The empty value is OSINT.
const (
	SourceMicrosoft IndicatorSource = "microsoft" // published by Microsoft itself
	SourceOSINT     IndicatorSource = "osint"
	SourcePublic    IndicatorSource = "public"
)
