package allsign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/transport"
)

// streaming is a v2 account with a token endpoint of the operator's and a stream, both at f.
func streaming(t *testing.T, f *providertest.Service, idle string) *v2 {
	t.Helper()
	bare := transport.NewForeignClient(transport.Options{Now: func() time.Time { return noon }, Attempts: 1}, true)
	t.Cleanup(bare.CloseIdleConnections)
	s := open(t, f.URL, strings.Replace(keyedV2, "{",
		"{sse_idle: "+idle+", sse_token_url: '"+f.URL+"/own/sse-token?team=7', ", 1),
		func(o *provider.Options) { o.Foreign = bare }).Provider.(*v2)
	s.streamWait = time.Millisecond
	return s
}

// stream serves tokens t-1, t-2 ... and what each opening of the stream answers.
func stream(t *testing.T, openings ...func(w http.ResponseWriter, r *http.Request)) *providertest.Service {
	tokens, n := 0, 0
	return providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/own/") {
			tokens++
			fmt.Fprintf(w, `{"token":"t-%d"}`, tokens)
			return
		}
		n++
		openings[min(n, len(openings))-1](w, r)
	})
}

func sends(events string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, events)
	}
}

func refuses(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestAStreamIsOpenedOnlyWhereATokenEndpointIsSet(t *testing.T) {
	t.Parallel()
	if s := openV2(t, "http://localhost"); s.Streams() != 0 || s.Stream(t.Context(), testV2, "", nil) == nil {
		t.Error("a stream without a token")
	}
	if n := streaming(t, stream(t), "1m").Streams(); n != defaultStreams {
		t.Error(n)
	}
}

func TestAStreamGoesOnFromItsLastEventAfterEachBreak(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := stream(t, refuses(http.StatusServiceUnavailable), refuses(http.StatusTooManyRequests),
		sends("id: 8\ndata: {\"type\":\"signer_signed\"}\n\n"),
		sends("data: {\"type\":\"document_completed\"}\n\nid: 9\nevent: odd\ndata: {}\n\n"))
	var ids []string
	err := streaming(t, f, "1m").Stream(ctx, testV2, "7", func(id string) {
		if ids = append(ids, id); id == "9" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	providertest.Same(t, "events", ids, []string{"8", "8", "9"})
	var from []string
	for _, r := range f.Requests() {
		if r.URL.Path == "/v2/sse/stream" {
			from = append(from, r.Header.Get("Last-Event-ID"))
			if r.Header.Get("Authorization") != "" || r.URL.Query().Get("token") != "t-1" {
				t.Errorf("%s %v", r.RequestURI, r.Header)
			}
		} else if q := r.URL.Query(); q.Get("documentId") != testV2 || q.Get("team") != "7" ||
			r.Header.Get("Authorization") != "" {
			t.Errorf("%s %v", r.RequestURI, r.Header)
		}
	}
	providertest.Same(t, "from", from, []string{"7", "7", "7", "8"})
}

func TestARefusedTokenIsAskedForAnewOnce(t *testing.T) {
	t.Parallel()
	f := stream(t, refuses(http.StatusUnauthorized), refuses(http.StatusForbidden))
	err := streaming(t, f, "1m").Stream(t.Context(), testV2, "", func(string) {})
	if err == nil || errors.Is(err, provider.ErrDenied) || strings.Contains(err.Error(), "t-") ||
		strings.Contains(err.Error(), "http") {
		t.Error(err)
	}
	if n := len(f.Paths()); n != 4 {
		t.Errorf("%v", f.Paths())
	}
}

func TestAStreamThatStandsStillIsOpenedAgain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	still := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush() //nolint:errcheck // the client sees it
		<-r.Context().Done()
	}
	f := stream(t, still, sends("id: 1\ndata: {}\n\n"))
	err := streaming(t, f, "50ms").Stream(ctx, testV2, "", func(string) { cancel() })
	if !errors.Is(err, context.Canceled) || len(f.Paths()) != 3 {
		t.Errorf("%v %v", f.Paths(), err)
	}
}

func TestAStreamThatFailsForLongIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, opening := range map[string]func(http.ResponseWriter,
		*http.Request){"failing": refuses(http.StatusBadGateway), "not there": refuses(http.StatusNotFound),
		"no stream": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }} {
		f := stream(t, opening)
		err := streaming(t, f, "1m").Stream(t.Context(), testV2, "", func(string) {})
		if err == nil || len(f.Paths()) > 2+streamRetries || strings.Contains(err.Error(), "t-1") {
			t.Errorf("%s: %v %v", name, f.Paths(), err)
		}
	}
	f := providertest.Serve(t, refuses(http.StatusUnauthorized))
	if err := streaming(t, f, "1m").Stream(t.Context(), testV2, "", nil); err == nil ||
		errors.Is(err, provider.ErrDenied) {
		t.Errorf("the operator's own endpoint refuses: %v", err)
	}
}
