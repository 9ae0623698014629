package dropboxsign

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
	"countersign/provider/transport"
)

func TestTheKeyIsTheUserName(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/json", recorded.Text(t, "answers/open"))
	if _, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef); err != nil {
		t.Fatal(err)
	}
	r := f.Requests()[0]
	user, password, ok := r.BasicAuth()
	if !ok || user != testKey || password != "" || r.URL.Path != "/v3/signature_request/"+testRef {
		t.Errorf("%s as %q:%q", r.URL, user, password)
	}
}

func TestWhatAnswersToAFetchMean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code    int
		name    string
		absence model.Absence
		want    error
	}{
		"not known":       {404, "not_found", model.NotFound, nil},
		"not for us":      {403, "forbidden", model.NotFound, nil},
		"canceled":        {410, "deleted", model.Gone, nil},
		"a wrong key":     {401, "unauthorized", 0, provider.ErrDenied},
		"not paid":        {402, "payment_required", 0, provider.ErrDenied},
		"the server fell": {500, "unknown", 0, provider.ErrUnavailable},
		"maintenance":     {503, "maintenance", 0, provider.ErrUnavailable},
	} {
		f := answering(t, c.code, "application/json", `{"error":{"error_msg":"about ada@example.org","error_name":"`+c.name+
			`"}}`)
		o, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef)
		if !errors.Is(err, c.want) || err == nil &&
			(o.Absence != c.absence || o.Ref != testRef || o.Evidence != model.Verified || o.Status != "") {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		if err != nil && (strings.Contains(err.Error(), "ada@") || strings.Contains(err.Error(), testKey)) {
			t.Errorf("%s: the error tells too much: %v", name, err)
		}
	}
}

