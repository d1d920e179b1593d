package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"dossier/internal/fetch"
	"dossier/internal/intel"
	"dossier/internal/store"
)

const (
	leaseName = "subscriptions"
	leaseTerm = 8 * time.Second

	// How often it is looked whether something changed: two seconds are promised.
	tick = 200 * time.Millisecond
	// How long the list of subscriptions is believed while nothing changes.
	listAge = time.Second
	// How often places are kept up to which there was nothing to tell.
	keepEvery = 30 * time.Second

	perPost = 100 // notifications
	// queries is how many receivers' news are looked up at once.
	queries = 4

	// Giving up: what is older than that, for a receiver that fails for so long.
	patience = 4 * time.Hour
	// The longest wait between two attempts.
	longestWait = 10 * time.Minute
)

// A Deliverer tells receivers what changed. Several may run on one database, in one
// process or many. Its fields are set before Serve.
type Deliverer struct {
	Store   *store.Store
	Hooks   *Hooks
	Log     *slog.Logger
	Ceiling intel.TLP // of everybody: what the operator shows

	// Settings for tests; 0: the constants above.
	Tick, Term time.Duration
	// Backoff says how long to wait after so many failures; nil: [fetch.Backoff].
	Backoff func(failures int) time.Duration

	holder, tenant string
	wanted         atomic.Bool // there are subscriptions
	work           sync.WaitGroup
	queries        chan struct{}

	mu     sync.Mutex
	leased time.Time // until when the lease is surely held; zero: it is not
	states map[string]*state
	logged map[string]time.Time
}

// A state is what is known of a subscription beside its row.
type state struct {
	busy  bool // a goroutine delivers
	ended bool // by its client, the operator or time
	store.Delivery
	kept  store.Delivery // what the row says
	write bool           // the row is to be written soon
	life  attempt        // of telling of the subscription itself
	told  intel.Time     // the Missed of which the client was told
}

type attempt struct {
	failures int
	due      time.Time
}

// Serve runs until the context ends.
func (d *Deliverer) Serve(ctx context.Context) {
	d.holder, d.states, d.queries = store.NewGUID(), map[string]*state{}, make(chan struct{}, queries)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.writeUp(ctx)
	}()
	d.watch(ctx)
	d.work.Wait()
	<-done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if d.had() {
		d.failed("keeping how far deliveries are", errors.Join(d.keep(ctx, true), d.Store.Release(ctx, leaseName, d.holder)))
	}
}

// watch starts what is due, until the context ends. It only reads: an import that
// writes for long does not keep it waiting.
func (d *Deliverer) watch(ctx context.Context) {
	t := time.NewTicker(cmp.Or(d.Tick, tick))
	defer t.Stop()
	var list []*store.Subscription
	var listed time.Time
	at := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := time.Now()
		position, err := d.Store.Position(ctx)
		if err == nil && (position != at || now.Sub(listed) >= listAge) {
			if list, err = d.Store.Subscriptions(ctx); err == nil {
				at, listed = position, now
			}
		}
		d.wanted.Store(len(list) > 0)
		holds := false
		if err == nil && len(list) > 0 {
			holds, err = d.holds(ctx)
		}
		if err == nil && holds {
			err = d.round(ctx, list, position)
		}
		if ctx.Err() == nil {
			d.failed("the delivery of notifications", err)
		}
	}
}

// writeUp takes and prolongs the lease, and keeps how far deliveries are, until the
// context ends.
func (d *Deliverer) writeUp(ctx context.Context) {
	t := time.NewTicker(cmp.Or(d.Tick, tick))
	defer t.Stop()
	var kept time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if !d.wanted.Load() && !d.had() {
			continue
		}
		err := d.hold(ctx)
		if err == nil && d.had() {
			all := time.Since(kept) >= keepEvery
			if all {
				kept = time.Now()
			}
			err = d.keep(ctx, all)
		}
		if ctx.Err() == nil {
			d.failed("keeping how far deliveries are", err)
		}
	}
}

