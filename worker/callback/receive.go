package callback

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/sirupsen/logrus"

	"countersign/model/store"
	"countersign/provider"
)

// callback reads one request's body and has it answered.
func (l *Listener) callback(w http.ResponseWriter, r *http.Request, acc Account) {
	if len(acc.Sources) > 0 && !acc.from(remote(r)) {
		l.loudly(l.Log.WithFields(logrus.Fields{"account": acc.ID, "reason": remote(r)}), logrus.WarnLevel, acc.ID, "callback from an address that is not allowed")
		l.count(acc.ID, "elsewhere")
		plain(w, http.StatusNotFound)
		return
	}
	if !method(w, r, http.MethodPost) {
		return
	}
	in := hold{l: l, most: l.MaxBody}
	defer in.release()
	body, code := in.read(w, r)
	switch code {
	case http.StatusOK:
	case http.StatusServiceUnavailable:
		l.busy(w)
		return
	default:
		plain(w, code)
		return
	}
	select {
	case l.room <- struct{}{}:
		defer func() { <-l.room }()
	default:
		l.busy(w)
		return
	}
	defer doorOf(r.Context()).answering()()
	l.answer(w, r, acc, provider.Callback{
		Account: acc.ID, Header: r.Header, Body: body, ReceivedAt: l.Now().UTC(), RemoteAddr: remote(r),
	})
}

// answer has the callback verified, stored and applied, and says so.
func (l *Listener) answer(w http.ResponseWriter, r *http.Request, acc Account, c provider.Callback) {
	in, code := l.look(acc, c)
	if code == http.StatusBadRequest {
		l.count(acc.ID, "unreadable")
	}
	if code == http.StatusBadRequest || code == http.StatusInternalServerError {
		plain(w, code)
		return
	}
	if code == http.StatusUnauthorized && !l.refused.keep(&in.Callback) {
		l.count(acc.ID, "limited")
		tooMany(w)
		return
	}
	// A caller that hangs up does not undo a callback that was read.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), l.ApplyTimeout)
	defer cancel()
	res, err := l.Apply(ctx, in)
	log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName})
	if err != nil {
		l.loudly(log.WithField("err", err), logrus.ErrorLevel, acc.ID, "callback not stored, the provider is told to come back")
		l.busy(w)
		return
	}
	l.count(acc.ID, res.Verdict)
	log = log.WithFields(logrus.Fields{"callback": res.ID, "status": string(res.Verdict), "reason": string(res.Outcome)})
	if code == http.StatusUnauthorized {
		l.loudly(log, logrus.WarnLevel, acc.ID, "callback refused")
		plain(w, code)
		return
	}
	log.Debug("callback taken")
	reply := acc.Provider.Traits.Acknowledgement()
	w.Header().Set("Content-Type", reply.ContentType)
	io.WriteString(w, reply.Body) //nolint:errcheck // the callback is kept; a caller that is gone calls again
	if l.Nudge != nil {
		l.Nudge()
	}
}

// look verifies and parses a callback. The code is what it deserves if it can be stored.
func (l *Listener) look(acc Account, c provider.Callback) (Incoming, int) {
	in, err := Judge(acc, c)
	in.Callback.Headers = l.headers(acc, c.Header)
	switch {
	case errors.Is(err, provider.ErrUnreadable):
		return in, http.StatusBadRequest
	case err != nil: // nothing is proved: no acknowledgement
		log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName, "err": err})
		l.loudly(log, logrus.ErrorLevel, acc.ID, "callback could not be judged")
		return in, http.StatusInternalServerError
	case in.Callback.Verdict == store.Refused:
		return in, http.StatusUnauthorized
	}
	return in, http.StatusOK
}

// remote is who called, as far as trusted proxies tell.
func remote(r *http.Request) string {
	if ip := middleware.GetClientIP(r.Context()); ip != "" {
		return ip
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return clean(r.RemoteAddr)
}

// from says whether an address may call.
func (a Account) from(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && within(a.Sources, ip.Unmap())
}

// tooMany asks a client to come back later.
func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	plain(w, http.StatusTooManyRequests)
}

// busy says that the callback was not kept and that it is worth coming back.
func (l *Listener) busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	plain(w, http.StatusServiceUnavailable)
}

func (l *Listener) count(account string, v store.Verdict) {
	if l.Count != nil {
		l.Count(account, v)
	}
}

// loudly logs at a level once a minute for each account and message, otherwise for debugging only.
func (l *Listener) loudly(log *logrus.Entry, level logrus.Level, account, message string) {
	now, about := l.Now(), account+"\x00"+message
	l.mu.Lock()
	last, before := l.warned[about]
	loud := !before || now.Sub(last) >= time.Minute
	if loud {
		l.warned[about] = now
	}
	l.mu.Unlock()
	if !loud {
		level = logrus.DebugLevel
	}
	log.Log(level, message)
}

// serverLog takes what net/http has to say about connections.
type serverLog struct{ log *logrus.Entry }

func (s serverLog) Write(p []byte) (int, error) {
	s.log.WithField("reason", clean(strings.TrimSpace(string(p)))).Debug("connection ended badly")
	return len(p), nil
}
