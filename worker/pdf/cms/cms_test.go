package cms_test

import (
	"bytes"
	"crypto"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/worker/pdf/cms"
	"countersign/worker/pdf/cms/cmstest"
	"countersign/worker/pdf/digest"
)

var (
	covered = []byte("%PDF-1.7\nI owe Ana one hundred pesos.\n%%EOF\n")
	noon    = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
)

// part covers bytes at hand.
func part(b []byte) cms.Covered {
	return digest.NewFile(bytes.NewReader(b), int64(len(b))).Part(0, int64(len(b)))
}

// given is a signature over bytes, its Contents padded as in a file.
func given(subFilter string, contents, over []byte) cms.Signature {
	return cms.Signature{SubFilter: subFilter, Contents: append(slices.Clone(contents), make([]byte, 100)...),
		Covered: part(over)}
}

const detached = "adbe.pkcs7.detached"

// holds says how a check must end.
func holds(t *testing.T, what string, r cms.Result, want cms.Status, reason string) {
	t.Helper()
	if r.Status != want || !strings.Contains(r.Reason, reason) || (r.Reason == "") != (want == cms.Verified) {
		t.Errorf("%s: %s (%s), want %s (%s)", what, r.Status, r.Reason, want, reason)
	}
}

// how a signer and a message come together.
type how struct {
	name      string
	kind      cmstest.Kind
	message   cmstest.Message
	algorithm string
}

func everyAlgorithm() []how {
	pss := func(mask crypto.Hash, salt int) cmstest.Padding {
		return cmstest.Padding{PSS: true, Mask: mask, Salt: salt}
	}
	all := []how{
		{"a bare digest", cmstest.RSA, cmstest.Message{Padding: cmstest.Padding{Bare: true}}, "RSA 2048 with SHA-256"},
		{"no NULL", cmstest.RSA, cmstest.Message{Padding: cmstest.Padding{Null: true}}, "RSA 2048 with SHA-256"},
		{"large exponent", cmstest.RSALargeE, cmstest.Message{}, "RSA 1024 with SHA-256"},
		{"PSS", cmstest.RSA, cmstest.Message{Padding: pss(0, 0)}, "RSA-PSS 2048 with SHA-256"},
		{"PSS, another mask", cmstest.RSA, cmstest.Message{Padding: pss(crypto.SHA1, 0)}, "RSA-PSS 2048 with SHA-256"},
		{"PSS, a long salt", cmstest.RSA, cmstest.Message{Padding: pss(0, 100), Hash: crypto.SHA512},
			"RSA-PSS 2048 with SHA-512"},
		{"PSS that says it is PKCS #1", cmstest.RSA,
			cmstest.Message{Padding: pss(0, 0), AlgorithmOID: "1.2.840.113549.1.1.1"}, "RSA-PSS 2048 with SHA-256"},
		{"PKCS #1 that says it is ECDSA", cmstest.RSA, cmstest.Message{AlgorithmOID: "1.2.840.10045.4.3.2"},
			"RSA 2048 with SHA-256"},
		{"a signature's name for the digest", cmstest.RSA, cmstest.Message{DigestOID: "1.2.840.113549.1.1.11"},
			"RSA 2048 with SHA-256"},
		{"the wrong digest named", cmstest.RSA,
			cmstest.Message{DigestOID: cmstest.DigestOID(crypto.SHA1)}, "RSA 2048 with SHA-256"},
		{"P-224", cmstest.P224, cmstest.Message{Hash: crypto.SHA224}, "ECDSA P-224 with SHA-224"},
		{"P-256", cmstest.P256, cmstest.Message{}, "ECDSA P-256 with SHA-256"},
		{"P-256 with a longer digest", cmstest.P256, cmstest.Message{Hash: crypto.SHA512}, "ECDSA P-256 with SHA-512"},
		{"P-256 with SHA-3", cmstest.P256, cmstest.Message{Hash: crypto.SHA3_256}, "ECDSA P-256 with SHA3-256"},
		{"P-384", cmstest.P384, cmstest.Message{Hash: crypto.SHA384}, "ECDSA P-384 with SHA-384"},
		{"P-521", cmstest.P521, cmstest.Message{Hash: crypto.SHA512}, "ECDSA P-521 with SHA-512"},
		{"plain ECDSA", cmstest.P256, cmstest.Message{Plain: true}, "ECDSA P-256 with SHA-256"},
		{"ECDSA that names only its key", cmstest.P256, cmstest.Message{AlgorithmOID: "1.2.840.10045.2.1"},
			"ECDSA P-256 with SHA-256"},
		{"brainpool", cmstest.Brainpool, cmstest.Message{}, "ECDSA brainpoolP256r1 with SHA-256"},
		{"twisted brainpool", cmstest.Twisted, cmstest.Message{Hash: crypto.SHA384},
			"ECDSA brainpoolP384t1 with SHA-384"},
		{"a known curve written out", cmstest.Explicit, cmstest.Message{}, "ECDSA P-256 with SHA-256"},
		{"DSA", cmstest.DSA, cmstest.Message{Hash: crypto.SHA1}, "DSA 1024 with SHA-1"},
		{"DSA with a longer digest", cmstest.DSA, cmstest.Message{}, "DSA 1024 with SHA-256"},
		{"Ed25519", cmstest.Ed25519, cmstest.Message{Hash: crypto.SHA512}, "Ed25519"},
	}
	for _, h := range []crypto.Hash{crypto.MD5, crypto.SHA1, crypto.RIPEMD160, crypto.SHA224, crypto.SHA256, crypto.SHA384,
		crypto.SHA512, crypto.SHA512_256, crypto.SHA3_224, crypto.SHA3_256, crypto.SHA3_384, crypto.SHA3_512} {
		all = append(all, how{digest.Name(h), cmstest.RSA, cmstest.Message{Hash: h}, "RSA 2048 with " + digest.Name(h)})
	}
	return all
}

