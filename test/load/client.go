package main

import (
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A server is asked for one sort of thing.
type server struct {
	process
	target  func(n int) string // the n-th of many different ones, or always the same
	first   bool               // each request is made different, so that no answer is remembered
	asked   int                // how many requests there were
	file    string             // of targets, for wrk
	results []result
}

// number makes a request different from all others. number stands in the target
// where it is to be; else it becomes an option that means nothing.
func (s *server) number(target string, n int) string {
	if !s.first {
		return target
	}
	if strings.Contains(target, placeholder) {
		return strings.ReplaceAll(target, placeholder, strconv.Itoa(n))
	}
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	return target + sep + "n=" + strconv.Itoa(n)
}

// placeholder stands in a target for the number of the request.
const placeholder = "NUMBER"

// load asks servers over several connections for some time.
type load struct {
	wrk         string // the program; "": this one asks itself
	dir         string // for files
	each        time.Duration
	connections int
}

// slice asks a server once more.
func (l *load) slice(s *server) error {
	ask := l.ask
	if l.wrk != "" {
		ask = l.askWrk
	}
	before := processorTime(s.pid)
	r, err := ask(s)
	if r.requests > 0 {
		r.work = float64((processorTime(s.pid) - before).Microseconds()) / float64(r.requests)
	}
	s.results = append(s.results, r)
	return err
}

// processorTime returns the processor time that a process has used, as Linux tells
// it (proc(5): /proc/PID/stat, utime and stime, in hundredths of a second); 0
// elsewhere. On a machine that others use as well it says more than the clock.
func processorTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

//go:embed wrk.lua
var wrkScript []byte

// targets is how many different requests wrk is given.
const targets = 4096

// askWrk lets wrk ask, whose own work is a fraction of net/http's: the servers
// have most of the processors then.
func (l *load) askWrk(s *server) (r result, err error) {
	script := filepath.Join(l.dir, "wrk.lua")
	if s.file == "" {
		if err := os.WriteFile(script, wrkScript, 0o600); err != nil {
			return r, err
		}
		var list strings.Builder
		for n := range targets {
			target := s.target(n)
			if s.first && !strings.Contains(target, placeholder) {
				target = s.number(target, 0)
				target = strings.TrimSuffix(target, "0") + placeholder
			}
			fmt.Fprintln(&list, target)
		}
		s.file = filepath.Join(l.dir, strconv.FormatInt(time.Now().UnixNano(), 36))
		if err := os.WriteFile(s.file, []byte(list.String()), 0o600); err != nil {
			return r, err
		}
	}
	out, err := exec.Command(l.wrk, "-t1", fmt.Sprint("-c", l.connections), fmt.Sprintf("-d%.0fs", l.each.Seconds()), "-s", script, s.base,
		"--", s.file, strconv.Itoa(s.asked)).CombinedOutput()
	if err != nil {
		return r, fmt.Errorf("%w: %s", err, out)
	}
	_, line, ok := strings.Cut(string(out), "result ")
	var micros, p50, p99 float64
	if _, err := fmt.Sscan(line, &r.requests, &micros, &p50, &p99, &r.failed); !ok || err != nil {
		return r, fmt.Errorf("wrk: %v: %s", err, out)
	}
	s.asked += r.requests + 2*l.connections
	r.rate, r.p50, r.p99 = float64(r.requests)/micros*1e6, p50/1000, p99/1000
	return r, nil
}

// ask asks with net/http.
func (l *load) ask(s *server) (result, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.connections, MaxConnsPerHost: l.connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	end := time.Now().Add(l.each)
	var mu sync.Mutex
	var took []time.Duration
	failed, last := 0, s.asked
	var wg sync.WaitGroup
	for c := range l.connections {
		wg.Go(func() {
			var own []time.Duration
			bad := 0
			n := s.asked + c
			for ; time.Now().Before(end); n += l.connections {
				start := time.Now()
				resp, err := client.Get(s.base + s.number(s.target(n), n))
				if err != nil {
					bad++
					continue
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					bad++
				}
				own = append(own, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			failed += bad
			last = max(last, n)
		})
	}
	wg.Wait()
	s.asked = last
	if len(took) == 0 {
		return result{failed: failed}, nil
	}
	slices.Sort(took)
	ms := func(p int) float64 { return float64(took[len(took)*p/100].Microseconds()) / 1000 }
	return result{requests: len(took), rate: float64(len(took)) / l.each.Seconds(), p50: ms(50), p99: ms(99), failed: failed}, nil
}

// sizes tells the mean size of the answers to the same requests, in kB: servers
// that answer with less have less to do.
func sizes(list ...*server) (string, error) {
	const some = 100
	var out []string
	for _, s := range list {
		if s == nil {
			continue
		}
		total := int64(0)
		for n := range some {
			resp, err := http.Get(s.base + s.number(s.target(n), s.asked+n))
			if err != nil {
				return "", err
			}
			size, err := io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if err != nil {
				return "", err
			}
			total += size
		}
		out = append(out, fmt.Sprintf("%.1f", float64(total)/some/1000))
	}
	return strings.Join(out, ", "), nil
}
