package dropboxsign

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"countersign/provider"
)

// replayed reads a callback off the wire.
func replayed(t *testing.T, name string) provider.Callback {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(name, err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Fatal(name, err)
	}
	return provider.Callback{Account: "hr", Header: req.Header, Body: body, ReceivedAt: noon}
}

// recordings are the files of testdata, but for what they mean.
func recordings(pattern string) ([]string, error) {
	files, err := filepath.Glob("testdata/" + pattern)
	return slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, ".golden.json") }), err
}

// What each means, the conformance suite holds against the file beside it.
func TestEachTypeIsRecordedAndSecretsAreCutOut(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/callbacks/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded callbacks", err)
	}
	s := account(t, "", keyed)
	seen := map[string]bool{}
	for _, name := range files {
		r, err := s.Receive(replayed(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen[r.Type] = true
		if strings.Contains(string(r.Clean), "/sign/") || strings.Contains(string(r.Clean), "Example Lane") {
			t.Errorf("%s keeps what is to be cut", name)
		}
	}
	for typ := range meanings {
		if !seen[typ] {
			t.Errorf("no recorded callback of type %s", typ)
		}
	}
}
