package digest

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// counted counts the bytes that are read.
type counted struct {
	io.ReaderAt
	read int64
}

func (c *counted) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, at)
	c.read += int64(n)
	return n, err
}

// paper is bytes of no meaning.
func paper(size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b) //nolint:errcheck // it never fails
	return b
}

func TestAPartsDigestIsThatOfItsBytes(t *testing.T) {
	t.Parallel()
	b := paper(1 << 20)
	f := NewFile(bytes.NewReader(b), int64(len(b)))
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		gap, end := r.Int64N(1<<20), r.Int64N(1<<20)
		gap, end = min(gap, end), max(gap, end)
		from := gap + r.Int64N(end-gap+1)
		part := f.Part(0, gap, from, end-from)
		want := slices.Concat(b[:gap], b[from:end])
		for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA1, crypto.SHA3_256, crypto.RIPEMD160} {
			got, err := part.Digest(h)
			if err != nil || !bytes.Equal(got, Of(h, want)) {
				t.Fatalf("%s of [0 %d %d %d]: %x, %v", Name(h), gap, from, end-from, got, err)
			}
			if h == crypto.SHA256 {
				f.read = 0
			}
		}
		if got, err := part.Bytes(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("bytes of [0 %d %d %d] differ: %v", gap, from, end-from, err)
		}
		f.read = 0
	}
	if got, err := f.Part(5, 3).Digest(crypto.SHA256); err != nil || !bytes.Equal(got, Of(crypto.SHA256, b[5:8])) {
		t.Errorf("a part that begins later: %x, %v", got, err)
	}
}

func TestAPartBeyondTheFileIsRefused(t *testing.T) {
	t.Parallel()
	f := NewFile(bytes.NewReader(make([]byte, 10)), 10)
	for _, spans := range [][]int64{nil, {0}, {0, 11}, {-1, 3}, {5, 6}, {0, 1, 9, 2}, {0, -1}, {1 << 62, 1 << 62}} {
		if _, err := f.Part(spans...).Digest(crypto.SHA256); err == nil {
			t.Errorf("%v has a digest", spans)
		}
		if _, err := f.Part(spans...).Bytes(); err == nil {
			t.Errorf("%v has bytes", spans)
		}
	}
}

func TestManySignaturesReadTheFileAboutOnce(t *testing.T) {
	t.Parallel()
	b := paper(10 << 20)
	for name, order := range map[string]func(i int) int{
		"in order": func(i int) int { return i }, "backwards": func(i int) int { return 99 - i },
	} {
		c := &counted{ReaderAt: bytes.NewReader(b)}
		f := NewFile(c, int64(len(b)))
		for i := range 100 {
			end := int64(order(i)+1) * int64(len(b)) / 100
			if _, err := f.Part(0, end-9000, end-1000, 1000).Digest(crypto.SHA256); err != nil {
				t.Fatal(err)
			}
		}
		if c.read > int64(len(b))*2 {
			t.Errorf("%s: %d bytes of a file of %d are read", name, c.read, len(b))
		}
	}
}

func TestSignaturesThatWouldReadTheFileTooOftenAreRefused(t *testing.T) {
	t.Parallel()
	b := paper(4 << 20)
	f := NewFile(bytes.NewReader(b), int64(len(b)))
	for i := range int64(1000) {
		if _, err := f.Part(0, i, i+1, int64(len(b))-i-1).Digest(crypto.SHA256); errors.Is(err, ErrTooMuch) {
			return
		}
	}
	t.Error("a file of 4 MB is read a thousand times")
}

func TestEveryNameIsOfADigestThatCanBeComputed(t *testing.T) {
	t.Parallel()
	for id := range oids() {
		h, ok := ByOID(id)
		if !ok || Name(h) == "" || len(Of(h, nil)) != h.Size() {
			t.Errorf("%s: %v, %v", id, h, ok)
		}
	}
	if _, ok := ByOID("1.2.3"); ok {
		t.Error("1.2.3 is a digest")
	}
}

func BenchmarkHundredSignatures(b *testing.B) {
	for _, size := range []int{1 << 20, 100 << 20} {
		raw := paper(size)
		b.Run(fmt.Sprintf("%dMB", size>>20), func(b *testing.B) {
			for b.Loop() {
				f := NewFile(bytes.NewReader(raw), int64(size))
				for i := range int64(100) {
					end := (i + 1) * int64(size) / 100
					if _, err := f.Part(0, end-9000, end-1000, 1000).Digest(crypto.SHA256); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
