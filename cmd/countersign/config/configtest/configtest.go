// Package configtest has what tests of configs share: a provider on paper, and certificates.
package configtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"countersign/provider"
)

// PaperSettings are those of a provider that exists on paper only.
type PaperSettings struct {
	APIKey       provider.Secret   `yaml:"api_key"`
	CallbackKey  provider.Secret   `yaml:"callback_key"`
	CallbackKeys []provider.Secret `yaml:"callback_keys"`
	Retries      int               `yaml:"retries"`
	OAuth        *struct {
		ClientSecret provider.Secret `yaml:"client_secret"`
	} `yaml:"oauth"`
}

// PaperProvider reads its settings and can do nothing.
type PaperProvider struct {
	provider.Provider
	Settings PaperSettings
}

// Paper builds a PaperProvider.
func Paper(o provider.Options) (provider.Service, error) {
	p := &PaperProvider{}
	if err := o.Settings(&p.Settings); err != nil {
		return provider.Service{}, err
	}
	if p.Settings.APIKey == "" {
		return provider.Service{}, errors.New("api_key is missing")
	}
	return provider.Service{Provider: p}, nil
}

// SelfSigned makes a certificate for a name and for loopback, and its key, in PEM.
func SelfSigned(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(0, 1, 0),
		IsCA:     true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