func TestTooManyRequestsIsTakenByItsNameToo(t *testing.T) {
	t.Parallel()
	for _, code := range []int{429, 403} {
		f := refusing(t, code, "exceeded_rate")
		_, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef)
		if wait := (*provider.RetryAfter)(nil); !errors.As(err, &wait) || wait.Wait <= 0 {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// A proxy's page says nothing of a request, least of all that it was canceled.
func TestAProxysPageIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, code := range []int{403, 404, 410, 502} {
		f := answering(t, code, "text/html; charset=utf-8", "<html>gone fishing</html>")
		if o, err := account(t, f.URL, keyed).Fetch(t.Context(), testRef); err == nil {
			t.Errorf("%d: %+v", code, o)
		}
	}
}

func TestIdsCannotLeaveTheirPlaceInThePath(t *testing.T) {
	t.Parallel()
	f := refusing(t, 404, "not_found")
	s := account(t, f.URL, keyed)
	for ref, want := range map[string]string{
		"a/b?c=d#e": "/v3/signature_request/a%2Fb%3Fc=d%23e", "..": "/v3/signature_request/%2E%2E",
		"files/x": "/v3/signature_request/files%2Fx",
	} {
		before := len(f.Requests())
		if o, err := s.Fetch(t.Context(), ref); err != nil || o.Absence != model.NotFound {
			t.Errorf("%s: %+v, %v", ref, o, err)
		}
		if got := f.Requests()[before].RequestURI; got != want {
			t.Errorf("%s: asked %s, want %s", ref, got, want)
		}
	}
	before := len(f.Requests())
	for _, ref := range []string{"", "list", "a\x00", strings.Repeat("a", longest+1)} {
		if o, err := s.Fetch(t.Context(), ref); err != nil || o.Absence != model.NotFound {
			t.Errorf("%q: %+v, %v", ref, o, err)
		}
	}
	if len(f.Requests()) != before {
		t.Error("what is no id was asked about")
	}
}

func TestCancellingEndsACall(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := account(t, f.URL, keyed)
	_, err := s.Fetch(ctx, testRef)
	_, err2 := s.Download(ctx, testRef, sent, io.Discard)
	if !errors.Is(err, context.Canceled) || !errors.Is(err2, context.Canceled) {
		t.Errorf("%v, %v", err, err2)
	}
}

const pdf = "%PDF-1.7\n% a small one\n%%EOF\n"

func TestTheFileIsFetchedAsPDF(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/pdf", pdf)
	var out bytes.Buffer
	d, err := account(t, f.URL, keyed).Download(t.Context(), testRef, sent, &out)
	if err != nil || out.String() != pdf || d.ContentType != "application/pdf" || d.Length != int64(len(pdf)) {
		t.Errorf("%+v, %q, %v", d, out.String(), err)
	}
	if got := f.Requests()[0].RequestURI; got != "/v3/signature_request/files/"+testRef+"?file_type=pdf" {
		t.Error(got)
	}
}

func TestWhatAnswersToADownloadMean(t *testing.T) {
	t.Parallel()
	for _, via := range []string{viaFiles, viaFileURL} {
		for code, c := range map[int]struct {
			name string
			want error
		}{
			409: {"conflict", provider.ErrNotReady}, // still being made, or asked for twice: in both cases later
			404: {"not_found", provider.ErrNotFound}, 410: {"deleted", provider.ErrNotFound}, 403: {"forbidden",
				provider.ErrNotFound},
			401: {"unauthorized", provider.ErrDenied}, 402: {"payment_required", provider.ErrDenied}, 503: {"maintenance",
				provider.ErrUnavailable},
		} {
			f := answering(t, code, "application/json", `{"error":{"error_msg":"m","error_name":"`+c.name+`"}}`)
			s := account(t, f.URL, "{api_key: a, download_via: "+via+"}")
			if _, err := s.Download(t.Context(), testRef, sent, io.Discard); !errors.Is(err, c.want) {
				t.Errorf("%s %d: %v", via, code, err)
			}
		}
	}
}

func TestWhatIsNoWholePDFIsRefused(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"JSON with a 200": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"file_url":"x"}`) }, //nolint:errcheck // a test
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, pdf) //nolint:errcheck // a test
		},
	} {
		f := providertest.Serve(t, h)
		if _, err := account(t, f.URL, keyed).Download(t.Context(), testRef, sent, io.Discard); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestTheAuditTrailIsNoDocumentOfItsOwn(t *testing.T) {
	t.Parallel()
	_, err := account(t, "http://127.0.0.1:1", keyed).Download(t.Context(), testRef,
		model.DocumentRef{ID: "x", Kind: model.EvidenceDocument}, io.Discard)
	if !errors.Is(err, provider.ErrNotFound) {
		t.Error(err)
	}
}

// The link holds &amp; where & is meant, and &copy where &copy is meant; it leads to another host,
// which must never see the key.
func TestAFileLinkIsFollowedWithoutTheKey(t *testing.T) {
	t.Parallel()
	store := answering(t, http.StatusOK, "application/pdf", pdf)
	link := store.URL + "/merged.pdf?AWSAccessKeyId=AK&amp;Expires=1&copy=2&amp;Signature=a%2Fb"
	for name, h := range map[string]http.HandlerFunc{
		"file_url": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"file_url":"`+link+`","expires_at":1772443200}`) //nolint:errcheck // a test
		},
		"files": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", strings.ReplaceAll(link, "&amp;", "&"))
			w.WriteHeader(http.StatusFound)
		},
	} {
		f, before := providertest.Serve(t, h), len(store.Requests())
		s := account(t, f.URL, "{api_key: "+testKey+", download_via: "+name+"}", func(o *provider.Options) {
			o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		})
		var out bytes.Buffer
		if _, err := s.Download(t.Context(), testRef, sent, &out); err != nil || out.String() != pdf {
			t.Fatalf("%s: %q, %v", name, out.String(), err)
		}
		got := store.Requests()[before]
		if got.RequestURI != "/merged.pdf?AWSAccessKeyId=AK&Expires=1&copy=2&Signature=a%2Fb" ||
			got.Header.Get("Authorization") != "" {
			t.Errorf("%s: asked %s with %q", name, got.RequestURI, got.Header.Get("Authorization"))
		}
	}
}

