package main

import (
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestOwnCertificates: those that trust the authority's file trust what is served,
// also after the certificate was renewed; the key is its owner's alone.
func TestOwnCertificates(t *testing.T) {
	base := filepath.Join(t.TempDir(), "a.db")
	own := &ownCerts{base: base, hosts: []string{"localhost", "127.0.0.1", "intel.example"}, log: slog.New(slog.DiscardHandler)}
	now := time.Now()
	fingerprint, err := own.renew(now)
	if err != nil || len(fingerprint) != 64 {
		t.Fatal(fingerprint, err)
	}
	ca, err := os.ReadFile(base + ".ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in the authority's file")
	}
	if info, err := os.Stat(base + ".ca.key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v, %v", info, err)
	}
	trusted := func(host string) error {
		cert, err := own.certificate(nil)
		if err != nil {
			return err
		}
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			return err
		}
		_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
		return err
	}
	for _, host := range own.hosts {
		if err := trusted(host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if trusted("other.example") == nil {
		t.Error("the certificate is good for any host")
	}
	first := own.current
	own.until = now.Add(-time.Second) // its time has come
	if err := trusted("localhost"); err != nil || own.current == first {
		t.Errorf("not renewed: %v", err)
	}
	if again, err := (&ownCerts{base: base, hosts: own.hosts}).renew(now); err != nil || again != fingerprint {
		t.Errorf("after a restart the authority is another: %s, %v", again, err)
	}
	own.until, own.base = now.Add(-time.Second), filepath.Join(base, "nowhere")
	second := own.current
	if err := trusted("localhost"); err != nil || own.current != second {
		t.Errorf("where no new one can be made the old one stays: %v", err)
	}
}

// TestCertificateFiles: new files are taken when they fit.
func TestCertificateFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	write := func(host string) {
		t.Helper()
		pair, _, err := selfSigned(filepath.Join(dir, host), []string{host}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("one.example")
	files, err := newCertFiles(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	host := func() string {
		files.checked = time.Time{}
		c, err := files.certificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.DNSNames[0]
	}
	if got := host(); got != "one.example" {
		t.Error(got)
	}
	write("longer.example")
	if got := host(); got != "longer.example" {
		t.Errorf("new files: %s", got)
	}
	if err := os.WriteFile(key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := host(); got != "longer.example" {
		t.Errorf("files that do not fit: %s", got)
	}
	if _, err := newCertFiles(cert, key, nil); err == nil {
		t.Error("at the start they are an error")
	}
}