func TestEachAlgorithmVerifiesAndFailsWhereOneBitIsFlipped(t *testing.T) {
	t.Parallel()
	for _, h := range everyAlgorithm() {
		for _, bare := range []bool{false, true} {
			m := h.message
			m.NoAttributes = bare
			name := h.name
			if bare {
				name += ", without attributes"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				signer := cmstest.New(t, cmstest.Certificate{Kind: h.kind})
				contents := signer.Sign(t, covered, m)
				r := cms.Verify(given(detached, contents, covered))
				holds(t, "as signed", r, cms.Verified, "")
				if one := r.First(); one.Algorithm != h.algorithm || one.Name != "Ana Lima" {
					t.Errorf("%q by %q, want %q", one.Algorithm, one.Name, h.algorithm)
				}
				other := bytes.Replace(covered, []byte("one"), []byte("two"), 1)
				holds(t, "other bytes", cms.Verify(given(detached, contents, other)), cms.Mismatch, "")
				broken := slices.Clone(contents)
				broken[len(broken)-5] ^= 1
				holds(t, "another signature", cms.Verify(given(detached, broken, covered)), cms.Mismatch, "")
				stranger := cmstest.New(t, cmstest.Certificate{Kind: otherKind(h.kind)})
				m.Certs = [][]byte{stranger.Cert}
				r = cms.Verify(given(detached, signer.Sign(t, covered, m), covered))
				holds(t, "a stranger's certificate", r, cms.Unchecked, "not in the file")
			})
		}
	}
}

func otherKind(k cmstest.Kind) cmstest.Kind {
	if k == cmstest.RSA {
		return cmstest.RSA1024
	}
	return cmstest.RSA
}

func TestWhatCannotBeComputedIsNoMismatch(t *testing.T) {
	t.Parallel()
	rsa := cmstest.New(t, cmstest.Certificate{})
	for _, test := range []struct {
		name, subFilter, reason string
		contents                []byte
	}{
		{"nothing", detached, "cannot be read", nil},
		{"no ASN.1", detached, "cannot be read", []byte("signed by me")},
		{"Ed448", detached, "Ed448", cmstest.New(t, cmstest.Certificate{Kind: cmstest.Ed448}).Sign(t, covered,
			cmstest.Message{Hash: crypto.SHA512})},
		{"a curve of its own", detached, "curve of its own",
			cmstest.New(t, cmstest.Certificate{Kind: cmstest.OwnCurve}).Sign(t, covered, cmstest.Message{})},
		{"a digest that nobody knows", detached, "1.2.3.4", rsa.Sign(t, covered,
			cmstest.Message{DigestOID: "1.2.3.4", MessageDigest: []byte("short")})},
		{"no certificate", detached, "not in the file", rsa.Sign(t, covered, cmstest.Message{NoCerts: true})},
		{"no message digest", detached, "digest is missing", rsa.Sign(t, covered,
			cmstest.Message{MessageDigest: []byte{}})},
		{"attributes of something else", detached, "something else", rsa.Sign(t, covered,
			cmstest.Message{ContentAttr: cmstest.TSTInfo})},
		{"a time stamp without one", "ETSI.RFC3161", "time stamp cannot be read", rsa.Sign(t, covered, cmstest.Message{})},
		{"no certificate beside it", "adbe.x509.rsa_sha1", "not in the file", rsa.Bare(t, covered, crypto.SHA1)},
		{"content that is no digest", "adbe.pkcs7.sha1", "content of its own", rsa.Sign(t, covered,
			cmstest.Message{Content: []byte("something else altogether")})},
	} {
		holds(t, test.name, cms.Verify(given(test.subFilter, test.contents, covered)), cms.Unchecked, test.reason)
	}
	holds(t, "no range", cms.Verify(cms.Signature{SubFilter: detached}), cms.Unchecked, "which bytes")
	s := given(detached, rsa.Sign(t, covered, cmstest.Message{}), covered)
	s.Covered = digest.NewFile(bytes.NewReader(covered), 9).Part(0, 99)
	holds(t, "a range beyond the file", cms.Verify(s), cms.Unchecked, "ends beyond")
}
