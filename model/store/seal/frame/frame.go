// Package frame writes the zstd frames of small bodies by a dictionary. A general encoder builds its tables anew for
// each frame, which takes longer than a body of a few kilobytes is worth; here the dictionary's own tables serve all. Any
// decoder of zstd that has the dictionary reads the frames.
package frame

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/huff0"
	"github.com/klauspost/compress/zstd"
)

// Largest is the most bytes that a body may have.
const Largest = 32 << 10

// least is the fewest bytes.
const least = 64

// Encoder writes frames by one dictionary. It is safe for concurrent use.
type Encoder struct {
	id       uint32
	content  []byte
	offsets  [3]int
	literals *huff0.Scratch // the dictionary's code of literals
	tables   [kinds]coder   // its codes of sequences
	at       [1 << hashBits]uint16
	spare    sync.Pool // of *work
}

// New reads a dictionary of zstd's form.
func New(dictionary []byte) (*Encoder, error) {
	read, err := zstd.InspectDictionary(dictionary)
	if err != nil {
		return nil, err
	}
	e := &Encoder{id: read.ID(), content: read.Content(), offsets: read.Offsets()}
	if len(e.content) < 8 || len(e.content) > 1<<16-8 {
		return nil, fmt.Errorf("a dictionary of %d bytes", len(e.content))
	}
	literals, rest, err := huff0.ReadTable(dictionary[8:], nil)
	if err != nil {
		return nil, err
	}
	e.literals = literals
	for _, kind := range [...]int{offset, match, literal} { // in the dictionary's order
		var norm []int
		var log int
		if norm, log, rest, err = readCounts(rest, kind); err != nil {
			return nil, err
		}
		e.tables[kind] = newCoder(norm, log, 3)
	}
	for i := range len(e.content) - 7 {
		e.at[hash(binary.LittleEndian.Uint64(e.content[i:]))] = uint16(i + 1) //nolint:gosec // bounded above
	}
	e.spare.New = func() any { return e.newWork() }
	return e, nil
}

// work is what writing one frame takes.
type work struct {
	all      []byte // the dictionary's content and the body
	at       [1 << localBits]uint16
	literals []byte
	steps    []step
	scratch  huff0.Scratch
	bits     writer
}

func (e *Encoder) newWork() *work {
	w := &work{all: append(make([]byte, 0, len(e.content)+4<<10), e.content...)}
	w.scratch.MaxDecodedSize = Largest
	return w
}

// Append appends the frame of a body to out. False: the body has no form that pays by the dictionary's tables, and out is
// as it was.
func (e *Encoder) Append(out, body []byte) ([]byte, bool) {
	if len(body) < least || len(body) > Largest {
		return out, false
	}
	w := e.spare.Get().(*work)
	defer e.spare.Put(w)
	w.find(e, body)
	began := len(out)
	out = e.header(out, len(body))
	block := len(out)
	out = e.block(append(out, 0, 0, 0), w)
	size := len(out) - block - 3
	if size >= len(body) {
		return out[:began], false
	}
	const last, compressed = 1, 2 << 1
	head := uint32(size)<<3 | compressed | last //nolint:gosec // smaller than the body
	out[block], out[block+1], out[block+2] = byte(head), byte(head>>8), byte(head>>16)
	return out, true
}

// header appends the head of a frame: one segment, the dictionary's number, the body's size.
func (e *Encoder) header(out []byte, size int) []byte {
	const magic, oneSegment, numbered = 0xFD2FB528, 1 << 5, 3
	out = binary.LittleEndian.AppendUint32(out, magic)
	if size < 256 {
		out = append(out, oneSegment|numbered)
		out = binary.LittleEndian.AppendUint32(out, e.id)
		return append(out, byte(size))
	}
	out = append(out, 1<<6|oneSegment|numbered)
	out = binary.LittleEndian.AppendUint32(out, e.id)
	return binary.LittleEndian.AppendUint16(out, uint16(size-256)) //nolint:gosec // at most Largest
}

// block appends the only block: literals, then sequences.
func (e *Encoder) block(out []byte, w *work) []byte {
	out = e.appendLiterals(out, w)
	if n := len(w.steps); n < 128 {
		out = append(out, byte(n))
	} else { // at most Largest/4
		out = append(out, byte(n>>8+128), byte(n))
	}
	if len(w.steps) == 0 {
		return out
	}
	var use [kinds]*coder
	modes := byte(0)
	for kind := range use {
		use[kind] = &e.tables[kind]
		for i := range w.steps {
			if !use[kind].has(w.steps[i].code[kind]) {
				use[kind] = &predefined[kind]
				break
			}
		}
		modes |= use[kind].mode << modeAt[kind]
	}
	return w.sequences(append(out, modes), use)
}

// appendLiterals appends what no sequence copies, by the dictionary's code where that is shorter.
func (e *Encoder) appendLiterals(out []byte, w *work) []byte {
	n := len(w.literals)
	if n < 32 {
		return append(append(out, byte(n<<3)), w.literals...)
	}
	w.scratch.Reuse = huff0.ReusePolicyMust
	w.scratch.TransferCTable(e.literals)
	compress := huff0.Compress1X
	if n >= 1024 {
		compress = huff0.Compress4X
	}
	const treeless = 3
	coded, _, err := compress(w.literals, &w.scratch)
	switch m := len(coded); {
	case err != nil && n < 4096:
		return append(append(out, byte(1<<2|n<<4), byte(n>>4)), w.literals...)
	case err != nil:
		return append(append(out, byte(3<<2|n<<4), byte(n>>4), byte(n>>12)), w.literals...)
	case n < 1024:
		out = appendBytes(out, treeless|uint64(n)<<4|uint64(m)<<14, 3)
	case n < 1<<14: // and so is m
		out = appendBytes(out, treeless|2<<2|uint64(n)<<4|uint64(m)<<18, 4)
	default:
		out = appendBytes(out, treeless|3<<2|uint64(n)<<4|uint64(m)<<22, 5)
	}
	return append(out, coded...)
}

// appendBytes appends the n lowest bytes of a number.
func appendBytes(out []byte, v uint64, n int) []byte {
	for range n {
		out, v = append(out, byte(v)), v>>8
	}
	return out
}

// sequences appends the steps, the last one first.
func (w *work) sequences(out []byte, use [kinds]*coder) []byte {
	b := &w.bits
	b.out, b.held, b.n = out, 0, 0
	var state [kinds]uint32
	for i := len(w.steps) - 1; i >= 0; i-- {
		s := &w.steps[i]
		if i == len(w.steps)-1 {
			for kind := range state {
				state[kind] = use[kind].begin(s.code[kind])
			}
		} else {
			state[offset] = use[offset].put(b, state[offset], s.code[offset])
			state[match] = use[match].put(b, state[match], s.code[match])
			state[literal] = use[literal].put(b, state[literal], s.code[literal])
		}
		if s.bits[literal]+s.bits[match]+s.bits[offset] > 64-7-26 { // the states took 26 at most
			b.flush()
		}
		b.add(s.rest[literal], s.bits[literal])
		b.add(s.rest[match], s.bits[match])
		b.add(s.rest[offset], s.bits[offset])
		b.flush()
	}
	for _, kind := range [...]int{match, offset, literal} {
		b.add(state[kind]&(1<<use[kind].log-1), use[kind].log)
	}
	return b.end()
}

// highest is the place of the highest bit of a number above 0.
func highest(n uint32) int { return bits.Len32(n) - 1 }
