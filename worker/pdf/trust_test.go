package pdf

import (
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"countersign/model"
)

// What an account trusts decides the word of trust, and never whether the file is intact.
func TestTheAccountsCertificatesDecideTheTrust(t *testing.T) {
	ours := newSeal(t, noon.AddDate(0, -1, 0), noon.AddDate(1, 0, 0), false)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	another := newSealWith(t, key, noon.AddDate(0, -1, 0), noon.AddDate(1, 0, 0), false)
	raw := newPaper("lease").sign(t, ours, how{}).raw
	both := newPaper("lease").sign(t, another, how{}).sign(t, ours, how{}).raw
	for name, c := range map[string]struct {
		raw     []byte
		trusted [][]byte
		want    model.Trust
	}{
		"nothing is trusted":               {raw, nil, model.TrustUnknown},
		"the seal is trusted":              {raw, [][]byte{ours.certs[0].Raw}, model.TrustTrusted},
		"another is trusted":               {raw, [][]byte{another.certs[0].Raw}, model.TrustUntrusted},
		"no certificate":                   {raw, [][]byte{{1, 2, 3}}, model.TrustUnknown},
		"the last signer is trusted":       {both, [][]byte{ours.certs[0].Raw}, model.TrustTrusted},
		"only the first signer is trusted": {both, [][]byte{another.certs[0].Raw}, model.TrustUntrusted},
	} {
		f := Inspect(c.raw, c.trusted...).Facts
		same(t, name, []any{f.Signature, f.Trust}, []any{intact, c.want})
		if last := f.Signatures[len(f.Signatures)-1]; last.TrustNote == "" || len(last.Chain) != 1 ||
			last.Certificate().Subject == "" || last.Algorithm == "" {
			t.Errorf("%s: little is told of the signer: %+v", name, last)
		}
	}
}
