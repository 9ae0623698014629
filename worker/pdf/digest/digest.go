// Package digest knows the digests that signatures are made over, by every name that signers give them, and computes
// them over parts of a file without reading the file anew for each signature.
package digest

import (
	"crypto"
	_ "crypto/md5"  // for crypto.Hash to find it
	_ "crypto/sha1" // for crypto.Hash to find it
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"sync"

	_ "golang.org/x/crypto/ripemd160" //nolint:staticcheck // files were signed with it: crypto.Hash has to find it
)

// Names of digests, as the standards write them.
func names() map[crypto.Hash]string {
	return map[crypto.Hash]string{
		crypto.MD5: "MD5", crypto.SHA1: "SHA-1", crypto.RIPEMD160: "RIPEMD-160",
		crypto.SHA224: "SHA-224", crypto.SHA256: "SHA-256", crypto.SHA384: "SHA-384", crypto.SHA512: "SHA-512",
		crypto.SHA512_224: "SHA-512/224", crypto.SHA512_256: "SHA-512/256",
		crypto.SHA3_224: "SHA3-224", crypto.SHA3_256: "SHA3-256", crypto.SHA3_384: "SHA3-384", crypto.SHA3_512: "SHA3-512",
	}
}

// Name is what people call a digest; "" for one that is not known.
func Name(h crypto.Hash) string { return names()[h] }

// Weak says why a digest no longer protects what it covers; "" where it does.
func Weak(h crypto.Hash) string {
	switch h {
	case crypto.MD5:
		return "it uses MD5, which no longer protects against forgery"
	case crypto.SHA1:
		return "it uses SHA-1, which is no longer held to be safe"
	}
	return ""
}

// ByOID is the digest that an object identifier names, be it the digest's own or that of a signature made with it, as
// some signers write. False where it names none that can be computed here.
func ByOID(id string) (crypto.Hash, bool) {
	h, ok := oids()[id]
	return h, ok && h.Available()
}

// oids is read only.
var oids = sync.OnceValue(func() map[string]crypto.Hash {
	return map[string]crypto.Hash{
		"1.2.840.113549.2.5": crypto.MD5, "1.3.14.3.2.26": crypto.SHA1, "1.3.36.3.2.1": crypto.RIPEMD160,
		"2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384,
		"2.16.840.1.101.3.4.2.3": crypto.SHA512, "2.16.840.1.101.3.4.2.4": crypto.SHA224,
		"2.16.840.1.101.3.4.2.5": crypto.SHA512_224, "2.16.840.1.101.3.4.2.6": crypto.SHA512_256,
		"2.16.840.1.101.3.4.2.7": crypto.SHA3_224, "2.16.840.1.101.3.4.2.8": crypto.SHA3_256,
		"2.16.840.1.101.3.4.2.9": crypto.SHA3_384, "2.16.840.1.101.3.4.2.10": crypto.SHA3_512,

		// RSA with a digest.
		"1.2.840.113549.1.1.4": crypto.MD5, "1.2.840.113549.1.1.5": crypto.SHA1, "1.3.14.3.2.29": crypto.SHA1,
		"1.2.840.113549.1.1.11": crypto.SHA256, "1.2.840.113549.1.1.12": crypto.SHA384,
		"1.2.840.113549.1.1.13": crypto.SHA512, "1.2.840.113549.1.1.14": crypto.SHA224,
		"1.2.840.113549.1.1.15": crypto.SHA512_224, "1.2.840.113549.1.1.16": crypto.SHA512_256,
		"1.3.36.3.3.1.2":          crypto.RIPEMD160,
		"2.16.840.1.101.3.4.3.13": crypto.SHA3_224, "2.16.840.1.101.3.4.3.14": crypto.SHA3_256,
		"2.16.840.1.101.3.4.3.15": crypto.SHA3_384, "2.16.840.1.101.3.4.3.16": crypto.SHA3_512,

		// ECDSA with a digest, and its plain form (BSI TR-03111).
		"1.2.840.10045.4.1": crypto.SHA1, "1.2.840.10045.4.3.1": crypto.SHA224, "1.2.840.10045.4.3.2": crypto.SHA256,
		"1.2.840.10045.4.3.3": crypto.SHA384, "1.2.840.10045.4.3.4": crypto.SHA512,
		"2.16.840.1.101.3.4.3.9": crypto.SHA3_224, "2.16.840.1.101.3.4.3.10": crypto.SHA3_256,
		"2.16.840.1.101.3.4.3.11": crypto.SHA3_384, "2.16.840.1.101.3.4.3.12": crypto.SHA3_512,
		"0.4.0.127.0.7.1.1.4.1.1": crypto.SHA1, "0.4.0.127.0.7.1.1.4.1.2": crypto.SHA224,
		"0.4.0.127.0.7.1.1.4.1.3": crypto.SHA256, "0.4.0.127.0.7.1.1.4.1.4": crypto.SHA384,
		"0.4.0.127.0.7.1.1.4.1.5": crypto.SHA512, "0.4.0.127.0.7.1.1.4.1.6": crypto.RIPEMD160,
		"0.4.0.127.0.7.1.1.4.1.8": crypto.SHA3_224, "0.4.0.127.0.7.1.1.4.1.9": crypto.SHA3_256,
		"0.4.0.127.0.7.1.1.4.1.10": crypto.SHA3_384, "0.4.0.127.0.7.1.1.4.1.11": crypto.SHA3_512,

		// DSA with a digest.
		"1.2.840.10040.4.3": crypto.SHA1, "1.3.14.3.2.27": crypto.SHA1, "2.16.840.1.101.3.4.3.1": crypto.SHA224,
		"2.16.840.1.101.3.4.3.2": crypto.SHA256, "2.16.840.1.101.3.4.3.3": crypto.SHA384,
		"2.16.840.1.101.3.4.3.4": crypto.SHA512, "2.16.840.1.101.3.4.3.5": crypto.SHA3_224,
		"2.16.840.1.101.3.4.3.6": crypto.SHA3_256, "2.16.840.1.101.3.4.3.7": crypto.SHA3_384,
		"2.16.840.1.101.3.4.3.8": crypto.SHA3_512,
	}
})

// Of is the digest of bytes at hand.
func Of(h crypto.Hash, b []byte) []byte {
	d := h.New()
	d.Write(b) //nolint:errcheck // a hash never fails
	return d.Sum(nil)
}
