package pubkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	"countersign/worker/pdf/ber"
)

// curve is y² = x³ + ax + b over the numbers below p.
type curve struct {
	id, name   string
	p, a, b, n *big.Int
	g          point
	std        elliptic.Curve // where Go's library has it
}

// point is on a curve; the zero value is the point at infinity.
type point struct{ x, y *big.Int }

// standard are the curves that Go's library has.
func standard() map[string]elliptic.Curve {
	return map[string]elliptic.Curve{
		"1.3.132.0.33": elliptic.P224(), "1.2.840.10045.3.1.7": elliptic.P256(),
		"1.3.132.0.34": elliptic.P384(), "1.3.132.0.35": elliptic.P521(),
	}
}

// named is the curve of an object identifier; nil where it is not known.
func named(id string) *curve {
	if std, ok := standard()[id]; ok {
		p := std.Params()
		return &curve{id: id, name: p.Name, p: p.P, a: new(big.Int).Sub(p.P, big.NewInt(3)), b: p.B, n: p.N,
			g: point{p.Gx, p.Gy}, std: std}
	}
	for _, c := range short() {
		if c.id == id {
			return c
		}
	}
	return nil
}

// short reads shortCurves. What it returns is read only.
var short = sync.OnceValue(func() (all []*curve) {
	for _, block := range strings.Split(strings.ReplaceAll(shortCurves, "\n+", ""), "\n\n") {
		row := strings.Fields(block)
		c := &curve{id: row[0], name: row[1]}
		for i, to := range []**big.Int{&c.p, &c.a, &c.b, &c.g.x, &c.g.y, &c.n} {
			*to, _ = new(big.Int).SetString(row[i+2], 16)
		}
		all = append(all, c)
	}
	return all
})

// explicit finds the named curve whose numbers a key writes out; nil where there is none: numbers of the signer's own
// choice prove nothing.
func explicit(params ber.Element) *curve {
	all, err := params.Children()
	if err != nil || len(all) < 5 {
		return nil
	}
	field, err1 := all[1].Children()
	coefficients, err2 := all[2].Children()
	if err1 != nil || err2 != nil || len(field) < 2 || len(coefficients) < 2 {
		return nil
	}
	p, n := unsigned(field[1]), unsigned(all[4])
	if p == nil || n == nil {
		return nil
	}
	known := slices.Clone(short())
	for id := range standard() {
		known = append(known, named(id))
	}
	for _, c := range known {
		same := func(e ber.Element, want *big.Int) bool { return new(big.Int).SetBytes(e.Body).Cmp(want) == 0 }
		if c.p.Cmp(p) != 0 || c.n.Cmp(n) != 0 || !same(coefficients[0], c.a) || !same(coefficients[1], c.b) {
			continue
		}
		if g, ok := c.decode(all[3].Body); ok && g.x.Cmp(c.g.x) == 0 && g.y.Cmp(c.g.y) == 0 {
			return c
		}
	}
	return nil
}

func (k *Key) parseEC(bits []byte, params ber.Element) {
	k.Name = "ECDSA"
	var c *curve
	if params.Is(ber.Sequence) {
		if c = explicit(params); c == nil {
			k.fault = "its key is on a curve of its own, which this program cannot check"
			return
		}
	} else if c = named(params.OID()); c == nil {
		k.fault = Unable(fmt.Sprintf("its key is on a curve (%s) that this program cannot check", params.OID()))
		return
	}
	k.Name = "ECDSA " + c.name
	if c.n.BitLen() < 224 {
		k.Weak = fmt.Sprintf("its key of %d bits on an elliptic curve is shorter than the 224 that are held to be safe",
			c.n.BitLen())
	}
	at, ok := c.decode(bits)
	if !ok {
		k.fault = "its key is no point of its curve"
		return
	}
	k.kind, k.curve, k.ec, k.fault = ecKind, c, at, ""
}

// decode reads a point, compressed or not; false where it is not on the curve.
func (c *curve) decode(b []byte) (point, bool) {
	size := (c.p.BitLen() + 7) / 8
	if len(b) < 1+size {
		return point{}, false
	}
	x := new(big.Int).SetBytes(b[1 : 1+size])
	if x.Cmp(c.p) >= 0 {
		return point{}, false
	}
	square := c.right(x)
	switch form := b[0]; {
	case (form == 4 || form == 6 || form == 7) && len(b) == 1+2*size:
		y := new(big.Int).SetBytes(b[1+size:])
		on := y.Cmp(c.p) < 0 && new(big.Int).Mod(new(big.Int).Mul(y, y), c.p).Cmp(square) == 0
		return point{x, y}, on
	case (form == 2 || form == 3) && len(b) == 1+size:
		y := new(big.Int).ModSqrt(square, c.p)
		if y == nil {
			return point{}, false
		}
		if y.Bit(0) != uint(form&1) {
			y.Sub(c.p, y)
		}
		return point{x, y}, true
	}
	return point{}, false
}

// right is x³ + ax + b.
func (c *curve) right(x *big.Int) *big.Int {
	v := new(big.Int).Mul(x, x)
	v.Add(v, c.a).Mul(v, x).Add(v, c.b)
	return v.Mod(v, c.p)
}

func (k Key) verifyEC(sum, signature []byte) bool {
	for _, rs := range pairs(signature) {
		if k.curve.verify(k.ec, sum, rs[0], rs[1]) {
			return true
		}
	}
	return false
}

func (c *curve) verify(key point, sum []byte, r, s *big.Int) bool {
	if r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(c.n) >= 0 || s.Cmp(c.n) >= 0 {
		return false
	}
	if c.std != nil {
		size := (c.p.BitLen() + 7) / 8
		raw := make([]byte, 1+2*size)
		raw[0] = 4
		key.x.FillBytes(raw[1 : 1+size])
		key.y.FillBytes(raw[1+size:])
		pub, err := ecdsa.ParseUncompressedPublicKey(c.std, raw)
		return err == nil && ecdsa.Verify(pub, sum, r, s)
	}
	e := new(big.Int).SetBytes(sum)
	if extra := len(sum)*8 - c.n.BitLen(); extra > 0 {
		e.Rsh(e, uint(extra))
	}
	w := new(big.Int).ModInverse(s, c.n)
	if w == nil {
		return false
	}
	u1, u2 := e.Mul(e, w), new(big.Int).Mul(r, w)
	sumPoint, ok := c.combine(u1.Mod(u1, c.n), u2.Mod(u2, c.n), key)
	if !ok {
		return false
	}
	return new(big.Int).Mod(sumPoint.x, c.n).Cmp(r) == 0
}
