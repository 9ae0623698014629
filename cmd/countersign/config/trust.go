package config

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"strings"

	"countersign/cmd/countersign/config/tree"
	"countersign/model"
)

// Trust names the certificates that an account's files are sealed with, or the roots above them.
type Trust struct {
	Certificates string `yaml:"certificates"`

	list [][]byte // as DER
}

// Trusted are the certificates that the account trusts, as DER; none where it names no file.
func (a *Account) Trusted() [][]byte { return a.Trust.list }

// Expectation is what the account expects of its signed files: what it says, or else what its provider is known to do.
func (a *Account) Expectation() model.Expectation {
	known := model.SignaturesIfPresent
	if a.traits.Seals {
		known = model.SignaturesRequired
	}
	return model.Expectation(cmp.Or(a.Signatures, string(known)))
}

// mostTrust is more than any list of certificates takes.
const mostTrust = 1 << 20

// checkTrust reads the certificates. Who only reads the database may lack the right to.
func (r *checker) checkTrust(a *Account) {
	path, file := a.at+".trust.certificates", a.Trust.Certificates
	if file == "" {
		return
	}
	text, err := tree.ReadRegular(file, mostTrust)
	if err != nil {
		r.wrong(path, "%v", err)
		r.found[len(r.found)-1].Secret = true
		return
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			r.wrong(path, "%s holds a private key, which nobody needs for this: leave the certificates in it alone", file)
			return
		case block.Type != "CERTIFICATE":
		case !isCertificate(block.Bytes):
			r.wrong(path, "certificate %d in %s cannot be read: was it copied whole?", len(a.Trust.list)+1, file)
			return
		default:
			a.Trust.list = append(a.Trust.list, block.Bytes)
		}
	}
	if len(a.Trust.list) == 0 {
		r.wrong(path, "%s holds no certificate: PEM is wanted, which begins with -----BEGIN CERTIFICATE-----", file)
	}
}

// isCertificate says whether bytes are a certificate, as far as they must be: some that are in use have serial numbers
// and names that the library refuses.
func isCertificate(der []byte) bool {
	if _, err := x509.ParseCertificate(der); err == nil {
		return true
	}
	var form struct {
		Body, Algorithm asn1.RawValue
		Signature       asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &form)
	return err == nil && len(rest) == 0 && form.Body.Tag == asn1.TagSequence
}
