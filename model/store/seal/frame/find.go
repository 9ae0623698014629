package frame

import (
	"encoding/binary"
	"math/bits"
)

const (
	hashBits  = 14 // of the dictionary
	localBits = 12 // of the body
	shortest  = 5  // bytes of a match
)

// step is a run of literals and a match after it, as codes and what is left of them.
type step struct {
	code, bits [kinds]uint8
	rest       [kinds]uint32
}

// hash is of five bytes.
func hash(v uint64) uint32 { return uint32((v << 24) * 889523592379 >> (64 - hashBits)) }

// find cuts a body into literals and matches.
func (w *work) find(e *Encoder, body []byte) {
	from := len(e.content)
	w.all = append(w.all[:from], body...)
	clear(w.at[:])
	w.literals, w.steps = w.literals[:0], w.steps[:0]
	all, reps := w.all, e.offsets
	end := len(all) - 8
	done := from // up to here all is told
	for i := from; i < end; {
		v := binary.LittleEndian.Uint64(all[i:])
		h := hash(v)
		local := &w.at[h>>(hashBits-localBits)]
		at := int(*local) + from - 1
		*local = uint16(i - from + 1) //nolint:gosec // at most Largest
		length := 0
		if back := i - reps[0]; i > done && back >= 0 && binary.LittleEndian.Uint32(all[back:]) == uint32(v) { //nolint:gosec // four bytes
			at, length = back, same(all, back, i)
		}
		if length == 0 && at >= from && at < i && binary.LittleEndian.Uint32(all[at:]) == uint32(v) { //nolint:gosec // four bytes
			length = same(all, at, i)
		} else if length == 0 {
			at = -1
		}
		if length < shortest+3 && (length == 0 || at != i-reps[0]) {
			if d := int(e.at[h]) - 1; d >= 0 && binary.LittleEndian.Uint32(all[d:]) == uint32(v) { //nolint:gosec // four bytes
				if n := same(all, d, i); n > length {
					at, length = d, n
				}
			}
		}
		if length < shortest && (length < 4 || i-at != reps[0]) {
			i += 1 + (i-done)>>6
			continue
		}
		for i > done && at > 0 && all[at-1] == all[i-1] {
			i, at, length = i-1, at-1, length+1
		}
		w.literals = append(w.literals, all[done:i]...)
		w.steps = append(w.steps, step{})
		w.steps[len(w.steps)-1].tell(&reps, i-done, i-at, length)
		i += length
		done = i
		if i < end { // one more place within the match
			w.at[hash(binary.LittleEndian.Uint64(all[i-2:]))>>(hashBits-localBits)] = uint16(i - 2 - from + 1) //nolint:gosec // at most Largest
		}
	}
	w.literals = append(w.literals, all[done:]...)
}

// same is how many bytes from a on are those from b on.
func same(all []byte, a, b int) int {
	from := b
	for b+8 <= len(all) {
		if d := binary.LittleEndian.Uint64(all[a:]) ^ binary.LittleEndian.Uint64(all[b:]); d != 0 {
			return b - from + bits.TrailingZeros64(d)>>3
		}
		a, b = a+8, b+8
	}
	for b < len(all) && all[a] == all[b] {
		a, b = a+1, b+1
	}
	return b - from
}

// tell codes a step, and notes how far back it went.
func (s *step) tell(reps *[3]int, literals, back, length int) {
	value, at := uint32(back+3), 2 //nolint:gosec // within dictionary and body
	for i, r := range reps {
		if r != back || i == 0 && literals == 0 { // without literals before it the newest has no short form
			continue
		}
		value, at = uint32(i), i //nolint:gosec // 0 to 2
		if literals > 0 {
			value++
		}
		break
	}
	copy(reps[1:at+1], reps[:at])
	reps[0] = back
	s.set(literal, &literalLengths, uint32(literals)) //nolint:gosec // at most Largest
	s.set(match, &matchLengths, uint32(length))       //nolint:gosec // at most Largest
	n := uint8(highest(value))
	s.code[offset], s.rest[offset], s.bits[offset] = n, value-1<<n, n
}
