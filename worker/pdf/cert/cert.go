// Package cert reads certificates as far as they can be read: what a strict reader refuses (a negative serial number, a
// string of an odd type, an extension that is not well-formed) costs the fact that it concerns, and nothing else.
package cert

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"time"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/digest"
	"countersign/worker/pdf/pubkey"
)

// Certificate is what a certificate says. What could not be read is the zero value.
type Certificate struct {
	Raw                 []byte
	Issuer, Subject     Name
	Serial              *big.Int // as it is written: it may be negative
	NotBefore, NotAfter time.Time
	Key                 pubkey.Key
	RawKey              []byte // the bits of the public key, without its algorithm
	SubjectKeyID        []byte
	AuthorityKeyID      []byte
	Usage               Usage
	HasUsage            bool
	ExtendedUsage       []string // object identifiers
	CA                  bool     // its basic constraints say that it may issue
	HasConstraints      bool
	MaxPath             int      // how many issuers may stand below it; -1: any number
	Critical            []string // extensions that must be understood, and that are not read here
	CRLPoints           []byte   // where lists of revoked certificates are published, as it is written
	NoCheck             bool     // an OCSP responder's certificate that need not be asked about

	tbs, signature []byte
	serial         []byte // the number's bytes
	how            pubkey.Scheme
}

// Usage is what a key may be used for (RFC 5280, 4.2.1.3).
type Usage uint16

// The uses that count here.
const (
	DigitalSignature Usage = 1 << iota
	ContentCommitment
	KeyEncipherment
	DataEncipherment
	KeyAgreement
	CertSign
	CRLSign
)

// ErrUnreadable is of bytes that hold no certificate with an issuer, a number and a key.
var ErrUnreadable = errors.New("a certificate that cannot be read")

// Parse reads one certificate. The Certificate keeps raw.
func Parse(raw []byte) (*Certificate, error) {
	e, _, err := ber.Read(raw)
	if err != nil {
		return nil, ErrUnreadable
	}
	return FromElement(e)
}

// FromElement reads a certificate that stands in a message.
func FromElement(e ber.Element) (*Certificate, error) {
	outer, err := e.Children()
	if err != nil || !e.Is(ber.Sequence) || len(outer) < 3 {
		return nil, ErrUnreadable
	}
	c := &Certificate{Raw: e.Raw, tbs: outer[0].Raw, how: pubkey.ReadScheme(outer[1], 0), MaxPath: -1}
	c.signature, _ = outer[2].Bits()
	all, err := outer[0].Children()
	if err != nil {
		return nil, ErrUnreadable
	}
	if len(all) > 0 && all[0].IsContext(0) {
		all = all[1:]
	}
	if len(all) < 6 {
		return nil, ErrUnreadable
	}
	serial, ok := all[0].Int()
	if !ok {
		return nil, ErrUnreadable
	}
	c.Serial, c.serial = serial, all[0].Body
	c.Issuer, c.Subject = readName(all[2]), readName(all[4])
	if times, err := all[3].Children(); err == nil && len(times) == 2 {
		c.NotBefore, _ = times[0].Time()
		c.NotAfter, _ = times[1].Time()
	}
	c.Key = pubkey.Parse(all[5])
	if spki, err := all[5].Children(); err == nil && len(spki) > 1 {
		c.RawKey, _ = spki[1].Bits()
	}
	for _, x := range all[6:] {
		if x.IsContext(3) {
			c.extensions(x)
		}
	}
	return c, nil
}

// ParsePEM reads every certificate of a PEM file, or of a DER file with one.
func ParsePEM(text []byte) ([]*Certificate, error) {
	var all []*Certificate
	for rest := text; ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		if b.Type != "CERTIFICATE" && b.Type != "TRUSTED CERTIFICATE" && b.Type != "X509 CERTIFICATE" {
			continue
		}
		c, err := Parse(b.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		c, err := Parse(text)
		if err != nil {
			return nil, errors.New("no certificate in PEM form")
		}
		all = append(all, c)
	}
	return all, nil
}

// SHA256 is the digest that tells certificates apart, in hexadecimal.
func (c *Certificate) SHA256() string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// SerialText is the serial number in hexadecimal, as tools print it.
func (c *Certificate) SerialText() string { return c.Serial.Text(16) }

