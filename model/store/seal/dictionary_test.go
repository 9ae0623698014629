package seal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// samples are callbacks about transactions, each of which names a person of its own, and all the same owner.
func samples(from, n int) (out []Sample) {
	for i := from; i < from+n; i++ {
		about := fmt.Sprintf("ref-%016x", uint64(i/4+1)*0x9E3779B97F4A7C15)
		out = append(out, Sample{about, fmt.Appendf(nil, `{"type":"recipient_submitted","created":"2026-01-31T12:%02d:00Z",`+
			`"data":{"id":%q,"status":"started","started_by":{"email":"owner@office.example"},"recipient":{"name":"Person%dx",`+
			`"email":"p%d@clients.example","role":"signer"},"message":"please review and sign the lease agreement before the end"}}`,
			i%60, about, i/4, i/4)})
	}
	return out
}

func TestADictionaryPaysAndHoldsNobodysName(t *testing.T) {
	t.Parallel()
	learnt := samples(0, 256)
	d, err := Train(learnt)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"owner@office", "clients.example", "ref-", "Person"} {
		if bytes.Contains(d, []byte(secret)) {
			t.Errorf("%q stands in the dictionary", secret)
		}
	}
	b, err := New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	by, err := b.Learn(d)
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, seal := range []bool{false, true} {
		for _, s := range samples(1000, 4) {
			small, err := b.PackBy(by, s.Content, seal, "x")
			if err != nil {
				t.Fatal(err)
			}
			plain, err := b.Pack(s.Content, seal, "x")
			if err != nil {
				t.Fatal(err)
			}
			if len(small) > len(plain)*2/3 {
				t.Errorf("%d bytes by the dictionary, %d without", len(small), len(plain))
			}
			for _, packed := range [][]byte{small, plain} {
				if back, err := b.Unpack(packed, "x"); err != nil || !bytes.Equal(back, s.Content) {
					t.Errorf("unpacked as %q, %v", back, err)
				}
			}
			if _, err := other.Unpack(small, "x"); !errors.Is(err, ErrDictionary) {
				t.Errorf("without the dictionary: %v", err)
			}
		}
	}
	if _, err := other.Learn(d); err != nil {
		t.Fatal(err)
	}
	small, err := b.PackBy(by, learnt[0].Content, false, "x")
	if err != nil {
		t.Fatal(err)
	}
	if back, err := other.Unpack(small, "x"); err != nil || !bytes.Equal(back, learnt[0].Content) {
		t.Errorf("another that has learnt it: %q, %v", back, err)
	}
}

// The builder makes another dictionary of the same samples: a body must not name one and be packed by the other.
func TestDictionariesOfTheSameCallbacksHaveNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[uint32][]byte{}
	for range 8 {
		d, err := Train(samples(0, 256))
		if err != nil {
			t.Fatal(err)
		}
		read, err := zstd.InspectDictionary(d)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[read.ID()]; ok && !bytes.Equal(other, d) {
			t.Fatalf("%d is the number of two dictionaries", read.ID())
		}
		seen[read.ID()] = d
	}
}

// What the writer of small frames does not take is no reason to leave what rests by it unread.
func TestADictionaryThatIsTooLongForSmallFramesServesAllTheSame(t *testing.T) {
	t.Parallel()
	d, err := Train(samples(0, 256))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	tail := make([]byte, 70<<10)
	for i := range tail {
		tail[i] = byte(random.Uint32())
	}
	b, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	by, err := b.Learn(append(d, tail...))
	if err != nil {
		t.Fatal(err)
	}
	body := tail[len(tail)-1000:] // within the window
	packed, err := b.PackBy(by, body, false, "x")
	if err != nil || len(packed) > len(body)/2 {
		t.Fatalf("%d bytes by the dictionary: %v", len(packed), err)
	}
	if back, err := b.Unpack(packed, "x"); err != nil || !bytes.Equal(back, body) {
		t.Errorf("%d bytes come back: %v", len(back), err)
	}
}

func TestADictionaryThatDoesNotPayIsNone(t *testing.T) {
	t.Parallel()
	var odd []Sample
	for i := range 256 {
		odd = append(odd, Sample{fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, 200+i)})
	}
	for name, list := range map[string][]Sample{"none": nil, "one": samples(0, 1), "nothing in common": odd} {
		if _, err := Train(list); err == nil {
			t.Errorf("%s: a dictionary was made", name)
		}
	}
}
