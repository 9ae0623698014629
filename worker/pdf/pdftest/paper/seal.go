package paper

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"sync"
	"time"
)

// Noon is when all that is signed here was signed.
var Noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// Signer is a throwaway key with a certificate that it issued itself.
type Signer struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
	err  error
}

// throwaway is the key of all signers: keys take long, and nobody trusts this one.
var throwaway = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

var (
	signersLock sync.Mutex
	signers     = map[string]Signer{}
)

// By returns the signer of a name, always the same in one process.
func By(name string) Signer {
	signersLock.Lock()
	defer signersLock.Unlock()
	if s, ok := signers[name]; ok {
		return s
	}
	s := newSigner(name)
	signers[name] = s
	return s
}

func newSigner(name string) (s Signer) {
	if s.key, s.err = throwaway(); s.err != nil {
		return s
	}
	c := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(name)), BasicConstraintsValid: true,
		Subject:   pkix.Name{CommonName: name, Organization: []string{"Throwaway"}},
		NotBefore: Noon.AddDate(0, -1, 0), NotAfter: Noon.AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	if name == stamper {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, s.key.Public(), s.key)
	if err != nil {
		return Signer{err: err}
	}
	s.cert, s.err = x509.ParseCertificate(der)
	return s
}

// Certificate is the signer's certificate, DER.
func (s Signer) Certificate() []byte {
	if s.cert == nil {
		return nil
	}
	return s.cert.Raw
}

// stamper is who makes time stamps.
const stamper = "Throwaway Time"

var (
	oidData         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidStampInfo    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidDigest       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidCertificate2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidSHA256       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
)

// der writes a value; the values here always can be written.
func der(v any) []byte {
	out, err := asn1.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}

func seq(class, tag int, bodies ...[]byte) []byte {
	return der(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: slices.Concat(bodies...)})
}

func sequence(bodies ...[]byte) []byte { return seq(0, asn1.TagSequence, bodies...) }
func set(bodies ...[]byte) []byte      { return seq(0, asn1.TagSet, bodies...) }

// message is what a CMS message says besides its signature.
type message struct {
	kind     asn1.ObjectIdentifier
	content  []byte // carried in the message; nil: detached
	digest   []byte
	cades    bool // names its certificate in a signed attribute, and no time
	unsorted bool // the signed attributes stand in another order than DER asks for
}

// sign makes a CMS message.
func (s Signer) sign(m message) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	attrs := [][]byte{
		sequence(der(oidContentType), set(der(m.kind))),
		sequence(der(oidDigest), set(der(m.digest))),
	}
	if m.cades || m.kind.Equal(oidStampInfo) {
		sum := sha256.Sum256(s.cert.Raw)
		attrs = append(attrs, sequence(der(oidCertificate2), set(sequence(sequence(sequence(der(sum[:])))))))
	} else {
		attrs = append(attrs, sequence(der(oidSigningTime), set(der(Noon))))
	}
	slices.SortFunc(attrs, slices.Compare[[]byte])
	if m.unsorted {
		slices.Reverse(attrs)
	}
	digest := sha256.Sum256(set(attrs...))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	alg := der(pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue})
	info := sequence(der(1), sequence(s.cert.RawIssuer, der(s.cert.SerialNumber)), alg,
		seq(asn1.ClassContextSpecific, 0, attrs...),
		der(pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}), der(signature))
	inner, version := der(m.kind), 1
	if m.content != nil {
		inner = append(inner, seq(asn1.ClassContextSpecific, 0, der(m.content))...)
		version = 3
	}
	return sequence(der(oidSignedData), seq(asn1.ClassContextSpecific, 0, sequence(der(version), set(alg),
		sequence(inner), seq(asn1.ClassContextSpecific, 0, s.cert.Raw), set(info)))), nil
}

// stamp makes a time stamp over what a digest is of.
func (s Signer) stamp(digest []byte) ([]byte, error) {
	alg := der(pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue})
	at := asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte(Noon.Add(time.Minute).Format("20060102150405Z"))}
	content := sequence(der(1), der(asn1.ObjectIdentifier{1, 2, 3}), sequence(alg, der(digest)), der(big.NewInt(1)),
		der(at))
	sum := sha256.Sum256(content)
	return s.sign(message{kind: oidStampInfo, content: content, digest: sum[:]})
}
