// Package notify tells receivers of their own what changed: Graph's subscriptions.
//
// Start at [Terms], what a client asked for, and [Hooks], which shakes hands with a
// receiver and sends to it. [Deliverer] is what a server runs.
//
// The rules of the package:
//
//   - There is no queue of notifications. A subscription has a place in the order of
//     changes, kept in the database; what lies behind it is still to be told. So a
//     restart loses nothing, a thousand subscriptions cost no more than their rows,
//     and what was told just before a crash may be told again.
//   - Of several servers on one database one delivers: it holds a lease.
//   - Each receiver is served by itself: one that is slow or gone keeps nobody waiting.
//   - A receiver is an address that a stranger chose. See [fetch.Poster].
package notify
