package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport/budget"
)

const (
	maxJSON    = 32 << 20
	maxRefusal = 64 << 10
	// wholeJSON is how long an answer in JSON may take in all.
	wholeJSON = 2 * time.Minute
	// idleFile is how long a file may stand still where the client sets no bound.
	idleFile = 30 * time.Second
	// unaskedWait is the wait after a 429 that names none.
	unaskedWait = time.Minute
)

// HTTPError is an answer without a status of success. Its text is the status and the service's error key, never text
// of the body or the URL. It wraps ErrDenied, ErrNotFound, ErrNotReady or ErrUnavailable where the status means one of
// them.
type HTTPError struct {
	Code   int
	Status string // such as "404 Not Found"
	Key    string // the service's word for the error, such as error.notFound or exceeded_rate; ""
	Page   bool   // an HTML page: it comes from a proxy or the like, not from the service
	Odd    string // what came in the place of JSON with a status of success: a web page; ""
	Host   string // where a redirect leads; ""
	// Request is the service's id of the request, which its support asks for (AllSign); ""
	Request string
	kind    error
}

func (e *HTTPError) Error() string {
	var b strings.Builder
	if e.kind != nil {
		fmt.Fprintf(&b, "%v: ", e.kind)
	}
	b.WriteString(e.Status)
	if e.Key != "" {
		fmt.Fprintf(&b, " (%s)", e.Key)
	}
	if e.Request != "" {
		fmt.Fprintf(&b, " [request %s]", e.Request)
	}
	if e.Host != "" {
		fmt.Fprintf(&b, ", redirect to %s not followed", e.Host)
	}
	switch {
	case e.Odd != "":
		fmt.Fprintf(&b, ", %s in the place of JSON", e.Odd)
	case e.Page:
		b.WriteString(", a web page")
	}
	return b.String()
}

// Unwrap returns what the status means, or nil.
func (e *HTTPError) Unwrap() error { return e.kind }

// StatusError says what an answer that is no success means, and closes it: a *HTTPError, or for
// 429 a *RetryAfter around one. A 404 that is a web page says nothing about what was asked for.
func StatusError(resp *http.Response) error {
	e := refusal(resp)
	if e.Code != http.StatusTooManyRequests {
		return e
	}
	wait, asked := budget.AskedWait(resp.Header, time.Time{})
	unasked := false
	if quota := budget.QuotaPause(resp.Header, time.Time{}); !asked && quota > 0 {
		wait = quota
	} else if !asked {
		wait, unasked = unaskedWait, true
	}
	return &provider.RetryAfter{Wait: max(wait, budget.QuotaLeast), Err: e, Unasked: unasked}
}

// refusal reads an answer without a status of success, and closes it.
func refusal(resp *http.Response) *HTTPError {
	defer resp.Body.Close()
	e := &HTTPError{Code: resp.StatusCode, Status: fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))}
	e.Status = strings.TrimSpace(e.Status)
	e.Page = mediaType(resp.Header) == "text/html"
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // what cannot be read tells nothing
	e.Key, e.Request = errorKey(body), requestID(body)
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		e.kind = provider.ErrDenied
	case (code == http.StatusNotFound || code == http.StatusGone) && !e.Page:
		e.kind = provider.ErrNotFound
	case code == http.StatusConflict && !e.Page:
		e.kind = provider.ErrNotReady
	case code >= http.StatusInternalServerError:
		e.kind = provider.ErrUnavailable
	case code/100 == 3:
		if at, err := url.Parse(resp.Header.Get("Location")); err == nil {
			e.Host = at.Hostname()
		}
	}
	return e
}

