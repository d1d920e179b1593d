package export

import (
	"net/netip"
	"strconv"
	"strings"

	"dossier/internal/observable"
)

// rpzFormat is a response policy zone (draft-vixie-dnsop-dns-rpz-00): names and
// all names below them do not exist, nor does an answer with one of the addresses.
// Owners are relative, so that the resolver names the zone.
var rpzFormat = &Format{
	Name: "rpz", About: "DNS response policy zone: names, and answers with addresses, do not exist", MediaType: "text/dns", Extension: ".rpz",
	Kinds: []observable.Kind{observable.Domain, observable.IPAddress, observable.CIDR},
	Dated: true,
	begin: func(out *output, o *Options) encoder {
		serial := uint32(o.Updated / 1000) // seconds fit until 2106, and go on in serial arithmetic (RFC 1982)
		out.str("$TTL 300\n@ SOA localhost. nobody.invalid. ", strconv.FormatUint(uint64(max(serial, 1)), 10), " 3600 600 604800 300\n@ NS localhost.\n",
			"; ", ascii(o.Title, 100, plain), "\n")
		return encode{each: func(i *Indicator) error {
			comment := " ; " + i.comment() + "\n"
			v := i.Observable.Value
			if i.Observable.Kind == observable.Domain {
				switch {
				case !plainName(v):
					return notPlain
				case len(v) > maxRPZName:
					return refusal("a name that is too long within a zone")
				case badLabels(v):
					return refusal("a name with a label that is empty or too long")
				}
				out.str(v, " CNAME .", comment, "*.", v, " CNAME .", comment)
				return nil
			}
			p, err := prefixOf(v)
			if err != nil {
				return refusal("not an address")
			}
			out.str(rpzAddress(p), ".rpz-ip CNAME .", comment)
			return nil
		}}
	},
}

// maxRPZName leaves room for "*." and a zone's name of 60 characters in the 253
// of a name.
const maxRPZName = 253 - 2 - 61

func badLabels(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return true
		}
	}
	return false
}

// prefixOf returns the network of an address or network.
func prefixOf(v string) (netip.Prefix, error) {
	if strings.Contains(v, "/") {
		p, err := netip.ParsePrefix(v)
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(v)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, refusal("not an address")
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// rpzAddress writes a network as the draft's section 4.1.1 has it: the length,
// then the bytes or words from the last to the first; "zz" is the longest run of zero words.
func rpzAddress(p netip.Prefix) string {
	bits := strconv.Itoa(p.Bits())
	if p.Addr().Is4() {
		a := p.Addr().As4()
		return bits + "." + itoa(int(a[3])) + "." + itoa(int(a[2])) + "." + itoa(int(a[1])) + "." + itoa(int(a[0]))
	}
	a := p.Addr().As16()
	var words [8]uint16
	for i := range words {
		words[i] = uint16(a[2*i])<<8 | uint16(a[2*i+1])
	}
	start, length := -1, 1 // one zero word is not shortened
	for i := 0; i < 8; i++ {
		n := 0
		for i+n < 8 && words[i+n] == 0 {
			n++
		}
		if n > length {
			start, length = i, n
		}
		i += n
	}
	b := []byte(bits)
	for i := 7; i >= 0; i-- {
		if start >= 0 && i == start+length-1 {
			b = append(b, ".zz"...)
			i = start
			continue
		}
		b = strconv.AppendUint(append(b, '.'), uint64(words[i]), 16)
	}
	return string(b)
}
