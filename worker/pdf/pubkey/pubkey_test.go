package pubkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"countersign/worker/pdf/ber"
)

func TestEachCurveIsOne(t *testing.T) {
	t.Parallel()
	all := short()
	if len(all) != 16 {
		t.Fatalf("%d curves", len(all))
	}
	for _, c := range all {
		if named(c.id) == nil || !c.p.ProbablyPrime(20) || !c.n.ProbablyPrime(20) {
			t.Errorf("%s: its numbers are no primes", c.name)
		}
		on := new(big.Int).Mod(new(big.Int).Mul(c.g.y, c.g.y), c.p)
		if on.Cmp(c.right(c.g.x)) != 0 {
			t.Errorf("%s: its generator is not on it", c.name)
		}
		if _, ok := c.combine(c.n, new(big.Int), c.g); ok {
			t.Errorf("%s: its order is another", c.name)
		}
		minus := point{c.g.x, new(big.Int).Sub(c.p, c.g.y)}
		last, ok := c.combine(new(big.Int).Sub(c.n, big.NewInt(1)), new(big.Int), c.g)
		if !ok || last.x.Cmp(minus.x) != 0 || last.y.Cmp(minus.y) != 0 {
			t.Errorf("%s: one generator less than all is not its opposite", c.name)
		}
		for _, form := range []byte{2, 3} {
			b := append([]byte{form}, c.g.x.FillBytes(make([]byte, (c.p.BitLen()+7)/8))...)
			if at, ok := c.decode(b); !ok || at.y.Bit(0) != uint(form&1) {
				t.Errorf("%s: its generator in short form is not read", c.name)
			}
		}
	}
}

func TestOurArithmeticAgreesWithGo(t *testing.T) {
	t.Parallel()
	for id, std := range standard() {
		ours := named(id)
		ours.std = nil
		key, err := ecdsa.GenerateKey(std, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		at, ok := ours.decode(raw)
		if !ok {
			t.Fatalf("%s: a key of it is not read", ours.name)
		}
		for i := range 8 {
			sum := make([]byte, 20+8*i) // shorter and longer than the order
			if _, err := rand.Read(sum); err != nil {
				t.Fatal(err)
			}
			r, s, err := ecdsa.Sign(rand.Reader, key, sum)
			if err != nil {
				t.Fatal(err)
			}
			if !ours.verify(at, sum, r, s) {
				t.Errorf("%s: a signature of Go's does not verify", ours.name)
			}
			if ours.verify(at, sum, s, r) || ours.verify(at, sum, r, new(big.Int).Add(s, big.NewInt(1))) ||
				ours.verify(at, sum, new(big.Int), s) || ours.verify(at, sum, new(big.Int).Add(r, ours.n), s) {
				t.Errorf("%s: another signature verifies", ours.name)
			}
		}
	}
	c := named("1.2.840.10045.3.1.7")
	if _, ok := c.decode(append([]byte{4}, make([]byte, 64)...)); ok {
		t.Error("a point that is not on the curve is a key")
	}
}

func TestAKeyThatNobodyCanUseSaysWhy(t *testing.T) {
	t.Parallel()
	n := new(big.Int).SetBit(big.NewInt(1), 2047, 1)
	rsa := func(n, e *big.Int) []byte {
		return ber.Wrap(0x30, ber.Wrap(0x30, []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 1, 1}),
			ber.Wrap(3, []byte{0}, ber.Wrap(0x30, ber.Wrap(2, []byte{0}, n.Bytes()), ber.Wrap(2, []byte{0}, e.Bytes()))))
	}
	huge := new(big.Int).SetBit(big.NewInt(1), 20000, 1)
	large := new(big.Int).SetBit(big.NewInt(1), 10000, 1)
	for name, spki := range map[string][]byte{
		"nothing": {0x30, 0}, "no bits": {0x30, 4, 0x30, 0, 5, 0}, "a huge key": rsa(huge, big.NewInt(3)),
		"a large key and exponent": rsa(large, new(big.Int).SetBit(big.NewInt(1), 9000, 1)),
		"an exponent of one":       rsa(n, big.NewInt(1)), "an even exponent": rsa(n, big.NewInt(4)),
		"an even modulus": rsa(new(big.Int).Lsh(n, 1), big.NewInt(3)), "a tiny modulus": rsa(big.NewInt(15), big.NewInt(3)),
		"no modulus": rsa(new(big.Int), big.NewInt(3)),
	} {
		e, _, err := ber.Read(spki)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(e).Verify(Text([]byte("x")), make([]byte, 256), Scheme{Hash: crypto.SHA256})
		var unable Unable
		if !errors.As(err, &unable) || unable == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
