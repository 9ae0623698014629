package pdf

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/pkcs7"

	"countersign/model"
)

// tstInfo is what a time stamp says (RFC 3161, 2.4.2), as far as it is needed.
type tstInfo struct {
	Version int
	Policy  asn1.ObjectIdentifier
	Imprint struct {
		Hash   pkix.AlgorithmIdentifier
		Digest []byte
	}
	Serial *big.Int
	At     time.Time `asn1:"generalized"`
}

// cms checks a signature's CMS message against the bytes that it covers, and records the signer and notes about the
// certificate. Only what was computed is called intact or altered.
func cms(s signed, message, covered []byte, e *model.EmbeddedSignature) {
	e.Integrity = model.IntegrityUnknown
	p, err := pkcs7.Parse(message)
	switch {
	case err != nil:
		e.Note = "its CMS message cannot be read"
		return
	case len(p.Signers) == 0:
		e.Note = "its CMS message names no signer"
		return
	}
	content, fault := contentOf(s, p, covered, e)
	if fault != "" {
		e.Note = fault
		return
	}
	if e.Integrity == model.IntegrityAltered {
		return
	}
	e.Integrity = model.IntegrityIntact
	for _, signer := range p.Signers {
		is, note := signerVerifies(p, signer, content, e)
		if e.Integrity = worse(e.Integrity, is); is != model.IntegrityIntact {
			e.Note = note
		}
	}
}

// contentOf returns what the message's signers have signed: the covered bytes, or content in the message that binds
// them by a digest. The fault says why this cannot be determined.
func contentOf(s signed, p *pkcs7.PKCS7, covered []byte, e *model.EmbeddedSignature) (content []byte, fault string) {
	switch s.subFilter {
	case "adbe.pkcs7.detached", "ETSI.CAdES.detached":
		if len(p.Content) > 0 {
			return nil, "its CMS message is not detached, though it says so"
		}
		return covered, ""
	case "adbe.pkcs7.sha1":
		if pkcs7.VerifyMessageDigestEmbedded(p.Content, covered) != nil {
			e.Integrity, e.Note = model.IntegrityAltered, "the digest of what it covers differs"
		}
		return p.Content, ""
	case "ETSI.RFC3161":
		var info tstInfo
		if _, err := asn1.Unmarshal(p.Content, &info); err != nil {
			return nil, "its time stamp cannot be read"
		}
		at := info.At.UTC()
		e.Time = &at
		var differs *pkcs7.MessageDigestMismatchError
		if err := pkcs7.VerifyMessageDigestTSToken(info.Imprint.Hash.Algorithm, info.Imprint.Digest,
			covered); errors.As(err, &differs) {
			e.Integrity, e.Note = model.IntegrityAltered, "the digest of what it covers differs"
		} else if err != nil {
			return nil, "its digest is of a kind that cannot be computed"
		}
		return p.Content, ""
	}
	return nil, "its form (" + cut(s.subFilter, 40) + ") is not one that can be checked"
}

// signerVerifies says whether one signer's signature fits its certificate and the content.
func signerVerifies(
	p *pkcs7.PKCS7, signer pkcs7.SignerInfo, content []byte, e *model.EmbeddedSignature,
) (model.Integrity, string) {
	cert, err := pkcs7.GetCertFromCertsByIssuerAndSerial(p.Certificates, signer.IssuerAndSerialNumber)
	if err != nil || cert == nil {
		return model.IntegrityUnknown, "the signer's certificate is not in it"
	}
	if cn := cut(cert.Subject.CommonName, 300); cn != "" {
		e.Signer = cn
	}
	claimed(signer, e)
	e.Note = aboutCertificate(cert, e.Time)
	err = pkcs7.CheckSignatureWithContentType(cert, signer, content, p.ContentType)
	var differs *pkcs7.MessageDigestMismatchError
	switch {
	case err == nil:
		return model.IntegrityIntact, ""
	case errors.As(err, &differs):
		return model.IntegrityAltered, "the digest of what it covers differs"
	case errors.Is(err, pkcs7.ErrSignatureMismatch):
		return model.IntegrityAltered, "it was not made with its certificate's key"
	}
	return model.IntegrityUnknown, "it is made in a way that cannot be checked"
}

// claimed takes the signing time from the message where the file names none.
func claimed(signer pkcs7.SignerInfo, e *model.EmbeddedSignature) {
	signingTime := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	for _, a := range signer.AuthenticatedAttributes {
		var at time.Time
		if !a.Type.Equal(signingTime) || e.Time != nil {
			continue
		}
		if _, err := asn1.Unmarshal(a.Value.Bytes, &at); err == nil {
			at = at.UTC()
			e.Time = &at
		}
	}
}

// aboutCertificate is the note about a certificate whose issuer was not checked.
func aboutCertificate(c *x509.Certificate, at *time.Time) string {
	note := "nobody was asked about the certificate"
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		note = "the certificate is self-signed"
	}
	switch {
	case at == nil:
	case at.After(c.NotAfter):
		note += "; it had expired when the signature says it was made"
	case at.Before(c.NotBefore):
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
