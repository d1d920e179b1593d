// Command gen makes logs and indicators for measurements of the hunt: the same seed gives the same bytes.
//
//	go run ./internal/hunt/gen -out DIR -size 1024 -indicators 1000000
//
// It writes DIR/indicators.txt (one canonical value a line, as ripgrep and grep take them), DIR/log.txt, and DIR/key.txt: the number of each line with
// a planted value, and the value. The log has three styles in equal parts, as runs of lines: Zeek TSV, proxy lines, JSON events. One line in a thousand
// holds an indicator, as many a near miss, that a search for substrings takes for one. Everything else is made so that it holds none.
//
// With -lines FILE it does nothing but count the lines of a file, a thread for each processor: no hunt can be faster.
//
// Of the indicators, 45 % are domains, 25 % IPv4, 2 % IPv6, 13 % URLs, 15 % hashes.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

func main() {
	out := flag.String("out", ".", "folder to write to")
	size := flag.Int64("size", 1024, "size of the log in MiB")
	n := flag.Int("indicators", 1_000_000, "how many indicators")
	seed := flag.Uint64("seed", 1, "of the random numbers")
	lines := flag.String("lines", "", "only count the lines of this file")
	flag.Parse()
	if *lines != "" {
		n, err := countLines(*lines)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n)
		return
	}
	if err := run(*out, *size<<20, *n, *seed); err != nil {
		log.Fatal(err)
	}
}

// countLines reads a file in blocks, on all processors.
func countLines(path string) (lines int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	const block = 256 << 10
	var next, total atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, runtime.GOMAXPROCS(0))
	for w := range errs {
		wg.Go(func() {
			buf := make([]byte, block)
			for {
				n, err := f.ReadAt(buf, (next.Add(1)-1)*block)
				total.Add(int64(bytes.Count(buf[:n], []byte{'\n'})))
				if err != nil {
					if !errors.Is(err, io.EOF) {
						errs[w] = err
					}
					return
				}
			}
		})
	}
	wg.Wait()
	return total.Load(), errors.Join(errs...)
}

func run(dir string, size int64, n int, seed uint64) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var files []*bufio.Writer
	for _, name := range []string{"indicators.txt", "log.txt", "key.txt"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer f.Close()
		files = append(files, bufio.NewWriterSize(f, 1<<20))
	}
	for i := range n {
		fmt.Fprintln(files[0], indicator(seed, i))
	}
	g := generator{rnd: rand.New(rand.NewPCG(seed, 99)), seed: seed, n: n}
	var written int64
	for line := 1; written < size; line++ {
		text, planted := g.line(line)
		k, err := files[1].WriteString(text)
		if err != nil {
			return err
		}
		if planted != "" {
			fmt.Fprintf(files[2], "%d\t%s\n", line, planted)
		}
		written += int64(k)
	}
	for _, f := range files {
		if err := f.Flush(); err != nil {
			return err
		}
	}
	return nil
}

var tlds = []string{"com", "com", "com", "net", "org", "ru", "top", "xyz", "info", "de", "cn", "co.uk", "com.br", "online", "site"}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

func wordOf(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

func hexOf(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[r.IntN(16)]
	}
	return string(b)
}

// indicator returns the i-th one. Names of indicators have a "q" as their second letter and addresses an odd last number; what else stands in
// the logs has neither.
func indicator(seed uint64, i int) string {
	r := rand.New(rand.NewPCG(seed, uint64(i)<<8|1))
	name := func() string {
		return string(letters[r.IntN(26)]) + "q" + wordOf(r, 4+r.IntN(9)) + "." + tlds[r.IntN(len(tlds))]
	}
	switch k := r.IntN(100); {
	case k < 30:
		return name()
	case k < 45:
		return wordOf(r, 3+r.IntN(5)) + "." + name()
	case k < 70:
		return address(r, 1)
	case k < 72:
		return fmt.Sprintf("2a0%x:%x:%x::%x", 1+r.IntN(8), 1+r.IntN(0xfffe), 1+r.IntN(0xfffe), 1+r.IntN(0xfffe))
	case k < 85:
		path := "/" + wordOf(r, 3+r.IntN(10))
		if r.IntN(2) == 0 {
			path += "/" + wordOf(r, 4+r.IntN(12)) + ".php"
		}
		return "http://" + name() + path
	case k < 91:
		return hexOf(r, 64)
	case k < 96:
		return hexOf(r, 32)
	}
	return hexOf(r, 40)
}

