// Package provider is the contract between countersign and the services it follows: what a
// provider must say, the callback it is given, the errors it may return, and how its calls go out.
package provider

import (
	"context"
	"io"
	"time"

	"countersign/model"
)

// Provider speaks one service's dialect for one account. It is safe for concurrent use.
type Provider interface {
	// Rules returns the provider's tables for model.Decide. The same value each time.
	Rules() model.Rules
	// Receive checks that c came from the service, then says what it reports. It does no I/O and
	// reads no clock: c.ReceivedAt is the time, so a replay gives the same answer. Its errors are
	// ErrUnverified, ErrUnreadable and ErrNotUnderstood, wrapped. See Received.
	Receive(c Callback) (Received, error)
	// Fetch asks the service where the transaction stands now. "Not found" is no error but an
	// observation (model.NotFound, model.Gone). The observation's Evidence is model.Verified.
	Fetch(ctx context.Context, ref string) (model.Observation, error)
	// Download writes one signed document to w and says what the service declared about it. After
	// an error, what w holds is void. ErrNotReady and *RetryAfter say to come back.
	Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (Declared, error)
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

// Peeker reads what an unverified reader may know of a refused callback: ref and type, no more.
// It never fails; what it cannot read is "".
type Peeker interface {
	Peek(c Callback) (ref, typ string)
}

// Replier is implemented where the service insists on a certain answer.
type Replier interface {
	// Reply returns the content type and body of a 200 that acknowledges a callback.
	Reply() (contentType string, body []byte)
}

// Listing is how a service's list can be asked.
type Listing int

// The listings.
const (
	ListsChanged Listing = iota + 1 // what changed in a window of time (OneSpan, AllSign v2)
	ListsCreated                    // what was created in a window of time, whole objects (Dropbox Sign)
	// ListsNewest is what was created in a window of time, found by walking from the newest until Since is passed: good for
	// discovery, not for asking about open rows (AllSign v3, Documenso).
	ListsNewest
)

// Lister is implemented where the service lists transactions.
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
}

// Listed is one transaction in a list.
type Listed struct {
	// Observation is what the list shows; Evidence is model.Verified.
	Observation model.Observation
	// Whole says that the observation is as good as a Fetch. Otherwise only Ref, Mark, Status, CreatedAt and
	// ProviderTime count, and a row that differs in them must be fetched.
	Whole bool
}

// Registrar is implemented where the service's callback registration can be read.
type Registrar interface {
	Registration(ctx context.Context) (Registration, error)
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

// Checker is implemented where the service can tell who we are and how it is set up.
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

// Starter is implemented where a provider keeps tokens that must rest in the database.
type Starter interface {
	UseTokens(Tokens)
}

// Tokens loads and saves what a provider must remember between starts. Name is the provider's.
// Both are encrypted at rest by the caller. Load returns nil when there is none.
type Tokens struct {
	Load func(ctx context.Context, name string) ([]byte, error)
	Save func(ctx context.Context, name string, secret []byte) error
}
