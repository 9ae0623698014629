package store

import (
	"encoding/json"
	"testing"
)

func TestHeadersRestAsJSON(t *testing.T) {
	t.Parallel()
	for _, h := range []map[string]string{
		{"Content-Type": "application/json"},
		{"B": "2", "A": "1", "C": ""},
		{"X": "a\"b\\c", "Y": "tab\there", "Z": "ü€\x00", "V": "a b ~"},
		{"quote\"name": "x", "": "empty"},
	} {
		all, err := content(nil, h, []byte("the body"))
		check(t, err)
		headers, body, err := contentOf(all)
		check(t, err)
		want, err := json.Marshal(h)
		check(t, err)
		got, err := json.Marshal(headers)
		check(t, err)
		same(t, "headers", string(got), string(want))
		same(t, "body", string(body), "the body")
	}
	all, err := content([]byte("before"), nil, nil)
	check(t, err)
	same(t, "neither", string(all), "before")
}
