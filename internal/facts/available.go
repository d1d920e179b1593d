package facts

import (
	"strings"

	"dossier/internal/intel"
)

var (
	customWords    = set("custom bespoke proprietary custom-built custom-made in-house custom-written custom-developed customized tailor-made custom-coded")
	commodityWords = set("commercial commercially-available commodity malware-as-a-service ransomware-as-a-service raas maas off-the-shelf crimeware")
	publicWords    = set("open-source publicly-available free freeware freely-available opensource built-in")
	asService      = set("malware-as-a-service ransomware-as-a-service maas raas loader-as-a-service stealer-as-a-service rat-as-a-service phishing-as-a-service malware-as-a service-as-a")
)

// availability says how attackers come by the tool, if the text does and no
// field has.
func (d *document) availability() {
	if d.r.Availability != "" {
		return
	}
	isTool := strings.HasPrefix(d.r.Key, "tool--")
	var custom, commodity, public, product bool
	for i := range d.sens {
		sen := &d.sens[i]
		if !sen.self {
			continue
		}
		from, to := nounPhrase(sen)
		// "X is an open-source tool": adjectives before the noun.
		for k := from; k < to; k++ {
			w := sen.l(k)
			switch {
			case customWords[w] && !oneOf(sen.l(k+1), "modular-", "protocol", "packer", "encryption", "variant", "version"):
				custom = custom || !many(sen)
			case commodityWords[w], sen.is(k, "commercially", "available"), sen.is(k, "off", "the", "shelf"):
				commodity = true
			case publicWords[w] && !derived(sen, k), sen.is(k, "open", "source") && !derived(sen, k), sen.is(k, "publicly", "available") && !derived(sen, k), sen.is(k, "publicly-available") && !derived(sen, k), sen.is(k, "freely", "available") && !derived(sen, k):
				public = true
			}
		}
		for k := range sen.tok {
			if !sen.mine(k) || !d.close(sen, k) {
				continue
			}
			w := sen.l(k)
			product = product || w == "legitimate" || w == "paid" || w == "licensed"
			switch {
			case sen.negated(k-4, k):
			case asService[w] && !oneOf(sen.l(k-1), "other") && d.offered(sen, k):
				commodity = true
			case (w == "sale" && oneOf(sen.l(k-1), "for", "on") || w != "sale") && oneOf(w, "sold", "sale", "rent", "rented", "marketed", "purchased", "purchase", "advertised") && d.offered(sen, k):
				commodity = true
			case sen.is(k, "commercially", "available") && toBe(sen, k), w == "cracked" && oneOf(sen.l(k+1), "versions", "version", "copies"):
				commodity = true
			case (sen.is(k, "publicly", "available") || sen.is(k, "freely", "available") || sen.is(k, "publicly-available")) && toBe(sen, k),
				sen.is(k, "available", "on", "github"), sen.is(k, "available", "online"),
				sen.is(k, "hosted", "on", "github"), sen.is(k, "freely", "distributed") && toBe(sen, k), sen.is(k, "open", "sourced") && toBe(sen, k), w == "open-sourced" && toBe(sen, k):
				public = true
			case sen.is(k, "packaged", "with", "windows"), sen.is(k, "built", "into", "windows"), sen.is(k, "component", "of", "the", "windows"), sen.is(k, "windows", "command-line", "utility"), sen.is(k, "windows", "utility"), sen.is(k, "included", "with", "windows"), sen.is(k, "included", "in", "windows"):
				public = true
			case sen.is(k, "exclusively", "by") && oneOf(sen.l(k-1), "used", "employed", "leveraged", "deployed") && !sen.any(0, k, "originally", "thought", "initially", "previously", "once") && !many(sen),
				w == "exclusive" && sen.l(k+1) == "to" && toBe(sen, k), w == "unique" && sen.l(k+1) == "to" && toBe(sen, k):
				custom = true
			}
		}
	}
	switch {
	case commodity:
		d.r.Availability = intel.Commodity
	case custom && !public:
		d.r.Availability = intel.Custom
	case public && !custom:
		d.r.Availability = intel.Public
	case isTool && !custom && !product:
		d.r.Availability = intel.Public
	}
}

// many reports whether the sentence names several users.
func many(sen *sentence) bool {
	for k := range sen.tok {
		if oneOf(sen.l(k), "multiple", "various", "several", "numerous", "many", "different") {
			for j := k + 1; j < k+5; j++ {
				if actorNouns[sen.l(j)] {
					return true
				}
			}
		}
	}
	return false
}

// derived reports that the adjective at k belongs to what the tool is made of:
// "a modified version of the open source".
func derived(sen *sentence, k int) bool {
	for j := k - 1; j >= max(0, k-8); j-- {
		switch sen.l(j) {
		case "version", "variant", "modified", "customized", "based", "fork", "from", "similar", "leveraging", "uses", "mix", "combination", "modification", "adaptation", "wrapper":
			return true
		}
	}
	return false
}

// toBe reports whether the words at k are the predicate of "is" or "are".
func toBe(sen *sentence, k int) bool {
	for j := k - 1; j >= max(0, k-3); j-- {
		if oneOf(sen.l(j), "is", "are", "was", "were", "been", "be", "and", "made") {
			return true
		}
	}
	return false
}

// close reports that no other tool stands between the record's mention and
// token k as what is spoken of.
func (d *document) close(sen *sentence, k int) bool {
	for j := max(0, sen.at+1); j < k; j++ {
		if sen.tok[j].ref == refOther && sen.tok[j].id != "" && sen.tok[j].id[0] == 'S' {
			return false
		}
		if oneOf(sen.l(j), "similar", "downloads", "downloaded", "delivers", "delivered", "deploys") || sen.is(j, "source", "code") || sen.l(j) == "originated" {
			return false
		}
	}
	return true
}

// offered reports that the tool itself is what is offered: a word of offering
// stands before token k, and no other ware or user in between.
func (d *document) offered(sen *sentence, k int) bool {
	if !sen.any(k-7, k, "offered", "is", "operates", "operated", "operating", "provided", "provides", "distributed", "sold", "run", "being", "been", "be", "available",
		"advertised", "marketed", "as", "operate", "developed", "under", "via", "through", "running", "offers", "are", "was", "uses") {
		return false
	}
	if asService[sen.l(k)] {
		return !sen.any(k-2, k, "by")
	}
	return !sen.any(k-6, k, "access", "stolen", "data", "credentials", "affiliates", "used", "by", "information")
}
