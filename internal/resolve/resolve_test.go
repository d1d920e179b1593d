package resolve

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"dossier/internal/intel"

	"github.com/google/go-cmp/cmp"
)

// snapshot prints a partition: ids, members, reasons, former ids.
func snapshot(p *Partition) []string {
	var out []string
	for i := range p.Cells {
		c := &p.Cells[i]
		out = append(out, fmt.Sprintf("%s %s %v former %v", c.ID, c.Kind, c.Founder, c.Former))
		for _, m := range c.Members {
			out = append(out, fmt.Sprintf("   %v %s %.4f %s", m.Record.Ref, m.Reason.Rule, m.Reason.Score, m.Reason.Text))
		}
	}
	for _, s := range p.Suggestions() {
		out = append(out, fmt.Sprintf("? %v -> %s %.4f %s: %s", s.Record.Ref, s.Cell.ID, s.Score, s.Text, s.Why))
	}
	for _, u := range p.Unmet() {
		out = append(out, fmt.Sprintf("! %v", u))
	}
	return out
}

// shuffled returns the records in another order.
func shuffled(r *rand.Rand, records []*intel.Record) []*intel.Record {
	out := slices.Clone(records)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// synthetic makes records that collide a lot: few names, several publishers,
// stale ids, revoked entries, mentions, links.
func synthetic(r *rand.Rand, n int) []*intel.Record {
	publishers := []string{intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor, "misp-galaxy/tool", "misp-galaxy/malpedia", "acme", "zeta", "analyst"}
	pool := []string{"Silence", "UNC100", "UNC200", "Group 27", "Unknown", "SEA", "Carbanak", "АРТ28", "狼毒草"}
	for i := range 24 {
		pool = append(pool, fmt.Sprintf("Actorname %c", 'A'+i))
	}
	lands := []string{"CN", "Russia", "Iran", "KP"}
	out := make([]*intel.Record, n)
	seen := make(map[intel.Ref]bool)
	for i := range out {
		rec := &intel.Record{Kind: intel.Actor}
		for rec.Key == "" || seen[rec.Ref] {
			rec.Ref = intel.Ref{Publisher: publishers[r.IntN(len(publishers))], Key: fmt.Sprintf("k%03d", r.IntN(4*n))}
		}
		seen[rec.Ref] = true
		if r.IntN(5) == 0 {
			rec.Kind = intel.Tool
		}
		rec.Title = pool[r.IntN(len(pool))]
		for range r.IntN(5) {
			rec.Names = append(rec.Names, intel.Name{Value: pool[r.IntN(len(pool))]})
		}
		if r.IntN(3) == 0 {
			rec.Origins = []intel.Origin{{Country: lands[r.IntN(len(lands))]}}
		}
		if rec.Publisher == intel.MitreAttack {
			rec.IDs = []intel.ExternalID{{Issuer: intel.MitreAttack, ID: "G" + rec.Key[1:] + "0"}}
		} else if r.IntN(4) == 0 && i > 0 {
			if o := out[r.IntN(i)]; len(o.IDs) > 0 {
				rec.IDs = append(rec.IDs, o.IDs[0])
			}
		}
		rec.Mention = r.IntN(8) == 0 && rec.Publisher != intel.MitreAttack
		if i > 0 && r.IntN(10) == 0 {
			o := out[r.IntN(i)]
			if o.Publisher == rec.Publisher {
				rec.Revoked = true
				rec.Links = append(rec.Links, intel.Link{Relation: intel.RevokedBy, To: o.Ref})
			} else {
				rec.Links = append(rec.Links, intel.Link{Relation: intel.Same, To: o.Ref})
			}
		}
		rec.Deprecated = r.IntN(20) == 0
		for range r.IntN(3) {
			rec.References = append(rec.References, intel.Reference{URL: fmt.Sprintf("https://example.org/report/%d", r.IntN(n))})
		}
		out[i] = rec
	}
	return out
}

// someDecisions makes statements about records, also contradicting ones.
func someDecisions(r *rand.Rand, records []*intel.Record, n int) []Decision {
	var out []Decision
	for range n {
		a, b := records[r.IntN(len(records))], records[r.IntN(len(records))]
		d := Decision{Verdict: []Verdict{Join, Part, Means}[r.IntN(3)], A: a.Ref, B: b.Ref, At: intel.Time(1 + r.IntN(5)), By: "eve"}
		if d.Verdict == Means {
			d.B, d.Name = intel.Ref{}, b.Title
		}
		if r.IntN(4) == 0 {
			d.A = intel.Ref{Key: ProfileID(a.Ref)}
		}
		out = append(out, d)
	}
	return out
}

// sound checks what is true of every partition.
func sound(t *testing.T, in Input, p *Partition) {
	t.Helper()
	ids := make(map[string]bool)
	refs := make(map[intel.Ref]bool)
	for i := range p.Cells {
		c := &p.Cells[i]
		for _, id := range append([]string{c.ID}, c.Former...) {
			if ids[id] || id == "" {
				t.Errorf("id %q stands twice or is empty", id)
			}
			ids[id] = true
			if got, ok := p.ByID(id); !ok || got != c {
				t.Errorf("id %s does not resolve to its cell", id)
			}
		}
		live := make(map[string]int)
		founder := false
		for _, m := range c.Members {
			r := m.Record
			if refs[r.Ref] {
				t.Errorf("%v stands twice", r.Ref)
			}
			refs[r.Ref] = true
			if got, ok := p.CellOf(r.Ref); !ok || got != c {
				t.Errorf("CellOf(%v) is another cell", r.Ref)
			}
			if own, ok := p.ByID(ProfileID(r.Ref)); in.Base == nil && (!ok || own != c) {
				t.Errorf("the id of %v does not resolve to its cell", r.Ref)
			}
			if r.Kind != c.Kind {
				t.Errorf("%v is a %s among %ss", r.Ref, r.Kind, c.Kind)
			}
			if m.Reason.Text == "" || m.Reason.Rule == "" {
				t.Errorf("%v has no reason", r.Ref)
			}
			founder = founder || r.Ref == c.Founder && r.Live() && !r.Mention
			if r.Live() && !r.Mention && intel.PublisherOf(r.Publisher).Distinct {
				live[r.Publisher]++
			}
		}
		if !founder {
			t.Errorf("cell %s has no live founder", c.ID)
		}
		for pub, n := range live {
			lifted := slices.ContainsFunc(c.Members, func(m Member) bool { return m.Reason.Rule == RuleSupersession || m.Reason.Rule == RuleAnalyst })
			if n > 1 && !lifted {
				t.Errorf("cell %v has %d live records of %s", c.Founder, n, pub)
			}
		}
	}
}

func TestShuffledRecords(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		records := synthetic(r, 20+r.IntN(150))
		in := Input{Records: slices.Values(records), Decisions: someDecisions(r, records, r.IntN(8)), Ledger: make(map[intel.Ref]Entry)}
		for range r.IntN(40) {
			a, b := records[r.IntN(len(records))], records[r.IntN(len(records))]
			in.Ledger[a.Ref] = Entry{ProfileID(b.Ref), intel.Time(1 + r.IntN(3))}
		}
		p := Assign(in)
		sound(t, in, p)
		want := snapshot(p)
		for range 3 {
			again := in
			again.Records = slices.Values(shuffled(r, records))
			again.Decisions = slices.Clone(in.Decisions)
			r.Shuffle(len(again.Decisions), func(i, j int) {
				again.Decisions[i], again.Decisions[j] = again.Decisions[j], again.Decisions[i]
			})
			if diff := cmp.Diff(want, snapshot(Assign(again))); diff != "" {
				t.Fatalf("seed %d: another order gives another answer:\n%s", seed, diff)
			}
		}
	}
}

