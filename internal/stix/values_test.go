package stix

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

const (
	sumMD5    = "0123456789abcdef0123456789abcdef"
	sumSHA1   = sumMD5 + "01234567"
	sumSHA256 = sumMD5 + sumMD5
	sumSHA512 = sumSHA256 + sumSHA256
)

// found writes what a pattern gives: kind:value, with ~ where it counts only
// together with others, and {names} of files beside it; then what is skipped.
func foundIn(t *testing.T, pattern string) (values, skipped string) {
	t.Helper()
	p, err := ParsePattern(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	found, skips := observables(p)
	var vs, ss []string
	for _, v := range found {
		s := string(v.Kind) + ":" + v.Value
		if v.partial {
			s = "~" + s
		}
		if v.beside != nil {
			s += "{" + strings.Join(v.beside, ",") + "}"
		}
		vs = append(vs, s)
	}
	for _, s := range skips {
		ss = append(ss, s.reason)
	}
	return strings.Join(vs, " "), strings.Join(ss, "; ")
}

func TestHashNames(t *testing.T) {
	for _, tt := range []struct{ path, sum, want string }{
		{"file:hashes.MD5", sumMD5, "md5"},
		{"file:hashes.md5", sumMD5, "md5"},
		{"file:hashes.'MD5'", sumMD5, "md5"},
		{"file:hashes['MD5']", sumMD5, "md5"},
		{"file:hashes.'SHA-1'", sumSHA1, "sha1"},
		{"file:hashes.sha_1", sumSHA1, "sha1"},
		{"file:hashes.'SHA-256'", sumSHA256, "sha256"},
		{"file:hashes.SHA-256", sumSHA256, "sha256"},
		{"file:hashes.SHA256", sumSHA256, "sha256"},
		{"file:hashes.'sha 256'", sumSHA256, "sha256"},
		{"file:hashes.'SHA-512'", sumSHA512, "sha512"},
		{"artifact:hashes.MD5", sumMD5, "md5"},
		{"x509-certificate:hashes.'SHA-1'", sumSHA1, "sslCertificateSha1"},
		{"x509-certificate:hashes.SHA256", sumSHA256, "sslCertificateSha256"},
		{"file:hashes.MD5", sumSHA256, "sha256"}, // the length tells
		{"file:hashes.'SHA-256'", sumMD5, "md5"},
	} {
		got, skipped := foundIn(t, "["+tt.path+" = '"+strings.ToUpper(tt.sum)+"']")
		if got != tt.want+":"+tt.sum || skipped != "" {
			t.Errorf("%s: %s, skipped %q", tt.path, got, skipped)
		}
	}
	for _, tt := range []struct{ path, sum, reason string }{
		{"file:hashes.'SHA3-256'", sumSHA256, "no observable: hash sha3256"},
		{"file:hashes.SSDEEP", "3:x:y", "no observable: hash ssdeep"},
		{"x509-certificate:hashes.MD5", sumMD5, "no observable: hash md5"},
		{"x-thing:hashes.MD5", sumMD5, "no observable: x-thing hash"},
		{"file:hashes.MD5", "0123", "bad-length"},
		{"file:hashes.MD5", sumMD5[1:] + "g", "bad-character"},
		{"x509-certificate:hashes.'SHA-1'", sumMD5, "bad-length"}, // no other kind of certificate to be
		{"file:content_ref.hashes.MD5", sumMD5, "no observable: file:content_ref.hashes.md5"},
	} {
		if got, skipped := foundIn(t, "["+tt.path+" = '"+tt.sum+"']"); got != "" || skipped != tt.reason {
			t.Errorf("%s: %q, skipped %q, want %q", tt.path, got, skipped, tt.reason)
		}
	}
}

func TestValues(t *testing.T) {
	for _, tt := range []struct{ in, want, skipped string }{
		// Networks.
		{"[ipv4-addr:value = '8.8.8.8/32']", "ipAddress:8.8.8.8", ""},
		{"[ipv4-addr:value = '8.8.8.8/24']", "cidr:8.8.8.0/24", ""},
		{"[ipv6-addr:value ISSUBSET '2606:4700::/32']", "cidr:2606:4700::/32", ""},
		{"[ipv4-addr:value ISSUBSET '8.8.8.8']", "ipAddress:8.8.8.8", ""},
		{"[ipv4-addr:value ISSUPERSET '8.8.8.8/24']", "", "comparison ISSUPERSET"},
		{"[network-traffic:dst_ref.value ISSUBSET '8.8.4.0/24']", "cidr:8.8.4.0/24", ""},
		{"[network-traffic:src_ref.value = '8.8.4.0/24']", "cidr:8.8.4.0/24", ""},
		{"[domain-name:value ISSUBSET '8.8.4.0/24']", "", "comparison ISSUBSET"},
		{"[ipv4-addr:value = '10.0.0.0/8']", "", "private"},
		{"[network-traffic:dst_ref.value = '10.0.0.0/8']", "", "private"},
		{"[network-traffic:dst_ref.value = 'fe80::1']", "", "reserved"},
		{"[network-traffic:dst_ref.value = '8.8.8.8/33']", "", "bad-address"},
		{"[ipv4-addr:value IN ('8.8.8.8', '10.0.0.1', 5, '8.8.8.8')]", "ipAddress:8.8.8.8", "private; constant of type integer"},
		{"[ipv4-addr:value IN ()]", "", ""},

		// References of traffic.
		{"[network-traffic:dst_ref.value = '8.8.8.8' AND network-traffic:dst_port = '443']", "ipAddress:8.8.8.8 ipAddressPort:8.8.8.8:443", ""},
		{"[network-traffic:dst_ref.value = '2606:4700::1' AND network-traffic:dst_port = 443]", "ipAddress:2606:4700::1 ipAddressPort:[2606:4700::1]:443", ""},
		{"[network-traffic:dst_ref.value = '8.8.8.8' AND network-traffic:dst_port = 70000]", "ipAddress:8.8.8.8", ""},
		{"[network-traffic:dst_ref.value = '8.8.8.8' AND network-traffic:dst_port != 443]", "ipAddress:8.8.8.8", ""},
		{"[network-traffic:dst_ref.value = '8.8.8.8' AND network-traffic:dst_port > 443]", "ipAddress:8.8.8.8", ""},
		{"[network-traffic:dst_ref.value = '8.8.8.8' OR network-traffic:dst_port = 443]", "ipAddress:8.8.8.8", "no observable: network-traffic:dst_port"},
		{"[network-traffic:src_ref.value = '8.8.8.8' AND network-traffic:dst_port = 443]", "ipAddress:8.8.8.8", ""}, // the port is the victim's
		{"[network-traffic:src_ref.value = '8.8.8.8' AND network-traffic:dst_ref.value = '8.8.4.4' AND network-traffic:dst_port = 443]", "ipAddress:8.8.8.8 ipAddress:8.8.4.4 ipAddressPort:8.8.4.4:443", ""},
		{"[network-traffic:dst_ref.value = 'a.contoso.com' AND network-traffic:dst_port = 443]", "domain:a.contoso.com", ""},
		{"[domain-name:value = 'a.contoso.com' AND domain-name:resolves_to_refs[*].value = '8.8.8.8']", "domain:a.contoso.com ipAddress:8.8.8.8", ""},
		{"[network-traffic:extensions.'http-request-ext'.request_header.Host = 'a.contoso.com']", "domain:a.contoso.com", ""},
		{"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Heron/1.0']", "userAgent:Heron/1.0", ""},

		// Mail, files, the rest.
		{"[email-addr:value = 'a@b.contoso.com']", "emailAddress:a@b.contoso.com", ""},
		{"[email-message:sender_ref.value = 'a@b.contoso.com']", "emailAddress:a@b.contoso.com", ""},
		{"[email-message:to_refs[*].value = 'a@b.contoso.com']", "", "no observable: email-message:to_refs.value"}, // a victim
		{"[email-message:from_ref.value MATCHES '.+@contoso.com$']", "", "comparison MATCHES"},
		{"[file:hashes.MD5 = '" + sumMD5 + "' AND (file:name = 'a.exe' OR file:name = 'b.exe')]", "md5:" + sumMD5 + "{a.exe,b.exe}", ""},
		{"[file:name = 'a.exe' AND file:size = 5]", "~fileName:a.exe", ""}, // weak, but there is no better
		{"[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:\\\\x']", "~fileName:a.exe ~filePath:C:\\x", ""},
		{"[(file:name = 'a.exe' AND file:size = 5) OR mutex:name = 'Heron']", "~fileName:a.exe mutex:Heron", ""},
		{"[file:name = 'a.exe' AND file:hashes.MD5 = 'oops']", "~fileName:a.exe", "bad-character"},
		{"[mutex:name = 'Heron' AND file:name = 'a.exe']", "mutex:Heron{a.exe}", ""},

		// Negation.
		{"[domain-name:value <> 'a.contoso.com']", "", "negated comparison"},
		{"[domain-name:value NOT != 'a.contoso.com']", "", "negated comparison"}, // twice is not worth the risk
		{"[NOT EXISTS domain-name:value]", "", "negated comparison"},
		{"[ipv4-addr:value ISSUBSET '8.8.8.0/24' AND ipv4-addr:value != '8.8.8.8']", "cidr:8.8.8.0/24", "negated comparison"},
		{"[file:size != 5]", "", "no observable: file:size"},

		// A conjunction of nothing is one thing lost, alternatives are several.
		{"[process:name = 'a' AND process:command_line = 'b' AND file:size = 5]", "", "no observable: process:name"},
		{"[process:name = 'a' OR process:command_line = 'b']", "", "no observable: process:name; no observable: process:command_line"},

		// Separate observations.
		{"[domain-name:value = 'a.contoso.com'] OR [url:value = 'http://b.contoso.com/']", "domain:a.contoso.com url:http://b.contoso.com/", ""},
		{"[domain-name:value = 'a.contoso.com'] AND [domain-name:value = 'b.contoso.com']", "~domain:a.contoso.com ~domain:b.contoso.com", ""},
		{"([domain-name:value = 'a.contoso.com'] OR [domain-name:value = 'b.contoso.com']) FOLLOWEDBY [file:name = 'x']", "~domain:a.contoso.com ~domain:b.contoso.com ~fileName:x", ""},
		{"([domain-name:value = 'a.contoso.com'] AND [file:name = 'x']) OR [domain-name:value = 'a.contoso.com']", "domain:a.contoso.com ~fileName:x", ""}, // the surest of two
		{"[domain-name:value = 'a.contoso.com'] WITHIN 5 SECONDS REPEATS 2 TIMES", "domain:a.contoso.com", ""},
	} {
		if got, skipped := foundIn(t, tt.in); got != tt.want || skipped != tt.skipped {
			t.Errorf("%s:\n got %q, skipped %q\nwant %q, skipped %q", tt.in, got, skipped, tt.want, tt.skipped)
		}
	}
}

// TestBesideIsBounded: a pattern of many hashes beside many names costs what the
// hashes cost, not their product.
func TestBesideIsBounded(t *testing.T) {
	const n = 10_000
	var sums, names []string
	for i := range n {
		sums = append(sums, fmt.Sprintf("'%032x'", i+1))
		names = append(names, fmt.Sprintf("'%x'", i))
	}
	p, err := ParsePattern("[file:hashes.MD5 IN (" + strings.Join(sums, ",") + ") AND file:name IN (" + strings.Join(names, ",") + ")]")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found, _ := observables(p)
	runtime.ReadMemStats(&after)
	if len(found) != n || len(found[0].beside) != maxBeside {
		t.Errorf("%d values, %d names beside the first", len(found), len(found[0].beside))
	}
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 64 {
		t.Errorf("%d MiB", mib)
	}
}

// TestKnownPaths: every path of the table gives a value of its kind.
func TestKnownPaths(t *testing.T) {
	sample := map[string]string{
		"domain": "a.contoso.com", "ipAddress": "8.8.8.8", "url": "http://a.contoso.com/", "emailAddress": "a@b.contoso.com", "fileName": "a.exe",
		"filePath": `C:\a\b.exe`, "mutexName": "Heron", "mutex": "Heron", "registryKey": `HKLM\Software\Heron`, "userAgent": "Heron/1.0",
		"cryptocurrencyAddress": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "": "a.contoso.com",
	}
	for path, kind := range plainPaths {
		value, ok := sample[string(kind)]
		if !ok {
			t.Errorf("%s: no sample of kind %s", path, kind)
			continue
		}
		o, err := parseValue(kind, value)
		if err != nil || kind != hostOrAddress && o.Kind != kind {
			t.Errorf("%s: %v, %v", path, o, err)
		}
		typ, rest, _ := strings.Cut(path, ":")
		var keys []string
		for _, k := range strings.Split(rest, ".") {
			keys = append(keys, quote(k))
		}
		got, skipped := foundIn(t, "["+typ+":"+strings.Join(keys, ".")+" = "+quote(value)+"]")
		if !strings.HasPrefix(got, string(o.Kind)+":") || skipped != "" {
			t.Errorf("%s: %s, skipped %s", path, got, skipped)
		}
	}
}
