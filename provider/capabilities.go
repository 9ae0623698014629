package provider

import (
	"context"
	"io"
	"net/url"
	"time"

	"countersign/model"
)

// What only some services or some accounts can do is an interface of its own: a field of Service, nil where the account
// cannot.

// Listing is what a service's list can be asked for.
type Listing int

// The listings.
const (
	ListsChanged Listing = iota + 1 // what changed in a window of time (OneSpan, AllSign v2)
	ListsCreated                    // what was created in a window of time, whole objects (Dropbox Sign)
	// ListsNewest is what was created in a window of time, found by walking from the newest until Since is passed: good
	// for discovery, not for asking about open rows (AllSign v3, Documenso).
	ListsNewest
)

// Lister lists transactions.
type Lister interface {
	// Lists says what a window of ListQuery means.
	Lists() Listing
	// List returns one page of what changed (or was created) in the window. Pages may shift while
	// they are walked: callers must bear an item twice, and windows must overlap.
	List(ctx context.Context, q ListQuery) (Page, error)
	// Reach says in words whose transactions are listed, and whether that is all that callbacks may name.
	Reach() string
}

// ListQuery asks for one page of a window of time.
type ListQuery struct {
	Since  time.Time // UTC
	Until  time.Time // UTC; zero: open
	Cursor string    // Page.Next of the page before, "" for the first; kept in the database between pages
}

// Page is one page of a list.
type Page struct {
	Items []Listed
	Next  string // "" when this was the last
	Total int    // of the whole window, where the service tells it; else 0
	Calls int    // how many calls it took; 0: one
	// Skipped are entries that could not be read, such as one without an id. The rest of the page stands.
	Skipped []model.Skipped
}

// Listed is one transaction in a list.
type Listed struct {
	// Observation is what the list shows; Evidence is model.Verified.
	Observation model.Observation
	// Whole says that the observation is as good as a Fetch. Otherwise only Ref, Mark, Status, CreatedAt and
	// ProviderTime count, and a row that differs in them must be fetched.
	Whole bool
}

// Batcher tells of several transactions in one call.
type Batcher interface {
	// Batch is how many refs a call takes at most.
	Batch() int
	// FetchBatch is Fetch for several refs. A ref that the service leaves out of its answer is left out here: the
	// caller asks for it by itself, since silence is not "not found".
	FetchBatch(ctx context.Context, refs []string) ([]model.Observation, error)
}

// Linker fetches documents behind links that only callbacks tell.
type Linker interface {
	// DownloadLink is Download by a link of Received.Links. It sends no credentials to a foreign host.
	// ErrDenied and ErrNotFound mean that the link has died, not that the account's key has.
	DownloadLink(ctx context.Context, ref string, doc model.DocumentRef, link Secret, w io.Writer) (Declared, error)
}

// Checker tells who we are at the service and how the account is set up there.
type Checker interface {
	// Check makes the cheapest authenticated call and returns what it says about the account.
	Check(ctx context.Context) (Identity, error)
}

// Identity is the account behind the credentials.
type Identity struct {
	ID       string   // the provider's own account id; "" where it tells none
	Name     string   // for people; never a person's address
	Warnings []string // retention shorter than a slow poll, quota, and the like
}

// Registrar reads the registration of callbacks.
type Registrar interface {
	Registration(ctx context.Context) (Registration, error)
}

// Setter makes the registration of callbacks.
type Setter interface {
	Registrar
	// Register makes the service call want.URL (https). It reads first: with another URL in the place it would
	// take, it changes nothing and returns ErrDisplaces, wrapped, unless replace is set. With our own URL there
	// already it changes nothing but what is wrong (a disabled endpoint, missing events). want.Scope "" is the account;
	// want.Events nil is every type that the provider's table knows. A secret that the service shows once is kept
	// through Tokens before Register returns.
	Register(ctx context.Context, want Registration, replace bool) (Registration, error)
}

// Registration is what the service calls, as far as it tells.
type Registration struct {
	ID       string // the service's id of it; ""
	URL      string
	Scope    string   // "account", "app ID"
	Events   []string // event types it is registered for; nil: all, or it does not tell
	Disabled bool     // registered, and turned off (AllSign's circuit breaker)
	Warnings []string // what a person should know of it
	// Others are further registrations of the same account (Dropbox Sign apps).
	Others []Registration
}

// Starter is a provider that needs the tokens stored in the database before it can start.
type Starter interface {
	// UseTokens gives the functions that load and save tokens. It is called before the first call to the service.
	UseTokens(Tokens)
	// Prepare loads what Receive needs of the tokens, such as a secret that a service showed once. It is called after
	// UseTokens and before the first Receive, and may be called again.
	Prepare(ctx context.Context) error
}

// Tokens loads and saves what a provider must remember between starts. Name is the provider's.
// Both are encrypted at rest by the caller. Load returns nil when there is none.
type Tokens struct {
	Load func(ctx context.Context, name string) ([]byte, error)
	Save func(ctx context.Context, name string, secret []byte) error
	// Alone runs f while no other process runs one for the name: what f loads nobody else renews meanwhile. f's context
	// ends where that can no longer be said. nil: no other process uses the tokens.
	Alone func(ctx context.Context, name string, f func(context.Context) error) error
}

// Once is Alone where there is one, and f alone where there is not.
func (t Tokens) Once(ctx context.Context, name string, f func(context.Context) error) error {
	if t.Alone == nil {
		return f(ctx)
	}
	return t.Alone(ctx, name, f)
}

// Login lets a person log in with a browser (OAuth code exchange).
type Login interface {
	// LoginURL is where the person goes; "" where the service's address of it is not configured.
	LoginURL(state, redirect string) string
	// Exchange turns the returned code into tokens, and saves them through Tokens.
	Exchange(ctx context.Context, code, redirect string) error
}

// Hinter reads the provider's own forms of return URLs and browser events. Where an account has none, the query
// parameter or JSON member `ref` names the transaction.
type Hinter interface {
	// Hint never fails: what it cannot read names nothing.
	Hint(h Hint, at time.Time) Hinted
}

// Hint is what a browser sent: the query of a return URL, or a body that a page posted.
type Hint struct {
	Query url.Values // nil for a body
	Body  []byte     // nil for a query
}

// Hinted is what a hint names. Nothing in it is trusted.
type Hinted struct {
	Ref   string // "" where it names none
	Steps []Step // how far a signer came, in the provider's words
}

// Step is one step of a signer's progress.
type Step struct {
	Name string // "otp", "id_scan", "signature", or the event's own name
	At   time.Time
}

// Streamer streams events, as an optional nudge on which nothing may depend.
type Streamer interface {
	// Streams is how many may be open at once; 0: none is configured.
	Streams() int
	// Stream follows one transaction from the event after last ("" from now) and calls on for each event, with its
	// id ("" where it has none), until the stream ends or ctx does. It returns why.
	Stream(ctx context.Context, ref, last string, on func(id string)) error
}
