// Package provider is the contract between countersign and the services it follows: what a
// provider must say, the callback it is given, the errors it may return, and how its calls go out.
package provider

import (
	"context"
	"io"
	"net/http"
	"time"

	"countersign/model"
)

// Service is what a provider's New returns: one account at its service. A nil ability means that the account cannot do
// it, because the service has nothing of the kind or because the settings do not say how.
type Service struct {
	Provider
	Traits Traits

	Lister    Lister
	Batcher   Batcher
	Linker    Linker
	Checker   Checker
	Registrar Registrar
	Setter    Setter
	Starter   Starter
	Login     Login
	Hinter    Hinter
	Streamer  Streamer
}

// Driver is a provider before it has an account: what is known of it, and how an account's Service is made.
type Driver struct {
	Traits Traits
	// New makes the service of one account. It does no I/O, and tells all faults of the settings at once.
	New func(Options) (Service, error)
}

// Provider speaks one service's dialect for one account. It is safe for concurrent use.
type Provider interface {
	Prover
	// Rules returns the provider's tables for model.Decide. The same value each time.
	Rules() model.Rules
	// Receive checks that c came from the service, then says what it reports. It does no I/O and
	// reads no clock: c.ReceivedAt is the time, so a replay gives the same answer. Its errors are
	// ErrUnverified, ErrUnreadable and ErrNotUnderstood, wrapped. See Received.
	Receive(c Callback) (Received, error)
	// Fetch asks the service where the transaction stands now. "Not found" is no error but an
	// observation (model.NotFound, model.Gone). The observation's Evidence is model.Verified. Where ref is another name
	// that Receive told as model.Observation.Alias, the answer has the transaction's own Ref and the Alias.
	Fetch(ctx context.Context, ref string) (model.Observation, error)
	// Download writes one signed document to w and says what the service declared about it. After
	// an error, what w holds is void. ErrNotReady and *RetryAfter say to come back.
	Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (Declared, error)
}

// Prover looks into the proofs of callbacks.
type Prover interface {
	// Peek reads what an unverified reader may know of a refused callback: ref and type, no more. What it cannot
	// read is "".
	Peek(c Callback) (ref, typ string)
	// Canary returns the headers and body of a callback, signed as the service would, that Receive takes for a test,
	// with id in it somewhere. With no secret configured it returns an error that names the setting.
	Canary(id string, at time.Time) (http.Header, []byte, error)
	// Explain tries every combination of secret, header, hash and encoding that can be configured, and returns which
	// of them match. c may be a stored callback, with Callback.Sealed set. The result contains no secret.
	Explain(c Callback) []Trial
}

// Trial is one combination of secret, header, hash and encoding that Explain tried.
type Trial struct {
	Secret   string // which, by its setting: webhook_secrets[1]
	Header   string // where the proof stood
	Hash     string // sha256; "" where the secret itself is sent
	Encoding string // hex, base64; ""
	Over     string // what was signed: "body", "id.timestamp.body"; ""
	Match    bool
	Note     string // why it was refused all the same, or what is missing: "no such header", "421 s old"
}

// Received is what a verified callback says.
type Received struct {
	// Observations are about transactions; none for a test event, a template, another's object.
	Observations []model.Observation
	// Ref and Type are what the callback named, for its row; Ref may be "".
	Ref  string
	Type string
	// EventID is the provider's id of the event; "" where it has none.
	EventID string
	// DedupeKey is equal for two deliveries of one event; "" where equality proves nothing, and
	// then the callback is never a duplicate. It need not contain the ref: keys are kept by (account, ref).
	DedupeKey string
	// Test says that the provider only tried the URL.
	Test bool
	// Ignored says why a callback that yields no observation is of no interest; "" otherwise.
	Ignored string
	// Links are documents that only this callback tells how to get; see Linker.
	Links []Link
	// Clean is the body to store, with recipients' signing tokens and the like cut out; nil: the body as it came.
	Clean []byte
}

// Declared is what a service said about a document before sending it.
type Declared struct {
	ContentType string
	Length      int64 // -1: not declared
	Name        string
}

// Link is a document that can only be fetched by a link from a callback.
type Link struct {
	Ref      string
	Document model.DocumentRef
	URL      Secret // stored encrypted until the file is fetched or a day has passed, and never shown
}
