package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dossier/internal/intel"
)

// A Subscription is what a client wants to be told, and how far it was. Body is
// opaque to the store.
type Subscription struct {
	ID      string
	Client  string    // whose it is
	Ceiling intel.TLP // of the client, when it subscribed
	Body    json.RawMessage
	Created intel.Time
	Expires intel.Time
	Delivery
	Missed  intel.Time // since when the client is owed word of dropped notifications; 0: it is not
	Removed intel.Time // by an operator; the row goes when the client was told
}

// A Delivery is how far a receiver was told, and how that goes.
type Delivery struct {
	Place    Place
	Failing  intel.Time // since when it fails; 0: it does not
	Failures int        // in a row
	Due      intel.Time // of the next attempt
}

// ErrTooMany is wrapped by errors about limits that are reached.
var ErrTooMany = errors.New("limit reached")

// AddSubscription keeps a new subscription, which begins with what changes from
// now on. The error wraps [ErrTooMany] if the client has perClient of them, or all
// have most.
func (s *Store) AddSubscription(ctx context.Context, sub *Subscription, perClient, most int) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		var own, all int
		now := int64(intel.TimeOf(s.Now()))
		err := tx.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(SUM(CASE WHEN client = ? THEN 1 ELSE 0 END), 0) FROM subscription WHERE expires > ? AND removed = 0", sub.Client, now).Scan(&all, &own)
		switch {
		case err != nil:
			return err
		case own >= perClient:
			return fmt.Errorf("a client has at most %d subscriptions: %w", perClient, ErrTooMany)
		case all >= most:
			return fmt.Errorf("there are at most %d subscriptions in all: %w", most, ErrTooMany)
		}
		if err := tx.QueryRowContext(ctx, "SELECT position FROM head WHERE id = 1").Scan(&sub.Place.Position); err != nil {
			return err
		}
		sub.Place = Settled(sub.Place.Position)
		_, err = tx.ExecContext(ctx, `INSERT INTO subscription (id, client, ceiling, body, created, expires, position, place, failing, failures, due, missed, removed)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)`,
			sub.ID, sub.Client, int(sub.Ceiling), string(sub.Body), int64(sub.Created), int64(sub.Expires), sub.Place.Position, sub.Place.ID)
		return err
	})
}

const subscriptionColumns = "id, client, ceiling, body, created, expires, position, place, failing, failures, due, missed, removed"

func scanSubscription(row scanner) (*Subscription, error) {
	sub := new(Subscription)
	var body string
	err := row.Scan(&sub.ID, &sub.Client, &sub.Ceiling, &body, &sub.Created, &sub.Expires, &sub.Place.Position, &sub.Place.ID,
		&sub.Failing, &sub.Failures, &sub.Due, &sub.Missed, &sub.Removed)
	sub.Body = json.RawMessage(body)
	return sub, err
}

// Subscriptions returns all of them, removed and expired ones included, in the
// order in which they were made.
func (s *Store) Subscriptions(ctx context.Context) ([]*Subscription, error) {
	return s.subscriptions(ctx, "SELECT "+subscriptionColumns+" FROM subscription ORDER BY created, id")
}

// ClientSubscriptions returns those of a client that are in force.
func (s *Store) ClientSubscriptions(ctx context.Context, client string) ([]*Subscription, error) {
	return s.subscriptions(ctx, "SELECT "+subscriptionColumns+" FROM subscription WHERE client = ? AND expires > ? AND removed = 0 ORDER BY created, id",
		client, int64(intel.TimeOf(s.Now())))
}

func (s *Store) subscriptions(ctx context.Context, query string, args ...any) (out []*Subscription, err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		sub, err := scanSubscription(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, sub)
	}
	return out, rows.Err()
}

