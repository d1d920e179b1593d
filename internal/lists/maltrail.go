package lists

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
	"dossier/internal/observable"
	"dossier/internal/refdate"
)

var (
	maltrailPath = regexp.MustCompile(`(?:^|/)trails/(?:static|custom)/`)
	nobodyPath   = regexp.MustCompile(`(?:^|/)(?:suspicious|malicious)/[^/]+$`)

	maltrailNotice = regexp.MustCompile(`(?m)^# Copyright \(c\) \d{4}-\d{4} Maltrail`)
	copyright      = regexp.MustCompile(`Copyright \(c\) \d{4}-(\d{4}) Maltrail`)
	trailHeader    = regexp.MustCompile(`^#\s*(Aliases|MITRE|CERT-UA|Note)\s*:\s*(.*)$`)
	trailRef       = regexp.MustCompile(`^#\s*Ref[a-z]*\s*[:L]?\s+(https?://\S+)`)
	trailMoreRef   = regexp.MustCompile(`^#\s+(https?://\S+)\s*$`)
	trailComment   = regexp.MustCompile(`\s*#(?:\s| Copyright|$).*$`)
	attackPage     = regexp.MustCompile(`attack\.mitre\.org/(?:groups|software)/([GS]\d{4})`)
	uacID          = regexp.MustCompile(`UAC-\d{4}`)
	aliasNote      = regexp.MustCompile(`\s*\(?#?\s*https?://.*$|\s*\(#.*$`)
	cveID          = regexp.MustCompile(`(?i)^cve-\d{4}-\d+$`)
	pattern        = regexp.MustCompile(`[\\^$*{}|]|\[[^:\]]*-|\([^)]*$|^\(`)
)

// maxReferences is how many documents a record of Maltrail's cites. Each
// observation has its own besides.
const maxReferences = 256

// maltrail reads a file of trails. It is read twice: for the record, which
// stands first, and for the trails.
//
// The file is the record: its stem is the key, the name and the kind are made
// from it; aliases and ids come from comments. The second and further parts of
// a long file (apt_gamaredon-1) give no record of their own; their trails
// belong to the first.
//
// Comments that cite documents date the trails below them, down to the next
// such comment after a trail: the earliest date that an address tells counts.
func (d *decoder) maltrail() error {
	data, err := d.whole()
	if err != nil {
		return err
	}
	lines := strings.Split(string(data), "\n")
	for i, l := range lines {
		lines[i] = clean([]byte(l))
	}
	if d.o.NotAfter == 0 {
		for _, l := range lines[:min(len(lines), 10)] {
			if m := copyright.FindStringSubmatch(l); m != nil {
				year, _ := strconv.Atoi(m[1])
				d.bound = refdate.YearEnd(year)
			}
		}
	}
	name := stem(d.o.Path)
	d.set.Name, d.set.Snapshot = name, name != "" && name != "."
	owner := name
	if m := part.FindStringSubmatch(name); m != nil {
		owner = m[1]
	}
	kind := trailKind(owner)
	if nobodyPath.MatchString(slashed(d.o.Path)) || !d.set.Snapshot {
		kind = ""
	}
	r := d.trailRecord(owner, kind, lines)
	context := ""
	var subjects []intel.Ref
	if kind == "" {
		context = strings.ReplaceAll(name, "_", " ")
	} else {
		subjects = []intel.Ref{r.Ref}
		if owner == name {
			if err := d.sink.Record(r); err != nil {
				return err
			}
		}
	}
	return d.trails(lines, d.subjects(subjects...), context)
}

// trailRecord makes the record from a file's name and comments, and notes the
// newest date among its references as the release.
func (d *decoder) trailRecord(owner string, kind intel.Kind, lines []string) *intel.Record {
	r := &intel.Record{Ref: intel.Ref{Publisher: d.set.Publisher, Key: owner}, Kind: kind}
	var aliases, uacs []string
	cited := make(map[string]bool)
	for _, l := range lines {
		if !strings.HasPrefix(l, "#") && !strings.HasPrefix(l, " #") {
			continue
		}
		l = strings.TrimSpace(l)
		if ref := citation(l); ref != "" {
			date := refdate.OfURL(ref, d.bound)
			d.set.Released = max(d.set.Released, date.At)
			if !cited[ref] && isDocument(ref) && len(r.References) < maxReferences {
				cited[ref] = true
				r.References = append(r.References, intel.Reference{URL: ref, Date: date})
			}
			continue
		}
		m := trailHeader.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		switch m[1] {
		case "Aliases":
			for _, a := range strings.Split(m[2], ",") {
				aliases = append(aliases, strings.TrimSpace(a))
			}
		case "MITRE":
			for _, id := range attackPage.FindAllStringSubmatch(m[2], -1) {
				if want := "G"; kind == intel.Actor && !strings.HasPrefix(id[1], want) {
					continue // software that the actor uses
				}
				r.IDs = append(r.IDs, naming.ATTACK(id[1]))
			}
		case "CERT-UA":
			uacs = append(uacs, uacID.FindAllString(m[2], -1)...)
		}
	}
	n := nameOf(owner, aliases)
	r.Title = n.title
	if n.sort != "" && kind == intel.Tool {
		r.ToolTypes = []string{n.sort}
	}
	if n.platform != "" {
		r.Platforms = []string{n.platform}
	}
	if by := coinedBy(r.Title); by != "" && kind == intel.Actor {
		r.Names = append(r.Names, intel.Name{Value: r.Title, CoinedBy: by})
	}
	d.aliases(r, append(n.more, append(aliases, uacs...)...))
	return r
}

