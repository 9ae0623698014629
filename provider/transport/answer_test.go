package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/provider"
)

func reply(code int, kind, body string, headers ...string) *http.Response {
	resp, _ := answer(code, body, append(headers, "Content-Type", kind)...)(nil)
	return resp
}

func TestStatusesMeanWhatCallersTestFor(t *testing.T) {
	t.Parallel()
	const body = `{"code":404,"message":"Ada Example <ada@example.org>","messageKey":"error.notFound.packageNotFound","technical":null}`
	sentinels := []error{provider.ErrDenied, provider.ErrNotFound, provider.ErrNotReady, provider.ErrUnavailable}
	for code, want := range map[int]error{
		400: nil, 401: provider.ErrDenied, 402: nil, 403: nil, 404: provider.ErrNotFound, 409: provider.ErrNotReady,
		410: provider.ErrNotFound, 422: nil, 500: provider.ErrUnavailable, 502: provider.ErrUnavailable,
		503: provider.ErrUnavailable, 599: provider.ErrUnavailable,
	} {
		err := StatusError(reply(code, "application/json; esl-api-version=11", body))
		for _, s := range sentinels {
			if errors.Is(err, s) != (s == want) {
				t.Errorf("%d: is %v: %v", code, s, err)
			}
		}
		var e *HTTPError
		if !errors.As(err, &e) || e.Code != code || e.Key != "error.notFound.packageNotFound" ||
			strings.Contains(err.Error(), "Ada") || !strings.Contains(err.Error(), fmt.Sprint(code)) {
			t.Errorf("%d: got %v", code, err)
		}
	}
	if err := StatusError(reply(404, "text/html; charset=utf-8", "<html>")); errors.Is(err, provider.ErrNotFound) ||
		!strings.Contains(err.Error(), "web page") {
		t.Errorf("a gateway's page: %v", err)
	}
	if err := StatusError(reply(302, "", "", "Location",
		"https://cdn.example.org/f?sig=hush")); !strings.Contains(err.Error(), "cdn.example.org not followed") ||
		strings.Contains(err.Error(), "hush") {
		t.Errorf("a redirect: %v", err)
	}
}

func TestTheServicesIdOfARequestIsTold(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"req_5b1c-77":                          "[request req_5b1c-77]",
		"7f0c1a9e-2b3d-4e5f-8a6b-0c1d2e3f4a5b": "[request 7f0c1a9e-2b3d-4e5f-8a6b-0c1d2e3f4a5b]",
		"of ada@example.org":                   "", "": "",
	} {
		err := StatusError(reply(422, "application/problem+json",
			fmt.Sprintf(`{"detail":"Ada","code":"VALIDATION_ERROR","requestId":%q}`, id)))
		if text := err.Error(); strings.Contains(text, "[request") != (want != "") || !strings.Contains(text, want) ||
			strings.Contains(text, "ada") || !strings.Contains(text, "VALIDATION_ERROR") {
			t.Errorf("%q: %s", id, text)
		}
	}
}

func TestOnlyKeysOfErrorsAreKept(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":{"error_msg":"Ada Example","error_name":"exceeded_rate"}}`: "exceeded_rate",
		`{"error":{"code":"E1600"}}`:                                         "E1600",
		`{"detail":"for ada@example.org","code":"RATE_LIMITED"}`:             "RATE_LIMITED",
		`{"code":"no such person: Ada"}`:                                     "",
		`{"code":"ada@example.org"}`:                                         "",
		`{"messageKey":"` + strings.Repeat("a", 81) + `"}`:                   "",
		`{"error":"Ada Example"}`:                                            "",
		`{"code":5,"error":[1]}`:                                             "",
		`<html>`:                                                             "",
		``:                                                                   "",
		`[]`:                                                                 "",
	} {
		if got := errorKey([]byte(body)); got != want {
			t.Errorf("%s: got %q", body, got)
		}
	}
}