// errorKey finds a service's own word for an error: messageKey (OneSpan Sign), error_name (Dropbox
// Sign), code (AllSign, Documenso). Anything that is not such a word may be about a person.
func errorKey(body []byte) string {
	var f struct {
		MessageKey any             `json:"messageKey"`
		ErrorName  any             `json:"error_name"`
		Code       any             `json:"code"`
		Error      json.RawMessage `json:"error"`
	}
	if lenient.Unmarshal(body, &f) != nil {
		return ""
	}
	var inner struct {
		ErrorName any `json:"error_name"`
		Code      any `json:"code"`
	}
	if json.Unmarshal(f.Error, &inner) != nil {
		inner.ErrorName, inner.Code = nil, nil
	}
	for _, v := range []any{f.MessageKey, f.ErrorName, inner.ErrorName, f.Code, inner.Code} {
		if s, ok := v.(string); ok && isKey(s) {
			return s
		}
	}
	return ""
}

// requestID finds the service's id of a request (AllSign's requestId), which is a word like a key.
func requestID(body []byte) string {
	var f struct {
		RequestID any `json:"requestId"`
	}
	if lenient.Unmarshal(body, &f) != nil {
		return ""
	}
	if s, ok := f.RequestID.(string); ok && isKey(strings.ReplaceAll(s, "-", "_")) {
		return s
	}
	return ""
}

func isKey(s string) bool {
	if s == "" || len(s) > 80 {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_') {
			return false
		}
	}
	return true
}

// mediaType is an answer's content type without parameters, "" where none is given.
func mediaType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return kind
}

// ReadJSON decodes a successful answer into v and closes it. It takes at most max bytes (32 MiB
// where none is given) and two minutes. Any other answer is a StatusError. A web page, a text or nothing in the place
// of JSON is a *HTTPError that wraps ErrUnavailable: something in between speaks, and it may pass. No error tells what
// an answer says.
func ReadJSON(resp *http.Response, v any, max ...int64) error {
	if resp.StatusCode/100 != 2 {
		return StatusError(resp)
	}
	defer resp.Body.Close()
	bound := int64(maxJSON)
	if len(max) > 0 && max[0] > 0 {
		bound = max[0]
	}
	late := time.AfterFunc(wholeJSON, func() { resp.Body.Close() })
	raw, err := io.ReadAll(io.LimitReader(resp.Body, bound+1))
	if !late.Stop() {
		err = errSlow
	}
	raw, wide := lenient.Bare(raw)
	kind := mediaType(resp.Header)
	switch {
	case err != nil:
		return fmt.Errorf("read answer: %w", provider.Redact(err))
	case int64(len(raw)) > bound:
		return fmt.Errorf("read answer: %w", provider.ErrTooLarge)
	case wide != nil:
		return fmt.Errorf("expected JSON: %w", wide)
	}
	odd := otherThanJSON(raw, kind)
	if odd == "a text" && json.Valid(raw) { // a number or null is odd and no message
		odd = ""
	}
	if odd != "" {
		return &HTTPError{
			Code: resp.StatusCode, Status: fmt.Sprintf("%d %s", resp.StatusCode,
				http.StatusText(resp.StatusCode)), Page: odd == page, Odd: odd,
			kind: provider.ErrUnavailable,
		}
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return notJSON(err, kind)
	}
	return nil
}

const page = "a web page"

// otherThanJSON names what begins in the place of a JSON object, list or text; "" where it may be one. Text in UTF-16
// may be one: whoever reads it refuses it.
func otherThanJSON(head []byte, kind string) string {
	head, wide := lenient.Bare(head)
	switch {
	case wide != nil:
		return ""
	case len(head) == 0:
		return "nothing"
	case kind == "text/html", kind == "application/xhtml+xml", head[0] == '<':
		return page
	case bytes.IndexByte([]byte(`{["`), head[0]) < 0:
		return "a text"
	}
	return ""
}

// notJSON describes what is wrong with an answer, without quoting it.
func notJSON(err error, kind string) error {
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return fmt.Errorf("the answer is not what was asked for: field %q", other.Field)
	}
	if kind != "" && kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return fmt.Errorf("expected JSON, got %s", kind)
	}
	return errors.New("expected JSON, got something broken")
}
