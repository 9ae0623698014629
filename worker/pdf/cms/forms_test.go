package cms_test

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cms"
	"countersign/worker/pdf/cms/cmstest"
)

// form is a form of message, and how it must end.
type form struct {
	name, subFilter string
	contents        []byte
	want            cms.Status
	reason          string
}

func (f form) hold(t *testing.T) {
	t.Helper()
	s := given(f.subFilter, f.contents, covered)
	holds(t, f.name, cms.Verify(s), f.want, f.reason)
	if f.want != cms.Verified {
		return
	}
	s.Covered = part(append(slices.Clone(covered), '\n'))
	if r := cms.Verify(s); r.Status != cms.Mismatch {
		t.Errorf("%s: %s (%s) over a longer document", f.name, r.Status, r.Reason)
	}
}

func TestWhatSignersWriteInOddFormsVerifies(t *testing.T) {
	t.Parallel()
	s := cmstest.New(t, cmstest.Certificate{})
	sign := func(m cmstest.Message) []byte {
		m.Time = noon
		return s.Sign(t, covered, m)
	}
	negative := cmstest.New(t, cmstest.Certificate{Serial: []byte{0x9c, 1, 2}})
	otherType := ber.Wrap(0x30, cmstest.Name("ana  LIMA", 30), ber.Wrap(ber.Integer, []byte{0, 0x9c, 1, 2}))
	badExtension := cmstest.New(t, cmstest.Certificate{NameTag: 30, Extensions: [][]byte{{0x30, 3, 1, 2, 3}},
		Serial: []byte{0}})
	plain := sign(cmstest.Message{})
	for _, f := range []form{
		{"plain", detached, plain, cms.Verified, ""},
		{"CAdES", "ETSI.CAdES.detached", sign(cmstest.Message{ESS: 2}), cms.Verified, ""},
		{"no form named", "", plain, cms.Verified, ""},
		{"attributes in another order", detached, sign(cmstest.Message{Unsorted: true}), cms.Verified, ""},
		{"attributes in another order than signed", detached, sign(cmstest.Message{SortedOnly: true}), cms.Verified, ""},
		{"indefinite lengths", detached, sign(cmstest.Message{Indefinite: true}), cms.Verified, ""},
		{"bytes after it", detached, sign(cmstest.Message{Trailing: []byte("padding")}), cms.Verified, ""},
		{"named by its key", detached, sign(cmstest.Message{KeyID: true}), cms.Verified, ""},
		{"a negative number", detached, negative.Sign(t, covered, cmstest.Message{}), cms.Verified, ""},
		{"a negative number, and another spelling", detached,
			negative.Sign(t, covered, cmstest.Message{NamedAs: otherType}), cms.Verified, ""},
		{"a certificate that Go refuses", detached, badExtension.Sign(t, covered, cmstest.Message{}), cms.Verified, ""},
		{"a certificate beside it that nobody can read", detached, sign(cmstest.Message{
			Certs: [][]byte{{0x30, 3, 2, 1, 1}, s.Cert, {0xa1, 2, 5, 0}}}), cms.Verified, ""},
		{"ESS", detached, sign(cmstest.Message{ESS: 1}), cms.Verified, ""},
		{"an attribute of another's", detached, sign(cmstest.Message{Signed: [][]byte{
			cmstest.Attribute("1.2.3.4.5", ber.Wrap(12, []byte("hm")))}}), cms.Verified, ""},
		{"an attribute that is none", detached, sign(cmstest.Message{Signed: [][]byte{{5, 0}, {0x30, 2, 5, 0},
			{0x30, 6, 6, 1, 1, 0x31, 1, 9}}}), cms.Verified, ""},
		{"two signers", detached, sign(cmstest.Message{
			Also: []*cmstest.Signer{cmstest.New(t, cmstest.Certificate{Kind: cmstest.P256})}}), cms.Verified, ""},
		{"sha1", "adbe.pkcs7.sha1", s.SHA1(t, covered, cmstest.Message{}), cms.Verified, ""},
		{"sha1 in pieces", "adbe.pkcs7.sha1", s.SHA1(t, covered, cmstest.Message{Indefinite: true}), cms.Verified, ""},
		{"sha1 without attributes", "adbe.pkcs7.sha1", s.SHA1(t, covered, cmstest.Message{NoAttributes: true}),
			cms.Verified, ""},
		{"sha1 that says it is detached", detached, s.SHA1(t, covered, cmstest.Message{}), cms.Verified, ""},
		{"detached that says it is sha1", "adbe.pkcs7.sha1", plain, cms.Verified, ""},
		{"a time stamp", "ETSI.RFC3161", s.Timestamp(t, covered, noon), cms.Verified, ""},
		{"a time stamp with SHA-512", "ETSI.RFC3161",
			s.TimestampWith(t, covered, noon, cmstest.Message{Hash: crypto.SHA512, Unsorted: true}), cms.Verified, ""},
		{"a time stamp server's whole answer", "ETSI.RFC3161", ber.Wrap(0x30, []byte{0x30, 3, 2, 1, 0},
			s.Timestamp(t, covered, noon)), cms.Verified, ""},
		{"without the outer wrapping", detached, bareSignedData(t, plain), cms.Verified, ""},
	} {
		f.hold(t)
	}
}

