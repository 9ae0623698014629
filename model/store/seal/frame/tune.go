package frame

import (
	"encoding/binary"

	"github.com/klauspost/compress/huff0"
)

// codesOf is how many codes of a kind a body of Largest and a dictionary of 64 KiB can have.
var codesOf = [kinds]int{literal: 34, offset: 17, match: 51}

// Tune gives a dictionary tables of sequences in which every code stands, as often as an Encoder uses it for samples.
func Tune(dictionary []byte, samples [][]byte) ([]byte, error) {
	e, err := New(dictionary)
	if err != nil {
		return nil, err
	}
	var counts [kinds][]int
	for kind := range counts {
		counts[kind] = make([]int, codesOf[kind])
	}
	w := e.newWork()
	for _, s := range samples {
		if len(s) < least || len(s) > Largest {
			continue
		}
		w.find(e, s)
		for i := range w.steps {
			for kind, code := range w.steps[i].code {
				counts[kind][code]++
			}
		}
	}
	_, rest, err := huff0.ReadTable(dictionary[8:], nil)
	if err != nil {
		return nil, err
	}
	out := append([]byte{}, dictionary[:len(dictionary)-len(rest)]...)
	for _, kind := range [...]int{offset, match, literal} {
		out = appendCounts(out, normal(counts[kind], mostLog[kind]), mostLog[kind])
	}
	for _, o := range e.offsets {
		out = binary.LittleEndian.AppendUint32(out, uint32(o)) //nolint:gosec // within the content
	}
	return append(out, e.content...), nil
}

// normal makes counts add up to 1<<log; a code that was not used keeps less than one.
func normal(counts []int, log int) []int {
	size, all := 1<<log, 0
	for _, n := range counts {
		all += n
	}
	norm := make([]int, len(counts))
	left, largest := size, 0
	for i, n := range counts {
		norm[i] = max(1, n*(size-len(counts))/max(all, 1))
		left -= norm[i]
		if n == 0 {
			norm[i] = -1
		}
		if norm[i] > norm[largest] {
			largest = i
		}
	}
	norm[largest] = max(norm[largest], 0) + left
	return norm
}

// appendCounts writes what readCounts reads; no count is 0.
func appendCounts(out []byte, norm []int, log int) []byte {
	b := writer{out: out}
	b.add(uint32(log-5), 4) //nolint:gosec // 5 to 9
	left := 1<<log + 1
	width := log + 1
	for _, n := range norm {
		for left < 1<<(width-1) {
			width--
		}
		few := 1<<width - 1 - left
		left -= max(n, -n)
		value := n + 1
		if value >= 1<<(width-1) {
			value += few
		}
		bits := width
		if value < few {
			bits--
		}
		b.add(uint32(value), uint8(bits)) //nolint:gosec // at most 10 bits
		b.flush()
	}
	b.flush()
	if b.n > 0 {
		b.out = append(b.out, byte(b.held))
	}
	return b.out
}
