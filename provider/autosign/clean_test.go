package autosign

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// cleanByTokens is what clean has to do, said with a reader of JSON: each text goes through cutLinks.
func cleanByTokens(raw []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	type level struct {
		object bool
		value  bool // in an object: a value comes next
		name   string
	}
	levels := []level{{}}
	var out []byte
	copied := 0
	for {
		before := d.InputOffset()
		t, err := d.Token()
		if err != nil {
			break
		}
		at := &levels[len(levels)-1]
		if name, ok := t.(string); ok && at.object && !at.value {
			at.name, at.value = name, true
			continue
		}
		at.value = false
		switch v := t.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				levels = append(levels, level{object: v == '{'})
			} else {
				levels = levels[:len(levels)-1]
			}
		case string:
			if left := cutLinks(v, at.name); left != v {
				from := int(before) + bytes.IndexByte(raw[before:], '"')
				out = append(append(out, raw[copied:from]...), quoted(left)...)
				copied = int(d.InputOffset())
			}
		}
	}
	if out == nil {
		return nil
	}
	return append(out, raw[copied:]...)
}

// hiding are bodies in which links and tokens hide.
func hiding() []string {
	return []string{
		`{"a":"https://x.example/1"}`, `{"a":"see HTTPS://x and //y/z, or a/b"}`, `{"a":"https:\/\/x.example\/1"}`,
		`{"a":"https:\u002f\u002Fx"}`, `{"a":"{\"link\":\"https:\\/\\/x\"}"}`, `{"a":"x/\\/y"}`, `{"a":"\\/\\/y"}`,
		`{"a":"quoted \"//x\" end"}`, `{"a":"ends in \\"}`, `{"a":"\\\\","b":"//x"}`, `{"a":"/","b":"/"}`, `{"a":"///"}`,
		`{"token":"t"}`, `{"Token":"t","b":[{"TOKEN":"u"}]}`, `{"to\u006ben":"t"}`, `{"to` + "\u212a" + `en":"t"}`,
		`{"token":""}`, `{"token":null,"a":"t"}`, `{"token":["t","//u"],"a":1}`, `{"token":{"a":"t","token":"u"},"b":"v"}`,
		`{"token":"\u0000"}`, `{"token" : "a" , "b" : "//c"}`, `["token","//x",{"a":["token","b"]}]`, `"//x"`, `"token"`,
		"{\"a\":\"\xff//x\xfe\"}", "{\"token\":\"\xff\"}", `{"a":{"b":[]},"token":"t"}`, `{"a":[],"b":{},"token":"t","c":"//"}`,
		`{"":"//x"}`, `{"//name":"//x y"}`, `{"a":"<b>//x</b>"}`, `{}`, `[]`, ` {"a" :	"//x"}
`,
	}
}

func TestCleanCutsWhatAReaderOfJSONFinds(t *testing.T) {
	t.Parallel()
	for _, raw := range hiding() {
		if got, want := clean([]byte(raw)), cleanByTokens([]byte(raw)); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s\n got %q\nwant %q", raw, got, want)
		}
	}
}

// Whatever the body: nothing is kept that the reader of JSON would cut, and nothing else is touched.
func FuzzClean(f *testing.F) {
	for _, raw := range hiding() {
		f.Add([]byte(raw))
	}
	names, err := filepath.Glob("testdata/callbacks/*.http")
	if err != nil || len(names) == 0 {
		f.Fatal("no recorded callbacks", err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			clean(raw) // it may not panic
			return
		}
		if got, want := clean(raw), cleanByTokens(raw); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s\n got %q\nwant %q", raw, got, want)
		}
	})
}
