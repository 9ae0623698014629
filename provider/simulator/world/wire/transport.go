package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
)

// errReset is what a client sees of a connection that breaks.
var errReset = errors.New("connection reset by peer")

// Transport answers requests in process, without sockets, and breaks as a connection would: what a
// fault cuts off ends in an error. It fits tests in a bubble of fake time.
func Transport(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

// RoundTrip serves one request.
func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	served := req.Clone(req.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	defer served.Body.Close()
	served.RequestURI = served.URL.RequestURI()
	if served.Host == "" {
		served.Host = served.URL.Host
	}
	r := &recorder{header: http.Header{}}
	p.handler.ServeHTTP(r, served)
	switch {
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case r.broken:
		return nil, errReset
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	length := int64(r.body.Len())
	body := io.Reader(&r.body)
	if promised, err := strconv.ParseInt(r.header.Get("Content-Length"), 10, 64); err == nil &&
		req.Method != http.MethodHead {
		if promised > length {
			body = io.MultiReader(body, failing{})
		}
		length = promised
	}
	return &http.Response{
		StatusCode: r.status, Status: strconv.Itoa(r.status) + " " + http.StatusText(r.status), Proto: "HTTP/1.1",
		ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, Body: io.NopCloser(body), ContentLength: length, Request: req,
	}, nil
}

// failing is the end of a body that was cut off.
type failing struct{}

// Read fails.
func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// recorder collects what a handler writes.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	broken bool
}

// Header is for http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader is for http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write is for http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// Hijack means that the handler breaks the connection: it does so for nothing else.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.broken = true
	ours, theirs := net.Pipe()
	return ours, nil, theirs.Close()
}
