package cms

import (
	"bytes"
	"crypto"
	"slices"
	"time"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/digest"
	"countersign/worker/pdf/pubkey"
)

// tstInfo is what a time stamp says (RFC 3161, 2.4.2), as far as it is needed.
type tstInfo struct {
	hash    crypto.Hash
	hashOID string
	imprint []byte
	at      time.Time
}

func readTSTInfo(content []byte) (t tstInfo, err error) {
	e, _, err := ber.Read(content)
	if err != nil {
		return t, errUnreadable
	}
	all, err := e.Children()
	if err != nil || len(all) < 5 {
		return t, errUnreadable
	}
	imprint, err := all[2].Children()
	if err != nil || len(imprint) < 2 {
		return t, errUnreadable
	}
	t.hashOID = pubkey.ReadScheme(imprint[0], 0).OID
	t.hash, _ = digest.ByOID(t.hashOID)
	if t.imprint, err = imprint[1].Octets(); err != nil {
		return t, errUnreadable
	}
	var ok bool
	if t.at, ok = all[4].Time(); !ok {
		return t, errUnreadable
	}
	return t, nil
}

// over says whether the stamp is over something.
func (t tstInfo) over(sum func(crypto.Hash) ([]byte, error)) (Status, string) {
	if t.hash == 0 {
		return Unchecked, "its digest (" + t.hashOID + ") is not one that this program can compute"
	}
	have, err := sum(t.hash)
	switch {
	case err != nil:
		return Unchecked, "what it covers cannot be read: " + err.Error()
	case !bytes.Equal(have, t.imprint):
		return Mismatch, whyChanged
	}
	return Verified, ""
}

// verifyTimestamp checks a time stamp over the document.
func (m *message) verifyTimestamp(s Signature) Result {
	info, err := readTSTInfo(m.content)
	if err != nil {
		return Result{Status: Unchecked, Reason: "its time stamp cannot be read", Timestamp: true}
	}
	r := m.signed(Signature{Claimed: info.at}, contentSubject(m.content, m.contentType))
	r.Timestamp = true
	for i := range r.Signers {
		one := &r.Signers[i]
		one.Claimed = info.at
		one.Stamp = &Stamp{Status: one.Status, Reason: one.Reason, Time: info.at, Cert: one.Cert, Name: one.Name,
			Algorithm: one.Algorithm, Notes: one.Notes}
	}
	r.note(digest.Weak(info.hash))
	is, why := info.over(s.Covered.Digest)
	r = r.fail(is, why)
	for i := range r.Signers {
		if one := &r.Signers[i]; worse(is, one.Stamp.Status) {
			one.Stamp.Status, one.Stamp.Reason = is, why
		}
	}
	return r
}

// stampOf checks the time stamp over a signature: the first that verifies, or else the first.
func (m *message) stampOf(s signerInfo) *Stamp {
	var first *Stamp
	all := slices.Concat(s.unsigned[oidStampToken], s.unsigned[oidStampTokenMS])
	for _, value := range all[:min(len(all), mostStamps)] {
		stamp := m.checkStamp(value.Raw, s.signature)
		if stamp.Status == Verified {
			return stamp
		}
		if first == nil {
			first = stamp
		}
	}
	return first
}

// checkStamp checks a time stamp token over some bytes. Certificates that it brings join the message's.
func (m *message) checkStamp(token, over []byte) *Stamp {
	unread := &Stamp{Status: Unchecked, Reason: "the time stamp cannot be read"}
	t, err := readMessage(token)
	if err != nil || len(t.signers) == 0 {
		return unread
	}
	info, err := readTSTInfo(t.content)
	if err != nil || t.contentType != oidTSTInfo {
		return unread
	}
	own := len(t.certs)
	t.tries = m.tries
	t.certs = append(t.certs, m.certs[:min(len(m.certs), mostCerts)]...)
	for i := range t.signers {
		t.signers[i].unsigned = nil // a stamp over a stamp says nothing of the signature
	}
	r := t.signed(Signature{Claimed: info.at}, contentSubject(t.content, t.contentType))
	m.tries = t.tries
	m.certs = append(m.certs, t.certs[:own]...)
	m.ocsp, m.crls = append(m.ocsp, t.ocsp...), append(m.crls, t.crls...)
	r.note(digest.Weak(info.hash))
	is, why := info.over(pubkey.Text(over).Digest)
	if is == Mismatch {
		why = "the time stamp is over another signature"
	}
	r = r.fail(is, why)
	one := r.First()
	return &Stamp{Status: r.Status, Reason: r.Reason, Time: info.at, Cert: one.Cert, Name: one.Name,
		Algorithm: one.Algorithm, Notes: one.Notes}
}
