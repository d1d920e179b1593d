package lists

import (
	"encoding/hex"
	"math/bits"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"dossier/internal/observable"
)

// A rule is what one line of a block list, a zone or a set of a firewall says.
type rule struct {
	values []string // names, addresses, networks or URLs to block
	refuse string   // why it says of nothing that it is bad; "" together with no values: a line of the frame
}

// ruleOf reads a line of the formats in which resolvers, firewalls and browsers
// take what they block; ok is false if it is none of them:
//
//   - hosts files: "0.0.0.0 name name";
//   - filter lists of AdBlock Plus, AdGuard and uBlock: "||name^$options", "|address|";
//   - dnsmasq: "address=/name/name/0.0.0.0"; unbound: `local-zone: "name" always_nxdomain`; BIND: `zone "name" {…}`;
//   - response policy zones: "name CNAME .", "32.4.3.2.1.rpz-ip CNAME .";
//   - ipset, iptables, nginx, Apache, hosts.deny;
//   - ranges: "1.2.3.0 - 1.2.3.255", also with a name before, or levels behind, as eMule and PeerGuardian write them;
//   - rules of Suricata and Snort, for the addresses in their heads and the names that they look for;
//   - Tor's list of exits.
func ruleOf(line string) (rule, bool) {
	// What each form cannot do without is looked for first: most lines are none.
	first := line[0]
	switch {
	case first == '|', strings.HasPrefix(line, "@@"), isCosmetic(line):
		return filterRule(line)
	case first == '[' && strings.HasPrefix(line, "[Ad"), first == '$' && zoneFrame.MatchString(line), first == '@' && zoneFrame.MatchString(line):
		return rule{}, true
	case first == '/' && len(line) > 2 && strings.ContainsAny(line, `\^*[(`) && line[len(line)-1] == '/':
		return rule{refuse: "regular expression"}, true
	}
	if eq := strings.IndexByte(line, '='); eq > 0 && eq < 10 && strings.HasPrefix(line[eq:], "=/") {
		return dnsmasqRule(line[:eq], line[eq+2:])
	}
	if m := quotedName.FindStringSubmatch(line); m != nil {
		return resolverRule(m[1], m[2], line)
	}
	if r, ok := rangeRule(line); ok {
		return r, true
	}
	if detection.MatchString(line) {
		return detectionRule(line), true
	}
	fields := strings.Fields(line)
	if len(fields) < 2 {
		if name, options, ok := strings.Cut(line, "$"); ok && filterOptions.MatchString(options) && !strings.ContainsAny(name, "/|") {
			return filterRule("||" + name + "^$" + options)
		}
		return rule{}, false
	}
	if slices.Contains(sinks, fields[0]) {
		return hostsRule(fields[1:]), true
	}
	if r, ok := zoneRule(fields); ok {
		return r, true
	}
	return firewallRule(fields)
}

// isCosmetic reports rules of filter lists about what a page shows: name##selector,
// and with @, ?, $ or % between.
func isCosmetic(line string) bool {
	i := strings.IndexByte(line, '#')
	return i > 0 && i+1 < len(line) && strings.IndexByte("#@?$%", line[i+1]) >= 0
}

// sinks are the addresses to which a hosts file sends what it blocks, and those
// of the lines that every such file begins with.
var sinks = []string{"0.0.0.0", "127.0.0.1", "::", "::1", "0", "255.255.255.255", "fe80::1%lo0", "ff00::0", "ff02::1", "ff02::2", "ff02::3"}

var localNames = []string{"localhost", "localhost.localdomain", "localhost4", "localhost6", "local", "broadcasthost", "0.0.0.0", "localhost6.localdomain6", "localhost4.localdomain4"}

func hostsRule(names []string) rule {
	var r rule
	for _, n := range names {
		if strings.HasPrefix(n, "#") {
			break
		}
		if !slices.Contains(localNames, n) && !strings.HasPrefix(n, "ip6-") {
			r.values = append(r.values, n)
		}
	}
	return r
}

