package pdf

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"countersign/model"
	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/cms"
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

// checked checks a signature's message against the bytes that it covers, and records the signer and what is to be said
// of the certificate. Only what was computed is called intact or altered.
func (j *judgement) checked(s signed, message []byte, e *model.EmbeddedSignature) {
	asked := cms.Signature{SubFilter: s.subFilter, Contents: message, Cert: s.certs, Others: j.material.certs,
		Covered: j.digests.Part(s.spans[:]...)}
	if s.at != nil {
		asked.Claimed = *s.at
	}
	r := cms.Verify(asked)
	signer := r.First()
	e.Integrity, e.Note = model.IntegrityUnknown, r.Reason
	switch r.Status {
	case cms.Verified:
		e.Integrity = model.IntegrityIntact
	case cms.Mismatch:
		e.Integrity = model.IntegrityAltered
	}
	if r.Timestamp {
		e.Kind = "timestamp"
	}
	if signer.Name != "" {
		e.Signer = signer.Name
	}
	if r.Timestamp && signer.Stamp != nil && !signer.Stamp.Time.IsZero() {
		e.Time = utc(signer.Stamp.Time)
	} else if e.Time == nil || !signer.Claimed.IsZero() {
		e.Time = utc(signer.Claimed)
	}
	e.Algorithm, e.Weaknesses = signer.Algorithm, signer.Notes
	if at, proved := signer.At(); proved {
		e.ProvedTime, e.ProvedBy = utc(at), signer.Stamp.Name
	}
	e.Chain = chain(signer.Cert, r.Certs)
	answer := j.trust.Signer(signer, r)
	e.Trust, e.TrustNote = model.Trust(answer.Outcome), answer.Reason
	if e.Integrity == model.IntegrityIntact {
		e.Note = aboutCertificate(signer.Cert, e.Time)
	}
}

// material is what a document's validation data has, as far as it is looked at.
type material struct{ certs, answers, lists [][]byte }

func materialOf(r *revision.Revision) (m material) {
	store := r.Dict(r.Root().Get("DSS"))
	for key, into := range map[object.Name]*[][]byte{"Certs": &m.certs, "OCSPs": &m.answers, "CRLs": &m.lists} {
		for _, o := range r.Array(store.Get(key)) {
			s, ok := r.Resolve(o).(*object.Stream)
			if !ok || len(*into) == mostCerts {
				continue
			}
			if data, err := r.Decode(s); err == nil {
				*into = append(*into, data)
			}
		}
	}
	return m
}

// certificates reads certificates. The configuration has said which cannot be read.
func certificates(all [][]byte) (out []*cert.Certificate) {
	for _, raw := range all {
		if c, err := cert.Parse(raw); err == nil {
			out = append(out, c)
		}
	}
	return out
}

func utc(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// mostChain is how many certificates of a chain are told.
const mostChain = 10

// chain is the signer's certificate with its issuers, as far as the message has them.
func chain(c *cert.Certificate, all []*cert.Certificate) (out []model.Certificate) {
	for c != nil && len(out) < mostChain {
		out = append(out, told(c))
		if c.SelfIssued() {
			break
		}
		c = issuer(c, all)
	}
	return out
}

// issuer finds who issued a certificate; nil where that is not at hand.
func issuer(c *cert.Certificate, all []*cert.Certificate) *cert.Certificate {
	tries := 5 // of one name there are a few keys at most
	for _, o := range all {
		if o == c || !o.Subject.Same(c.Issuer) {
			continue
		}
		if c.SignedBy(o) == nil {
			return o
		}
		if tries--; tries == 0 {
			break
		}
	}
	return nil
}

func told(c *cert.Certificate) model.Certificate {
	key := sha256.Sum256(c.RawKey)
	return model.Certificate{Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialText(),
		SHA256: strings.ToLower(c.SHA256()), Key: hex.EncodeToString(key[:]), NotBefore: utc(c.NotBefore),
		NotAfter: utc(c.NotAfter)}
}

// aboutCertificate is the note about a certificate whose issuer was not checked.
func aboutCertificate(c *cert.Certificate, at *time.Time) string {
	if c == nil {
		return ""
	}
	note := "nobody was asked about the certificate"
	if c.SelfIssued() {
		note = "the certificate is self-signed"
	}
	if at == nil {
		return note
	}
	switch c.ValidAt(*at) {
	case "expired":
		note += "; it had expired when the signature says it was made"
	case "not valid yet":
		note += "; it was not valid yet when the signature says it was made"
	}
	return note
}

// worse returns the worse of two results: altered before unknown before intact.
func worse(a, b model.Integrity) model.Integrity {
	for _, i := range []model.Integrity{model.IntegrityAltered, model.IntegrityUnknown} {
		if a == i || b == i {
			return i
		}
	}
	return a
}
