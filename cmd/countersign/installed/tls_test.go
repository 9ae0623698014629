package installed

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config/configtest"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// trusting is a client that believes one certificate and keeps no connection.
func trusting(cert string) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(cert))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
}

// The listener ends TLS itself, takes a renewed certificate without a restart, and goes on with the
// old one where the new files do not fit.
func TestTLS(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	certFile, keyFile := filepath.Join(in.Dir, "cert.pem"), filepath.Join(in.Dir, "key.pem")
	put := func(cert, key string) {
		t.Helper()
		require.NoError(t, os.WriteFile(keyFile, []byte(key), 0o600))
		require.NoError(t, os.WriteFile(certFile, []byte(cert), 0o600))
	}
	first, firstKey := configtest.SelfSigned(t, "sign.example.com")
	put(first, firstKey)
	in.Edit(t, `(?m)^(public: \{)`, "$1 tls: { cert_file: cert.pem, key_file: key.pem },")
	secret, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	in.DaemonWhere(t, func() bool {
		resp, err := trusting(first).Get("https://" + in.Public + "/")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusNotFound
	})

	post := func(c *http.Client, ref string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"https://"+in.Public+"/callbacks/"+simulator.AccountOneSpan,
			bytes.NewReader(installtest.OneSpanEvent("PACKAGE_CREATE", ref, time.Now())))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Basic "+secret)
		resp, err := c.Do(r)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", resp.Status)
		}
		return resp.Body.Close()
	}
	require.NoError(t, post(trusting(first), "r-first"))
	c, err := tls.Dial("tcp", in.Public, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}) //nolint:gosec,noctx // only what is spoken matters
	require.NoError(t, err)
	require.Empty(t, c.ConnectionState().NegotiatedProtocol, "no h2")
	require.NoError(t, c.Close())
	code, _ := in.Post(simulator.AccountOneSpan, "application/json", "Basic "+secret,
		installtest.OneSpanEvent("PACKAGE_CREATE", "r-plain", time.Now()))
	require.Equal(t, http.StatusBadRequest, code, "plain HTTP")

	second, secondKey := configtest.SelfSigned(t, "sign.example.com")
	put(second, secondKey)
	old := time.Now().Add(-values.Day) // copied with its time: not newer than the one before
	require.NoError(t, os.Chtimes(certFile, old, old))
	require.NoError(t, post(trusting(second), "r-second"))
	require.Error(t, post(trusting(first), "r-unseen"))
	put(first, secondKey) // not a pair
	require.NoError(t, post(trusting(second), "r-third"))
	require.Equal(t, map[string]int{"r-first": 1, "r-second": 1, "r-third": 1}, in.Callbacks(t, model.Accepted))
}

// A wrong certificate is a fault of the config: exit 2, with the key's path.
func TestWrongCertificate(t *testing.T) {
	t.Parallel()
	in := installtest.Install(t, installtest.PlayServices(t, simulator.Options{Transactions: -1}), 1)
	cert, _ := configtest.SelfSigned(t, "sign.example.com")
	_, key := configtest.SelfSigned(t, "sign.example.com")
	require.NoError(t, os.WriteFile(filepath.Join(in.Dir, "cert.pem"), []byte(cert), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(in.Dir, "key.pem"), []byte(key), 0o600))
	in.Edit(t, `(?m)^(public: \{)`, "$1 tls: { cert_file: cert.pem, key_file: key.pem },")
	for _, verb := range []string{"serve", "doctor"} {
		_, stderr, code := in.Verb(t, verb)
		require.Equal(t, output.ExitUsage, code, stderr)
		require.Contains(t, stderr, "public.tls.key_file: "+filepath.Join(in.Dir, "key.pem")+": ")
	}
	require.NoFileExists(t, filepath.Join(in.Dir, "countersign.db"))
}

