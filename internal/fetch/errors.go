package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// ErrUnchanged is returned by [Client.Spool] when the server has nothing new.
var ErrUnchanged = errors.New("unchanged")

// A StatusError is an answer of 400 and more.
type StatusError struct {
	Code   int
	Header http.Header
	Text   string        // the beginning of the body, as one line
	Retry  time.Duration // what Retry-After asks for, 0 if nothing
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
	switch e.Code {
	case http.StatusUnauthorized, http.StatusForbidden:
		s += " (is the key right, and allowed to read this?)"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if e.Retry > 0 {
			s += fmt.Sprintf(" and asks to wait %s", e.Retry.Round(time.Second))
		}
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// StatusCode returns the code, for those who know the error by its method alone.
func (e *StatusError) StatusCode() int { return e.Code }

func (e *StatusError) temporary() bool {
	switch e.Code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// A RefusedError is about what is never fetched, whatever the server says.
type RefusedError struct{ Msg string }

func (e *RefusedError) Error() string { return "refused: " + e.Msg }

// A SlowError is about a server that takes too long.
type SlowError struct{ Msg string }

func (e *SlowError) Error() string { return "the server is too slow: " + e.Msg }

// A BodyError is about a body that cannot be what was asked for: too large, a
// web page, a bomb. It is not fetched again.
type BodyError struct{ Msg string }

func (e *BodyError) Error() string { return e.Msg }

type triedError struct {
	error
	n int
}

func (e *triedError) Error() string { return fmt.Sprintf("%s (%d attempts)", e.error, e.n) }
func (e *triedError) Unwrap() error { return e.error }

type requestError struct {
	where, msg string
	err        error
}

func (e *requestError) Error() string { return e.where + ": " + e.msg }
func (e *requestError) Unwrap() error { return e.err }

// retryAfter reads Retry-After: seconds, or a date (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 7*24*3600)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), 7*24*time.Hour)
	}
	return 0
}

// plain makes one short line of the beginning of an error's body; markup is
// left out.
func plain(b []byte) string {
	s := strings.ToValidUTF8(string(b), "")
	if strings.HasPrefix(strings.TrimSpace(s), "<") {
		return ""
	}
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	return clip(s)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}
