package hunt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"dossier/internal/observable"
)

// saved returns the bytes of a file with the matcher of the samples.
func saved(t testing.TB, key string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m")
	if err := compile(t, samples(t)).Save(path, key); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSave finds with a loaded matcher what is found with the one that was saved.
func TestSave(t *testing.T) {
	list := samples(t)
	for i := range 10000 { // some pieces of arena
		list = append(list, parse(t, observable.URL, "http://a"+strings.Repeat("a", i%50)+".example.org/"+strings.Repeat("x", 500)+string(rune('a'+i%26))))
	}
	m := compile(t, append(list, observable.Observable{Kind: "mutex", Value: "m"}))
	path := filepath.Join(t.TempDir(), "m")
	if _, err := Load(path, ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing: %v", err)
	}
	for range 2 { // the second time over the first
		if err := m.Save(path, "key"); err != nil {
			t.Fatal(err)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v lie beside it", files, err)
	}
	if _, err := Load(path, "another key"); !errors.Is(err, ErrStale) {
		t.Errorf("with another key: %v", err)
	}
	got, err := Load(path, "key")
	if err != nil {
		t.Fatal(err)
	}
	if g, w := got.Stats(), m.Stats(); g.Indicators != w.Indicators || g.Skipped["mutex"] != 1 || g.Bytes == 0 {
		t.Errorf("stats are %+v, were %+v", g, w)
	}
	if len(got.arena) < 2 {
		t.Error("the arena is too small to tell")
	}
	old, loaded := NewScanner(m), NewScanner(got)
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		line := randomLine(rnd, list[:len(samples(t))])
		if a, b := names(found(old, line)[0]), names(found(loaded, line)[0]); a != b {
			t.Fatalf("%q: found %q, then %q", line, a, b)
		}
	}
	for _, o := range list {
		if !found(loaded, o.Value)[0][o] {
			t.Fatalf("%s is not found", o.Value)
		}
	}
	// The file may go while it is used.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if !found(loaded, "x evil.com")[0][list[0]] {
		t.Error("not found any more")
	}
}

func TestNoMatcher(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "log": "GET http://evil.com/\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, ""); !errors.Is(err, ErrNoMatcher) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(dir, ""); err == nil {
		t.Error("a folder was loaded")
	}
}

// TestDamaged changes and cuts the file everywhere: nothing but zeros that fill up may be other than they were.
func TestDamaged(t *testing.T) {
	good := aligned(saved(t, "key"))
	load := func(data []byte) error {
		_, err := matcherIn(data, "key")
		return err
	}
	if err := load(good); err != nil {
		t.Fatal(err)
	}
	n := len(savedMagic) + 8 + int(binary.LittleEndian.Uint32(good[8:]))
	step := 1
	for at := 0; at < len(good); at += step {
		if at >= n {
			step = 61
		}
		if at >= len(savedMagic) { // which is looked at before
			good[at] ^= 1 << (at % 8)
			if err := load(good); err == nil && (at < n || at >= savedPage) {
				t.Fatalf("byte %d of %d was changed, and nobody said so", at, len(good))
			}
			good[at] ^= 1 << (at % 8)
		}
		if err := load(good[:at]); err == nil {
			t.Fatalf("cut to %d of %d bytes, and nobody said so", at, len(good))
		}
	}
	if err := load(append(bytes.Clone(good), 0)); err == nil {
		t.Error("longer by a byte, and nobody said so")
	}
}

// tampered returns the file with other bytes in its body and header, and checksums that hold.
func tampered(good []byte, change func(h *savedHeader, body []byte) []byte) []byte {
	n := int(binary.LittleEndian.Uint32(good[8:]))
	var h savedHeader
	if err := json.Unmarshal(good[16:16+n], &h); err != nil {
		panic(err)
	}
	body := change(&h, bytes.Clone(good[(16+n+savedPage-1)&^(savedPage-1):]))
	h.Sums = sumsOf([][]byte{body})
	head, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	out := append([]byte(savedMagic), make([]byte, 8)...)
	binary.LittleEndian.PutUint32(out[8:], uint32(len(head)))
	binary.LittleEndian.PutUint32(out[12:], crc32.Checksum(head, castagnoli))
	out = append(out, head...)
	out = append(out, make([]byte, -len(out)&(savedPage-1))...)
	return append(out, body...)
}

// TestTampered scans with matchers whose body is not what it should be, while all checksums hold: that must end, without a crash.
func TestTampered(t *testing.T) {
	good, list := saved(t, "key"), samples(t)
	rnd := rand.New(rand.NewPCG(5, 5))
	fixed := 8 * (len(Matcher{}.tlds) + len(Matcher{}.nets4) + len(Matcher{}.nets6))
	for round := range 300 {
		data := tampered(good, func(h *savedHeader, body []byte) []byte {
			for i := range body[fixed : fixed+8*h.Filter] {
				body[fixed+i] = 0xff // everything passes
			}
			for i := range fixed {
				body[i] = 0xff
			}
			h.Bits4, h.Bits6 = ^uint64(0), [3]uint64{^uint64(0), ^uint64(0), ^uint64(0)}
			slots, arena := body[fixed+8*h.Filter:][:8*h.Slots], body[fixed+8*(h.Filter+h.Slots):]
			for i := range slots {
				if i%8 < 4 && rnd.IntN(4) == 0 {
					slots[i] = byte(rnd.Uint32()) // other offsets
				}
			}
			for range round {
				arena[rnd.IntN(len(arena))] = byte(rnd.Uint32())
			}
			if round%3 == 0 {
				for i := range slots {
					if i%8 == 0 {
						slots[i] |= 1 // no place is free
					}
				}
			}
			return body
		})
		m, err := matcherIn(aligned(data), "key")
		if err != nil {
			t.Fatal(err)
		}
		s := NewScanner(m)
		for range 20 {
			found(s, randomLine(rnd, list))
		}
	}
}

// aligned returns a copy that begins where a mapping may.
func aligned(data []byte) []byte {
	out := bytesOf(make([]uint64, len(data)/8+1))[:len(data)]
	copy(out, data)
	return out
}

func FuzzLoad(f *testing.F) {
	good := saved(f, "key")
	f.Add([]byte(good[:len(good)/2]), 0, 1, 8)
	f.Add([]byte{1, 2, 3}, 20000, 1024, 64)
	f.Fuzz(func(t *testing.T, other []byte, at, filter, slots int) {
		if len(other) > len(good) {
			return
		}
		for _, data := range [][]byte{other, tampered(good, func(h *savedHeader, body []byte) []byte {
			copy(body[min(max(at, 0), len(body)):], other)
			if filter&1 == 0 {
				h.Filter = filter
			}
			if slots&1 == 0 {
				h.Slots = slots
			}
			return body
		})} {
			m, err := matcherIn(aligned(data), "key")
			if err != nil {
				continue
			}
			s := NewScanner(m)
			for _, o := range samples(t) {
				found(s, o.Value)
			}
		}
	})
}
