package store

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A callback's headers and body rest together in one value, since headers repeat themselves as bodies do: how long the
// headers are, doubled, and one more where there is a body; the headers as JSON; the body.

// content appends headers and body together; nothing where there is neither.
func content(to []byte, headers map[string]string, body []byte) ([]byte, error) {
	if body == nil && len(headers) == 0 {
		return to, nil
	}
	var text []byte
	if len(headers) > 0 {
		var few [512]byte
		var err error
		if text, err = appendHeaders(few[:0], headers); err != nil {
			return nil, err
		}
	}
	size := uint64(len(text)) << 1
	if body != nil {
		size++
	}
	return append(append(binary.AppendUvarint(to, size), text...), body...), nil
}

// appendHeaders appends them as JSON, in the order of their names.
func appendHeaders(to []byte, headers map[string]string) ([]byte, error) {
	var few [16]string
	names := few[:0]
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	to = append(to, '{')
	for i, name := range names {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = appendText(to, name); err != nil {
			return nil, err
		}
		if to, err = appendText(append(to, ':'), headers[name]); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

// appendText appends a text as JSON. What must be escaped is left to the general encoder, which takes longer.
func appendText(to []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, err := json.Marshal(s)
			return append(to, text...), err
		}
	}
	return append(append(append(to, '"'), s...), '"'), nil
}

var errContent = errors.New("headers and body do not rest in our form")

// contentOf takes them apart again.
func contentOf(in []byte) (headers map[string]string, body []byte, err error) {
	if len(in) == 0 {
		return nil, nil, nil
	}
	size, n := binary.Uvarint(in)
	if n <= 0 || size>>1 > uint64(len(in)-n) {
		return nil, nil, errContent
	}
	text, rest := in[n:n+int(size>>1)], in[n+int(size>>1):] //nolint:gosec // it is within the bytes
	if len(text) > 0 {
		if err := json.Unmarshal(text, &headers); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errContent, err)
		}
	}
	if size&1 == 1 {
		body = rest
	}
	return headers, body, nil
}

// Hashes are hex in the model and in PostgreSQL. In SQLite they rest as bytes, half as long: how long a word before the
// hex is, the word ("delivery:"), the bytes.

// HexAtRest is a text as it rests.
func HexAtRest(pg bool, text string) any {
	if pg {
		return text
	}
	word := text[:strings.LastIndexByte(text, ':')+1]
	digits := text[len(word):]
	if len(digits) < 16 || len(word) > 255 || strings.ToLower(digits) != digits {
		return text
	}
	out := make([]byte, 1+len(word)+len(digits)/2)
	out[0] = byte(len(word))
	if _, err := hex.Decode(out[1+copy(out[1:], word):], []byte(digits)); err != nil {
		return text
	}
	return out
}

// RestedHex scans what HexAtRest wrote, and "" for NULL.
type RestedHex struct{ To *string }

// Scan is called by database/sql.
func (r RestedHex) Scan(v any) error {
	*r.To = ""
	switch x := v.(type) {
	case string:
		*r.To = x
	case []byte:
		if len(x) == 0 || int(x[0]) >= len(x) {
			return fmt.Errorf("%d bytes are no hash", len(x))
		}
		from := 1 + int(x[0])
		*r.To = string(x[1:from]) + hex.EncodeToString(x[from:])
	}
	return nil
}
