package auth

import (
	"fmt"
	"slices"
	"strings"
)

// A Permission is what a client may do; the names are Graph's where it has one.
type Permission string

// The permissions.
const (
	ReadAll   Permission = "ThreatIntelligence.Read.All"
	Read      Permission = "ThreatIntelligence.Read" // delegated
	ReadWrite Permission = "ThreatIntelligence.ReadWrite.All"
	Feeds     Permission = "Dossier.Feeds.ReadWrite.All"
	Hunt      Permission = "Dossier.Hunt.All"
	Admin     Permission = "Dossier.Administration.All"
)

// Permissions lists all of them.
func Permissions() []Permission { return []Permission{ReadAll, Read, ReadWrite, Feeds, Hunt, Admin} }

// ParsePermission reads the name of a permission, in any case.
func ParsePermission(s string) (Permission, error) {
	for _, p := range Permissions() {
		if strings.EqualFold(s, string(p)) {
			return p, nil
		}
	}
	var names []string
	for _, p := range Permissions() {
		names = append(names, string(p))
	}
	return "", fmt.Errorf("permission %q: want one of %s", s, strings.Join(names, ", "))
}

// implied are the permissions that one brings along.
var implied = map[Permission][]Permission{
	ReadAll:   {Read},
	Read:      {ReadAll},
	ReadWrite: {ReadAll, Read},
}

// Holds reports whether what was granted covers the permission.
func Holds(granted []Permission, want Permission) bool {
	return slices.ContainsFunc(granted, func(g Permission) bool {
		return g == want || slices.Contains(implied[g], want)
	})
}
