package onespan

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

// TestRecordedCallbacks reads each callback as it came off the wire, and holds what it means
// against the file beside it.
func TestRecordedCallbacks(t *testing.T) {
	files, err := filepath.Glob("testdata/callbacks/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded callbacks", err)
	}
	s := account(t, "", keyed)
	for _, name := range files {
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
		r, err := s.Receive(provider.Callback{Account: "sales", Header: req.Header, Body: body, ReceivedAt: noon})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(name, ".http") + ".json"
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, string(got)+"\n", string(want))
		req.Header.Del("Authorization")
		if _, err := s.Receive(provider.Callback{Header: req.Header, Body: body, ReceivedAt: noon}); err == nil {
			t.Errorf("%s: taken without its key", name)
		}
	}
}
