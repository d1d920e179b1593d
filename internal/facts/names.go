package facts

import (
	"strings"

	"dossier/internal/intel"
)

// join marks names, in place.
func (s *selves) join(sen *sentence) {
	out := sen.tok[:0]
	for i := 0; i < len(sen.tok); {
		t := sen.tok[i]
		n := 1
		switch {
		case t.id != "":
			if s.ids[t.id] {
				t.ref = refSelf
			}
		default:
			if k := s.nameAt(sen, i); k > 0 {
				n = k
				t.ref = refSelf
				if k > 1 {
					t.s = joined(sen.tok[i : i+k])
					t.l = strings.ToLower(t.s)
					t.poss = sen.tok[i+k-1].poss
				}
			} else if k := otherAt(sen, i); k > 0 {
				n = k
				t.ref = refOther
				if k > 1 {
					t.s = joined(sen.tok[i : i+k])
					t.l = strings.ToLower(t.s)
				}
			}
		}
		i += n
		if t.ref == refSelf && s.kind == intel.Actor && t.id == "" {
			next := ""
			if i < len(sen.tok) {
				next = sen.tok[i].l
			}
			if makesTool[next] || ransomware[next] && (i+1 >= len(sen.tok) || !makesActor[sen.tok[i+1].l]) {
				t.ref = refOther
			}
		}
		out = append(out, t)
	}
	sen.tok = out
}

func joined(ts []token) string {
	var b strings.Builder
	for i, t := range ts {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.s)
		if t.poss && i < len(ts)-1 {
			b.WriteString("'s")
		}
	}
	return b.String()
}

// nameAt returns how many tokens from i on are a name of the record, the
// longest one; 0 if none. Case counts: Play is an actor, play is a word.
func (s *selves) nameAt(sen *sentence, i int) int {
	best := 0
	for _, words := range s.names[sen.tok[i].l] {
		if len(words) <= best || i+len(words) > len(sen.tok) {
			continue
		}
		ok := true
		for k, w := range words {
			t := sen.tok[i+k]
			// Longer names also in other capitals: LYCEUM is Lyceum.
			ok = ok && (t.s == w || len(w) > 4 && t.upper() && strings.EqualFold(t.s, w))
		}
		if ok {
			best = len(words)
		}
	}
	return best
}

// families are last words of names that vendors give by a scheme.
var families = set("Panda Bear Kitten Spider Chollima Buffalo Leopard Tiger Jackal Typhoon Blizzard Sleet Sandstorm Tempest Tsunami Cyclone Dust Rain Flood PANDA BEAR KITTEN SPIDER CHOLLIMA")

// otherAt recognises names of actors by their form: APT28, FIN7, TA505, UNC2452,
// Storm-0324, DEV-1101, Wicked Panda.
func otherAt(sen *sentence, i int) int {
	t := sen.tok[i]
	if !t.word || !t.upper() {
		return 0
	}
	cut := strings.IndexAny(t.s, "0123456789")
	if cut > 0 && isDigits(t.s[cut:]) {
		switch strings.TrimSuffix(t.s[:cut], "-") {
		case "APT", "FIN", "TA", "UNC", "TAG", "UAC", "UAT", "TG", "Storm", "DEV", "APT-C", "CL-STA", "CL-CRI":
			return 1
		}
	}
	if i+1 < len(sen.tok) && families[sen.tok[i+1].s] {
		return 2
	}
	return 0
}
