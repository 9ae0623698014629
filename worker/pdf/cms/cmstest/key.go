// Package cmstest makes certificates, signatures, time stamps and revocation data for tests, with every algorithm and in
// every odd form that package cms reads. It is written apart from the code that it tests: it shares no arithmetic with
// it.
package cmstest

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // old contracts are signed with it
	"crypto/ed25519"
	"crypto/elliptic"
	_ "crypto/md5" // for crypto.Hash to find it
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for crypto.Hash to find it
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"encoding/asn1"
	"math/big"
	"sync"
	"testing"

	_ "golang.org/x/crypto/ripemd160" //nolint:staticcheck // files were signed with it: crypto.Hash has to find it

	"countersign/worker/pdf/ber"
)

// Kind is a kind of key.
type Kind string

// The kinds of keys. Each is made once.
const (
	RSA       Kind = "RSA 2048"
	RSA1024   Kind = "RSA 1024"
	RSALargeE Kind = "RSA 1024 with an exponent of 600 bits" // beyond what crypto/rsa takes
	P224      Kind = "ECDSA P-224"
	P256      Kind = "ECDSA P-256"
	P384      Kind = "ECDSA P-384"
	P521      Kind = "ECDSA P-521"
	Brainpool Kind = "ECDSA brainpoolP256r1"
	Twisted   Kind = "ECDSA brainpoolP384t1"
	Explicit  Kind = "ECDSA P-256, its curve written out"
	OwnCurve  Kind = "ECDSA, a curve of its own"
	DSA       Kind = "DSA 1024"
	Ed25519   Kind = "Ed25519"
	Ed448     Kind = "Ed448" // its signatures are bytes of no meaning: nothing here can make one
)

// key signs, and knows how its public part is written.
type key struct {
	spki []byte
	rsa  *rsaKey
	dsa  *dsa.PrivateKey
	ec   *ecKey
	ed   ed25519.PrivateKey
}

type rsaKey struct{ n, e, d *big.Int }

type ecKey struct {
	curve numbers
	d     *big.Int
}

// numbers are a curve's, in hexadecimal but for the order of the arguments: p, a, b, the generator, n.
type numbers struct{ p, a, b, gx, gy, n *big.Int }

func hexed(all ...string) numbers {
	var n numbers
	for i, to := range []**big.Int{&n.p, &n.a, &n.b, &n.gx, &n.gy, &n.n} {
		*to, _ = new(big.Int).SetString(all[i], 16)
	}
	return n
}

func brainpool() numbers {
	return hexed("a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
		"7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9",
		"26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6",
		"8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262",
		"547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997",
		"a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7")
}

func twisted() numbers {
	return hexed("8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
		"8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec50",
		"7f519eada7bda81bd826dba647910f8c4b9346ed8ccdc64e4b1abd11756dce1d2074aa263b88805ced70355a33b471ee",
		"18de98b02db9a306f2afcd7235f72a819b80ab12ebd653172476fecd462aabffc4ff191b946a5f54d8d0aa2f418808cc",
		"25ab056962d30651a114afd2755ad336747f93475b7a1fca3b88f2b6a208ccfe469408584dc2b2912675bf5b9e582928",
		"8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565")
}

func known(c elliptic.Curve) numbers {
	p := c.Params()
	return numbers{p.P, new(big.Int).Sub(p.P, big.NewInt(3)), p.B, p.Gx, p.Gy, p.N}
}

var made sync.Map // Kind to func() *key

func keyOf(kind Kind) *key {
	f, _ := made.LoadOrStore(kind, sync.OnceValue(func() *key { return newKey(kind) }))
	return f.(func() *key)() //nolint:forcetypeassert // nothing else is stored
}

func newKey(kind Kind) *key {
	switch kind {
	case RSA:
		return newRSA(2048, nil)
	case RSA1024:
		return newRSA(1024, nil)
	case RSALargeE:
		return newRSA(1024, new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 600), big.NewInt(1)))
	case P224:
		return newEC(known(elliptic.P224()), OID("1.3.132.0.33"))
	case P256:
		return newEC(known(elliptic.P256()), OID("1.2.840.10045.3.1.7"))
	case P384:
		return newEC(known(elliptic.P384()), OID("1.3.132.0.34"))
	case P521:
		return newEC(known(elliptic.P521()), OID("1.3.132.0.35"))
	case Brainpool:
		return newEC(brainpool(), OID("1.3.36.3.3.2.8.1.1.7"))
	case Twisted:
		return newEC(twisted(), OID("1.3.36.3.3.2.8.1.1.12"))
	case Explicit:
		c := known(elliptic.P256())
		return newEC(c, written(c))
	case OwnCurve:
		c := known(elliptic.P256())
		c.gx, c.gy = c.times(big.NewInt(7), c.gx, c.gy) // whoever chooses the generator knows its logarithm
		return newEC(c, written(c))
	case DSA:
		return newDSA()
	case Ed25519:
		public, private, err := ed25519.GenerateKey(rand.Reader)
		must(err)
		return &key{ed: private, spki: spki(seq(OID("1.3.101.112")), public)}
	case Ed448:
		return &key{spki: spki(seq(OID("1.3.101.113")), make([]byte, 57))}
	}
	panic("no kind of key: " + string(kind))
}

