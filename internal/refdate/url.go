package refdate

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
)

// OfURL returns when the document at an address was published, as far as the
// address itself tells; otherwise the zero Date. The basis is BasisReference.
//
//   - A status of X or Twitter: ids made since November 2010 hold the time in
//     milliseconds.
//   - A pulse of OTX: its id is a MongoDB ObjectId and begins with the second.
//   - A day, month or year in the path: /2019/04/12/, /2019/04/, /2019-04-12,
//     /20190412, /2019/.
//
// A page of the Internet Archive is judged by the address that was archived,
// for the archive's own date says when somebody kept it.
func OfURL(address string, b Bound) intel.Date {
	host, path := split(address)
	for host == "web.archive.org" || host == "archive.org" {
		i := strings.Index(path, "/http")
		if i < 0 {
			return intel.Date{}
		}
		host, path = split(path[i+1:])
	}
	switch host {
	case "twitter.com", "x.com", "mobile.twitter.com", "fxtwitter.com", "vxtwitter.com", "nitter.net":
		return ofStatus(path, b)
	case "otx.alienvault.com":
		return ofPulse(path, b)
	case "virustotal.com", "app.any.run": // numbers in their paths are ids
		return intel.Date{}
	}
	return ofPath(path, b, intel.BasisReference)
}

// split returns the host in lower case without "www.", and the path without
// query and fragment.
func split(address string) (host, path string) {
	s := strings.TrimSpace(address)
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 && !strings.Contains(s[:i], "archive.org/") {
		s = s[:i]
	}
	host = s
	if i := strings.IndexByte(s, '/'); i >= 0 {
		host, path = s[:i], s[i:]
	}
	return strings.TrimPrefix(strings.ToLower(host), "www."), path
}

// Ids of statuses: 41 bits of milliseconds since twitterEpoch, then 22 bits of
// machine and sequence. Older ids were counted and hold no time.
const (
	twitterEpoch = 1288834974657
	firstTimedID = 29700859248
)

func ofStatus(path string, b Bound) intel.Date {
	_, id, ok := strings.Cut(path, "/status/")
	if !ok {
		if _, id, ok = strings.Cut(path, "/statuses/"); !ok {
			return intel.Date{}
		}
	}
	n, err := strconv.ParseUint(leadingDigits(id), 10, 64)
	if err != nil || n < firstTimedID || n>>63 != 0 {
		return intel.Date{}
	}
	return exact(time.UnixMilli(int64(n>>22)+twitterEpoch).UTC(), b, intel.BasisReference)
}

func leadingDigits(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return s[:i]
		}
	}
	return s
}

// ofPulse reads /pulse/5bb5e0d2a1f0c9….
func ofPulse(path string, b Bound) intel.Date {
	id, ok := strings.CutPrefix(path, "/pulse/")
	id, _, _ = strings.Cut(id, "/")
	if !ok || len(id) != 24 {
		return intel.Date{}
	}
	if _, err := strconv.ParseUint(id[8:], 16, 64); err != nil {
		return intel.Date{}
	}
	sec, err := strconv.ParseUint(id[:8], 16, 32)
	if err != nil {
		return intel.Date{}
	}
	return exact(time.Unix(int64(sec), 0).UTC(), b, intel.BasisReference)
}

var (
	slashed  = regexp.MustCompile(`/((?:19|20)\d\d)/(\d{1,2})(?:/(\d{1,2}))?(?:[/_-]|$)`)
	hyphened = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)\d\d)[-_.](\d\d)(?:[-_.](\d\d))?(?:[^0-9]|$)`)
	packed   = regexp.MustCompile(`(?:^|[/_. -])(20\d\d)(\d\d)(\d\d)(?:[/_. -]|$)`)
	yearOnly = regexp.MustCompile(`/((?:19|20)\d\d)/`)
)

// ofPath returns the first date in a path, the finest form first.
func ofPath(path string, b Bound, basis intel.Basis) intel.Date {
	for _, re := range []*regexp.Regexp{slashed, hyphened, packed, yearOnly} {
		m := re.FindStringSubmatch(path)
		if m == nil {
			continue
		}
		var n [3]int
		for i := range m[1:] {
			n[i], _ = strconv.Atoi(m[i+1])
		}
		if d := date(n[0], n[1], n[2], b, basis); !d.IsZero() {
			return d
		}
	}
	return intel.Date{}
}

// OfPath returns the date in the path of a file, such as
// "2024/2024-02-13 CharmingCypress/iocs.csv". A date in the last element that
// has one wins, and there must be at least a month: a folder named 2024 says
// too little.
func OfPath(path string, b Bound, basis intel.Basis) intel.Date {
	elements := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")
	for i := len(elements) - 1; i >= 0; i-- {
		for _, re := range []*regexp.Regexp{hyphened, packed} {
			if re.MatchString(elements[i]) {
				if d := ofPath(elements[i], b, basis); !d.IsZero() && d.Precision != intel.Year {
					return d
				}
			}
		}
	}
	return intel.Date{}
}
