package api

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"dossier/internal/auth"
	"dossier/internal/fetch"
	"dossier/internal/intel"
	"dossier/internal/notify"
	"dossier/internal/odata"
	"dossier/internal/publish"
	"dossier/internal/store"
)

// Config says what a server is made of. Only Store is needed.
type Config struct {
	Store     *store.Store
	PublicURL string           // what links begin with, without a version: https://intel.example.org; "": the request's scheme and Host
	Version   string           // of the build, for /healthz
	Ceiling   intel.TLP        // of everybody, where there is no Guard
	Guard     *auth.Guard      // who may what; nil: everybody may read
	Audit     *auth.Audit      // where it is written who was refused and who did what; nil: nowhere
	Logger    *slog.Logger     // nil: [slog.Default]
	Home      http.Handler     // serves what is not the API's: the portal; nil: 404
	Now       func() time.Time // nil: [time.Now]
	Hooks     *notify.Hooks    // validates the receivers of notifications; nil: with its defaults

	// Connections of one address and of all, where [Server.HTTPServer] serves; 0:
	// [MaxPerAddress] and [MaxConnections]. The Guard's proxies have no limit of their own.
	MaxPerAddress, MaxConnections int

	Hunts HuntLimits
}

// A Server is the API as a handler.
type Server struct {
	store   *store.Store
	public  string
	version string
	ceiling intel.TLP
	log     *slog.Logger
	home    http.Handler
	guard   *auth.Guard
	audit   *auth.Audit
	memory  *memory
	metrics *metrics
	seals   seals
	ages    rememberedAges // of /healthz
	origin  *http.CrossOriginProtection
	now     func() time.Time

	conns    *connections
	making   *turns        // of answers that are being made
	patience time.Duration // see piecePatience

	spool *publish.Spool
	types publish.ProfileTypes
	hooks *notify.Hooks

	matchers    *matchers
	huntStreams huntStreams
	huntLimits  HuntLimits

	graph       *node // behind a version
	own         *node
	collections *node // of the TAXII server
}

// New returns a server.
func New(c Config) *Server {
	s := &Server{
		store: c.Store, public: strings.TrimRight(c.PublicURL, "/"), version: c.Version, ceiling: c.Ceiling,
		hooks: c.Hooks, log: c.Logger, home: c.Home, guard: c.Guard, audit: c.Audit, memory: newMemory(), origin: http.NewCrossOriginProtection(), now: c.Now,
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.hooks == nil {
		s.hooks = &notify.Hooks{Poster: &fetch.Poster{}}
	}
	if s.now == nil {
		s.now = time.Now
	}
	var proxies []netip.Prefix
	if s.guard != nil {
		proxies = s.guard.Proxies
	}
	s.conns = newConnections(c.MaxPerAddress, c.MaxConnections, proxies, s.log)
	s.making = newTurns(runtime.GOMAXPROCS(0))
	if s.store != nil {
		s.making = newTurns(s.store.Readers())
	}
	s.patience = piecePatience
	s.matchers = &matchers{store: s.store, log: s.log}
	s.huntLimits = c.Hunts
	s.huntLimits.fill()
	s.spool = &publish.Spool{Fresh: exportFresh}
	s.metrics = newMetrics(s)
	s.routes()
	return s
}

// Limits of a connection. A header may be large, since a nextLink repeats a long
// $filter and comes in the request line.
const (
	ReadHeaderTimeout = 10 * time.Second
	ReadTimeout       = time.Minute
	WriteTimeout      = 5 * time.Minute
	IdleTimeout       = 2 * time.Minute
	MaxHeaderBytes    = 256 << 10
)

// queryTimeout is how long one answer may take to make: a scan that takes longer
// is ended with 503, so that a few of them do not hold up everybody.
const queryTimeout = 30 * time.Second

// makingPatience is how long a request waits for its turn when as many answers
// are being made as the processors and the database have use for. Then it is
// answered with 503.
const makingPatience = 3 * time.Second

// HTTPServer returns an http.Server for the address with the limits of this
// package. Several share those of connections; a server that is made otherwise has
// none of connections, nor of requests by address.
func (s *Server) HTTPServer(addr string) *http.Server {
	return &http.Server{
		Addr: addr, Handler: s, ReadHeaderTimeout: ReadHeaderTimeout, ReadTimeout: ReadTimeout,
		WriteTimeout: WriteTimeout, IdleTimeout: IdleTimeout, MaxHeaderBytes: MaxHeaderBytes,
		ConnContext: s.conns.opened, ConnState: s.conns.state,
		// Buffers that a client can fill are as small as the protocol allows. Without
		// WriteByteTimeout, one that stops reading would keep its connection for ever.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 100, MaxReadFrameSize: 16 << 10, MaxReceiveBufferPerConnection: 64 << 10,
			MaxReceiveBufferPerStream: 64 << 10, WriteByteTimeout: piecePatience,
		},
		ErrorLog: log.New(serverLog{s.log}, "", 0),
	}
}

