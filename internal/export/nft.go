package export

import (
	"strings"

	"dossier/internal/observable"
)

// nftFormat is a file for nft -f (nft(8)): a table of its own, made anew in one
// transaction, whose sets hold what is dropped, and chains that drop it. Single
// addresses are in hash sets, each with a comment; networks in interval sets,
// which merge those that overlap, and comments stand on lines of their own.
var nftFormat = &Format{
	Name: "nftables", About: "nftables table that drops traffic with addresses and networks", MediaType: plainText, Extension: ".nft", Kinds: addressKinds,
	begin: func(out *output, o *Options) encoder {
		out.str("#!/usr/sbin/nft -f\n# ", ascii(o.Title, 100, plain), "\n", nftTable)
		return encode{each: func(i *Indicator) error {
			p, err := prefixOf(i.Observable.Value)
			if err != nil {
				return refusal("not an address")
			}
			set := "4"
			if p.Addr().Is6() {
				set = "6"
			}
			comment := cutBytes(i.comment(), maxNftComment)
			if i.Observable.Kind == observable.CIDR {
				out.str("# ", comment, "\nadd element inet dossier network", set, " { ", p.String(), " }\n")
				return nil
			}
			out.str("add element inet dossier address", set, " { ", p.Addr().String(), ` comment "`, comment, "\" }\n")
			return nil
		}}
	},
}

// maxNftComment is the longest comment of an element, NFTNL_UDATA_COMMENT_MAXLEN.
const maxNftComment = 128

func cutBytes(s string, n int) string { // of ASCII
	return strings.TrimRight(s[:min(len(s), n)], " ")
}

// The first line makes the table, so that the second can delete it whether or not
// it was there.
const nftTable = `table inet dossier
delete table inet dossier
table inet dossier {
	set address4 { type ipv4_addr; }
	set address6 { type ipv6_addr; }
	set network4 { type ipv4_addr; flags interval; auto-merge; }
	set network6 { type ipv6_addr; flags interval; auto-merge; }
	chain in {
		type filter hook input priority -10; policy accept;
		jump from
	}
	chain through {
		type filter hook forward priority -10; policy accept;
		jump from
		jump to
	}
	chain out {
		type filter hook output priority -10; policy accept;
		jump to
	}
	chain from {
		ip saddr @address4 counter drop
		ip saddr @network4 counter drop
		ip6 saddr @address6 counter drop
		ip6 saddr @network6 counter drop
	}
	chain to {
		ip daddr @address4 counter drop
		ip daddr @network4 counter drop
		ip6 daddr @address6 counter drop
		ip6 daddr @network6 counter drop
	}
}
`
