package filter

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func deflated(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFiltersAreUndone(t *testing.T) {
	t.Parallel()
	flat := deflated(t, []byte("the rent is 1000"))
	for name, c := range map[string]struct {
		filter string
		params Params
		in     []byte
		want   string
	}{
		"deflated":               {"FlateDecode", Params{}, flat, "the rent is 1000"},
		"without its checksum":   {"FlateDecode", Params{}, flat[:len(flat)-4], "the rent is 1000"},
		"behind a line's end":    {"FlateDecode", Params{}, append([]byte("\r\n"), flat...), "the rent is 1000"},
		"LZW":                    {"LZWDecode", Params{EarlyChange: true}, bytesOf(t, "80 0B 60 50 22 0C 0C 85 01"), "-----A---B"},
		"hexadecimal":            {"ASCIIHexDecode", Params{}, []byte("61 62\n7>"), "abp"},
		"base 85":                {"ASCII85Decode", Params{}, []byte("87cURD]i,\"Ebo80~>"), "Hello World!"},
		"base 85 of zeros":       {"ASCII85Decode", Params{}, []byte("z5l~>"), "\x00\x00\x00\x00A"},
		"runs":                   {"RunLengthDecode", Params{}, []byte{2, 'a', 'b', 'c', 254, 'x', 128, 'y'}, "abcxxx"},
		"PNG, each of its kinds": {"FlateDecode", Params{Predictor: 15, Columns: 3}, deflated(t, []byte{0, 1, 2, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1}), "\x01\x02\x03\x01\x02\x03\x02\x03\x04\x02\x03\x04\x03\x04\x05"},
		"TIFF":                   {"FlateDecode", Params{Predictor: 2, Columns: 3}, deflated(t, []byte{1, 1, 1, 5, 1, 1}), "\x01\x02\x03\x05\x06\x07"},
	} {
		got, err := Decode(c.filter, c.params, c.in, 1000)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, c.want, err)
		}
	}
}

// LZW goes on beyond the first widths of its codes: a text that repeats grows the table to its end.
func TestLZWGrowsItsCodes(t *testing.T) {
	t.Parallel()
	var want, packed bytes.Buffer
	bits, have, next, width := uint32(0), 0, 258, 9
	put := func(code int) {
		bits, have = bits<<width|uint32(code), have+width
		for have >= 8 {
			have -= 8
			packed.WriteByte(byte(bits >> have))
		}
	}
	put(256)
	for i := range 3000 { // each code a new pair
		put(i % 251)
		want.WriteByte(byte(i % 251))
		if i > 0 {
			next++
		}
		for width < 12 && next+1 >= 1<<width {
			width++
		}
	}
	put(257)
	packed.WriteByte(byte(bits << (8 - have)))
	if got, err := Decode("LZWDecode", Params{EarlyChange: true}, packed.Bytes(), 1<<20); err != nil ||
		!bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes, want %d (%v)", len(got), want.Len(), err)
	}
}

func TestWhatUnfoldsTooFarIsNotUnfolded(t *testing.T) {
	t.Parallel()
	for name, in := range map[string][]byte{
		"FlateDecode": deflated(t, make([]byte, 100_000)), "RunLengthDecode": bytes.Repeat([]byte{129, 0}, 1000),
		"ASCIIHexDecode": bytes.Repeat([]byte("00"), 100_000),
	} {
		if got, err := Decode(name, Params{}, in, 50_000); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := Decode("DCTDecode", Params{}, nil, 1); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}
