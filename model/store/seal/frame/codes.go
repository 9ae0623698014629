package frame

import (
	"encoding/binary"
	"errors"
)

// The three kinds of codes that a sequence is made of.
const (
	literal = iota // how many literals stand before a match
	offset         // how far back a match is
	match          // how long it is
	kinds
)

// modeAt is where the byte of modes says how a kind is coded.
var modeAt = [kinds]int{literal: 6, offset: 4, match: 2}

// mostCodes and mostLog bound the tables of a kind.
var (
	mostCodes = [kinds]int{literal: 36, offset: 32, match: 53}
	mostLog   = [kinds]int{literal: 9, offset: 8, match: 9}
)

// predefined are zstd's own tables, for codes that a dictionary's lack.
var predefined = [kinds]coder{
	literal: newCoder([]int{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
		-1, -1, -1, -1}, 6, 0),
	offset: newCoder([]int{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}, 5, 0),
	match: newCoder([]int{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}, 6, 0),
}

// base is where a code's range begins.
var base = [kinds][]uint32{
	literal: {16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536},
	match:   {35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539},
}

// lengths are the codes of the lengths of a kind.
type lengths struct {
	first uint32 // the shortest
	short []code // of those that are common, from the shortest on
	long  []code
}

// code is one code and the range that it begins.
type code struct {
	n, width uint8 // its number, and in how many bits the rest stands
	from     uint32
}

// newLengths lists codes: up to most, each length has one of its own; then come those of base.
func newLengths(kind int, first, most, short uint32) lengths {
	l := lengths{first: first}
	list := base[kind]
	for i, from := range list {
		next := uint32(1 << 17)
		if i+1 < len(list) {
			next = list[i+1]
		}
		l.long = append(l.long, code{uint8(most-first) + uint8(i), uint8(highest(next - from)), from}) //nolint:gosec // below 53
	}
	for n := first; n < first+short; n++ {
		c := code{uint8(n - first), 0, n} //nolint:gosec // below most where it is kept
		if n >= most {
			c = l.longCode(n)
		}
		l.short = append(l.short, c)
	}
	return l
}

func (l *lengths) longCode(n uint32) code {
	i := len(l.long) - 1
	for l.long[i].from > n {
		i--
	}
	return l.long[i]
}

var (
	literalLengths = newLengths(literal, 0, 16, 128)
	matchLengths   = newLengths(match, 3, 35, 256)
)

// set codes a length.
func (s *step) set(kind int, l *lengths, n uint32) {
	var c code
	if i := n - l.first; i < uint32(len(l.short)) { //nolint:gosec // a few hundred
		c = l.short[i]
	} else {
		c = l.longCode(n)
	}
	s.code[kind], s.bits[kind], s.rest[kind] = c.n, c.width, n-c.from
}

// coder is a table of a finite state entropy code, to write by.
type coder struct {
	mode  byte // as the byte of modes names it
	log   uint8
	next  []uint16
	codes []transform
}

// transform is what a code does to the state.
type transform struct {
	bits uint32 // how many go out, in a form that is added to the state
	find int32
	has  bool
}

// newCoder makes a table from counts that add up to 1<<log; -1 stands for less than one.
func newCoder(norm []int, log int, mode byte) coder {
	size := 1 << log
	c := coder{mode: mode, log: uint8(log), next: make([]uint16, size), codes: make([]transform, len(norm))}
	of := make([]uint8, size) // the code of each place
	last := size - 1
	from := make([]int, len(norm)+1)
	for i, n := range norm {
		if n == -1 {
			from[i+1] = from[i] + 1
			of[last] = uint8(i)
			last--
		} else {
			from[i+1] = from[i] + n
		}
	}
	at := 0
	for i, n := range norm {
		for range max(n, 0) {
			of[at] = uint8(i)
			for at = (at + size>>1 + size>>3 + 3) & (size - 1); at > last; {
				at = (at + size>>1 + size>>3 + 3) & (size - 1)
			}
		}
	}
	for place, code := range of {
		c.next[from[code]] = uint16(size + place)
		from[code]++
	}
	total := 0
	for i, n := range norm {
		t := &c.codes[i]
		switch n {
		case 0:
		case -1, 1:
			*t = transform{uint32(log<<16 - size), int32(total - 1), true}
			total++
		default:
			most := log - highest(uint32(n-1))
			*t = transform{uint32(most<<16 - n<<most), int32(total - n), true}
			total += n
		}
	}
	return c
}

// has says whether a code stands in the table.
func (c *coder) has(code uint8) bool { return int(code) < len(c.codes) && c.codes[code].has }

// begin is the state of the first code that is written.
func (c *coder) begin(code uint8) uint32 {
	t := c.codes[code]
	n := (t.bits + 1<<15) >> 16
	value := n<<16 - t.bits
	return uint32(c.next[int32(value>>n)+t.find])
}

// put writes what leads from the state of a code to the state before.
func (c *coder) put(b *writer, state uint32, code uint8) uint32 {
	t := c.codes[code]
	n := (state + t.bits) >> 16
	b.add(state&(1<<n-1), uint8(n))
	return uint32(c.next[int32(state>>n)+t.find])
}

var errCounts = errors.New("a table of a dictionary cannot be read")

// readCounts reads the counts of a table.
func readCounts(in []byte, kind int) (norm []int, log int, rest []byte, err error) {
	at := 0 // in bits
	take := func(n int) (v int) {
		for i := range n {
			if at>>3 < len(in) {
				v |= int(in[at>>3]>>(at&7)&1) << i
			}
			at++
		}
		return v
	}
	log = take(4) + 5
	if log > mostLog[kind] {
		return nil, 0, nil, errCounts
	}
	for left := 1 << log; left > 0; {
		if len(norm) >= mostCodes[kind] {
			return nil, 0, nil, errCounts
		}
		width := highest(uint32(left+1)) + 1
		low := take(width - 1)
		few := 1<<width - 1 - (left + 1)
		if low >= few && take(1) == 1 {
			low += 1<<(width-1) - few
		}
		n := low - 1
		norm = append(norm, n)
		left -= max(n, -n)
		for again := n == 0; again; {
			zeros := take(2)
			norm = append(norm, make([]int, zeros)...)
			again = zeros == 3
		}
	}
	if (at+7)>>3 > len(in) {
		return nil, 0, nil, errCounts
	}
	return norm, log, in[(at+7)>>3:], nil
}

// writer writes bits, the lowest first.
type writer struct {
	out  []byte
	held uint64
	n    uint8
}

// add keeps bits; between two flushes there is room for 56.
func (b *writer) add(v uint32, n uint8) {
	b.held |= uint64(v) << b.n
	b.n += n
}

// flush writes whole bytes.
func (b *writer) flush() {
	full := b.n >> 3
	b.out = binary.LittleEndian.AppendUint64(b.out, b.held)
	b.out = b.out[:len(b.out)-8+int(full)]
	b.held >>= full * 8
	b.n &= 7
}

// end marks where the bits end.
func (b *writer) end() []byte {
	b.flush()
	b.add(1, 1)
	b.flush()
	if b.n > 0 {
		b.out = append(b.out, byte(b.held))
	}
	out := b.out
	b.out = nil
	return out
}