// bareSignedData is a message's SignedData alone.
func bareSignedData(t *testing.T, message []byte) []byte {
	t.Helper()
	e, _, err := ber.Read(message)
	if err != nil {
		t.Fatal(err)
	}
	all, err := e.Children()
	if err != nil {
		t.Fatal(err)
	}
	return all[1].Body
}

func TestWhatIsCheckedAndWrongIsAMismatch(t *testing.T) {
	t.Parallel()
	s := cmstest.New(t, cmstest.Certificate{})
	other := cmstest.New(t, cmstest.Certificate{Name: "Another"})
	digest := sha1.Sum([]byte("another document"))
	twins := cmstest.New(t, cmstest.Certificate{Kind: cmstest.P256})
	for _, f := range []form{
		{"another message digest", detached, s.Sign(t, covered, cmstest.Message{MessageDigest: make([]byte, 32)}),
			cms.Mismatch, "changed"},
		{"another certificate named (ESS 1)", detached, s.Sign(t, covered, cmstest.Message{ESS: 1, ESSOf: other}),
			cms.Mismatch, "another certificate"},
		{"another certificate named (ESS 2)", detached, s.Sign(t, covered, cmstest.Message{ESS: 2, ESSOf: other}),
			cms.Mismatch, "another certificate"},
		{"another's digest", "adbe.pkcs7.sha1", s.Sign(t, nil, cmstest.Message{Content: digest[:]}), cms.Mismatch,
			"changed"},
		{"another document stamped", "ETSI.RFC3161", s.Timestamp(t, []byte("another"), noon), cms.Mismatch, "changed"},
	} {
		f.hold(t)
	}
	both := s.Sign(t, covered, cmstest.Message{Also: []*cmstest.Signer{twins}})
	both[len(both)-3] ^= 1
	r := cms.Verify(given(detached, both, covered))
	holds(t, "the second of two signers", r, cms.Mismatch, "key")
	if len(r.Signers) != 2 || r.Signers[0].Status != cms.Verified || r.Signers[1].Status != cms.Mismatch {
		t.Errorf("%+v", r.Signers)
	}
}

func TestABareSignatureVerifies(t *testing.T) {
	t.Parallel()
	s := cmstest.New(t, cmstest.Certificate{})
	g := given("adbe.x509.rsa_sha1", s.Bare(t, covered, crypto.SHA1), covered)
	g.Cert, g.Claimed = [][]byte{s.Cert}, noon
	r := cms.Verify(g)
	holds(t, "bare", r, cms.Verified, "")
	if one := r.First(); one.Algorithm != "RSA 2048 with SHA-1" || !one.Claimed.Equal(noon) || len(one.Notes) != 1 ||
		!strings.Contains(one.Notes[0], "SHA-1") {
		t.Errorf("%+v", one)
	}
	g.Covered = part(covered[1:])
	holds(t, "bare, over other bytes", cms.Verify(g), cms.Mismatch, "")
}

