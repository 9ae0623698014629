package cmstest

import (
	"crypto"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"
	"time"

	"countersign/worker/pdf/ber"
)

// Signer is a key with its certificate.
type Signer struct {
	Cert  []byte
	Chain [][]byte // its issuers' certificates, which go into messages beside its own

	key             *key
	subject, issuer []byte // names
	serial          []byte // INTEGER
	keyID           []byte
}

// Certificate is what a certificate says. The zero value is an RSA key of "Ana Lima", valid from 2020 to 2040.
type Certificate struct {
	Kind       Kind
	Name       string // the common name
	NameTag    byte   // the string's type; 0: UTF8String
	Serial     []byte // the bytes of the number; nil: a number of its own
	From, To   time.Time
	CA         bool
	Usage      byte     // the first byte of the key usage as it is written: 0x80 signature, 0x04 certificates, 0x02 CRLs
	Extended   []string // object identifiers
	Extensions [][]byte // more of them, whole
}

// Extension makes an extension.
func Extension(id string, critical bool, value []byte) []byte {
	var flag []byte
	if critical {
		flag = []byte{ber.Boolean, 1, 0xff}
	}
	return seq(OID(id), flag, ber.Wrap(ber.OctetString, value))
}

// New makes a self-signed certificate.
func New(t testing.TB, c Certificate) *Signer {
	t.Helper()
	return newSigner(t, c, nil)
}

// Issue makes a certificate that the signer issues.
func (s *Signer) Issue(t testing.TB, c Certificate) *Signer {
	t.Helper()
	return newSigner(t, c, s)
}

// Name is a name with a common name and an organisation.
func Name(common string, tag byte) []byte {
	if tag == 0 {
		tag = 12
	}
	text := []byte(common)
	if tag == 30 { // BMPString
		text = nil
		for _, r := range common {
			text = append(text, byte(r>>8), byte(r))
		}
	}
	part := func(id string, tag byte, text []byte) []byte {
		return ber.Wrap(0x31, seq(OID(id), ber.Wrap(tag, text)))
	}
	return seq(part("2.5.4.10", 12, []byte("Throwaway")), part("2.5.4.3", tag, text))
}

