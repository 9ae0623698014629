package providertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"

	"countersign/model"
	"countersign/provider"
)

// sample is one recorded callback.
type sample struct {
	name string
	c    provider.Callback
}

// samples reads the recorded callbacks. What follows the body that the header announces may only be
// a line's end, which editors add.
func (b *bench) samples() []sample {
	files, err := filepath.Glob(filepath.Join(b.Callbacks, "*.http"))
	if err != nil || len(files) == 0 {
		b.failf("no recorded callbacks in %q", b.Callbacks)
	}
	var list []sample
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			b.failf("%w", err)
			continue
		}
		c, err := parse(raw)
		if err != nil {
			b.failf("%s: %w", name, err)
			continue
		}
		c.ReceivedAt = b.ReceivedAt
		list = append(list, sample{name, c})
	}
	return list
}

func parse(raw []byte) (provider.Callback, error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	req, err := http.ReadRequest(r)
	if err != nil {
		return provider.Callback{}, err
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return provider.Callback{}, fmt.Errorf("the body is not as long as the header says: %w", err)
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return provider.Callback{}, err
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return provider.Callback{}, fmt.Errorf("%d bytes follow the body: the Content-Length is wrong", len(rest))
	}
	account := strings.TrimPrefix(req.URL.Path, "/callbacks/")
	return provider.Callback{Account: account, Header: req.Header, Body: body, RemoteAddr: "192.0.2.7:443"}, nil
}

// class names an error as goldens do.
func class(err error) string {
	var after *provider.RetryAfter
	switch {
	case errors.Is(err, provider.ErrUnverified):
		return "unverified"
	case errors.Is(err, provider.ErrUnreadable):
		return "unreadable"
	case errors.Is(err, provider.ErrNotUnderstood):
		return "not understood"
	case errors.Is(err, provider.ErrDenied):
		return "denied"
	case errors.Is(err, provider.ErrNotFound):
		return "not found"
	case errors.As(err, &after):
		return "retry after"
	}
	return "other"
}

// golden holds what something means against the file that says so, or writes the file.
func (b *bench) golden(path string, v any, err error) {
	if err != nil {
		v = map[string]string{"error": class(err)}
	}
	got := meaning(v)
	if b.Update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			b.failf("%w", err)
		}
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		b.failf("%s is not there: run the test with -update and read what it writes", path)
		return
	}
	var said any
	if err := json.Unmarshal(raw, &said); err != nil {
		b.failf("%s: %w", path, err)
		return
	}
	if diff := cmp.Diff(string(meaning(said)), string(got)); diff != "" {
		b.failf("%s (-recorded +got):\n%s", path, diff)
	}
}

// meaning writes v as JSON without what says nothing. Documents and signers that are known to be
// none differ from those that nothing was said about. The body that Clean holds is written as text.
func meaning(v any) []byte {
	if r, ok := v.(provider.Received); ok && r.Clean != nil {
		clean := string(r.Clean)
		r.Clean = nil
		v = struct {
			provider.Received
			Clean string
		}{r, clean}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return []byte(err.Error())
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(prune(plain)); err != nil {
		return []byte(err.Error())
	}
	return out.Bytes()
}

// prune drops null, "", 0, false and the zero time from objects.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, in := range v {
			switch in = prune(in); in {
			case nil, "", false, json.Number("0"), "0001-01-01T00:00:00Z":
				delete(v, k)
			default:
				v[k] = in
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}

// zeroWork says whether an observation leaves alone what is the worker's to say.
func zeroWork(o model.Observation) bool {
	return o.At.IsZero() && o.AskedAt.IsZero() && o.Version == 0 && o.Asked == ""
}
