package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// A Spool keeps exports as files in a temporary folder, so that they can be served
// with a tag, in parts, and to many at once. It is safe for concurrent use.
type Spool struct {
	Fresh time.Duration // how long an export is served before it is asked whether the passing of time has changed it

	mu   sync.Mutex
	kept map[key]*entry
	uses int64
}

// maxKept bounds the exports that are kept; the one that was longest not asked for goes.
const maxKept = 64

// key is what an export depends on, but for the data and the time.
type key struct {
	req     Request
	ceiling intel.TLP
}

type entry struct {
	mu      sync.Mutex // held while a version is made
	used    int64      // guarded by the spool's mutex, as is
	waiting int        // how many are about to take a version from here

	now      *version // nil: none was made yet
	result   Result
	position int64
	made     time.Time
}

// A version is one content of an export, as a file without a name. Its count and
// end are guarded by the spool's mutex.
type version struct {
	file     *os.File
	size     int64
	tag      string
	modified time.Time
	readers  int
	gone     bool // no longer the newest
}

// drop closes the file of a version that is gone and unread.
func (v *version) drop() error {
	if !v.gone || v.readers > 0 {
		return nil
	}
	return v.file.Close()
}

// A Spooled is an export that can be read from any place, until it is closed.
type Spooled struct {
	*io.SectionReader
	Result   Result
	Tag      string    // hash of the content
	Modified time.Time // when the content was first this, to the second

	spool *Spool
	v     *version
}

// Close gives the export back.
func (s *Spooled) Close() error {
	s.spool.mu.Lock()
	defer s.spool.mu.Unlock()
	s.v.readers--
	return s.v.drop()
}

// Open returns the export that req asks for, for a reader with the view: the one
// that is kept if neither the data nor, for Fresh, the time has gone on. Those who
// ask for the same wait for one that makes it. The errors are those of [Prepare] and [Job.Write].
func (s *Spool) Open(ctx context.Context, st *store.Store, req Request, v store.View) (*Spooled, error) {
	job, err := Prepare(ctx, st, req, v)
	if err != nil {
		return nil, err
	}
	k := key{req, v.Ceiling}
	s.mu.Lock()
	if s.kept == nil {
		s.kept = map[key]*entry{}
	}
	e := s.kept[k]
	if e == nil {
		s.evict()
		e = new(entry)
		s.kept[k] = e
	}
	s.uses++
	e.used = s.uses
	e.waiting++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		e.waiting--
	}()

	e.mu.Lock()
	defer e.mu.Unlock()
	position, err := st.Position(ctx)
	if err != nil {
		return nil, err
	}
	if e.now == nil || e.position != position || st.Now().Sub(e.made) >= s.Fresh {
		if err := s.make(ctx, st, job, e); err != nil {
			return nil, err
		}
		e.position = position
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := e.now
	now.readers++
	return &Spooled{io.NewSectionReader(now.file, 0, now.size), e.result, now.tag, now.modified, s, now}, nil
}

// evict makes room for one more; s.mu is held. What somebody waits for stays, so
// that for a while there may be more.
func (s *Spool) evict() {
	for len(s.kept) >= maxKept {
		var oldest key
		used := int64(-1)
		for k, e := range s.kept {
			if e.waiting == 0 && (used < 0 || e.used < used) {
				oldest, used = k, e.used
			}
		}
		if used < 0 {
			return
		}
		if now := s.kept[oldest].now; now != nil {
			now.gone = true
			_ = now.drop() // nobody reads it any more
		}
		delete(s.kept, oldest)
	}
}

// make writes the export anew; e.mu is held. Where it is the same as before, the
// former and its time stay. Readers of the former go on reading it.
func (s *Spool) make(ctx context.Context, st *store.Store, job *Job, e *entry) error {
	made := st.Now()
	now := made.Truncate(time.Second)
	former := e.now
	again := job.Format.Dated && former != nil
	if job.At(intel.TimeOf(now)); again {
		job.At(intel.TimeOf(former.modified))
	}
	v, result, err := s.write(ctx, job)
	if err == nil && again && v.tag != former.tag {
		_ = v.file.Close()
		job.At(intel.TimeOf(now))
		v, result, err = s.write(ctx, job)
	}
	if err != nil {
		return err
	}
	e.made, e.result = made, result
	if former != nil && v.tag == former.tag {
		return v.file.Close()
	}
	v.modified = now
	s.mu.Lock()
	defer s.mu.Unlock()
	e.now = v
	if former == nil {
		return nil
	}
	former.gone = true
	return former.drop()
}

// write makes a file that has no name any more, so that it vanishes with the process.
func (s *Spool) write(ctx context.Context, job *Job) (*version, Result, error) {
	file, err := os.CreateTemp("", "dossier-export-*")
	if err != nil {
		return nil, Result{}, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, Result{}, errors.Join(err, file.Close())
	}
	h := sha256.New()
	r, err := job.Write(ctx, io.MultiWriter(file, h))
	if err != nil {
		return nil, r, errors.Join(err, file.Close())
	}
	size, err := file.Seek(0, io.SeekCurrent)
	return &version{file: file, size: size, tag: hex.EncodeToString(h.Sum(nil)[:16])}, r, err
}
