package api

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"dossier/internal/auth"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// A request is what a handler gets: the HTTP request and what the path says.
type request struct {
	*http.Request
	s        *Server
	id       string   // the request-id, a GUID
	clientID string   // the caller's own id, else id
	ids      []string // the ids in the path, in order
	graph    bool     // the path is one of Graph's
	taxii    bool     // the path is one of the TAXII server
	who      *auth.Identity
	base     string // {base}: absolute, with the version of the request; Graph paths only

	metadata odata.Metadata // after query
	include  include        // annotations that are asked for; after query
	header   http.Header    // of the answer, when the handler has some

	conn *connection // nil if the server does not bound its connections
	held int         // bytes of the answer, as last said to hold
	turn bool        // it is the request's turn

	labels labels // for the metrics
}

// smallAnswer is how many bytes of an answer are not worth counting: the number of
// requests bounds them.
const smallAnswer = 64 << 10

// hold says that the answer takes so many bytes now, and reports whether there is
// room for them.
func (r *request) hold(bytes int) bool {
	if bytes <= smallAnswer {
		bytes = 0
	}
	if bytes == r.held {
		return true
	}
	if !r.s.conns.hold(r.conn, bytes-r.held) {
		return false
	}
	r.held = bytes
	return true
}

func (s *Server) newRequest(r *http.Request) *request {
	req := &request{Request: r, s: s, id: store.NewGUID(), header: http.Header{}}
	req.clientID = clientID(r.Header, req.id)
	return req
}

// clientID returns the caller's own id for the request, else the given one.
func clientID(h http.Header, id string) string {
	if own := h.Get("client-request-id"); own != "" && len(own) <= maxClientID && visible(own) {
		return own
	}
	return id
}

// maxClientID bounds what is echoed of a client-request-id; clients send GUIDs.
const maxClientID = 200

func visible(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// publicURL returns the scheme and host that links begin with.
func (s *Server) publicURL(r *http.Request) string {
	if s.public != "" {
		return s.public
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host := r.Host
	if host == "" { // HTTP/1.0
		host = "localhost"
		if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = a.String()
		}
	}
	return scheme + "://" + host
}

// url returns an absolute link to a path under {base}/security/threatIntelligence.
func (r *request) url(path string) string { return r.base + "/" + contextPrefix + path }

// query parses the options of the request for a resource of type t and
// settles which metadata the answer has. A number is text whatever is accepted.
func (r *request) query(t *odata.Type, o odata.Options) (*odata.Query, error) {
	preferred := r.maxPageSize()
	o.DefaultPage = preferred
	q, err := odata.ParseQuery(r.URL.RawQuery, t, o)
	if err != nil {
		return nil, err
	}
	r.labels.query = queryClass(q)
	if preferred > 0 && o.Allow&odata.AllowTop != 0 && !q.TopGiven {
		r.header.Add("Preference-Applied", "odata.maxpagesize="+strconv.Itoa(q.Top))
	}
	if r.include = annotationPreference(r.Header.Values("Prefer")); len(r.include) > 0 && o.Allow&odata.AllowSelect != 0 {
		r.header.Add("Preference-Applied", `odata.include-annotations="`+strings.Join(r.include, ",")+`"`)
	}
	r.metadata = q.Format
	if r.metadata == odata.MetadataUnset && o.Allow&odata.AllowSelect != 0 {
		if r.metadata, err = accepted(r.Header.Values("Accept")); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// maxPageSize returns the page size of the Prefer header, 0 if there is none.
func (r *request) maxPageSize() int {
	for _, item := range list(r.Header.Values("Prefer")) {
		item, _, _ = strings.Cut(item, ";")
		name, value, _ := strings.Cut(item, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "odata.maxpagesize" && name != "maxpagesize" {
			continue
		}
		n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
		if err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// accepted returns the metadata level that the Accept header asks for. Among
// several ranges the one with the greatest weight counts, then the first. The
// error says that nothing of what is acceptable is served.
func accepted(values []string) (odata.Metadata, error) {
	ranges := list(values)
	if len(ranges) == 0 {
		return odata.MetadataMinimal, nil
	}
	best, level := 0.0, odata.MetadataUnset
	for _, item := range ranges {
		mediaType, params, _ := strings.Cut(item, ";")
		q := weight(params)
		if q <= best {
			continue
		}
		mediaType = strings.ToLower(strings.TrimSpace(mediaType))
		if mediaType == "*/*" || mediaType == "application/*" {
			best, level = q, odata.MetadataMinimal
		} else if l, err := odata.ParseFormat(item); err == nil {
			best, level = q, l
		}
	}
	if level == odata.MetadataUnset {
		return 0, fail(http.StatusNotAcceptable, codeNotAcceptable, "None of the media types in the Accept header is served: use application/json.")
	}
	return level, nil
}

// contentType returns the media type of a Graph body.
func (r *request) contentType() string {
	level := "minimal"
	switch r.metadata {
	case odata.MetadataNone:
		level = "none"
	case odata.MetadataFull:
		level = "full"
	}
	return "application/json;odata.metadata=" + level + ";odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
}

// view returns for whom the answer is made. The option view, which is
// Dossier's own, chooses among indicators.
func (r *request) view(q *odata.Query) (store.View, error) {
	v := r.ceiling()
	mode, _ := q.Param("view")
	switch strings.ToLower(mode) {
	case "", "default":
	case "active":
		v.Mode = store.Active
	case "all":
		v.Mode = store.All
	default:
		return v, badRequest("Invalid value of view: expected active or all, found '"+clip(mode)+"'.", "view")
	}
	return v, nil
}

// notModified reports whether the client has the entity with this tag already:
// tags compare without regard to W/.
func (r *request) notModified(tag string) bool {
	for _, have := range list(r.Header.Values("If-None-Match")) {
		if have == "*" || strings.TrimPrefix(have, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
