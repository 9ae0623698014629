package providertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
)

// refusals holds that what the service refuses becomes the errors that the worker knows.
func (b calls) refusals() {
	for _, c := range []struct {
		name string
		give answer
		want error // nil: a *RetryAfter
	}{
		{"401", b.gossip(http.StatusUnauthorized), provider.ErrDenied},
		{"429", b.gossip(http.StatusTooManyRequests, "Retry-After", "3600"), nil},
		{"500", b.gossip(http.StatusInternalServerError), provider.ErrUnavailable},
		{"502 with a page", page(http.StatusBadGateway, "text/html; charset=utf-8"), provider.ErrUnavailable},
		{"503", b.gossip(http.StatusServiceUnavailable), provider.ErrUnavailable},
		{"504", answer{code: http.StatusGatewayTimeout}, provider.ErrUnavailable},
	} {
		for _, o := range b.ops(b.account(b.world(answer{code: http.StatusOK}))) {
			err := o.call(b.ctx, b.account(b.world(c.give)))
			name := o.name + ": " + c.name
			b.heard(name, err)
			var after *provider.RetryAfter
			switch {
			case b.Linked && o.name == "download" && c.want == provider.ErrDenied:
				if err == nil || errors.Is(err, provider.ErrDenied) {
					b.failf("%s: got %v, want an error that says nothing of the credentials", name, err)
				}
			case c.want != nil && !errors.Is(err, c.want):
				b.failf("%s: got %v, want %v", name, err, c.want)
			case c.want == nil && (!errors.As(err, &after) || after.Wait < 59*time.Minute):
				b.failf("%s: got %v, want a *RetryAfter of an hour", name, err)
			}
		}
	}
	for _, code := range []int{http.StatusBadRequest, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusUnprocessableEntity, http.StatusTeapot} {
		for _, o := range b.ops(b.account(b.world(answer{code: http.StatusOK}))) {
			err := o.call(b.ctx, b.account(b.world(b.gossip(code))))
			b.heard(fmt.Sprintf("%s: %d", o.name, code), err)
			if err == nil && o.name == "download" {
				b.failf("download: %d is no file", code)
			}
		}
	}
}

// absences holds what a missing transaction and a missing or unfinished file are.
func (b calls) absences() {
	for code, want := range map[int][]model.Absence{http.StatusNotFound: {model.NotFound},
		http.StatusGone: {model.NotFound, model.Gone}} {
		o, err := b.account(b.world(b.gossip(code))).Fetch(b.ctx, b.Ref)
		b.heard("fetch", err)
		if err != nil || o.Absence != want[0] && o.Absence != want[len(want)-1] || o.Evidence != model.Verified ||
			o.Ref != b.Ref || o.Status != "" {
			b.failf("fetch: %d: got %+v, %v, want an observation that it is not there", code, o, err)
		}
	}
	for code, want := range map[int][]error{
		http.StatusNotFound: {provider.ErrNotFound, provider.ErrNotReady}, http.StatusConflict: {provider.ErrNotReady,
			provider.ErrNotReady},
	} {
		_, err := b.account(b.world(b.gossip(code))).Download(b.ctx, b.Ref, b.Document, &bytes.Buffer{})
		b.heard("download", err)
		if !errors.Is(err, want[0]) && !errors.Is(err, want[1]) {
			b.failf("download: %d: got %v, want %v", code, err, want[0])
		}
	}
}

// garbage holds that what is no answer is never taken for one.
func (b calls) garbage() {
	for name, a := range map[string]answer{
		"a page": page(http.StatusOK, "text/html; charset=utf-8"), "a page that says it is JSON": page(http.StatusOK,
			"application/json"), "a page that says nothing": page(http.StatusOK, ""),
		"nothing": jsonAnswer(http.StatusOK, nil), "broken JSON": jsonAnswer(http.StatusOK,
			[]byte(`{"id":"`+person)), "a deep list": jsonAnswer(http.StatusOK, bytes.Repeat([]byte("["), 1<<20)),
		"an answer cut short": {code: http.StatusOK, kind: "application/json", body: []byte(`{"id":`), promise: 100},
		"a broken connection": {code: http.StatusOK, kind: "application/json", body: []byte(`{"id":`), abort: true},
	} {
		for _, o := range b.ops(b.account(b.world(a))) {
			err := o.call(b.ctx, b.account(b.world(a)))
			b.heard(o.name+": "+name, err)
			if err == nil && !(o.name == "download" && name == "a deep list") {
				b.failf("%s: %s is taken for an answer", o.name, name)
			}
		}
	}
	for _, body := range []string{"null", "{}", "[]", "7", `"x"`, `{"id":7}`, `{"error":{}}`} {
		o, err := b.account(b.world(jsonAnswer(http.StatusOK, []byte(body)))).Fetch(b.ctx, b.Ref)
		b.heard("fetch: "+body, err)
		if err == nil && o.Absence == model.Present {
			b.failf("fetch: %s is taken for an answer: %+v", body, o)
		}
	}
}

