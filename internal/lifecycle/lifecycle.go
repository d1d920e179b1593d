// Package lifecycle judges how much an indicator is worth, and until when: its confidence from who says so, how it ages,
// and when it is dead. Everything is a pure function of the evidence and the time; nothing that it returns is ever
// edited. docs/lifecycle.md has the formulas with their sources, and [Explain] gives every term of one indicator.
//
// [Of] computes what is stored: the confidence of fresh evidence, and two points in time. [Life.At] is the confidence at
// a time, and "active" is a comparison of [Life.Until] with it, so a database can select by it.
package lifecycle

import (
	"cmp"
	"math"
	"slices"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/observable"
)

// Version changes when any evidence is judged otherwise, so that what is stored is computed again.
const Version = 1

// Floor is the confidence below which an indicator is not active. It is the threshold of MISP's own decaying models.
const Floor = 30

// Never is the end of what does not end: 9999-12-31T23:59:59Z.
const Never = intel.Time(253402300799000)

// Day is a day in milliseconds, the unit of [intel.Time].
const Day = intel.Time(24 * 60 * 60 * 1000)

// A Statement is what one publisher says of an observable under one subject.
type Statement struct {
	Publisher   string
	Reliability string // Admiralty code A..F, "" if not judged
	Rating      int    // the publisher's own, 1..100; 0: none
	First       intel.Date
	Last        intel.Time // 0: not stated
	ValidUntil  intel.Time // 0: not stated
	Modified    intel.Time // 0: not stated
	Revoked     bool
}

// A Case is all that is known of an indicator.
type Case struct {
	Kind       observable.Kind
	Statements []Statement // in any order
	Sighted    intel.Time  // when it was last met in the user's own data; 0: never
	Guard      guard.Policy
}

// A Life is what evidence amounts to, and how it ages. The zero value is that of no evidence.
type Life struct {
	Base  int        // confidence 0..100 while fresh
	From  intel.Time // from here it ages
	Until intel.Time // the last moment above [Floor]; [Never]; if it never is above, 0
}

// reliability is what a publisher's word is worth by itself. The Admiralty code's letters are as MISP's taxonomy
// "admiralty-scale" values them (100, 75, 50, 25, 0, 50), with the ends drawn in: nobody is always right, and if a source
// was never right, it would not be read.
var reliability = map[string]int{"A": 90, "B": 75, "C": 60, "D": 40, "E": 15, "F": 50}

// Reliability returns what the word of a publisher with an Admiralty code is worth, 0..100; one that is not judged is F.
func Reliability(code string) int {
	if r, ok := reliability[code]; ok {
		return r
	}
	return reliability["F"]
}

// An Ageing is how a kind of observable loses its worth: with the polynomial of MISP's decaying models,
// base · (1 − (t/lifetime)^(1/speed)).
type Ageing struct {
	Lifetime intel.Time // 0: it does not age
	Speed    float64    // 1: evenly; less: slowly at first; more: fast at first
}

// AgeingOf returns how a kind ages. An address changes hands within weeks, a name with its registration after a year, and the
// content of a file never.
func AgeingOf(k observable.Kind) Ageing {
	switch k {
	case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512:
		return Ageing{}
	case observable.IPAddress, observable.IPPort:
		return Ageing{120 * Day, 1}
	case observable.URL, observable.CIDR, observable.URLPath:
		return Ageing{180 * Day, 1}
	case observable.Domain, observable.Email:
		return Ageing{365 * Day, 0.5}
	case observable.JA3, observable.JA3S, observable.JARM, observable.CertSHA1, observable.CertSHA256, observable.UserAgent:
		return Ageing{730 * Day, 0.5}
	}
	return Ageing{1095 * Day, 0.5}
}

// span is how long a confidence stays above the floor.
func (a Ageing) span(base float64) intel.Time {
	if base <= Floor {
		return 0
	}
	return intel.Time(float64(a.Lifetime) * math.Pow(1-Floor/base, a.Speed))
}

// Of judges a case. Statements that their publishers withdrew count for nothing.
func Of(c Case) Life { return judge(c).Life }