var filterOptions = regexp.MustCompile(`^[a-z0-9~=_|,.\-]+$`)

// filterRule reads a network rule of a filter list.
func filterRule(line string) (rule, bool) {
	switch {
	case strings.HasPrefix(line, "@@"):
		return rule{refuse: "exception of a filter list"}, true
	case line[0] != '|':
		return rule{refuse: "rule about what a page shows"}, true
	}
	body, options := line, ""
	if i := strings.LastIndexByte(line, '$'); i > 0 && filterOptions.MatchString(line[i+1:]) {
		body, options = line[:i], line[i+1:]
	}
	for o := range strings.SplitSeq(options, ",") {
		switch name, _, _ := strings.Cut(o, "="); name {
		case "badfilter":
			return rule{refuse: "exception of a filter list"}, true
		case "domain", "denyallow", "removeparam", "csp", "permissions", "header", "dnsrewrite":
			return rule{refuse: "rule for some sites or parts of pages only"}, true
		}
	}
	body = strings.TrimSuffix(strings.TrimSuffix(strings.TrimLeft(body, "|"), "|"), "*")
	body = strings.TrimPrefix(strings.TrimSuffix(body, "^"), "*.")
	if body == "" || strings.ContainsAny(body, "*^|") {
		return rule{refuse: "pattern with wildcards"}, true
	}
	return rule{values: []string{body}}, true
}

// dnsmasqRule reads what stands behind "address=/".
func dnsmasqRule(option, rest string) (rule, bool) {
	switch option {
	case "address", "server", "local", "ipset", "nftset":
	default:
		return rule{}, false
	}
	i := strings.LastIndexByte(rest, '/')
	if i < 0 {
		return rule{}, false
	}
	if to := rest[i+1:]; option == "server" && to != "" && to != "#" && !slices.Contains(sinks, to) {
		return rule{refuse: "names that are asked of another server"}, true
	}
	return rule{values: strings.Split(rest[:i], "/")}, true
}

var quotedName = regexp.MustCompile(`^(zone|local-zone:|local-data:)\s+"([^"\s]+)`)

func resolverRule(option, name, line string) (rule, bool) {
	if option == "local-zone:" && strings.Contains(line, "transparent") {
		return rule{refuse: "exception of a resolver"}, true
	}
	return rule{values: []string{name}}, true
}

// zoneFrame matches the lines of a zone file that name nothing to block.
var zoneFrame = regexp.MustCompile(`^(?:\$(?:TTL|ORIGIN|INCLUDE)\b|@\s)`)

// zoneRule reads a record of a response policy zone
// (draft-vixie-dnsop-dns-rpz): NAME [TTL] [IN] CNAME TARGET.
func zoneRule(fields []string) (rule, bool) {
	i := 1
	for i < len(fields)-1 && (fields[i] == "IN" || allDigits(fields[i])) {
		i++
	}
	if i+1 >= len(fields) && fields[0] != "NS" && fields[0] != "IN" {
		return rule{}, false
	}
	switch typ := strings.ToUpper(fields[min(i, len(fields)-1)]); {
	case fields[0] == "NS", fields[0] == "IN", typ == "SOA", typ == "NS":
		return rule{}, true
	case typ == "CNAME", (typ == "A" || typ == "AAAA") && i+1 < len(fields) && slices.Contains(sinks, fields[i+1]):
	default:
		return rule{}, false
	}
	switch target := strings.ToLower(fields[i+1]); target {
	case "rpz-passthru.", "rpz-tcp-only.":
		return rule{refuse: "exception of a response policy zone"}, true
	}
	name := strings.ToLower(strings.TrimSuffix(fields[0], "."))
	if at := strings.Index(name, ".rpz-"); at >= 0 {
		trigger, _, _ := strings.Cut(name[at+1:], ".")
		switch trigger {
		case "rpz-ip", "rpz-nsip":
			if network := triggerNetwork(name[:at]); network != "" {
				return rule{values: []string{network}}, true
			}
			return rule{refuse: "bad-address"}, true
		case "rpz-nsdname":
			return rule{values: []string{name[:at]}}, true
		}
		return rule{refuse: "rule about clients"}, true
	}
	return rule{values: []string{name}}, true
}