// UnsignedSerial is the serial number as it was meant where the zero before it was left out.
func (c *Certificate) UnsignedSerial() *big.Int { return new(big.Int).SetBytes(c.serial) }

// SerialBytes are the bytes of the serial number as they are written.
func (c *Certificate) SerialBytes() []byte { return c.serial }

// SelfIssued reports whether issuer and subject are the same.
func (c *Certificate) SelfIssued() bool { return c.Issuer.Same(c.Subject) }

// Equal reports whether both are the same certificate.
func (c *Certificate) Equal(o *Certificate) bool { return bytes.Equal(c.Raw, o.Raw) }

// SignedBy checks the certificate's own signature with the key of an issuer: nil, pubkey.ErrMismatch or a
// pubkey.Unable.
func (c *Certificate) SignedBy(issuer *Certificate) error {
	m := pubkey.Text(c.tbs)
	m.Whole = false // what a certificate says of its own algorithm must be right
	_, err := issuer.Key.Verify(m, c.signature, c.how)
	return err
}

// Digest is a digest over the whole certificate.
func (c *Certificate) Digest(h crypto.Hash) []byte { return digest.Of(h, c.Raw) }

// ValidAt says what an expired or not yet valid certificate is at a time; "" where it is valid or says nothing of it.
func (c *Certificate) ValidAt(at time.Time) string {
	switch {
	case !c.NotAfter.IsZero() && at.After(c.NotAfter):
		return "expired"
	case !c.NotBefore.IsZero() && at.Before(c.NotBefore):
		return "not valid yet"
	}
	return ""
}

// extensions reads what is understood of the extensions, and notes what must be and is not.
func (c *Certificate) extensions(e ber.Element) {
	list, err := e.Only()
	if err != nil {
		return
	}
	all, err := list.Children()
	if err != nil {
		return
	}
	for _, x := range all {
		parts, err := x.Children()
		if err != nil || len(parts) < 2 {
			continue
		}
		critical := parts[1].Is(ber.Boolean) && len(parts[1].Body) == 1 && parts[1].Body[0] != 0
		value, err := parts[len(parts)-1].Octets()
		if err != nil {
			continue
		}
		inner, _, err := ber.Read(value)
		if err != nil {
			continue
		}
		if !c.extension(parts[0].OID(), inner) && critical {
			c.Critical = append(c.Critical, parts[0].OID())
		}
	}
}

func (c *Certificate) extension(id string, e ber.Element) (known bool) {
	switch id {
	case "2.5.29.14":
		c.SubjectKeyID, _ = e.Octets() //nolint:errcheck // an identifier that cannot be read is none
	case "2.5.29.35":
		all, _ := e.Children() //nolint:errcheck // as above
		for _, x := range all {
			if x.IsContext(0) {
				c.AuthorityKeyID, _ = x.Octets() //nolint:errcheck // as above
			}
		}
	case "2.5.29.15":
		bits, ok := e.Bits()
		if c.HasUsage = ok; ok && len(bits) > 0 {
			for i := range 7 {
				if bits[0]&(0x80>>i) != 0 {
					c.Usage |= 1 << i
				}
			}
		}
	case "2.5.29.19":
		c.constraints(e)
	case "2.5.29.37":
		all, _ := e.Children() //nolint:errcheck // as above
		for _, x := range all {
			c.ExtendedUsage = append(c.ExtendedUsage, x.OID())
		}
	case "1.3.6.1.5.5.7.48.1.5":
		c.NoCheck = true
	case "2.5.29.31":
		c.CRLPoints = e.Raw
	case "2.5.29.17", "2.5.29.18", "2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54", "2.5.29.46", "2.5.29.16",
		"1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.3":
		// Other names, where to ask, policies (any will do): nothing that decides here.
	default:
		return false
	}
	return true
}

func (c *Certificate) constraints(e ber.Element) {
	all, err := e.Children()
	if err != nil {
		return
	}
	c.HasConstraints = true
	for _, x := range all {
		switch {
		case x.Is(ber.Boolean):
			c.CA = len(x.Body) == 1 && x.Body[0] != 0
		case x.Is(ber.Integer):
			if n, ok := x.Int(); ok && n.IsInt64() && n.Sign() >= 0 {
				c.MaxPath = int(min(n.Int64(), 1000))
			}
		}
	}
}
