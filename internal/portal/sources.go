package portal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// A source is a publisher with the age of its data.
type source struct {
	intel.Publisher
	Records  int
	Versions []string
	As       time.Time // release, or import where the data has no date
	Released bool
	Age      string
}

// contents returns how much is served and from whom. Totals are counted anew
// only when the order of changes has moved; an import that changes no profile
// does not move it, so sources are never older than a minute.
func (p *portal) contents(ctx context.Context, v store.View) (store.Totals, []source, error) {
	head, err := p.Store.Head(ctx)
	if err != nil {
		return store.Totals{}, nil, err
	}
	c := &p.counted
	c.Lock()
	defer c.Unlock()
	moved := c.at != head || c.at == 0
	if moved {
		if c.totals, err = p.Store.Totals(ctx, v); err != nil {
			return c.totals, nil, err
		}
	}
	if now := p.Now(); moved || now.Sub(c.when) > time.Minute {
		if c.sources, err = p.sources(ctx, v); err != nil {
			return c.totals, nil, err
		}
		c.when = now
	}
	c.at = head
	return c.totals, slices.Clone(c.sources), nil
}

// sources returns the publishers with records or indicators here, by rank.
func (p *portal) sources(ctx context.Context, v store.View) ([]source, error) {
	pubs, err := p.Store.Publishers(ctx, v)
	if err != nil {
		return nil, err
	}
	sets, err := p.Store.Datasets(ctx, v)
	if err != nil {
		return nil, err
	}
	var out []source
	for _, pub := range pubs {
		s := source{Publisher: pub}
		count := 0
		for _, set := range sets {
			if set.Publisher != pub.ID {
				continue
			}
			count++
			s.Records += set.Records
			if set.Version != "" && set.Name != "" {
				name := set.Name
				if strings.HasSuffix(pub.ID, "/"+name) {
					name = "version"
				}
				s.Versions = append(s.Versions, name+" "+set.Version)
			}
			at, released := set.Released, true
			if at == 0 {
				at, released = set.Imported, false
			}
			if t := at.Std(); t.After(s.As) {
				s.As, s.Released = t, released
			}
		}
		if len(s.Versions) > 2 || len(s.Versions) < count {
			s.Versions = nil // some of several would mislead
		}
		out = append(out, s)
	}
	return out, nil
}

// age says how old something is, in one unit.
func age(d time.Duration) string {
	days := int(d.Hours() / 24)
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", n, name)
	}
	switch {
	case d < 0:
		return "0 minutes"
	case d < 2*time.Hour:
		return unit(int(d.Minutes()), "minute")
	case days < 2:
		return unit(int(d.Hours()), "hour")
	case days < 60:
		return unit(days, "day")
	case days < 730:
		return unit(days/30, "month")
	}
	return unit(days/365, "year")
}
