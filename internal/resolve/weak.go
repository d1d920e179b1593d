package resolve

import (
	"regexp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// Why a name counts less, and joins nothing by itself.
const (
	weakTemporary  = "temporary id"
	weakShort      = "short name"
	weakNumbered   = "numbered name"
	weakWord       = "dictionary word"
	weakSoftware   = "software name"
	weakOperation  = "name of an operation"
	weakConfusable = "letters of mixed scripts"
)

var (
	// temporary matches the working titles that vendors give to activity that
	// they have not attributed yet: they graduate, split or die.
	temporary = regexp.MustCompile(`(?i)^(unc|dev|storm|uac|uat|tag|tg|ctg|cl|temp|larva|unk|act|cta|cluster|stac|tgr|lucr)[-_. ]?([a-z]{2,4}[-_])?\d{1,5}( \(.*\))?$|^temp[._]|^unk_|^cl-(sta|cri|unk)-|^tgr-`)
	// numbered matches a common noun with a number: "Group 27". Written in one
	// word, as Group5, it was coined as a name.
	numbered = regexp.MustCompile(`(?i)^(the )?(group|team|unit|actor|gang|cluster|crew|set|campaign|operation|bureau|office|lab|threat group|intrusion set|activity group)[ _-]+#?\d+$`)
	// operation matches names of campaigns, given as if they were the actor's.
	operation = regexp.MustCompile(`(?i)^(operation|op\.|op|campaign)[ _-]\S|^operation[A-Z]|^#op|\boperation$`)
	// attackID is an id of ATT&CK's groups and software, as sources write it
	// among their synonyms.
	attackID = regexp.MustCompile(`^[GS]\d{4}$`)
)

// temporaryKeys are the beginnings of the keys of temporary ids: most names
// need no look at the expression.
var temporaryKeys = []string{"unc", "dev", "storm", "ua", "ta", "tg", "ctg", "cl", "temp", "larva", "unk", "act", "cta", "stac", "lucr"}

// isTemporary reports whether a name is a temporary id.
func isTemporary(name, key string) bool {
	return slices.ContainsFunc(temporaryKeys, func(p string) bool { return strings.HasPrefix(key, p) }) && temporary.MatchString(name)
}

// isOperation reports whether a name is that of a campaign.
func isOperation(name, key string) bool {
	return (strings.HasPrefix(key, "op") || strings.HasPrefix(key, "campaign") || strings.HasSuffix(key, "operation")) && operation.MatchString(name)
}

// isNumbered reports whether a name is a common noun with a number, or only a
// number.
func isNumbered(name, key string) bool {
	return key[len(key)-1] <= '9' && (isDigits(key) || numbered.MatchString(name))
}

// words are ordinary words, figures and things that several unrelated actors,
// tools or events are called by. Alone they say nothing.
var words = wordSet(`
	akira anonymous avatar axiom bitter blackout bluebird boss butterfly callisto carbon cardinal chaos chimera cicada
	cleaver cobalt cyclops dagger dark delta desert diamond dragon eagle earth elephant equation eve falcon flame fox
	ghost gold gorilla gothic group hacker hades hawk honeybee horde hunter hydra indra infected inception jackal kaos karma
	kraken leviathan lotus machete mask medusa mirage monsoon moonlight nemesis night nitro nomad omega orion owl panda
	patchwork phantom phoenix pioneer polaris prince raven reaper rebel scarab scorpion shadow silence siesta slingshot
	snake snow spectre spider spring storm superman team tick tiger titan trident typhoon unicorn unknown vermin viper volt
	vortex vulture watchdog white wizard wolf worm zombie`)

func wordSet(s string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// weakness says why a name is weak by its form, "" if it is not. What depends
// on other records (software names) is decided by the caller.
func weakness(name, key string) string {
	switch {
	case isTemporary(name, key):
		return weakTemporary
	case isNumbered(name, key):
		return weakNumbered
	case len([]rune(key)) <= 3 && isASCII(key):
		return weakShort
	case isOperation(name, key):
		return weakOperation
	case words[key]:
		return weakWord
	}
	if _, ok := Confusable(name); ok {
		return weakConfusable
	}
	return ""
}

// weakFactor is what remains of the weight of a weak name.
func weakFactor(why string) float64 {
	switch why {
	case "":
		return 1
	case weakConfusable:
		return 0
	case weakTemporary:
		return 0.5
	}
	return 0.35
}

// evidential reports whether a name of that relation may speak for identity.
// Sponsors, campaigns, parts and overlaps never do.
func evidential(r intel.Relation) bool {
	return r == "" || r == intel.Same || r == intel.Formerly
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