// serverLog is where net/http writes. Strangers cause most of it, as often as
// they like: that is for debugging only.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelDebug
	if bytes.Contains(line, []byte("Accept error")) || bytes.Contains(line, []byte("panic serving")) {
		level = slog.LevelWarn
	}
	l.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}

// versions are Graph's, as they stand in paths and links.
var versions = []string{"v1.0", "beta"}

// otherVersion matches what looks like a version of Graph and is none.
var otherVersion = regexp.MustCompile(`(?i)^v[0-9]+(\.[0-9]+)*$`)

// ServeHTTP answers a request: Graph's by its first segment, which is a version,
// then the server's own, then Home.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := connectionOf(r.Context())
	as := ordinary
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		as = urgent
	}
	as, err := conn.begin(as)
	defer conn.end(as)
	if as == cut {
		panic(http.ErrAbortHandler)
	}
	if r.Body != nil && r.Body != http.NoBody {
		with := *r // net/http keeps its own, and looks at that body
		with.Body = &awaited{r.Body, conn}
		r = &with
	}
	req := s.newRequest(r)
	req.conn = conn
	defer req.hold(0)
	out := &tracked{ResponseWriter: w}
	start := s.now()
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler || out.wrote {
				panic(http.ErrAbortHandler)
			}
			s.write(out, req, s.answerOf(req, s.failureOf(req, panicked(p))))
		}
		s.metrics.observe(req.labels, r.Method, out.status, s.now().Sub(start))
		if s.log.Enabled(r.Context(), slog.LevelDebug) {
			s.log.Debug("request", "method", r.Method, "path", clip(r.URL.EscapedPath()), "status", out.status,
				"took", s.now().Sub(start), "request-id", req.id)
		}
	}()
	var answer *answer
	if err == nil {
		answer, err = s.dispatch(out, req)
	}
	switch {
	case err == nil && answer == nil:
		return // Home has answered
	case err == nil && !req.hold(len(answer.body)):
		err = tooBusy()
	}
	if err != nil {
		answer = s.answerOf(req, s.failureOf(req, err))
	}
	s.write(out, req, answer)
}

// panicked makes an error of a recovered panic.
func panicked(p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }

// dispatch finds out whose the path is and lets the route answer. Both results
// are nil if Home has written the answer.
func (s *Server) dispatch(w http.ResponseWriter, r *request) (*answer, error) {
	segments, err := odata.ParsePath(r.URL.EscapedPath())
	if err != nil {
		r.graph, r.taxii = isGraph(r.URL.Path), strings.HasPrefix(r.URL.Path, taxiiPath)
		return nil, err
	}
	if len(segments) > 0 {
		first := segments[0].Text
		for _, v := range versions {
			if strings.EqualFold(first, v) {
				r.graph, r.base = true, s.publicURL(r.Request)+"/"+v
				return s.guarded(s.graph, r, segments[1:])
			}
		}
		switch {
		case otherVersion.MatchString(first), strings.EqualFold(first, "security"),
			len(segments) > 1 && strings.EqualFold(segments[1].Text, "security"):
			r.graph = true
			return nil, invalidVersion(first)
		case s.collections.literals[first] != nil:
			r.taxii = true
			return s.guarded(s.collections, r, segments)
		case s.own.literals[first] != nil:
			return s.guarded(s.own, r, segments)
		}
		if tenant, what := tokenPath(segments); what != "" && s.guard != nil {
			return s.tokenService(r, tenant, what)
		}
	}
	if s.home != nil {
		r.labels.route = "pages"
		return nil, s.page(w, r)
	}
	return nil, fail(http.StatusNotFound, codeNotFound, "There is nothing at this path.")
}

// open are the paths that need no token: what is wrong with a server must be
// found by who has none, and clients read the metadata before they sign in. None
// of them says anything of the data.
var open = []string{"$metadata", "healthz", "readyz", "openapi.json", "reference"}

