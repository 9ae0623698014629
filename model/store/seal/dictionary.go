package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"

	"countersign/model/store/seal/frame"
)

// Sample is the content of one callback and the transaction that it is about.
type Sample struct {
	About   string
	Content []byte
}

const (
	dictionarySize = 16 << 10
	firstID        = 32768 // those below are for dictionaries that the world shares
	fewest         = 8     // transactions in which a word must stand to get into a dictionary, and one in share of all
	share          = 20
)

// Train makes a dictionary out of samples. What goes in are words that stand in many transactions, and
// no address: names and ids of one transaction are replaced by letters drawn at random first, so that what forget takes
// away does not live on in a dictionary.
func Train(samples []Sample) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // the builder is young
			out, err = nil, fmt.Errorf("train a dictionary: %v", r)
		}
	}()
	veiled := veil(samples)
	out, err = dict.BuildZstdDict(veiled, dict.Options{
		MaxDictSize: dictionarySize, HashBytes: 6, ZstdDictID: firstID, ZstdLevel: zstd.SpeedFastest,
	})
	if err != nil {
		return nil, fmt.Errorf("train a dictionary: %w", err)
	}
	if out, err = frame.Tune(out, veiled); err != nil {
		return nil, fmt.Errorf("train a dictionary: %w", err)
	}
	binary.LittleEndian.PutUint32(out[4:], numberOf(out)) // where zstd's form has it
	return out, try(out, samples)
}

// numberOf is a number that no other dictionary has: bodies name it, and a database may be put in another's place. It is
// not of the samples, since the builder makes another dictionary of the same ones each time.
func numberOf(dictionary []byte) uint32 {
	h := sha256.Sum256(dictionary)
	return firstID + binary.BigEndian.Uint32(h[:])>>1
}

// try says whether samples come out as they went in, and smaller.
func try(dictionary []byte, samples []Sample) error {
	b, err := New(nil)
	if err != nil {
		return err
	}
	d, err := b.Learn(dictionary)
	if err != nil {
		return err
	}
	var with, without int
	for _, s := range samples {
		small, err := b.PackBy(d, s.Content, false, "")
		if err != nil {
			return err
		}
		plain, err := b.Pack(s.Content, false, "")
		if err != nil {
			return err
		}
		with, without = with+len(small), without+len(plain)
		back, err := b.Unpack(small, "")
		if err != nil || !bytes.Equal(back, s.Content) {
			return fmt.Errorf("a dictionary gives back something else: %w", errors.Join(err))
		}
	}
	if with > without-without/20 {
		return errors.New("a dictionary does not pay")
	}
	return nil
}

// veil replaces what stands in few transactions.
func veil(samples []Sample) [][]byte {
	about := map[string]map[string]bool{}
	all := map[string]bool{}
	for _, s := range samples {
		all[s.About] = true
		for word := range words(s.Content) {
			w := string(word)
			if about[w] == nil {
				about[w] = map[string]bool{}
			}
			about[w][s.About] = true
		}
	}
	least := max(fewest, len(all)/share)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // any letters will do
	out := make([][]byte, len(samples))
	for i, s := range samples {
		content := bytes.Clone(s.Content)
		for word := range words(content) {
			if len(about[string(word)]) < least || bytes.IndexByte(word, '@') >= 0 {
				for j, c := range word {
					word[j] = otherLetter(random, c)
				}
			}
		}
		out[i] = content
	}
	return out
}

// words yields the runs of letters, digits and what addresses have between them.
func words(content []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		from := -1
		for i := 0; i <= len(content); i++ {
			in := i < len(content) && inWord(content[i])
			if in && from < 0 {
				from = i
			}
			if !in && from >= 0 {
				if !yield(content[from:i]) {
					return
				}
				from = -1
			}
		}
	}
}

func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80 ||
		strings.IndexByte("@.-_+%=", c) >= 0
}

// otherLetter is a letter of the same kind.
func otherLetter(random *rand.Rand, c byte) byte {
	letters := ""
	switch {
	case c >= '0' && c <= '9':
		letters = "0123456789abcdef"
	case c >= 'a' && c <= 'f':
		letters = "0123456789abcdef"
	case c >= 'a' && c <= 'z', c >= 0x80:
		letters = "abcdefghijklmnopqrstuvwxyz"
	case c >= 'A' && c <= 'Z':
		letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	default:
		return c
	}
	return letters[random.IntN(len(letters))]
}
