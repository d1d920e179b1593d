package lists

import (
	"regexp"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

// nobody lists files of Maltrail's that are about no actor and no tool, besides
// all under "suspicious" and "malicious": collections, and what defenders run.
var nobody = regexp.MustCompile(`^(?:apt_unclassified|apt_middleeast|generic_.*|hacked_.*|sinkhole_.*)$`)

// tools are files named apt_… that are about a tool.
var tools = map[string]bool{
	"apt_casper":    true, // the implant of Snowglobe
	"apt_finfisher": true, // sold spyware
	"apt_kapeka":    true, // a backdoor of Sandworm's
	"apt_novispy":   true, // spyware on the phones of Serbian activists
	"apt_quasar":    true, // an open-source RAT
	"apt_scanbox":   true, // a reconnaissance framework that several share
	"apt_stuxnet":   true, // a worm
}

// actors are files not named apt_… that are about an actor.
var actors = map[string]bool{
	"aeroblade":       true, // named by BlackBerry as an actor
	"boolka":          true, // named by Group-IB as an actor
	"bronzestarlight": true, // Secureworks' name of a group
	"coinbasecartel":  true, // an extortion group without a family of its own
	"handala":         true, // hacktivist persona
	"hydseven":        true, // named by LAC as an actor
	"puzzlemaker":     true, // named by Kaspersky as an actor
	"sparkycarp":      true, // UNK_SparkyCarp of Proofpoint's
	"storm2603":       true, // Microsoft's Storm-2603
	"tgrcri0045":      true, // TGR-CRI-0045 of Unit 42's
}

// trailKind returns what a file of Maltrail's is about, by its stem, or "" for
// nobody.
func trailKind(stem string) intel.Kind {
	switch {
	case nobody.MatchString(stem):
		return ""
	case tools[stem]:
		return intel.Tool
	case actors[stem], strings.HasPrefix(stem, "apt_"):
		return intel.Actor
	}
	return intel.Tool
}

var (
	part      = regexp.MustCompile(`^(.+)-\d$`)
	number    = regexp.MustCompile(`^\d{1,3}$`)
	platforms = map[string]string{"android_": "Android", "elf_": "Linux", "osx_": "macOS"}
	suffixes  = []struct{ suffix, sort string }{
		{"_ransomware", "ransomware"},
		{"_rasnomware", "ransomware"},
		{" _ransomware", "ransomware"},
		{"_miner", "cryptominer"},
		{"_stealer", "stealer"},
		{"_backdoor", "backdoor"},
		{"_backdoorkit", "backdoor"},
	}
	// grouped are stems that are ids of vendors' schemes.
	grouped = []struct {
		form *regexp.Regexp
		name string
	}{
		{regexp.MustCompile(`^(unc|ta|fin|dev)(\d+)$`), "$1$2"},
		{regexp.MustCompile(`^storm(\d{4})$`), "Storm-$1"},
		{regexp.MustCompile(`^tgr(cri|sta)(\d{4})$`), "TGR-$1-$2"},
	}
)

// chinese are numbers that have both forms among their aliases, of which
// APT-C-… is the one that the trails are about.
var chinese = map[string]bool{
	"23": true, // Micropsia and Pierogi are Arid Viper's; Mandiant's APT23 is another
}

// A trailName is what the stem of a file says of its record.
type trailName struct {
	title    string
	more     []string // other forms of the title
	platform string
	sort     string // of tool
}

// nameOf returns the title of a record by the stem of its file: "apt_sofacy" is
// Sofacy, "apt_33" APT33, "eclips_ransomware" Eclips, a ransomware. An alias
// that differs only in case and separators is the better spelling.
func nameOf(stem string, aliases []string) trailName {
	var n trailName
	s, apt := strings.CutPrefix(stem, "apt_")
	for prefix, p := range platforms {
		if rest, ok := strings.CutPrefix(s, prefix); ok && !apt {
			s, n.platform = rest, p
		}
	}
	for _, x := range suffixes {
		if rest, ok := strings.CutSuffix(s, x.suffix); ok && rest != "" {
			s, n.sort = strings.TrimSpace(rest), x.sort
			n.more = append(n.more, capital(s)+" "+capital(strings.ReplaceAll(strings.TrimSpace(x.sort), "cryptominer", "miner")))
			break
		}
	}
	switch {
	case apt && number.MatchString(s):
		n.title = "APT" + s
		if chinese[s] || !spells(aliases, n.title) && spells(aliases, "APT-C-"+s) {
			n.title = "APT-C-" + s
		}
		return n
	case apt && strings.HasPrefix(s, "q0"):
		n.title = "UTG-Q-" + s[1:]
		return n
	}
	for _, g := range grouped {
		if g.form.MatchString(s) {
			n.title = strings.ToUpper(g.form.ReplaceAllString(s, g.name))
			n.title = strings.Replace(n.title, "STORM-", "Storm-", 1)
			return n
		}
	}
	for _, a := range aliases {
		if intel.NameKey(a) == intel.NameKey(s) {
			n.title = capital(a)
			return n
		}
	}
	n.title = capital(strings.ReplaceAll(s, "_", " "))
	return n
}

func spells(aliases []string, name string) bool {
	for _, a := range aliases {
		if strings.EqualFold(a, name) || intel.NameKey(a) == intel.NameKey(name) {
			return true
		}
	}
	return false
}

// capital returns a name in lower case with its words capitalised; other names
// stay.
func capital(s string) string {
	if s != strings.ToLower(s) {
		return s
	}
	b := []byte(s)
	for i := range b {
		if (i == 0 || b[i-1] == ' ') && 'a' <= b[i] && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}

// coinedBy returns who coined an alias. Maltrail writes most in lower case, so
// names with a number are judged in capitals too.
func coinedBy(alias string) string {
	if by := naming.SchemeOf(alias); by != "" || !strings.ContainsAny(alias, "0123456789") {
		return by
	}
	if by := naming.SchemeOf(strings.ToUpper(alias)); by != "" {
		return by
	}
	return ""
}
