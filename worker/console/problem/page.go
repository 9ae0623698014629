package problem

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

type requestID struct{}

// WithRequestID gives the requests under ctx their id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestID{}, id)
}

// RequestID is the id of a request; "" where it has none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestID{}).(string)
	return id
}

// Render writes a problem as a page.
type Render func(http.ResponseWriter, *http.Request, *Problem)

type pages struct{}

// WithPages gives browsers a page of what goes wrong with the requests under ctx.
func WithPages(ctx context.Context, render Render) context.Context {
	return context.WithValue(ctx, pages{}, render)
}

// WantsPage says whether a browser shows the answer to somebody. Whoever shows a token is a program, and the API answers
// with JSON alone.
func WantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("Authorization") == "" &&
		!strings.HasPrefix(r.URL.Path, "/api/")
}

// Page explains a problem, at /problems/NAME: with a page to browsers, else as text.
func Page(w http.ResponseWriter, r *http.Request) {
	k := kind(Name(r.PathValue("name")))
	if k.Name == "" {
		New(NotFound, "").Write(w, r)
		return
	}
	if render, ok := r.Context().Value(pages{}).(Render); ok && WantsPage(r) {
		render(w, r, &Problem{Type: "/problems/" + string(k.Name), Title: k.Title, Cure: k.Cure})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "%s (%d)\n\n%s.\n%s\n", k.Name, k.Status, k.Title, k.Cure)
}
