package callback

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/callback/caller"
)

// callback reads one request's body and has it answered.
func (l *Listener) callback(w http.ResponseWriter, r *http.Request, acc *Account) {
	if len(acc.Sources) > 0 && !caller.Networks(acc.Sources).Contain(caller.Of(r)) {
		log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "client": remote(r)})
		l.logOnceAMinute(log, logrus.WarnLevel, acc.ID, "callback from an address that is not allowed")
		l.count(acc.ID, "elsewhere")
		status(w, http.StatusNotFound)
		return
	}
	if !l.method(w, r, http.MethodPost) {
		return
	}
	in := reading{l: l, limit: l.MaxBody}
	defer in.free()
	body, code := in.body(w, r)
	switch code {
	case http.StatusOK:
	case http.StatusServiceUnavailable:
		l.busy(w)
		return
	default:
		status(w, code)
		return
	}
	select {
	case l.waiting <- struct{}{}:
		defer func() { <-l.waiting }()
	default:
		l.busy(w)
		return
	}
	defer connectionOf(r.Context()).answering()()
	l.answer(w, r, acc, provider.Callback{
		Account: acc.ID, Header: r.Header, Body: body, ReceivedAt: l.Now().UTC(), RemoteAddr: remote(r),
	})
}

// maxReason is how many bytes of a callback's note are logged. The note says what a provider's package found wrong, in
// its own words.
const maxReason = 200

// answer has the callback verified, stored and applied, and says so.
func (l *Listener) answer(w http.ResponseWriter, r *http.Request, acc *Account, c provider.Callback) {
	in, code := l.judge(acc, c)
	if code == http.StatusBadRequest {
		l.count(acc.ID, "unreadable")
	}
	if code == http.StatusBadRequest || code == http.StatusInternalServerError {
		status(w, code)
		return
	}
	if code == http.StatusUnauthorized && !l.refused.admit(&in.Callback) {
		l.count(acc.ID, "limited")
		tooMany(w)
		return
	}
	// A caller that hangs up does not undo a callback that was read.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), l.ApplyTimeout)
	defer cancel()
	res, err := l.Apply(ctx, in)
	if err != nil {
		log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName, "err": err})
		l.logOnceAMinute(log, logrus.ErrorLevel, acc.ID, "callback not stored, the provider is told to come back")
		l.busy(w)
		return
	}
	l.count(acc.ID, res.Verdict)
	switch {
	case code == http.StatusUnauthorized:
		log := l.taken(acc, res).WithField("reason", provider.Clip(in.Callback.Note, maxReason))
		l.logOnceAMinute(log, logrus.WarnLevel, acc.ID, "callback refused")
		status(w, code)
		return
	case res.Verdict == model.NotUnderstood:
		log := l.taken(acc, res).WithField("reason", provider.Clip(in.Callback.Note, maxReason))
		l.logOnceAMinute(log, logrus.WarnLevel, acc.ID, "callback not understood, stored to be replayed")
	case l.Log.Logger.IsLevelEnabled(logrus.DebugLevel):
		l.taken(acc, res).Debug("callback taken")
	}
	reply := acc.Provider.Traits.Acknowledgement()
	w.Header().Set("Content-Type", reply.ContentType)
	io.WriteString(w, reply.Body) //nolint:errcheck // the callback is stored; a caller that is gone calls again
}

// taken is what is logged of a callback that was stored.
func (l *Listener) taken(acc *Account, res Result) *logrus.Entry {
	return l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName, "callback": res.ID,
		"status": string(res.Verdict), "reason": string(res.Outcome)})
}

// judge verifies and parses a callback. The code is the answer to it once it is stored.
func (l *Listener) judge(acc *Account, c provider.Callback) (Incoming, int) {
	in, err := Judge(acc, c)
	in.Callback.Headers = l.headers(acc, c.Header)
	switch {
	case errors.Is(err, provider.ErrUnreadable):
		return in, http.StatusBadRequest
	case err != nil: // nothing is proved: no acknowledgement
		log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName, "err": err})
		l.logOnceAMinute(log, logrus.ErrorLevel, acc.ID, "callback could not be judged")
		return in, http.StatusInternalServerError
	case in.Callback.Verdict == model.Refused:
		return in, http.StatusUnauthorized
	}
	return in, http.StatusOK
}

// tooMany asks a client to come back later.
func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	status(w, http.StatusTooManyRequests)
}

// busy says that the callback was not stored and that it is worth coming back.
func (l *Listener) busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	status(w, http.StatusServiceUnavailable)
}

func (l *Listener) count(account string, v model.Verdict) {
	if l.Count != nil {
		l.Count(account, v)
	}
}

// logOnceAMinute logs at a level once a minute for each account and message, otherwise for debugging.
func (l *Listener) logOnceAMinute(log *logrus.Entry, level logrus.Level, account, message string) {
	l.logRarely(time.Minute, log, level, account, message)
}

// logRarely logs at a level the first time in every for each account and message, otherwise for debugging.
func (l *Listener) logRarely(every time.Duration, log *logrus.Entry, level logrus.Level, account, message string) {
	now, about := l.Now(), account+"\x00"+message
	l.mu.Lock()
	last, before := l.loggedAt[about]
	due := !before || now.Sub(last) >= every
	if due {
		l.loggedAt[about] = now
	}
	l.mu.Unlock()
	if !due {
		level = logrus.DebugLevel
	}
	log.Log(level, message)
}
