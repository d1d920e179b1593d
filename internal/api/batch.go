package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"dossier/internal/odata"
	"dossier/internal/store"
)

// Limits of a batch.
const (
	maxBatch     = 20      // items
	maxBatchBody = 4 << 20 // bytes, inflated
)

// batchRequest and batchResponse are the bodies of a batch.
type batchRequest struct {
	Requests []batchItem `json:"requests"`
}

type batchResponse struct {
	Responses []batchAnswer `json:"responses"`
}

// A batchItem is one request of a batch. null is the same as absent everywhere.
type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"` // relative to {base}
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// A batchAnswer is what became of an item.
type batchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body,omitempty"` // JSON, else a base64 string
}

// batch answers POST {base}/$batch: every item by the route that it would have
// alone, in an order that respects what they depend on.
func batch(r *request) (*answer, error) {
	items, err := readBatch(r)
	if err != nil {
		return nil, err
	}
	order, err := batchOrder(items)
	if err != nil {
		return nil, err
	}
	answers := make([]batchAnswer, len(items))
	failed := map[string]bool{} // by id in lower case
	size := 0
	for _, i := range order {
		item := &items[i]
		var a *answer
		if slices.ContainsFunc(item.DependsOn, func(id string) bool { return failed[strings.ToLower(id)] }) {
			a = r.s.answerOf(r, fail(http.StatusFailedDependency, codeFailedDepend, "The request was not performed: one that it depends on has failed."))
		} else {
			a = r.perform(item)
		}
		// The body is there up to three times: by itself, encoded, and in the whole.
		if size += 3 * len(a.body); !r.hold(size) {
			size -= 3 * len(a.body)
			a = r.s.answerOf(r, tooBusy())
		}
		if a.status == 0 {
			a.status = http.StatusOK
		}
		failed[strings.ToLower(item.ID)] = a.status >= 400
		if answers[i], err = batchAnswerOf(item.ID, a); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := encode(&b, batchResponse{answers}); err != nil {
		return nil, err
	}
	return &answer{contentType: r.contentType(), body: b.Bytes()}, nil
}

// readBatch reads and checks the body of a batch.
func readBatch(r *request) ([]batchItem, error) {
	body, err := r.readBody(maxBatchBody)
	if err != nil {
		return nil, err
	}
	var in batchRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badRequest("Invalid batch payload: the body is not the JSON of a batch.", "")
	}
	if n := len(in.Requests); n == 0 || n > maxBatch {
		return nil, badRequest("Invalid batch payload: there must be 1 to "+strconv.Itoa(maxBatch)+" requests, found "+strconv.Itoa(n)+".", "requests")
	}
	seen := map[string]bool{}
	for i := range in.Requests {
		item := &in.Requests[i]
		id := strings.ToLower(item.ID)
		switch {
		case item.ID == "" || item.Method == "" || item.URL == "":
			return nil, badRequest("Invalid batch payload: request "+strconv.Itoa(i+1)+" must have id, method and url.", "requests")
		case seen[id]:
			return nil, badRequest("Invalid batch payload: the id '"+clip(item.ID)+"' is there twice.", "requests")
		}
		seen[id] = true
		item.Method = strings.ToUpper(item.Method)
	}
	return in.Requests, nil
}

// readBody reads a JSON body of at most limit bytes, inflated if it was
// compressed with gzip. Meanwhile others may have their turn.
func (r *request) readBody(limit int64) ([]byte, error) {
	coding, err := r.checkBody()
	if err != nil {
		return nil, err
	}
	had := r.turn
	r.leaveTurn()
	body, err := r.inflated(coding, limit)
	if err == nil && had {
		err = r.takeTurn()
	}
	return body, err
}

func (r *request) inflated(coding string, limit int64) ([]byte, error) {
	// What is left unread is closed by the server; the limit is for both forms.
	var in io.Reader = http.MaxBytesReader(nil, r.Body, limit)
	if coding == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, unread(err, limit)
		}
		in = z
	}
	body, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = &http.MaxBytesError{Limit: limit}
	}
	if err != nil {
		return nil, unread(err, limit)
	}
	return body, nil
}

// unread returns why a body could not be read: it is too long, did not come, or
// is not gzip.
func unread(err error, limit int64) error {
	var large *http.MaxBytesError
	var missing *bodyError
	switch {
	case errors.As(err, &large):
		return fail(http.StatusRequestEntityTooLarge, codeTooLarge, "The body is longer than "+strconv.FormatInt(limit, 10)+" bytes.")
	case errors.As(err, &missing):
		return err
	}
	return badRequest("The body is not compressed with gzip, as Content-Encoding says.", "")
}