func TestABadFileLinkIsNotTold(t *testing.T) {
	t.Parallel()
	dead := answering(t, http.StatusForbidden, "application/xml", "<Error/>")
	for _, link := range []string{"", "nowhere", "file:///etc/passwd", "ftp://x/?Signature=s3cret",
		dead.URL + "/?Signature=s3cret", "http://127.0.0.1:1/?Signature=s3cret"} {
		f := answering(t, http.StatusOK, "application/json", `{"file_url":"`+link+`","expires_at":1}`)
		_, err := account(t, f.URL, "{api_key: a, download_via: file_url}").Download(t.Context(), testRef, sent, io.Discard)
		if err == nil || strings.Contains(err.Error(), "s3cret") || errors.Is(err, provider.ErrNotFound) ||
			errors.Is(err, provider.ErrDenied) {
			t.Errorf("%s: %v", link, err)
		}
	}
}

func TestCheckTellsWhoWeAre(t *testing.T) {
	t.Parallel()
	f := answering(t, http.StatusOK, "application/json", recorded.Text(t, "account/alone"))
	got, err := account(t, f.URL, keyed).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	providertest.Same(t, "identity", got, provider.Identity{ID: "63522885f9261e2b04eea043933ee7313eb674fd"})

	f = answering(t, http.StatusOK, "application/json", recorded.Text(t, "account/locked"))
	if got, err = account(t, f.URL, keyed).Check(t.Context()); err != nil || len(got.Warnings) != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	for code, name := range map[int]string{401: "unauthorized", 402: "payment_required", 403: "forbidden"} {
		f := refusing(t, code, name)
		if _, err := account(t, f.URL, keyed).Check(t.Context()); !errors.Is(err, provider.ErrDenied) {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestRegistrationReadsAccountAndApps(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v3/account":
			io.WriteString(w, recorded.Text(t, "account/locked")) //nolint:errcheck // a test
		case "/v3/api_app/good":
			io.WriteString(w, recorded.Text(t, "account/app")) //nolint:errcheck // a test
		default:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, recorded.Text(t, "errors/not_found")) //nolint:errcheck // a test
		}
	})
	got, err := account(t, f.URL, "{api_key: a, app_client_ids: [good, bad]}").Registration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	providertest.Same(t, "registration", got, provider.Registration{Scope: "account", Others: []provider.Registration{
		{Scope: "app good", URL: "https://sign.example.org/callbacks/hr"},
		{Scope: "app bad (not readable with this key)"},
	}})
}

// classes remembers the budget class of each call.
type classes struct{ seen []provider.Class }

func (c *classes) RoundTrip(r *http.Request) (*http.Response, error) {
	c.seen = append(c.seen, provider.CallOf(r.Context()).Class)
	return nil, errors.New("not sent")
}

func TestFilesHaveABudgetOfTheirOwn(t *testing.T) {
	t.Parallel()
	for block, want := range map[string][]provider.Class{
		"{api_key: a}":                         {provider.ClassRead, provider.ClassFiles, provider.ClassRead},
		"{api_key: a, download_via: file_url}": {provider.ClassRead, provider.ClassFiles, provider.ClassRead},
		"{api_key: a, test_mode_class: true}":  {provider.ClassTest, provider.ClassTest, provider.ClassTest},
	} {
		c := &classes{}
		s := account(t, "http://sign.test", block, func(o *provider.Options) { o.Client = &http.Client{Transport: c} })
		_, fetch := s.Fetch(t.Context(), testRef)
		_, download := s.Download(t.Context(), testRef, sent, io.Discard)
		_, check := s.Check(t.Context())
		if fetch == nil || download == nil || check == nil {
			t.Error("no errors")
		}
		providertest.Same(t, block, c.seen, want)
	}
}

// Through the real transport a 429 and its wait come as they are, whatever the reset header says.
func TestTheTransportsPauseIsPassedOn(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "300")
		w.Header().Set("X-Ratelimit-Reset", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, recorded.Text(t, "errors/exceeded_rate")) //nolint:errcheck // a test
	})
	s := account(t, f.URL, keyed, func(o *provider.Options) {
		o.Client = transport.NewClient(transport.Options{Now: o.Now})
	})
	_, fetch := s.Fetch(t.Context(), testRef)
	_, download := s.Download(t.Context(), testRef, sent, io.Discard)
	for _, err := range []error{fetch, download} {
		if wait := (*provider.RetryAfter)(nil); !errors.As(err, &wait) || wait.Wait.Seconds() != 300 {
			t.Error(err)
		}
	}
}
