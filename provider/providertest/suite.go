// Package providertest is the conformance suite that every provider passes: what comes off the wire
// is held against recorded meanings, and what a hostile network can do is done.
package providertest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/transport"
)

// Suite says how a provider is made and what its service looks like. New, Callbacks, Answers, Ref,
// Words and Secrets must be set, and Stranger unless Hints is.
type Suite struct {
	// New returns an account of the provider whose service is at base. Its bare client is c too.
	New func(base string, c *http.Client) provider.Service
	// Stranger is New with other secrets for callbacks: it must take none of the recorded ones.
	Stranger func(base string, c *http.Client) provider.Service
	// Callbacks is a folder of NAME.http, callbacks as on the wire, and NAME.json, what each means.
	Callbacks string
	// Answers is a folder of NAME.json, replies to Fetch, and NAME.golden.json, what each means.
	Answers string
	// Rules is the file that says what the provider's Rules are; "" is testdata/rules.json, which the tests of model read.
	Rules string
	// Ref is the ref that Words and Answers speak of; RefOf, if set, tells another for a recorded answer.
	Ref string
	// RefPrefix is what each ref of the service begins with, where a provider asks about nothing else; "".
	RefPrefix string
	RefOf     func(name string, answer []byte) string
	// FetchPath, if set, is the path that Fetch asks for, not escaped: /api/packages/REF.
	FetchPath func(ref string) string
	// Words are answers with each status word of the service, and one with a word it does not have.
	Words []Word
	// NoUnknownWord says that the service tells no status in words, so that none can be unknown.
	NoUnknownWord bool
	// Page is an answer to List with these records, separated by commas, and no page behind it. Record is one record of
	// the list, created half an hour before ReceivedAt or at no time that it tells. Nil where nothing is listed.
	Page   func(records string) []byte
	Record func(ref string) string
	// Document is what Download is asked for; its zero value is a signed document with the id "document".
	Document model.DocumentRef
	// Steps, if set, answers what is asked for before the answer or file itself: a token, a file link,
	// a second part. It returns nil for the request that the chosen answer or file is for. Files is
	// another host that serves the file.
	Steps func(r *http.Request, base, files string) []byte
	// Linked says that Steps gives a link to another host, which refuses in its own name: its 401 means that the
	// link has died, and never that the account's credentials are refused.
	Linked bool
	// Secrets and people's names and addresses that must be in no error.
	Secrets []string
	// Tokens stand in recorded callbacks and let whoever has them sign or fetch: signing tokens, links. No body that is
	// kept may hold one. Nil where the service sends none.
	Tokens []string
	// Sign mends the proof of a recorded callback whose body was changed; nil where the proof does not
	// depend on the body.
	Sign func(c provider.Callback) provider.Callback
	// Signed returns c with changes in what the service signs, or in the proof; each must be refused.
	Signed func(c provider.Callback) []provider.Callback
	// ProofInBody says that the proof is part of the body: what cannot be read is ErrUnreadable.
	ProofInBody bool
	// Hints says that callbacks carry no proof: every observation is a hint.
	Hints bool
	// ReceivedAt is when recorded callbacks came; zero is 2026-03-02 12:00 UTC.
	ReceivedAt time.Time
	// Update writes the meanings in place of comparing them. A test flag named update does the same.
	Update bool

	patience time.Duration // how long a call may go on after its context has ended; zero: 5 s
}

// Word is an answer to Fetch with one status word of the service, in which Suite.Ref stands. A word
// that the provider's table lacks has the status "".
type Word struct {
	Word   string // as ProviderStatus shows it; "" is not compared
	Body   []byte
	Status model.Status
}

// Run holds a provider against the whole suite, a subtest for each check.
func Run(t *testing.T, s Suite) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			for _, err := range s.run(t.Context(), c) {
				t.Error(err)
			}
		})
	}
}

type check struct {
	name string
	do   func(b *bench)
}

