package dropboxsign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"countersign/provider"
	"countersign/provider/lenient"
)

// read returns a callback's JSON, as text and as far as it has the expected shape.
func read(c provider.Callback) ([]byte, envelope, error) {
	raw, err := payload(c)
	if err != nil {
		return nil, envelope{}, fmt.Errorf("%w: %w", provider.ErrUnreadable, err)
	}
	var e envelope
	if syntax := (*json.SyntaxError)(nil); errors.As(json.Unmarshal(raw, &e), &syntax) {
		return nil, envelope{}, fmt.Errorf("%w: broken JSON", provider.ErrUnreadable)
	}
	return raw, e, nil // another shape than expected leaves fields empty, and then nothing is proved
}

// payload finds the JSON in a body: the multipart field `json`, which the service sends, with or
// without a file name and a type of its own; the same field in a plain form; or the JSON alone,
// which is what a cleaned body is, whatever its Content-Type says.
func payload(c provider.Callback) ([]byte, error) {
	body, err := lenient.Bare(c.Body)
	if err != nil {
		return nil, err
	}
	if body = bytes.TrimSpace(body); bytes.HasPrefix(body, []byte("{")) {
		return body, nil
	}
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type")) // what it does not tell, the body does
	if strings.HasPrefix(kind, "multipart/") || bytes.HasPrefix(body, []byte("--")) {
		return fromMultipart(body, params["boundary"])
	}
	form, err := url.ParseQuery(string(body))
	if form.Has("json") {
		return lenient.Bare([]byte(form.Get("json")))
	}
	if err != nil {
		return nil, errors.New("broken form")
	}
	return nil, errNoField
}

var errNoField = errors.New("no field named json")

func fromMultipart(body []byte, boundary string) ([]byte, error) {
	if boundary == "" { // the first line tells it too
		line, _, _ := bytes.Cut(body, []byte("\n"))
		boundary = strings.TrimSpace(strings.TrimPrefix(string(line), "--"))
	}
	if boundary == "" {
		return nil, errors.New("multipart without a boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, errNoField
		}
		if err != nil {
			return nil, errors.New("broken multipart")
		}
		if part.FormName() != "json" {
			continue
		}
		var raw bytes.Buffer
		raw.Grow(len(body)) // what it is at most
		if _, err := raw.ReadFrom(part); err != nil {
			return nil, errors.New("broken multipart")
		}
		return lenient.Bare(raw.Bytes())
	}
}

// cutMark stands for what was cut out of a body.
const cutMark = `"<cut>"`

// clean cuts out of a verified body what opens a signing page (whoever holds a signing URL can sign),
// what signers wrote into the form, and phone numbers. All else stays byte for byte; nil where
// nothing was cut. raw is valid JSON.
func clean(raw []byte) []byte {
	c := cutter{in: raw}
	c.value(0, false)
	if c.out == nil {
		return nil
	}
	return append(c.out, raw[c.copied:]...)
}

type cutter struct {
	in, out []byte
	copied  int  // in[:copied] is in out, or was cut
	blind   bool // only look for the end of a value
}

// value walks the value at i and returns what comes after it. Valid JSON is bounded in depth.
func (c *cutter) value(i int, filled bool) int {
	i = c.space(i)
	if i >= len(c.in) {
		return i
	}
	switch c.in[i] {
	case '"':
		return c.str(i)
	case '{', '[':
		object := c.in[i] == '{'
		for i = c.space(i + 1); i < len(c.in) && c.in[i] != '}' && c.in[i] != ']'; i = c.space(i) {
			switch {
			case c.in[i] == ',':
				i++
			case object:
				i = c.member(i, filled)
			default:
				i = c.value(i, filled)
			}
		}
		return i + 1
	}
	for i < len(c.in) && !strings.ContainsRune(",]} \t\r\n", rune(c.in[i])) {
		i++
	}
	return i
}

// member walks one member of an object and cuts its value where its name says so.
func (c *cutter) member(i int, filled bool) int {
	end := c.str(i)
	from := c.space(c.space(end) + 1) // behind the colon
	if c.blind {
		return c.value(from, false)
	}
	name := string(c.in[i+1 : end-1])
	if strings.Contains(name, `\`) {
		name = unquoted(c.in[i:end])
	}
	if !secret(name, filled) {
		return c.value(from, filled || strings.EqualFold(name, "response_data"))
	}
	c.blind = true
	to := c.value(from, false)
	c.blind = false
	if v := string(c.in[from:to]); v != "null" && v != cutMark {
		if c.out == nil {
			c.out = make([]byte, 0, len(c.in)+len(cutMark))
		}
		c.out = append(append(c.out, c.in[c.copied:from]...), cutMark...)
		c.copied = to
	}
	return to
}

func unquoted(raw []byte) string {
	var s string
	json.Unmarshal(raw, &s) //nolint:errcheck // the body is valid JSON
	return s
}

// secret says whether the value of a member is cut out; filled: inside response_data.
func secret(name string, filled bool) bool {
	switch strings.ToLower(name) {
	case "signing_url", "sign_url", "claim_url", "edit_url", "sms_phone_number":
		return true
	case "value":
		return filled
	}
	return false
}

func (c *cutter) space(i int) int {
	for i < len(c.in) && (c.in[i] == ' ' || c.in[i] == '\t' || c.in[i] == '\r' || c.in[i] == '\n') {
		i++
	}
	return i
}

// str returns what comes after the string at i.
func (c *cutter) str(i int) int {
	for i++; i < len(c.in) && c.in[i] != '"'; i++ {
		if c.in[i] == '\\' {
			i++
		}
	}
	return i + 1
}
