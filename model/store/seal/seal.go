// Package seal packs what the store puts away: bodies are compressed, and what is secret is encrypted under the
// installation key.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"countersign/model/store/seal/frame"
)

// The first byte of a packed body says how it rests.
const (
	packedPlain = 0
	packedZstd  = 1
	packedSeal  = 2 // added to one of the above
)

// smallBody is where compressing begins to pay.
const smallBody = 160

// largestScratch is the most bytes that are kept to be written into again.
const largestScratch = 64 << 10

// largestBody bounds what unpacking may take, whatever the bytes say.
const largestBody = 256 << 20

// Box compresses bodies and encrypts what is secret under the installation key.
type Box struct {
	aead cipher.AEAD   // nil without a key
	old  []cipher.AEAD // of the keys before
	enc  *zstd.Encoder

	scratches sync.Pool // what bodies are compressed into: what is kept of them is as long as it came out

	mu    sync.Mutex // of what follows, where it changes
	known [][]byte   // dictionaries
	dec   atomic.Pointer[zstd.Decoder]
}

// Dictionary is one that a Box knows.
type Dictionary struct {
	N     uint32 // its number
	Bytes []byte
	small *frame.Encoder                // of bodies that are no larger than others; nil: it does not take the dictionary
	enc   func() (*zstd.Encoder, error) // of the rest, made when the first of them comes
}

// ErrDictionary says that a body rests by a dictionary that the Box has not learnt.
var ErrDictionary = zstd.ErrUnknownDictionary

// ErrKey says that none of the keys opens what was sealed, or that there is none.
var ErrKey = errors.New("the installation key does not fit: was key_file replaced?")

// New makes a box that seals under key, of 32 bytes, and opens what key or one of the old keys has sealed. Without a
// key it does neither, and packs and unpacks what is plain.
func New(key []byte, old ...[]byte) (*Box, error) {
	b := &Box{}
	var err error
	if b.enc, err = encoder(); err != nil {
		return nil, err
	}
	if err = b.decodeBy(nil); err != nil || len(key) == 0 {
		return b, err
	}
	if b.aead, err = aeadOf(key); err != nil {
		return nil, err
	}
	for _, k := range old {
		a, err := aeadOf(k)
		if err != nil {
			return nil, err
		}
		b.old = append(b.old, a)
	}
	return b, nil
}

func encoder(more ...zstd.EOption) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, append(more, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2),
		zstd.WithWindowSize(64<<10), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))...)
}

func (b *Box) decodeBy(dictionaries [][]byte) error {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(largestBody),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderDicts(dictionaries...))
	if err == nil {
		b.dec.Store(dec) // the one before may be in use, and holds nothing that must be closed
	}
	return err
}

// Learn makes a dictionary known, for packing by it and for unpacking what was packed by it.
func (b *Box) Learn(dictionary []byte) (*Dictionary, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.known, func(k []byte) bool { return bytes.Equal(k, dictionary) }) {
		known := append(slices.Clone(b.known), dictionary)
		if err := b.decodeBy(known); err != nil {
			return nil, err
		}
		b.known = known
	}
	read, err := zstd.InspectDictionary(dictionary)
	if err != nil {
		return nil, err
	}
	small, err := frame.New(dictionary)
	if err != nil {
		small = nil
	}
	return &Dictionary{read.ID(), dictionary, small, sync.OnceValues(func() (*zstd.Encoder, error) {
		return encoder(zstd.WithEncoderDict(dictionary))
	})}, nil
}

func aeadOf(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("installation key has %d bytes, want 32", len(key))
	}
	mac := hmac.New(sha256.New, key) // one key, one use
	mac.Write([]byte("countersign store v1"))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// HasKey says whether anything can be encrypted or decrypted.
func (b *Box) HasKey() bool { return b.aead != nil }

// Pack compresses a body and, with seal, encrypts it. about binds it to its row.
func (b *Box) Pack(body []byte, seal bool, about string) ([]byte, error) {
	return b.PackBy(nil, body, seal, about)
}

// PackBy is Pack by a dictionary; nil: by none.
func (b *Box) PackBy(d *Dictionary, body []byte, seal bool, about string) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	scratch, _ := b.scratches.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	defer b.scratches.Put(scratch)
	out := append((*scratch)[:0], packedPlain)
	if len(body) >= smallBody {
		out[0] = packedZstd
		var err error
		if out, err = b.compress(out, d, body); err != nil {
			return nil, err
		}
	}
	if len(body) < smallBody || len(out) > len(body) {
		out = append(append(out[:0], packedPlain), body...)
	}
	if cap(out) <= largestScratch {
		*scratch = out
	}
	if !seal {
		return bytes.Clone(out), nil
	}
	sealed, err := b.Seal(out, about)
	return append([]byte{packedSeal}, sealed...), err
}

// compress appends a body as a zstd frame, by a dictionary if there is one.
func (b *Box) compress(out []byte, d *Dictionary, body []byte) ([]byte, error) {
	if d == nil {
		return b.enc.EncodeAll(body, out), nil
	}
	if d.small != nil {
		if out, ok := d.small.Append(out, body); ok {
			return out, nil
		}
	}
	enc, err := d.enc()
	if err != nil {
		return nil, err
	}
	return enc.EncodeAll(body, out), nil
}

// Unpack is the reverse of pack.
func (b *Box) Unpack(packed []byte, about string) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	kind, rest := packed[0], packed[1:]
	switch kind {
	case packedPlain:
		return append([]byte{}, rest...), nil
	case packedZstd:
		return b.dec.Load().DecodeAll(rest, []byte{})
	case packedSeal:
		inner, err := b.Open(rest, about)
		if err != nil {
			return nil, err
		}
		if len(inner) > 0 && inner[0] == packedSeal {
			return nil, errors.New("a body is sealed twice")
		}
		return b.Unpack(inner, about)
	}
	return nil, fmt.Errorf("a body rests in an unknown form %d", kind)
}

// Seal encrypts a secret; about must be the same when it is opened.
func (b *Box) Seal(secret []byte, about string) ([]byte, error) {
	if b.aead == nil {
		return nil, fmt.Errorf("nothing can be encrypted: %w", ErrKey)
	}
	return b.aead.Seal(nil, nil, secret, []byte(about)), nil
}

// Open decrypts what any of the keys has sealed; ErrKey if none has.
func (b *Box) Open(sealed []byte, about string) ([]byte, error) {
	if b.aead == nil {
		return nil, ErrKey
	}
	out, _, err := b.OpenAny(sealed, about)
	return out, err
}

// OpenAny opens what any of the keys has sealed, and says whether it was the current one.
func (b *Box) OpenAny(sealed []byte, about string) (out []byte, current bool, err error) {
	if out, err = b.aead.Open(nil, nil, sealed, []byte(about)); err == nil {
		return out, true, nil
	}
	for _, a := range b.old {
		if out, err = a.Open(nil, nil, sealed, []byte(about)); err == nil {
			return out, false, nil
		}
	}
	return nil, false, ErrKey
}