// redirects holds that a redirect carries no credentials to another host, and is no answer to Fetch.
func (b calls) redirects() {
	for _, code := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect} {
		for _, o := range b.ops(b.account(b.world(answer{code: http.StatusOK}))) {
			w := b.world(answer{code: code, header: map[string]string{"Location": "FILES/elsewhere?key=1"}})
			err := o.call(b.ctx, b.account(w))
			b.heard(o.name, err)
			if err == nil {
				b.failf("%s: a redirect to another host that has nothing is taken for an answer", o.name)
			}
			b.clean(o.name, w)
		}
	}
}

// clean holds that no credentials came to the other host.
func (b calls) clean(name string, w *world) {
	_, away := w.requests()
	for _, r := range away {
		said := r.URL.String()
		for k, v := range r.Header {
			said += "\n" + k + ": " + strings.Join(v, " ")
		}
		if user, password, ok := r.BasicAuth(); ok {
			said += "\n" + user + ":" + password
		}
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			b.failf("%s: an Authorization or Cookie header goes to another host", name)
		}
		for _, s := range b.Secrets {
			if s != "" && (strings.Contains(said, s) || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte(s)))) {
				b.failf("%s: a secret goes to another host", name)
			}
		}
	}
}

// cancels holds that each call ends with its context.
func (b calls) cancels() {
	for _, o := range b.ops(b.account(b.world(answer{code: http.StatusOK}))) {
		w := b.world(answer{hang: true})
		p := b.account(w)
		ctx, cancel := context.WithCancel(b.ctx)
		ended := make(chan error, 1)
		go func() {
			defer func() {
				if p := recover(); p != nil {
					ended <- fmt.Errorf("panic: %v", p)
				}
			}()
			ended <- o.call(ctx, p)
		}()
		var err error
		late := time.NewTimer(b.patience)
		select {
		case <-w.begun:
			cancel()
			select {
			case err = <-ended:
			case <-late.C:
				b.failf("%s: it goes on after its context has ended", o.name)
			}
		case err = <-ended:
			b.failf("%s: it ended without asking the service: %v", o.name, err)
		case <-late.C:
			b.failf("%s: it does not ask the service", o.name)
		}
		late.Stop()
		cancel()
		b.heard(o.name, err)
		if err == nil {
			b.failf("%s: it has no error when its context has ended", o.name)
		} else if errors.Is(err, provider.ErrDenied) || errors.Is(err, provider.ErrNotFound) {
			b.failf("%s: a cancelled call says nothing about the service: %v", o.name, err)
		}
	}
}

// downloads holds that a file comes as it is, and that anything less is an error.
func (b calls) downloads() {
	pdf := []byte("%PDF-1.7\n" + strings.Repeat("1 0 obj\n<<>>\nendobj\n", 5000) + "%%EOF\n")
	whole := answer{code: http.StatusOK, kind: "application/pdf", body: pdf,
		header: map[string]string{"Content-Disposition": "attachment; filename*=UTF-8''Vertrag%20%C3%BC.pdf"}}
	w := b.world(whole)
	var out bytes.Buffer
	d, err := b.account(w).Download(b.ctx, b.Ref, b.Document, &out)
	b.heard("download", err)
	switch {
	case err != nil:
		b.failf("download: %v", err)
	case !bytes.Equal(out.Bytes(), pdf):
		b.failf("download: %d bytes of %d, or others", out.Len(), len(pdf))
	case d.Length != int64(len(pdf)) && d.Length != -1:
		b.failf("download: declared %d bytes, sent %d", d.Length, len(pdf))
	}
	b.clean("download", w)
	short, torn, octets := whole, whole, whole
	short.promise, torn.abort, octets.kind = 100, true, "application/octet-stream"
	if _, err := b.account(b.world(octets)).Download(b.ctx, b.Ref, b.Document, &bytes.Buffer{}); err != nil {
		b.failf("download: a PDF sent as octet-stream: %v", err)
	}
	for name, a := range map[string]answer{
		"a file that is cut off": short, "a connection that breaks": torn, "an empty file": {code: http.StatusOK,
			kind: "application/pdf"},
		"a page": page(http.StatusOK, "text/html"), "a page that says it is a PDF": page(http.StatusOK, "application/pdf"),
		"a message": jsonAnswer(http.StatusOK, []byte(`{"message":"being made"}`)),
	} {
		_, err := b.account(b.world(a)).Download(b.ctx, b.Ref, b.Document, &bytes.Buffer{})
		b.heard("download: "+name, err)
		if err == nil {
			b.failf("download: %s is taken for a file", name)
		}
	}
	if _, err := b.account(b.world(whole)).Download(b.ctx, b.Ref, b.Document, fullDisk{}); err == nil {
		b.failf("download: a writer that fails is not noticed")
	} else if errors.Is(err, provider.ErrInvalidFile) {
		b.failf("download: a writer that fails is no fault of the file: %v", err)
	}
}

type fullDisk struct{}

// Write fails.
func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
