package installed

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
)

// wayOut is a proxy on loopback that plays a provider and its file store, whose names lead nowhere without it.
type wayOut struct {
	mu    sync.Mutex
	asked map[string]int // by host
	keys  map[string]int // of those the ones with a key
}

func (p *wayOut) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Host]++
	if r.Header.Get("Authorization") != "" || strings.Contains(r.URL.String(), "k-hush") {
		p.keys[r.URL.Host]++
	}
	p.mu.Unlock()
	ref, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v3/documents/"), "/")
	link := map[string]string{
		"doc_1": "http://files.example.test/files/doc_1?X-Amz-Expires=300", "doc_2": "http://10.0.0.7/files/doc_2",
		"doc_3": "http://93.184.216.34/files/doc_3",
	}[ref]
	switch {
	case r.URL.Host != "api.example.test":
		installtest.AnswerFile(installtest.PdfOf("lease"))(w, r)
	case link == "":
		installtest.AnswerJSON(http.StatusNotFound, installtest.Said{})(w, r)
	case rest == "signers":
		installtest.AnswerJSON(http.StatusOK,
			installtest.Said{"object": "list", "hasMore": false, "nextCursor": nil,
				"data": []installtest.Said{{"id": "sgr_1", "documentId": ref, "status": "signed"}}})(w, r)
	case rest == "evidence":
		installtest.AnswerJSON(http.StatusOK,
			installtest.Said{"documentId": ref, "available": true, "evidencePdf": installtest.Said{"url": link}, "nom151": nil})(w, r)
	default:
		installtest.AnswerJSON(http.StatusOK, installtest.Said{
			"id": ref, "object": "document", "name": "Lease", "status": "completed", "documentType": "editable",
			"signerCount": 1, "signedCount": 1,
			"createdAt": "2026-11-20T09:00:00.000Z", "updatedAt": "2026-11-20T10:00:00.000Z", "expiresAt": nil,
		})(w, r)
	}
}

func (p *wayOut) count(of map[string]int, host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return of[host]
}

// startWith runs the program with more in its environment.
func startWith(t *testing.T, in installtest.Installation, env []string, binary string, args ...string) *installtest.Process {
	t.Helper()
	p := &installtest.Process{Cmd: exec.Command(binary, append([]string{"--config", in.Config}, args...)...), Out: &installtest.SafeBuffer{},
		Done: make(chan struct{})}
	p.Stdout, p.Stderr, p.Env = p.Out, p.Out, append(os.Environ(), env...)
	require.NoError(t, p.Start())
	go func() { p.Wait(); close(p.Done) }() //nolint:errcheck // ProcessState tells
	t.Cleanup(p.Kill)
	return p
}

// Where the only way out is a proxy, what links lead to comes through it, without the key; private addresses are
// refused before it is asked, and the doctor says whether it works.
func TestFilesComeThroughAProxy(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	proxy := &wayOut{asked: map[string]int{}, keys: map[string]int{}}
	server := httptest.NewServer(proxy)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	in := installtest.Installation{Dir: t.TempDir()}
	in.Config = filepath.Join(in.Dir, "config.yaml")
	var err error
	in.Public, err = installtest.FreeAddress()
	require.NoError(t, err)
	in.Console, err = installtest.FreeAddress()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(in.Config, []byte(`database: sqlite:./countersign.db
documents: file:./documents
documents_min_free: 1MiB
public: { address: "`+in.Public+`", url: "https://sign.example.com" }
console: { address: "`+in.Console+`" }
retry: { first: 200ms, most: 1s }
accounts:
  - id: mx
    provider: allsign
    base_url: http://api.example.test
    settings: { api_key: k-hush, webhook_secrets: ["whsec_a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="] }
    budget: { read: 600 }
`), 0o600))
	env := []string{
		"HTTP_PROXY=" + strings.Replace(server.URL, "http://", "http://us:proxy-hush@", 1), "NO_PROXY=inside.example.com",
		"HTTPS_PROXY=", "https_proxy=",
	}
	require.Zero(t, startWith(t, in, env, binary, "track", "mx", "doc_1", "doc_2", "doc_3").Exit(t))
	p := startWith(t, in, env, binary, "serve")
	in.Up(t, p)
	in.FileBecomes(t, "doc_1", "stored")
	in.FileBecomes(t, "doc_3", "stored")
	table := in.Table(t)
	installtest.Eventually(t, "a second try", func() bool {
		return installtest.One[int](table, `SELECT attempts FROM documents WHERE ref = 'doc_2'`) > 1
	})
	require.Zero(t, proxy.count(proxy.asked, "10.0.0.7"), "a private address is not asked for")
	require.Positive(t, proxy.count(proxy.keys, "api.example.test"))
	for _, host := range []string{"files.example.test", "93.184.216.34"} {
		require.Zero(t, proxy.count(proxy.keys, host), "the key goes to the provider alone")
	}

	doctor := startWith(t, in, env, binary, "doctor")
	doctor.Exit(t)
	require.Regexp(t, `(?m)^ok +http proxy +`+server.URL+
		`, which reaches api\.example\.test; not for inside\.example\.com$`, doctor.Out.String())
	require.Regexp(t, `(?m)^warn +https proxy +HTTPS_PROXY is not set`, doctor.Out.String())
	server.Close()
	doctor = startWith(t, in, env, binary, "doctor")
	require.Equal(t, 1, doctor.Exit(t))
	require.Regexp(t, `(?m)^FAIL +http proxy +`+server.URL+`: does not lead to api\.example\.test`, doctor.Out.String())
	require.NotContains(t, doctor.Out.String()+p.Out.String(), "hush")
}