func checks() []check {
	return []check{
		{"callbacks mean what was recorded", (*bench).meanings},
		{"callbacks without a proof are refused", (*bench).proofs},
		{"what is kept has no tokens", (*bench).tokens},
		{"a canary is a test", (*bench).canary},
		{"odd callbacks do no harm", (*bench).harm},
		{"each status word maps", online(calls.words)},
		{"answers mean what was recorded", online(calls.answers)},
		{"refs stay whole in paths", online(calls.refs)},
		{"refusals become ours", online(calls.refusals)},
		{"not found is an observation", online(calls.absences)},
		{"what is no answer is an error", online(calls.garbage)},
		{"marks before JSON do no harm", online(calls.marks)},
		{"an odd record hides no other", online(calls.oddRecords)},
		{"a page in the place of JSON may pass", online(calls.pages)},
		{"credentials stay with the service", online(calls.redirects)},
		{"cancelling ends a call", online(calls.cancels)},
		{"downloads come whole or not at all", online(calls.downloads)},
		{"the rules are total", (*bench).rules},
		{"the rules are what was recorded", (*bench).recordedRules},
		{"a signer's act moves a draft", (*bench).acts},
		{"the reply is fixed", (*bench).reply},
	}
}

// run makes one check and returns what it found.
func (s Suite) run(ctx context.Context, c check) (found []error) {
	b := &bench{Suite: s, ctx: ctx}
	if b.ReceivedAt.IsZero() {
		b.ReceivedAt = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	}
	if b.patience == 0 {
		b.patience = 5 * time.Second
	}
	if b.Document.ID == "" {
		b.Document = model.DocumentRef{ID: "document", Kind: model.SignedDocument, Name: "Document"}
	}
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		b.Update = true
	}
	defer func() {
		if p := recover(); p != nil {
			b.failf("panic: %v\n%s", p, debug.Stack())
		}
		b.close()
		found = b.found
	}()
	c.do(b)
	return nil
}

// bench is one check under way.
type bench struct {
	Suite
	ctx    context.Context
	closes []func()

	mu    sync.Mutex
	found []error
}

func (b *bench) close() {
	for _, c := range b.closes {
		c()
	}
}

func (b *bench) failf(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.found = append(b.found, fmt.Errorf(format, args...))
}

// calls is a bench for what needs a service that is asked.
type calls struct{ *bench }

// online makes a check of calls one of the bench.
func online(do func(calls)) func(*bench) { return func(b *bench) { do(calls{b}) } }

// account returns a provider whose service is w, through a transport such as it has in service. The
// clock stands, so that a pause that the service asks for never ends.
func (b calls) account(w *world) provider.Service { return b.New(w.url(), b.client()) }

func (b *bench) client() *http.Client {
	at := b.ReceivedAt
	c := transport.NewClient(transport.Options{Account: "sales", Now: func() time.Time { return at }, Attempts: 1})
	b.closes = append(b.closes, c.CloseIdleConnections)
	return c
}

// heard looks for what must not be in an error.
func (b *bench) heard(where string, err error) {
	if err == nil {
		return
	}
	text := err.Error()
	for _, s := range append([]string{"http://", "https://", person, mail}, b.Secrets...) {
		if s != "" && strings.Contains(text, s) {
			b.failf("%s: the error holds %q: %s", where, s, text)
		}
	}
}

// The person who must be in no error, wherever the service names her.
const (
	person = "Lovelace"
	mail   = "lovelace@example.net"
)

// op is one call to the service.
type op struct {
	name string
	call func(ctx context.Context, p provider.Service) error
}

func (b calls) ops(p provider.Service) []op {
	list := []op{
		{"fetch", func(ctx context.Context, p provider.Service) error { _, err := p.Fetch(ctx, b.Ref); return err }},
		{"download", func(ctx context.Context, p provider.Service) error {
			_, err := p.Download(ctx, b.Ref, b.Document, io.Discard)
			return err
		}},
	}
	if p.Lister != nil {
		list = append(list, op{"list", func(ctx context.Context, p provider.Service) error {
			_, err := p.Lister.List(ctx, provider.ListQuery{Since: b.ReceivedAt.Add(-time.Hour), Until: b.ReceivedAt})
			return err
		}})
	}
	if p.Registrar != nil {
		list = append(list, op{"registration", func(ctx context.Context, p provider.Service) error {
			_, err := p.Registrar.Registration(ctx)
			return err
		}})
	}
	if p.Checker != nil {
		list = append(list, op{"check", func(ctx context.Context, p provider.Service) error {
			_, err := p.Checker.Check(ctx)
			return err
		}})
	}
	return list
}
