package problem

import (
	"context"
	"fmt"
	"net/http"
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

// Page explains a problem, at /problems/NAME.
func Page(w http.ResponseWriter, r *http.Request) {
	k := kind(Name(r.PathValue("name")))
	if k.Name == "" {
		New(NotFound, "").Write(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "%s (%d)\n\n%s.\n%s\n", k.Name, k.Status, k.Title, k.Cure)
}
