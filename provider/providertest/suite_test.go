package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/transport"
)

// notary is a made-up service. Its fault is what a careless provider would do.
type notary struct {
	base  string
	c     *http.Client
	key   string
	fault string
}

const (
	apiKey       = "api-key-hush"
	signingToken = "token-of-ada"
)

var _ = flag.Bool("update", false, "write what the recorded callbacks and answers mean")

func (n *notary) is(fault string) bool { return n.fault == fault }

func (n *notary) Rules() model.Rules {
	r := model.Rules{
		Provider: "notary",
		Forward: map[model.Status][]model.Status{
			model.Unknown: {model.InProgress, model.Completed}, model.Draft: {model.InProgress}, model.InProgress: {model.Completed},
		},
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeStatus: {model.Completed: {"doc_completed"}},
			model.ChangeSigner: {model.Status(model.SignerSigned): {"doc_signed"}},
		},
	}
	switch n.fault {
	case "moves to nowhere":
		r.Forward[model.InProgress] = []model.Status{"signed"}
	case "moves out of the end":
		r.Forward[model.Completed] = []model.Status{model.InProgress}
	case "tells nothing":
		r.Tells = nil
	case "tells no type":
		r.Tells[model.ChangeStatus][model.Declined] = []string{}
	}
	return r
}

func (n *notary) Receive(c provider.Callback) (provider.Received, error) {
	given := c.Header.Get("X-Key")
	switch {
	case n.is("takes every callback"):
	case n.is("compares to nothing") && given == "":
	case n.is("tells the secret") && given != n.key:
		return provider.Received{}, fmt.Errorf("%w: want %s", provider.ErrUnverified, n.key)
	case !provider.SameSecret(given, n.key):
		return provider.Received{}, provider.ErrUnverified
	}
	var e struct{ ID, Type, Status string }
	if err := json.Unmarshal(c.Body, &e); err != nil {
		if n.is("other errors") {
			return provider.Received{}, err
		}
		return provider.Received{}, provider.ErrNotUnderstood
	}
	if n.is("panics") && e.Type == "" {
		panic("no type")
	}
	if n.is("asks when called") {
		n.c.Get(n.base) //nolint:errcheck,bodyclose // a fault
	}
	if n.is("changes the body") && len(c.Body) > 0 {
		c.Body[0] = ' '
	}
	if e.Type == "ping" {
		r := provider.Received{Type: e.Type, Test: !n.is("gives no reason")}
		if e.ID != "" { // a canary
			r.Test = !n.is("takes its canary for a document")
			if !r.Test {
				r.Observations = []model.Observation{{Ref: e.ID, Evidence: model.Claim, Type: e.Type}}
			}
		}
		return r, nil
	}
	if e.ID == "" || e.Type == "" {
		return provider.Received{}, provider.ErrNotUnderstood
	}
	o := model.Observation{Ref: e.ID, Evidence: model.Claim, Type: e.Type, Status: words(e.Status)}
	o.Acted = e.Type == "doc_signed" && !n.is("forgets that a signer acted")
	if n.is("is too sure") {
		o.Evidence = model.Verified
	}
	r := provider.Received{Ref: e.ID, Type: e.Type, Observations: []model.Observation{o}}
	if bytes.Contains(c.Body, []byte(signingToken)) && !n.is("keeps tokens") {
		r.Clean = bytes.ReplaceAll(c.Body, []byte(signingToken), []byte("<cut>"))
	}
	if n.is("keeps nothing") {
		r.Clean = []byte{}
	}
	if n.is("is never the same") {
		r.DedupeKey = fmt.Sprintf("%p", &e)
	}
	return r, nil
}

func words(w string) model.Status {
	return map[string]model.Status{"OPEN": model.InProgress, "SIGNED": model.Completed}[w]
}

func (n *notary) ask(ctx context.Context, class provider.Class, parts ...string) (*http.Response, error) {
	address := provider.JoinPath(n.base+"/v1", parts...)
	if n.is("joins paths") {
		address = n.base + "/v1/" + strings.Join(parts, "/")
	}
	if n.is("forgets its context") {
		ctx = context.WithoutCancel(ctx)
	}
	req, err := http.NewRequestWithContext(provider.WithClass(ctx, class), http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("no address")
	}
	req.Header.Set("X-Api-Key", apiKey)
	c := n.c
	if n.is("follows redirects") {
		c = &http.Client{Transport: n.c.Transport}
	}
	if n.is("tells the address") {
		return c.Do(req)
	}
	return transport.Do(c, req)
}

func (n *notary) get(ctx context.Context, v any, parts ...string) error {
	resp, err := n.ask(ctx, provider.ClassRead, parts...)
	if err != nil {
		return err
	}
	if n.is("quotes the service") && resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%w: %s", transport.StatusError(resp), raw)
	}
	if n.is("ignores the status") {
		resp.StatusCode = http.StatusOK
	}
	return transport.ReadJSON(resp, v)
}

