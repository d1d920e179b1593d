package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier/internal/testdb"
)

// A diskTest is a shell script in a folder with the files of TestKill, and with
// $DOSSIER to call. What it prints is compared.
type diskTest struct {
	name, script, want string
	needs              []string // programs
}

// full imports what fits, then what does not, then makes room.
const full = `
mount -t tmpfs -o size=16m tmpfs disk || exit 77
export DOSSIER_DB=$PWD/disk/d.db DOSSIER_AUDIT_LOG=-
$DOSSIER --no-catalog import --source ours f0.txt >/dev/null 2>&1 || echo "first: $?"
head -c 64m /dev/zero >disk/filler 2>/dev/null
truncate -s -1M disk/filler # too little for the rest, enough to read
$DOSSIER --no-catalog import --source ours f1.txt f2.txt f3.txt f4.txt f5.txt f6.txt f7.txt >out 2>err && echo "it went in"
grep -m1 -o 'the disk is full' err
$DOSSIER --no-catalog lookup n7.f0.contoso.com >/dev/null 2>&1 && echo "the first is there"
$DOSSIER --no-catalog lookup n7.f7.contoso.com >/dev/null 2>&1 && echo "the last is there"
rm disk/filler
mount -o remount,size=256m disk
$DOSSIER --no-catalog import --source ours f1.txt f2.txt f3.txt f4.txt f5.txt f6.txt f7.txt >/dev/null 2>&1 && echo "recovered"
$DOSSIER --no-catalog lookup n7.f7.contoso.com >/dev/null 2>&1 && echo "the last is there"
`

// limited imports into a file that may not grow: writes fail, as on a broken disk.
const limited = `
export DOSSIER_DB=$PWD/l.db DOSSIER_AUDIT_LOG=-
$DOSSIER --no-catalog import --source ours f0.txt >/dev/null 2>&1 || echo "first: $?"
(ulimit -f 5000; exec $DOSSIER --no-catalog import --source ours f1.txt f2.txt f3.txt f4.txt f5.txt f6.txt f7.txt) >out 2>err && echo "it went in"
grep -m1 -o 'the disk cannot be read or written' err
grep -m1 -o 'what was there before is whole' err
$DOSSIER --no-catalog lookup n7.f0.contoso.com >/dev/null 2>&1 && echo "the first is there"
$DOSSIER --no-catalog import --source ours f1.txt f2.txt f3.txt f4.txt f5.txt f6.txt f7.txt >/dev/null 2>&1 && echo "recovered"
$DOSSIER --no-catalog lookup n7.f7.contoso.com >/dev/null 2>&1 && echo "the last is there"
`

// failing imports while every CALL fails with EIO, from the WHENth on.
const failing = `
export DOSSIER_DB=$PWD/s.db DOSSIER_AUDIT_LOG=-
$DOSSIER --no-catalog import --source ours f0.txt >/dev/null 2>&1 || echo "first: $?"
strace -f -o /dev/null -e trace=CALL -e inject=CALL:error=EIO:when=WHEN+ $DOSSIER --no-catalog import --source ours f1.txt f2.txt f3.txt f4.txt f5.txt f6.txt f7.txt >out 2>err
echo "status $?"
grep -m1 -o 'the disk cannot be read or written' err
$DOSSIER --no-catalog lookup n7.f0.contoso.com >/dev/null 2>&1 && echo "the first is there"
$DOSSIER --no-catalog import --source ours f1.txt f2.txt f3.txt f4.txt f5.txt f6.txt f7.txt >/dev/null 2>&1 && echo "recovered"
$DOSSIER --no-catalog lookup n7.f7.contoso.com >/dev/null 2>&1 && echo "the last is there"
`

// readOnly reads from a disk that cannot be written.
const readOnly = `
mount -t tmpfs -o size=64m tmpfs disk || exit 77
export DOSSIER_DB=$PWD/disk/r.db DOSSIER_AUDIT_LOG=-
$DOSSIER --no-catalog import --source ours f0.txt >/dev/null 2>&1 || echo "first: $?"
mount -o remount,ro disk || exit 77
$DOSSIER lookup n7.f0.contoso.com >/dev/null && echo "lookup"
$DOSSIER export --format domains 2>/dev/null | grep -c contoso
echo n8.f0.contoso.com >log
$DOSSIER hunt --all log >/dev/null 2>&1 && echo "hunt"
$DOSSIER import --source ours f1.txt >out 2>err
echo "status $?"
grep -m1 -o 'cannot be written' err
`

// TestDisk holds that a full or failing disk gives a clear error, leaves what was
// there, and that the next import does the rest without help.
func TestDisk(t *testing.T) {
	if testing.Short() || testdb.Postgres() {
		t.Skip("takes long, and is about SQLite files")
	}
	program, err := exec.LookPath("dossier")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []diskTest{
		{"read-only", readOnly, "lookup\n2000\nhunt\nstatus 2\ncannot be written\n", []string{"unshare"}},
		{"full", full, "the disk is full\nthe first is there\nrecovered\nthe last is there\n", []string{"unshare"}},
		{"limited", limited, "the disk cannot be read or written\nwhat was there before is whole\nthe first is there\nrecovered\nthe last is there\n", nil},
		{"write fails", strings.NewReplacer("CALL", "pwrite64", "WHEN", "10").Replace(failing), "status 2\nthe disk cannot be read or written\nthe first is there\nrecovered\nthe last is there\n", []string{"strace"}},
		{"fsync fails", strings.NewReplacer("CALL", "fsync,fdatasync", "WHEN", "1").Replace(failing), "status 2\nthe disk cannot be read or written\nthe first is there\nrecovered\nthe last is there\n", []string{"strace"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, p := range tt.needs {
				if _, err := exec.LookPath(p); err != nil {
					t.Skip(err)
				}
			}
			dir := t.TempDir()
			killInput(t, dir)
			if err := os.Mkdir(filepath.Join(dir, "disk"), 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-c", tt.script)
			own := slices.Contains(tt.needs, "unshare")
			if own { // a disk of its own, which goes away with the script
				cmd = exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", tt.script)
			}
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "DOSSIER="+program)
			out, err := cmd.Output()
			if cmd.ProcessState != nil && (cmd.ProcessState.ExitCode() == 77 || own && len(out) == 0) {
				t.Skip("this system does not let tests make a disk")
			}
			if string(out) != tt.want {
				text, _ := os.ReadFile(filepath.Join(dir, "err"))
				t.Errorf("got %q, want %q (%v)\n%s", out, tt.want, err, text)
			}
		})
	}
}
