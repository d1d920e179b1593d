package observable

import "strings"

// Defang returns the value for display, in a form that no program makes a link of: hxxps://evil[.]com/x, 1[.]2[.]3[.]4,
// user[at]evil[.]com. [ParseAs] of it gives o again. Kinds that lead nowhere are returned as they are.
func Defang(o Observable) string {
	switch o.Kind {
	case Domain, IPAddress, CIDR:
		return defangHost(o.Value)
	case IPPort:
		h, p := splitPort(o.Value)
		return defangHost(h) + ":" + p
	case Email:
		i := strings.LastIndexByte(o.Value, '@')
		return o.Value[:max(i, 0)] + "[at]" + defangHost(o.Value[i+1:])
	case URL:
		scheme, rest, ok := strings.Cut(o.Value, "://")
		if !ok {
			return o.Value
		}
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		begin := strings.LastIndexByte(rest[:end], '@') + 1
		h, p := splitPort(rest[begin:end])
		if p != "" {
			p = ":" + p
		}
		sep := "://"
		switch scheme {
		case "http", "https":
			scheme = "hxxp" + scheme[4:]
		case "ftp", "ftps":
			scheme = "fxp" + scheme[3:]
		default:
			sep = "[:]//"
		}
		return scheme + sep + rest[:begin] + defangHost(h) + p + rest[end:]
	}
	return o.Value
}

func defangHost(s string) string {
	inner := strings.Trim(s, "[]")
	v := strings.ReplaceAll(inner, ".", "[.]")
	v = strings.ReplaceAll(v, ":", "[:]")
	if len(inner) != len(s) {
		return "[" + v + "]"
	}
	return v
}