// guarded identifies who asks, then calls the handler.
func (s *Server) guarded(tree *node, r *request, segments []odata.Segment) (*answer, error) {
	if len(segments) == 1 && safe(r.Method) && slices.Contains(open, segments[0].Text) {
		return s.route(tree, r, segments)
	}
	if err := s.identify(r); err != nil {
		return nil, err
	}
	if s.guard != nil {
		if err := s.allow(r, neededFor(r.Method, segments)); err != nil {
			return nil, err
		}
	}
	if tree == s.graph {
		return s.remembering(r, segments, func() (*answer, error) { return s.inTurn(tree, r, segments) })
	}
	return s.inTurn(tree, r, segments)
}

// inTurn calls the handler when it is the request's turn. A batch is none, its
// requests are.
func (s *Server) inTurn(tree *node, r *request, segments []odata.Segment) (*answer, error) {
	if tree == s.graph && isBatch(segments) {
		return s.route(tree, r, segments)
	}
	defer r.leaveTurn()
	if err := r.takeTurn(); err != nil {
		return nil, err
	}
	return s.route(tree, r, segments)
}

// takeTurn waits until it is the request's turn. leaveTurn must follow, also after
// an error.
func (r *request) takeTurn() error {
	err := r.s.making.take(r.Context(), r.client(), makingPatience)
	r.turn = err == nil
	return err
}

// leaveTurn lets another request have its turn.
func (r *request) leaveTurn() {
	if r.turn {
		r.turn = false
		r.s.making.leave(r.client())
	}
}

// client is by whom turns are shared: who has told who they are, or the address.
func (r *request) client() string {
	switch {
	case r.who != nil && !r.who.Anonymous():
		return "client " + r.who.ClientID
	case r.s.guard != nil:
		return r.s.guard.Peer(r.Request)
	}
	host, _, _ := strings.Cut(r.RemoteAddr, "]") // of IPv6
	if host == r.RemoteAddr {
		host, _, _ = strings.Cut(host, ":")
	}
	return host
}

func isBatch(segments []odata.Segment) bool {
	return len(segments) == 1 && strings.EqualFold(segments[0].Text, "$batch")
}

// isGraph guesses from the beginning of a malformed path.
func isGraph(path string) bool {
	path = strings.ToLower(strings.TrimLeft(path, "/"))
	return strings.HasPrefix(path, versions[0]+"/") || strings.HasPrefix(path, versions[1]+"/")
}

// route calls the handler of the path and method. HEAD is GET.
func (s *Server) route(tree *node, r *request, segments []odata.Segment) (*answer, error) {
	n, ids, unknown := tree.find(segments)
	switch {
	case unknown != nil && tree != s.graph:
		return nil, fail(http.StatusNotFound, codeNotFound, "There is nothing at this path.")
	case unknown != nil:
		return nil, noSegment(unknown.Text)
	case n.methods == nil && tree != s.graph:
		return nil, fail(http.StatusNotFound, codeNotFound, "There is nothing at this path.")
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	h := n.methods[method]
	if h == nil {
		return nil, methodNotAllowed(n.allowed())
	}
	r.ids, r.labels.route = ids, n.path
	whole := r.Request
	timeout := queryTimeout
	if n.long {
		timeout = exportTimeout
	}
	ctx, cancel := context.WithTimeout(whole.Context(), timeout)
	defer func() { cancel(); r.Request = whole }()
	r.Request = whole.WithContext(ctx)
	a, err := s.persevering(r, h)
	if err != nil && ctx.Err() != nil {
		// The database's own word for it is "interrupted".
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return a, err
}

// Reads are tried again where the database was not available for a moment: it
// restarted, a connection broke, a transaction gave way.
var retryAfter = []time.Duration{50 * time.Millisecond, 250 * time.Millisecond, time.Second}

// persevering calls a handler, again if that may help.
func (s *Server) persevering(r *request, h handler) (*answer, error) {
	for n := 0; ; n++ {
		a, err := h(r)
		if err == nil || !safe(r.Method) || n == len(retryAfter) || !s.store.Unavailable(err) {
			return a, err
		}
		select {
		case <-time.After(retryAfter[n]):
		case <-r.Context().Done():
			return nil, err
		}
		r.header = http.Header{}
	}
}

// tracked remembers whether a response was begun.
type tracked struct {
	http.ResponseWriter
	wrote  bool
	status int
}

func (t *tracked) WriteHeader(status int) {
	t.wrote = true
	if t.status == 0 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracked) Write(b []byte) (int, error) {
	if !t.wrote {
		t.WriteHeader(http.StatusOK)
	}
	return t.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }
