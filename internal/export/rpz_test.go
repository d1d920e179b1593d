package export

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func TestRPZAddress(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"192.0.2.7/32", "32.7.2.0.192"},
		{"198.51.100.0/24", "24.0.100.51.198"},
		{"2001:db8::1/128", "128.1.zz.db8.2001"},
		{"2001:db8:101::/48", "48.zz.101.db8.2001"},
		{"2001:db8:0:1:0:0:0:7/128", "128.7.zz.1.0.db8.2001"},
		{"2001:0:0:1:0:0:1:1/128", "128.1.1.0.0.1.zz.2001"},
		{"2001:db8:0:1:1:1:1:1/128", "128.1.1.1.1.1.0.db8.2001"},
		{"::/0", "0.zz"},
	} {
		if got := rpzAddress(netip.MustParsePrefix(tt.in)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
	}
}

func zone(t *testing.T) string {
	text, _ := write(t, "rpz", Options{Title: hostile[1], Updated: 1700000000000}, sample())
	file := filepath.Join(t.TempDir(), "dossier.rpz")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRPZIsAZone(t *testing.T) {
	out, err := exec.Command(engine(t, "named-checkzone"), "-i", "none", "rpz.dossier.", zone(t)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "loaded serial 1700000000") {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestRPZIsServed has a resolver serve the zone: listed names and those below
// them do not exist, near ones do.
func TestRPZIsServed(t *testing.T) {
	unbound := engine(t, "unbound")
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.LocalAddr().(*net.UDPAddr).Port
	l.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "unbound.conf")
	text := fmt.Sprintf(`server:
	directory: "%s"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	interface: 127.0.0.1@%d
	do-daemonize: no
	do-not-query-localhost: yes
	root-hints: ""
	module-config: "respip iterator"
	local-zone: "notevil.example." redirect
	local-data: "notevil.example. A 203.0.113.1"
	local-zone: "le." redirect
	local-data: "le. A 203.0.113.1"
rpz:
	name: "rpz.dossier."
	zonefile: "%s"
`, dir, port, zone(t))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, unbound, "-d", "-c", conf)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = cmd.Wait() }()
	server := "127.0.0.1:" + strconv.Itoa(port)
	for _, tt := range []struct {
		name string
		want dnsmessage.RCode
	}{
		{"evil.example.", dnsmessage.RCodeNameError},
		{"EVIL.example.", dnsmessage.RCodeNameError},
		{"deep.below.evil.example.", dnsmessage.RCodeNameError},
		{"a.b.evil-2.example.", dnsmessage.RCodeNameError},
		{"notevil.example.", dnsmessage.RCodeSuccess},
		{"evil.examp.le.", dnsmessage.RCodeSuccess},
	} {
		var got dnsmessage.RCode
		var err error
		for range 50 {
			if got, err = ask(server, tt.name); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, %v; want %v\n%s", tt.name, got, err, tt.want, log.String())
		}
	}
}

func ask(server, name string) (dnsmessage.RCode, error) {
	c, err := net.Dial("udp", server)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	b, err := m.Pack()
	if err != nil {
		return 0, err
	}
	if _, err := c.Write(b); err != nil {
		return 0, err
	}
	in := make([]byte, 1500)
	n, err := c.Read(in)
	if err != nil {
		return 0, err
	}
	var answer dnsmessage.Message
	err = answer.Unpack(in[:n])
	return answer.RCode, err
}

// FuzzRPZ: every line is a record with an owner of plain labels, or a comment.
func FuzzRPZ(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		text, r := write(t, "rpz", Options{Title: title}, []*Indicator{i})
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if !strings.HasPrefix(lines[3], "; ") && lines[3] != ";" {
			t.Fatalf("%q", lines[3])
		}
		for _, entry := range lines[4:] {
			record, comment, ok := strings.Cut(entry, " ; ")
			owner, data, _ := strings.Cut(record, " ")
			name := strings.TrimPrefix(owner, "*.")
			if !ok || data != "CNAME ." || !plainName(name) || badLabels(name) || strings.ContainsAny(comment, "\"();\\$\n") && !onlyBytes(comment, plain) {
				t.Errorf("%q", entry)
			}
			if i.Observable.Kind == "domain" && name != value {
				t.Errorf("%q for %q", entry, value)
			}
		}
		if want := r.Written; len(lines)-4 != want && len(lines)-4 != 2*want {
			t.Errorf("%d lines, %d written", len(lines)-4, want)
		}
	})
}
