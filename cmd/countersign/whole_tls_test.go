package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config/configtest"
	"countersign/cmd/countersign/config/values"
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
func TestWholeTLS(t *testing.T) {
	t.Parallel()
	svc := playServices(t, simulator.Options{Transactions: -1})
	in := install(t, svc, 1)
	certFile, keyFile := filepath.Join(in.dir, "cert.pem"), filepath.Join(in.dir, "key.pem")
	put := func(cert, key string) {
		t.Helper()
		require.NoError(t, os.WriteFile(keyFile, []byte(key), 0o600))
		require.NoError(t, os.WriteFile(certFile, []byte(cert), 0o600))
	}
	first, firstKey := configtest.SelfSigned(t, "sign.example.com")
	put(first, firstKey)
	in.edit(t, `(?m)^(public: \{)`, "$1 tls: { cert_file: cert.pem, key_file: key.pem },")
	secret, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
	in.daemonWhere(t, func() bool {
		resp, err := trusting(first).Get("https://" + in.public + "/")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusNotFound
	})

	post := func(c *http.Client, ref string) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"https://"+in.public+"/callbacks/"+simulator.AccountOneSpan,
			bytes.NewReader(oneSpanEvent("PACKAGE_CREATE", ref, time.Now())))
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
	c, err := tls.Dial("tcp", in.public, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}) //nolint:gosec,noctx // only what is spoken matters
	require.NoError(t, err)
	require.Empty(t, c.ConnectionState().NegotiatedProtocol, "no h2")
	require.NoError(t, c.Close())
	code, _ := in.post(simulator.AccountOneSpan, "application/json", "Basic "+secret,
		oneSpanEvent("PACKAGE_CREATE", "r-plain", time.Now()))
	require.Equal(t, http.StatusBadRequest, code, "plain HTTP")

	second, secondKey := configtest.SelfSigned(t, "sign.example.com")
	put(second, secondKey)
	old := time.Now().Add(-values.Day) // copied with its time: not newer than the one before
	require.NoError(t, os.Chtimes(certFile, old, old))
	require.NoError(t, post(trusting(second), "r-second"))
	require.Error(t, post(trusting(first), "r-unseen"))
	put(first, secondKey) // not a pair
	require.NoError(t, post(trusting(second), "r-third"))
	require.Equal(t, map[string]int{"r-first": 1, "r-second": 1, "r-third": 1}, in.callbacks(t, model.Accepted))
}

// A wrong certificate is a fault of the config: exit 2, with the key's path.
func TestWholeWrongCertificate(t *testing.T) {
	t.Parallel()
	in := install(t, playServices(t, simulator.Options{Transactions: -1}), 1)
	cert, _ := configtest.SelfSigned(t, "sign.example.com")
	_, key := configtest.SelfSigned(t, "sign.example.com")
	require.NoError(t, os.WriteFile(filepath.Join(in.dir, "cert.pem"), []byte(cert), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(in.dir, "key.pem"), []byte(key), 0o600))
	in.edit(t, `(?m)^(public: \{)`, "$1 tls: { cert_file: cert.pem, key_file: key.pem },")
	for _, verb := range []string{"serve", "doctor"} {
		_, stderr, code := in.verb(t, verb)
		require.Equal(t, output.ExitUsage, code, stderr)
		require.Contains(t, stderr, "public.tls.key_file: "+filepath.Join(in.dir, "key.pem")+": ")
	}
	require.NoFileExists(t, filepath.Join(in.dir, "countersign.db"))
}

// Only a trusted proxy is believed when it says who called.
func TestWholeProxy(t *testing.T) {
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
			svc := playServices(t, simulator.Options{Transactions: -1})
			in := install(t, svc, 1)
			in.edit(t, `(?m)^(public: \{)`, "$1 trusted_proxies: "+c.trusted+",")
			in.daemon(t)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
				"http://"+in.public+"/callbacks/"+simulator.AccountOneSpan,
				bytes.NewReader(oneSpanEvent("PACKAGE_CREATE", "r-1", time.Now())))
			require.NoError(t, err)
			secret, _ := svc.account(simulator.AccountOneSpan).Settings["callback_key"].(string)
			r.Header.Set("Authorization", "Basic "+secret)
			r.Header.Set("X-Forwarded-For", c.forwarded)
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer resp.Body.Close() //nolint:errcheck // only the code matters
			require.Equal(t, http.StatusOK, resp.StatusCode)
			require.Equal(t, c.want, in.newest(t).RemoteAddr)
			stdout, stderr, code := in.verb(t, "callbacks", "show", in.newest(t).ID)
			require.Zero(t, code, stderr)
			require.Contains(t, stdout, " from "+c.want)
		})
	}
}

// looked asks the console; host and token may be empty.
func (in installation) looked(t *testing.T, path, host, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+in.console+path, nil)
	require.NoError(t, err)
	r.Host = host
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // read
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// With a token nobody reads the console without it; without one it is loopback's, whatever name a
// browser was made to believe.
func TestWholeConsole(t *testing.T) {
	t.Parallel()
	svc := playServices(t, simulator.Options{Transactions: -1})
	open, shut := install(t, svc, 1), install(t, svc, 1)
	shut.edit(t, `console: \{`, `console: { token_file: token,`)
	require.NoError(t, os.WriteFile(filepath.Join(shut.dir, "token"), []byte("a-token\n"), 0o600))
	open.daemon(t)
	shut.daemon(t)

	for _, path := range []string{"/", "/readyz", "/metrics"} {
		code, text := shut.looked(t, path, "10.1.2.3:18080", "")
		if path == "/readyz" {
			require.Equal(t, http.StatusOK, code, path)
			require.Empty(t, text, path)
		} else {
			require.Equal(t, http.StatusUnauthorized, code, path)
		}
		code, _ = shut.looked(t, path, "", "another")
		require.Equal(t, http.StatusUnauthorized, code, path)
		code, _ = shut.looked(t, path, "console.example.com", "a-token")
		require.Equal(t, http.StatusOK, code, path)
		code, _ = open.looked(t, path, "", "")
		require.Equal(t, http.StatusOK, code, path)
		code, text = open.looked(t, path, "rebound.example.com", "")
		require.Equal(t, http.StatusMisdirectedRequest, code, path)
		require.NotContains(t, text, "countersign_")
	}
	code, text := shut.looked(t, "/healthz", "", "")
	require.Equal(t, http.StatusOK, code, text)

	open.edit(t, `console: \{[^}]*\}`, `console: { address: ":0" }`)
	_, stderr, code := open.verb(t, "serve")
	require.Equal(t, output.ExitUsage, code)
	require.True(t, strings.Contains(stderr, "console.address: ") && strings.Contains(stderr, "console.token"), stderr)
}
