package cert_test

import (
	"bytes"
	"encoding/pem"
	"slices"
	"testing"
	"time"

	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/cms/cmstest"
)

func TestWhatACertificateSaysIsRead(t *testing.T) {
	t.Parallel()
	from, to := time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC), time.Date(2055, 2, 3, 4, 5, 6, 0, time.UTC)
	root := cmstest.New(t, cmstest.Certificate{Name: "Root", CA: true, Usage: 0x06})
	s := root.Issue(t, cmstest.Certificate{Name: "Ana Lima", Kind: cmstest.P256, Serial: []byte{0xfe, 1}, From: from, To: to,
		Usage: 0xc0, Extended: []string{"1.3.6.1.5.5.7.3.8"},
		Extensions: [][]byte{cmstest.Extension("1.2.3", true, []byte{5, 0}), {4, 0}}})
	c, err := cert.Parse(s.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject.String() != "O=Throwaway, CN=Ana Lima" || c.Subject.Common() != "Ana Lima" ||
		c.Issuer.Common() != "Root" || c.SerialText() != "-1ff" || !c.NotBefore.Equal(from) || !c.NotAfter.Equal(to) ||
		!c.HasUsage || c.Usage != cert.DigitalSignature|cert.ContentCommitment || c.CA || c.HasConstraints ||
		!slices.Equal(c.ExtendedUsage, []string{"1.3.6.1.5.5.7.3.8"}) || !slices.Equal(c.Critical, []string{"1.2.3"}) ||
		c.Key.Name != "ECDSA P-256" || len(c.SubjectKeyID) != 20 || len(c.SHA256()) != 64 || c.SelfIssued() {
		t.Errorf("%+v", c)
	}
	r, err := cert.Parse(root.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if !r.CA || r.MaxPath != -1 || r.Usage != cert.CertSign|cert.CRLSign || !r.SelfIssued() ||
		!bytes.Equal(c.AuthorityKeyID, r.SubjectKeyID) {
		t.Errorf("%+v", r)
	}
	if err := c.SignedBy(r); err != nil {
		t.Error(err)
	}
	if err := c.SignedBy(c); err == nil {
		t.Error("it signed itself")
	}
	for at, want := range map[time.Time]string{from: "", to: "", from.Add(-1): "not valid yet", to.Add(1): "expired"} {
		if got := c.ValidAt(at); got != want {
			t.Errorf("at %v: %q", at, got)
		}
	}
}

func TestPEMFilesAreRead(t *testing.T) {
	t.Parallel()
	a, b := cmstest.New(t, cmstest.Certificate{}), cmstest.New(t, cmstest.Certificate{Name: "B"})
	text := slices.Concat([]byte("Ana's:\n"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Cert}))
	if all, err := cert.ParsePEM(text); err != nil || len(all) != 2 || all[1].Subject.Common() != "B" {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := cert.ParsePEM(a.Cert); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	for _, bad := range [][]byte{nil, []byte("hello"), bytes.Replace(text, []byte("MII"), []byte("MIA"), 1)} {
		if all, err := cert.ParsePEM(bad); err == nil {
			t.Errorf("%.20q is read as %v", bad, all)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range []cmstest.Kind{cmstest.RSA1024, cmstest.Brainpool, cmstest.DSA, cmstest.Explicit, cmstest.Ed25519} {
		f.Add(cmstest.New(f, cmstest.Certificate{Kind: kind, CA: true, Usage: 1, NameTag: 30}).Cert)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := cert.Parse(raw)
		if err != nil {
			return
		}
		if c.Serial == nil || c.SerialText() == "" || c.Subject.String() == "" && c.Subject.Common() != "" {
			t.Errorf("%+v", c)
		}
		c.SignedBy(c) //nolint:errcheck // it only must not panic
	})
}

func BenchmarkParse(b *testing.B) {
	for _, kind := range []cmstest.Kind{cmstest.RSA, cmstest.P256, cmstest.Brainpool} {
		raw := cmstest.New(b, cmstest.Certificate{Kind: kind}).Cert
		b.Run(string(kind), func(b *testing.B) {
			for b.Loop() {
				if _, err := cert.Parse(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