// aliases adds names, one for each spelling. A CVE among them is a link.
func (d *decoder) aliases(r *intel.Record, aliases []string) {
	seen := make(map[string]bool)
	for _, a := range aliases {
		a = aliasNote.ReplaceAllString(a, "")
		if seen[a] || strings.EqualFold(a, r.Title) {
			continue
		}
		seen[a] = true
		if cveID.MatchString(a) {
			r.Links = append(r.Links, intel.Link{Relation: intel.Related, ID: intel.ExternalID{Issuer: "cve", ID: strings.ToUpper(a)}})
			continue
		}
		reading := naming.Read(a)
		if reading.ID.ID != "" {
			r.IDs = append(r.IDs, reading.ID)
		}
		name := reading.Name
		if name.Value == "" {
			continue
		}
		if name.CoinedBy == "" && r.Kind == intel.Actor {
			name.CoinedBy = coinedBy(name.Value)
		}
		r.Names = append(r.Names, name)
	}
}

// citation returns the address that a comment cites, in all the spellings of
// "Reference" that occur, or "".
func citation(comment string) string {
	m := trailRef.FindStringSubmatch(comment)
	if m == nil {
		m = trailMoreRef.FindStringSubmatch(comment)
	}
	if m == nil {
		return ""
	}
	return strings.TrimRight(m[1], ").,;")
}

// isDocument reports whether an address is something to read, not a status or
// the page of a sample or an address, of which there are tens of thousands.
func isDocument(ref string) bool {
	for _, host := range []string{
		"twitter.com/", "x.com/", "virustotal.com/", "elfdigest.com/", "app.any.run/", "threatfox.abuse.ch/", "app.validin.com/",
		"shodan.io/", "tria.ge/", "pastebin.com/", "threatcrowd.org/", "urlhaus.abuse.ch/", "bazaar.abuse.ch/", "censys.io/", "myip.ms/",
		"joesandbox.com/", "hybrid-analysis.com/", "fofa.info/", "intezer.com/analy", "gist.github", "raw.githubusercontent.com/",
	} {
		if strings.Contains(ref, "//"+host) || strings.Contains(ref, "."+host) {
			return false
		}
	}
	return true
}

// trails gives the sink an observation for each trail.
func (d *decoder) trails(lines []string, subjects []intel.Ref, context string) error {
	o := intel.Observation{Publisher: d.set.Publisher, Subjects: subjects, Context: context}
	fresh := false // the comments above belong to the next trail
	for i, l := range lines {
		if i%1024 == 0 {
			if err := d.ctx.Err(); err != nil {
				return err
			}
		}
		l = strings.TrimSpace(l)
		if strings.HasPrefix(l, "#") {
			ref := citation(l)
			switch {
			case ref == "" && strings.HasPrefix(strings.ToLower(l), "# generic"):
				o.Reference, o.FirstSeen, fresh = "", d.fallback, true
			case ref == "":
			case !fresh:
				o.Reference, o.FirstSeen, fresh = ref, refdate.OfURL(ref, d.bound), true
			default:
				date := refdate.OfURL(ref, d.bound)
				if o.Reference == "" || !date.IsZero() && (o.FirstSeen.IsZero() || date.At < o.FirstSeen.At) {
					o.Reference, o.FirstSeen = ref, date
				}
			}
			continue
		}
		if l == "" {
			continue
		}
		fresh = false
		value := trailComment.ReplaceAllString(l, "")
		seen, why := trail(value)
		if why != "" {
			d.reject(i+1, why, l)
			continue
		}
		one := o
		one.Observable = seen
		if one.FirstSeen.IsZero() {
			one.FirstSeen = d.fallback
		}
		if err := d.sink.Observation(&one); err != nil {
			return err
		}
	}
	return nil
}

// trail returns the observable of a trail: a name, an address, either with a
// port or a path, a URL, a network, or a path alone. Maltrail's regular
// expressions are none.
func trail(s string) (observable.Observable, string) {
	parse := observable.Parse
	switch {
	case strings.HasPrefix(s, "/"):
		parse = func(s string) (observable.Observable, error) { return observable.ParseAs(observable.URLPath, s) }
	case strings.Contains(s, "://"):
	case pattern.MatchString(s):
		return observable.Observable{}, "regular expression"
	case !strings.ContainsAny(s, "/:@") && !isAddress(s):
		parse = func(s string) (observable.Observable, error) { return observable.ParseAs(observable.Domain, s) }
	}
	o, err := parse(s)
	if err != nil {
		return o, reason(err)
	}
	return o, ""
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
