// Package filter undoes the filters of PDF streams (ISO 32000-2, 7.4), up to a limit.
package filter

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrUnknown says that a stream has a filter that is not undone here, such as an image's.
	ErrUnknown = errors.New("a filter that is not undone here")
	// ErrLimit says that a stream unfolds to more than it may.
	ErrLimit = errors.New("a stream unfolds to more than the limit")

	errData = errors.New("the data of a stream does not fit its filter")
)

// Params are the parameters of a filter.
type Params struct {
	Predictor, Colors, Bits, Columns int
	EarlyChange                      bool
}

// Decode undoes one filter. No more than most bytes come out.
func Decode(name string, p Params, in []byte, most int) ([]byte, error) {
	var out []byte
	var err error
	switch name {
	case "FlateDecode", "Fl":
		if out, err = inflate(in, most); err == nil {
			out, err = unpredict(out, p)
		}
	case "LZWDecode", "LZW":
		if out, err = unLZW(in, p.EarlyChange, most); err == nil {
			out, err = unpredict(out, p)
		}
	case "ASCIIHexDecode", "AHx":
		out, err = unHex(in)
	case "ASCII85Decode", "A85":
		out, err = un85(in)
	case "RunLengthDecode", "RL":
		out, err = unRun(in, most)
	default:
		return nil, fmt.Errorf("%w: %.40q", ErrUnknown, name)
	}
	if err == nil && len(out) > most {
		err = ErrLimit
	}
	return out, err
}

// inflate undoes deflation. The checksum at the end is often missing and never looked at.
func inflate(in []byte, most int) ([]byte, error) {
	for len(in) > 0 && (in[0] == '\r' || in[0] == '\n') {
		in = in[1:]
	}
	if len(in) < 2 {
		return nil, errData
	}
	r := flate.NewReader(bytes.NewReader(in[2:]))
	var out bytes.Buffer
	out.Grow(min(4*len(in), most, 1<<20))
	n, err := out.ReadFrom(io.LimitReader(r, int64(most)+1))
	switch {
	case n > int64(most):
		return nil, ErrLimit
	case err != nil && (n == 0 || !errors.Is(err, io.ErrUnexpectedEOF)):
		return nil, errData
	}
	return out.Bytes(), nil
}

func unHex(in []byte) ([]byte, error) {
	out, half := make([]byte, 0, len(in)/2), -1
	for _, c := range in {
		var d int
		switch {
		case c == '>':
			if half >= 0 {
				out = append(out, byte(half<<4))
			}
			return out, nil
		case c <= ' ':
			continue
		case c >= '0' && c <= '9':
			d = int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			d = int(c|0x20-'a') + 10
		default:
			return nil, errData
		}
		if half < 0 {
			half = d
			continue
		}
		out, half = append(out, byte(half<<4|d)), -1
	}
	if half >= 0 {
		out = append(out, byte(half<<4))
	}
	return out, nil
}

func un85(in []byte) ([]byte, error) {
	out := make([]byte, 0, len(in))
	var group [5]byte
	n := 0
	for _, c := range in {
		switch {
		case c == '~':
			return end85(out, group, n)
		case c <= ' ':
		case c == 'z' && n == 0:
			out = append(out, 0, 0, 0, 0)
		case c >= '!' && c <= 'u':
			group[n] = c - '!'
			if n++; n == 5 {
				v := value85(group)
				out, n = append(out, byte(v>>24), byte(v>>16), byte(v>>8), byte(v)), 0
			}
		default:
			return nil, errData
		}
	}
	return end85(out, group, n)
}

func value85(g [5]byte) uint64 {
	v := uint64(0)
	for _, c := range g {
		v = 85*v + uint64(c)
	}
	return v
}

func end85(out []byte, group [5]byte, n int) ([]byte, error) {
	if n == 0 {
		return out, nil
	}
	for i := n; i < 5; i++ {
		group[i] = 84
	}
	v := value85(group)
	return append(out, []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8)}[:n-1]...), nil
}

func unRun(in []byte, most int) ([]byte, error) {
	var out []byte
	for i := 0; i < len(in); {
		n := int(in[i])
		i++
		switch {
		case n == 128:
			return out, nil
		case n < 128:
			if i+n+1 > len(in) {
				return nil, errData
			}
			out = append(out, in[i:i+n+1]...)
			i += n + 1
		case i < len(in):
			out = append(out, bytes.Repeat(in[i:i+1], 257-n)...)
			i++
		}
		if len(out) > most {
			return nil, ErrLimit
		}
	}
	return out, nil
}

// unLZW undoes the LZW of TIFF and PDF: codes of 9 to 12 bits, the highest bit first.
func unLZW(in []byte, early bool, most int) ([]byte, error) {
	const clearCode, endCode = 256, 257
	var (
		out    []byte
		prefix [4096]int32 // of each code, where in out its text begins
		length [4096]int32
		next   = 258
		width  = 9
		bits   uint32
		have   int
		last   = -1
		ahead  = 0
	)
	if early {
		ahead = 1
	}
	for _, b := range in {
		bits, have = bits<<8|uint32(b), have+8
		if have < width {
			continue
		}
		have -= width
		code := int(bits>>have) & (1<<width - 1)
		switch {
		case code == clearCode:
			next, width, last = 258, 9, -1
			continue
		case code == endCode:
			return out, nil
		}
		start := len(out)
		from, n := int32(start)-lengthOf(&length, last), lengthOf(&length, last)+1
		switch {
		case code < 256:
			out, n = append(out, byte(code)), 0
		case code < next:
			from, n = prefix[code], length[code]
		case code != next || last < 0: // else the text of the last code and its first character
			return nil, errData
		}
		for k := range n {
			out = append(out, out[from+k])
		}
		if last >= 0 && next < 4096 {
			n := lengthOf(&length, last)
			prefix[next], length[next] = int32(start)-n, n+1
			next++
		}
		last = code
		if len(out) > most {
			return nil, ErrLimit
		}
		for width < 12 && next+ahead >= 1<<width {
			width++
		}
	}
	return out, nil
}

func lengthOf(length *[4096]int32, code int) int32 {
	if code < 256 { // none is as good as one
		return 1
	}
	return length[code]
}
