package observable

import (
	"strconv"
	"strings"
)

// A Reason says why a value was refused. Runs count rejected values by it, so the strings are stable.
type Reason string

// The reasons.
const (
	Empty        Reason = "empty"
	TooLong      Reason = "too-long"
	NotUTF8      Reason = "not-utf8"
	Private      Reason = "private"     // an address of a private network
	Reserved     Reason = "reserved"    // documentation, loopback, multicast, link-local, unspecified, CGNAT; names such as .local
	TooBroad     Reason = "too-broad"   // a network with a prefix so short that it says nothing
	Placeholder  Reason = "placeholder" // the hash of nothing, all zeros, "n/a"
	NoDot        Reason = "no-dot"      // a host of one label
	BadLabel     Reason = "bad-label"   // a name with an empty or overlong label, or a character that no name has
	BadTLD       Reason = "bad-tld"     // the last label cannot be a top-level domain
	UnknownTLD   Reason = "unknown-tld" // the last label could be one, and is not
	BadAddress   Reason = "bad-address" // no address, or one in an ambiguous notation such as leading zeros
	BadPort      Reason = "bad-port"
	BadURL       Reason = "bad-url"
	BadEmail     Reason = "bad-email"
	BadLength    Reason = "bad-length"    // a hash of another length
	BadCharacter Reason = "bad-character" // a hash or key with a character that it cannot have
	WrongKind    Reason = "wrong-kind"    // an address where a name is expected, and the like
	UnknownKind  Reason = "unknown-kind"
	Unrecognised Reason = "unrecognised" // not the form of any kind
)

// An Error reports a value that is no observable, or not of the kind asked for.
type Error struct {
	Input  string // as given, cut to a length that can be shown
	Reason Reason
	Detail string // may be empty
}

func (e *Error) Error() string {
	s := "observable " + strconv.Quote(e.Input) + ": " + string(e.Reason)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// fault is an Error in the making. It costs nothing to return, so Find can try and fail millions of times.
type fault struct {
	reason Reason // "" means that all is well
	detail string
}

func (f fault) bad() bool { return f.reason != "" }

func (f fault) of(input string) *Error {
	const shown = 120
	if len(input) > shown {
		input = strings.ToValidUTF8(input[:shown], "") + "…"
	}
	// A long-lived error must not keep alive the feed that the value was cut from.
	return &Error{Input: strings.Clone(input), Reason: f.reason, Detail: f.detail}
}
