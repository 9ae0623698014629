package callback

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// The kinds of odd requests: those that never become a callback, a return or a hint, and say that something in front
// of the listener, or at the provider, is set up otherwise than the listener expects.
const (
	oddProxyProtocol = "proxy_protocol"
	oddTLS           = "tls_on_plain_port"
	oddPlain         = "plain_on_tls_port"
	oddHTTP2         = "http2"
	oddBytes         = "not_http"
	oddRequest       = "bad_request"
	oddHandshake     = "tls_handshake"
	oddCaller        = "caller_conflict"
	oddPath          = "unknown_path"
	oddAccount       = "unknown_account"
	oddMethod        = "unknown_method"
)

// oddLogEvery is how often an odd kind is logged.
const oddLogEvery = time.Hour

// What other protocols begin with.
const (
	proxyPreamble  = "PROXY "
	proxyPreamble2 = "\r\n\r\n\x00\r\nQUIT\n" // version 2, in binary
	http2Preface   = "PRI * HTTP/2"
)

// oddity is what an odd kind means and what to do about it.
type oddity struct {
	kind  string
	level logrus.Level
	text  string
}

// oddities are all kinds. Those that strangers cause all day are no warnings.
func oddities() []oddity {
	return []oddity{
		{oddProxyProtocol, logrus.WarnLevel, "a PROXY protocol preamble came, which is not understood: " +
			"turn it off at the proxy, and let it write X-Forwarded-For"},
		{oddTLS, logrus.WarnLevel, "TLS came to a port that serves plain HTTP: " +
			"set public.tls, or let the proxy speak plain HTTP to this port"},
		{oddPlain, logrus.WarnLevel, "plain HTTP came to a port that serves TLS: " +
			"let the proxy speak https to this port"},
		{oddHTTP2, logrus.WarnLevel, "HTTP/2 without TLS came: let the proxy speak HTTP/1.1 to this port"},
		{oddBytes, logrus.InfoLevel, "bytes came that are no request: " +
			"if a proxy sends them, look at the protocol that it speaks to this port"},
		{oddRequest, logrus.InfoLevel, "a request could not be read as HTTP/1.1 and was answered 400: " +
			"if a proxy sends such, look at its request line, headers and Host"},
		{oddHandshake, logrus.InfoLevel, "a TLS handshake failed: if the provider's calls stop here, " +
			"look whether it accepts the certificate of public.tls"},
		{oddCaller, logrus.WarnLevel, "X-Forwarded-For and Forwarded name different callers, so neither is believed: " +
			"let the proxy remove the one that it does not write"},
		{oddPath, logrus.InfoLevel, "a path was asked for that is not served here: " +
			"providers call public.url and /callbacks/ID"},
		{oddAccount, logrus.InfoLevel, "a callback came for an account that is not configured: " +
			"look at the id in the callback URL at the provider"},
		{oddMethod, logrus.InfoLevel, "a method came that is not served at its path and was answered 405: " +
			"callbacks are POST"},
	}
}

// OddKinds lists the kinds that Options.CountOdd is called with.
func OddKinds() (kinds []string) {
	for _, o := range oddities() {
		kinds = append(kinds, o.kind)
	}
	return kinds
}

// odd counts an odd request and logs the first of its kind in an hour. client and reason must hold nothing secret.
func (l *Listener) odd(kind, client, reason string) {
	if l.CountOdd != nil {
		l.CountOdd(kind)
	}
	for _, o := range oddities() {
		if o.kind == kind {
			log := l.Log.WithFields(logrus.Fields{"kind": kind, "client": client})
			if reason != "" {
				log = log.WithField("reason", reason)
			}
			l.logRarely(oddLogEvery, log, o.level, "", o.text)
		}
	}
}

// oddRequest is odd for a request that reached the handlers. It counts nothing where its connection is counted already.
func (l *Listener) oddRequest(r *http.Request, kind string) {
	if c := connectionOf(r.Context()); c == nil || !c.odd.Load() {
		l.odd(kind, remote(r), "")
	}
}

// opening is what a connection began with, as far as it takes to know what is spoken on it.
type opening struct {
	bytes [len(proxyPreamble2)]byte
	n     int
	known bool
}

// look takes what was read, and returns a kind as soon as the first bytes are odd.
func (o *opening) look(read []byte, secure bool) (kind string) {
	if o.known {
		return ""
	}
	o.n += copy(o.bytes[o.n:], read)
	kind, o.known = oddOpening(o.bytes[:o.n], secure)
	o.known = o.known || o.n == len(o.bytes)
	return kind
}

// oddOpening names what a connection begins with that is not what its port serves. known is false as long as more
// bytes may tell more.
func oddOpening(b []byte, secure bool) (kind string, known bool) {
	for preamble, kind := range map[string]string{
		proxyPreamble: oddProxyProtocol, proxyPreamble2: oddProxyProtocol, http2Preface: oddHTTP2,
	} {
		if bytes.HasPrefix(b, []byte(preamble)) {
			if secure && kind == oddHTTP2 {
				kind = oddPlain
			}
			return kind, true
		}
		if strings.HasPrefix(preamble, string(b)) {
			return "", false
		}
	}
	const handshake = 0x16 // the first byte of every TLS connection
	switch first := b[0]; {
	case secure && first == handshake:
		return "", true
	case secure && isMethod(first):
		return oddPlain, true
	case secure:
		return oddBytes, true
	case first == handshake:
		return oddTLS, true
	case first != '\r' && first != '\n' && !isMethod(first):
		return oddBytes, true
	}
	return "", true
}

// isMethod reports whether a method may begin with a byte.
func isMethod(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }

// connectionState sees requests that net/http answers by itself, with 400 and the like: it closes the connection before
// a handler has seen a request, though reading has not failed.
func (l *Listener) connectionState(raw net.Conn, state http.ConnState) {
	if secure, ok := raw.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	c, ok := raw.(*connection)
	if !ok {
		return
	}
	switch state {
	case http.StateActive, http.StateIdle:
		c.unserved.Store(true)
	case http.StateClosed:
		if c.unserved.Load() && !c.readFailed.Load() && !c.odd.Load() {
			l.odd(oddRequest, c.from(), "")
		}
	}
}

// serverLog takes what net/http has to say about connections.
type serverLog struct{ l *Listener }

var handshakeError = regexp.MustCompile(`^http: TLS handshake error from (\S+): (.*)`)

func (s serverLog) Write(p []byte) (int, error) {
	text := clip(strings.TrimSpace(string(p)))
	s.l.Log.WithField("reason", text).Debug("connection ended badly")
	m := handshakeError.FindStringSubmatch(text)
	if m == nil {
		return len(p), nil
	}
	switch reason := m[2]; {
	case reason == "EOF", strings.Contains(reason, "i/o timeout"), strings.Contains(reason, "connection reset"):
		// it went away
	case strings.Contains(reason, "client sent an HTTP request"),
		strings.Contains(reason, "does not look like a TLS handshake"):
		// counted by its first bytes
	default:
		from, _ := hop(m[1])
		s.l.odd(oddHandshake, from.String(), reason)
	}
	return len(p), nil
}