func TestShuffledCorpus(t *testing.T) {
	records := corpusRecords(t)
	in := Input{Records: slices.Values(records)}
	p := Assign(in)
	sound(t, in, p)
	want := snapshot(p)
	r := rand.New(rand.NewPCG(7, 7))
	for range 2 {
		if diff := cmp.Diff(want, snapshot(assignAll(shuffled(r, records)))); diff != "" {
			t.Fatalf("another order gives another answer:\n%s", diff)
		}
	}
}

// Adding a publisher and removing it again brings back the same partition, and
// neither step changes the id of a profile that is there throughout.
func TestAddThenRemove(t *testing.T) {
	check := func(t *testing.T, records []*intel.Record, guest string) {
		t.Helper()
		host := slices.DeleteFunc(slices.Clone(records), func(r *intel.Record) bool { return r.Publisher == guest })
		ledger := make(map[intel.Ref]Entry)
		assign := func(rs []*intel.Record, at intel.Time) *Partition {
			p := Assign(Input{Records: slices.Values(rs), Ledger: ledger})
			maps.Copy(ledger, p.Remember(ledger, at))
			return p
		}
		before := assign(host, 1)
		with := assign(records, 2)
		after := assign(host, 3)
		if diff := cmp.Diff(snapshot(before), snapshot(after)); diff != "" {
			t.Errorf("after %s came and went:\n%s", guest, diff)
		}
		for i := range before.Cells {
			if _, ok := with.ByID(before.Cells[i].ID); !ok {
				t.Errorf("with %s the id of %v resolves no more", guest, before.Cells[i].Founder)
			}
		}
		kept := 0
		for i := range before.Cells {
			now, ok := with.CellOf(before.Cells[i].Founder)
			if ok && now.ID == before.Cells[i].ID {
				kept++
			} else if ok && !slices.Contains(now.Former, before.Cells[i].ID) {
				t.Errorf("with %s profile %v changed its id", guest, before.Cells[i].Founder)
			}
		}
		if kept*10 < len(before.Cells)*8 {
			t.Errorf("with %s only %d of %d profiles bear the same id", guest, kept, len(before.Cells))
		}
	}
	t.Run("synthetic", func(t *testing.T) {
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 2))
			records := synthetic(r, 120)
			for _, guest := range []string{intel.MitreAttack, intel.MicrosoftNaming, "zeta"} {
				check(t, records, guest)
			}
		}
	})
	t.Run("corpus", func(t *testing.T) {
		records := of(corpusRecords(t), intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor, "misp-galaxy/microsoft-activity-group")
		for _, guest := range []string{intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor} {
			check(t, records, guest)
		}
	})
}

