// Package trust says whether a signer's certificate leads to one that an account trusts, offline: by the certificates
// and the revocation data that came with the file. What the file does not prove is unknown, and never invented.
package trust

import (
	"slices"
	"time"

	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/cms"
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
	At      time.Time // when it was signed: stamped or else claimed; zero where nothing says it
	Proved  bool      // At is of a time stamp that is itself trusted
	Stamper bool      // the signer is to be a time stamp authority
}

// Store is what an account trusts, with what a file brings beside its signatures. It serves one file and one goroutine.
type Store struct {
	trusted, others []*cert.Certificate
	revocation      revocation
	checks          *checks
}

// NewStore takes the certificates that an account trusts (roots, issuers or the seal certificates themselves) and what
// the file's document security store has: certificates, OCSPResponses and CertificateLists in DER. What cannot be read
// is left out.
func NewStore(trusted []*cert.Certificate, certs, answers, lists [][]byte) *Store {
	s := &Store{trusted: trusted, checks: &checks{left: mostChecks, done: map[[2]string]error{}}}
	for _, raw := range certs {
		if c, err := cert.Parse(raw); err == nil {
			s.others = append(s.others, c)
		}
	}
	s.revocation.add(answers, lists)
	return s
}

// Signer judges one signer of a message that package cms checked, at the time of its time stamp if that is trusted too,
// or else at the time that it claims.
func (s *Store) Signer(one cms.Signer, message cms.Result) Answer {
	with := &Store{trusted: s.trusted, others: unique(message.Certs, s.others), checks: s.checks}
	with.revocation.answers = slices.Clone(s.revocation.answers)
	with.revocation.lists = slices.Clone(s.revocation.lists)
	with.revocation.add(message.OCSP, message.CRLs)
	at, stamped := one.At()
	q := Question{Signer: one.Cert, At: at, Stamper: message.Timestamp}
	if stamped && !message.Timestamp {
		stamper := with.Judge(Question{Signer: one.Stamp.Cert, At: at, Stamper: true})
		if q.Proved = stamper.Outcome == Trusted; !q.Proved && !one.Claimed.IsZero() {
			q.At = one.Claimed // a stamp of somebody's own proves no more than a claim
		}
	}
	return with.Judge(q)
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

// Judge follows the chain from a signer's certificate. It asks nobody.
func (s *Store) Judge(q Question) Answer {
	if q.Signer == nil {
		return Answer{Outcome: Unknown, Reason: "the certificate of its signer is not in the file"}
	}
	b := builder{checks: s.checks, trusted: s.trusted, pool: unique(s.trusted, s.others), seen: map[*cert.Certificate]bool{}}
	found := b.walk([]*cert.Certificate{q.Signer})
	a := Answer{Chain: links(b.longest, s.trusted)}
	switch {
	case len(s.trusted) == 0:
		a.Outcome, a.Reason = Unknown, "no certificates are named that this account trusts"
		return a
	case !found && b.unable != "":
		a.Outcome, a.Reason = Unknown, "its chain cannot be followed: "+b.unable
		return a
	case !found && b.refused != "":
		a.Outcome, a.Reason = Untrusted, b.refused
		return a
	case !found:
		a.Outcome, a.Reason = Untrusted, b.astray()
		return a
	}
	if why := unfit(q); why != "" {
		a.Outcome, a.Reason = Untrusted, why
		return a
	}
	a.Outcome, a.Reason, a.Checked = s.judgeChain(&b, q)
	return a
}

// unfit says why a signer's certificate is not made for signing documents, or for stamping times.
func unfit(q Question) string {
	stamps := slices.Contains(q.Signer.ExtendedUsage, "1.3.6.1.5.5.7.3.8")
	switch {
	case q.Stamper && !stamps:
		return "its certificate is not one of a time stamp authority"
	case q.Signer.HasUsage && q.Signer.Usage&(cert.DigitalSignature|cert.ContentCommitment) == 0:
		return "its certificate is not made for signing"
	}
	return ""
}

// judgeChain judges a chain that ends at a trusted certificate.
func (s *Store) judgeChain(b *builder, q Question) (is Outcome, why string, checked bool) {
	chain := b.longest
	top := chain[len(chain)-1]
	if q.At.IsZero() {
		return Unknown, "nothing says when it was signed", false
	}
	for _, c := range chain {
		if len(c.Critical) > 0 {
			return Unknown, "the certificate of " + c.Subject.Common() + " has a condition that this program cannot judge",
				false
		}
	}
	checked = true
	for i, c := range chain {
		issuer := b.above(c)
		if i+1 < len(chain) {
			issuer = chain[i+1]
		}
		if issuer == nil {
			break // nobody stands above it: it is trusted as it is
		}
		status, at := s.revocation.of(c, issuer, q.At, s)
		switch {
		case status == revoked && (!q.Proved || !at.After(q.At)):
			return Revoked, "the certificate of " + c.Subject.Common() + " was revoked on " + at.Format(time.DateOnly), true
		case status == unknown && i+1 < len(chain):
			checked = false
		}
	}
	for _, c := range chain {
		if is := c.ValidAt(q.At); is != "" {
			return Expired, "the certificate of " + c.Subject.Common() + " was " + is + " when it was signed", checked
		}
	}
	why = "its certificate leads to " + top.Subject.Common() + ", which this account trusts"
	if len(chain) == 1 {
		why = "its certificate is one that this account trusts"
	}
	if !checked {
		why += "; nothing in the file says whether it had been revoked"
	}
	return Trusted, why, checked
}

func links(chain, trusted []*cert.Certificate) (all []Link) {
	for _, c := range chain {
		all = append(all, Link{Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialText(),
			NotBefore: c.NotBefore, NotAfter: c.NotAfter, SHA256: c.SHA256(), Trusted: isOneOf(c, trusted)})
	}
	return all
}
