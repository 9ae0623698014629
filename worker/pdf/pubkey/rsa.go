package pubkey

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"fmt"
	"math/big"
	"slices"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/digest"
)

// Limits of an RSA key: beyond them one signature costs seconds.
const (
	mostRSABits       = 16384
	mostRSABitsLargeE = 4096 // where the exponent is no small number
	weakRSABits       = 2048
)

func (k *Key) parseRSA(bits []byte) {
	k.Name = "RSA"
	e, _, err := ber.Read(bits)
	if err != nil {
		return
	}
	all, err := e.Children()
	if err != nil || len(all) < 2 {
		return
	}
	n, e1 := unsigned(all[0]), unsigned(all[1])
	if n == nil || e1 == nil {
		return
	}
	k.Name = fmt.Sprintf("RSA %d", n.BitLen())
	switch {
	case n.BitLen() > mostRSABits, n.BitLen() > mostRSABitsLargeE && e1.BitLen() > 64, e1.BitLen() > n.BitLen():
		k.fault = "its key is larger than this program computes with"
		return
	case n.BitLen() < 256 || n.Bit(0) == 0 || e1.Cmp(big.NewInt(1)) <= 0 || e1.Bit(0) == 0:
		k.fault = "its key is no RSA key that anybody can sign with"
		return
	}
	if n.BitLen() < weakRSABits {
		k.Weak = fmt.Sprintf("its RSA key of %d bits is shorter than the 2048 that are held to be safe", n.BitLen())
	}
	k.kind, k.rsa.n, k.rsa.e, k.fault = rsaKind, n, e1, ""
}

// unsigned is an integer that is meant to be positive, also where the signer left out the zero before it.
func unsigned(e ber.Element) *big.Int {
	if !e.Is(ber.Integer) || e.Constructed || len(e.Body) == 0 {
		return nil
	}
	return new(big.Int).SetBytes(e.Body)
}

// verifyRSA opens the signature with the key and compares what it holds. Named PKCS #1 or PSS, the other is tried too.
func (k Key) verifyRSA(m Message, signature []byte, how Scheme, words string) (string, error) {
	s := new(big.Int).SetBytes(signature)
	if len(signature) > 2*mostRSABits/8 || s.Cmp(k.rsa.n) >= 0 {
		return words, ErrMismatch
	}
	size := (k.rsa.n.BitLen() + 7) / 8
	opened := new(big.Int).Exp(s, k.rsa.e, k.rsa.n).FillBytes(make([]byte, size))
	if how.OID == oidPSS {
		h, err := k.pss(m, opened, how)
		if err == nil {
			return k.pssName(h), nil
		}
		return k.pssName(h), err
	}
	h, err := pkcs1(m, opened, how)
	if err == nil {
		return with(k.Name, h), nil
	}
	if err == ErrMismatch && padding(opened) < 0 { //nolint:errorlint // pkcs1 returns it as it is
		if h, err := k.pss(m, opened, how); err == nil {
			return k.pssName(h), nil
		}
	}
	if h != 0 {
		words = with(k.Name, h)
	}
	if err == ErrMismatch && how.unknown() && padding(opened) < 0 { //nolint:errorlint // as above
		err = Unable(fmt.Sprintf("its algorithm (%s) is not one that this program can check", how.OID))
	}
	return words, err
}

func (k Key) pssName(h crypto.Hash) string {
	if h == 0 {
		return "RSA-PSS" + k.Name[len("RSA"):]
	}
	return with("RSA-PSS"+k.Name[len("RSA"):], h)
}

// padding is where the content begins in what PKCS #1 v1.5 pads; -1 where it is padded in another way.
func padding(opened []byte) int {
	if len(opened) < 11 || opened[0] != 0 || opened[1] != 1 {
		return -1
	}
	for i, c := range opened[2:] {
		switch {
		case c == 0xff:
		case c == 0 && i >= 8:
			return i + 3
		default:
			return -1
		}
	}
	return -1
}

// pkcs1 compares what an opened signature holds with a digest of the message: the digest with its name, in the two ways
// in which signers write that, or the digest alone. The name in the signature counts, whatever stands beside it. The
// content must end with the block: nothing may follow it.
func pkcs1(m Message, opened []byte, how Scheme) (crypto.Hash, error) {
	at := padding(opened)
	if at < 0 {
		return 0, ErrMismatch
	}
	content := opened[at:]
	info, rest, err := ber.Read(content)
	if err == nil && len(rest) == 0 && info.Is(ber.Sequence) {
		return digestInfo(m, content, info)
	}
	for _, h := range how.hashes(m.Whole) {
		if h.Size() != len(content) {
			continue
		}
		sum, err := m.Digest(h)
		if err != nil {
			return h, err
		}
		if subtle.ConstantTimeCompare(sum, content) == 1 {
			return h, nil
		}
	}
	return 0, ErrMismatch
}

