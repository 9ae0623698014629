// Package cms checks the cryptography of one signature of a PDF: the CMS message (RFC 5652) or bare RSA signature in its
// Contents against the bytes that it covers. Bytes stay as the signer wrote them. Only what was computed and differs is a
// mismatch; what cannot be computed is unchecked, with the reason. Whom to trust is another question (package trust).
package cms

import (
	"crypto"
	"time"

	"countersign/worker/pdf/cert"
)

// Signature is what a signature dictionary hands over.
type Signature struct {
	SubFilter string   // as the dictionary has it, without the slash
	Contents  []byte   // the bytes of Contents, with the padding after the message
	Cert      [][]byte // Cert: the signer's certificate first; only adbe.x509.rsa_sha1 needs it
	Others    [][]byte // more certificates at hand, as the document security store has them
	Covered   Covered  // what the ByteRange names
	Claimed   time.Time
}

// Covered is the bytes that a signature covers; digest.Part is one. Where it has a method Bytes() ([]byte, error) too,
// signatures that are no digest's (Ed25519 without signed attributes) can be checked.
type Covered interface {
	Digest(crypto.Hash) ([]byte, error)
}

// Status is how a check ended.
type Status string

// The ways in which a check ends.
const (
	Verified  Status = "verified"  // it was made with its certificate's key over just these bytes
	Mismatch  Status = "mismatch"  // it was computed, and is not right
	Unchecked Status = "unchecked" // it could not be computed
)

// Result is what is known of a signature. A part that could not be read is the zero value; what could be is told in any
// case, also where the signature does not verify.
type Result struct {
	Status    Status
	Reason    string // why it is not verified: what follows "Signature 1: ", such as "its message cannot be read"
	Timestamp bool   // it is a time stamp over the document, and its signer a time stamp authority
	Signers   []Signer
	Certs     []*cert.Certificate // all that came with it, in no order that means anything
	OCSP      [][]byte            // answers about certificates that came with it (RFC 6960, OCSPResponse)
	CRLs      [][]byte            // and lists of revoked ones
}

// First is the first signer; the zero value where there is none. A PDF's signature has one.
func (r Result) First() Signer {
	if len(r.Signers) == 0 {
		return Signer{}
	}
	return r.Signers[0]
}

// Signer is one signer of a message.
type Signer struct {
	Status    Status
	Reason    string
	Cert      *cert.Certificate // nil where it is not at hand
	Name      string            // what people call the signer, of the certificate
	Algorithm string            // in words: "RSA 2048 with SHA-256"
	Claimed   time.Time         // when the signer says it signed: the signed attribute, or else Signature.Claimed
	Stamp     *Stamp            // the time stamp over this signature; nil without one
	Notes     []string          // weaknesses, each what could follow "but "
}

// At is the time for which the signer's certificate counts: the stamped one where the stamp verifies, or else the
// claimed one. Proved says which; the zero time is none.
func (s Signer) At() (at time.Time, proved bool) {
	if s.Stamp != nil && s.Stamp.Status == Verified {
		return s.Stamp.Time, true
	}
	return s.Claimed, false
}

// Stamp is a time stamp (RFC 3161). Verified says that its authority's key signed that time over just this signature or
// document, and not that the authority is to be trusted.
type Stamp struct {
	Status    Status
	Reason    string
	Time      time.Time
	Cert      *cert.Certificate // the authority's; nil where it is not at hand
	Name      string
	Algorithm string
	Notes     []string
}

// Limits of what is read of one message.
const (
	mostContents = 32 << 20
	mostCerts    = 500
	mostSigners  = 50
	mostStamps   = 10
	mostTries    = 60 // keys that are tried: the slowest takes some 20 ms
)

// Verify checks a signature. It never panics and takes time in proportion to the message's size.
func Verify(s Signature) Result {
	switch {
	case len(s.Contents) > mostContents:
		return Result{Status: Unchecked, Reason: "its message is larger than this program reads"}
	case s.Covered == nil:
		return Result{Status: Unchecked, Reason: "it does not say which bytes it covers"}
	case s.SubFilter == "adbe.x509.rsa_sha1":
		return bare(s)
	}
	m, err := readMessage(s.Contents)
	if err != nil {
		if len(s.Cert) > 0 {
			if r := bare(s); r.Status == Verified {
				return r
			}
		}
		return Result{Status: Unchecked, Reason: "its CMS message cannot be read"}
	}
	m.addCerts(s.Cert)
	m.addCerts(s.Others)
	r := m.verify(s)
	r.Certs = m.certs
	r.OCSP, r.CRLs = m.ocsp, m.crls
	return r
}

// worse reports whether a is worse than b: a mismatch before unchecked before verified.
func worse(a, b Status) bool {
	rank := func(s Status) int {
		switch s {
		case Mismatch:
			return 2
		case Unchecked:
			return 1
		}
		return 0
	}
	return rank(a) > rank(b)
}
