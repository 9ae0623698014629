package callback

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/sirupsen/logrus"

	"countersign/model/store"
	"countersign/provider"
)

// callback reads one request's body and has it answered.
func (l *Listener) callback(w http.ResponseWriter, r *http.Request, acc Account) {
	in := hold{l: l}
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
	l.answer(w, r, acc, provider.Callback{
		Account: acc.ID, Header: r.Header, Body: body, ReceivedAt: l.Now().UTC(), RemoteAddr: remote(r),
	})
}

// answer has the callback verified, stored and applied, and says so.
func (l *Listener) answer(w http.ResponseWriter, r *http.Request, acc Account, c provider.Callback) {
	in, code := l.look(acc, c)
	if code == http.StatusBadRequest {
		l.count(acc.ID, "unreadable")
		plain(w, code)
		return
	}
	// A caller that hangs up does not undo a callback that was read.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), l.ApplyTimeout)
	defer cancel()
	res, err := l.Apply(ctx, in)
	log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName})
	if err != nil {
		log.WithField("err", err).Error("callback not stored, the provider is told to come back")
		l.busy(w)
		return
	}
	l.count(acc.ID, res.Verdict)
	log = log.WithFields(logrus.Fields{"callback": res.ID, "status": string(res.Verdict), "reason": string(res.Outcome)})
	if code == http.StatusUnauthorized {
		l.refused(log, acc.ID)
		plain(w, code)
		return
	}
	log.Debug("callback taken")
	typ, reply := "application/json", []byte(`{"received":true}`)
	if p, ok := acc.Provider.(provider.Replier); ok {
		typ, reply = p.Reply()
	}
	w.Header().Set("Content-Type", typ)
	w.Write(reply) //nolint:errcheck // the callback is kept; a caller that is gone calls again
	if l.Nudge != nil {
		l.Nudge()
	}
}

// look verifies and parses a callback. The code is what it deserves if it can be stored.
func (l *Listener) look(acc Account, c provider.Callback) (Incoming, int) {
	sum := sha256.Sum256(c.Body)
	in := Incoming{Provider: acc.Provider, Callback: store.Callback{
		Account: acc.ID, Verdict: store.Accepted, At: c.ReceivedAt, RemoteAddr: c.RemoteAddr,
		Headers: l.headers(acc, c.Header), Body: c.Body, BodyHash: hex.EncodeToString(sum[:]),
	}}
	got, err := acc.Provider.Receive(c)
	cb := &in.Callback
	if p, ok := acc.Provider.(provider.Peeker); ok && err != nil {
		cb.Ref, cb.Type = p.Peek(c)
	}
	switch {
	case errors.Is(err, provider.ErrUnreadable):
		return in, http.StatusBadRequest
	case errors.Is(err, provider.ErrUnverified):
		cb.Verdict, cb.Sealed, cb.Note = store.Refused, true, clean(err.Error())
		cb.Ref, cb.Type = clean(cb.Ref), clean(cb.Type)
		return in, http.StatusUnauthorized
	case err != nil:
		cb.Verdict, cb.Note = store.NotUnderstood, clean(err.Error())
		cb.Ref, cb.Type = clean(cb.Ref), clean(cb.Type)
		return in, http.StatusOK
	}
	cb.Ref, cb.Type, cb.EventID, cb.DedupeKey = got.Ref, got.Type, got.EventID, got.DedupeKey
	in.Observations, in.Test, in.Ignored = got.Observations, got.Test, got.Ignored
	if got.Clean != nil {
		cb.Body = got.Clean
	}
	if !storable(got) {
		cb.Verdict, cb.Note, in.Observations = store.NotUnderstood, "an id holds bytes that no text may hold", nil
		cb.Ref, cb.Type, cb.EventID, cb.DedupeKey = clean(cb.Ref), clean(cb.Type), clean(cb.EventID), ""
	}
	return in, http.StatusOK
}

const maxID = 1024 // bytes of an id, a type or a header; onespan takes as much

// storable says whether what a callback names can be text in both databases.
func storable(r provider.Received) bool {
	texts := []string{r.Ref, r.Type, r.EventID, r.DedupeKey}
	for _, o := range r.Observations {
		texts = append(texts, o.Ref)
		if o.Ref == "" {
			return false
		}
	}
	return !slices.ContainsFunc(texts, func(s string) bool { return clean(s) != s })
}

// clean makes any bytes text that can be stored and shown.
func clean(s string) string {
	if len(s) > maxID {
		s = s[:maxID]
	}
	if utf8.ValidString(s) && !strings.ContainsRune(s, 0) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// headers keeps what matters of a request's headers; one that is a secret as its HMAC, to be
// compared with another secret later.
func (l *Listener) headers(acc Account, h http.Header) map[string]string {
	kept := map[string]string{}
	for name, values := range h {
		value := clean(strings.Join(values, ", "))
		switch {
		case slices.ContainsFunc(acc.SecretHeaders, func(s string) bool { return strings.EqualFold(s, name) }):
			mac := hmac.New(sha256.New, l.HMACKey)
			mac.Write([]byte(strings.Join(values, ", "))) //nolint:errcheck // a hash never fails
			kept[name] = "hmac:" + hex.EncodeToString(mac.Sum(nil))
		case matters(name):
			kept[name] = value
		}
	}
	return kept
}

// matters says whether a header helps to explain a callback later.
func matters(name string) bool {
	switch name = strings.ToLower(name); name {
	case "content-type", "user-agent", "content-length", "content-encoding", "content-md5", "content-sha256", "date":
		return true
	}
	return strings.HasPrefix(name, "webhook-") || strings.Contains(name, "signature")
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

// refused logs a refusal, loudly once a minute for each account.
func (l *Listener) refused(log *logrus.Entry, account string) {
	l.mu.Lock()
	now := l.Now()
	loud := now.Sub(l.warned[account]) > time.Minute
	if loud {
		l.warned[account] = now
	}
	l.mu.Unlock()
	if loud {
		log.Warn("callback refused")
		return
	}
	log.Debug("callback refused")
}

// newServerLog takes what net/http has to say about connections.
func newServerLog(w io.Writer) *log.Logger { return log.New(w, "", 0) }
