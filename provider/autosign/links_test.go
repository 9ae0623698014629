package autosign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/provider/providertest/recorded"
)

var tenancy = model.DocumentRef{ID: source, Kind: model.SignedDocument, Name: "tenancy.pdf"}

const pdf = "%PDF-1.7\nhello\n%%EOF\n"

// files is another host, which has one file and wants no credentials of ours.
func files(t *testing.T) *providertest.Service {
	t.Helper()
	return providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "":
			w.WriteHeader(http.StatusBadRequest)
		case r.URL.Path == "/sealed/1":
			w.Header().Set("Content-Type", "application/pdf")
			io.WriteString(w, pdf)
		case r.URL.Path == "/refused":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/ended":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

// secure makes the links of tests, which have no certificate, look like those of the service: what a
// provider is told is https, and the transport knows better.
func secure(o *provider.Options) {
	o.Foreign = &http.Client{Transport: plainly{}}
}

type plainly struct{}

func (plainly) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme = "http"
	return http.DefaultTransport.RoundTrip(out)
}

func https(f *providertest.Service, path string) string {
	return strings.Replace(f.URL, "http:", "https:", 1) + path
}

func TestALinkIsFollowedWithoutOurTokenToAnotherHost(t *testing.T) {
	t.Parallel()
	away := files(t)
	s := plain(t, "http://api.example.net", keyed, secure)
	var out bytes.Buffer
	if _, err := s.DownloadLink(t.Context(), testRef, tenancy, provider.Secret(https(away, "/sealed/1")),
		&out); err != nil || out.String() != pdf {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestALinkToTheAPIItselfGetsTheToken(t *testing.T) {
	t.Parallel()
	f := providertest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-access-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/pdf")
		io.WriteString(w, pdf)
	})
	var out bytes.Buffer
	if _, err := plain(t, f.URL, keyed).DownloadLink(t.Context(), testRef, tenancy, provider.Secret(f.URL+"/v1/file/7"),
		&out); err != nil || out.String() != pdf {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestADeadLinkIsNotARefusedKey(t *testing.T) {
	t.Parallel()
	away := files(t)
	s := plain(t, "http://api.example.net", keyed, secure)
	for _, path := range []string{"/refused", "/ended", "/nothing"} {
		_, err := s.DownloadLink(t.Context(), testRef, tenancy, provider.Secret(https(away, path)), io.Discard)
		if !errors.Is(err, provider.ErrNotFound) || errors.Is(err, provider.ErrDenied) ||
			strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestOnlyUsableLinksAreFollowed(t *testing.T) {
	t.Parallel()
	s := plain(t, "http://127.0.0.1:8000", "{access_token: x, link_hosts: [example.net, .files.example.org]}")
	for link, want := range map[string]bool{
		"https://example.net/a": true, "https://a.example.net/b": true, "https://files.example.org/": true,
		"https://x.FILES.example.org/":  true,
		"http://127.0.0.1:8000/v1/file": true, "http://127.0.0.1:8001/v1/file": false, "https://127.0.0.1:8000/": false,
		"http://example.net/a": false, "https://badexample.net/": false, "https://example.net.evil.org/": false,
		"ftp://example.net/": false,
		"/relative":          false, "": false, "https://": false, "https://example.net@evil.org/": false,
		"https://example.net/" + strings.Repeat("x", longestLink): false,
	} {
		if got := s.usable(link); got != want {
			t.Errorf("%.60s: %v", link, got)
		}
	}
}

func TestARedirectLeadsOnlyToNamedHosts(t *testing.T) {
	t.Parallel()
	away := providertest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://evil.example.com/x")
		w.WriteHeader(http.StatusFound)
	})
	s := plain(t, "http://api.example.net", "{access_token: x, link_hosts: [127.0.0.1]}", secure)
	_, err := s.DownloadLink(t.Context(), testRef, tenancy, provider.Secret(https(away, "/x")), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "link_hosts") {
		t.Errorf("got %v", err)
	}
}

func TestTheFirstNamedHTTPSLinkWins(t *testing.T) {
	t.Parallel()
	s := plain(t, "", keyed)
	for item, want := range map[string]string{
		`{"link":"https://a.example.net/3","url":"https://a.example.net/1","download_url":"https://a.example.net/2"}`: "https://a.example.net/1",
		`{"url":"http://a.example.net/1","href":"https://a.example.net/4"}`:                                           "https://a.example.net/4",
		`{"file":{"url":"https://a.example.net/5"}}`:                                                                  "https://a.example.net/5",
		`{"presigned":"https://a.example.net/6","name":"x.pdf"}`:                                                      "https://a.example.net/6",
		// which of them, nobody can say
		`{"one":"https://a.example.net/7","two":"https://a.example.net/8"}`: "",
		`{"name":"x.pdf"}`: "",
		`"x"`:              "",
	} {
		if got := s.link(decoded([]byte(item))); got != want {
			t.Errorf("%s: %q", item, got)
		}
	}
	named := plain(t, "", "{access_token: x, link_names: [two]}")
	if got := named.link(decoded([]byte(`{"one":"https://a.example.net/7","two":"https://a.example.net/8"}`))); got != "https://a.example.net/8" {
		t.Errorf("a configured name: %q", got)
	}
}

func TestTheStoredBodyHoldsNoLinkAndIsOtherwiseAsItCame(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"a":"x"}`:                                                                  "",
		`{"a":null,"token":null,"b":[1,"y"]}`:                                        "",
		`{ "url" : "https://a.example.net/1" , "n":1.50}`:                            `{ "url" : "<cut>" , "n":1.50}`,
		`{"a":["http:\/\/x","HTTPS://y",{"token":"t\"\\"}],"b":"token"}`:             `{"a":["<cut>","<cut>",{"token":"<cut>"}],"b":"token"}`,
		`{"https://name":"kept","tok\u0065n":"gone"}`:                                `{"https://name":"kept","tok\u0065n":"<cut>"}`,
		`{"token":"<cut>"}`:                                                          "",
		`{"t":"See https://a.example.net/1?x=y&z, or //b.example.net/2\nend","n":1}`: `{"t":"See <cut> or <cut>\nend","n":1}`,
		`{"t":"//b.example.net/2","u":"a/b","v":"1/2 // x"}`:                         `{"t":"<cut>","u":"a/b","v":"1/2 // x"}`,
		`{"t":"{\"url\":\"https:\\/\\/a.example.net\\/1\"}"}`:                        `{"t":"{\"url\":\"<cut>\"}"}`,
		`{"t":"<a href=s3://bucket/key>"}`:                                           `{"t":"<a href=<cut>>"}`,
	} {
		if got := string(clean([]byte(body))); got != want {
			t.Errorf("%s\nis kept as %s", body, got)
		}
	}
}

// detailed is a service that shows one transaction, with its links leading to another host.
func detailed(t *testing.T, name string, away *providertest.Service) *providertest.Service {
	t.Helper()
	body := strings.ReplaceAll(recorded.Text(t, "answers/"+name), "https://files.example.net", https(away, ""))
	return answering(t, http.StatusOK, "application/json", body)
}

func TestAFileThatTheTransactionShowsIsFetchedFromThere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"completed_shows_sealed_documents", "completed_shows_them_in_the_template"} {
		f := detailed(t, name, files(t))
		var out bytes.Buffer
		if _, err := plain(t, f.URL, keyed, secure).Download(t.Context(), testRef, tenancy, &out); err != nil ||
			out.String() != pdf {
			t.Errorf("%s: %q, %v", name, out.String(), err)
		}
	}
}

func TestWithoutAnyWayADocumentIsUnobtainableAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{
		"completed": provider.ErrUnobtainable, "completed_lists_no_document": provider.ErrUnobtainable,
		"started": provider.ErrNotReady,
	} {
		f := answering(t, http.StatusOK, "application/json", recorded.Text(t, "answers/"+name))
		_, err := plain(t, f.URL, keyed).Download(t.Context(), testRef, tenancy, io.Discard)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if want == provider.ErrUnobtainable && !strings.Contains(err.Error(), "sealed_path") {
			t.Errorf("it does not say what to do: %v", err)
		}
	}
}

func TestWhatIsNotSealedYetIsAskedForAgainForAWhile(t *testing.T) {
	t.Parallel()
	// ended at 09:15:01
	f := answering(t, http.StatusOK, "application/json", recorded.Text(t, "answers/completed_not_sealed"))
	for at, want := range map[time.Duration]error{-164 * time.Minute: provider.ErrNotReady, 0: provider.ErrUnobtainable} {
		s := plain(t, f.URL, keyed, func(o *provider.Options) { o.Now = func() time.Time { return noon.Add(at) } })
		if _, err := s.Download(t.Context(), testRef, tenancy, io.Discard); !errors.Is(err, want) {
			t.Errorf("at noon%v: %v, want %v", at, err, want)
		}
	}
}

func TestSealedPathMayAnswerWithAFileARedirectOrALink(t *testing.T) {
	t.Parallel()
	away := files(t)
	for name, answer := range map[string]http.HandlerFunc{
		"a file": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, pdf) },
		"a redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", https(away, "/sealed/1"))
			w.WriteHeader(http.StatusFound)
		},
		"a link": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			fmt.Fprintf(w, `{"url":%q}`, https(away, "/sealed/1"))
		},
	} {
		f := providertest.Serve(t, answer)
		stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		s := plain(t, f.URL, `{access_token: x, sealed_path: "/v1/transaction/{id}/sealed/{document}"}`, secure,
			func(o *provider.Options) { o.Client = stay })
		var out bytes.Buffer
		if _, err := s.Download(t.Context(), "a/{document}", tenancy, &out); err != nil || out.String() != pdf {
			t.Errorf("%s: %q, %v", name, out.String(), err)
		}
		if got := f.Requests()[0].URL.EscapedPath(); got != "/v1/transaction/a%2F%7Bdocument%7D/sealed/"+source {
			t.Errorf("%s: asked for %s", name, got)
		}
	}
}
