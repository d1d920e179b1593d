package observable

import "strings"

// cutScheme cuts before and after "://", if what is before has the form of a scheme.
func cutScheme(s string) (scheme, rest string, ok bool) {
	i := strings.Index(s, "://")
	if i <= 0 || i > 16 || classes[s[0]]&(letter|hexLetter) == 0 {
		return "", s, false
	}
	for j := 0; j < i; j++ {
		if classes[s[j]]&(alnum|dot) == 0 && s[j] != '+' && s[j] != '-' {
			return "", s, false
		}
	}
	return s[:i], s[i+3:], true
}

// schemes are those whose URLs name a host, with their default port or 0.
var schemes = map[string]int{
	"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ftps": 990, "sftp": 22, "scp": 22, "ssh": 22, "tftp": 69, "telnet": 23,
	"tcp": 0, "udp": 0, "tls": 0, "ssl": 0, "quic": 0, "kcp": 0, "grpc": 0, "smb": 445, "cifs": 445, "nfs": 2049, "webdav": 80,
	"ldap": 389, "ldaps": 636, "rmi": 1099, "iiop": 0, "dns": 53, "rdp": 3389, "vnc": 5900, "irc": 6667, "ircs": 6697, "xmpp": 5222,
	"gopher": 70, "git": 9418, "svn": 3690, "rtsp": 554, "rtmp": 1935, "mqtt": 1883, "mqtts": 8883, "amqp": 5672, "amqps": 5671,
	"redis": 6379, "rediss": 6379, "mongodb": 27017, "mysql": 3306, "postgres": 5432, "postgresql": 5432,
	"smtp": 25, "smtps": 465, "imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "sip": 5060, "sips": 5061,
	"socks": 1080, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080,
	"stratum": 0, "stratum+tcp": 0, "stratum+ssl": 0, "stratum+tls": 0, "stratum1+tcp": 0, "stratum1+ssl": 0, "stratum2+tcp": 0,
}

// knownScheme returns the scheme in lower case and its default port.
func knownScheme(s string) (scheme string, port int, ok bool) {
	switch s {
	case "http":
		return s, 80, true
	case "https":
		return s, 443, true
	}
	s = lowerASCII(s)
	port, ok = schemes[s]
	return s, port, ok
}

// isWeb reports whether browsers read URLs of the scheme by the laxer rules of the WHATWG.
func isWeb(scheme string) bool {
	switch scheme {
	case "http", "https", "ws", "wss", "ftp":
		return true
	}
	return false
}