func newSigner(t testing.TB, c Certificate, issuer *Signer) *Signer {
	t.Helper()
	if c.Kind == "" {
		c.Kind = RSA
	}
	if c.Name == "" {
		c.Name = "Ana Lima"
	}
	if c.From.IsZero() {
		c.From = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.To.IsZero() {
		c.To = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.Serial == nil {
		c.Serial = make([]byte, 9)
		_, err := rand.Read(c.Serial[1:])
		check(t, err)
		c.Serial[0], c.Serial[1] = 0, c.Serial[1]|0x80
	}
	s := &Signer{key: keyOf(c.Kind), subject: Name(c.Name, c.NameTag), serial: ber.Wrap(ber.Integer, c.Serial)}
	s.keyID = sum(crypto.SHA1, append([]byte(c.Name), s.key.spki...))
	by := s
	if issuer != nil {
		by = issuer
		s.Chain = slices.Concat([][]byte{issuer.Cert}, issuer.Chain)
	}
	s.issuer = by.subject
	how := by.key.certificateAlgorithm()
	tbs := seq(ber.Wrap(0xa0, Int(big.NewInt(2))), s.serial, how, s.issuer, seq(utc(c.From), utc(c.To)), s.subject,
		s.key.spki, ber.Wrap(0xa3, seq(c.extensions(s, by)...)))
	s.Cert = seq(tbs, how, ber.Wrap(ber.BitString, []byte{0}, by.key.raw(t, crypto.SHA256, tbs, Padding{}, false)))
	return s
}

// certificateAlgorithm is how a key signs certificates and revocation data: with SHA-256.
func (k *key) certificateAlgorithm() []byte {
	switch {
	case k.rsa != nil:
		return seq(OID("1.2.840.113549.1.1.11"), []byte{ber.Null, 0})
	case k.dsa != nil:
		return seq(OID("2.16.840.1.101.3.4.3.2"))
	}
	return k.algorithm(crypto.SHA256, Padding{})
}

func (c Certificate) extensions(s, by *Signer) [][]byte {
	all := [][]byte{
		Extension("2.5.29.14", false, ber.Wrap(ber.OctetString, s.keyID)),
		Extension("2.5.29.35", false, seq(ber.Wrap(0x80, by.keyID))),
	}
	if c.CA {
		all = append(all, Extension("2.5.29.19", true, seq([]byte{ber.Boolean, 1, 0xff})))
	}
	if c.Usage != 0 {
		all = append(all, Extension("2.5.29.15", true, []byte{ber.BitString, 2, 0, c.Usage}))
	}
	if len(c.Extended) > 0 {
		var ids [][]byte
		for _, id := range c.Extended {
			ids = append(ids, OID(id))
		}
		all = append(all, Extension("2.5.29.37", false, seq(ids...)))
	}
	return append(all, c.Extensions...)
}

func utc(at time.Time) []byte {
	if at = at.UTC(); at.Year() >= 2050 {
		return generalized(at)
	}
	return ber.Wrap(ber.UTCTime, []byte(at.Format("060102150405Z")))
}

func generalized(at time.Time) []byte {
	return ber.Wrap(ber.GeneralizedTime, []byte(at.UTC().Format("20060102150405Z")))
}

// CRL is a list of what the signer revoked, at a time, with extensions.
func (s *Signer) CRL(t testing.TB, at, next time.Time, revoked map[*Signer]time.Time, extensions ...[]byte) []byte {
	t.Helper()
	how := s.key.certificateAlgorithm()
	parts := [][]byte{Int(big.NewInt(1)), how, s.subject, utc(at)}
	if !next.IsZero() {
		parts = append(parts, utc(next))
	}
	var list [][]byte
	for who, when := range revoked {
		list = append(list, seq(who.serial, utc(when)))
	}
	if len(list) > 0 {
		parts = append(parts, seq(list...))
	}
	if len(extensions) > 0 {
		parts = append(parts, ber.Wrap(0xa0, seq(extensions...)))
	}
	tbs := seq(parts...)
	return seq(tbs, how, ber.Wrap(ber.BitString, []byte{0}, s.key.raw(t, crypto.SHA256, tbs, Padding{}, false)))
}

// OCSP is an answer about a certificate that by issued, signed by the signer: by itself, or a responder of its own whose
// certificate goes with the answer. With the zero time the certificate is good.
func (s *Signer) OCSP(t testing.TB, by, about *Signer, at, next, revoked time.Time) []byte {
	t.Helper()
	spkiBits, _, err := ber.Read(by.key.spki)
	check(t, err)
	both, err := spkiBits.Children()
	check(t, err)
	bits, _ := both[1].Bits()
	id := seq(digestAlgorithm(crypto.SHA1), ber.Wrap(ber.OctetString, sum(crypto.SHA1, by.subject)),
		ber.Wrap(ber.OctetString, sum(crypto.SHA1, bits)), about.serial)
	status := []byte{0x80, 0}
	if !revoked.IsZero() {
		status = ber.Wrap(0xa1, generalized(revoked))
	}
	var until []byte
	if !next.IsZero() {
		until = ber.Wrap(0xa0, generalized(next))
	}
	data := seq(ber.Wrap(0xa1, s.subject), generalized(at), seq(seq(id, status, generalized(at), until)))
	var certs []byte
	if s != by {
		certs = ber.Wrap(0xa0, seq(s.Cert))
	}
	basic := seq(data, s.key.certificateAlgorithm(),
		ber.Wrap(ber.BitString, []byte{0}, s.key.raw(t, crypto.SHA256, data, Padding{}, false)), certs)
	return seq([]byte{ber.Enumerated, 1, 0},
		ber.Wrap(0xa0, seq(OID("1.3.6.1.5.5.7.48.1.1"), ber.Wrap(ber.OctetString, basic))))
}