// triggerNetwork reads the network of an rpz-ip trigger: the length of the
// prefix, then the parts of the address from the last to the first; "zz" is "::".
func triggerNetwork(s string) string {
	parts := strings.Split(s, ".")
	slices.Reverse(parts[1:])
	address := strings.Join(parts[1:], ".")
	if len(parts) != 5 || slices.Contains(parts, "zz") {
		address = strings.ReplaceAll(strings.Join(parts[1:], ":"), "zz", "")
		if strings.HasPrefix(address, ":") || strings.HasSuffix(address, ":") {
			address = strings.Replace(":"+address+":", ":::", "::", 1)
			address = strings.TrimSuffix(strings.TrimPrefix(address, ":"), ":")
		}
	}
	a, err := netip.ParseAddr(address)
	n, nerr := strconv.Atoi(parts[0])
	if err != nil || nerr != nil {
		return ""
	}
	if p, err := a.Prefix(n); err == nil {
		return p.String()
	}
	return ""
}

// firewallRule reads the languages of packet filters and web servers.
func firewallRule(fields []string) (rule, bool) {
	value := func(i int) (rule, bool) {
		if i < len(fields) {
			return rule{values: []string{strings.TrimRight(fields[i], ";,")}}, true
		}
		return rule{}, false
	}
	switch word := strings.ToLower(fields[0]); word {
	case "add": // add SET 1.2.3.4 timeout 0
		return value(2)
	case "create", "flush", "exitnode", "published", "laststatus":
		return rule{}, true
	case "exitaddress":
		return value(1)
	case "deny": // deny 1.2.3.4; deny from 1.2.3.4
		if strings.EqualFold(fields[1], "from") {
			return value(2)
		}
		return value(1)
	case "require":
		if len(fields) > 3 && fields[1] == "not" && (fields[2] == "ip" || fields[2] == "host") {
			return value(3)
		}
	case "all:", "sshd:":
		return value(1)
	case "iptables", "ip6tables", "-a", "-i":
		for i, f := range fields[:len(fields)-1] {
			if f == "-s" || f == "-d" || f == "--source" || f == "--destination" {
				return value(i + 1)
			}
		}
		if word == "-a" && len(fields) >= 3 && !strings.HasPrefix(fields[2], "-") {
			return value(2) // -A SET 1.2.3.4, as ipset once wrote it
		}
	}
	return rule{}, false
}

// addressRange matches two IPv4 addresses with a hyphen between them, octets
// perhaps padded with zeros. What may stand before it ends in a colon, and
// what may follow begins with a comma.
var addressRange = regexp.MustCompile(`^(?:[^:]*:)?\s*(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\s*-\s*(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\s*(?:[,#;].*)?$`)

// maxNetworks is how many networks a range may fall into; the widest that are
// odd at both ends need 62.
const maxNetworks = 62

// rangeRule reads a range as the networks that make it up.
func rangeRule(line string) (rule, bool) {
	if strings.IndexByte(line, '-') < 7 {
		return rule{}, false
	}
	m := addressRange.FindStringSubmatch(line)
	if m == nil {
		return rule{}, false
	}
	first, err1 := netip.ParseAddr(unpadded(m[1]))
	last, err2 := netip.ParseAddr(unpadded(m[2]))
	if err1 != nil || err2 != nil || last.Less(first) {
		return rule{refuse: "bad-address"}, true
	}
	return rule{values: networks(asNumber(first), asNumber(last))}, true
}

func asNumber(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
}

