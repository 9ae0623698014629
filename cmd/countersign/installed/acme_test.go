package installed

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/acme"

	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

// authority is as much of an ACME server (RFC 8555) as one order of one host needs. It looks at the listener itself, by
// TLS-ALPN-01, before it issues anything; it does not check who signed a request.
type authority struct {
	url, listener string
	key           *ecdsa.PrivateKey
	cert          *x509.Certificate

	mu     sync.Mutex
	thumb  string // of the account's key
	proved bool
	issued []byte
	orders int
	fault  string
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Replay-Nonce", fmt.Sprint(time.Now().UnixNano()))
	var sent struct{ Protected, Payload string }
	json.NewDecoder(r.Body).Decode(&sent) //nolint:errcheck // a GET has none
	at := func(path string) string { return a.url + path }
	order := func() map[string]any {
		o := map[string]any{
			"status": "pending", "authorizations": []string{at("/authz")}, "finalize": at("/finalize"),
			"identifiers": []map[string]string{{"type": "dns", "value": "sign.example.com"}},
		}
		if a.issued != nil {
			o["status"], o["certificate"] = "valid", at("/cert")
		} else if a.proved {
			o["status"] = "ready"
		}
		return o
	}
	code, answer := http.StatusOK, map[string]any{}
	switch r.URL.Path {
	case "/directory":
		answer = map[string]any{"newNonce": at("/nonce"), "newAccount": at("/account"), "newOrder": at("/orders"),
			"revokeCert": at("/x"), "keyChange": at("/x")}
	case "/nonce":
	case "/account":
		a.thumb = thumbprint(sent.Protected)
		w.Header().Set("Location", at("/account/1"))
		code, answer = http.StatusCreated, map[string]any{"status": "valid"}
	case "/orders":
		a.orders++
		w.Header().Set("Location", at("/order"))
		code, answer = http.StatusCreated, order()
	case "/order":
		answer = order()
	case "/authz", "/challenge":
		if r.URL.Path == "/challenge" {
			a.prove()
		}
		challenge := map[string]any{"type": "tls-alpn-01", "url": at("/challenge"), "token": "the-token", "status": "pending"}
		answer = map[string]any{"status": "pending",
			"identifier": map[string]string{"type": "dns", "value": "sign.example.com"}, "challenges": []any{challenge}}
		if a.proved {
			challenge["status"], answer["status"] = "valid", "valid"
		}
		if r.URL.Path == "/challenge" {
			answer = challenge
		}
	case "/finalize":
		a.issue(sent.Payload)
		w.Header().Set("Location", at("/order"))
		answer = order()
	case "/cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(a.issued) //nolint:errcheck // a test
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // a test
}

// thumbprint is of the key in a protected header (RFC 7638).
func thumbprint(protected string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(protected) //nolint:errcheck // then nothing fits
	var h struct {
		JWK struct{ Crv, Kty, X, Y string } `json:"jwk"`
	}
	json.Unmarshal(raw, &h) //nolint:errcheck // then nothing fits
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, h.JWK.Crv, h.JWK.Kty, h.JWK.X, h.JWK.Y))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// prove shakes hands with the listener and looks for the answer to the challenge in its certificate (RFC 8737).
func (a *authority) prove() {
	c, err := tls.Dial("tcp", a.listener, &tls.Config{ServerName: "sign.example.com", NextProtos: []string{acme.ALPNProto}, InsecureSkipVerify: true}) //nolint:gosec,noctx // as RFC 8737 has it
	if err != nil {
		a.fault = err.Error()
		return
	}
	defer c.Close() //nolint:errcheck // a test
	sum := sha256.Sum256([]byte("the-token." + a.thumb))
	want, _ := asn1.Marshal(sum[:]) //nolint:errcheck // bytes always marshal
	for _, e := range c.ConnectionState().PeerCertificates[0].Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.31" && bytes.Equal(e.Value, want) {
			a.proved = true
		}
	}
}

func (a *authority) issue(payload string) {
	raw, _ := base64.RawURLEncoding.DecodeString(payload) //nolint:errcheck // then it is no request
	var f struct{ CSR string }
	json.Unmarshal(raw, &f)                             //nolint:errcheck // then it is no request
	der, _ := base64.RawURLEncoding.DecodeString(f.CSR) //nolint:errcheck // then it is no request
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil || !a.proved {
		a.fault = fmt.Sprint("proved ", a.proved, ": ", err)
		return
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "sign.example.com"},
		DNSNames: csr.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * values.Day)}
	cert, err := x509.CreateCertificate(rand.Reader, of, a.cert, csr.PublicKey, a.key)
	if err != nil {
		a.fault = err.Error()
		return
	}
	a.issued = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
}

// An authority issues the certificate of the public listener, after it has seen that the listener is the host's; a
// restart finds the certificate in its folder. HTTP/2 is not offered.
func TestACME(t *testing.T) {
	t.Parallel()
	in := installtest.Install(t, installtest.PlayServices(t, simulator.Options{Transactions: -1}), 1)
	a := &authority{listener: in.Public}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(values.Day),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	srv := httptest.NewTLSServer(a)
	t.Cleanup(srv.Close)
	a.url = srv.URL
	require.NoError(t, os.WriteFile(filepath.Join(in.Dir, "roots.pem"),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))
	in.Edit(t, `(?m)^(public: \{)`,
		fmt.Sprintf(`$1 tls: { acme: { hosts: [sign.example.com], email: ops@example.com, directory: "%s/directory", roots: roots.pem } },`, srv.URL))

	greet := func(host string) (tls.ConnectionState, error) {
		c, err := tls.Dial("tcp", in.Public, &tls.Config{RootCAs: roots, ServerName: host, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12}) //nolint:noctx // loopback
		if err != nil {
			return tls.ConnectionState{}, err
		}
		return c.ConnectionState(), c.Close()
	}
	listening := func() bool { return installtest.Answers("http://"+in.Public+"/", http.StatusBadRequest) }
	stop := in.DaemonWhere(t, listening)
	_, err = greet("other.example.com")
	require.Error(t, err)
	require.Zero(t, a.orders, "nothing is asked for a host that is not ours")
	state, err := greet("sign.example.com")
	require.NoError(t, err, a.fault)
	require.Equal(t, "http/1.1", state.NegotiatedProtocol)
	require.Zero(t, stop())

	in.DaemonWhere(t, listening)
	_, err = greet("sign.example.com")
	require.NoError(t, err)
	require.Equal(t, 1, a.orders, "kept in its folder")
	cache := filepath.Join(in.Dir, "acme")
	info, err := os.Stat(cache)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
	list, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, e := range list {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), e.Name())
	}
	stdout, _, _ := in.Verb(t, "doctor")
	require.True(t, strings.Contains(stdout, "for sign.example.com, kept in "), stdout)
}
