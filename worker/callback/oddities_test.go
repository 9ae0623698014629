package callback

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/worker/callback/odd"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// oddCounts counts odd requests by kind; each comes as a sign.
type oddCounts struct {
	came chan string
}

func countOdd(o *Options) *oddCounts {
	c := &oddCounts{came: make(chan string, 100)}
	o.CountOdd = func(kind string) { c.came <- kind }
	return c
}

// next waits for the next odd request.
func (c *oddCounts) next(t *testing.T) string {
	t.Helper()
	select {
	case kind := <-c.came:
		return kind
	case <-time.After(20 * time.Second):
		t.Fatal("no odd request was counted")
	}
	return ""
}

func TestOddRequests(t *testing.T) {
	t.Parallel()
	var counts *oddCounts
	d := newTestListener(t, func(o *Options) { counts = countOdd(o) })
	address, _ := d.start(t)
	const request = "POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nContent-Length: 2\r\n\r\n{}"
	for _, c := range []struct{ name, sent, kind string }{
		{"PROXY protocol", "PROXY TCP4 203.0.113.7 10.0.0.1 51234 80\r\n" + request, odd.ProxyProtocol},
		{"PROXY protocol 2", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\x0a\x00\x00\x01\xc8\x22\x00\x50" +
			request, odd.ProxyProtocol},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", odd.TLS},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", odd.HTTP2},
		{"bytes", "\x00\x01\x02\x03\r\n\r\n", odd.Bytes},
		{"another protocol", "SSH-2.0-x\r\n\r\n", odd.Request},
		{"a bad path", strings.Replace(request, "/callbacks/sales", "/callbacks/%zz", 1), odd.Request},
		{"no Host", strings.Replace(request, "Host: x\r\n", "", 1), odd.Request},
		{"a header without a colon", strings.Replace(request, "Host: x", "Host: x\r\nnonsense", 1), odd.Request},
		{"two lengths", strings.Replace(request, "Host: x", "Host: x\r\nContent-Length: 3", 1), odd.Request},
		{"too large headers", strings.Replace(request, "Host: x", "Host: x\r\nX: "+strings.Repeat("x", 2*maxHeader), 1),
			odd.Request},
		{"a method nobody knows", strings.Replace(request, "POST", "BREW", 1), odd.Method},
		{"a path of others", strings.Replace(request, "/callbacks/sales", "/wp-login.php", 1), odd.Path},
		{"an account of others", strings.Replace(request, "/callbacks/sales", "/callbacks/nobody", 1), odd.Account},
		{"no account", strings.Replace(request, "/callbacks/sales", "/callbacks/No%20one", 1), odd.Path},
	} {
		conn := dial(t, address)
		go io.WriteString(conn, c.sent) //nolint:errcheck // the rest may be refused
		if kind := counts.next(t); kind != c.kind {
			t.Errorf("%s: counted as %s, want %s", c.name, kind, c.kind)
		}
		conn.Close() //nolint:errcheck // a test
	}
	conn := dial(t, address)
	io.WriteString(conn, request) //nolint:errcheck // a test
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
		t.Errorf("one in order: %q, %v", line, err)
	}
	io.WriteString(conn, "nonsense\r\n\r\n") //nolint:errcheck // a test
	if kind := counts.next(t); kind != odd.Request {
		t.Errorf("the second on a connection: %s", kind)
	}
	if len(counts.came) != 0 {
		t.Errorf("counted twice: %s", <-counts.came)
	}
}

// What is in order is not counted, however it comes and goes.
func TestNotOdd(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 100)
	var counts *oddCounts
	d := newTestListener(t, func(o *Options) { counts = countOdd(o) })
	d.connections.ended = func() { closed <- struct{}{} }
	address, stop := d.start(t)
	begun := func() net.Conn { return dial(t, address) }

	begun().Close() //nolint:errcheck // a health check
	slow := begun()
	for _, b := range []byte("POST /callbacks/sales HTTP/1.1\r\nHost: x\r\nKey: right\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}") {
		if _, err := slow.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if line, err := bufio.NewReader(slow).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
		t.Errorf("byte by byte: %q, %v", line, err)
	}
	for _, cut := range []string{"P", "PROX", "PR", "POST /callbacks/sales HTT"} {
		c := begun()
		io.WriteString(c, cut) //nolint:errcheck // a test
		c.Close()              //nolint:errcheck // a test
	}
	for range 6 {
		<-closed
	}
	stop()
	if len(counts.came) != 0 {
		t.Errorf("counted: %s", <-counts.came)
	}
}

// A caller that does not accept the certificate, and one that speaks no TLS.
func TestOddTLS(t *testing.T) {
	t.Parallel()
	var counts *oddCounts
	d := newTestListener(t, func(o *Options) { counts = countOdd(o) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := d.Run(ctx, ln,
			&tls.Config{Certificates: []tls.Certificate{ownCertificate(t)}, MinVersion: tls.VersionTLS12}); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	address := ln.Addr().String()

	if _, err := tls.Dial("tcp", address, &tls.Config{ServerName: "x", MinVersion: tls.VersionTLS12}); err == nil {
		t.Fatal("the certificate was accepted")
	}
	if kind := counts.next(t); kind != odd.Handshake {
		t.Errorf("a certificate that is not accepted: %s", kind)
	}
	for sent, want := range map[string]string{
		"POST /callbacks/sales HTTP/1.1\r\nHost: x\r\n\r\n": odd.Plain,
		"PROXY TCP4 203.0.113.7 10.0.0.1 51234 80\r\n":      odd.ProxyProtocol,
		"\x00\x01\x02\x03\x04\x05\x06":                      odd.Bytes,
	} {
		c := dial(t, address)
		io.WriteString(c, sent) //nolint:errcheck // a test
		if kind := counts.next(t); kind != want {
			t.Errorf("%q: %s, want %s", sent, kind, want)
		}
		c.Close() //nolint:errcheck // a test
	}
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // a test
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()                                 //nolint:errcheck // a test
	io.WriteString(c, "POST /%zz HTTP/1.1\r\n\r\n") //nolint:errcheck // a test
	if kind := counts.next(t); kind != odd.Request {
		t.Errorf("a bad path: %s", kind)
	}
	if len(counts.came) != 0 {
		t.Errorf("counted twice: %s", <-counts.came)
	}
}

func ownCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"x"}}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Each kind is logged once an hour, with what it is and what to do, and without what was asked for.
func TestOddRequestsAreLoggedOnceInAWhile(t *testing.T) {
	t.Parallel()
	log, hook := test.NewNullLogger()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	d := newTestListener(t, func(o *Options) { o.Log = logrus.NewEntry(log); o.Now = func() time.Time { return now } })
	for range 3 {
		d.ask("POST", "/callbacks/nobody", "hunter2", "{}")
		d.ask("GET", "/etc/hunter2", "", "")
	}
	now = now.Add(oddLogEvery)
	d.ask("GET", "/etc/hunter2", "", "")
	loud := 0
	for _, e := range hook.AllEntries() {
		if text, _ := e.String(); strings.Contains(text, "hunter2") || strings.Contains(text, "nobody") {
			t.Errorf("the log tells too much: %s", text)
		}
		if e.Level <= logrus.InfoLevel {
			loud++
		}
	}
	if loud != 3 {
		t.Errorf("%d lines", loud)
	}
}
