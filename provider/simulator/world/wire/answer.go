// Package wire has the answers of a simulated service as they go over the wire, with their faults.
package wire

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Answer is what a request gets.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Cut    int           // how many bytes of the body are promised but not sent
	Pause  time.Duration // in the middle of the body
	Reset  bool          // the connection breaks before any answer
	Sent   func()        // told, with the world locked, when the answer was whole
}

// Reply is an answer with a body.
func Reply(status int, contentType string, body []byte) Answer {
	return Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}
}

// ReplyJSON is an answer with a value as JSON.
func ReplyJSON(status int, contentType string, v any) Answer {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return Reply(http.StatusInternalServerError, "text/plain", []byte(err.Error()))
	}
	return Reply(status, contentType, b.Bytes())
}

// Write sends an answer, or as much of it as its faults allow.
func (a Answer) Write(rw http.ResponseWriter, r *http.Request) {
	if a.Reset {
		drop(rw)
		return
	}
	for name, values := range a.Header {
		rw.Header()[name] = values
	}
	rw.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	rw.WriteHeader(a.Status)
	body := a.Body[:len(a.Body)-a.Cut]
	if a.Pause > 0 {
		half := len(body) / 2
		_, _ = rw.Write(body[:half]) // the client may be gone: nobody is left to tell
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-time.After(a.Pause):
		case <-r.Context().Done():
			return
		}
		body = body[half:]
	}
	_, _ = rw.Write(body)
}

// drop breaks the connection, or answers 502 where it cannot.
func drop(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset, not a polite end
	}
	_ = conn.Close()
}

// GatewayPage is a page of a gateway between client and service.
func GatewayPage() []byte {
	return []byte("<!DOCTYPE html>\n<html><head><title>Attention Required! | Cloudflare</title></head>" +
		"<body><h1>Sorry, something is in the way</h1></body></html>\n")
}

// Download is a file with its name.
func Download(contentType, name string, body []byte) Answer {
	a := Reply(http.StatusOK, contentType, body)
	a.Header.Set("Content-Disposition", "attachment; filename*=UTF-8''"+strings.ReplaceAll(url.QueryEscape(name), "+",
		"%20"))
	return a
}

// StorageError is how the storage behind a service refuses.
func StorageError(status int, code string) Answer {
	return Reply(status, "application/xml",
		[]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"+code+"</Code></Error>\n"))
}