func TestASignersStampIsCheckedOverItsSignature(t *testing.T) {
	t.Parallel()
	s := cmstest.New(t, cmstest.Certificate{Kind: cmstest.P256, To: noon.Add(time.Hour)})
	clock := cmstest.New(t, cmstest.Certificate{Kind: cmstest.RSA1024, Name: "Clock"})
	stamped := func(over []byte) cms.Result {
		return cms.Verify(given(detached, s.Sign(t, covered, cmstest.Message{Time: noon.Add(2 * time.Hour), Stamp: clock,
			StampTime: noon, StampOver: over}), covered))
	}
	r := stamped(nil)
	holds(t, "stamped", r, cms.Verified, "")
	one := r.First()
	at, proved := one.At()
	if one.Stamp == nil || one.Stamp.Status != cms.Verified || one.Stamp.Name != "Clock" || !at.Equal(noon) || !proved ||
		len(one.Notes) != 0 || len(one.Stamp.Notes) != 1 {
		t.Errorf("%+v, %+v", one, one.Stamp)
	}
	r = stamped([]byte("another signature"))
	holds(t, "stamped for another", r, cms.Verified, "")
	one = r.First()
	at, proved = one.At()
	if one.Stamp == nil || one.Stamp.Status != cms.Mismatch || !strings.Contains(one.Stamp.Reason, "another signature") ||
		proved || !at.Equal(noon.Add(2*time.Hour)) || len(one.Notes) != 1 || !strings.Contains(one.Notes[0], "expired") {
		t.Errorf("%+v, %+v", one, one.Stamp)
	}
}

func TestADocumentsTimestampProvesItsTime(t *testing.T) {
	t.Parallel()
	clock := cmstest.New(t, cmstest.Certificate{Name: "Clock"})
	r := cms.Verify(given("ETSI.RFC3161", clock.TimestampWith(t, covered, noon, cmstest.Message{Hash: crypto.SHA1}), covered))
	at, proved := r.First().At()
	if !r.Timestamp || !at.Equal(noon) || !proved || r.First().Name != "Clock" || len(r.First().Notes) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestRevocationDataInAMessageIsHandedOn(t *testing.T) {
	t.Parallel()
	root := cmstest.New(t, cmstest.Certificate{Name: "Root", CA: true})
	s := root.Issue(t, cmstest.Certificate{})
	list := root.CRL(t, noon, noon.Add(time.Hour), nil)
	answer := root.OCSP(t, root, s, noon, noon, time.Time{})
	archive := ber.Wrap(0x30, ber.Wrap(0xa0, ber.Wrap(0x30, list)), ber.Wrap(0xa1, ber.Wrap(0x30, answer)))
	contents := s.Sign(t, covered, cmstest.Message{
		CRLs:     [][]byte{list, ber.Wrap(0xa1, cmstest.OID("1.3.6.1.5.5.7.16.2"), answer)},
		Signed:   [][]byte{cmstest.Attribute("1.2.840.113583.1.1.8", archive)},
		Unsigned: [][]byte{cmstest.Attribute("1.2.840.113549.1.9.16.2.24", archive)},
	})
	r := cms.Verify(given(detached, contents, covered))
	holds(t, "with revocation data", r, cms.Verified, "")
	if len(r.CRLs) != 3 || len(r.OCSP) != 3 || !bytes.Equal(r.CRLs[2], list) || !bytes.Equal(r.OCSP[2], answer) ||
		len(r.Certs) != 2 {
		t.Errorf("%d lists, %d answers, %d certificates", len(r.CRLs), len(r.OCSP), len(r.Certs))
	}
}

func TestASignerWhoseCertificateIsElsewhereIsFound(t *testing.T) {
	t.Parallel()
	s := cmstest.New(t, cmstest.Certificate{})
	g := given(detached, s.Sign(t, covered, cmstest.Message{NoCerts: true}), covered)
	g.Others = [][]byte{[]byte("none"), s.Cert}
	holds(t, "in the store", cms.Verify(g), cms.Verified, "")
	wrong := ber.Wrap(0x30, cmstest.Name("Nobody", 12), []byte{2, 1, 1})
	r := cms.Verify(given(detached, s.Sign(t, covered, cmstest.Message{NamedAs: wrong}), covered))
	holds(t, "named wrongly", r, cms.Verified, "")
	if n := r.First().Notes; len(n) != 1 || !strings.Contains(n[0], "another certificate") {
		t.Errorf("%q", n)
	}
}