func digestInfo(m Message, content []byte, info ber.Element) (crypto.Hash, error) {
	all, err := info.Children()
	if err != nil || len(all) != 2 {
		return 0, ErrMismatch
	}
	id := ReadScheme(all[0], 0).OID
	h, ok := digest.ByOID(id)
	if !ok {
		return 0, Unable(fmt.Sprintf("its digest (%s) is not one that this program can compute", id))
	}
	sum, err := m.Digest(h)
	if err != nil {
		return h, err
	}
	name, err := all[0].Children()
	if err != nil || len(name) == 0 {
		return h, ErrMismatch
	}
	null := []byte{ber.Null, 0}
	for _, params := range [][]byte{null, nil} {
		want := ber.Wrap(0x30, ber.Wrap(0x30, name[0].Raw, params), ber.Wrap(ber.OctetString, sum))
		if bytes.Equal(want, content) {
			return h, nil
		}
	}
	return h, ErrMismatch
}

// pssParams are RSASSA-PSS-params, as far as they are needed: the salt's length shows itself.
type pssParams struct {
	hash, mask crypto.Hash
	fault      Unable
}

func readPSS(e ber.Element) (p pssParams) {
	all, err := e.Children()
	if err != nil {
		return p // none are written: the digest beside it counts
	}
	p.hash, p.mask = crypto.SHA1, crypto.SHA1
	for _, c := range all {
		inner, err := c.Only()
		if err != nil || c.Class != ber.Context {
			continue
		}
		how := ReadScheme(inner, 0)
		switch c.Tag {
		case 0:
			h, ok := digest.ByOID(how.OID)
			if !ok {
				p.fault = Unable(fmt.Sprintf("its digest (%s) is not one that this program can compute", how.OID))
			}
			p.hash = h
		case 1:
			h, ok := digest.ByOID(ReadScheme(how.Params, 0).OID)
			if how.OID != "1.2.840.113549.1.1.8" || !ok {
				p.fault = "its mask is made in a way that this program cannot compute"
			}
			p.mask = h
		}
	}
	return p
}

// pss checks an opened signature's PSS padding (RFC 8017, 9.1.2) with any length of the salt.
func (k Key) pss(m Message, opened []byte, how Scheme) (crypto.Hash, error) {
	p := readPSS(how.Params)
	if p.fault != "" {
		return p.hash, p.fault
	}
	hashes := how.hashes(m.Whole)
	if p.hash != 0 {
		hashes = slices.Insert(hashes, 0, p.hash)
	}
	for _, h := range hashes {
		if !m.Whole && p.hash != 0 && h != p.hash {
			continue
		}
		sum, err := m.Digest(h)
		if err != nil {
			return h, err
		}
		for _, mask := range []crypto.Hash{p.mask, h, crypto.SHA1} {
			if mask.Available() && pssFits(sum, opened, k.rsa.n.BitLen()-1, h, mask) {
				return h, nil
			}
		}
	}
	return p.hash, ErrMismatch
}

func pssFits(sum, opened []byte, bits int, h, mask crypto.Hash) bool {
	size := (bits + 7) / 8
	for len(opened) > size {
		if opened[0] != 0 {
			return false
		}
		opened = opened[1:]
	}
	if size < h.Size()+2 || opened[size-1] != 0xbc {
		return false
	}
	db, seed := slices.Clone(opened[:size-h.Size()-1]), opened[size-h.Size()-1:size-1]
	top := byte(0xff >> (8*size - bits))
	if opened[0]&^top != 0 {
		return false
	}
	unmask(db, seed, mask)
	db[0] &= top
	at := slices.IndexFunc(db, func(c byte) bool { return c != 0 })
	if at < 0 || db[at] != 1 {
		return false
	}
	d := h.New()
	d.Write(make([]byte, 8)) //nolint:errcheck // a hash never fails
	d.Write(sum)             //nolint:errcheck // as above
	d.Write(db[at+1:])       //nolint:errcheck // as above
	return subtle.ConstantTimeCompare(d.Sum(nil), seed) == 1
}

// unmask removes what MGF1 makes of a seed.
func unmask(db, seed []byte, mask crypto.Hash) {
	d := mask.New()
	for i, done := uint32(0), 0; done < len(db); i++ {
		d.Reset()
		d.Write(seed)                                                        //nolint:errcheck // a hash never fails
		d.Write([]byte{byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}) //nolint:errcheck // as above
		done += subtle.XORBytes(db[done:], db[done:], d.Sum(nil))
	}
}
