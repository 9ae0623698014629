// Package trust says whether a signer's certificate leads to one that an account trusts, offline: by the certificates
// and the revocation data that came with the file. What the file does not prove is unknown, and never invented.
package trust

import (
	"time"

	"countersign/worker/pdf/cert"
)

// Outcome is how a question about trust ends.
type Outcome string

// The outcomes.
const (
	Trusted   Outcome = "trusted"   // a chain of signatures leads to a trusted certificate
	Untrusted Outcome = "untrusted" // it leads elsewhere, or a certificate on the way may not issue
	Revoked   Outcome = "revoked"   // it leads there, and a certificate was revoked before the signature is known to be made
	Expired   Outcome = "expired"   // it leads there, and a certificate was out of its time when it signed
	Unknown   Outcome = "unknown"   // nothing is trusted here, the time is not known, or the way cannot be followed
)

// Question is about one signer.
type Question struct {
	Signer  *cert.Certificate
	Trusted []*cert.Certificate // roots, issuers or the seal certificates themselves
	Others  []*cert.Certificate // certificates that came with the file
	At      time.Time           // when it was signed: stamped or else claimed; zero where nothing says it
	Proved  bool                // At is of a time stamp that is itself trusted
	OCSP    [][]byte            // OCSPResponse, as they came with the file
	CRLs    [][]byte            // CertificateList, as they came with the file
}

// Answer is what follows of what came with the file.
type Answer struct {
	Outcome Outcome
	Reason  string // in words, for any outcome: "issued by X, which is trusted", "no chain to a trusted certificate"
	Checked bool   // revocation data that is valid for the time says of each certificate below the trusted one that it is good
	Chain   []Link // from the signer upwards, as far as it could be followed
}

// Link is one certificate of a chain, for printing.
type Link struct {
	Subject, Issuer     string
	Serial              string // in hexadecimal
	NotBefore, NotAfter time.Time
	SHA256              string
	Trusted             bool // it is one of those that the account trusts
}
