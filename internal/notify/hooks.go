package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"strings"
	"sync/atomic"
	"time"

	"dossier/internal/fetch"
)

// How long a receiver may take.
const (
	handshakeTime = 10 * time.Second
	deliveryTime  = 3 * time.Second
)

// Hooks sends to receivers. It is safe for concurrent use.
type Hooks struct {
	Poster *fetch.Poster

	// Handshake and Delivery are how long a receiver may take; 0: 10 s and 3 s.
	Handshake, Delivery time.Duration

	shaking atomic.Int32 // handshakes under way
}

// maxHandshakes is how many handshakes are under way at most: each may take long,
// and nothing but patience is needed for one.
const maxHandshakes = 16

// A ReceiverError says what a receiver did wrong.
type ReceiverError struct{ Msg string }

func (e *ReceiverError) Error() string { return "the receiver " + e.Msg }

// ErrBusy says that too many handshakes are under way.
var ErrBusy = errors.New("too many receivers are being validated")

// Validate shakes hands: whoever reads at the address must answer with the token that
// is sent to it, so that nobody is sent what they did not ask for. The error wraps a
// *[ReceiverError], [ErrBusy], or is that of [fetch.Poster.Post].
func (h *Hooks) Validate(ctx context.Context, address string) error {
	if err := fetch.CheckAddress(address); err != nil {
		return err
	}
	defer h.shaking.Add(-1)
	if h.shaking.Add(1) > maxHandshakes {
		return ErrBusy
	}
	token := rand.Text() + " " + rand.Text() // a space, so that who does not decode is found out
	with := "?"
	if strings.Contains(address, "?") {
		with = "&"
	}
	reply, err := h.Poster.Post(ctx, address+with+"validationToken="+strings.ReplaceAll(token, " ", "%20"), "text/plain; charset=utf-8", nil, cmp.Or(h.Handshake, handshakeTime))
	if err != nil {
		return err
	}
	mediaType, _, _ := mime.ParseMediaType(reply.Header.Get("Content-Type"))
	switch {
	case reply.Status != 200:
		return &ReceiverError{fmt.Sprintf("answered %d, not 200", reply.Status)}
	case mediaType != "text/plain":
		return &ReceiverError{"did not answer with text/plain"}
	case string(reply.Body) != token:
		return &ReceiverError{"did not answer with the decoded token"}
	}
	return nil
}

// send sends a body once; the error says why it was not taken, and retry how long
// the receiver wants to be left alone.
func (h *Hooks) send(ctx context.Context, address string, body []byte) (retry time.Duration, err error) {
	reply, err := h.Poster.Post(ctx, address, "application/json; charset=utf-8", body, cmp.Or(h.Delivery, deliveryTime))
	if err != nil {
		return 0, err
	}
	if !reply.OK() {
		return reply.Retry, &ReceiverError{fmt.Sprintf("answered %d", reply.Status)}
	}
	return 0, nil
}
