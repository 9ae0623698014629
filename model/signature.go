package model

import "time"

// Signature is the one word that people read about a document's embedded signatures.
type Signature string

// The signature words. "" is a document that was never checked.
const (
	SignatureIntact   Signature = "intact"   // each one matches, and nothing was added that they do not cover
	SignatureAltered  Signature = "altered"  // the file is not what was signed
	SignatureUnsigned Signature = "unsigned" // there is none in the file
	SignatureUnknown  Signature = "unknown"  // it cannot be told; the note says why
)

// Integrity says whether what a signature covers is what was signed.
type Integrity string

// The words of integrity.
const (
	IntegrityNone    Integrity = "none"    // no signature
	IntegrityIntact  Integrity = "intact"  // digest and signature match
	IntegrityAltered Integrity = "altered" // they do not
	IntegrityUnknown Integrity = "unknown" // they could not be computed
)

// Coverage says how much of the file the last signature covers.
type Coverage string

// The words of coverage.
const (
	CoverageNone    Coverage = "none"    // no signature
	CoverageWhole   Coverage = "whole"   // every byte but its own
	CoverageLater   Coverage = "later"   // what follows it is only material to check it with, and changes nothing else
	CoveragePartial Coverage = "partial" // something follows it, or lies in its gap, that it does not cover
	CoverageUnknown Coverage = "unknown" // that could not be told
)

// Trust says what is known of who signed. No list of trusted authorities is consulted, so it is never more than
// unknown: whether a certificate may be trusted is for the reader's own software to say.
type Trust string

// The words of trust.
const (
	TrustNone    Trust = "none"    // no signature
	TrustUnknown Trust = "unknown" // signed; nobody was asked about the certificate
)

// EmbeddedSignature is one signature that stands in a file.
type EmbeddedSignature struct {
	Kind string `json:"kind"` // signature, or timestamp
	// the certificate's common name; as the file names it where there is no certificate
	Signer    string     `json:"signer"`
	Time      *time.Time `json:"time"`   // when it says that it was made; nil where it does not
	Reason    string     `json:"reason"` // why, in the signer's words
	Integrity Integrity  `json:"integrity"`
	Coverage  Coverage   `json:"coverage"`
	Trust     Trust      `json:"trust"`
	Note      string     `json:"note"` // what else is to be said: self-signed, expired, why it cannot be told
}

// SignatureFacts is all that is known of a document's embedded signatures. The zero value was never checked.
type SignatureFacts struct {
	Signature  Signature           `json:"signature"`
	Integrity  Integrity           `json:"integrity"`
	Coverage   Coverage            `json:"coverage"`
	Trust      Trust               `json:"trust"`
	Note       string              `json:"note" gorm:"column:signature_note"` // why altered or unknown; "" otherwise
	Signatures []EmbeddedSignature `json:"signatures" gorm:"serializer:json"`
}

// Unsigned are the facts of a file without a signature.
func Unsigned() SignatureFacts {
	return SignatureFacts{Signature: SignatureUnsigned, Integrity: IntegrityNone, Coverage: CoverageNone, Trust: TrustNone}
}

// UnknownSignature are the facts of a file of which nothing can be told, and why.
func UnknownSignature(why string) SignatureFacts {
	return SignatureFacts{Signature: SignatureUnknown, Integrity: IntegrityUnknown, Coverage: CoverageUnknown,
		Trust: TrustUnknown, Note: why}
}

// Expectation is what an account expects of the signed files that it downloads.
type Expectation string

// The expectations. The zero value is if_present.
const (
	SignaturesRequired  Expectation = "required"   // a signed document without a signature is wrong
	SignaturesIfPresent Expectation = "if_present" // a signature need not be there; one that is there must be right
	SignaturesNone      Expectation = "none"       // what signatures say is noted and changes nothing
)

// Objection says why a document of a kind fails the expectation; "" where it is acceptable. A signature that cannot be
// judged is acceptable.
func (e Expectation) Objection(k DocumentKind, f SignatureFacts) string {
	switch {
	case e == SignaturesNone:
		return ""
	case f.Signature == SignatureAltered:
		return "altered after it was signed: " + f.Note
	case e == SignaturesRequired && k == SignedDocument && f.Signature == SignatureUnsigned:
		return "the account's files must carry a signature, and this one has none"
	}
	return ""
}
