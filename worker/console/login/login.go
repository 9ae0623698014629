// Package login is how people log in to the console: by a token, or through an OpenID Connect issuer.
package login

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/sirupsen/logrus"
	"golang.org/x/oauth2"

	"countersign/worker/console/access"
	"countersign/worker/console/problem"
)

// Options is what logins need.
type Options struct {
	Door   *access.Door
	Issuer *Issuer // nil: tokens alone
	Now    func() time.Time
	Log    *logrus.Entry
	// Render writes the page of a login with a status.
	Render func(w http.ResponseWriter, r *http.Request, status int, page Page)
}

// Page is what stands on the page of a login.
type Page struct {
	Next   string // where somebody wants to go
	Issuer bool   // there is one to log in through
	Open   bool   // nobody needs to log in: whoever is on this machine may do all
	Who    string // who is logged in already; "": nobody
	Fault  string // why a login has failed, a word of Faults; "": none has
	Name   string // of stranger: who is in none of the groups
	Wait   int    // of too_many: how many seconds
}

// Faults are why logins fail.
func Faults() []string {
	return []string{"token", "stranger", "issuer", "again", "refused", "too_many", "unavailable"}
}

// logins is the routes. It is safe for concurrent use.
type logins struct {
	Options
	issuer *issuer

	mu     sync.Mutex
	minute time.Time
	failed int
}

// failuresAMinute is how many logins by token may fail in a minute.
const failuresAMinute = 60

// attemptCookie keeps a login that is under way; it lasts attemptFor.
const (
	attemptCookie = "countersign-login"
	attemptFor    = 10 * time.Minute
)

// Routes adds the routes of logins.
func Routes(r chi.Router, o Options) {
	l := &logins{Options: o}
	if o.Issuer != nil {
		l.issuer = newIssuer(*o.Issuer, o.Door.URL.JoinPath("login", "callback").String(), o.Now)
	}
	r.Get("/login", l.show)
	r.Post("/login", l.byToken)
	r.Post("/logout", l.logOut)
	if l.issuer != nil {
		r.Get("/login/oidc", l.send)
		r.Get("/login/callback", l.back)
	}
}

// render writes the page of a login.
func (l *logins) render(w http.ResponseWriter, r *http.Request, status int, p Page) {
	p.Issuer, p.Open = l.issuer != nil, l.Door.Open(r.Context())
	if who, wrong := l.Door.Who(r); wrong == nil && who.LoggedIn() {
		p.Who = who.Name
	}
	w.Header().Set("Cache-Control", "no-store")
	l.Render(w, r, status, p)
}

func (l *logins) show(w http.ResponseWriter, r *http.Request) {
	l.render(w, r, http.StatusOK, Page{Next: access.Local(r.URL.Query().Get("next"))})
}

// byToken logs in whoever shows a token.
func (l *logins) byToken(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		problem.New(problem.Invalid, "").Write(w, r)
		return
	}
	next, token := access.Local(r.PostForm.Get("next")), r.PostForm.Get("token")
	if wait := l.tooMany(); wait > 0 && access.CheckToken(token) != nil { // a token of ours is not guessed
		w.Header().Set("Retry-After", "60")
		l.render(w, r, http.StatusTooManyRequests, Page{Next: next, Fault: "too_many", Wait: int(wait.Seconds()) + 1})
		return
	}
	p := l.Door.LogIn(w, r, token)
	switch {
	case p == nil:
		l.onward(w, r, next)
	case p.Status == http.StatusUnauthorized:
		l.fail()
		l.Log.WithField("reason", "token").Warn("console login refused")
		l.render(w, r, http.StatusUnauthorized, Page{Next: next, Fault: "token"})
	default:
		l.render(w, r, p.Status, Page{Next: next, Fault: "unavailable"})
	}
}

// tooMany is how long to wait where too many logins have failed in this minute.
func (l *logins) tooMany() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.failed = minute, 0
	}
	if l.failed < failuresAMinute {
		return 0
	}
	return l.minute.Add(time.Minute).Sub(now)
}

func (l *logins) fail() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed++
}

// send sends a browser to the issuer. It is a link: a form could not lead there under our header.
func (l *logins) send(w http.ResponseWriter, r *http.Request) {
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Next: access.Local(r.URL.Query().Get("next"))}
	way, err := l.issuer.way(r.Context(), a)
	if err != nil {
		l.Log.WithField("reason", "the issuer does not answer").WithError(withoutURL(err)).Warn("console login failed")
		l.render(w, r, http.StatusBadGateway, Page{Next: a.Next, Fault: "issuer"})
		return
	}
	l.keep(w, a.String(), int(attemptFor/time.Second))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, way, http.StatusSeeOther)
}

// keep has the browser keep a login that is under way; "": no longer.
func (l *logins) keep(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: l.cookie(), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true,
		Secure: l.Door.URL.Scheme == "https", SameSite: http.SameSiteLaxMode})
}

func (l *logins) cookie() string {
	if l.Door.URL.Scheme == "https" {
		return "__Host-" + attemptCookie
	}
	return attemptCookie
}

// back takes what somebody brings back from the issuer.
func (l *logins) back(w http.ResponseWriter, r *http.Request) {
	var a attempt
	c, err := r.Cookie(l.cookie())
	ok := err == nil
	if ok {
		a, ok = readAttempt(c.Value)
	}
	l.keep(w, "", -1) // it is good for once
	q, next := r.URL.Query(), access.Local(a.Next)
	switch {
	case !ok || !equal(q.Get("state"), a.State):
		l.render(w, r, http.StatusBadRequest, Page{Next: next, Fault: "again"})
		return
	case q.Get("error") != "" || q.Get("code") == "":
		l.Log.WithField("reason", "the issuer refused it").Warn("console login refused")
		l.render(w, r, http.StatusForbidden, Page{Next: next, Fault: "refused"})
		return
	}
	p, err := l.issuer.judge(r.Context(), a, q.Get("code"))
	switch {
	case errors.Is(err, errStranger):
		l.Log.WithField("reason", "in no group of console.oidc").Warn("console login refused")
		l.render(w, r, http.StatusForbidden, Page{Next: next, Fault: "stranger", Name: p.name})
	case err != nil:
		l.Log.WithError(withoutURL(err)).Warn("console login failed")
		l.render(w, r, http.StatusBadGateway, Page{Next: next, Fault: "issuer"})
	default:
		if wrong := l.Door.Admit(w, r, p.name, p.role); wrong != nil {
			l.render(w, r, wrong.Status, Page{Next: next, Fault: "unavailable"})
			return
		}
		l.onward(w, r, next)
	}
}

// onward sends somebody who has logged in to where they wanted to go.
func (l *logins) onward(w http.ResponseWriter, r *http.Request, next string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, l.Door.Href(next), http.StatusSeeOther)
}

func (l *logins) logOut(w http.ResponseWriter, r *http.Request) {
	if p := l.Door.LogOut(w, r); p != nil {
		p.Write(w, r)
		return
	}
	l.onward(w, r, "/login")
}

// withoutURL is an error without the address that it was about, which may hold a code.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// equal compares in a time that tells nothing.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