func (n *notary) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	var got struct{ ID, Status string }
	err := n.get(ctx, &got, "docs", ref)
	if errors.Is(err, provider.ErrNotFound) && !n.is("fails on 404") {
		return model.Observation{Ref: ref, Evidence: model.Verified, Absence: model.NotFound}, nil
	}
	if err != nil {
		if n.is("hides refusals") {
			return model.Observation{}, errors.New("it did not work")
		}
		return model.Observation{}, err
	}
	if got.ID != ref && !n.is("takes any answer") {
		return model.Observation{}, errors.New("another document")
	}
	o := model.Observation{Ref: ref, Evidence: model.Verified, Status: words(got.Status), ProviderStatus: got.Status}
	switch {
	case n.is("guesses") && o.Status == "":
		o.Status = model.InProgress
	case n.is("forgets the word"):
		o.ProviderStatus = ""
	case n.is("maps wrongly") && got.Status == "SIGNED":
		o.Status = model.Declined
	}
	return o, nil
}

func (n *notary) Download(ctx context.Context, ref string, d model.DocumentRef, w io.Writer) (provider.Declared, error) {
	resp, err := n.ask(ctx, provider.ClassFiles, "docs", ref, "files", d.ID)
	if err != nil {
		return provider.Declared{}, err
	}
	if n.is("saves anything") {
		_, err := io.Copy(w, resp.Body)
		return provider.Declared{Length: -1}, err
	}
	if n.is("stops early") {
		_, err := io.CopyN(w, resp.Body, 100)
		return provider.Declared{Length: -1}, err
	}
	return transport.Save(w, resp)
}

func (n *notary) Lists() provider.Listing { return provider.ListsChanged }
func (n *notary) Reach() string           { return "all" }
func (n *notary) List(ctx context.Context, _ provider.ListQuery) (provider.Page, error) {
	return provider.Page{}, n.get(ctx, new([]any), "docs")
}

func (n *notary) Check(ctx context.Context) (provider.Identity, error) {
	if n.is("checks nothing") {
		return provider.Identity{}, nil
	}
	return provider.Identity{}, n.get(ctx, new(any), "me")
}

func (n *notary) Canary(id string, _ time.Time) (http.Header, []byte, error) {
	key := n.key
	if n.is("signs its canary wrongly") {
		key = "none"
	}
	if n.is("has no canary") {
		return nil, nil, errors.New("no secret")
	}
	if n.is("forgets the canary's id") {
		id = "x"
	}
	return http.Header{"X-Key": {key}}, fmt.Appendf(nil, `{"id":%q,"type":"ping"}`, id), nil
}

func (n *notary) Peek(provider.Callback) (ref, typ string) { return "", "" }

func (n *notary) Explain(provider.Callback) []provider.Trial { return nil }

func (n *notary) traits() provider.Traits {
	if n.is("says nothing") {
		return provider.Traits{Reply: provider.Reply{ContentType: "text/plain"}}
	}
	return provider.Traits{Reply: provider.Reply{ContentType: "text/plain", Body: "thanks"}}
}

func suite(fault string) Suite {
	make := func(key string) func(string, *http.Client) provider.Service {
		return func(base string, c *http.Client) provider.Service {
			n := &notary{base: base, c: c, key: key, fault: fault}
			return provider.Service{Provider: n, Traits: n.traits(), Lister: n, Checker: n}
		}
	}
	return Suite{
		New: make("callback-secret"), Stranger: make("another-secret"), Callbacks: "testdata/callbacks", Answers: "testdata/answers", Ref: "doc-1",
		FetchPath: func(ref string) string { return "/v1/docs/" + ref },
		Words: []Word{
			{"OPEN", []byte(`{"id":"doc-1","status":"OPEN"}`), model.InProgress}, {"SIGNED", []byte(`{"id":"doc-1","status":"SIGNED"}`), model.Completed},
			{"SHREDDED", []byte(`{"id":"doc-1","status":"SHREDDED"}`), ""},
		},
		Secrets: []string{apiKey, "callback-secret", "another-secret"}, Tokens: []string{signingToken},
		Signed: func(c provider.Callback) []provider.Callback {
			c.Header = http.Header{"X-Key": {"callback-secreT"}}
			return []provider.Callback{c}
		},
	}
}

func TestAGoodProviderPasses(t *testing.T) {
	Run(t, suite(""))
}

