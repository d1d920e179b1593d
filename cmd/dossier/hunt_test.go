package main

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestFollower follows a file that grows, is rotated, and is cut.
func TestFollower(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write := func(flags int, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flags, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write(0, "one\n")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	w := &follower{ctx: ctx, path: path, f: f}
	defer w.close()
	in := bufio.NewReader(w)
	want := func(line string) {
		t.Helper()
		if got, err := in.ReadString('\n'); got != line || err != nil {
			t.Fatalf("read %q, %v; want %q", got, err, line)
		}
	}
	want("one\n")
	write(os.O_APPEND, "two\n")
	want("two\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(0, "three, of another file\n")
	want("three, of another file\n")
	write(os.O_TRUNC, "four\n")
	want("four\n")
	cancel()
	if line, err := in.ReadString('\n'); err == nil {
		t.Errorf("read %q after the end", line)
	}
}
