// Package access says who may do what on the private listener: tokens, logins, sessions, limits, and the headers that
// every answer bears.
package access

import (
	"context"
	"net/http"

	"countersign/worker/console/problem"
)

// Role is what somebody may do.
type Role string

// The roles.
const (
	Read    Role = "read"    // see all but bodies of callbacks and quarantined files
	Operate Role = "operate" // that too, and change
)

// Who is somebody who has shown who they are.
type Who struct {
	Name string
	Role Role
	key  string // of their limits

	session context.Context // of whoever has logged in; nil: they showed a token, or none is needed
}

// Source is what the history says of what they do.
func (w Who) Source() string { return "operator " + w.Name }

// LoggedIn says whether they have a session, which they can end.
func (w Who) LoggedIn() bool { return w.session != nil }

// May says whether they may operate.
func (w Who) May() bool { return w.Role == Operate }

type whoKey struct{}

// WithWho gives the requests under ctx their somebody.
func WithWho(ctx context.Context, w Who) context.Context { return context.WithValue(ctx, whoKey{}, w) }

// WhoOf is who asks; nobody, who may nothing, where nobody is known.
func WhoOf(ctx context.Context) Who {
	w, _ := ctx.Value(whoKey{}).(Who)
	return w
}

// MayOperate refuses whoever may only read.
func MayOperate(ctx context.Context, detail string) error {
	if WhoOf(ctx).May() {
		return nil
	}
	return problem.New(problem.Forbidden, detail)
}

// Writes refuses requests that change something to whoever may only read.
func Writes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !safe(r.Method) && !WhoOf(r.Context()).May() {
			problem.New(problem.Forbidden, "This token may only read.").Write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Operators refuses everything to whoever may only read.
func Operators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !WhoOf(r.Context()).May() {
			problem.New(problem.Forbidden, "This is for those who may operate.").Write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
