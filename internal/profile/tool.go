package profile

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// toolTypes returns the words for the sorts of tool, lower-case but for
// initials.
func (t *teller) toolTypes() []string {
	var out []string
	for _, s := range t.d.ToolTypes {
		if w := typeWord(s.Value); w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// typeWord returns a source's word for a sort of tool as one writes it in a
// sentence: STIX's open vocabulary of malware and tool types, MISP's words.
func typeWord(s string) string {
	w := strings.ToLower(strings.NewReplacer("-", " ", "_", " ").Replace(clean(s)))
	switch w {
	case "remote access trojan", "rat":
		return "remote access trojan"
	case "malware", "tool", "unknown", "software", "":
		return ""
	case "ddos":
		return "DDoS tool"
	case "bot":
		return "botnet client"
	case "resource exploitation":
		return "resource hijacker"
	case "banker":
		return "banking trojan"
	case "stealer", "information stealer", "infostealer", "info stealer":
		return "information stealer"
	case "rogue security software":
		return "rogue security software"
	case "credential exploitation":
		return "credential theft tool"
	case "information gathering":
		return "information-gathering tool"
	case "network capture":
		return "network capture tool"
	case "vulnerability scanning":
		return "vulnerability scanner"
	case "denial of service":
		return "denial-of-service tool"
	case "exploitation":
		return "exploitation tool"
	case "remote access":
		return "remote access tool"
	}
	return w
}

// isMalware reports whether some record or type says that the tool is made for
// attacks.
func (t *teller) isMalware() bool {
	for _, m := range t.f.members {
		if m.Kind == intel.Tool && (strings.HasPrefix(m.Key, "malware--") || strings.Contains(m.Publisher, "ransomware") ||
			strings.Contains(m.Publisher, "malpedia") || strings.Contains(m.Publisher, "backdoor") ||
			strings.Contains(m.Publisher, "botnet") || strings.Contains(m.Publisher, "stealer") ||
			strings.Contains(m.Publisher, "banker") || strings.HasSuffix(m.Publisher, "/rat")) {
			return true
		}
	}
	for _, s := range t.d.ToolTypes {
		switch w := typeWord(s.Value); {
		case strings.HasSuffix(w, "trojan"), strings.HasSuffix(w, "ware"), w == "backdoor", w == "wiper", w == "worm",
			w == "virus", w == "rootkit", w == "bootkit", w == "dropper", w == "information stealer", w == "botnet client":
			return true
		}
	}
	return false
}

// toolNoun says what the tool is: "custom backdoor", "commodity remote access
// trojan", "publicly available tool".
func (t *teller) toolNoun() string {
	noun := ""
	types := t.toolTypes()
	for i, w := range types {
		if w == "ransomware" && i > 0 {
			types[0], types[i] = types[i], types[0]
		}
	}
	switch {
	case len(types) > 0:
		noun = types[0]
	case t.isMalware():
		noun = "malware family"
	default:
		noun = "tool"
	}
	if noun == "ransomware" || noun == "adware" || noun == "spyware" || noun == "scareware" {
		noun += " family"
	}
	switch t.d.Availability.Value {
	case intel.Custom:
		return "custom " + noun
	case intel.Commodity:
		return "commodity " + noun
	case intel.Public:
		return "publicly available " + noun
	}
	return noun
}

// userNames returns the titles of the actors that use the tool, those known
// directly first.
func (t *teller) userNames() []string {
	var out, via []string
	for _, u := range t.d.Users {
		if u.Kind == intel.Campaign {
			continue
		}
		name := t.esc(u.Title)
		if u.Via != "" {
			via = append(via, name)
		} else {
			out = append(out, name)
		}
	}
	for _, v := range via {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// leadTool is the first sentence on a tool.
func (t *teller) leadTool(full bool) string {
	s := t.title() + " is " + a(t.esc(t.toolNoun()))
	if p := t.platforms(); p != "" && full {
		s += " for " + p
	}
	if c := t.sinceClause(); c != "" {
		return stop(s, t.vary("since", ", in use ", ", known ", ", in use "), c)
	}
	return stop(s)
}

func (t *teller) platforms() string {
	var out []string
	for _, p := range t.d.Platforms {
		out = append(out, t.esc(p))
	}
	return andMore(out, 4, "platform")
}

// secondTool is who uses the tool; else its other names; else how much there is.
func (t *teller) secondTool() string {
	if users := t.userNames(); len(users) > 0 {
		if len(users) == 1 {
			return sentence(t.vary("users", "It is used by ", "Its only known user is ", "It has been seen with "), users[0])
		}
		return sentence(t.vary("users", "It is used by ", "Known users include ", "Actors seen using it include "), t.usersList(users))
	}
	if s := t.namesSentence(3); s != "" {
		return s
	}
	return t.extent()
}

// usersList is a list of users that fits a sentence.
func (t *teller) usersList(users []string) string {
	if len(users) == 1 {
		return users[0]
	}
	return andMore(users, 4, "actor")
}
