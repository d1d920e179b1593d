package store

import (
	"context"

	"dossier/internal/odata"
)

// A Topic is what can be followed: the profiles, or the indicators of all or of one.
type Topic struct {
	Indicators bool
	Profile    string // canonical id: only the indicators that are linked to it
	ID         string // only this profile or indicator
}

// A Notice says that something changed.
type Notice struct {
	Place
	ID   string
	Op   Op
	Item *Indicator // if it is an indicator and there
	ETag string     // the digest, if it is a profile and there
}

// Notices returns what changed of a topic after a place, up to a position: at most
// about limit, in order, where to go on, and whether there is more. The state is
// the present one: of several changes of a thing in one page only one is told, and
// nothing of what came and went.
func (s *Store) Notices(ctx context.Context, t Topic, v View, since Place, until int64, limit int) (out []Notice, next Place, more bool, err error) {
	q := &odata.Query{Top: limit}
	if !t.Indicators {
		c, err := s.profileChanges(ctx, q, v, t.ID, since, until)
		if err != nil {
			return nil, since, false, err
		}
		out = notices(c.Items, func(n *Notice, p *Profile) { n.ETag = p.ETag })
		return out, c.Next, c.More, nil
	}
	c, err := s.topicChanges(ctx, t, q, v, since, until)
	if err != nil {
		return nil, since, false, err
	}
	out = notices(c.Items, func(n *Notice, i *Indicator) { n.Item = i })
	return out, c.Next, c.More, nil
}

func (s *Store) topicChanges(ctx context.Context, t Topic, q *odata.Query, v View, since Place, until int64) (*Changes[*Indicator], error) {
	if t.Profile != "" {
		return s.profileIndicatorChanges(ctx, t.Profile, t.ID, q, v, since, until)
	}
	return s.indicatorChanges(ctx, t.ID, q, v, since, until)
}

// notices tells of each thing once, where it last changed.
func notices[T any](items []Changed[T], fill func(*Notice, T)) []Notice {
	type fate struct {
		last int
		born bool
	}
	fates := map[string]*fate{}
	for i, c := range items {
		f := fates[c.ID]
		if f == nil {
			f = &fate{born: c.New}
			fates[c.ID] = f
		}
		f.last = i
	}
	var out []Notice
	for i, c := range items {
		f := fates[c.ID]
		if f.last != i || c.Gone && f.born { // it came and went
			continue
		}
		n := Notice{Place: c.Place, ID: c.ID, Op: Updated}
		switch {
		case c.Gone:
			n.Op = Deleted
		case f.born:
			n.Op = Created
		}
		if !c.Gone {
			fill(&n, c.Item)
		}
		out = append(out, n)
	}
	return out
}
