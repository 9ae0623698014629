package cmstest

import (
	"bytes"
	"crypto"
	"crypto/dsa" //nolint:staticcheck // old contracts are signed with it
	"crypto/ed25519"
	"crypto/rand"
	"math/big"
	"slices"
	"testing"

	"countersign/worker/pdf/ber"
)

// DigestOID is the object identifier of a digest.
func DigestOID(h crypto.Hash) string {
	return map[crypto.Hash]string{
		crypto.MD5: "1.2.840.113549.2.5", crypto.SHA1: "1.3.14.3.2.26", crypto.RIPEMD160: "1.3.36.3.2.1",
		crypto.SHA224: "2.16.840.1.101.3.4.2.4", crypto.SHA256: "2.16.840.1.101.3.4.2.1",
		crypto.SHA384: "2.16.840.1.101.3.4.2.2", crypto.SHA512: "2.16.840.1.101.3.4.2.3",
		crypto.SHA512_256: "2.16.840.1.101.3.4.2.6", crypto.SHA3_224: "2.16.840.1.101.3.4.2.7",
		crypto.SHA3_256: "2.16.840.1.101.3.4.2.8", crypto.SHA3_384: "2.16.840.1.101.3.4.2.9",
		crypto.SHA3_512: "2.16.840.1.101.3.4.2.10",
	}[h]
}

func digestAlgorithm(h crypto.Hash) []byte { return seq(OID(DigestOID(h)), []byte{ber.Null, 0}) }

// Padding is how an RSA signature is padded.
type Padding struct {
	PSS  bool
	Mask crypto.Hash // of PSS' mask; 0: the digest
	Salt int         // its length; 0: the digest's
	Bare bool        // PKCS #1 v1.5 with the digest alone, without its name
	Null bool        // PKCS #1 v1.5 with no NULL beside the digest's name
}

// raw signs a message with a key.
func (k *key) raw(t testing.TB, h crypto.Hash, message []byte, p Padding, plain bool) []byte {
	t.Helper()
	digest := sum(h, message)
	switch {
	case k.rsa != nil:
		return k.rsa.sign(t, h, digest, p)
	case k.ec != nil:
		return k.ec.sign(digest, plain)
	case k.dsa != nil:
		r, s, err := dsa.Sign(rand.Reader, k.dsa, digest[:min(len(digest), 20)])
		check(t, err)
		return seq(Int(r), Int(s))
	case k.ed != nil:
		return ed25519.Sign(k.ed, message)
	}
	return make([]byte, 114)
}

func (k *rsaKey) sign(t testing.TB, h crypto.Hash, digest []byte, p Padding) []byte {
	t.Helper()
	size := (k.n.BitLen() + 7) / 8
	var block []byte
	if p.PSS {
		block = pss(h, digest, k.n.BitLen()-1, p)
	} else {
		content := seq(digestAlgorithm(h), ber.Wrap(ber.OctetString, digest))
		switch {
		case p.Bare:
			content = digest
		case p.Null:
			content = seq(seq(OID(DigestOID(h))), ber.Wrap(ber.OctetString, digest))
		}
		block = slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-3-len(content)), []byte{0}, content)
	}
	return new(big.Int).Exp(new(big.Int).SetBytes(block), k.d, k.n).FillBytes(make([]byte, size))
}

// pss is EMSA-PSS (RFC 8017, 9.1.1).
func pss(h crypto.Hash, digest []byte, bits int, p Padding) []byte {
	size := (bits + 7) / 8
	salt := make([]byte, h.Size())
	if p.Salt > 0 {
		salt = make([]byte, p.Salt)
	}
	_, err := rand.Read(salt)
	must(err)
	seed := sum(h, slices.Concat(make([]byte, 8), digest, salt))
	db := slices.Concat(make([]byte, size-len(salt)-len(seed)-2), []byte{1}, salt)
	mask := p.Mask
	if mask == 0 {
		mask = h
	}
	var stream []byte
	for i := byte(0); len(stream) < len(db); i++ {
		stream = append(stream, sum(mask, append(slices.Clone(seed), 0, 0, 0, i))...)
	}
	for i := range db {
		db[i] ^= stream[i]
	}
	db[0] &= 0xff >> (8*size - bits)
	return slices.Concat(db, seed, []byte{0xbc})
}

func (k *ecKey) sign(digest []byte, plain bool) []byte {
	c := k.curve
	e := new(big.Int).SetBytes(digest)
	if extra := len(digest)*8 - c.n.BitLen(); extra > 0 {
		e.Rsh(e, uint(extra))
	}
	for {
		nonce, err := rand.Int(rand.Reader, c.n)
		must(err)
		if nonce.Sign() == 0 {
			continue
		}
		x, _ := c.times(nonce, c.gx, c.gy)
		r := x.Mod(x, c.n)
		s := new(big.Int).Mul(r, k.d)
		s.Add(s, e).Mul(s, new(big.Int).ModInverse(nonce, c.n)).Mod(s, c.n)
		if r.Sign() == 0 || s.Sign() == 0 {
			continue
		}
		if plain {
			size := (c.n.BitLen() + 7) / 8
			return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
		return seq(Int(r), Int(s))
	}
}

// algorithm is the AlgorithmIdentifier of a key's signatures.
func (k *key) algorithm(h crypto.Hash, p Padding) []byte {
	null := []byte{ber.Null, 0}
	switch {
	case k.rsa != nil && p.PSS:
		mask, salt := p.Mask, p.Salt
		if mask == 0 {
			mask = h
		}
		if salt == 0 {
			salt = h.Size()
		}
		return seq(OID("1.2.840.113549.1.1.10"), seq(
			ber.Wrap(0xa0, digestAlgorithm(h)),
			ber.Wrap(0xa1, seq(OID("1.2.840.113549.1.1.8"), digestAlgorithm(mask))),
			ber.Wrap(0xa2, Int(big.NewInt(int64(salt))))))
	case k.rsa != nil:
		return seq(OID("1.2.840.113549.1.1.1"), null)
	case k.ec != nil:
		return seq(OID(map[crypto.Hash]string{
			crypto.SHA1: "1.2.840.10045.4.1", crypto.SHA224: "1.2.840.10045.4.3.1", crypto.SHA256: "1.2.840.10045.4.3.2",
			crypto.SHA384: "1.2.840.10045.4.3.3", crypto.SHA512: "1.2.840.10045.4.3.4",
			crypto.SHA3_256: "2.16.840.1.101.3.4.3.10",
		}[h]))
	case k.dsa != nil:
		return seq(OID("1.2.840.10040.4.1"))
	case k.ed != nil:
		return seq(OID("1.3.101.112"))
	}
	return seq(OID("1.3.101.113"))
}
