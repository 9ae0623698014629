// Package certificates has the public listener's certificate: from files that may change, or issued by an ACME
// authority.
package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"countersign/cmd/countersign/config"
)

// acmeTime bounds one question to the authority.
const acmeTime = 30 * time.Second

// Issued has certificates issued and renewed by an ACME authority, which proves that the host is ours by a TLS
// handshake with the public listener itself: no other port and no other route is opened for it.
func Issued(c *config.Config) (*tls.Config, error) {
	a := c.Public.TLS.ACME
	cache := c.ACMECache()
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, fmt.Errorf("public.tls.acme.cache: %w", err)
	}
	client := &http.Client{Timeout: acmeTime}
	if a.Roots != "" {
		pem, err := os.ReadFile(a.Roots)
		if err != nil {
			return nil, fmt.Errorf("public.tls.acme.roots: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("public.tls.acme.roots: holds no certificate")
		}
		client.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cache), HostPolicy: autocert.HostWhitelist(a.Hosts...),
		Email:  a.Email,
		Client: &acme.Client{DirectoryURL: a.Directory, HTTPClient: client, UserAgent: "countersign"},
	}
	// No h2: one request a connection at a time is what every limit of the listener counts.
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1", acme.ALPNProto},
		GetCertificate: m.GetCertificate}, nil
}

// FromFiles reads the pair at each handshake that finds the file changed, so that a renewal
// needs no restart.
func FromFiles(t config.TLS) (*tls.Config, error) {
	var mu sync.Mutex
	var cert *tls.Certificate
	var read time.Time
	load := func() (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		info, err := os.Stat(t.CertFile)
		if err == nil && (cert == nil || !info.ModTime().Equal(read)) {
			pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
			if err != nil && cert == nil {
				return nil, fmt.Errorf("public.tls: %w", err)
			}
			if err == nil {
				cert, read = &pair, info.ModTime()
			}
		}
		if cert == nil {
			return nil, fmt.Errorf("public.tls: %w", err)
		}
		return cert, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() }}, nil
}
