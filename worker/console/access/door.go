package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
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
	Now   func() time.Time
	// Judged is a fingerprint of how the issuer's people are judged; "": there is no issuer. A session that began under
	// another one is over.
	Judged string
}

// Door lets requests in: it knows who asks, and how much each may ask. It is safe for concurrent use.
type Door struct {
	Options
	tokens   tokens
	limits   limits
	cross    *http.CrossOriginProtection
	sessions *sessions
}

// New returns a door.
func New(o Options) (*Door, error) {
	d := &Door{Options: o, tokens: tokens{store: o.Store, now: o.Now}, cross: http.NewCrossOriginProtection(),
		sessions: newSessions(o)}
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
		guarded.ServeHTTP(w, d.inside(r.WithContext(problem.WithRequestID(r.Context(), id))))
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
	open, err := d.open(ctx)
	return err == nil && open
}

// open is Open, or why that cannot be known now.
func (d *Door) open(ctx context.Context) (bool, error) {
	if d.Token != "" || d.Judged != "" {
		return false, nil
	}
	some, err := d.tokens.any(ctx)
	return !some, err
}

// Authenticated lets in whoever shows who they are.
func (d *Door) Authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, p := d.Who(r)
		if p != nil {
			p.Write(w, r)
			return
		}
		d.enter(w, r, who, next)
	})
}

// Pages lets in whoever shows who they are, and sends browsers of others to log in, from where they come back.
func (d *Door) Pages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, p := d.Who(r)
		given := r.Header.Get("Authorization") != "" // a program's
		switch {
		case p == nil:
			d.enter(w, r, who, next)
		case p.Status != http.StatusUnauthorized || given:
			p.Write(w, r)
		default:
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, d.Href("/login?next="+url.QueryEscape(d.cameFrom(r))), http.StatusSeeOther)
		}
	})
}

func (d *Door) enter(w http.ResponseWriter, r *http.Request, who Who, next http.Handler) {
	d.went(w, r, who)
	next.ServeHTTP(w, r.WithContext(WithWho(r.Context(), who)))
}

// Who says who asks, or why that is not known.
func (d *Door) Who(r *http.Request) (Who, *problem.Problem) {
	if token, given := bearer(r); given {
		return d.ofToken(r.Context(), token)
	}
	if d.Store != nil {
		who, ok, err := d.session(r)
		if err != nil {
			return Who{}, problem.New(problem.Unavailable, "")
		}
		if ok {
			return who, nil
		}
	}
	open, err := d.open(r.Context())
	if err != nil {
		return Who{}, problem.New(problem.Unavailable, "")
	}
	if open {
		return Who{Name: LocalName, Role: Operate, key: LocalName}, nil
	}
	return Who{}, problem.New(problem.Unauthorized, "")
}

// ofToken says whose token it is.
func (d *Door) ofToken(ctx context.Context, token string) (Who, *problem.Problem) {
	if d.Token != "" && equal(HashOf(token), HashOf(d.Token)) {
		return Who{Name: ConfigName, Role: Operate, key: "token " + ConfigName}, nil
	}
	who, ok, err := d.tokens.find(ctx, token)
	switch {
	case err != nil:
		return Who{}, problem.New(problem.Unavailable, "")
	case ok:
		return who, nil
	case CheckToken(token) != nil:
		return Who{}, problem.New(problem.Unauthorized, "The token is not known; it may be cut or mistyped.")
	}
	return Who{}, problem.New(problem.Unauthorized, "The token was removed, or has expired.")
}

// equal compares hashes in a time that tells nothing about them.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// bearer is the token of a request. It never stands in an address, where logs and histories keep it.
func bearer(r *http.Request) (token string, given bool) {
	header := r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	return strings.TrimSpace(token), header != "" && strings.EqualFold(scheme, "Bearer")
}
