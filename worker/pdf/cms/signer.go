package cms

import (
	"bytes"
	"crypto"
	"errors"
	"math/big"
	"slices"
	"time"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/digest"
	"countersign/worker/pdf/pubkey"
)

// The object identifiers of signed attributes.
const (
	oidContentType   = "1.2.840.113549.1.9.3"
	oidMessageDigest = "1.2.840.113549.1.9.4"
	oidSigningTime   = "1.2.840.113549.1.9.5"
)

// What people read of a check that failed, as the end of a sentence about the signature.
const (
	whyChanged   = "what it covers is not what was signed: it was changed afterwards"
	whyKey       = "it was not made with the key of the certificate that it names"
	whyEither    = "it does not fit what it covers, or not the key of its certificate"
	whyNoCert    = "the certificate of its signer is not in the file"
	whyNoSigner  = "its message names no signer"
	whyNoDigest  = "it says nothing of what it covers: its message digest is missing"
	whyMany      = "its message names more signers and certificates than this program tries"
	whyTwice     = "it has two message digests that differ"
	whyContent   = "it says of itself that it signs something else than a document"
	whyUnordered = "its signed attributes cannot be read"
)

// subject is what a message's signers are said to have signed.
type subject struct {
	digest func(crypto.Hash) ([]byte, error)
	bytes  func() ([]byte, error)
	kind   string // the content type that the signed attributes must name
}

func coveredSubject(c Covered, kind string) subject {
	s := subject{digest: c.Digest, kind: kind, bytes: func() ([]byte, error) {
		return nil, pubkey.Unable("its algorithm needs the document as a whole, which is not at hand")
	}}
	if whole, ok := c.(interface{ Bytes() ([]byte, error) }); ok {
		s.bytes = whole.Bytes
	}
	return s
}

func contentSubject(content []byte, kind string) subject {
	return subject{
		digest: func(h crypto.Hash) ([]byte, error) { return digest.Of(h, content), nil },
		bytes:  func() ([]byte, error) { return content, nil }, kind: kind,
	}
}

// checkSigner checks one signer's signature over a subject.
func (m *message) checkSigner(s signerInfo, over subject) Signer {
	out := Signer{Status: Unchecked, Claimed: claimed(s)}
	beside, known := digest.ByOID(pubkey.ReadScheme(s.digest, 0).OID)
	how := pubkey.ReadScheme(s.algorithm, beside)
	out.Status, out.Reason = bound(s, over, beside, known, how)

	var words string
	var status Status
	var reason string
	candidates, named := m.candidates(s)
	for i, c := range candidates {
		if m.tries--; m.tries < 0 {
			out.Status, out.Reason = Unchecked, whyMany
			return out
		}
		w, err := checkKey(s, over, c, how)
		is, why := outcome(err, len(s.signed.Raw) > 0)
		if i == 0 || is == Verified {
			out.Cert, words, status, reason = c, w, is, why
		}
		if is == Verified {
			break
		}
	}
	if out.Cert == nil || !named && status != Verified {
		out.Cert, status, reason = nil, Unchecked, whyNoCert
	}
	if worse(status, out.Status) || out.Reason == "" {
		out.Status, out.Reason = status, reason
	}
	if out.Cert == nil {
		return out
	}
	if status == Verified && !named {
		out.Notes = append(out.Notes, "it names another certificate than the one that it was made with")
	}
	out.Name, out.Algorithm = out.Cert.Subject.Common(), words
	m.aboutSigner(s, &out, beside)
	return out
}

// outcome reads what checking a key returned.
func outcome(err error, attributes bool) (Status, string) {
	var unable pubkey.Unable
	switch {
	case err == nil:
		return Verified, ""
	case errors.Is(err, pubkey.ErrMismatch) && attributes:
		return Mismatch, whyKey
	case errors.Is(err, pubkey.ErrMismatch):
		return Mismatch, whyEither
	case errors.As(err, &unable):
		return Unchecked, string(unable)
	}
	return Unchecked, "what it covers cannot be read: " + err.Error()
}

// checkKey checks the signature with a certificate's key: over the signed attributes, or else over the content.
func checkKey(s signerInfo, over subject, c *cert.Certificate, how pubkey.Scheme) (words string, err error) {
	if len(s.signed.Raw) == 0 {
		return c.Key.Verify(pubkey.Message{Digest: over.digest, Bytes: over.bytes}, s.signature, how)
	}
	first, firstWords := error(nil), ""
	for i, text := range attributeForms(s.signed) {
		message := pubkey.Text(text)
		message.Whole = i == 0 // a digest that nobody named and another order are two slips at once
		words, err = c.Key.Verify(message, s.signature, how)
		if err == nil {
			return words, nil
		}
		if i == 0 {
			first, firstWords = err, words
		}
		if !errors.Is(err, pubkey.ErrMismatch) {
			break
		}
	}
	return firstWords, first
}

