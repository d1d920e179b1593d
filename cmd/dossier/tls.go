package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// certReload is how often the certificate files are looked at.
const certReload = 10 * time.Second

// A certFiles serves a certificate from two files and takes new ones when they
// change; ones that do not fit are logged, and the old ones stay.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   string
	checked time.Time
}

func newCertFiles(cert, key string, log *slog.Logger) (*certFiles, error) {
	c := &certFiles{cert: cert, key: key, log: log}
	c.stamp = c.look()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c.current, c.checked = &pair, time.Now()
	return c, nil
}

// look returns what changes when the files do.
func (c *certFiles) look() string {
	var b strings.Builder
	for _, f := range []string{c.cert, c.key} {
		if info, err := os.Stat(f); err == nil {
			fmt.Fprintf(&b, "%d %d ", info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

func (c *certFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < certReload {
		return c.current, nil
	}
	c.checked = time.Now()
	if now := c.look(); now != c.stamp {
		if pair, err := tls.LoadX509KeyPair(c.cert, c.key); err != nil {
			c.log.Error("the new certificate cannot be used; the old one stays", "err", err)
		} else {
			c.log.Info("new certificate", "file", c.cert)
			c.current, c.stamp = &pair, now
		}
	}
	return c.current, nil
}

// Lives of our own certificates.
const (
	caLife    = 10 * 365 * 24 * time.Hour
	leafLife  = 90 * 24 * time.Hour
	leafRenew = leafLife / 3 // before its end
)

// ownCerts serves a certificate of the local authority and makes a new one in
// time.
type ownCerts struct {
	base  string
	hosts []string
	log   *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	until   time.Time // when to make the next
}

// renew makes a certificate and returns the authority's fingerprint.
func (o *ownCerts) renew(now time.Time) (string, error) {
	cert, fingerprint, err := selfSigned(o.base, o.hosts, now)
	if err != nil {
		return "", err
	}
	o.current, o.until = &cert, now.Add(leafLife-leafRenew)
	return fingerprint, nil
}

func (o *ownCerts) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); now.After(o.until) {
		if _, err := o.renew(now); err != nil {
			o.log.Error("no new certificate was made; the old one stays", "err", err)
			o.until = now.Add(certReload)
		}
	}
	return o.current, nil
}

// selfSigned returns a certificate for the hosts, signed by a local authority
// that is kept beside the database, and the authority's fingerprint. Clients
// trust the authority's certificate, which is base + ".ca.pem", once.
func selfSigned(base string, hosts []string, now time.Time) (tls.Certificate, string, error) {
	ca, caKey, err := localAuthority(base, now)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("local certificate authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Dossier"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else if h != "" {
			leaf.DNSNames = append(leaf.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	sum := sha256.Sum256(ca.Raw)
	return tls.Certificate{Certificate: [][]byte{der, ca.Raw}, PrivateKey: key}, fmt.Sprintf("%X", sum), nil
}

func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}

// localAuthority reads the authority, or makes one.
func localAuthority(base string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certFile, keyFile := base+".ca.pem", base+".ca.key"
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err == nil {
		ca, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			return nil, nil, err
		}
		key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
		if !ok || now.After(ca.NotAfter) {
			return nil, nil, fmt.Errorf("%s has expired or is of another kind: remove it and %s to get a new one", certFile, keyFile)
		}
		return ca, key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Dossier local authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return nil, nil, err
	}
	return ca, key, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}
