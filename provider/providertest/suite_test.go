package providertest

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
)

var _ = flag.Bool("update", false, "write what the recorded callbacks and answers mean")

func suite(fault string) Suite {
	make := func(key string) func(string, *http.Client) provider.Service {
		return func(base string, c *http.Client) provider.Service {
			n := &notary{base: base, c: c, key: key, fault: fault}
			return provider.Service{Provider: n, Traits: n.traits(), Lister: n, Checker: n}
		}
	}
	return Suite{
		New: make("callback-secret"), Stranger: make("another-secret"), Callbacks: "testdata/callbacks",
		Answers: "testdata/answers", Ref: "doc-1",
		Rules:     "testdata/notary_rules.json",
		FetchPath: func(ref string) string { return "/v1/docs/" + ref },
		Page:      func(records string) []byte { return fmt.Appendf(nil, `{"docs":[%s]}`, records) },
		Record:    func(ref string) string { return fmt.Sprintf(`{"id":%q}`, ref) },
		Words: []Word{
			{"OPEN", []byte(`{"id":"doc-1","status":"OPEN"}`), model.InProgress}, {"SIGNED",
				[]byte(`{"id":"doc-1","status":"SIGNED"}`), model.Completed},
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
		"moves to nowhere": "the rules are total", "moves out of the end": "the rules are total",
		"tells nothing": "the rules are total", "tells no type": "the rules are total",
		"tells another type":   "the rules are what was recorded",
		"takes every callback": "callbacks without a proof are refused",
		"compares to nothing":  "callbacks without a proof are refused",
		"tells the secret":     "callbacks without a proof are refused",
		"keeps tokens":         "what is kept has no tokens", "keeps nothing": "what is kept has no tokens",
		"takes its canary for a document": "a canary is a test", "signs its canary wrongly": "a canary is a test",
		"has no canary": "a canary is a test", "forgets the canary's id": "a canary is a test",
		"other errors": "odd callbacks do no harm", "panics": "odd callbacks do no harm",
		"asks when called": "callbacks mean what was recorded", "changes the body": "callbacks mean what was recorded",
		"gives no reason": "callbacks mean what was recorded",
		"is too sure":     "callbacks mean what was recorded", "is never the same": "callbacks mean what was recorded",
		"joins paths": "refs stay whole in paths", "forgets its context": "cancelling ends a call",
		"follows redirects": "credentials stay with the service",
		"tells the address": "cancelling ends a call", "quotes the service": "refusals become ours",
		"ignores the status": "refusals become ours", "hides refusals": "refusals become ours",
		"fails on 404": "not found is an observation", "takes any answer": "what is no answer is an error",
		"guesses": "each status word maps", "forgets the word": "each status word maps",
		"maps wrongly": "answers mean what was recorded", "saves anything": "downloads come whole or not at all",
		"stops early":                 "downloads come whole or not at all",
		"forgets that a signer acted": "a signer's act moves a draft",
		"stumbles over marks":         "marks before JSON do no harm",
		"says nothing of UTF-16":      "marks before JSON do no harm",
		"gives up at an odd record":   "an odd record hides no other",
		"quotes an odd record":        "an odd record hides no other", "counts no odd record": "an odd record hides no other",
		"takes a page for broken JSON": "a page in the place of JSON may pass",
		"checks nothing":               "refusals become ours", "says nothing": "the reply is fixed",
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
		"no changes": {"callbacks without",
			func(s *Suite) { s.Signed = func(provider.Callback) []provider.Callback { return nil } }},
		"a proof lost by signing": {"odd callbacks", func(s *Suite) {
			s.Sign = func(c provider.Callback) provider.Callback { c.Header = http.Header{}; return c }
		}},
		"no page":      {"an odd record", func(s *Suite) { s.Page = nil }},
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
	put("completed.json",
		`{"Ref":"doc-1","Type":"doc_completed","Observations":[{"Ref":"doc-1","Evidence":2,"Type":"doc_completed","Status":"declined"}]}`)
	if len(s.run(t.Context(), named(t, "callbacks mean"))) == 0 {
		t.Error("another meaning is not noticed")
	}
	put("completed.json",
		`{"EventID":"","Test":false,"Ref":"doc-1","Type":"doc_completed","Observations":[{"Signers":null,"Ref":"doc-1","Evidence":2,"Type":"doc_completed","Status":"completed"}]}`)
	if found := s.run(t.Context(), named(t, "callbacks mean")); len(found) > 0 {
		t.Errorf("what says nothing makes a difference: %v", found)
	}
	put("completed.http", string(raw)+"{}")
	if len(s.run(t.Context(), named(t, "callbacks mean"))) == 0 {
		t.Error("a wrong Content-Length is not noticed")
	}
}
