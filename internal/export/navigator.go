package export

import (
	"encoding/json"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// navigatorFormat is a layer for MITRE's ATT&CK Navigator (layer format 4.5): the
// techniques of the profiles that have one of the indicators, each with a score
// of how many profiles use it and their names. It is made of profiles, so
// indicators without a profile add nothing, and it is written at the end.
var navigatorFormat = &Format{
	Name: "navigator", About: "ATT&CK Navigator layer of the techniques of the profiles", MediaType: "application/json", Extension: ".json",
	begin: func(out *output, o *Options) encoder {
		used := map[string]map[string]bool{} // technique: titles
		seen := map[string]bool{}
		return encode{
			each: func(i *Indicator) error {
				if len(i.Profiles) == 0 {
					return refusal("no profile, so no technique")
				}
				for _, p := range i.Profiles {
					if seen[p.ID] || o.Profile == nil {
						continue
					}
					seen[p.ID] = true
					d, _, err := o.Profile(p.ID)
					if err != nil {
						return err
					}
					if d != nil {
						addTechniques(used, d)
					}
				}
				return nil
			},
			last: func() error {
				enc := json.NewEncoder(out.b)
				enc.SetEscapeHTML(false)
				return enc.Encode(layerOf(o.Title, used))
			},
		}
	},
}

func addTechniques(used map[string]map[string]bool, d *intel.Dossier) {
	for _, t := range d.Techniques {
		if !techniqueID(t.ID) {
			continue
		}
		if used[t.ID] == nil {
			used[t.ID] = map[string]bool{}
		}
		used[t.ID][line(d.Profile.Title, titleRunes)] = true
	}
}

// techniqueID reports whether s is T1566 or T1566.001.
func techniqueID(s string) bool {
	if len(s) != 5 && len(s) != 9 || s[0] != 'T' || len(s) == 9 && s[5] != '.' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if i != 5 && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// layer is the form of the file (attack-navigator, layers/LAYERFORMATv4_5.md).
type layer struct {
	Name        string            `json:"name"`
	Versions    map[string]string `json:"versions"`
	Domain      string            `json:"domain"`
	Description string            `json:"description"`
	Sorting     int               `json:"sorting"` // 3: by score, highest first
	Techniques  []layerTechnique  `json:"techniques"`
	Gradient    layerGradient     `json:"gradient"`
}

type layerTechnique struct {
	ID      string `json:"techniqueID"`
	Score   int    `json:"score"`
	Comment string `json:"comment"`
	Enabled bool   `json:"enabled"`
}

type layerGradient struct {
	Colors []string `json:"colors"`
	Min    int      `json:"minValue"`
	Max    int      `json:"maxValue"`
}

func layerOf(title string, used map[string]map[string]bool) layer {
	l := layer{
		Name: line(title, 100), Versions: map[string]string{"layer": "4.5"}, Domain: "enterprise-attack",
		Description: "Techniques by how many profiles use them.", Sorting: 3, Techniques: []layerTechnique{}, Gradient: layerGradient{[]string{"#ffe0b3", "#d9480f"}, 0, 1},
	}
	for id, titles := range used {
		names := make([]string, 0, len(titles))
		for t := range titles {
			names = append(names, t)
		}
		slices.Sort(names)
		comment := ""
		for n, t := range names {
			if n == 20 {
				comment += " and " + itoa(len(names)-n) + " more"
				break
			}
			if n > 0 {
				comment += ", "
			}
			comment += t
		}
		l.Techniques = append(l.Techniques, layerTechnique{id, len(names), comment, true})
		l.Gradient.Max = max(l.Gradient.Max, len(names))
	}
	slices.SortFunc(l.Techniques, func(a, b layerTechnique) int { return strings.Compare(a.ID, b.ID) })
	return l
}