// checkBody refuses bodies in a form that is never taken, and returns the coding:
// gzip or "".
func (r *request) checkBody() (coding string, err error) {
	codings := list(r.Header.Values("Content-Encoding"))
	for _, c := range codings {
		if c := strings.ToLower(c); c != "gzip" && c != "identity" || len(codings) > 1 {
			return "", fail(http.StatusUnsupportedMediaType, codeMediaType, "The content coding '"+clip(c)+"' is not supported: use gzip or none.")
		}
		if strings.EqualFold(c, "gzip") {
			coding = "gzip"
		}
	}
	if given := r.Header.Get("Content-Type"); given != "" {
		if t, _, err := mime.ParseMediaType(given); err != nil || t != "application/json" {
			return "", fail(http.StatusUnsupportedMediaType, codeMediaType, "The content type '"+clip(given)+"' is not supported: use application/json.")
		}
	}
	return coding, nil
}

// batchOrder returns the items so that each comes after those it depends on.
func batchOrder(items []batchItem) ([]int, error) {
	index := map[string]int{}
	for i := range items {
		index[strings.ToLower(items[i].ID)] = i
	}
	waits := make([][]int, len(items))
	for i := range items {
		for _, id := range items[i].DependsOn {
			j, ok := index[strings.ToLower(id)]
			if !ok {
				return nil, badRequest("Invalid batch payload: request '"+clip(items[i].ID)+"' depends on '"+clip(id)+"', which is not there.", "dependsOn")
			}
			waits[i] = append(waits[i], j)
		}
	}
	done := make([]bool, len(items))
	var order []int
	for len(order) < len(items) {
		before := len(order)
		for i := range items {
			if !done[i] && !slices.ContainsFunc(waits[i], func(j int) bool { return !done[j] }) {
				done[i] = true
				order = append(order, i)
			}
		}
		if len(order) == before {
			return nil, badRequest("Invalid batch payload: requests depend on each other in a circle.", "dependsOn")
		}
	}
	return order, nil
}

// perform answers one item, under the version of the batch.
func (r *request) perform(item *batchItem) (a *answer) {
	s := r.s
	sub := &request{s: s, id: store.NewGUID(), graph: true, who: r.who, base: r.base, header: http.Header{}}
	path, query, _ := strings.Cut("/"+strings.TrimLeft(item.URL, "/"), "?")
	// The path is read raw, as that of any request; Path is for handlers that want it decoded.
	u := &url.URL{RawQuery: query}
	segments, err := odata.ParsePath(path)
	sub.Request = (&http.Request{
		Method: item.Method, URL: u, Host: r.Host, TLS: r.TLS, Header: http.Header{}, Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Body: io.NopCloser(bytes.NewReader(item.Body)), ContentLength: int64(len(item.Body)), RemoteAddr: r.RemoteAddr,
	}).WithContext(r.Context())
	for name, value := range item.Headers {
		sub.Header.Set(name, value)
	}
	sub.clientID = clientID(sub.Header, sub.id)
	defer func() {
		if p := recover(); p != nil {
			a = s.answerOf(sub, s.failureOf(sub, panicked(p)))
		}
	}()
	switch {
	case err != nil:
	case len(segments) > 0 && strings.EqualFold(segments[0].Text, "$batch"):
		err = badRequest("A batch cannot hold another.", "")
	default:
		if s.guard != nil {
			err = s.allow(sub, neededFor(item.Method, segments))
		}
		if err == nil {
			a, err = s.inTurn(s.graph, sub, segments)
		}
	}
	if err != nil {
		a = s.answerOf(sub, s.failureOf(sub, err))
	}
	if item.Method == http.MethodHead {
		a = &answer{status: a.status, contentType: a.contentType, header: a.header}
	}
	return a
}

func batchAnswerOf(id string, a *answer) (batchAnswer, error) {
	out := batchAnswer{ID: id, Status: a.status, Headers: map[string]string{"Content-Type": a.contentType, "OData-Version": "4.0", "Cache-Control": "no-cache"}}
	for name := range a.header {
		out.Headers[name] = strings.Join(a.header.Values(name), ", ")
	}
	if len(a.body) == 0 {
		delete(out.Headers, "Content-Type")
		return out, nil
	}
	if strings.HasPrefix(a.contentType, "application/json") {
		out.Body = a.body
		return out, nil
	}
	body, err := json.Marshal(a.body) // base64
	out.Body = body
	return out, err
}