// failed logs an error, unless it is nil or was logged within a minute.
func (d *Deliverer) failed(what string, err error) {
	if err == nil {
		return
	}
	d.mu.Lock()
	again := time.Since(d.logged[what]) < time.Minute
	if !again {
		if d.logged == nil {
			d.logged = map[string]time.Time{}
		}
		d.logged[what] = time.Now()
	}
	d.mu.Unlock()
	if !again {
		d.Log.Error(what, "error", d.Store.Explain(err))
	}
}

// had reports whether the lease was taken and, as far as is known, not lost.
func (d *Deliverer) had() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.leased.IsZero()
}

// holds reports whether the lease is held. One that has run out while it could not
// be prolonged, because somebody was writing, is held until somebody else takes it.
func (d *Deliverer) holds(ctx context.Context) (bool, error) {
	d.mu.Lock()
	until := d.leased
	d.mu.Unlock()
	switch {
	case until.IsZero():
		return false, nil
	case time.Now().Before(until):
		return true, nil
	}
	holder, _, err := d.Store.LeaseHolder(ctx, leaseName)
	return holder == d.holder, err
}

// hold takes the lease, or prolongs it when half of it is over.
func (d *Deliverer) hold(ctx context.Context) error {
	term := cmp.Or(d.Term, leaseTerm)
	d.mu.Lock()
	until := d.leased
	d.mu.Unlock()
	if time.Until(until) > term/2 {
		return nil
	}
	if until.IsZero() { // somebody else's lease is seen without a write
		holder, held, err := d.Store.LeaseHolder(ctx, leaseName)
		if err != nil || held && holder != d.holder {
			return err
		}
		if d.tenant == "" {
			if d.tenant, err = d.Store.Installation(ctx); err != nil {
				return err
			}
		}
	}
	now := time.Now()
	held, err := d.Store.Lease(ctx, leaseName, d.holder, term)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if held {
		d.leased = now.Add(term)
		return nil
	}
	d.leased = time.Time{}
	maps.DeleteFunc(d.states, func(_ string, st *state) bool { return !st.busy }) // the rows know better
	return nil
}

// round starts what is due.
func (d *Deliverer) round(ctx context.Context, list []*store.Subscription, head int64) error {
	clients, err := d.clients(ctx)
	if err != nil {
		return err
	}
	now := intel.TimeOf(d.Store.Now())
	d.mu.Lock()
	defer d.mu.Unlock()
	there := map[string]bool{}
	for _, sub := range list {
		there[sub.ID] = true
		st := d.states[sub.ID]
		if st == nil {
			st = &state{Delivery: sub.Delivery, kept: sub.Delivery}
			d.states[sub.ID] = st
		}
		client, known := clients[sub.Client]
		gone := known && (client.Revoked != 0 || client.Expires != 0 && client.Expires <= now)
		st.ended = gone || sub.Removed != 0 || sub.Expires <= now
		if st.busy {
			continue
		}
		view := store.View{Ceiling: min(sub.Ceiling, d.Ceiling)}
		if known {
			view.Ceiling = min(view.Ceiling, client.TLP)
		}
		var task func(context.Context, *store.Subscription, *state)
		switch {
		case sub.Expires <= now: // without notice
			task = d.forget
		case sub.Removed != 0 || gone:
			if sub.Removed == 0 {
				sub.Removed = now
			}
			if !st.life.due.After(time.Now()) {
				task = d.remove
			}
		default:
			owes := sub.Missed != 0 && sub.Missed != st.told && !st.life.due.After(time.Now())
			behind := st.Place.Position < head && st.Due <= now
			if owes || behind {
				task = func(ctx context.Context, sub *store.Subscription, st *state) {
					if behind {
						d.deliver(ctx, sub, st, view)
					}
					if owes {
						d.tellMissed(ctx, sub, st)
					}
				}
			}
		}
		if task == nil {
			continue
		}
		st.busy = true
		d.work.Go(func() {
			task(ctx, sub, st)
			d.mu.Lock()
			defer d.mu.Unlock()
			st.busy = false
		})
	}
	maps.DeleteFunc(d.states, func(id string, st *state) bool {
		st.ended = st.ended || !there[id]
		return !there[id] && !st.busy
	})
	return nil
}

