package hunt

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"dossier/internal/observable"
)

// generated returns indicators and the begin of the log that internal/hunt/gen wrote to DOSSIER_HUNT_BENCH.
func generated(b *testing.B) (list []observable.Observable, log []byte) {
	dir := os.Getenv("DOSSIER_HUNT_BENCH")
	if dir == "" {
		b.Skip("DOSSIER_HUNT_BENCH is not set to a folder that internal/hunt/gen wrote")
	}
	f, err := os.Open(filepath.Join(dir, "indicators.txt"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		o, err := observable.Parse(in.Text())
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, o)
	}
	text, err := os.Open(filepath.Join(dir, "log.txt"))
	if err != nil {
		b.Fatal(err)
	}
	defer text.Close()
	log = make([]byte, 16<<20)
	n, err := text.Read(log)
	if err != nil {
		b.Fatal(err)
	}
	return list, log[:bytes.LastIndexByte(log[:n], '\n')+1]
}

// BenchmarkScan compares, on one core: the scanner, the same without assembly, and the plain way, which is a map of
// lower-case tokens.
func BenchmarkScan(b *testing.B) {
	list, log := generated(b)
	m := compile(b, list)
	blocks := [][]byte{}
	for rest := log; len(rest) > 0; {
		n := min(block, len(rest))
		n = bytes.LastIndexByte(rest[:n], '\n') + 1
		blocks = append(blocks, Pad(rest[:n]))
		rest = rest[n:]
	}
	scan := func(b *testing.B) {
		s := NewScanner(m)
		b.SetBytes(int64(len(log)))
		n := 0
		for b.Loop() {
			n = 0
			for _, buf := range blocks {
				s.Scan(buf, func(Line) { n++ })
			}
		}
		b.ReportMetric(float64(n), "lines")
	}
	b.Run("scanner", scan)
	b.Run("portable", func(b *testing.B) {
		before := classify
		classify = classifyGo
		defer func() { classify = before }()
		scan(b)
	})
	b.Run("map", func(b *testing.B) {
		set := map[string]struct{}{}
		for _, o := range list {
			set[o.Value] = struct{}{}
		}
		b.SetBytes(int64(len(log)))
		n := 0
		for b.Loop() {
			n = 0
			for line := range bytes.Lines(log) {
				if plainWay(line, set) {
					n++
				}
			}
		}
		b.ReportMetric(float64(n), "lines")
	})
}

// plainWay cuts a line into tokens and looks up each in lower case, with the names above it; a URL is looked up as a token as well.
func plainWay(line []byte, set map[string]struct{}) bool {
	low := bytes.ToLower(line)
	for i := 0; i < len(low); {
		if !isWord(low[i]) {
			i++
			continue
		}
		j := i
		for isWord(low[j]) || low[j] == ':' && low[i] == '2' {
			j++
		}
		for w := low[i:j]; len(w) > 0; {
			if _, ok := set[string(w)]; ok {
				return true
			}
			k := bytes.IndexByte(w, '.')
			if k < 0 {
				break
			}
			w = w[k+1:]
		}
		if j-i == 4 && bytes.HasPrefix(low[j:], []byte("://")) {
			k := j + 3
			for !hardEnd(low[k]) {
				k++
			}
			if _, ok := set[string(low[i:k])]; ok {
				return true
			}
		}
		i = j
	}
	return false
}
