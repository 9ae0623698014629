package dropboxsign

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/provider"
)

var update = flag.Bool("update", false, "write what the recorded callbacks mean beside them")

// meant is what a callback says, as its file beside it shows it.
type meant struct {
	provider.Received
	Clean string
}

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

func TestRecordedCallbacksMeanWhatTheirFilesSay(t *testing.T) {
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
		got, err := json.MarshalIndent(meant{Received: r, Clean: string(r.Clean)}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(name, ".http") + ".json"
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil { //nolint:gosec // test data
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, string(got)+"\n", string(want))
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
