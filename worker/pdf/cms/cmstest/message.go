package cmstest

import (
	"bytes"
	"crypto"
	"math/big"
	"slices"
	"testing"
	"time"

	"countersign/worker/pdf/ber"
)

// The object identifiers of content types.
const (
	Data       = "1.2.840.113549.1.7.1"
	SignedData = "1.2.840.113549.1.7.2"
	TSTInfo    = "1.2.840.113549.1.9.16.1.4"
)

// Message is how a message is signed. The zero value is what most signers write: SHA-256 over sorted attributes, the
// certificate and its issuers' in it, DER.
type Message struct {
	Hash    crypto.Hash // 0: SHA-256
	Padding Padding     // of RSA
	Plain   bool        // ECDSA's two numbers one after the other

	DigestOID    string // written in the place of the digest's own
	AlgorithmOID string // written in the place of the algorithm's own

	NoAttributes  bool // the signature is over the content itself
	Unsorted      bool // the attributes are written in another order than DER's, and signed as they are written
	SortedOnly    bool // they are written in another order, and signed in DER's
	MessageDigest []byte
	ContentAttr   string // what the content type attribute says; "": the content's
	Time          time.Time
	ESS           int     // 1 or 2: name the signer's certificate in the older or the newer form
	ESSOf         *Signer // name this one's certificate instead
	Signed        [][]byte
	Unsigned      [][]byte

	Stamp     *Signer // who stamps the signature
	StampTime time.Time
	StampOver []byte // instead of the signature

	KeyID      bool     // the signer is named by its key's identifier
	NamedAs    []byte   // IssuerAndSerialNumber instead of the signer's own
	Certs      [][]byte // instead of the signer's and its issuers'
	NoCerts    bool
	CRLs       [][]byte
	Indefinite bool // BER with indefinite lengths and strings in pieces
	Trailing   []byte

	ContentType string    // "": data
	Content     []byte    // what it carries; nil: it is detached
	Also        []*Signer // sign the same in the same way
}

// Attribute makes an attribute.
func Attribute(id string, values ...[]byte) []byte { return seq(OID(id), ber.Wrap(0x31, values...)) }

// Sign makes a detached message over covered bytes; or one that carries Content and is over it.
func (s *Signer) Sign(t testing.TB, covered []byte, m Message) []byte {
	t.Helper()
	if m.ContentType == "" {
		m.ContentType = Data
	}
	over, encap := covered, OID(m.ContentType)
	if m.Content != nil {
		over = m.Content
		content := ber.Wrap(ber.OctetString, m.Content)
		if m.Indefinite {
			content = slices.Concat([]byte{0x24, 0x80}, ber.Wrap(ber.OctetString, m.Content[:1]),
				ber.Wrap(ber.OctetString, m.Content[1:]), []byte{0, 0})
		}
		encap = append(encap, ber.Wrap(0xa0, content)...)
	}
	infos := [][]byte{s.SignerInfo(t, over, m)}
	certs := append([][]byte{s.Cert}, s.Chain...)
	if m.Certs != nil || m.NoCerts {
		certs = m.Certs
	}
	for _, also := range m.Also {
		infos, certs = append(infos, also.SignerInfo(t, over, m)), append(certs, also.Cert)
	}
	wrap := ber.Wrap
	if m.Indefinite {
		wrap = func(tag byte, parts ...[]byte) []byte {
			return slices.Concat([]byte{tag, 0x80}, slices.Concat(parts...), []byte{0, 0})
		}
	}
	parts := [][]byte{Int(big.NewInt(1)), ber.Wrap(0x31, m.digestAlgorithm()), wrap(0x30, encap)}
	if len(certs) > 0 {
		parts = append(parts, wrap(0xa0, certs...))
	}
	if len(m.CRLs) > 0 {
		parts = append(parts, wrap(0xa1, m.CRLs...))
	}
	parts = append(parts, wrap(0x31, infos...))
	return append(wrap(0x30, OID(SignedData), wrap(0xa0, wrap(0x30, parts...))), m.Trailing...)
}

func (m Message) hash() crypto.Hash {
	if m.Hash == 0 {
		return crypto.SHA256
	}
	return m.Hash
}

func (m Message) digestAlgorithm() []byte {
	if m.DigestOID != "" {
		return seq(OID(m.DigestOID), []byte{ber.Null, 0})
	}
	return digestAlgorithm(m.hash())
}

