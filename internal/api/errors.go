package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// A failure is an error with its place in HTTP. Clients of Graph branch on the
// code, never on the message.
type failure struct {
	status  int
	code    string
	message string
	target  string      // the option or property that is wrong, "" if none
	header  http.Header // further headers, nil if none
}

func (f *failure) Error() string { return f.message }

func fail(status int, code, message string) *failure {
	return &failure{status: status, code: code, message: message}
}

func badRequest(message, target string) *failure {
	return &failure{status: http.StatusBadRequest, code: odata.CodeBadRequest, message: message, target: target}
}

func noSegment(segment string) *failure {
	return badRequest("Resource not found for the segment '"+clip(segment)+"'.", "")
}

func invalidVersion(version string) *failure {
	return fail(http.StatusBadRequest, codeInvalidVersion, "Invalid version: "+clip(version))
}

func methodNotAllowed(allow string) *failure {
	f := fail(http.StatusMethodNotAllowed, codeMethod, "Specified HTTP method is not allowed for the request target.")
	f.header = http.Header{"Allow": {allow}}
	return f
}

// tooMany is the answer for an address with too many requests under way.
func tooMany() *failure {
	f := fail(http.StatusTooManyRequests, codeTooMany, "Too many requests at once. Wait as long as Retry-After says.")
	f.header = http.Header{"Retry-After": {"1"}}
	return f
}

// tooBusy is the answer when others have to be answered first.
func tooBusy() *failure {
	f := fail(http.StatusServiceUnavailable, codeUnavailable, "The server is busy. Wait as long as Retry-After says.")
	f.header = http.Header{"Retry-After": {"3"}}
	return f
}

// notServed is the answer for what is in the model and not in this release.
func notServed(*request) (*answer, error) {
	return nil, fail(http.StatusNotImplemented, codeNotServed, "This operation target is not yet supported.")
}

// clip shortens text of a client for a message.
func clip(s string) string {
	n := 0
	for i := range s {
		if n == 80 {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// failureOf is the one place where errors become statuses. What it does not know
// is logged, and the client learns nothing of it.
func (s *Server) failureOf(r *request, err error) *failure {
	var known *failure
	var query *odata.Error
	var body *bodyError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &query):
		status := http.StatusBadRequest
		if query.Code == odata.CodeNotAcceptable {
			status = http.StatusNotAcceptable
		}
		return &failure{status: status, code: query.Code, message: query.Message, target: query.Target}
	case errors.As(err, &body) && errors.Is(err, os.ErrDeadlineExceeded):
		return fail(http.StatusRequestTimeout, codeSlow, "The body did not arrive in time.")
	case errors.As(err, &body):
		return badRequest("The body cannot be read to its end.", "")
	case errors.Is(err, intel.ErrNotFound):
		return fail(http.StatusNotFound, codeNotFound, "Resource not found: "+clip(strings.TrimSuffix(err.Error(), ": "+intel.ErrNotFound.Error()))+".")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		f := fail(http.StatusServiceUnavailable, codeUnavailable, "The request was not completed in time.")
		f.header = http.Header{"Retry-After": {"10"}}
		return f
	}
	if s.store.Unavailable(err) {
		s.log.LogAttrs(r.Context(), slog.LevelWarn, "the database is not available", slog.String("request-id", r.id), slog.Any("error", s.store.Explain(err)))
		f := fail(http.StatusServiceUnavailable, codeUnavailable, "The database is not available now.")
		f.header = http.Header{"Retry-After": {"5"}}
		return f
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("method", r.Method),
		slog.String("path", clip(r.URL.EscapedPath())), slog.String("request-id", r.id), slog.Any("error", err))
	return fail(http.StatusInternalServerError, codeInternal, "An internal error occurred. The server's log has it under the request-id.")
}

// envelope is the body of every error.
type envelope struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Target  string     `json:"target,omitempty"`
	Inner   innerError `json:"innerError"`
}

type innerError struct {
	Date            string `json:"date"` // UTC without a zone
	RequestID       string `json:"request-id"`
	ClientRequestID string `json:"client-request-id"`
}

// answerOf returns the answer for a failure.
func (s *Server) answerOf(r *request, f *failure) *answer {
	if r.taxii {
		return r.taxiiFailure(f)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// Strings only: this cannot fail.
	_ = enc.Encode(envelope{errorBody{f.code, f.message, f.target, innerError{
		s.now().UTC().Format("2006-01-02T15:04:05"), r.id, r.clientID,
	}}})
	return &answer{status: f.status, contentType: "application/json", header: f.header, body: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}
}
