package cms

import (
	"crypto"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/digest"
	"countersign/worker/pdf/pubkey"
)

// bare checks a signature of the form adbe.x509.rsa_sha1: an RSA signature in an octet string, and the certificates
// beside it.
func bare(s Signature) Result {
	signature := s.Contents
	if e, _, err := ber.Read(s.Contents); err == nil && e.Is(ber.OctetString) {
		if signature, err = e.Octets(); err != nil {
			return Result{Status: Unchecked, Reason: "its signature cannot be read"}
		}
	}
	m := &message{}
	m.addCerts(s.Cert)
	if len(m.certs) == 0 {
		return Result{Status: Unchecked, Reason: whyNoCert}
	}
	c := m.certs[0]
	over := coveredSubject(s.Covered, "")
	words, err := c.Key.Verify(pubkey.Message{Digest: over.digest, Bytes: over.bytes}, signature,
		pubkey.Scheme{OID: "1.2.840.113549.1.1.1", Hash: crypto.SHA1})
	one := Signer{Cert: c, Name: c.Subject.Common(), Algorithm: words, Claimed: s.Claimed}
	one.Status, one.Reason = outcome(err, false)
	one.Notes = bareNotes(c, words)
	one.Notes = append(one.Notes, expiry(one)...)
	m.addCerts(s.Others)
	return Result{Status: one.Status, Reason: one.Reason, Signers: []Signer{one}, Certs: m.certs}
}

func bareNotes(c *cert.Certificate, words string) (notes []string) {
	for _, weak := range []crypto.Hash{crypto.SHA1, crypto.MD5} {
		if words == c.Key.Name+" with "+digest.Name(weak) {
			notes = addNote(notes, digest.Weak(weak))
		}
	}
	return addNote(notes, c.Key.Weak)
}