// networks returns the fewest networks that hold the addresses from first to
// last and no others.
func networks(first, last uint64) []string {
	var out []string
	for first <= last && len(out) < maxNetworks {
		size := min(bits.TrailingZeros64(first|1<<32), bits.Len64(last-first+1)-1)
		a := netip.AddrFrom4([4]byte{byte(first >> 24), byte(first >> 16), byte(first >> 8), byte(first)})
		out = append(out, netip.PrefixFrom(a, 32-size).String())
		first += 1 << size
	}
	return out
}

// paddedAddress matches an address of which every octet has three digits, as
// DShield and eMule write them: decimal, not octal.
var paddedAddress = regexp.MustCompile(`^\d{3}\.\d{3}\.\d{3}\.\d{3}$`)

// unpadded returns an address without zeros before its octets, if it is written
// with three digits an octet throughout.
func unpadded(s string) string {
	if len(s) != 15 || s[0] != '0' && !strings.Contains(s, ".0") || !paddedAddress.MatchString(s) {
		return s
	}
	octets := strings.Split(s, ".")
	for i, o := range octets {
		n, _ := strconv.Atoi(o)
		octets[i] = strconv.Itoa(n)
	}
	return strings.Join(octets, ".")
}

// detection matches the head of a rule of Suricata or Snort.
var detection = regexp.MustCompile(`^(?:alert|drop|reject|block|log|pass)\s+[a-z0-9-]+\s+(\[[^\]]*\]|\S+)\s+(?:\[[^\]]*\]|\S+)\s+(?:->|<>|<-)\s+(\[[^\]]*\]|\S+)\s+(?:\[[^\]]*\]|\S+)\s*\(`)

// nameBuffer matches the look for a name in a rule's options: in what a client
// asks of DNS, in TLS's server name, or in HTTP's host.
var nameBuffer = regexp.MustCompile(`\b(?:dns[._]query|tls[._]sni|http[._]host)\s*;[^"]*?\bcontent:"([^"]+)"`)

func detectionRule(line string) rule {
	if strings.HasPrefix(line, "pass") {
		return rule{refuse: "exception of a rule set"}
	}
	var r rule
	m := detection.FindStringSubmatch(line)
	for _, side := range m[1:] {
		for a := range strings.SplitSeq(strings.Trim(side, "[]"), ",") {
			if a = strings.TrimSpace(a); a != "" && a[0] != '$' && a[0] != '!' && a != "any" {
				r.values = append(r.values, a)
			}
		}
	}
	for _, m := range nameBuffer.FindAllStringSubmatch(line, -1) {
		if name := strings.TrimPrefix(contentText(m[1]), "."); strings.Contains(name, ".") {
			r.values = append(r.values, name)
		}
	}
	if r.values == nil {
		r.refuse = "detection rule without a plain value"
	}
	return r
}

// contentText reads a content option: bytes in hexadecimal stand between bars.
func contentText(s string) string {
	parts := strings.Split(s, "|")
	for i := 1; i < len(parts); i += 2 {
		b, err := hex.DecodeString(strings.ReplaceAll(parts[i], " ", ""))
		if err != nil {
			return ""
		}
		parts[i] = string(b)
	}
	return strings.Join(parts, "")
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// looksLikeRules reports whether most of the first lines are rules that name
// something.
func looksLikeRules(head []byte) bool {
	rules, others := 0, 0
	for _, line := range headLines(head) {
		line = strings.TrimSpace(line)
		if line == "" || isComment(line) {
			continue
		}
		if _, err := observable.Parse(line); err == nil {
			others++
			continue
		}
		if r, ok := ruleOf(line); ok && (r.values != nil || r.refuse != "") {
			rules++
		} else if !ok {
			others++
		}
		if rules+others == 40 {
			break
		}
	}
	return rules > 0 && rules >= others
}

// isComment reports the lines that are comments in all formats of lists.
func isComment(line string) bool {
	switch line[0] {
	case '#', '!', ';':
		return true
	}
	return strings.HasPrefix(line, "//")
}
