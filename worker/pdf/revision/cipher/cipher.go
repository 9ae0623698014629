// Package cipher decrypts PDF files that open without a password (ISO 32000-2, 7.6): the standard security handler with
// an empty user password, RC4 and AES.
package cipher

import (
	"bytes"
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/md5" //nolint:gosec // what the format prescribes
	"crypto/rc4" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"
)

var (
	// ErrPassword says that the file opens with a password only.
	ErrPassword = errors.New("the file needs a password")
	// ErrCertificate says that the file opens only for the owners of certain certificates.
	ErrCertificate = errors.New("the file is encrypted for certain certificates")
	// ErrUnknown says that the file is encrypted in a way that is not known here.
	ErrUnknown = errors.New("the file is encrypted in a way that is not known here")
)

// Method is how data is encrypted.
type Method int

// The methods.
const (
	Identity Method = iota // not at all
	RC4
	AES128
	AES256
)

// Settings are what a file's encryption dictionary says.
type Settings struct {
	Handler          string // Standard, or another
	V, R, Bits       int
	P                int64
	O, U, UE         []byte
	ID               []byte // the first part of the file's identifier
	PlainMetadata    bool
	Streams, Strings Method // of V4 and V5
}

// Key decrypts a file.
type Key struct {
	key              []byte
	streams, strings Method
}

// padding is what the format appends to a password.
var padding = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

// Open makes the key of a file whose user password is empty.
func Open(s Settings) (*Key, error) {
	switch {
	case s.Handler == "Adobe.PubSec" || s.Handler == "AdobePPKLite" || s.Handler == "Adobe.PPKLite":
		return nil, ErrCertificate
	case s.Handler != "Standard":
		return nil, ErrUnknown
	case s.V == 1 || s.V == 2:
		s.Streams, s.Strings = RC4, RC4
	case s.V != 4 && s.V != 5:
		return nil, ErrUnknown
	}
	k := &Key{streams: s.Streams, strings: s.Strings}
	var err error
	if s.V == 5 {
		k.key, err = key256(s)
	} else {
		k.key, err = key128(s)
	}
	return k, err
}

func key128(s Settings) ([]byte, error) {
	n := s.Bits / 8
	if s.V == 1 || n == 0 {
		n = 5
	}
	if s.V == 4 {
		n = 16
	}
	if n < 5 || n > 16 || len(s.O) < 32 || len(s.U) < 16 {
		return nil, ErrUnknown
	}
	h := md5.New() //nolint:gosec // what the format prescribes
	h.Write(padding)
	h.Write(s.O[:32])
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(s.P))) //nolint:gosec // its low half is meant
	h.Write(s.ID)
	if s.R >= 4 && s.PlainMetadata {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key := h.Sum(nil)
	if s.R >= 3 {
		for range 50 {
			sum := md5.Sum(key[:n]) //nolint:gosec // as above
			key = sum[:]
		}
	}
	key = key[:n]
	if !bytes.Equal(userEntry(key, s)[:16], s.U[:16]) {
		return nil, ErrPassword
	}
	return key, nil
}

// userEntry is what the dictionary says in U where the password is empty.
func userEntry(key []byte, s Settings) []byte {
	if s.R < 3 {
		return xorRC4(key, padding)
	}
	sum := md5.Sum(append(bytes.Clone(padding), s.ID...)) //nolint:gosec // as above
	out := sum[:]
	for i := range 20 {
		k := bytes.Clone(key)
		for j := range k {
			k[j] ^= byte(i)
		}
		out = xorRC4(k, out)
	}
	return out
}

func xorRC4(key, in []byte) []byte {
	c, err := rc4.NewCipher(key) //nolint:gosec // as above
	if err != nil {
		return bytes.Clone(in)
	}
	out := make([]byte, len(in))
	c.XORKeyStream(out, in)
	return out
}

func key256(s Settings) ([]byte, error) {
	if len(s.U) < 48 || len(s.UE) < 32 || s.R != 5 && s.R != 6 {
		return nil, ErrUnknown
	}
	sum := sum5
	if s.R == 6 {
		sum = sum6
	}
	if !bytes.Equal(sum(s.U[32:40]), s.U[:32]) {
		return nil, ErrPassword
	}
	block, err := aes.NewCipher(sum(s.U[40:48]))
	if err != nil {
		return nil, ErrUnknown
	}
	key := make([]byte, 32)
	stdcipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(key, s.UE[:32])
	return key, nil
}

func sum5(salt []byte) []byte {
	sum := sha256.Sum256(salt)
	return sum[:]
}

// sum6 is the slow sum of the sixth revision (algorithm 2.B) of an empty password.
func sum6(salt []byte) []byte {
	k := sum5(salt)
	for i := 0; ; i++ {
		in := bytes.Repeat(k, 64)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil
		}
		stdcipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(in, in)
		mod := 0
		for _, b := range in[:16] {
			mod += int(b)
		}
		h := []func() hash.Hash{sha256.New, sha512.New384, sha512.New}[mod%3]()
		h.Write(in)
		k = h.Sum(nil)
		if i >= 63 && int(in[len(in)-1]) <= i-31 {
			return k[:32]
		}
	}
}

// Text decrypts a string of an object.
func (k *Key) Text(in []byte, num, gen int) []byte { return k.open(k.strings, in, num, gen) }

// Data decrypts a stream's data.
func (k *Key) Data(in []byte, num, gen int) []byte { return k.open(k.streams, in, num, gen) }

func (k *Key) open(m Method, in []byte, num, gen int) []byte {
	switch m {
	case RC4:
		return xorRC4(k.of(num, gen, ""), in)
	case AES128:
		return openAES(k.of(num, gen, "sAlT"), in)
	case AES256:
		return openAES(k.key, in)
	}
	return in
}

// of is the key of one object.
func (k *Key) of(num, gen int, salt string) []byte {
	in := append(bytes.Clone(k.key), byte(num), byte(num>>8), byte(num>>16), byte(gen), byte(gen>>8))
	sum := md5.Sum(append(in, salt...)) //nolint:gosec // as above
	return sum[:min(len(k.key)+5, 16)]
}

// openAES decrypts data that begins with its initial vector and ends with padding; what does not fit is left out.
func openAES(key, in []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil || len(in) < 2*aes.BlockSize {
		return nil
	}
	iv, body := in[:aes.BlockSize], in[aes.BlockSize:]
	out := make([]byte, len(body)/aes.BlockSize*aes.BlockSize)
	stdcipher.NewCBCDecrypter(block, iv).CryptBlocks(out, body[:len(out)])
	if n := int(out[len(out)-1]); n >= 1 && n <= aes.BlockSize {
		out = out[:len(out)-n]
	}
	return out
}
