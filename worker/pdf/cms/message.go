package cms

import (
	"errors"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cert"
)

// The object identifiers of a message's structure.
const (
	oidData       = "1.2.840.113549.1.7.1"
	oidSignedData = "1.2.840.113549.1.7.2"
	oidTSTInfo    = "1.2.840.113549.1.9.16.1.4"
	oidOCSP       = "1.3.6.1.5.5.7.16.2"
)

var errUnreadable = errors.New("no SignedData")

// message is a SignedData (RFC 5652, 5.1; PKCS #7 1.5 writes nearly the same).
type message struct {
	contentType string
	content     []byte // what it carries; nil where it is detached
	certs       []*cert.Certificate
	spoilt      int // certificates in it that cannot be read
	ocsp, crls  [][]byte
	signers     []signerInfo
	tries       int // keys that may still be tried
}

// signerInfo is one SignerInfo.
type signerInfo struct {
	issuer    ber.Element // with serial, or else keyID
	serial    ber.Element
	keyID     []byte
	digest    ber.Element // AlgorithmIdentifier
	signed    ber.Element // the signed attributes with their own tag; no bytes where there are none
	attrs     attributes
	algorithm ber.Element
	signature []byte
	unsigned  attributes
}

// readMessage reads a message; what follows it is the padding of Contents.
func readMessage(raw []byte) (*message, error) {
	e, _, err := ber.Read(raw)
	if err != nil {
		return nil, errUnreadable
	}
	if e, err = signedData(e); err != nil {
		return nil, err
	}
	all, err := e.Children()
	if err != nil || len(all) < 4 || !all[0].Is(ber.Integer) {
		return nil, errUnreadable
	}
	m := &message{tries: mostTries}
	if err := m.readContent(all[2]); err != nil {
		return nil, err
	}
	for _, part := range all[3:] {
		switch {
		case part.IsContext(0):
			m.readCerts(part)
		case part.IsContext(1):
			m.readRevocation(part)
		case part.Is(ber.Set):
			if err := m.readSigners(part); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// signedData unwraps a ContentInfo; signers also write the SignedData bare, or the whole answer of a time stamp server.
func signedData(e ber.Element) (ber.Element, error) {
	for range 3 {
		all, err := e.Children()
		switch {
		case err != nil || len(all) < 2:
			return e, errUnreadable
		case all[0].Is(ber.Integer):
			return e, nil
		case all[0].OID() == oidSignedData && all[1].IsContext(0):
			if e, err = all[1].Only(); err != nil {
				return e, errUnreadable
			}
		case all[0].Is(ber.Sequence) && all[1].Is(ber.Sequence): // PKIStatusInfo, and the token after it
			e = all[1]
		default:
			return e, errUnreadable
		}
	}
	return e, errUnreadable
}

func (m *message) readContent(e ber.Element) error {
	all, err := e.Children()
	if err != nil || len(all) == 0 {
		return errUnreadable
	}
	m.contentType = all[0].OID()
	if len(all) < 2 {
		return nil
	}
	inner, err := all[1].Only()
	switch {
	case err != nil:
		return nil // an empty wrapping: it is detached
	case inner.Is(ber.OctetString):
		m.content, err = inner.Octets()
	default:
		m.content = inner.Body // PKCS #7 1.5: the content without tag and length is what is digested
	}
	return err
}

// readCerts reads the certificates that can be read; one that cannot costs no other.
func (m *message) readCerts(e ber.Element) {
	all, err := e.Children()
	if err != nil {
		m.spoilt++
		return
	}
	for _, c := range all {
		if !c.Is(ber.Sequence) || len(m.certs) >= mostCerts {
			continue // attribute certificates say nothing of who signed
		}
		read, err := cert.FromElement(c)
		if err != nil {
			m.spoilt++
			continue
		}
		m.certs = append(m.certs, read)
	}
}

func (m *message) addCerts(all [][]byte) {
	for _, raw := range all {
		if len(m.certs) >= 2*mostCerts {
			return
		}
		c, err := cert.Parse(raw)
		if err != nil {
			m.spoilt++
			continue
		}
		m.certs = append(m.certs, c)
	}
}

// readRevocation reads the lists and answers that stand where PKCS #7 had lists only.
func (m *message) readRevocation(e ber.Element) {
	all, err := e.Children()
	if err != nil {
		return
	}
	for _, c := range all {
		if c.Is(ber.Sequence) {
			m.crls = append(m.crls, c.Raw)
			continue
		}
		if parts, err := c.Children(); err == nil && c.IsContext(1) && len(parts) == 2 && parts[0].OID() == oidOCSP {
			m.ocsp = append(m.ocsp, parts[1].Raw)
		}
	}
}

func (m *message) readSigners(e ber.Element) error {
	all, err := e.Children()
	if err != nil || len(all) > mostSigners {
		return errUnreadable
	}
	for _, one := range all {
		s, err := readSigner(one)
		if err != nil {
			return err
		}
		m.signers = append(m.signers, s)
	}
	return nil
}

func readSigner(e ber.Element) (s signerInfo, err error) {
	all, err := e.Children()
	if err != nil || len(all) < 5 {
		return s, errUnreadable
	}
	if all[1].IsContext(0) {
		s.keyID, err = all[1].Octets()
	} else {
		var id []ber.Element
		if id, err = all[1].Children(); err == nil && len(id) >= 2 {
			s.issuer, s.serial = id[0], id[1]
		}
	}
	if err != nil {
		return s, errUnreadable
	}
	s.digest = all[2]
	rest := all[3:]
	if rest[0].IsContext(0) {
		s.signed, rest = rest[0], rest[1:]
		if s.attrs, err = readAttributes(s.signed); err != nil {
			return s, errUnreadable
		}
	}
	if len(rest) < 2 {
		return s, errUnreadable
	}
	s.algorithm = rest[0]
	if s.signature, err = rest[1].Octets(); err != nil {
		return s, errUnreadable
	}
	for _, x := range rest[2:] {
		if x.IsContext(1) {
			s.unsigned, _ = readAttributes(x) //nolint:errcheck // nobody signed them: what cannot be read is not there
		}
	}
	return s, nil
}

// attributes are signed or unsigned attributes, by their object identifier, with the values of all that have it. One that
// is not well-formed is left out: the signature is over its bytes all the same.
type attributes map[string][]ber.Element

func readAttributes(e ber.Element) (attributes, error) {
	all, err := e.Children()
	if err != nil {
		return nil, err
	}
	out := attributes{}
	for _, a := range all {
		parts, err := a.Children()
		if err != nil || len(parts) < 2 {
			continue
		}
		values, err := parts[1].Children()
		if err != nil {
			continue
		}
		id := parts[0].OID()
		out[id] = append(out[id], values...)
	}
	return out, nil
}