func TestA429TellsHowLongToWait(t *testing.T) {
	t.Parallel()
	for want, headers := range map[time.Duration][]string{
		time.Minute:      nil,
		17 * time.Second: {"Retry-After", "17"},
		90 * time.Second: {"Retry-After", "Tue, 24 Nov 2026 12:01:30 GMT", "Date", "Tue, 24 Nov 2026 12:00:00 GMT"},
		time.Second:      {"Retry-After", "0"},
		24 * time.Hour:   {"Retry-After", "1e300"},
		5 * time.Second: {"X-RateLimit-Remaining", "0", "X-Ratelimit-Reset", "1795521605", "Date",
			"Tue, 24 Nov 2026 12:00:00 GMT"},
	} {
		var after *provider.RetryAfter
		err := StatusError(reply(429, "application/json", `{"error":{"error_name":"exceeded_rate"}}`, headers...))
		if !errors.As(err, &after) || after.Wait != want {
			t.Errorf("%v: got %v", headers, err)
		}
		var e *HTTPError
		if !errors.As(err, &e) || e.Key != "exceeded_rate" {
			t.Errorf("got %v", err)
		}
	}
	// a date without a clock tells nothing
	for _, odd := range []string{"-1", "soon", "NaN", "Tue, 24 Nov 2026 12:01:30 GMT"} {
		var after *provider.RetryAfter
		if err := StatusError(reply(429, "", "", "Retry-After", odd)); !errors.As(err, &after) || after.Wait != time.Minute {
			t.Errorf("%s: got %v", odd, err)
		}
	}
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	var ok struct{ A int }
	for _, kind := range []string{"application/json; esl-api-version=11", "application/json", "application/problem+json",
		"", "text/plain", "garbage;;"} {
		ok.A = 0
		if err := ReadJSON(reply(200, kind, "\xef\xbb\xbf {\"A\":1}\n"), &ok); err != nil || ok.A != 1 {
			t.Errorf("%q: %v", kind, err)
		}
	}
	for name, c := range map[string]struct {
		resp *http.Response
		want string
	}{
		"html": {reply(200, "text/html; charset=utf-8", "<html>hush</html>"),
			"service unavailable: 200 OK, a web page in the place of JSON"},
		"html as text": {reply(200, "text/plain", "<html>hush</html>"), "200 OK, a web page in the place of JSON"},
		"empty":        {reply(200, "application/json", " \n"), "200 OK, nothing in the place of JSON"},
		"a text": {reply(200, "text/plain", "503 hush, back soon"),
			"service unavailable: 200 OK, a text in the place of JSON"},
		"UTF-16":       {reply(200, "application/json", "\xff\xfe{\x00}\x00"), "UTF-16"},
		"broken":       {reply(200, "application/json", `{"A":"hush`), "something broken"},
		"two":          {reply(200, "application/json", `{"A":1}{"A":2}`), "something broken"},
		"another kind": {reply(200, "application/json", `{"A":"hush"}`), `field "A"`},
		"a number":     {reply(200, "application/json", `{"A":123456789.5}`), `field "A"`},
		"deep":         {reply(200, "application/json", strings.Repeat("[", 1000000)), "something broken"},
		"too large":    {reply(200, "application/json", `{"A":`+strings.Repeat("1", 1000)+"}"), "too large"},
		"refused":      {reply(401, "application/json", `{"A":1}`), "401 Unauthorized"},
	} {
		err := ReadJSON(c.resp, &ok, 1000)
		if name == "deep" {
			err = ReadJSON(c.resp, &ok)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") ||
			strings.Contains(err.Error(), "12345") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7 and so on %%EOF"
	longer := strings.Repeat("%PDF-", 10000)
	for name, c := range map[string]struct {
		resp *http.Response
		want error
		text string
	}{
		"a file": {reply(200, "application/pdf", pdf, "Content-Disposition",
			"attachment; filename*=UTF-8''T%C3%BCr.pdf"), nil, ""},
		"a long file":      {reply(200, "application/octet-stream", longer), nil, ""},
		"odd bytes":        {reply(200, "application/pdf", "\x00\x01 what is this"), nil, ""},
		"junk before":      {reply(200, "application/pdf", "\n\n<html>"+pdf), nil, ""},
		"nothing":          {reply(200, "application/pdf", ""), provider.ErrInvalidFile, "nothing came"},
		"a page":           {reply(200, "text/html; charset=utf-8", "please log in"), provider.ErrInvalidFile, "a web page"},
		"a page in hiding": {reply(200, "application/pdf", " <!DOCTYPE html>"), provider.ErrInvalidFile, "a web page"},
		"a message": {reply(200, "application/octet-stream", `{"message":"hush"}`), provider.ErrInvalidFile,
			"a message in JSON"},
		"not there":  {reply(404, "application/json", `{}`), provider.ErrNotFound, "404"},
		"not ready":  {reply(409, "application/json", `{}`), provider.ErrNotReady, "409"},
		"no content": {reply(204, "", ``), nil, "204"},
	} {
		var out bytes.Buffer
		d, err := Save(&out, c.resp)
		if c.want != nil && !errors.Is(err, c.want) || (err == nil) != (c.text == "") || err != nil &&
			(!strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: got %v", name, err)
		}
		if err == nil && (int64(out.Len()) != c.resp.ContentLength || d.Length != c.resp.ContentLength) {
			t.Errorf("%s: %d bytes, declared %+v", name, out.Len(), d)
		}
		if name == "a file" && (d.Name != "Tür.pdf" || d.ContentType != "application/pdf" || out.String() != pdf) {
			t.Errorf("declared %+v", d)
		}
	}
	for _, off := range []int64{-5, 5} {
		resp := reply(200, "application/pdf", pdf)
		resp.ContentLength += off
		if _, err := Save(io.Discard, resp); !errors.Is(err, provider.ErrInvalidFile) {
			t.Errorf("%d bytes off: %v", off, err)
		}
	}
	if _, err := Save(full{}, reply(200, "application/pdf", pdf)); err == nil || errors.Is(err, provider.ErrInvalidFile) {
		t.Errorf("a full disk is no fault of the file: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
