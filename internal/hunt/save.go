package hunt

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"unsafe"

	"dossier/internal/observable"
)

// A saved matcher is one file, all numbers little-endian:
//
//	magic, 8 bytes
//	length of the header, 4 bytes, and its CRC-32C, 4 bytes
//	header, JSON (savedHeader)
//	zeros up to a multiple of 4096
//	body: tlds, nets4, nets6, filter, slots, arena
//
// The body is used as it lies in the file, mapped. What it says is never trusted to be in range, so a hostile file can make a hunt slow or
// wrong, but not crash it; damage is found by the checksums before anything is used.

const (
	savedMagic   = "dossierM"
	savedVersion = 1 // to be raised whenever anything changes that the body depends on: hashes, codes, filters
	savedPage    = 4096
	savedChunk   = 4 << 20 // bytes of the body under one checksum
	savedHeadMax = 1 << 20
)

type savedHeader struct {
	Version    int
	Canonical  int    // version of package observable
	Key        string // what it was made of
	Indicators int
	Skipped    map[observable.Kind]int
	Bits4      uint64
	Bits6      [3]uint64
	Filter     int // words
	Slots      int // words
	Arena      int // bytes
	Sums       []uint32
}

var (
	// ErrStale says that a saved matcher was made of something else, or by another version of the program.
	ErrStale = errors.New("made of something else")
	// ErrNoMatcher says that a file is no saved matcher at all.
	ErrNoMatcher = errors.New("not a saved matcher")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// Save writes the matcher to a file, which takes the place of one that is there at once, when all of it is written. key says what it was made of. Only
// the owner may read it: indicators are not for everybody.
func (m *Matcher) Save(path, key string) (err error) {
	if !littleEndian {
		return errors.New("matchers cannot be saved on this processor")
	}
	parts := m.parts()
	head, err := json.Marshal(savedHeader{
		Version: savedVersion, Canonical: observable.Version, Key: key, Indicators: m.stats.Indicators, Skipped: m.stats.Skipped, Bits4: m.bits4, Bits6: m.bits6,
		Filter: len(m.filter), Slots: len(m.slots), Arena: m.arenaSize(), Sums: sumsOf(parts),
	})
	if err != nil {
		return err
	}
	if len(head) > savedHeadMax {
		return fmt.Errorf("%s: the key is too long", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	start := append([]byte(savedMagic), make([]byte, 8)...)
	binary.LittleEndian.PutUint32(start[8:], uint32(len(head)))
	binary.LittleEndian.PutUint32(start[12:], crc32.Checksum(head, castagnoli))
	start = append(start, head...)
	start = append(start, make([]byte, -len(start)&(savedPage-1))...)
	for _, p := range append([][]byte{start}, parts...) {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// parts returns the body.
func (m *Matcher) parts() [][]byte {
	return append([][]byte{bytesOf(m.tlds[:]), bytesOf(m.nets4[:]), bytesOf(m.nets6[:]), bytesOf(m.filter), bytesOf(m.slots)}, m.arena...)
}

func (m *Matcher) arenaSize() (n int) {
	for _, p := range m.arena {
		n += len(p)
	}
	return n
}

func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}

// sumsOf returns the checksums of the chunks of what lies in parts.
func sumsOf(parts [][]byte) (sums []uint32) {
	sum, n := uint32(0), 0
	for _, p := range parts {
		for len(p) > 0 {
			k := min(len(p), savedChunk-n)
			sum = crc32.Update(sum, castagnoli, p[:k])
			p = p[k:]
			if n += k; n == savedChunk {
				sums = append(sums, sum)
				sum, n = 0, 0
			}
		}
	}
	if n > 0 {
		sums = append(sums, sum)
	}
	return sums
}

// Load returns the matcher that was saved to a file, mapped into memory where the system can do that. The error wraps [ErrStale] if it was saved with
// another key or by another version of the program, and [ErrNoMatcher] if the file is something else; any other file that is not whole is an error, too.
func Load(path, key string) (*Matcher, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, ErrNoMatcher)
	}
	start := make([]byte, len(savedMagic))
	if _, err := io.ReadFull(f, start); err != nil || string(start) != savedMagic {
		return nil, fmt.Errorf("%s: %w", path, ErrNoMatcher)
	}
	if !littleEndian {
		return nil, fmt.Errorf("%s: %w", path, ErrStale)
	}
	data, release, err := mapFile(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m, err := matcherIn(data, key)
	if err != nil {
		release()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	runtime.AddCleanup(m, func(release func()) { release() }, release)
	return m, nil
}

// matcherIn returns the matcher that a file holds, whose bytes it goes on using.
func matcherIn(data []byte, key string) (*Matcher, error) {
	damaged := func(what string) error { return errors.New("damaged: " + what) }
	const start = len(savedMagic) + 8
	if len(data) < start {
		return nil, damaged("it ends in its header")
	}
	n := int(min(binary.LittleEndian.Uint32(data[8:]), savedHeadMax+1))
	if n > savedHeadMax || start+n > len(data) {
		return nil, damaged("it ends in its header")
	}
	head := data[start : start+n]
	if crc32.Checksum(head, castagnoli) != binary.LittleEndian.Uint32(data[12:]) {
		return nil, damaged("the checksum of its header is wrong")
	}
	var h savedHeader
	if err := json.Unmarshal(head, &h); err != nil {
		return nil, damaged(err.Error())
	}
	if h.Version != savedVersion || h.Canonical != observable.Version || h.Key != key {
		return nil, ErrStale
	}
	body := data[min((start+n+savedPage-1)&^(savedPage-1), len(data)):]
	m := &Matcher{stats: Stats{Indicators: h.Indicators, Skipped: h.Skipped}, bits4: h.Bits4, bits6: h.Bits6}
	const most = 1 << 40
	fixed := 8 * (len(m.tlds) + len(m.nets4) + len(m.nets6))
	switch {
	case h.Filter < 1 || h.Filter > most || bits.OnesCount(uint(h.Filter)) != 1, h.Slots < 1 || h.Slots > most || bits.OnesCount(uint(h.Slots)) != 1, h.Arena < 0 || h.Arena > 1<<32:
		return nil, damaged("its sizes are none")
	case fixed+8*(h.Filter+h.Slots)+h.Arena != len(body):
		return nil, damaged(fmt.Sprintf("%d bytes where its sizes say %d", len(body), fixed+8*(h.Filter+h.Slots)+h.Arena))
	case len(h.Sums) != (len(body)+savedChunk-1)/savedChunk:
		return nil, damaged("checksums are missing")
	case !sumsHold(body, h.Sums):
		return nil, damaged("a checksum is wrong")
	}
	take := func(words int) []uint64 {
		w := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(body))), words)
		body = body[8*words:]
		return w
	}
	copy(m.tlds[:], take(len(m.tlds)))
	copy(m.nets4[:], take(len(m.nets4)))
	copy(m.nets6[:], take(len(m.nets6)))
	m.filter, m.slots = take(h.Filter), take(h.Slots)
	for len(body) > 0 {
		n := min(piece, len(body))
		m.arena = append(m.arena, body[:n:n])
		body = body[n:]
	}
	m.stats.Bytes = fixed + 8*(h.Filter+h.Slots) + h.Arena
	return m, nil
}

// sumsHold reports whether the checksums are those of the chunks, on all processors: this is most of what loading takes.
func sumsHold(body []byte, sums []uint32) bool {
	workers := runtime.GOMAXPROCS(0)
	good := make([]bool, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(sums); i += workers {
				at := i * savedChunk
				if crc32.Checksum(body[at:min(at+savedChunk, len(body))], castagnoli) != sums[i] {
					return
				}
			}
			good[w] = true
		})
	}
	wg.Wait()
	for _, g := range good {
		if !g {
			return false
		}
	}
	return true
}
