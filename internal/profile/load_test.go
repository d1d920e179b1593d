package profile_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier/internal/facts"
	"dossier/internal/intel"
	"dossier/internal/lists"
	"dossier/internal/misp"
	"dossier/internal/profile"
	"dossier/internal/stix"
	"dossier/internal/testcorpus"
)

// A house is the real data with its records put together by what is obvious:
// an ATT&CK id, or a title that is the same.
type house struct {
	*memory
	profiles map[string][]profile.Member
	ids      []string
}

var loaded struct {
	sync.Once
	house *house
	err   error
}

// realData loads the corpus once for all tests.
func realData(tb testing.TB) *house {
	tb.Helper()
	dir := testcorpus.Path(tb)
	loaded.Do(func() { loaded.house, loaded.err = loadHouse(dir) })
	if loaded.err != nil {
		tb.Fatal(loaded.err)
	}
	return loaded.house
}

func loadHouse(dir string) (*house, error) {
	h := &house{memory: newMemory(), profiles: map[string][]profile.Member{}}
	h.imported = date("2026-09-01")
	h.released[intel.MitreAttack] = date("2025-10-28")
	read := func(path string, decode func(io.Reader, string) error) error {
		f, err := os.Open(filepath.Join(dir, path))
		if err != nil {
			return err
		}
		defer f.Close()
		return decode(f, path)
	}
	err := read("mitre-cti/enterprise-attack-18.1.stix20.json", func(r io.Reader, path string) error {
		_, err := stix.Decode(context.Background(), r, stix.Options{Path: path}, sink{h.add})
		return err
	})
	if err != nil {
		return nil, err
	}
	err = read("mstic/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json", func(r io.Reader, path string) error {
		_, err := lists.Decode(context.Background(), r, lists.Options{Path: path}, sink{h.add})
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"threat-actor", "ransomware", "tool", "rat", "banker", "stealer", "backdoor", "botnet", "malpedia"} {
		err := read("misp-galaxy/clusters/"+name+".json", func(r io.Reader, path string) error {
			_, err := misp.Decode(context.Background(), r, misp.Options{Path: path}, sink{h.add})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	h.link()
	h.join()
	return h, nil
}

type sink struct{ add func(*intel.Record) }

func (s sink) Record(r *intel.Record) error         { facts.Enrich(r); s.add(r); return nil }
func (s sink) Observation(*intel.Observation) error { return nil }
func (sink) Article(*intel.Article) error           { return nil }
func (sink) Pattern(*intel.Pattern) error           { return nil }
func (s sink) Reject(intel.Reject)                  {}

// join makes profiles: MISP and Microsoft records join the ATT&CK record with
// the same title or the single one whose id they give; good enough to read.
func (h *house) join() {
	order := make([]*intel.Record, 0, len(h.records))
	for _, r := range h.records {
		if r.Kind.HasProfile() {
			order = append(order, r)
		}
	}
	slices.SortFunc(order, func(a, b *intel.Record) int {
		ra, rb := intel.PublisherOf(a.Publisher).Rank, intel.PublisherOf(b.Publisher).Rank
		if ra != rb {
			return ra - rb
		}
		return strings.Compare(a.Ref.String(), b.Ref.String())
	})
	at := map[string]string{}
	for _, r := range order {
		if !r.Live() {
			continue
		}
		id := ""
		keys := []string{string(r.Kind) + intel.NameKey(r.Title)}
		if r.Publisher == intel.MicrosoftNaming {
			for _, n := range r.Names {
				keys = append(keys, string(r.Kind)+intel.NameKey(n.Value))
			}
		}
		if r.Publisher == intel.MitreAttack && len(r.IDs) > 0 {
			keys = append(keys, string(r.Kind)+r.IDs[0].ID)
		} else if i := slices.IndexFunc(r.IDs, func(x intel.ExternalID) bool { return x.Issuer == intel.MitreAttack }); i >= 0 {
			keys = append(keys, string(r.Kind)+r.IDs[i].ID)
		}
		for _, k := range keys {
			if at[k] != "" && id == "" {
				id = at[k]
			}
		}
		if id == "" {
			sum := sha256.Sum256([]byte(r.Ref.String()))
			id = hex.EncodeToString(sum[:])
			h.ids = append(h.ids, id)
		}
		for _, k := range keys {
			if at[k] == "" {
				at[k] = id
			}
		}
		h.profiles[id] = append(h.profiles[id], profile.Member{Record: r, Reason: "the same title or ATT&CK id"})
	}
	for _, id := range h.ids {
		h.assign(id, h.profiles[id])
	}
}

func date(s string) intel.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return intel.TimeOf(t)
		}
	}
	return 0
}
