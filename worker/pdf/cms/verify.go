package cms

import (
	"bytes"
	"crypto"
	"slices"
	"strings"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/digest"
	"countersign/worker/pdf/pubkey"
)

// verify checks a message as its SubFilter says, and as the message itself says where that is something else: whatever
// ties the covered bytes to the signer is good.
func (m *message) verify(s Signature) Result {
	if len(m.signers) == 0 {
		return Result{Status: Unchecked, Reason: whyNoSigner}
	}
	if s.SubFilter == "ETSI.RFC3161" || m.contentType == oidTSTInfo {
		return m.verifyTimestamp(s)
	}
	detached := func() Result { return m.signed(s, coveredSubject(s.Covered, m.contentType)) }
	embedded := func() Result { return m.verifyEmbedded(s) }
	ways := []func() Result{detached, embedded}
	if s.SubFilter == "adbe.pkcs7.sha1" {
		ways = []func() Result{embedded, detached}
	}
	if len(m.content) == 0 {
		ways = []func() Result{detached}
	}
	first := ways[0]()
	if first.Status != Verified && len(ways) > 1 {
		if second := ways[1](); second.Status == Verified {
			return second
		}
	}
	return first
}

// signed checks all signers over a subject: the message is as good as the worst of them.
func (m *message) signed(s Signature, over subject) Result {
	r := Result{Status: Verified}
	for _, info := range m.signers {
		one := m.checkSigner(info, over)
		if one.Claimed.IsZero() {
			one.Claimed = s.Claimed
		}
		one.Notes = append(one.Notes, expiry(one)...)
		r.Signers = append(r.Signers, one)
		if worse(one.Status, r.Status) {
			r.Status, r.Reason = one.Status, one.Reason
		}
	}
	return r
}

// verifyEmbedded checks a message that carries the digest of what is covered (adbe.pkcs7.sha1).
func (m *message) verifyEmbedded(s Signature) Result {
	r := m.signed(s, contentSubject(m.content, m.contentType))
	if r.Status == Mismatch {
		return r
	}
	fits := false
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if h.Size() != len(m.content) {
			continue
		}
		sum, err := s.Covered.Digest(h)
		if err != nil {
			return r.fail(Unchecked, "what it covers cannot be read: "+err.Error())
		}
		fits = bytes.Equal(sum, m.content)
		r.note(digest.Weak(h))
	}
	switch {
	case fits:
		return r
	case len(m.content) == crypto.SHA1.Size():
		return r.fail(Mismatch, whyChanged)
	}
	return r.fail(Unchecked, "it carries content of its own, which is not the digest of the document")
}

// fail says of a whole result that it is worse than its signers.
func (r Result) fail(is Status, why string) Result {
	if worse(is, r.Status) {
		r.Status, r.Reason = is, why
	}
	for i := range r.Signers {
		if worse(is, r.Signers[i].Status) {
			r.Signers[i].Status, r.Signers[i].Reason = is, why
		}
	}
	return r
}

// note adds a weakness to every signer, once.
func (r Result) note(n string) {
	for i := range r.Signers {
		r.Signers[i].Notes = addNote(r.Signers[i].Notes, n)
	}
}

func addNote(all []string, n string) []string {
	for _, have := range all {
		if have == n {
			return all
		}
	}
	if n == "" {
		return all
	}
	return append(all, n)
}

// aboutSigner adds what the attributes say about a signer whose certificate is at hand: whether it is the one that they
// name, its time stamp, revocation data, weaknesses.
func (m *message) aboutSigner(s signerInfo, out *Signer, beside crypto.Hash) {
	if is, why := namesCertificate(s.attrs, out.Cert); worse(is, out.Status) {
		out.Status, out.Reason = is, why
	}
	m.revocationOf(s)
	out.Stamp = m.stampOf(s)
	out.Notes = addNote(out.Notes, digest.Weak(beside))
	for _, weak := range []crypto.Hash{crypto.SHA1, crypto.MD5} {
		if strings.HasSuffix(out.Algorithm, " "+digest.Name(weak)) {
			out.Notes = addNote(out.Notes, digest.Weak(weak))
		}
	}
	out.Notes = addNote(out.Notes, out.Cert.Key.Weak)
}

