package pubkey

import (
	"crypto/dsa" //nolint:staticcheck // old contracts are signed with it, and are only checked here
	"fmt"
	"math/big"

	"countersign/worker/pdf/ber"
)

func (k *Key) parseDSA(bits []byte, params ber.Element) {
	k.Name = "DSA"
	y, _, err := ber.Read(bits)
	if err != nil {
		return
	}
	all, err := params.Children()
	if err != nil || len(all) < 3 {
		k.fault = "its DSA key leaves its parameters to the issuer's certificate"
		return
	}
	d := &k.dsa
	d.p, d.q, d.g, d.y = unsigned(all[0]), unsigned(all[1]), unsigned(all[2]), unsigned(y)
	if d.p == nil || d.q == nil || d.g == nil || d.y == nil || d.p.BitLen() > 8192 || d.q.BitLen() > 512 ||
		d.q.BitLen()%8 != 0 || d.p.Bit(0) == 0 || d.q.BitLen() < 160 || d.g.Cmp(d.p) >= 0 || d.y.Cmp(d.p) >= 0 {
		return
	}
	one := big.NewInt(1)
	if d.g.Cmp(one) <= 0 || d.y.Cmp(one) <= 0 {
		k.fault = "its key is no DSA key that anybody can sign with"
		return
	}
	k.Name = fmt.Sprintf("DSA %d", d.p.BitLen())
	if d.p.BitLen() < weakRSABits {
		k.Weak = fmt.Sprintf("its DSA key of %d bits is shorter than the 2048 that are held to be safe", d.p.BitLen())
	}
	k.kind, k.fault = dsaKind, ""
}

func (k Key) verifyDSA(sum, signature []byte) bool {
	pub := &dsa.PublicKey{Parameters: dsa.Parameters{P: k.dsa.p, Q: k.dsa.q, G: k.dsa.g}, Y: k.dsa.y}
	sum = sum[:min(len(sum), k.dsa.q.BitLen()/8)]
	for _, rs := range pairs(signature) {
		if dsa.Verify(pub, sum, rs[0], rs[1]) {
			return true
		}
	}
	return false
}

// pairs are the two numbers of a signature in the ways in which they may be written: as a sequence, or one after the
// other, each half of the bytes.
func pairs(signature []byte) (out [][2]*big.Int) {
	if len(signature) > 1024 {
		return nil
	}
	if e, _, err := ber.Read(signature); err == nil && e.Is(ber.Sequence) {
		if all, err := e.Children(); err == nil && len(all) == 2 {
			if r, s := unsigned(all[0]), unsigned(all[1]); r != nil && s != nil {
				out = append(out, [2]*big.Int{r, s})
			}
		}
	}
	if half := len(signature) / 2; half > 0 && len(signature)%2 == 0 {
		out = append(out, [2]*big.Int{
			new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]),
		})
	}
	return out
}
