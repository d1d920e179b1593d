package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// A reading gathers what becomes of one input: a file, or an archive with all
// that is in it.
type reading struct {
	first    int // of its files in the result
	standing store.Standing
	once     bool // what became of it would not be the same again
}

// add takes in what a batch found.
func (g *reading) add(standing store.Standing, ok bool) {
	g.once = g.once || !ok || !g.standing.Join(standing)
}

// input reads one input by calling open with its bytes; or, if the same bytes
// were read in the same way by the same program, and nothing moved since on which
// that rests ([store.Reading]), tells of it as reading it again would, which
// would change nothing. Only what can be read twice is looked at before it is
// decoded: a file on disk, or a body that was fetched into one.
func (r *run) input(ctx context.Context, path string, body io.Reader, open func(io.Reader) error) error {
	in, start, size, ok := seekable(body)
	program := ""
	if ok && !r.im.decodeAll {
		program = thisProgram()
	}
	if program == "" {
		r.reading = reading{once: true}
		return open(body)
	}
	name := r.readingName(path)
	again, err := r.again(ctx, in, &store.Reading{Name: name, Size: size, Program: program})
	if err != nil || again {
		return err
	}
	if _, err := in.Seek(start, io.SeekStart); err != nil {
		return err
	}
	r.reading = reading{first: len(r.res.Files), standing: store.Standing{}}
	h := sha256.New()
	tee := io.TeeReader(in, h)
	if err := open(tee); err != nil {
		return err
	}
	files := r.res.Files[r.reading.first:]
	if r.reading.once || name != r.readingName(path) || slices.ContainsFunc(files, func(f FileResult) bool { return f.Error != "" }) {
		return nil
	}
	// A decoder need not read what comes after the end of what it decodes.
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return nil // it was read as far as anybody wanted; it is not remembered
	}
	if end, err := in.Seek(0, io.SeekCurrent); err != nil || end-start != size {
		return nil // it changed while it was read
	}
	account, err := json.Marshal(files)
	if err != nil {
		return err
	}
	return r.im.Store.KeepReading(ctx, &store.Reading{
		Name: name, Size: size, Content: hex.EncodeToString(h.Sum(nil)), Program: program, Standing: r.reading.standing, Body: account,
	})
}

// again looks for the reading of the input, and adds its account to the result.
func (r *run) again(ctx context.Context, in io.Reader, want *store.Reading) (bool, error) {
	was, err := r.im.Store.Reading(ctx, want.Name)
	if errors.Is(err, intel.ErrNotFound) {
		return false, nil
	}
	if err != nil || was.Size != want.Size || was.Program != want.Program {
		return false, err
	}
	before := r.progress.Bytes
	h := sha256.New()
	_, err = io.Copy(h, &countingReader{ctx, r.progressBytes, in})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil || hex.EncodeToString(h.Sum(nil)) != was.Content {
		r.progress.Bytes = before
		return false, nil // whoever reads it next tells of the error
	}
	if ok, err := r.im.Store.Stands(ctx, was.Standing); err != nil || !ok {
		r.progress.Bytes = before
		return false, err
	}
	r.im.recognised++
	var files []FileResult
	if err := json.Unmarshal(was.Body, &files); err != nil {
		return false, fmt.Errorf("what was read before: %w", err)
	}
	for _, f := range files {
		if f.Skipped != "" {
			if err := r.skip(f.Path, f.Skipped); err != nil {
				return false, err
			}
			continue
		}
		for _, t := range []*intel.Tally{&f.Counts.Records, &f.Counts.Indicators, &f.Counts.Articles, &f.Counts.Patterns} {
			*t = unchanged(*t)
		}
		r.progress.Items += f.Counts.Records.Read + f.Counts.Indicators.Read - f.Counts.Indicators.Rejected
		r.add(f, false)
	}
	return true, nil
}

// unchanged is the count of reading again what was counted so.
func unchanged(t intel.Tally) intel.Tally {
	return intel.Tally{Read: t.Read, Unchanged: t.Read - t.Rejected, Rejected: t.Rejected}
}

// readingName identifies an input by what reading it depends on, besides its bytes,
// the program, and what is stored.
func (r *run) readingName(path string) string {
	h := sha256.New()
	subject := intel.Ref{}
	if r.subject != nil {
		subject = *r.subject
	}
	fmt.Fprintf(h, "%q %q %q %+v %q %d %q %d %q\n", path, r.o.Publisher, r.o.Format, r.o.Map, subject, r.o.TLP, r.o.Only, r.o.MaxInflated, r.own)
	for _, id := range slices.Sorted(maps.Keys(r.producers)) {
		fmt.Fprintf(h, "%q %q\n", id, r.producers[id])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// seekable returns the input as one that can be read twice, with where it begins
// and its size; ok is false if it cannot: a pipe, or a connection.
func seekable(body io.Reader) (in io.ReadSeeker, start, size int64, ok bool) {
	in, ok = body.(io.ReadSeeker)
	if !ok {
		return nil, 0, 0, false
	}
	start, err := in.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0, 0, false
	}
	end, err := in.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, 0, false
	}
	if _, err := in.Seek(start, io.SeekStart); err != nil {
		return nil, 0, 0, false
	}
	return in, start, end - start, true
}

// thisProgram is a digest of the program, "" if it cannot be read: any other one
// may decode and canonicalise otherwise. No number that people have to raise
// would be as sure.
var thisProgram = sync.OnceValue(func() string {
	path, err := os.Executable()
	if runtime.GOOS == "linux" {
		path = "/proc/self/exe" // also when another file has its name by now
	}
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if build, ok := debug.ReadBuildInfo(); ok {
		_, _ = io.WriteString(h, build.String())
	}
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
})