// expiry is the note about a certificate that was out of its time when it signed.
func expiry(s Signer) []string {
	at, proved := s.At()
	if s.Cert == nil || at.IsZero() {
		return nil
	}
	said := "says it was made"
	if proved {
		said = "was stamped"
	}
	switch s.Cert.ValidAt(at) {
	case "expired":
		return []string{"its certificate had expired when the signature " + said}
	case "not valid yet":
		return []string{"its certificate was not valid yet when the signature " + said}
	}
	return nil
}

// The object identifiers of the attributes that name a signer's certificate (RFC 5035), and of revocation data.
const (
	oidSigningCert   = "1.2.840.113549.1.9.16.2.12"
	oidSigningCertV2 = "1.2.840.113549.1.9.16.2.47"
	oidStampToken    = "1.2.840.113549.1.9.16.2.14"
	oidStampTokenMS  = "1.3.6.1.4.1.311.3.3.1"
	oidAdobeArchive  = "1.2.840.113583.1.1.8"
	oidRevocation    = "1.2.840.113549.1.9.16.2.24"
)

// namesCertificate checks the attributes that name a signer's certificate by its digest. Without them nothing is said.
func namesCertificate(attrs attributes, c *cert.Certificate) (Status, string) {
	for _, id := range []string{oidSigningCert, oidSigningCertV2} {
		sums, fits := 0, false
		for _, value := range attrs[id] {
			ids, err := essIDs(value)
			if err != nil {
				continue // it is not well-formed, and so names none
			}
			for _, e := range ids {
				sum, h := essDigest(e, id)
				if h == 0 {
					continue
				}
				sums++
				fits = fits || bytes.Equal(sum, c.Digest(h))
			}
		}
		if sums > 0 && !fits {
			return Mismatch, "it names another certificate as its signer's"
		}
	}
	return Verified, ""
}

func essIDs(value ber.Element) ([]ber.Element, error) {
	list, err := value.Only()
	if err != nil {
		return nil, err
	}
	return list.Children()
}

// essDigest reads an ESSCertID or an ESSCertIDv2; no digest where it is one that cannot be computed.
func essDigest(e ber.Element, id string) ([]byte, crypto.Hash) {
	all, err := e.Children()
	if err != nil || len(all) == 0 {
		return nil, 0
	}
	h := crypto.SHA1
	if id == oidSigningCertV2 {
		h = crypto.SHA256
		if all[0].Is(ber.Sequence) && len(all) > 1 {
			named, ok := digest.ByOID(pubkey.ReadScheme(all[0], 0).OID)
			if !ok {
				return nil, 0
			}
			h, all = named, all[1:]
		}
	}
	sum, err := all[0].Octets()
	if err != nil || !all[0].Is(ber.OctetString) {
		return nil, 0
	}
	if len(sum) != h.Size() { // another digest than the one that is named, as some write in the older form
		for _, other := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			if other.Size() == len(sum) {
				return sum, other
			}
		}
	}
	return sum, h
}

// revocationOf collects the answers and lists that a signer's attributes carry.
func (m *message) revocationOf(s signerInfo) {
	for _, value := range slices.Concat(s.attrs[oidAdobeArchive], s.unsigned[oidAdobeArchive]) {
		m.archive(value)
	}
	for _, value := range s.unsigned[oidRevocation] {
		m.archive(value)
	}
}

// archive reads RevocationInfoArchival: [0] lists, [1] answers, each under an explicit tag. RevocationValues has the same
// order, its answers without their wrapping.
func (m *message) archive(e ber.Element) {
	parts, err := e.Children()
	if err != nil {
		return
	}
	for _, p := range parts {
		list, err := p.Only()
		if err != nil {
			continue
		}
		all, err := list.Children()
		if err != nil {
			continue
		}
		for _, x := range all[:min(len(all), mostCerts)] {
			switch {
			case p.IsContext(1):
				m.ocsp = append(m.ocsp, x.Raw)
			case p.IsContext(0):
				m.crls = append(m.crls, x.Raw)
			}
		}
	}
}
