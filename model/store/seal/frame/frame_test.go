package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// letter is a body like those of services.
func letter(random *rand.Rand, size int) []byte {
	words := []string{"signer", "document", "envelope", "completed", "please", "review", "contract", "the", "of", "and"}
	out := fmt.Appendf(nil, `{"type":"recipient_completed","id":"%016x","data":{"status":"started","message":"`, random.Uint64())
	for len(out) < size {
		out = append(append(out, words[random.IntN(len(words))]...), ' ')
		if random.IntN(9) == 0 {
			out = fmt.Appendf(out, `","signer_id":"%x","at":%d,"text":"`, random.Uint64(), random.IntN(1e9))
		}
	}
	return append(out[:size-3], `"}}`...)
}

// built is a dictionary as the general builder makes it.
func built(t testing.TB) (d []byte, samples [][]byte) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	for range 256 {
		samples = append(samples, letter(random, 1200+random.IntN(1200)))
	}
	d, err := dict.BuildZstdDict(samples, dict.Options{MaxDictSize: 16 << 10, HashBytes: 6, ZstdDictID: 70000,
		ZstdLevel: zstd.SpeedFastest})
	require.NoError(t, err)
	return d, samples
}

func tuned(t testing.TB) []byte {
	t.Helper()
	d, err := Tune(built(t))
	require.NoError(t, err)
	return d
}

// pair is an encoder, and the general decoder that has the same dictionary.
type pair struct {
	*Encoder
	back *zstd.Decoder
}

func pairOf(t testing.TB, d []byte) pair {
	t.Helper()
	e, err := New(d)
	require.NoError(t, err)
	back, err := zstd.NewReader(nil, zstd.WithDecoderDicts(d), zstd.WithDecoderConcurrency(1))
	require.NoError(t, err)
	t.Cleanup(back.Close)
	return pair{e, back}
}

// reads tries a body: what was written must be read as it was.
func (p pair) reads(t *testing.T, body []byte) (size int, ok bool) {
	t.Helper()
	out, ok := p.Append([]byte("before"), body)
	require.True(t, bytes.HasPrefix(out, []byte("before")))
	if !ok {
		require.Len(t, out, len("before"))
		return 0, false
	}
	got, err := p.back.DecodeAll(out[len("before"):], nil)
	require.NoError(t, err)
	require.True(t, bytes.Equal(got, body))
	return len(out) - len("before"), true
}

func TestBodiesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	plain, _ := built(t)
	for name, p := range map[string]pair{"tuned": pairOf(t, tuned(t)), "as it was built": pairOf(t, plain)} {
		random := rand.New(rand.NewPCG(2, 2))
		for range 2000 {
			body := letter(random, 150+random.IntN(5000))
			size, ok := p.reads(t, body)
			require.True(t, ok, name)
			require.Less(t, size, len(body)*3/4, name)
		}
	}
}

// Bodies of any size and any bytes: what is not written is left to the general encoder.
func TestOddBodies(t *testing.T) {
	t.Parallel()
	p := pairOf(t, tuned(t))
	random := rand.New(rand.NewPCG(4, 4))
	noise := make([]byte, Largest+1)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for _, n := range []int{0, 1, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1023, 1024, 1025, 4095, 16383, 16384, 16385, Largest - 1, Largest} {
		p.reads(t, noise[:n])
		_, ok := p.reads(t, bytes.Repeat([]byte{'a'}, n))
		require.Equal(t, n >= least, ok, "%d times a", n)
		_, ok = p.reads(t, letter(random, max(n, 64)))
		require.True(t, ok, "a letter of %d bytes", n)
		p.reads(t, p.content[:min(n, len(p.content))])
		p.reads(t, append(letter(random, max(n/2, 64)), noise[:n/4]...))
	}
	_, ok := p.reads(t, bytes.Repeat([]byte{'a'}, Largest+1))
	require.False(t, ok)
}

// Many at once share an encoder.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := pairOf(t, tuned(t))
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, seed))
			for range 300 {
				body := letter(random, 150+random.IntN(3000))
				out, ok := p.Append(nil, body)
				got, err := p.back.DecodeAll(out, nil)
				if !ok || err != nil || !bytes.Equal(got, body) {
					t.Errorf("a body of %d bytes came back as %d: %v", len(body), len(got), err)
				}
			}
		})
	}
	wg.Wait()
}

// A dictionary that is cut off or altered is refused, or serves as what it is.
func TestOddDictionaries(t *testing.T) {
	t.Parallel()
	d := tuned(t)
	random := rand.New(rand.NewPCG(5, 5))
	served := 0
	try := func(odd []byte) {
		e, err := New(odd)
		if err != nil {
			return
		}
		back, err := zstd.NewReader(nil, zstd.WithDecoderDicts(odd), zstd.WithDecoderConcurrency(1))
		require.NoError(t, err)
		defer back.Close()
		served++
		pair{e, back}.reads(t, letter(random, 500))
	}
	for n := range len(d) {
		if n < 300 || n%997 == 0 {
			try(d[:n])
		}
	}
	for range 500 {
		odd := bytes.Clone(d)
		odd[random.IntN(300)] ^= byte(1 + random.IntN(255))
		try(odd)
	}
	require.Greater(t, served, 20)
	for _, n := range []int{0, 7, 8, 40, 100} {
		_, err := New(d[:n])
		require.Error(t, err, "%d bytes", n)
	}
}

func FuzzAppend(f *testing.F) {
	d := tuned(f)
	p := pairOf(f, d)
	f.Add([]byte("a body that is long enough to be written, and a body that is long enough to be written again"))
	f.Add(d[500:1500])
	f.Fuzz(func(t *testing.T, body []byte) { p.reads(t, body) })
}

func BenchmarkFrame(b *testing.B) {
	d := tuned(b)
	e, err := New(d)
	require.NoError(b, err)
	general, err := zstd.NewWriter(nil, zstd.WithEncoderDict(d), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(64<<10), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	require.NoError(b, err)
	random := rand.New(rand.NewPCG(3, 3))
	var bodies [][]byte
	for range 512 {
		bodies = append(bodies, letter(random, 2048))
	}
	buf := make([]byte, 0, 4096)
	b.Run("ours", func(b *testing.B) {
		n, i := 0, 0
		for b.Loop() {
			out, ok := e.Append(buf, bodies[i&511])
			if !ok {
				b.Fatal("not written")
			}
			n += len(out)
			i++
		}
		b.ReportMetric(float64(n)/float64(i), "bytes")
	})
	b.Run("general", func(b *testing.B) {
		n, i := 0, 0
		for b.Loop() {
			n += len(general.EncodeAll(bodies[i&511], buf))
			i++
		}
		b.ReportMetric(float64(n)/float64(i), "bytes")
	})
}
