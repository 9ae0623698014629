package callback

import (
	"crypto/tls"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"countersign/worker/callback/caller"
	"countersign/worker/callback/odd"

	"github.com/sirupsen/logrus"
)

// oddLogEvery is how often an odd kind is logged.
const oddLogEvery = time.Hour

// odd counts an odd request and logs the first of its kind in an hour. client and reason must hold nothing secret.
func (l *Listener) odd(kind, client, reason string) {
	if l.CountOdd != nil {
		l.CountOdd(kind)
	}
	for _, m := range odd.Meanings() {
		if m.Kind == kind {
			log := l.Log.WithFields(logrus.Fields{"kind": kind, "client": client})
			if reason != "" {
				log = log.WithField("reason", reason)
			}
			l.logRarely(oddLogEvery, log, m.Level, "", m.Text)
		}
	}
}

// oddRequest is odd for a request that reached the handlers. It counts nothing where its connection is counted already.
func (l *Listener) oddRequest(r *http.Request, kind string) {
	if c := connectionOf(r.Context()); c == nil || !c.odd.Load() {
		l.odd(kind, remote(r), "")
	}
}

// remote is the caller as text.
func remote(r *http.Request) string {
	if a := caller.Of(r); a.IsValid() {
		return a.String()
	}
	return clip(r.RemoteAddr)
}

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
			l.odd(odd.Request, c.from(), "")
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
		from, _ := caller.Address(m[1])
		s.l.odd(odd.Handshake, from.String(), reason)
	}
	return len(p), nil
}