// address returns a public address whose last number is odd or even.
func address(r *rand.Rand, odd int) string {
	first := []int{5, 23, 31, 37, 45, 46, 62, 77, 80, 85, 91, 93, 94, 103, 109, 128, 134, 141, 146, 159, 176, 178, 185, 188, 193, 194, 195, 212, 213, 217}
	return strconv.Itoa(first[r.IntN(len(first))]) + "." + strconv.Itoa(1+r.IntN(254)) + "." + strconv.Itoa(1+r.IntN(254)) + "." + strconv.Itoa(2*(1+r.IntN(126))+odd)
}

type generator struct {
	rnd  *rand.Rand
	seed uint64
	n    int
}

var benign = []string{"google.com", "www.microsoft.com", "update.googleapis.com", "login.live.com", "cdn.jsdelivr.net", "api.github.com", "outlook.office365.com", "s3.amazonaws.com", "clients4.google.com", "www.bbc.co.uk"}

// host returns a name or an address that is no indicator.
func (g *generator) host() string {
	r := g.rnd
	switch k := r.IntN(10); {
	case k < 3:
		return benign[r.IntN(len(benign))]
	case k < 9:
		name := string(letters[r.IntN(26)]) + "a" + wordOf(r, 3+r.IntN(10)) + "." + tlds[r.IntN(len(tlds))]
		if r.IntN(2) == 0 {
			name = []string{"www", "cdn", "api", "mail", "static-1", "img"}[r.IntN(6)] + "." + name
		}
		return name
	}
	return address(r, 0)
}

// line returns a line with its end, and what is planted in it.
func (g *generator) line(number int) (text, planted string) {
	r := g.rnd
	host, dest, file := g.host(), address(r, 0), ""
	path := "/" + wordOf(r, 3+r.IntN(8)) + "/" + wordOf(r, 4+r.IntN(10))
	if r.IntN(4) == 0 {
		path += "?id=" + strconv.Itoa(r.IntN(1e6)) + "&q=" + wordOf(r, 6) + "%20" + wordOf(r, 5)
	}
	if r.IntN(8) == 0 {
		file = hexOf(r, 31) + "g"
	}
	switch k := r.IntN(1000); k {
	case 0, 1:
		v := indicator(g.seed, r.IntN(g.n))
		near := k == 1
		switch {
		case len(v) >= 32 && v[0] != 'h' && isHex(v):
			if file = v; near {
				file = v + "0"
			}
		case len(v) > 7 && v[:7] == "http://":
			i := 7
			for v[i] != '/' {
				i++
			}
			if host, path = v[7:i], v[i:]; near {
				path += "x"
			}
		case v[0] >= 'a' && isName(v):
			if host = v; near {
				host = "not" + v
			} else if r.IntN(2) == 0 {
				host = "www." + v
			}
		default:
			if dest = v; near {
				if dest += "0"; !isV6(v) {
					dest = "1" + v + "00" // no address
				}
			}
		}
		if !near {
			planted = v
		}
	}
	ts := 1_700_000_000 + number/50
	source := "10." + strconv.Itoa(r.IntN(4)) + "." + strconv.Itoa(r.IntN(256)) + "." + strconv.Itoa(1+r.IntN(254))
	if file == "" {
		file = "-"
	}
	switch number / 1000 % 3 {
	case 0:
		return fmt.Sprintf("%d.%06d\tC%s\t%s\t%d\t%s\t443\ttcp\t%d\tGET\t%s\t%s\t-\t1.1\tMozilla/5.0\t%d\t%d\t200\tOK\t%s\n",
			ts, r.IntN(1e6), wordOf(r, 17), source, 1024+r.IntN(60000), dest, 1+r.IntN(3), host, path, r.IntN(5000), r.IntN(90000), file), planted
	case 1:
		return fmt.Sprintf("%d.%03d %6d %s TCP_MISS/200 %d GET http://%s%s - HIER_DIRECT/%s text/html %s\n",
			ts, r.IntN(1000), r.IntN(9999), source, r.IntN(90000), host, path, dest, file), planted
	}
	return fmt.Sprintf(`{"timestamp":"2023-11-14T22:13:%02d.%06d+0000","flow_id":%d,"event_type":"http","src_ip":"%s","src_port":%d,"dest_ip":"%s","dest_port":443,"proto":"TCP","http":{"hostname":"%s","url":"%s","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":%d},"fileinfo":{"sha256":"%s"}}`+"\n",
		number%60, r.IntN(1e6), r.Int64N(1e15), source, 1024+r.IntN(60000), dest, host, path, r.IntN(90000), file), planted
}

func isHex(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isV6(s string) bool { return len(s) > 4 && s[:3] == "2a0" && s[4] == ':' }

func isName(s string) bool {
	for _, c := range s {
		if c == ':' || c == '/' {
			return false
		}
	}
	return true
}
