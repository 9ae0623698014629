package model

import (
	"slices"
	"time"
)

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
	CoverageNone     Coverage = "none"     // no signature
	CoverageWhole    Coverage = "whole"    // every byte but its own
	CoverageLater    Coverage = "later"    // what follows it is only material to check it with, and changes nothing else
	CoverageExtended Coverage = "extended" // what follows it is allowed after a signature: the additions say what
	CoverageChanged  Coverage = "changed"  // what follows it changes what was signed: the changes say where
	CoveragePartial  Coverage = "partial"  // something follows it, or lies in its gap, that it does not cover
	CoverageUnknown  Coverage = "unknown"  // that could not be told
)

// Trust says what is known of who signed. A chain is built only to certificates that the operator has named, offline;
// without them it is never more than unknown.
type Trust string

// The words of trust.
const (
	TrustNone      Trust = "none"      // no signature
	TrustTrusted   Trust = "trusted"   // a chain leads to a certificate that the account trusts
	TrustUntrusted Trust = "untrusted" // no chain leads to one
	TrustRevoked   Trust = "revoked"   // the file's own revocation data says that a certificate was withdrawn before
	TrustExpired   Trust = "expired"   // a chain leads to one, and was not valid when the signature was made
	TrustUnknown   Trust = "unknown"   // signed; the account trusts no certificate, or the chain could not be built
)

// Addition is a kind of thing that may be added to a file after a signature without changing what was signed.
type Addition string

// The additions.
const (
	AddedValidation Addition = "validation" // certificates and revocation data, to check signatures with
	AddedTimestamp  Addition = "timestamp"  // a time stamp over the whole document
	AddedSignature  Addition = "signature"  // a further signature, with its field
	AddedForm       Addition = "form"       // form fields that the next signer filled in
	AddedComment    Addition = "comment"    // comments, where a certification allows them
	AddedMetadata   Addition = "metadata"   // title, dates and other data that no page shows
	AddedNothing    Addition = "nothing"    // a revision that changes nothing, or white space
)

// Certification says whether the limits are kept that the first signer of a certified file set to later changes.
type Certification string

// The words of certification.
const (
	CertificationNone    Certification = "none"    // the file is not certified
	CertificationKept    Certification = "kept"    // nothing was changed that the certification forbids
	CertificationBroken  Certification = "broken"  // something was
	CertificationUnknown Certification = "unknown" // it could not be told
)

// Certificate is what a chain shows of a certificate.
type Certificate struct {
	Subject   string     `json:"subject"` // the distinguished name
	Issuer    string     `json:"issuer"`
	Serial    string     `json:"serial"` // hexadecimal
	SHA256    string     `json:"sha256"` // of the certificate, hexadecimal
	Key       string     `json:"key"`    // SHA-256 of its public key, hexadecimal: the same when it is renewed with its key
	NotBefore *time.Time `json:"not_before"`
	NotAfter  *time.Time `json:"not_after"`
}

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

	// when a time stamp that computes as intact says that it was there already; nil without one
	ProvedTime *time.Time `json:"proved_time"`
	ProvedBy   string     `json:"proved_by"`  // who issued that time stamp
	Algorithm  string     `json:"algorithm"`  // in words: RSA 2048 with SHA-256
	Weaknesses []string   `json:"weaknesses"` // SHA-1, a short key: each a note that changes no word
	Added      []Addition `json:"added"`      // what was added after it, each kind once
	Changed    []string   `json:"changed"`    // where what was added changes what it covers, such as page 2: its content
	TrustNote  string     `json:"trust_note"` // why the word of trust is what it is
	// from the signer's certificate up, as far as the file or the account has them; empty without the signer's
	Chain []Certificate `json:"chain"`
}

// Certificate is the signer's; the zero value where the file has none.
func (s EmbeddedSignature) Certificate() Certificate {
	if len(s.Chain) == 0 {
		return Certificate{}
	}
	return s.Chain[0]
}

// Status is the word for this signature alone.
func (s EmbeddedSignature) Status() Signature {
	switch {
	case s.Integrity == IntegrityAltered || s.Coverage == CoverageChanged:
		return SignatureAltered
	case s.Integrity == IntegrityIntact:
		return SignatureIntact
	}
	return SignatureUnknown
}

// Judge is the version of the rules by which this program judges files. Raise it with each change that may give a file
// another word or another fault: files that an older version has judged are then judged again. A file has 0 that no
// version has looked into, since it did not come whole.
const Judge = 2

// FileFacts are the facts of a file beside its words and its signatures.
type FileFacts struct {
	Judge         int           `json:"judge"`             // the version of the rules; 0: judged before they had one
	Trusted       string        `json:"trusted,omitempty"` // which certificates the account trusted then; "": none
	Added         []Addition    `json:"added"`             // what was added after the last signature, each kind once
	Changed       []string      `json:"changed"`           // where what was added changes what was signed
	Certification Certification `json:"certification"`     // "" is a file that was judged before this was looked at
	// what the certification allows later: 1 nothing, 2 forms and signatures, 3 comments too; 0 without one
	CertificationLevel int  `json:"certification_level"`
	Seal               Seal `json:"seal"`
	Unlisted           int  `json:"unlisted"` // how many signatures the file has beside those that are listed
}

// SignatureFacts is all that is known of a document's embedded signatures. The zero value was never checked.
type SignatureFacts struct {
	Signature  Signature           `json:"signature"`
	Integrity  Integrity           `json:"integrity"`
	Coverage   Coverage            `json:"coverage"`
	Trust      Trust               `json:"trust"`
	Note       string              `json:"note" gorm:"column:signature_note"` // why altered or unknown; "" otherwise
	Signatures []EmbeddedSignature `json:"signatures" gorm:"serializer:json"` // in the order in which they were made
	File       FileFacts           `json:"facts" gorm:"column:facts;serializer:json"`
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
	SignaturesRequired  Expectation = "required"   // a signed document must have a signature that computes as intact
	SignaturesIfPresent Expectation = "if_present" // a signature need not be there; one that is there must be right
	SignaturesNone      Expectation = "none"       // what signatures say is noted and changes nothing
)

// Objection says why a document of a kind fails the expectation; "" where it is acceptable. Where no signature is
// required, one that cannot be judged is acceptable.
func (e Expectation) Objection(k DocumentKind, f SignatureFacts) string {
	switch {
	case e == SignaturesNone:
		return ""
	case f.Signature == SignatureAltered:
		return "altered after it was signed: " + f.Note
	case e != SignaturesRequired || k != SignedDocument || slices.ContainsFunc(f.Signatures, EmbeddedSignature.holds):
		return ""
	case f.Signature == SignatureUnsigned:
		return "the account's files must carry a signature, and this one has none"
	}
	return "the account's files must carry a signature that can be checked, and this one has none: " + f.Note
}

// holds says whether it is a signature, no mere time stamp, that computes as intact.
func (s EmbeddedSignature) holds() bool {
	return s.Kind != "timestamp" && s.Integrity == IntegrityIntact
}
