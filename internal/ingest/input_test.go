package ingest

import (
	"archive/zip"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ulikunitz/xz"

	"dossier/internal/lists"
)

// utf16Bytes encodes a text in UTF-16.
func utf16Bytes(s string, big, mark bool) string {
	var b strings.Builder
	if mark {
		s = "\ufeff" + s
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			b.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	return b.String()
}

// TestEncodings reads the same in every encoding, with and without a mark.
func TestEncodings(t *testing.T) {
	for _, body := range []string{stixGroup, galaxy, "value,type\r\nexample-one.com,domain\r\n"} {
		want := ""
		for _, encoded := range []string{
			body, "\ufeff" + body, utf16Bytes(body, false, true), utf16Bytes(body, true, true), utf16Bytes(body, false, false), utf16Bytes(body, true, false),
		} {
			dir := t.TempDir()
			write(t, dir, map[string]string{"a.dat": encoded})
			im := newImporter(t)
			load(t, im, Options{Publisher: "p"}, filepath.Join(dir, "a.dat"))
			got := served(t, im.Store)
			if want == "" {
				want = got
			}
			if got != want || strings.HasPrefix(got, "0 indicators\n") && len(got) < 20 {
				t.Errorf("%q…: %s, want %s", encoded[:4], got, want)
			}
		}
	}
}

func TestXZ(t *testing.T) {
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "example-one.com\nexample-two.com\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	hostile := bytes.Clone(packed.Bytes())
	if hostile[14] != 0x21 {
		t.Fatalf("the filter stands elsewhere: % x", hostile[:24])
	}
	hostile[16] = 39 // 4 GiB - 1, less a half
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.txt.xz": packed.String(), "b.txt.xz": string(hostile), "c.txt.xz": packed.String()[:40]})
	im := newImporter(t)
	res := load(t, im, Options{}, dir)
	if res.Run.Counts.Indicators.New != 2 || len(res.Failed()) != 2 || !strings.Contains(res.Failed()[0].Error, "dictionary") {
		t.Errorf("%+v", res.Files)
	}
}

func TestEncryptedZip(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a.txt", Flags: 1, Method: zip.Store, CompressedSize64: 4, UncompressedSize64: 4})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "abcd")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.zip": b.String()})
	res := load(t, newImporter(t), Options{}, dir)
	if f := res.Failed(); len(f) != 1 || !strings.Contains(f[0].Error, "encrypted") {
		t.Errorf("%+v", res.Files)
	}
}

// TestWhySkipped: nothing is passed over without a reason.
func TestWhySkipped(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"SHA256SUMS": strings.Repeat("a", 64) + "  x\n", "conn.log": "#separator \\x09\n#path\tconn\n", "x.bin": "\x00\x01\x02", "x.json": `{"a": 1}`,
	})
	res := load(t, newImporter(t), Options{}, dir)
	for _, f := range res.Files {
		if f.Skipped == "" {
			t.Errorf("%s was read: %+v", f.Path, f)
		}
	}
	if len(res.Files) != 4 {
		t.Errorf("%d files", len(res.Files))
	}
}

func TestMapping(t *testing.T) {
	m, err := lists.ParseMapping("2=ipAddress,1=ignore")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.csv": "8.8.4.9,8.8.5.9\n8.8.4.9,8.8.6.9\n"})
	im := newImporter(t)
	if res := load(t, im, Options{Map: m}, dir); res.Run.Counts.Indicators.New != 2 {
		t.Errorf("%+v", res.Run.Counts)
	}
}
