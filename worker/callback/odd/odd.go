// Package odd has the kinds of odd requests: what came to the listener, what it means and what to do about it.
package odd

import (
	"bytes"
	"strings"

	"github.com/sirupsen/logrus"
)

// The kinds of odd requests: those that never become a callback, a return or a hint, and say that something in front
// of the listener, or at the provider, is set up otherwise than the listener expects.
const (
	ProxyProtocol = "proxy_protocol"
	TLS           = "tls_on_plain_port"
	Plain         = "plain_on_tls_port"
	HTTP2         = "http2"
	Bytes         = "not_http"
	Request       = "bad_request"
	Handshake     = "tls_handshake"
	Caller        = "caller_conflict"
	Path          = "unknown_path"
	Account       = "unknown_account"
	Method        = "unknown_method"
)

// What other protocols begin with.
const (
	proxyPreamble  = "PROXY "
	proxyPreamble2 = "\r\n\r\n\x00\r\nQUIT\n" // version 2, in binary
	http2Preface   = "PRI * HTTP/2"
)

// Meaning is what an odd kind means and what to do about it.
type Meaning struct {
	Kind  string
	Level logrus.Level // at which it is logged
	Text  string
}

// Meanings returns those of all kinds. Kinds that strangers cause all day are no warnings.
func Meanings() []Meaning {
	return []Meaning{
		{ProxyProtocol, logrus.WarnLevel, "a PROXY protocol preamble came, which is not understood: " +
			"turn it off at the proxy, and let it write X-Forwarded-For"},
		{TLS, logrus.WarnLevel, "TLS came to a port that serves plain HTTP: " +
			"set public.tls, or let the proxy speak plain HTTP to this port"},
		{Plain, logrus.WarnLevel, "plain HTTP came to a port that serves TLS: " +
			"let the proxy speak https to this port"},
		{HTTP2, logrus.WarnLevel, "HTTP/2 without TLS came: let the proxy speak HTTP/1.1 to this port"},
		{Bytes, logrus.InfoLevel, "bytes came that are no request: " +
			"if a proxy sends them, look at the protocol that it speaks to this port"},
		{Request, logrus.InfoLevel, "a request could not be read as HTTP/1.1 and was answered 400: " +
			"if a proxy sends such, look at its request line, headers and Host"},
		{Handshake, logrus.InfoLevel, "a TLS handshake failed: if the provider's calls stop here, " +
			"look whether it accepts the certificate of public.tls"},
		{Caller, logrus.WarnLevel, "X-Forwarded-For and Forwarded name different callers, so neither is believed: " +
			"let the proxy remove the one that it does not write"},
		{Path, logrus.InfoLevel, "a path was asked for that is not served here: " +
			"providers call public.url and /callbacks/ID"},
		{Account, logrus.InfoLevel, "a callback came for an account that is not configured: " +
			"look at the id in the callback URL at the provider"},
		{Method, logrus.InfoLevel, "a method came that is not served at its path and was answered 405: " +
			"callbacks are POST"},
	}
}

// Kinds lists the kinds, in the order of docs/metrics.md.
func Kinds() (kinds []string) {
	for _, o := range Meanings() {
		kinds = append(kinds, o.Kind)
	}
	return kinds
}

// Opening is what a connection began with, as far as it takes to know what is spoken on it.
type Opening struct {
	bytes [len(proxyPreamble2)]byte
	n     int
	known bool
}

// Look takes what was read, and returns a kind as soon as the first bytes are odd.
func (o *Opening) Look(read []byte, secure bool) (kind string) {
	if o.known {
		return ""
	}
	o.n += copy(o.bytes[o.n:], read)
	kind, o.known = kindOf(o.bytes[:o.n], secure)
	o.known = o.known || o.n == len(o.bytes)
	return kind
}

// kindOf names what a connection begins with that is not what its port serves. known is false as long as more
// bytes may tell more.
func kindOf(b []byte, secure bool) (kind string, known bool) {
	for preamble, kind := range map[string]string{
		proxyPreamble: ProxyProtocol, proxyPreamble2: ProxyProtocol, http2Preface: HTTP2,
	} {
		if bytes.HasPrefix(b, []byte(preamble)) {
			if secure && kind == HTTP2 {
				kind = Plain
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
		return Plain, true
	case secure:
		return Bytes, true
	case first == handshake:
		return TLS, true
	case first != '\r' && first != '\n' && !isMethod(first):
		return Bytes, true
	}
	return "", true
}

// isMethod reports whether a method may begin with a byte.
func isMethod(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