// A suite that cannot fail is a defect: each fault is found, by the check that is for it.
func TestEachFaultIsFound(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"moves to nowhere": "the rules are total", "moves out of the end": "the rules are total", "tells nothing": "the rules are total", "tells no type": "the rules are total",
		"takes every callback": "callbacks without a proof are refused", "compares to nothing": "callbacks without a proof are refused", "tells the secret": "callbacks without a proof are refused",
		"keeps tokens": "what is kept has no tokens", "keeps nothing": "what is kept has no tokens",
		"takes its canary for a document": "a canary is a test", "signs its canary wrongly": "a canary is a test", "has no canary": "a canary is a test", "forgets the canary's id": "a canary is a test",
		"other errors": "odd callbacks do no harm", "panics": "odd callbacks do no harm",
		"asks when called": "callbacks mean what was recorded", "changes the body": "callbacks mean what was recorded", "gives no reason": "callbacks mean what was recorded",
		"is too sure": "callbacks mean what was recorded", "is never the same": "callbacks mean what was recorded",
		"joins paths": "refs stay whole in paths", "forgets its context": "cancelling ends a call", "follows redirects": "credentials stay with the service",
		"tells the address": "cancelling ends a call", "quotes the service": "refusals become ours", "ignores the status": "refusals become ours", "hides refusals": "refusals become ours",
		"fails on 404": "not found is an observation", "takes any answer": "what is no answer is an error", "guesses": "each status word maps", "forgets the word": "each status word maps",
		"maps wrongly": "answers mean what was recorded", "saves anything": "downloads come whole or not at all", "stops early": "downloads come whole or not at all",
		"forgets that a signer acted": "a signer's act moves a draft",
		"checks nothing":              "refusals become ours", "says nothing": "the reply is fixed",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := suite(fault)
			s.patience = 100 * time.Millisecond
			if found := s.run(t.Context(), named(t, want)); len(found) == 0 {
				t.Errorf("%q finds nothing", want)
			}
		})
	}
}

func TestASuiteThatLacksSomethingFails(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for name, c := range map[string]struct {
		check  string
		change func(*Suite)
	}{
		"no callbacks":    {"callbacks mean", func(s *Suite) { s.Callbacks = empty }},
		"no answers":      {"answers mean", func(s *Suite) { s.Answers = empty }},
		"no words":        {"each status", func(s *Suite) { s.Words = nil }},
		"no unknown word": {"each status", func(s *Suite) { s.Words = s.Words[:2] }},
		"no stranger":     {"callbacks without", func(s *Suite) { s.Stranger = nil }},
		"the same keys":   {"callbacks without", func(s *Suite) { s.Stranger = s.New }},
		"changes that change nothing": {"callbacks without", func(s *Suite) {
			s.Signed = func(c provider.Callback) []provider.Callback { return []provider.Callback{c} }
		}},
		"a token that nobody sends": {"what is kept", func(s *Suite) { s.Tokens = []string{"another"} }},
		"no changes":                {"callbacks without", func(s *Suite) { s.Signed = func(provider.Callback) []provider.Callback { return nil } }},
		"a proof lost by signing": {"odd callbacks", func(s *Suite) {
			s.Sign = func(c provider.Callback) provider.Callback { c.Header = http.Header{}; return c }
		}},
		"another path": {"refs stay", func(s *Suite) { s.FetchPath = func(string) string { return "/" } }},
	} {
		s := suite("")
		c.change(&s)
		if len(s.run(t.Context(), named(t, c.check))) == 0 {
			t.Errorf("%s: nothing is found", name)
		}
	}
}

// named returns the check whose name begins so.
func named(t *testing.T, name string) check {
	t.Helper()
	i := slices.IndexFunc(checks(), func(c check) bool { return strings.HasPrefix(c.name, name) })
	if i < 0 {
		t.Fatalf("no check %q", name)
	}
	return checks()[i]
}

func TestGoldenFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	raw, err := os.ReadFile("testdata/callbacks/completed.http")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := suite("")
	s.Callbacks = dir
	put("completed.http", string(raw)+"\n") // an editor's last newline is no part of the body
	if len(s.run(t.Context(), named(t, "callbacks mean"))) == 0 {
		t.Error("a missing golden file is not noticed")
	}
	s.Update = true
	if found := s.run(t.Context(), named(t, "callbacks mean")); len(found) > 0 {
		t.Error(found)
	}
	s.Update = false
	if found := s.run(t.Context(), named(t, "callbacks mean")); len(found) > 0 {
		t.Error(found)
	}
	put("completed.json", `{"Ref":"doc-1","Type":"doc_completed","Observations":[{"Ref":"doc-1","Evidence":2,"Type":"doc_completed","Status":"declined"}]}`)
	if len(s.run(t.Context(), named(t, "callbacks mean"))) == 0 {
		t.Error("another meaning is not noticed")
	}
	put("completed.json", `{"EventID":"","Test":false,"Ref":"doc-1","Type":"doc_completed","Observations":[{"Signers":null,"Ref":"doc-1","Evidence":2,"Type":"doc_completed","Status":"completed"}]}`)
	if found := s.run(t.Context(), named(t, "callbacks mean")); len(found) > 0 {
		t.Errorf("what says nothing makes a difference: %v", found)
	}
	put("completed.http", string(raw)+"{}")
	if len(s.run(t.Context(), named(t, "callbacks mean"))) == 0 {
		t.Error("a wrong Content-Length is not noticed")
	}
}
