package observable

import (
	"strings"
	"unicode"
)

// The hives, by every name that they go by. Longer names come before their prefixes.
var hives = []struct{ name, canonical string }{
	{"hkey_local_machine", "HKEY_LOCAL_MACHINE"},
	{`registry\machine`, "HKEY_LOCAL_MACHINE"}, // as the kernel says
	{"hklm", "HKEY_LOCAL_MACHINE"},
	{"hkey_current_user", "HKEY_CURRENT_USER"},
	{"hkcu", "HKEY_CURRENT_USER"},
	{"hkey_classes_root", "HKEY_CLASSES_ROOT"},
	{"hkcr", "HKEY_CLASSES_ROOT"},
	{"hkey_users", "HKEY_USERS"},
	{`registry\user`, "HKEY_USERS"},
	{"hku", "HKEY_USERS"},
	{"hkey_current_config", "HKEY_CURRENT_CONFIG"},
	{"hkcc", "HKEY_CURRENT_CONFIG"},
	{"hkey_performance_data", "HKEY_PERFORMANCE_DATA"},
}

// canonicalRegistryKey returns a key with the full name of its hive and single backslashes. "Computer\" before the hive and
// PowerShell's colon behind it are dropped. The case of the rest stays as it was, though Windows does not heed it.
func canonicalRegistryKey(s string) (string, fault) {
	s, f := canonicalText(s)
	if f.bad() {
		return "", f
	}
	for strings.Contains(s, `\\`) {
		s = strings.ReplaceAll(s, `\\`, `\`)
	}
	s = strings.TrimSuffix(s, `\`)
	key := strings.TrimPrefix(s, `\`)
	if hasPrefixFold(key, `computer\`) {
		key = key[len(`computer\`):]
	}
	for _, h := range hives {
		if !hasPrefixFold(key, h.name) {
			continue
		}
		rest := key[len(h.name):]
		rest = strings.TrimPrefix(rest, ":")
		if rest == "" || rest[0] == '\\' {
			return trimmedKey(h.canonical + rest)
		}
	}
	return trimmedKey(s)
}

func trimmedKey(s string) (string, fault) {
	return canonicalText(strings.TrimRightFunc(s, func(r rune) bool { return r == '\\' || unicode.IsSpace(r) }))
}