// SignerInfo makes a signer's part of a message over some bytes.
func (s *Signer) SignerInfo(t testing.TB, over []byte, m Message) []byte {
	t.Helper()
	if m.ContentType == "" {
		m.ContentType = Data
	}
	id, version := seq(s.issuer, s.serial), int64(1)
	switch {
	case m.KeyID:
		id, version = ber.Wrap(0x80, s.keyID), 3
	case m.NamedAs != nil:
		id = m.NamedAs
	}
	parts := [][]byte{Int(big.NewInt(version)), id, m.digestAlgorithm()}
	if !m.NoAttributes {
		written, signed := m.attributes(s, over)
		parts, over = append(parts, ber.Wrap(0xa0, written...)), ber.Wrap(0x31, signed...)
	}
	signature := s.key.raw(t, m.hash(), over, m.Padding, m.Plain)
	algorithm := s.key.algorithm(m.hash(), m.Padding)
	if m.AlgorithmOID != "" {
		algorithm = seq(OID(m.AlgorithmOID), []byte{ber.Null, 0})
	}
	parts = append(parts, algorithm, ber.Wrap(ber.OctetString, signature))
	unsigned := m.Unsigned
	if m.Stamp != nil {
		what := signature
		if m.StampOver != nil {
			what = m.StampOver
		}
		unsigned = append(unsigned, Attribute("1.2.840.113549.1.9.16.2.14", m.Stamp.Timestamp(t, what, m.StampTime)))
	}
	if len(unsigned) > 0 {
		parts = append(parts, ber.Wrap(0xa1, unsigned...))
	}
	return seq(parts...)
}

// attributes are the signed attributes as they are written and as they are signed.
func (m Message) attributes(s *Signer, over []byte) (written, signed [][]byte) {
	digest := m.MessageDigest
	if digest == nil {
		digest = sum(m.hash(), over)
	}
	kind := m.ContentAttr
	if kind == "" {
		kind = m.ContentType
	}
	all := [][]byte{Attribute("1.2.840.113549.1.9.3", OID(kind))}
	if len(digest) > 0 {
		all = append(all, Attribute("1.2.840.113549.1.9.4", ber.Wrap(ber.OctetString, digest)))
	}
	if !m.Time.IsZero() {
		all = append(all, Attribute("1.2.840.113549.1.9.5", utc(m.Time)))
	}
	of := s
	if m.ESSOf != nil {
		of = m.ESSOf
	}
	switch m.ESS {
	case 1:
		all = append(all, Attribute("1.2.840.113549.1.9.16.2.12",
			seq(seq(seq(ber.Wrap(ber.OctetString, sum(crypto.SHA1, of.Cert)))))))
	case 2:
		all = append(all, Attribute("1.2.840.113549.1.9.16.2.47",
			seq(seq(seq(ber.Wrap(ber.OctetString, sum(crypto.SHA256, of.Cert)))))))
	}
	all = append(all, m.Signed...)
	slices.SortFunc(all, bytes.Compare)
	signed = slices.Clone(all)
	if m.Unsorted || m.SortedOnly {
		slices.Reverse(all)
	}
	if m.Unsorted {
		signed = all
	}
	return all, signed
}

// Timestamp makes a time stamp over some bytes (RFC 3161).
func (s *Signer) Timestamp(t testing.TB, over []byte, at time.Time) []byte {
	t.Helper()
	return s.TimestampWith(t, over, at, Message{})
}

// TimestampWith makes a time stamp that is signed in some way. Its imprint uses the same digest.
func (s *Signer) TimestampWith(t testing.TB, over []byte, at time.Time, m Message) []byte {
	t.Helper()
	m.ContentType = TSTInfo
	m.Content = seq(Int(big.NewInt(1)), OID("1.2.3"),
		seq(digestAlgorithm(m.hash()), ber.Wrap(ber.OctetString, sum(m.hash(), over))), Int(big.NewInt(7)), generalized(at))
	return s.Sign(t, nil, m)
}

// SHA1 makes a message of the form adbe.pkcs7.sha1: it carries the SHA-1 of what is covered.
func (s *Signer) SHA1(t testing.TB, covered []byte, m Message) []byte {
	t.Helper()
	m.Content = sum(crypto.SHA1, covered)
	return s.Sign(t, nil, m)
}

// Bare makes a signature of the form adbe.x509.rsa_sha1.
func (s *Signer) Bare(t testing.TB, covered []byte, h crypto.Hash) []byte {
	t.Helper()
	return ber.Wrap(ber.OctetString, s.key.raw(t, h, covered, Padding{}, false))
}
