package api

import (
	lru "container/list"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"dossier/internal/odata"
)

// Limits of remembered answers, in bytes of bodies.
const (
	maxRemembered = 64 << 20
	maxOneAnswer  = 4 << 20
)

// A memory holds answers that were given since anything last changed. All of them
// are forgotten when something does. It is safe for concurrent use.
type memory struct {
	mu       sync.Mutex
	position int64
	byKey    map[string]*lru.Element // of *remembered
	used     *lru.List               // the latest first
	size     int
}

type remembered struct {
	key    string
	answer *answer
	size   int
}

func newMemory() *memory { return &memory{byKey: map[string]*lru.Element{}, used: lru.New()} }

// at forgets everything if the database has moved on. It reports whether the
// position is the newest that was seen; who looked earlier remembers nothing.
func (m *memory) at(position int64) bool {
	if position > m.position {
		m.position, m.size = position, 0
		clear(m.byKey)
		m.used.Init()
	}
	return position == m.position
}

func (m *memory) get(key string, position int64) *answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.at(position) {
		return nil
	}
	e := m.byKey[key]
	if e == nil {
		return nil
	}
	m.used.MoveToFront(e)
	return e.Value.(*remembered).answer
}

// stats returns how many answers are remembered, and their bytes.
func (m *memory) stats() (answers, size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.byKey), m.size
}

// put remembers an answer that was made at the position, or later.
func (m *memory) put(key string, position int64, a *answer) {
	size := len(key) + 2*len(a.body) // it may be kept compressed as well
	if size > maxOneAnswer {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.position != position || m.byKey[key] != nil {
		return
	}
	m.byKey[key] = m.used.PushFront(&remembered{key, a, size})
	for m.size += size; m.size > maxRemembered; {
		last := m.used.Back()
		old := m.used.Remove(last).(*remembered)
		delete(m.byKey, old.key)
		m.size -= old.size
	}
}

// remembering answers from memory what was asked before and has not changed since.
// It is for answers that depend on the database alone: not on the time.
func (s *Server) remembering(r *request, segments []odata.Segment, make func() (*answer, error)) (*answer, error) {
	if !safe(r.Method) || r.Header.Get("If-None-Match") != "" || timely(r, segments) {
		return make()
	}
	position, err := s.store.Position(r.Context())
	if err != nil {
		return make()
	}
	key := r.base + "\n" + r.URL.EscapedPath() + "?" + r.URL.RawQuery + "\n" + strings.Join(r.Header.Values("Accept"), ",") + "\n" +
		strings.Join(r.Header.Values("Prefer"), ",") + "\n" + strconv.Itoa(int(r.ceiling().Ceiling))
	if a := s.memory.get(key, position); a != nil {
		s.metrics.remembered.Inc()
		r.labels = a.labels
		return a, nil
	}
	s.metrics.made.Inc()
	a, err := make()
	if err == nil && (a.status == 0 || a.status == http.StatusOK) {
		a.packed, a.labels = new(packed), r.labels
		s.memory.put(key, position, a)
	}
	return a, err
}

// timely reports whether an answer may be another one later, with nothing changed.
func timely(r *request, segments []odata.Segment) bool {
	if strings.Contains(r.URL.RawQuery, "view") || isSubscriptions(segments) {
		return true
	}
	for _, seg := range segments {
		if strings.EqualFold(seg.Name, "hosts") {
			return true
		}
	}
	return false
}

// packed is the compressed form of a body, made when it is first wanted.
type packed struct {
	once sync.Once
	body []byte
}

// compressed returns the body compressed with gzip.
func (a *answer) compressed() []byte {
	if a.packed == nil {
		return compress(a.body)
	}
	a.packed.once.Do(func() { a.packed.body = compress(a.body) })
	return a.packed.body
}
