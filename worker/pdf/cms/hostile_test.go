package cms_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cms"
	"countersign/worker/pdf/cms/cmstest"
)

// signerInfo is where the first SignerInfo's signed attributes and signature lie in a message.
func signerInfo(t testing.TB, message []byte) (parts [2][2]int) {
	t.Helper()
	e, _, err := ber.Read(message)
	for range 2 {
		if err == nil {
			var all []ber.Element
			if all, err = e.Children(); err == nil {
				e = all[len(all)-1]
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := e.Children() // SignedData
	if err != nil {
		t.Fatal(err)
	}
	info, err := all[len(all)-1].Only()
	if err != nil {
		t.Fatal(err)
	}
	if all, err = info.Children(); err != nil || len(all) < 6 {
		t.Fatal(err)
	}
	for i, part := range []ber.Element{all[3], all[5]} {
		at := bytes.Index(message, part.Raw) + len(part.Raw) - len(part.Body)
		parts[i] = [2]int{at, at + len(part.Body)}
	}
	return parts
}

func TestNoFlippedBitOfWhatIsSignedVerifies(t *testing.T) {
	t.Parallel()
	for _, kind := range []cmstest.Kind{cmstest.RSA1024, cmstest.P256, cmstest.Ed25519} {
		s := cmstest.New(t, cmstest.Certificate{Kind: kind})
		contents := s.Sign(t, covered, cmstest.Message{Time: noon, ESS: 2})
		over := part(covered)
		for _, place := range signerInfo(t, contents) {
			for at := place[0]; at < place[1]; at++ {
				b := slices.Clone(contents)
				b[at] ^= 1 << (at % 8)
				if r := cms.Verify(cms.Signature{SubFilter: detached, Contents: b, Covered: over}); r.Status == cms.Verified {
					t.Fatalf("%s: byte %d (%#x in place of %#x) is flipped and it verifies", kind, at, b[at], contents[at])
				}
			}
		}
	}
}

// hostile are messages that want to cost much.
func hostile(t testing.TB) [][]byte {
	deep := bytes.Repeat([]byte{0x30, 0x80}, 1<<20)
	wide := ber.Wrap(0x31, bytes.Repeat([]byte{0x30, 0}, 1<<20))
	s := cmstest.New(t, cmstest.Certificate{Kind: cmstest.P256})
	many := make([][]byte, 3000)
	for i := range many {
		many[i] = s.Cert
	}
	crowd := s.Sign(t, covered, cmstest.Message{Certs: many, NamedAs: ber.Wrap(0x30, cmstest.Name("Nobody", 12), []byte{2, 1, 1})})
	stamps := make([][]byte, 2000)
	stamp := s.Timestamp(t, covered, noon)
	for i := range stamps {
		stamps[i] = stamp
	}
	nested := stamp
	for range 8 {
		nested = s.Sign(t, covered, cmstest.Message{Unsigned: [][]byte{
			cmstest.Attribute("1.2.840.113549.1.9.16.2.14", nested)}})
	}
	pieces := slices.Concat([]byte{0x24, 0x80}, bytes.Repeat([]byte{4, 1, 'x'}, 1<<20), []byte{0, 0})
	layers := bytes.Repeat([]byte{5, 0}, 1<<19)
	for range 50 {
		layers = slices.Concat([]byte{0x30, 0x80}, layers, []byte{0, 0})
	}
	return [][]byte{
		s.Sign(t, covered, cmstest.Message{Signed: [][]byte{cmstest.Attribute("1.2.3", layers)}}), deep, wide, crowd, nested,
		s.Sign(t, covered, cmstest.Message{Unsigned: [][]byte{cmstest.Attribute("1.2.840.113549.1.9.16.2.14", stamps...)}}),
		ber.Wrap(0x30, cmstest.OID(cmstest.SignedData), ber.Wrap(0xa0, ber.Wrap(0x30, []byte{2, 1, 1, 0x31, 0},
			ber.Wrap(0x30, cmstest.OID(cmstest.Data), ber.Wrap(0xa0, pieces)), wide))),
		{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, {0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x1f, 0xff, 0xff, 0xff, 0xff},
		make([]byte, 33<<20),
	}
}

func TestHostileMessagesCostLittle(t *testing.T) {
	t.Parallel()
	for i, contents := range hostile(t) {
		done := make(chan cms.Result, 1)
		go func() { done <- cms.Verify(given(detached, contents, covered)) }()
		select {
		case r := <-done:
			if r.Status == cms.Mismatch {
				t.Errorf("message %d: %s (%s)", i, r.Status, r.Reason)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("message %d is not read within 20 s", i)
		}
	}
}

func FuzzVerify(f *testing.F) {
	s := cmstest.New(f, cmstest.Certificate{Kind: cmstest.P256})
	clock := cmstest.New(f, cmstest.Certificate{Kind: cmstest.Ed25519, Name: "Clock"})
	subFilters := []string{detached, "ETSI.RFC3161", "adbe.pkcs7.sha1", "adbe.x509.rsa_sha1", ""}
	for i, contents := range [][]byte{
		s.Sign(f, covered, cmstest.Message{Time: noon, ESS: 1, Stamp: clock, StampTime: noon}),
		s.Timestamp(f, covered, noon), s.SHA1(f, covered, cmstest.Message{Indefinite: true}),
		clock.Bare(f, covered, 5), s.Sign(f, covered, cmstest.Message{KeyID: true, NoAttributes: true}),
		cmstest.New(f, cmstest.Certificate{Kind: cmstest.Brainpool}).Sign(f, covered, cmstest.Message{ESS: 2}),
	} {
		f.Add(contents, byte(i))
	}
	over, other := part(covered), part([]byte("another document"))
	f.Fuzz(func(t *testing.T, contents []byte, kind byte) {
		g := cms.Signature{SubFilter: subFilters[int(kind)%len(subFilters)], Contents: contents, Covered: over,
			Cert: [][]byte{s.Cert}}
		r := cms.Verify(g)
		if (r.Status == cms.Verified) != (r.Reason == "") || r.Status == "" {
			t.Errorf("%s (%s)", r.Status, r.Reason)
		}
		g.Covered = other
		if r := cms.Verify(g); r.Status == cms.Verified {
			t.Error("it verifies over a document that nobody signed")
		}
	})
}
