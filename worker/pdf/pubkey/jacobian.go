package pubkey

import "math/big"

// jacobian is the point (x/z², y/z³); z is 0 at infinity. What is computed with it is public: it takes no constant time.
type jacobian struct{ x, y, z *big.Int }

func (c *curve) infinity() jacobian { return jacobian{big.NewInt(1), big.NewInt(1), new(big.Int)} }

func (c *curve) mul(a, b *big.Int) *big.Int {
	v := new(big.Int).Mul(a, b)
	return v.Mod(v, c.p)
}

func (c *curve) sub(a, b *big.Int) *big.Int {
	v := new(big.Int).Sub(a, b)
	return v.Mod(v, c.p)
}

// double is 2q.
func (c *curve) double(q jacobian) jacobian {
	if q.z.Sign() == 0 || q.y.Sign() == 0 {
		return c.infinity()
	}
	yy := c.mul(q.y, q.y)
	s := c.mul(q.x, yy)
	s.Lsh(s, 2).Mod(s, c.p) // 4xy²
	zz := c.mul(q.z, q.z)
	m := c.mul(q.x, q.x)
	m.Mul(m, big.NewInt(3)).Add(m, c.mul(c.a, c.mul(zz, zz))).Mod(m, c.p) // 3x² + az⁴
	x := c.sub(c.mul(m, m), new(big.Int).Lsh(s, 1))
	y4 := c.mul(yy, yy)
	y := c.sub(c.mul(m, c.sub(s, x)), y4.Lsh(y4, 3))
	z := c.mul(q.y, q.z)
	z.Lsh(z, 1).Mod(z, c.p)
	return jacobian{x, y, z}
}

// add is q + r.
func (c *curve) add(q, r jacobian) jacobian {
	switch {
	case q.z.Sign() == 0:
		return r
	case r.z.Sign() == 0:
		return q
	}
	qz2, rz2 := c.mul(q.z, q.z), c.mul(r.z, r.z)
	u1, u2 := c.mul(q.x, rz2), c.mul(r.x, qz2)
	s1, s2 := c.mul(q.y, c.mul(rz2, r.z)), c.mul(r.y, c.mul(qz2, q.z))
	h, d := c.sub(u2, u1), c.sub(s2, s1)
	if h.Sign() == 0 {
		if d.Sign() == 0 {
			return c.double(q)
		}
		return c.infinity()
	}
	h2 := c.mul(h, h)
	h3, v := c.mul(h2, h), c.mul(u1, h2)
	x := c.sub(c.sub(c.mul(d, d), h3), new(big.Int).Lsh(v, 1))
	y := c.sub(c.mul(d, c.sub(v, x)), c.mul(s1, h3))
	return jacobian{x, y, c.mul(h, c.mul(q.z, r.z))}
}

// combine is u1 times the generator and u2 times a key; false where that is at infinity.
func (c *curve) combine(u1, u2 *big.Int, key point) (point, bool) {
	one := big.NewInt(1)
	g, k := jacobian{c.g.x, c.g.y, one}, jacobian{key.x, key.y, one}
	both := c.add(g, k)
	at := c.infinity()
	for i := max(u1.BitLen(), u2.BitLen()) - 1; i >= 0; i-- {
		at = c.double(at)
		switch {
		case u1.Bit(i) == 1 && u2.Bit(i) == 1:
			at = c.add(at, both)
		case u1.Bit(i) == 1:
			at = c.add(at, g)
		case u2.Bit(i) == 1:
			at = c.add(at, k)
		}
	}
	if at.z.Sign() == 0 {
		return point{}, false
	}
	inv := new(big.Int).ModInverse(at.z, c.p)
	if inv == nil {
		return point{}, false
	}
	inv2 := c.mul(inv, inv)
	return point{c.mul(at.x, inv2), c.mul(at.y, c.mul(inv2, inv))}, true
}
