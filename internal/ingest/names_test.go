package ingest

import (
	"slices"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/resolve"
	"dossier/internal/store"
	"dossier/internal/testcorpus"
)

// TestNamesAgree holds what is stored of names to what resolution knows: every
// name of the catalogue means the same profiles, in the same order.
func TestNamesAgree(t *testing.T) {
	im := newImporter(t)
	if _, err := im.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	records, err := im.Store.Records(t.Context(), intel.Clear)
	if err != nil {
		t.Fatal(err)
	}
	known, err := im.Store.Ledger(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ledger := map[intel.Ref]resolve.Entry{}
	for ref, k := range known {
		ledger[ref] = resolve.Entry{ID: k.ProfileID, Asserted: k.Asserted}
	}
	part := resolve.Assign(resolve.Input{Records: slices.Values(records), Ledger: ledger})
	ambiguous, asked := 0, map[string]bool{}
	for _, r := range records {
		if r.Kind != intel.Actor {
			continue
		}
		for _, n := range r.Names {
			key := intel.NameKey(n.Value)
			want := part.Lookup(n.Value)
			if asked[key] || key == "" || intel.Placeholder(n.Value) || len(want) < 2 && len(asked)%10 != 0 {
				asked[key] = true
				continue
			}
			asked[key] = true
			got, err := Names(t.Context(), im.Store, n.Value, store.View{})
			if err != nil {
				t.Fatal(err)
			}
			if len(want) > 1 {
				ambiguous++
			}
			if len(got.Profiles) != len(want) {
				t.Errorf("%s means %d profiles, want %d", n.Value, len(got.Profiles), len(want))
				continue
			}
			for i, p := range got.Profiles {
				if !slices.ContainsFunc(want, func(c resolve.Candidate) bool { return c.Cell.ID == p.ID }) {
					t.Errorf("%s means %s, which resolution does not say", n.Value, p.Title)
				}
				if p.Reason == "" || len(p.Claims) == 0 {
					t.Errorf("%s means %s without reason or claims", n.Value, p.Title)
				}
				if i == 0 && want[0].Cell.ID != p.ID && want[0].Score > want[1].Score*1.05 {
					t.Errorf("%s means first %s (%s), want %s (%s)", n.Value, p.Title, p.Reason, want[0].Cell.Founder, want[0].Reason)
				}
			}
		}
	}
	if ambiguous < 50 {
		t.Errorf("only %d names are ambiguous", ambiguous)
	}
}

func TestSimilarNames(t *testing.T) {
	im := newImporter(t)
	load(t, im, Options{}, testcorpus.Path(t, "mstic", "PublicFeeds", "ThreatActorNaming", "MicrosoftMapping.json"))
	for _, tt := range []struct{ name, like, want string }{
		{"Midnight Blizard", "", "Midnight Blizzard"},
		{"Midnihgt Blizzard", "", "Midnight Blizzard"},
		{"The Cozy Bear Group", "", "COZY BEAR"},
		{"М\u0456dnight Blizzard", "Midnight Blizzard", "Midnight Blizzard"}, // Cyrillic letters
		{"APT777", "", ""}, // other figures are another name
		{"-", "", ""},
	} {
		got, err := Names(t.Context(), im.Store, tt.name, store.View{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Profiles) > 0 || got.Profiles == nil {
			t.Errorf("%s: %v", tt.name, got.Profiles)
		}
		if got.LooksLike != tt.like && tt.like != "" {
			t.Errorf("%s looks like %q", tt.name, got.LooksLike)
		}
		found := slices.ContainsFunc(got.Similar, func(s SimilarName) bool { return s.Name == tt.want })
		if found != (tt.want != "") || tt.want == "" && len(got.Similar) > 0 {
			t.Errorf("%s is like %+v, want %q", tt.name, got.Similar, tt.want)
		}
	}
}
