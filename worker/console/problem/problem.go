// Package problem is how the console says that a request failed: RFC 9457 with a cure, and never the value that was
// wrong.
package problem

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Name is one of the problems that a client can tell apart.
type Name string

// The problems.
const (
	BadCursor    Name = "bad-cursor"
	Unauthorized Name = "unauthorized"
	Forbidden    Name = "forbidden"
	NotFound     Name = "not-found"
	CountChanged Name = "count-changed"
	Forgotten    Name = "forgotten"
	ChangesGone  Name = "changes-gone"
	TooLarge     Name = "too-large"
	WrongHost    Name = "wrong-host"
	WrongMethod  Name = "wrong-method"
	WrongType    Name = "wrong-type"
	Invalid      Name = "invalid"
	TooMany      Name = "too-many"
	Unavailable  Name = "unavailable"
)

// Kind is what is said of every problem of a name.
type Kind struct {
	Name   Name
	Status int
	Title  string
	Cure   string
}

// Kinds are all of them, by status.
func Kinds() []Kind {
	return []Kind{
		{BadCursor, http.StatusBadRequest, "The cursor is not of this list and filter",
			"Ask for the first page again, without cursor, and pass each next_cursor with the filter that it came with."},
		{Unauthorized, http.StatusUnauthorized, "A token is needed",
			"Send Authorization: Bearer TOKEN with one that `countersign token add NAME` has shown, or log in."},
		{Forbidden, http.StatusForbidden, "This is not for you to do",
			"Use a token that may operate: `countersign token add NAME` makes one, with --read it may only look."},
		{NotFound, http.StatusNotFound, "There is no such thing",
			"Look at the list above it. A ref is percent-encoded in a path; `track` follows one that no list shows."},
		{WrongMethod, http.StatusMethodNotAllowed, "This cannot be done here",
			"Allow names what can; /openapi.json has every operation with its method."},
		{CountChanged, http.StatusConflict, "The filter fits another number now",
			"Look at what it fits now, and send the count of this answer if that is what you want."},
		{Forgotten, http.StatusGone, "The transaction was forgotten",
			"Its personal data was removed on somebody's order. `track` follows it anew if that is meant."},
		{ChangesGone, http.StatusGone, "These changes are no longer kept",
			"Read the table anew, then go on with after = oldest_seq - 1."},
		{TooLarge, http.StatusRequestEntityTooLarge, "The body is too large",
			"Send at most 1 MiB, in parts if need be: everything is safe to repeat."},
		{WrongType, http.StatusUnsupportedMediaType, "The body is of another type than is taken",
			"Send JSON, with Content-Type: application/json."},
		{WrongHost, http.StatusMisdirectedRequest, "The console answers to other names",
			"Without a token it answers to localhost and loopback addresses only: set console.token and console.url."},
		{Invalid, http.StatusUnprocessableEntity, "The request does not say what it should",
			"errors names what is wrong; /openapi.json has every parameter."},
		{TooMany, http.StatusTooManyRequests, "Too many requests",
			"Wait as long as Retry-After says. To learn of changes, follow /api/v1/changes/stream or /api/v1/changes?wait=25s."},
		{Unavailable, http.StatusServiceUnavailable, "The database cannot answer now",
			"Try again as Retry-After says. /readyz tells what is wrong."},
	}
}

// kind finds what is said of a name.
func kind(name Name) Kind {
	for _, k := range Kinds() {
		if k.Name == name {
			return k
		}
	}
	return Kind{}
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Location string `json:"location"` // such as query.status or body.refs[0]
	Message  string `json:"message"`
}

// Error is for error: where and what.
func (f Fault) Error() string { return f.Location + ": " + f.Message }

// Problem is what a failed request is answered with. It is an error.
type Problem struct {
	Type     string  `json:"type" doc:"/problems/NAME, or about:blank where the status says it all"`
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail,omitempty"`
	Instance string  `json:"instance,omitempty" doc:"the id of the request, as it stands in the log"`
	Cure     string  `json:"cure,omitempty" doc:"what to do"`
	Errors   []Fault `json:"errors,omitempty"`

	OldestSeq *int64 `json:"oldest_seq,omitempty" doc:"of changes-gone: the oldest seq that is kept"`
	Count     *int   `json:"count,omitempty" doc:"of count-changed: how many fit now"`

	retryAfter time.Duration
}

// New returns a problem of a name.
func New(name Name, detail string, faults ...Fault) *Problem {
	k := kind(name)
	p := &Problem{Type: "/problems/" + string(name), Title: k.Title, Status: k.Status, Detail: detail, Cure: k.Cure,
		Errors: faults}
	if name == Unavailable {
		p.retryAfter = 5 * time.Second
	}
	return p
}

// Of returns the problem that goes with a status; about:blank where none has it for its own.
func Of(status int, detail string, faults ...Fault) *Problem {
	switch status {
	case http.StatusBadRequest:
		return New(Invalid, detail, faults...)
	case http.StatusGone, http.StatusConflict: // they say more than their status
	default:
		for _, k := range Kinds() {
			if k.Status == status {
				return New(k.Name, detail, faults...)
			}
		}
	}
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Errors: faults}
}

// After says when to try again.
func (p *Problem) After(d time.Duration) *Problem {
	p.retryAfter = d
	return p
}

// Error is for error.
func (p *Problem) Error() string { return p.Title }

// GetStatus is for huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is for huma: what it is sent as.
func (p *Problem) ContentType(string) string { return contentType }

const contentType = "application/problem+json"

// GetHeaders is for huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="countersign"`)
	}
	return h
}

// Write answers a request with it: a browser with the page of WithPages, whoever else with JSON.
func (p *Problem) Write(w http.ResponseWriter, r *http.Request) {
	if render, ok := r.Context().Value(pages{}).(Render); ok && WantsPage(r) {
		render(w, r, p)
		return
	}
	p.JSON(w, r)
}

// JSON answers a request with it as application/problem+json, whoever asks.
func (p *Problem) JSON(w http.ResponseWriter, r *http.Request) {
	p.Instance = RequestID(r.Context())
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) //nolint:errcheck // the caller may be gone
}
