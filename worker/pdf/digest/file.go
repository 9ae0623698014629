package digest

import (
	"crypto"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"slices"
)

// Limits of the work for one file.
const (
	pieces     = 256      // a file's prefixes are kept at so many places
	smallPiece = 64 << 10 // but no closer than this
	mostReads  = 40       // so many times the file's size are read at most
	freeReads  = 64 << 20 // and so many bytes in any case
)

// ErrTooMuch is of a file whose signatures cover it in ways that would have it read too many times.
var ErrTooMuch = errors.New("its signatures would have the file read too many times")

// File computes digests of parts of one file. What was read for one signature is not read again for the next that
// covers the same beginning: a hundred signatures, each over nearly the whole file, cost little more than one. It is
// not for several goroutines.
type File struct {
	from io.ReaderAt
	size int64
	read int64 // bytes read so far
	kept map[crypto.Hash][]prefix
	done map[key][]byte
}

// prefix is the state of a digest after the file's first bytes.
type prefix struct {
	at    int64
	state hash.Cloner
}

type key struct {
	hash crypto.Hash
	part string
}

// NewFile reads nothing yet.
func NewFile(from io.ReaderAt, size int64) *File {
	return &File{from: from, size: size, kept: map[crypto.Hash][]prefix{}, done: map[key][]byte{}}
}

// Part is what a signature covers of a file.
type Part struct {
	file  *File
	spans []int64
}

// Part is the part of the file that spans name as a ByteRange does: start and length, start and length.
func (f *File) Part(spans ...int64) Part { return Part{f, spans} }

// Digest computes the digest of the part.
func (p Part) Digest(h crypto.Hash) ([]byte, error) {
	if err := p.fault(); err != nil {
		return nil, err
	}
	name := make([]byte, 0, 8*len(p.spans))
	for _, n := range p.spans {
		name = binary.BigEndian.AppendUint64(name, uint64(n))
	}
	k := key{h, string(name)}
	if sum, ok := p.file.done[k]; ok {
		return sum, nil
	}
	sum, err := p.file.digest(h, p.spans)
	if err == nil {
		p.file.done[k] = sum
	}
	return sum, err
}

// mostBytes is the largest part that is read into memory.
const mostBytes = 128 << 20

// Bytes is the part itself, for signatures that are no digest's.
func (p Part) Bytes() ([]byte, error) {
	if err := p.fault(); err != nil {
		return nil, err
	}
	var size int64
	for i := 1; i < len(p.spans); i += 2 {
		size += p.spans[i]
	}
	if p.file.read += size; size > mostBytes || p.file.read > mostReads*p.file.size+freeReads {
		return nil, ErrTooMuch
	}
	out := make([]byte, 0, size)
	for span := range slices.Chunk(p.spans, 2) {
		piece, err := io.ReadAll(io.NewSectionReader(p.file.from, span[0], span[1]))
		if err != nil {
			return nil, err
		}
		out = append(out, piece...)
	}
	return out, nil
}

// fault says why spans cannot be right for the file.
func (p Part) fault() error {
	if len(p.spans) == 0 || len(p.spans)%2 != 0 {
		return errors.New("its ByteRange is no list of pairs")
	}
	for i, n := range p.spans {
		if n < 0 || n > p.file.size || i%2 == 1 && p.spans[i-1]+n > p.file.size {
			return errors.New("its ByteRange ends beyond the file")
		}
	}
	return nil
}

func (f *File) digest(h crypto.Hash, spans []int64) ([]byte, error) {
	state, rest, err := h.New(), spans, error(nil)
	if spans[0] == 0 {
		if state, err = f.prefix(h, spans[1]); err != nil {
			return nil, err
		}
		rest = spans[2:]
	}
	for span := range slices.Chunk(rest, 2) {
		if err := f.feed(state, span[0], span[0]+span[1]); err != nil {
			return nil, err
		}
	}
	return state.Sum(nil), nil
}

// prefix is the digest's state after the file's first bytes, begun where an earlier one stopped.
func (f *File) prefix(h crypto.Hash, end int64) (hash.Hash, error) {
	state := h.New()
	at := int64(0)
	_, clones := state.(hash.Cloner)
	kept := f.kept[h]
	for _, p := range kept {
		if p.at > at && p.at <= end {
			if c, err := p.state.Clone(); err == nil {
				state, at = c, p.at
			}
		}
	}
	step := max(f.size/pieces, smallPiece)
	for at < end {
		next := min(end, at+step)
		if err := f.feed(state, at, next); err != nil {
			return nil, err
		}
		at = next
		if clones && !slices.ContainsFunc(kept, func(p prefix) bool { return p.at <= at && p.at > at-step && at != end }) {
			f.keep(h, at, state)
			kept = f.kept[h]
		}
	}
	return state, nil
}

func (f *File) keep(h crypto.Hash, at int64, state hash.Hash) {
	c, ok := state.(hash.Cloner)
	if !ok || len(f.kept[h]) > 8*pieces {
		return
	}
	if copied, err := c.Clone(); err == nil {
		f.kept[h] = append(f.kept[h], prefix{at, copied})
	}
}

// feed writes the file's bytes from one place to another into a digest.
func (f *File) feed(state hash.Hash, from, to int64) error {
	if f.read += to - from; f.read > mostReads*f.size+freeReads {
		return ErrTooMuch
	}
	n, err := io.Copy(state, io.NewSectionReader(f.from, from, to-from))
	if err == nil && n != to-from {
		err = io.ErrUnexpectedEOF
	}
	return err
}
