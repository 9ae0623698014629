package provider

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"countersign/model"
)

// What only some services can do is an interface of its own, found by assertion. This file holds those
// beyond listing and looking: see provider.go for the contract that all of them keep.

// ErrUnobtainable means that there is no way to get the document, now or later. It becomes `unobtainable`.
var ErrUnobtainable = errors.New("there is no way to get it")

// ErrDisplaces means that another URL is registered in the place where ours would go.
var ErrDisplaces = errors.New("another URL is registered")

// Link is a document whose only way is a link that stood in a callback.
type Link struct {
	Ref      string
	Document model.DocumentRef
	URL      Secret // kept encrypted until the file is here or a day has passed, and never shown
}

// Linker is implemented where documents may lie behind links that only callbacks tell.
type Linker interface {
	// DownloadLink is Download by a link of Received.Links. It sends no credentials to a foreign host.
	// ErrDenied and ErrNotFound mean that the link has died, not that the account's key has.
	DownloadLink(ctx context.Context, ref string, doc model.DocumentRef, link Secret, w io.Writer) (Declared, error)
}

// Batcher is implemented where one call tells of several transactions.
type Batcher interface {
	// Batch is how many refs a call takes at most.
	Batch() int
	// FetchMany is Fetch for several refs. A ref that the service leaves out of its answer is left out here: the
	// caller asks for it by itself, since silence is not "not found".
	FetchMany(ctx context.Context, refs []string) ([]model.Observation, error)
}

// Preparer is implemented where Receive needs what rests in the database, such as a secret that a
// service showed once.
type Preparer interface {
	// Prepare loads it. It is called after UseTokens and before the first Receive, and may be called again.
	Prepare(ctx context.Context) error
}

// Setter is implemented where the callback registration can be made.
type Setter interface {
	Registrar
	// Register makes the service call want.URL (https). It reads first: with another URL in the place it would
	// take, it changes nothing and returns ErrDisplaces, wrapped, unless replace is set. With our own URL there
	// already it changes nothing but what is wrong (a disabled endpoint, missing events). want.Scope "" is the account; want.Events nil is
	// every type that the provider's table knows. A secret that the service shows once is kept through Tokens before Register returns.
	Register(ctx context.Context, want Registration, replace bool) (Registration, error)
}

// Canary is implemented where we can sign a callback ourselves, as the service would.
type Canary interface {
	// Canary returns the headers and body of a callback that Receive takes for a test, with id in it somewhere.
	// With no secret configured it returns an error that names the setting.
	Canary(id string, at time.Time) (http.Header, []byte, error)
}

// Explainer is implemented where a refused callback can be looked into.
type Explainer interface {
	// Explain tries every combination of secret, header, hash and encoding that may be configured, and says which
	// would have matched. c may be one that was kept, with Callback.Sealed set. No secret is in what it returns.
	Explain(c Callback) []Trial
}

// HeaderReader is implemented where the settings name the headers that hold a proof. They are kept with each callback,
// whatever they are called, so that Explain and a replay have them.
type HeaderReader interface {
	ReadsHeaders() []string
}

// Trial is one combination that Explain tried.
type Trial struct {
	Secret   string // which, by its setting: webhook_secrets[1]
	Header   string // where the proof stood
	Hash     string // sha256; "" where the secret itself is sent
	Encoding string // hex, base64; ""
	Over     string // what was signed: "body", "id.timestamp.body"; ""
	Match    bool
	Note     string // why it was refused all the same, or what is missing: "no such header", "421 s old"
}

// Login is implemented where a person logs in with a browser (OAuth code exchange).
type Login interface {
	// LoginURL is where the person goes; "" where the service's address of it is not configured.
	LoginURL(state, redirect string) string
	// Exchange turns the code that came back into tokens, and keeps them through Tokens.
	Exchange(ctx context.Context, code, redirect string) error
}

// Hint is what a browser said: a return URL's query, or a body posted by a page.
type Hint struct {
	Query url.Values // nil for a body
	Body  []byte     // nil for a query
}

// Hinted is what a hint names. Nothing in it is believed.
type Hinted struct {
	Ref   string // "" where it names none
	Steps []Step // how far a signer came, in the provider's words
}

// Step is one step of a signer's progress.
type Step struct {
	Name string // "otp", "id_scan", "signature", or the event's own name
	At   time.Time
}

// Hinter reads the provider's own forms of return URLs and browser events. Where a provider has none, the query
// parameter or JSON member `ref` names the transaction.
type Hinter interface {
	// Hint never fails: what it cannot read names nothing.
	Hint(h Hint, at time.Time) Hinted
}

// Streamer is implemented where a service streams events as an optional nudge. Nothing may depend on it.
type Streamer interface {
	// Streams is how many may be open at once; 0: none is configured.
	Streams() int
	// Stream follows one transaction from the event after last ("" from now) and calls on for each event, with its
	// id ("" where it has none), until the stream ends or ctx does. It returns why.
	Stream(ctx context.Context, ref, last string, on func(id string)) error
}