func (d *Deliverer) clients(ctx context.Context) (map[string]*store.Client, error) {
	list, err := d.Store.Clients(ctx)
	by := make(map[string]*store.Client, len(list))
	for _, c := range list {
		by[c.ID] = c
	}
	return by, err
}

// set changes how far a delivery is. That is written to its row soon, or, if
// nothing was told, at some time.
func (d *Deliverer) set(st *state, to store.Delivery, soon bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	st.Delivery = to
	st.write = st.write || soon
}

func (d *Deliverer) ended(st *state) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return st.ended
}

// deliver tells everything that there is to tell, until the receiver fails.
func (d *Deliverer) deliver(ctx context.Context, sub *store.Subscription, st *state, v store.View) {
	log := d.Log.With("subscription", sub.ID)
	terms, err := TermsOf(sub)
	if err != nil {
		log.Error("a subscription cannot be read", "error", err)
		return
	}
	for ctx.Err() == nil && !d.ended(st) {
		body, first, next, more, err := d.news(ctx, sub, terms, st.Place, v)
		switch {
		case errors.Is(err, store.ErrPruned):
			head, err := d.Store.Head(ctx)
			if err == nil {
				err = d.drop(ctx, sub, st, head)
			}
			d.failed("dropping notifications", err)
			return
		case err != nil:
			if ctx.Err() == nil {
				log.Error("notifications", "error", d.Store.Explain(err))
			}
			return
		case body == nil: // nothing of it is of interest; the place is kept later
			d.set(st, store.Delivery{Place: next, Failing: st.Failing, Failures: st.Failures, Due: st.Due}, false)
		default:
			retry, err := d.Hooks.send(ctx, terms.URL, body)
			if ctx.Err() != nil {
				return // whatever was told is told again
			}
			if err != nil {
				d.retry(ctx, log, sub, st, first, retry, err)
				return
			}
			if st.Failing != 0 {
				log.Info("a receiver takes notifications again")
			}
			d.set(st, store.Delivery{Place: next}, true)
		}
		if !more {
			return
		}
	}
}

// news returns the next notifications behind a place as a body, nil if there are
// none in this part, the position of the first, where to go on, and whether there
// may be more.
func (d *Deliverer) news(ctx context.Context, sub *store.Subscription, terms *Terms, since store.Place, v store.View) (body []byte, first int64, next store.Place, more bool, err error) {
	select {
	case d.queries <- struct{}{}:
		defer func() { <-d.queries }()
	case <-ctx.Done():
		return nil, 0, since, false, ctx.Err()
	}
	head, err := d.Store.Known(ctx, since)
	if err != nil {
		return nil, 0, since, false, err
	}
	list, next, more, err := d.Store.Notices(ctx, terms.Topic, v, since, head, perPost)
	if err != nil {
		return nil, 0, since, false, err
	}
	var values []any
	for _, n := range list {
		if !terms.wants(n.Op) {
			continue
		}
		if len(values) == 0 {
			first = n.Position
		}
		value, err := notificationOf(sub, terms, d.tenant, n)
		if err != nil {
			return nil, 0, since, false, err
		}
		values = append(values, value)
	}
	if len(values) > 0 {
		body, err = encoded(values...)
	}
	return body, first, next, more, err
}