// A restricted record changes nothing that the lower level says.
func TestBaseIsKept(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 3))
		records := synthetic(r, 100)
		var open []*intel.Record
		for _, rec := range records {
			if r.IntN(3) == 0 {
				rec.TLP = intel.Amber
			} else {
				open = append(open, rec)
			}
		}
		low := Assign(Input{Records: slices.Values(open)})
		in := Input{Records: slices.Values(shuffled(r, records)), Base: low, Decisions: someDecisions(r, records, r.IntN(6))}
		high := Assign(in)
		sound(t, in, high)
		for i := range low.Cells {
			c := &low.Cells[i]
			up, ok := high.CellOf(c.Founder)
			if !ok || up.ID != c.ID || up.Founder != c.Founder || up.Kind != c.Kind {
				t.Fatalf("seed %d: profile %v is another one above: %v", seed, c.Founder, up)
			}
			for _, m := range c.Members {
				at := slices.IndexFunc(up.Members, func(x Member) bool { return x.Record.Ref == m.Record.Ref })
				if at < 0 || cmp.Diff(up.Members[at].Reason, m.Reason) != "" {
					t.Fatalf("seed %d: member %v of %v is not there above as it was", seed, m.Record.Ref, c.Founder)
				}
			}
			for _, id := range c.Former {
				if got, _ := high.ByID(id); got != up {
					t.Fatalf("seed %d: id %s leads elsewhere above", seed, id)
				}
			}
			for _, m := range up.Members {
				if !slices.ContainsFunc(c.Members, func(x Member) bool { return x.Record.Ref == m.Record.Ref }) && m.Record.TLP == intel.Clear && m.Record.Live() && !m.Record.Mention {
					t.Fatalf("seed %d: open record %v moved into %v above", seed, m.Record.Ref, c.Founder)
				}
			}
		}
		want := snapshot(high)
		in.Records = slices.Values(shuffled(r, records))
		if diff := cmp.Diff(want, snapshot(Assign(in))); diff != "" {
			t.Fatalf("seed %d: another order gives another answer:\n%s", seed, diff)
		}
	}
}

func actor(publisher, key, title string, names ...string) *intel.Record {
	r := &intel.Record{Ref: intel.Ref{Publisher: publisher, Key: key}, Kind: intel.Actor, Title: title}
	for _, n := range names {
		r.Names = append(r.Names, intel.Name{Value: n})
	}
	return r
}