// attributeForms are the bytes that a signature over signed attributes may be over: as they were written, with the tag
// of a set; else with a definite length; else sorted and in DER throughout, as the standard has it.
func attributeForms(signed ber.Element) [][]byte {
	written := bytes.Clone(signed.Raw)
	written[0] = 0x31
	forms := [][]byte{written}
	add := func(form []byte) {
		if !slices.ContainsFunc(forms, func(f []byte) bool { return bytes.Equal(f, form) }) {
			forms = append(forms, form)
		}
	}
	add(ber.Wrap(0x31, signed.Body))
	if all, err := signed.Children(); err == nil {
		var raw [][]byte
		for _, c := range all {
			raw = append(raw, c.Raw)
		}
		slices.SortFunc(raw, bytes.Compare)
		add(ber.Wrap(0x31, raw...))
	}
	set := signed
	set.Class, set.Tag = ber.Universal, ber.Set
	if der, err := set.DER(); err == nil {
		add(der)
	}
	return forms
}

// bound checks that the signed attributes name the digest of what is covered. Without attributes the signature itself is
// over it.
func bound(s signerInfo, over subject, beside crypto.Hash, known bool, how pubkey.Scheme) (Status, string) {
	if len(s.signed.Raw) == 0 {
		return Verified, ""
	}
	all := s.attrs[oidMessageDigest]
	if len(all) == 0 {
		return Unchecked, whyNoDigest
	}
	want, err := all[0].Octets()
	if err != nil || !all[0].Is(ber.OctetString) {
		return Unchecked, whyUnordered
	}
	for _, other := range all[1:] {
		if o, err := other.Octets(); err != nil || !bytes.Equal(o, want) {
			return Unchecked, whyTwice
		}
	}
	hashes := digestsToTry(len(want), beside, known, how)
	if len(hashes) == 0 {
		return Unchecked, "its digest (" + pubkey.ReadScheme(s.digest, 0).OID + ") is not one that this program can compute"
	}
	fits := false
	for _, h := range hashes {
		sum, err := over.digest(h)
		if err != nil {
			return Unchecked, "what it covers cannot be read: " + err.Error()
		}
		if fits = bytes.Equal(sum, want); fits {
			break
		}
	}
	switch {
	case !fits && !known:
		return Unchecked, "its digest (" + pubkey.ReadScheme(s.digest, 0).OID + ") is not one that this program can compute"
	case !fits:
		return Mismatch, whyChanged
	}
	return contentTypeFits(s, over)
}

// digestsToTry are the digests that a message digest may be: the one that is named, or, where its length is another's,
// those that signers use.
func digestsToTry(size int, beside crypto.Hash, known bool, how pubkey.Scheme) (all []crypto.Hash) {
	if known && beside.Size() == size {
		return []crypto.Hash{beside}
	}
	h, ok := digest.ByOID(how.OID)
	if ok && h.Size() == size {
		all = append(all, h)
	}
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA1, crypto.SHA512, crypto.SHA384} {
		if h.Size() == size && !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	if len(all) == 0 && known {
		all = append(all, beside)
	}
	return all
}

func contentTypeFits(s signerInfo, over subject) (Status, string) {
	for _, e := range s.attrs[oidContentType] {
		if id := e.OID(); id != over.kind && id != oidData {
			return Unchecked, whyContent
		}
	}
	return Verified, ""
}

func claimed(s signerInfo) time.Time {
	for _, e := range s.attrs[oidSigningTime] {
		if at, ok := e.Time(); ok {
			return at
		}
	}
	return time.Time{}
}

// mostCandidates is how many certificates are tried for a signer whose own is not at hand.
const mostCandidates = 20

// candidates are the certificates that may be the signer's: those that it names, byte by byte or else as they are meant;
// or, where none is at hand, all others, named being false.
func (m *message) candidates(s signerInfo) (all []*cert.Certificate, named bool) {
	issuer := cert.NameFromElement(s.issuer)
	for _, exact := range []bool{true, false} {
		for _, c := range m.certs {
			if s.names(c, issuer, exact) && !slices.ContainsFunc(all, c.Equal) {
				all = append(all, c)
			}
		}
		if len(all) > 0 {
			return all[:min(len(all), mostCandidates)], true
		}
	}
	return m.certs[:min(len(m.certs), mostCandidates)], false
}

func (s signerInfo) names(c *cert.Certificate, issuer cert.Name, exact bool) bool {
	if s.keyID != nil {
		if exact {
			return bytes.Equal(s.keyID, c.SubjectKeyID)
		}
		return bytes.Equal(s.keyID, digest.Of(crypto.SHA1, c.RawKey))
	}
	serial, ok := s.serial.Int()
	if !ok {
		return false
	}
	if exact {
		return serial.Cmp(c.Serial) == 0 && bytes.Equal(issuer.Raw, c.Issuer.Raw)
	}
	same := new(big.Int).SetBytes(s.serial.Body).Cmp(c.UnsignedSerial()) == 0 || serial.Cmp(c.Serial) == 0
	return same && issuer.Same(c.Issuer)
}
