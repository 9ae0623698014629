package pdf

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// sealRoom is how many bytes a file leaves for its signature.
const sealRoom = 4096

// Keys is a throwaway key with its certificate, made when first used.
type Keys struct {
	pair func() (*rsa.PrivateKey, *x509.Certificate, error)
}

// NewKeys is a key that is made when it is first used.
func NewKeys() *Keys {
	made := time.Now()
	type pair struct {
		key  *rsa.PrivateKey
		cert *x509.Certificate
	}
	once := sync.OnceValues(func() (pair, error) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return pair{}, err
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(20260131), Subject: pkix.Name{CommonName: "Simulated signing service",
				Organization: []string{"countersign simulator"}},
			NotBefore: made.AddDate(-1, 0, 0), NotAfter: made.AddDate(50, 0, 0),
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return pair{}, err
		}
		cert, err := x509.ParseCertificate(der)
		return pair{key, cert}, err
	})
	return &Keys{pair: func() (*rsa.PrivateKey, *x509.Certificate, error) {
		p, err := once()
		return p.key, p.cert, err
	}}
}

// Certificate is the seal's, in PEM, for whoever wants to say that it is trusted.
func (k *Keys) Certificate() ([]byte, error) {
	_, c, err := k.pair()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), nil
}

// rangePlaceholder is as long as any byte range that may replace it.
func rangePlaceholder() string { return "/ByteRange [0 " + strings.Repeat("*", 32) + "]" }

// seal fills in the byte range and the signature. A file that cannot be signed stays as it is,
// which its receivers then find altered.
func (k *Keys) seal(file []byte, at time.Time) []byte {
	open := bytes.Index(file, []byte("/Contents <0")) + len("/Contents ")
	end := open + 2*sealRoom + 2
	placeholder := rangePlaceholder()
	text := fmt.Sprintf("/ByteRange [0 %d %d %d]", open, end, len(file)-end)
	text += strings.Repeat(" ", len(placeholder)-len(text))
	file = bytes.Replace(file, []byte(placeholder), []byte(text), 1)
	digest := sha256.New()
	digest.Write(file[:open])
	digest.Write(file[end:])
	signature, err := k.sign(digest.Sum(nil), at)
	if err != nil || len(signature) > sealRoom {
		return file
	}
	hex.Encode(file[open+1:], signature)
	return file
}

// The parts of a signature in the form of PKCS #7.
type (
	algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	attribute struct {
		ID     asn1.ObjectIdentifier
		Values asn1.RawValue
	}
	issuerSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	signerInfo struct {
		Version      int
		Issuer       issuerSerial
		Digest       algorithm
		Attributes   asn1.RawValue
		Encryption   algorithm
		EncryptedSum []byte
	}
	contentInfo struct {
		ID asn1.ObjectIdentifier
	}
	signedData struct {
		Version      int
		Digests      []algorithm `asn1:"set"`
		Content      contentInfo
		Certificates asn1.RawValue
		Signers      []signerInfo `asn1:"set"`
	}
	envelope struct {
		ID      asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}
)

func (k *Keys) sign(digest []byte, at time.Time) ([]byte, error) {
	key, cert, err := k.pair()
	if err != nil {
		return nil, err
	}
	pkcs9 := func(n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, n} }
	data := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	sha := algorithm{ID: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, Parameters: asn1.NullRawValue}
	attributes := []attribute{}
	for _, a := range []struct {
		id    asn1.ObjectIdentifier
		value any
	}{{pkcs9(3), data}, {pkcs9(5), at.UTC()}, {pkcs9(4), digest}} {
		value, err := asn1.Marshal(a.value)
		if err != nil {
			return nil, err
		}
		attributes = append(attributes, attribute{a.id, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: value}})
	}
	set, err := asn1.MarshalWithParams(attributes, "set")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(set)
	encrypted, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, err
	}
	var inner asn1.RawValue
	if _, err := asn1.Unmarshal(set, &inner); err != nil {
		return nil, err
	}
	return asn1.Marshal(envelope{ID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, Content: signedData{
		Version: 1, Digests: []algorithm{sha}, Content: contentInfo{data},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: cert.Raw},
		Signers: []signerInfo{{
			Version: 1, Issuer: issuerSerial{asn1.RawValue{FullBytes: cert.RawIssuer}, cert.SerialNumber}, Digest: sha,
			Attributes:   asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner.Bytes},
			Encryption:   algorithm{ID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue},
			EncryptedSum: encrypted,
		}},
	}})
}
