// Package pubkey reads public keys and checks signatures with them, as lenient as is safe: it takes what signers write
// wrongly for what they mean, and tells "does not match" from "cannot be checked".
package pubkey

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/digest"
)

// ErrMismatch is of a signature that was computed, and is not this key's over this message.
var ErrMismatch = errors.New("it was not made with its certificate's key")

// Unable is of a signature that could not be computed; it says why, as the end of a sentence about the signature.
type Unable string

func (u Unable) Error() string { return string(u) }

// Key is a public key. A key that cannot be read has a fault in place of its numbers.
type Key struct {
	Name string // in words: "RSA 2048", "ECDSA P-256", "Ed25519"
	Weak string // why it is too weak for today; "" where it is not
	kind kind

	rsa   struct{ n, e *big.Int }
	dsa   struct{ p, q, g, y *big.Int }
	ec    point
	curve *curve
	ed    ed25519.PublicKey
	fault Unable
}

type kind int

const (
	unknownKind kind = iota
	rsaKind
	dsaKind
	ecKind
	edKind
)

// Message is what was signed: its digests, and the bytes where an algorithm wants them.
type Message struct {
	Digest func(crypto.Hash) ([]byte, error)
	Bytes  func() ([]byte, error)
	Whole  bool // the message is at hand: a digest that nobody named may be tried too
}

// Text is a message that is at hand.
func Text(b []byte) Message {
	return Message{
		Digest: func(h crypto.Hash) ([]byte, error) { return digest.Of(h, b), nil },
		Bytes:  func() ([]byte, error) { return b, nil }, Whole: true,
	}
}

// Scheme is how a signature says it was made.
type Scheme struct {
	OID    string
	Params ber.Element // the zero value where there are none
	Hash   crypto.Hash // the digest that is named beside it; 0 where none is
}

// ReadScheme reads an AlgorithmIdentifier.
func ReadScheme(e ber.Element, beside crypto.Hash) Scheme {
	s := Scheme{Hash: beside}
	all, err := e.Children()
	if err != nil || len(all) == 0 {
		return s
	}
	s.OID = all[0].OID()
	if len(all) > 1 {
		s.Params = all[1]
	}
	return s
}

// hashes are the digests to try: the one that the algorithm names, the one that is named beside it.
func (s Scheme) hashes(whole bool) []crypto.Hash {
	var all []crypto.Hash
	add := func(h crypto.Hash) {
		if h.Available() && !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	if h, ok := digest.ByOID(s.OID); ok {
		add(h)
	}
	add(s.Hash)
	if whole {
		for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA1, crypto.SHA512, crypto.SHA384} {
			add(h)
		}
	}
	return all
}

// Verify checks a signature over a message. The key decides how: an algorithm that is named and does not fit the key is
// a slip of the signer. It returns the algorithm in words, and nil, ErrMismatch, an Unable or what reading the message
// returned.
func (k Key) Verify(m Message, signature []byte, how Scheme) (words string, err error) {
	words = k.Name
	if hs := how.hashes(false); len(hs) > 0 && k.kind != edKind {
		words = with(k.Name, hs[0])
	}
	var h crypto.Hash
	switch {
	case k.fault != "":
		return words, k.fault
	case k.kind == rsaKind:
		return k.verifyRSA(m, signature, how, words)
	case k.kind == dsaKind:
		h, err = k.tryHashes(m, how, func(sum []byte) bool { return k.verifyDSA(sum, signature) })
	case k.kind == ecKind:
		h, err = k.tryHashes(m, how, func(sum []byte) bool { return k.verifyEC(sum, signature) })
	case k.kind == edKind:
		return words, k.verifyEd(m, signature)
	default:
		return words, Unable("its key cannot be read")
	}
	if err == nil {
		words = with(k.Name, h)
	}
	return words, err
}

func with(name string, h crypto.Hash) string { return name + " with " + digest.Name(h) }

// tryHashes checks with one digest after the other.
func (k Key) tryHashes(m Message, how Scheme, fits func(sum []byte) bool) (crypto.Hash, error) {
	all := how.hashes(m.Whole)
	if len(all) == 0 || !m.Whole && how.unknown() {
		return 0, Unable(fmt.Sprintf("its algorithm (%s) is not one that this program can check", how.OID))
	}
	for _, h := range all {
		sum, err := m.Digest(h)
		if err != nil {
			return 0, err
		}
		if fits(sum) {
			return h, nil
		}
	}
	if how.unknown() {
		return 0, Unable(fmt.Sprintf("its algorithm (%s) is not one that this program can check", how.OID))
	}
	return 0, ErrMismatch
}

// unknown reports whether the algorithm is one whose failure says nothing: neither its identifier nor the digest beside
// it is known.
func (s Scheme) unknown() bool {
	if _, ok := digest.ByOID(s.OID); ok {
		return false
	}
	return s.Hash == 0 || !slices.Contains([]string{"", oidRSA, oidPSS, oidEC, oidDSA, oidDSAOld, oidEd25519}, s.OID)
}

// The kinds of keys.
const (
	oidRSA     = "1.2.840.113549.1.1.1"
	oidRSAOld  = "2.5.8.1.1"
	oidPSS     = "1.2.840.113549.1.1.10"
	oidOAEP    = "1.2.840.113549.1.1.7"
	oidDSA     = "1.2.840.10040.4.1"
	oidDSAOld  = "1.3.14.3.2.12"
	oidEC      = "1.2.840.10045.2.1"
	oidEd25519 = "1.3.101.112"
)

// others are keys that are known and cannot be checked.
func others() map[string]string {
	return map[string]string{
		"1.3.101.113": "Ed448", "1.3.101.110": "X25519", "1.2.643.2.2.19": "GOST 2001", "1.2.643.7.1.1.1.1": "GOST 2012",
		"1.2.643.7.1.1.1.2": "GOST 2012", "2.16.840.1.101.3.4.3.17": "ML-DSA", "2.16.840.1.101.3.4.3.18": "ML-DSA",
		"2.16.840.1.101.3.4.3.19": "ML-DSA",
	}
}

// Parse reads a SubjectPublicKeyInfo.
func Parse(spki ber.Element) Key {
	k := Key{fault: "its certificate's key cannot be read"}
	all, err := spki.Children()
	if err != nil || len(all) < 2 {
		return k
	}
	how := ReadScheme(all[0], 0)
	bits, ok := all[1].Bits()
	if !ok {
		return k
	}
	switch how.OID {
	case oidRSA, oidPSS, oidRSAOld, oidOAEP:
		k.parseRSA(bits)
	case oidDSA, oidDSAOld:
		k.parseDSA(bits, how.Params)
	case oidEC:
		k.parseEC(bits, how.Params)
	case oidEd25519:
		k.Name = "Ed25519"
		if len(bits) == ed25519.PublicKeySize {
			k.kind, k.ed, k.fault = edKind, ed25519.PublicKey(bits), ""
		}
	default:
		name := others()[how.OID]
		if name == "" {
			name = how.OID
		}
		k.Name = name
		k.fault = Unable("its key is of a kind (" + name + ") that this program cannot check")
	}
	return k
}

func (k Key) verifyEd(m Message, signature []byte) error {
	message, err := m.Bytes()
	if err != nil {
		return err
	}
	if len(signature) == ed25519.SignatureSize && ed25519.Verify(k.ed, message, signature) {
		return nil
	}
	return ErrMismatch
}