// Only a trusted proxy is believed when it says who called.
func TestProxy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ trusted, forwarded, want string }{
		{"[]", "203.0.113.9", "127.0.0.1"},
		{`["127.0.0.1"]`, "203.0.113.9", "203.0.113.9"},
		{`["127.0.0.0/8"]`, "198.51.100.1, 203.0.113.9", "203.0.113.9"},                  // the left one is anybody's word
		{`["127.0.0.1", "203.0.113.0/24"]`, "198.51.100.1, 203.0.113.9", "198.51.100.1"}, // two proxies of ours
		{`["10.0.0.0/8"]`, "203.0.113.9", "127.0.0.1"},
	} {
		t.Run(c.trusted+" "+c.forwarded, func(t *testing.T) {
			t.Parallel()
			svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
			in := installtest.Install(t, svc, 1)
			in.Edit(t, `(?m)^(public: \{)`, "$1 trusted_proxies: "+c.trusted+",")
			in.Daemon(t)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
				"http://"+in.Public+"/callbacks/"+simulator.AccountOneSpan,
				bytes.NewReader(installtest.OneSpanEvent("PACKAGE_CREATE", "r-1", time.Now())))
			require.NoError(t, err)
			secret, _ := svc.Account(simulator.AccountOneSpan).Settings["callback_key"].(string)
			r.Header.Set("Authorization", "Basic "+secret)
			r.Header.Set("X-Forwarded-For", c.forwarded)
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer resp.Body.Close() //nolint:errcheck // only the code matters
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Equal(t, c.want, newest(t, in).RemoteAddr)
			stdout, stderr, code := in.Verb(t, "callbacks", "show", newest(t, in).ID)
			require.Zero(t, code, stderr)
			require.Contains(t, stdout, " from "+c.want)
		})
	}
}

// With a token nobody reads the console without it; without one it is loopback's, whatever name a
// browser was made to believe.
func TestConsole(t *testing.T) {
	t.Parallel()
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	open, shut := installtest.Install(t, svc, 1), installtest.Install(t, svc, 1)
	shut.Edit(t, `console: \{`, `console: { token_file: token,`)
	require.NoError(t, os.WriteFile(filepath.Join(shut.Dir, "token"), []byte("a-token\n"), 0o600))
	open.Daemon(t)
	shut.Daemon(t)

	code, text := shut.Looked(t, "/", "10.1.2.3:18080", "")
	require.Equal(t, http.StatusOK, code, "it leads to the login")
	require.Contains(t, text, `action="/login`)
	code, _ = shut.Looked(t, "/", "console.example.com", "a-token")
	require.Equal(t, http.StatusOK, code)
	code, text = open.Looked(t, "/", "rebound.example.com", "")
	require.Equal(t, http.StatusMisdirectedRequest, code)
	require.NotContains(t, text, "sim-onespan")
	for _, path := range []string{"/api/v1/status", "/readyz", "/metrics"} {
		code, text := shut.Looked(t, path, "10.1.2.3:18080", "")
		if path == "/readyz" {
			require.Equal(t, http.StatusOK, code, path)
			require.Empty(t, text, path)
		} else {
			require.Equal(t, http.StatusUnauthorized, code, path)
		}
		code, _ = shut.Looked(t, path, "", "another")
		require.Equal(t, http.StatusUnauthorized, code, path)
		code, _ = shut.Looked(t, path, "console.example.com", "a-token")
		require.Equal(t, http.StatusOK, code, path)
		code, _ = open.Looked(t, path, "", "")
		require.Equal(t, http.StatusOK, code, path)
		code, text = open.Looked(t, path, "rebound.example.com", "")
		require.Equal(t, http.StatusMisdirectedRequest, code, path)
		require.NotContains(t, text, "countersign_")
	}
	code, text = shut.Looked(t, "/healthz", "", "")
	require.Equal(t, http.StatusOK, code, text)

	open.Edit(t, `console: \{[^}]*\}`, `console: { address: ":0" }`)
	_, stderr, code := open.Verb(t, "serve")
	require.Equal(t, output.ExitUsage, code)
	require.True(t, strings.Contains(stderr, "console.address: ") && strings.Contains(stderr, "console.token"), stderr)
}
