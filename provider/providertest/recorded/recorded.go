// Package recorded reads what was recorded of a service, callbacks as on the wire and answers, and holds what they
// mean against the files that say so.
package recorded

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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/provider"
)

// Callback is a recorded one.
type Callback struct {
	Name string // of its file
	provider.Callback
}

// Callbacks reads the files NAME.http of a folder. What follows the body that the header announces may only be a line's
// end, which editors add. The error names what could not be read; the others are returned.
func Callbacks(folder string, came time.Time) (list []Callback, err error) {
	files, _ := filepath.Glob(filepath.Join(folder, "*.http")) //nolint:errcheck // the pattern is good
	if len(files) == 0 {
		return nil, fmt.Errorf("no recorded callbacks in %q", folder)
	}
	for _, name := range files {
		raw, rerr := os.ReadFile(name)
		if rerr != nil {
			err = errors.Join(err, rerr)
			continue
		}
		c, perr := parse(raw)
		if perr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, perr))
			continue
		}
		c.ReceivedAt = came
		list = append(list, Callback{name, c})
	}
	return list, err
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

// Compare holds what something means, a value or an error, against the file that says so, or writes the file.
func Compare(path string, v any, err error, update bool) error {
	if err != nil {
		v = map[string]string{"error": class(err)}
	}
	got := meaning(v)
	if update {
		return os.WriteFile(path, got, 0o644)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%s is not there: run the test with -update and read what it writes", path)
	}
	var said any
	if err := json.Unmarshal(raw, &said); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if diff := cmp.Diff(string(meaning(said)), string(got)); diff != "" {
		return fmt.Errorf("%s (-recorded +got):\n%s", path, diff)
	}
	return nil
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

// Text is the text of testdata/NAME.json.
func Text(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// OneCallback is a folder with one recorded callback of testdata/callbacks and its meaning, for suites about another
// way in.
func OneCallback(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{name + ".http", name + ".json"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "callbacks", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
