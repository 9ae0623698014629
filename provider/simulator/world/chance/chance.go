// Package chance makes streams of chance from a seed, and values from a stream.
package chance

import "math/rand/v2"

// Source is a stream of chance of its own, by the seed and a name.
func Source(seed uint64, name string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(name) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}

// Shuffled is a deck in another order.
func Shuffled(deck []string, r *rand.Rand) []string {
	out := append([]string{}, deck...)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// Pick takes one of several.
func Pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// Letters makes n characters of an alphabet.
func Letters(r *rand.Rand, n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// Alphabets for letters.
const (
	HexDigits = "0123456789abcdef"
	Base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	Alphanum  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// UUID is an id in the form of a random UUID.
func UUID(r *rand.Rand) string {
	h := Letters(r, 32, HexDigits)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// Bytes are n bytes of chance.
func Bytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