// retry notes that a receiver failed. What is older than the patience, for a
// receiver that fails for so long, is dropped.
func (d *Deliverer) retry(ctx context.Context, log *slog.Logger, sub *store.Subscription, st *state, first int64, wait time.Duration, why error) {
	now := d.Store.Now()
	to := st.Delivery
	if to.Failing == 0 {
		to.Failing = intel.TimeOf(now)
		log.Warn("a receiver does not take notifications", "error", why)
	}
	to.Failures++
	backoff := d.Backoff
	if backoff == nil {
		backoff = fetch.Backoff
	}
	to.Due = intel.TimeOf(now.Add(min(max(wait, backoff(to.Failures)), longestWait)))
	d.set(st, to, true)
	old := now.Add(-patience)
	if to.Failing.Std().After(old) {
		return
	}
	position, _, err := d.Store.PositionAt(ctx, intel.TimeOf(old))
	if err == nil && position >= first {
		log.Warn("notifications were dropped", "error", why)
		err = d.drop(ctx, sub, st, position)
	}
	d.failed("dropping notifications", err)
}

// drop passes over everything up to a position, and remembers that the client is to
// be told.
func (d *Deliverer) drop(ctx context.Context, sub *store.Subscription, st *state, position int64) error {
	to := st.Delivery
	to.Place = store.Settled(position)
	if err := d.Store.OweMissed(ctx, sub.ID, intel.TimeOf(d.Store.Now())); err != nil {
		return err
	}
	d.set(st, to, true)
	return nil
}

// tellMissed tells the client that notifications were dropped.
func (d *Deliverer) tellMissed(ctx context.Context, sub *store.Subscription, st *state) {
	if d.tell(ctx, sub, st, eventMissed, sub.Missed) {
		st.told = sub.Missed
		d.failed("a lifecycle notification", d.Store.OweMissed(ctx, sub.ID, 0))
	}
}

// remove tells the client that the subscription has ended, and forgets it.
func (d *Deliverer) remove(ctx context.Context, sub *store.Subscription, st *state) {
	if d.tell(ctx, sub, st, eventRemoved, sub.Removed) {
		d.forget(ctx, sub, st)
	}
}

func (d *Deliverer) forget(ctx context.Context, sub *store.Subscription, _ *state) {
	if err := d.Store.ForgetSubscription(ctx, sub.ID); err != nil && ctx.Err() == nil {
		d.failed("forgetting a subscription", err)
	}
}

// tell sends a lifecycle notification; it reports whether that is done: it was
// taken, nobody wants it, or it was tried for long enough.
func (d *Deliverer) tell(ctx context.Context, sub *store.Subscription, st *state, event string, since intel.Time) bool {
	terms, err := TermsOf(sub)
	if err != nil || terms.Lifecycle == "" {
		return true
	}
	body, err := encoded(lifecycleNotification{sub.ID, DateTime(sub.Expires), d.tenant, terms.State, event})
	if err == nil {
		_, err = d.Hooks.send(ctx, terms.Lifecycle, body)
	}
	if ctx.Err() != nil {
		return false
	}
	if err == nil {
		st.life = attempt{}
		return true
	}
	if d.Store.Now().Sub(since.Std()) >= patience {
		d.Log.Warn("a lifecycle notification was dropped", "subscription", sub.ID, "event", event, "error", err)
		return true
	}
	backoff := d.Backoff
	if backoff == nil {
		backoff = fetch.Backoff
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	st.life.failures++
	st.life.due = time.Now().Add(min(backoff(st.life.failures), longestWait))
	return false
}

// keep writes how far deliveries are that have told something, or all that have
// moved.
func (d *Deliverer) keep(ctx context.Context, all bool) error {
	d.mu.Lock()
	moved := map[string]store.Delivery{}
	for id, st := range d.states {
		if (st.write || all) && st.Delivery != st.kept {
			moved[id] = st.Delivery
		}
	}
	d.mu.Unlock()
	if err := d.Store.KeepDelivery(ctx, moved); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, to := range moved {
		if st := d.states[id]; st != nil {
			st.kept = to
			st.write = st.write && st.Delivery != to
		}
	}
	return nil
}