// judged is a life with the terms that it was computed from.
type judged struct {
	Life
	voices   []voice
	together float64 // of all voices
	end      intel.Time
}

// A voice is what one publisher adds: its best statement.
type voice struct {
	publisher    string
	code         string
	rating       int
	worth, adds  float64
	first, until intel.Time
	from         intel.Time
}

func judge(c Case) (j judged) {
	j.voices = voices(c.Statements)
	if len(j.voices) == 0 {
		return j
	}
	doubt := 1.0
	for i := range j.voices {
		v := &j.voices[i]
		v.adds = v.worth / 100
		if i > 0 {
			v.adds /= 2 // publishers copy each other
		}
		before := doubt
		doubt *= 1 - v.adds
		v.adds = (before - doubt) * 100
	}
	j.together = 100 * (1 - doubt)
	base := j.together
	if c.Guard == guard.Demote {
		base /= 2
	}
	j.Base = int(math.Round(base))
	ageing := AgeingOf(c.Kind)
	for _, s := range c.Statements {
		if s.Revoked {
			continue
		}
		from := s.from()
		j.From = max(j.From, from)
		switch {
		case s.ValidUntil != 0:
			j.end = max(j.end, min(s.ValidUntil, Never))
		case ageing.Lifetime == 0:
			j.end = Never
		default:
			j.end = max(j.end, from+ageing.span(float64(j.Base)))
		}
	}
	if c.Sighted > j.From {
		// Met in one's own network: it lives, whatever was said of its end.
		j.From = c.Sighted
		if ageing.Lifetime == 0 {
			j.end = Never
		}
		j.end = max(j.end, c.Sighted+ageing.span(float64(j.Base)))
	}
	if j.Base > Floor {
		j.Until = j.end
	}
	return j
}

// from is when a statement was last true as far as it tells.
func (s *Statement) from() intel.Time {
	if s.Last != 0 {
		return max(s.Last, s.First.At)
	}
	return max(s.First.At, s.Modified)
}

// worth is what a statement is worth by itself: the mean of what its publisher is and of how sure that says to be.
func (s *Statement) worth() float64 {
	r := float64(Reliability(s.Reliability))
	if s.Rating > 0 {
		return (r + float64(min(s.Rating, 100))) / 2
	}
	return r
}

// voices returns the best statement of each publisher, the best first.
func voices(list []Statement) []voice {
	best := map[string]voice{}
	for i := range list {
		s := &list[i]
		if s.Revoked {
			continue
		}
		v := voice{publisher: s.Publisher, code: cmp.Or(s.Reliability, "F"), rating: s.Rating, worth: s.worth(), first: s.First.At, until: s.ValidUntil, from: s.from()}
		had, ok := best[s.Publisher]
		if !ok || v.worth > had.worth || v.worth == had.worth && v.from > had.from {
			if ok {
				v.first = min(v.first, had.first)
			}
			best[s.Publisher] = v
		}
	}
	out := make([]voice, 0, len(best))
	for _, v := range best {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b voice) int {
		return cmp.Or(cmp.Compare(b.worth, a.worth), cmp.Compare(a.publisher, b.publisher))
	})
	return out
}

// Active reports whether the indicator is alive at a time.
func (l Life) Active(now intel.Time) bool { return l.Until > now }

// At returns the confidence at a time, 0..100. It falls along the curve of the kind, stretched so that it meets [Floor]
// at Until, and is 0 where the curve ends.
func (l Life) At(k observable.Kind, now intel.Time) int {
	if l.Until == Never || now <= l.From {
		return l.Base
	}
	a := AgeingOf(k)
	if a.Lifetime == 0 {
		a = Ageing{Speed: 0.5} // a file that its source limits
	}
	lifetime := float64(a.Lifetime)
	if l.Until > l.From {
		lifetime = float64(l.Until-l.From) / math.Pow(1-Floor/float64(l.Base), a.Speed)
	} else if l.Base > Floor {
		return Floor // its source's limit was over when it was last seen
	}
	if lifetime <= 0 {
		return min(l.Base, Floor)
	}
	left := 1 - math.Pow(float64(now-l.From)/lifetime, 1/a.Speed)
	return int(math.Round(max(0, left) * float64(l.Base)))
}