// ClientSubscription returns a subscription in force, if it is the client's; else
// the error wraps [intel.ErrNotFound].
func (s *Store) ClientSubscription(ctx context.Context, client, id string) (*Subscription, error) {
	sub, err := scanSubscription(s.read.QueryRowContext(ctx, "SELECT "+subscriptionColumns+" FROM subscription WHERE id = ? AND client = ? AND expires > ? AND removed = 0",
		id, client, int64(intel.TimeOf(s.Now()))))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("subscription %q: %w", id, intel.ErrNotFound)
	}
	return sub, err
}

// RenewSubscription gives a client's subscription another end. The error wraps
// [intel.ErrNotFound] if it has none with the id in force.
func (s *Store) RenewSubscription(ctx context.Context, client, id string, expires intel.Time) error {
	return s.changeSubscription(ctx, id, "UPDATE subscription SET expires = ? WHERE id = ? AND client = ? AND expires > ? AND removed = 0",
		int64(expires), id, client, int64(intel.TimeOf(s.Now())))
}

// DeleteSubscription ends a client's subscription. The error wraps
// [intel.ErrNotFound] if it has none with the id in force.
func (s *Store) DeleteSubscription(ctx context.Context, client, id string) error {
	return s.changeSubscription(ctx, id, "DELETE FROM subscription WHERE id = ? AND client = ? AND expires > ? AND removed = 0",
		id, client, int64(intel.TimeOf(s.Now())))
}

// RemoveSubscription ends anybody's subscription: nothing is notified any more,
// and the row stays until the client was told. The error wraps [intel.ErrNotFound]
// if there is none in force.
func (s *Store) RemoveSubscription(ctx context.Context, id string) error {
	now := int64(intel.TimeOf(s.Now()))
	return s.changeSubscription(ctx, id, "UPDATE subscription SET removed = ? WHERE id = ? AND expires > ? AND removed = 0", now, id, now)
}

// ForgetSubscription deletes the row of a subscription that has ended.
func (s *Store) ForgetSubscription(ctx context.Context, id string) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM subscription WHERE id = ?", id)
		return err
	})
}

func (s *Store) changeSubscription(ctx context.Context, id, query string, args ...any) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("subscription %q: %w", id, intel.ErrNotFound))
		}
		return nil
	})
}

// KeepDelivery keeps how far deliveries are. It never takes one back.
func (s *Store) KeepDelivery(ctx context.Context, by map[string]Delivery) error {
	if len(by) == 0 {
		return nil
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for id, d := range by {
			if _, err := tx.ExecContext(ctx, "UPDATE subscription SET position = ?, place = ?, failing = ?, failures = ?, due = ? WHERE id = ? AND (position, place) <= (?, ?)",
				d.Place.Position, d.Place.ID, int64(d.Failing), d.Failures, int64(d.Due), id, d.Place.Position, d.Place.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// OweMissed remembers that a client is owed word of dropped notifications since a
// time; 0: it was told, or will not be.
func (s *Store) OweMissed(ctx context.Context, id string, since intel.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE subscription SET missed = ? WHERE id = ?", int64(since), id)
		return err
	})
}

// Lease takes or prolongs what only one may have at a time, for so long, and
// reports whether the holder has it. It is had again by its holder at any time,
// and by others when it has run out.
func (s *Store) Lease(ctx context.Context, name, holder string, term time.Duration) (held bool, err error) {
	now := s.Now()
	until, at := now.Add(term).UnixMilli(), now.UnixMilli()
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO lease (name, holder, expires) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires = excluded.expires WHERE lease.holder = excluded.holder OR lease.expires <= ?`, name, holder, until, at)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		held = n > 0
		return err
	})
	return held, err
}

// LeaseHolder returns who took a lease last, "" if nobody has, and whether it runs
// still. It does not wait for whoever writes.
func (s *Store) LeaseHolder(ctx context.Context, name string) (holder string, held bool, err error) {
	var expires int64
	err = s.read.QueryRowContext(ctx, "SELECT holder, expires FROM lease WHERE name = ?", name).Scan(&holder, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return holder, expires > s.Now().UnixMilli(), err
}

// Release gives a lease back.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM lease WHERE name = ? AND holder = ?", name, holder)
		return err
	})
}
