package installed

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/model/announced"
	"countersign/provider/transport/ways"
	"countersign/worker/hook"
)

// block is the only program of docs/announcing.md in a language.
func block(t *testing.T, language string) []byte {
	t.Helper()
	page, err := os.ReadFile("../../../docs/announcing.md")
	require.NoError(t, err)
	found := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(page, -1)
	require.Len(t, found, 1, language)
	return found[0][1]
}

// tool finds a program, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not on this machine", name)
	}
	return path
}

// The receivers of docs/announcing.md take what is ours, once, and nothing else.
func TestTheReceiversOfThePage(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, dir string) []string{
		"go": func(t *testing.T, dir string) []string {
			file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "receiver")
			require.NoError(t, os.WriteFile(file, block(t, "go"), 0o600))
			out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, file).CombinedOutput()
			require.NoError(t, err, string(out))
			return []string{program}
		},
		"python": func(t *testing.T, dir string) []string {
			python := tool(t, "python3")
			file := filepath.Join(dir, "receiver.py")
			require.NoError(t, os.WriteFile(file, block(t, "python"), 0o600))
			return []string{python, file}
		},
		"js": func(t *testing.T, dir string) []string {
			node, npm := tool(t, "node"), tool(t, "npm")
			file := filepath.Join(dir, "receiver.mjs")
			require.NoError(t, os.WriteFile(file, block(t, "js"), 0o600))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, npm, "install", "--silent", "--no-audit", "--no-fund", "standardwebhooks@1.0.0")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("the npm registry does not give standardwebhooks: %v: %s", err, out)
			}
			return []string{node, file}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := prepare(t, dir)
			address, err := installtest.FreeAddress()
			require.NoError(t, err)
			_, port, err := net.SplitHostPort(address)
			require.NoError(t, err)
			out := &installtest.SafeBuffer{}
			cmd := exec.CommandContext(t.Context(), args[0], args[1:]...) //nolint:gosec // the page's own
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
			cmd.Env = append(os.Environ(), "SECRET="+oldSecret, "PORT="+port)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() }) //nolint:errcheck // it ends by being killed
			receives(t, "http://"+address, out)
		})
	}
}

// receives sends what is ours twice, with one secret and with two, and what is not.
func receives(t *testing.T, url string, out *installtest.SafeBuffer) {
	t.Helper()
	way := ways.New(nil, func(d *net.Dialer) *http.Transport {
		if d == nil {
			d = &net.Dialer{}
		}
		return &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
	}, time.Minute, true)
	sender := func(secrets ...string) hook.Sender {
		s, err := hook.HTTP{URL: url, Secrets: secrets, Agent: "countersign", Timeout: time.Minute, Through: way, Now: time.Now}.Sender()
		require.NoError(t, err)
		return s
	}
	e, err := hook.EventOf(&announced.Change{Change: model.Change{Seq: 1, Account: "a", Ref: "r-ü", Kind: model.KindStatus,
		Status: model.Completed, To: "completed", At: time.Now()}})
	require.NoError(t, err)
	var a hook.Answer
	installtest.Eventually(t, "the receiver", func() bool {
		a = sender(oldSecret)(t.Context(), e)
		return !strings.Contains(a.Note, "refused")
	})
	require.True(t, a.Taken, a.Note)
	require.True(t, sender(newSecret, oldSecret)(t.Context(), e).Taken, "two secrets in rotation")
	require.Equal(t, "401 Unauthorized", sender(newSecret)(t.Context(), e).Note, "another secret")
	late, err := hook.HTTP{URL: url, Secrets: []string{oldSecret}, Agent: "x", Timeout: time.Minute, Through: way,
		Now: func() time.Time { return time.Now().Add(-time.Hour) }}.Sender()
	require.NoError(t, err)
	require.Contains(t, late(t.Context(), e).Note, "401", "a copy of an hour ago")
	require.Equal(t, "countersign.status r-ü completed\n", out.String())
}
