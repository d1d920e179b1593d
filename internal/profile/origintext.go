package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// origin is where the profile comes from, as far as stated, and how it came to
// be known.
func (t *teller) origin(p *page) {
	p.section("Origin and discovery")
	var s []string
	if d := t.activity(); !d.Value.IsZero() {
		s = append(s, t.activeSince(d))
	} else if d := t.d.FirstActive.Value; d.Basis == intel.BasisIndicator {
		s = append(s, sentence("The oldest dated indicator linked to it is from ", when(d)))
	}
	claims := t.originClaims()
	if d := t.activity(); len(s) == 1 && len(claims) > 0 && d.Value.Basis != intel.BasisCampaign {
		// One source, one sentence.
		by := upper(and(t.publishers([]intel.Ref{d.From})))
		if rest, ok := strings.CutPrefix(claims[0], by+" attributes"); ok && by != "" {
			s[0] = sentence(by, " has it active ", since(d.Value), " and attributes", rest)
			claims = claims[1:]
		}
	}
	s = append(s, claims...)
	if r, ok := t.earliestReference(); ok && len(t.events(discovery)) == 0 {
		s = append(s, r)
	}
	p.para(s...)
	for _, e := range t.events(discovery) {
		p.item(e)
	}
}

// activeSince says who has it active, or in use, since when.
func (t *teller) activeSince(d intel.Sourced[intel.Date]) string {
	if d.Value.Basis == intel.BasisCampaign {
		return sentence("The earliest campaign attributed to it began ", in(d.Value))
	}
	by := and(t.publishers([]intel.Ref{d.From}))
	use := "active"
	if !t.actor() {
		use = "in use"
	}
	if by == "" {
		return sentence("It is reported as ", use, " ", since(d.Value))
	}
	return sentence(t.vary("dated",
		by+" has it "+use+" "+since(d.Value),
		by+" reports it "+use+" "+since(d.Value),
		"it has been "+use+" "+since(d.Value)+", according to "+by))
}

// originClaims says which source attributes the profile to which country.
func (t *teller) originClaims() []string {
	type claim struct {
		country string
		by      []string // "the MISP galaxy, with a confidence of 50 percent"
		sure    []string
	}
	var claims []claim
	for _, o := range t.d.Origins {
		country := t.countryClaim(o.Value.Country)
		i := slices.IndexFunc(claims, func(c claim) bool { return c.country == country })
		if i < 0 {
			i = len(claims)
			claims = append(claims, claim{country: country})
		}
		c := &claims[i]
		by := and(t.publishers([]intel.Ref{o.From}))
		if slices.Contains(c.by, by) {
			continue
		}
		c.by, c.sure = append(c.by, by), append(c.sure, "")
		switch n := o.Value.Confidence; {
		case o.Value.By != "":
			c.sure[len(c.sure)-1] = "citing " + t.esc(o.Value.By)
		case o.Value.Prose && n > 0 && n <= 50:
			c.sure[len(c.sure)-1] = "in guarded words"
		case !o.Value.Prose && n > 0 && n <= 100:
			c.sure[len(c.sure)-1] = fmt.Sprintf("with a confidence of %d percent", n)
		}
	}
	var s []string
	for i, c := range claims {
		clause := and(c.by) + verb(len(c.by), " attributes", " attribute") + " it to " + c.country
		if i > 0 {
			clause = and(c.by) + verb(len(c.by), " names", " name") + " " + c.country
		}
		var sure []string
		for j, x := range c.sure {
			if x != "" && len(c.by) > 1 {
				x = c.by[j] + " " + x
			}
			if x != "" {
				sure = append(sure, x)
			}
		}
		if len(sure) > 0 {
			clause += ", " + strings.Join(sure, ", ")
		}
		s = append(s, sentence(clause))
	}
	return s
}

// earliestReference is the oldest dated document that the sources cite.
func (t *teller) earliestReference() (string, bool) {
	var oldest *intel.Reference
	for i := range t.d.References {
		r := &t.d.References[i].Value
		if plausible(r.Date.At) && clean(r.Title) != "" && (oldest == nil || r.Date.At < oldest.Date.At) {
			oldest = r
		}
	}
	if oldest == nil {
		return "", false
	}
	return sentence("The oldest dated document among the references is ", t.link(*oldest), ", of ", when(oldest.Date)), true
}

// link prints a reference as a Markdown link, or as its title where the address
// is none of the web.
func (t *teller) link(r intel.Reference) string {
	url := strings.TrimSpace(r.URL)
	if !webLink.MatchString(url) {
		return "“" + t.esc(r.Title) + "”"
	}
	url = strings.NewReplacer("(", "%28", ")", "%29").Replace(url)
	return "[" + t.esc(cmp.Or(clean(r.Title), hostOf(url))) + "](" + url + ")"
}

// hostOf returns the host of a web address, without www.
func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return cmp.Or(strings.TrimPrefix(host, "www."), "source")
}
