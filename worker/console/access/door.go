package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/model/store"
	"countersign/worker/console/problem"
)

// Options is what a Door needs.
type Options struct {
	Store *store.Store
	Token string   // console.token; "": there is none
	URL   *url.URL // console.url; nil: none
	Login bool     // whoever comes must log in: OIDC is configured
	Now   func() time.Time
}

// Door lets requests in: it knows who asks, and how much each may ask. It is safe for concurrent use.
type Door struct {
	Options
	tokens tokens
	limits limits
	cross  *http.CrossOriginProtection
	// session finds who has logged in; nil where nobody can.
	session func(*http.Request) (Who, bool)
}

// New returns a door.
func New(o Options) (*Door, error) {
	d := &Door{Options: o, tokens: tokens{store: o.Store, now: o.Now}, cross: http.NewCrossOriginProtection()}
	d.limits.now = o.Now
	if o.URL != nil {
		if err := d.cross.AddTrustedOrigin(o.URL.Scheme + "://" + o.URL.Host); err != nil {
			return nil, err
		}
	}
	d.cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem.New(problem.Forbidden, "It comes from a page of another origin.").Write(w, r)
	}))
	return d, nil
}

// Begin gives each request its id and each answer its headers, and refuses what a page of another origin sends.
func (d *Door) Begin(next http.Handler) http.Handler {
	guarded := d.cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:16]
		w.Header().Set("X-Request-Id", id)
		Headers(w.Header())
		guarded.ServeHTTP(w, r.WithContext(problem.WithRequestID(r.Context(), id)))
	})
}

// Headers are those of every answer that is no page.
func Headers(h http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "same-origin",
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
	} {
		h.Set(name, value)
	}
}

// Open says whether whoever is on this machine may do all: nobody has set a token, or a way to log in.
func (d *Door) Open(ctx context.Context) bool {
	if d.Token != "" || d.Login {
		return false
	}
	some, err := d.tokens.any(ctx)
	return err == nil && !some
}

// Meant refuses, where no token is asked for, what was sent to a name that is not this machine: a web page whose name
// was made to lead to 127.0.0.1 would read with its visitor's browser otherwise.
func (d *Door) Meant(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.Open(r.Context()) && !local(r.Host) {
			problem.New(problem.WrongHost,
				"The console answers to localhost and loopback addresses; for other names set console.token.").Write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Authenticated lets in whoever shows who they are.
func (d *Door) Authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, p := d.Who(r)
		if p != nil {
			p.Write(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(WithWho(r.Context(), who)))
	})
}

// Who says who asks, or why that is not known.
func (d *Door) Who(r *http.Request) (Who, *problem.Problem) {
	token, given := bearer(r)
	switch {
	case given && d.isConfig(token):
		return Who{ConfigName, Operate, "token " + ConfigName}, nil
	case given:
		who, ok, err := d.tokens.find(r.Context(), token)
		if err != nil {
			return Who{}, problem.New(problem.Unavailable, "")
		}
		if ok {
			return who, nil
		}
		if CheckToken(token) != nil {
			return Who{}, problem.New(problem.Unauthorized, "The token is not known; it may be cut or mistyped.")
		}
		return Who{}, problem.New(problem.Unauthorized, "The token was removed, or has expired.")
	}
	if d.session != nil {
		if who, ok := d.session(r); ok {
			return who, nil
		}
	}
	if d.Open(r.Context()) {
		return Who{LocalName, Operate, LocalName}, nil
	}
	return Who{}, problem.New(problem.Unauthorized, "")
}

// isConfig says whether a token is console.token, in a time that tells nothing about it.
func (d *Door) isConfig(token string) bool {
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(d.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && d.Token != ""
}

// bearer is the token of a request. It never stands in an address, where logs and histories keep it.
func bearer(r *http.Request) (token string, given bool) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	return strings.TrimSpace(token), header != "" && strings.EqualFold(scheme, "Bearer")
}

// local says whether a Host header names this machine, with a port or without.
func local(host string) bool {
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "0")
	}
	return Loopback(strings.ToLower(host))
}

// Loopback says whether only this machine reaches an address.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
