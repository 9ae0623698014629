package console

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"countersign/worker/console/access"
)

// generator makes a client of what describes the API.
const generator = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"

// A client that a public generator makes of /openapi.json compiles and gets a transaction. It is made anew each time,
// which takes the module proxy: COUNTERSIGN_TEST_CLIENT asks for it.
func TestAGeneratedClientAsks(t *testing.T) {
	t.Parallel()
	if os.Getenv("COUNTERSIGN_TEST_CLIENT") == "" {
		t.Skip("COUNTERSIGN_TEST_CLIENT is not set: a client is not generated")
	}
	d := newDesk(t, "config-token")
	token := d.token("client", access.Read)
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile("testdata/client.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", d.URL+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	spec, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	write("go.mod", "module generated\n\ngo 1.26.0\n")
	write("main.go", string(program))
	write("openapi.json", string(spec))
	write("client/doc.go", "package client\n")
	run("go", "run", generator, "-generate", "types,client", "-package", "client", "-o", "client/client.go", "openapi.json")
	run("go", "mod", "tidy")
	if out := run("go", "run", ".", d.URL, token, "sales", "c-1"); !strings.Contains(out, "c-1 in_progress 1 changes") {
		t.Error(out)
	}
	if out := run("go", "run", ".", d.URL, token, "sales", "a/b"); !strings.Contains(out, "a/b in_progress") {
		t.Error(out)
	}
}