// must is for what fails only where the machine has no randomness.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func newRSA(bits int, e *big.Int) *key {
	for {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		must(err)
		exponent := big.NewInt(int64(k.E))
		if e != nil {
			exponent = e
		}
		one := big.NewInt(1)
		p, q := new(big.Int).Sub(k.Primes[0], one), new(big.Int).Sub(k.Primes[1], one)
		if d := new(big.Int).ModInverse(exponent, p.Mul(p, q)); d != nil {
			public := seq(Int(k.N), Int(exponent))
			return &key{rsa: &rsaKey{k.N, exponent, d},
				spki: spki(seq(OID("1.2.840.113549.1.1.1"), []byte{ber.Null, 0}), public)}
		}
	}
}

func newDSA() *key {
	var k dsa.PrivateKey
	must(dsa.GenerateParameters(&k.Parameters, rand.Reader, dsa.L1024N160))
	must(dsa.GenerateKey(&k, rand.Reader))
	how := seq(OID("1.2.840.10040.4.1"), seq(Int(k.P), Int(k.Q), Int(k.G)))
	return &key{dsa: &k, spki: spki(how, Int(k.Y))}
}

func newEC(c numbers, params []byte) *key {
	d, err := rand.Int(rand.Reader, new(big.Int).Sub(c.n, big.NewInt(1)))
	must(err)
	d.Add(d, big.NewInt(1))
	x, y := c.times(d, c.gx, c.gy)
	return &key{ec: &ecKey{c, d}, spki: spki(seq(OID("1.2.840.10045.2.1"), params), c.point(x, y))}
}

func (c numbers) point(x, y *big.Int) []byte {
	size := (c.p.BitLen() + 7) / 8
	out := make([]byte, 1+2*size)
	out[0] = 4
	x.FillBytes(out[1 : 1+size])
	y.FillBytes(out[1+size:])
	return out
}

// written is a curve as its numbers (SEC 1, C.2).
func written(c numbers) []byte {
	size := (c.p.BitLen() + 7) / 8
	return seq(Int(big.NewInt(1)), seq(OID("1.2.840.10045.1.1"), Int(c.p)),
		seq(ber.Wrap(ber.OctetString, c.a.FillBytes(make([]byte, size))),
			ber.Wrap(ber.OctetString, c.b.FillBytes(make([]byte, size)))),
		ber.Wrap(ber.OctetString, c.point(c.gx, c.gy)), Int(c.n))
}

// times is k times a point, by the textbook.
func (c numbers) times(k, x, y *big.Int) (rx, ry *big.Int) {
	for i := k.BitLen() - 1; i >= 0; i-- {
		if rx != nil {
			rx, ry = c.plus(rx, ry, rx, ry)
		}
		switch {
		case k.Bit(i) == 1 && rx == nil:
			rx, ry = x, y
		case k.Bit(i) == 1:
			rx, ry = c.plus(rx, ry, x, y)
		}
	}
	return rx, ry
}

func (c numbers) plus(x1, y1, x2, y2 *big.Int) (x, y *big.Int) {
	top, under := new(big.Int).Sub(y2, y1), new(big.Int).Sub(x2, x1)
	if x1.Cmp(x2) == 0 && y1.Cmp(y2) == 0 {
		top.Mul(x1, x1).Mul(top, big.NewInt(3)).Add(top, c.a)
		under.Lsh(y1, 1)
	}
	slope := top.Mul(top, under.ModInverse(under.Mod(under, c.p), c.p))
	x = new(big.Int).Mul(slope, slope)
	x.Sub(x, x1).Sub(x, x2).Mod(x, c.p)
	y = new(big.Int).Sub(x1, x)
	y.Mul(y, slope).Sub(y, y1).Mod(y, c.p)
	return x, y
}

// OID is an object identifier in DER.
func OID(dots string) []byte {
	var id asn1.ObjectIdentifier
	var n, digits = 0, false
	for _, c := range dots + "." {
		if c == '.' {
			if digits {
				id = append(id, n)
			}
			n, digits = 0, false
			continue
		}
		n, digits = n*10+int(c-'0'), true
	}
	out, err := asn1.Marshal(id)
	must(err)
	return out
}

// Int is an integer in DER.
func Int(n *big.Int) []byte {
	out, err := asn1.Marshal(n)
	must(err)
	return out
}

func seq(parts ...[]byte) []byte { return ber.Wrap(0x30, parts...) }

func spki(how, bits []byte) []byte {
	return seq(how, ber.Wrap(ber.BitString, []byte{0}, bits))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sum(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b) //nolint:errcheck // a hash never fails
	return d.Sum(nil)
}
