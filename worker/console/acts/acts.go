// Package acts is what cmd gives the console: the functions that the verbs use too, so that a button and a verb do the
// same. Each names who asked.
package acts

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

// ErrUnknownAccount is of an account that is not in the config.
var ErrUnknownAccount = errors.New("the account is not in the config")

// Refusal is why something cannot be done, in words for whoever asked.
type Refusal struct{ Why string }

// Error is for error.
func (r Refusal) Error() string { return r.Why }

// Acts are the functions. by is a source of the history: "operator NAME".
type Acts struct {
	// IsRef says whether a text can be the ref of a transaction.
	IsRef func(ref string) bool
	// Track follows refs, and says how many of them are new.
	Track func(ctx context.Context, by, account string, refs []string) (added int, err error)
	// PollRows queues a run that asks about rows. One that waits for the same is returned instead.
	PollRows func(ctx context.Context, by, account string, refs []string) (model.Run, error)
	// PollTiers queues a pass of each tier. A pass that waits is returned instead.
	PollTiers func(ctx context.Context, by, account string, tiers []string) ([]model.Run, error)
	// Retry queues a run that fetches documents again.
	Retry func(ctx context.Context, by, account string, documents []string) (model.Run, error)
	// Resolve says that a row is deleted, where no provider will.
	Resolve func(ctx context.Context, by string, k model.Key) error
	// Release takes a document out of quarantine.
	Release func(ctx context.Context, by string, d model.Document, reason string) (model.Document, error)

	// Explain says which secrets would have proved a callback.
	Explain func(ctx context.Context, id string) (objects.Explained, error)
	// Replay hands callbacks in again, or says what would become of them.
	Replay func(ctx context.Context, by string, ids []string, dry bool) ([]objects.Replayed, error)

	// Export writes the rows of one kind.
	Export func(ctx context.Context, w io.Writer, what, format string, f store.ExportFilter) error
	// Open opens a file of the document store.
	Open func(ctx context.Context, name string) (*os.File, error)
	// Link is a URL under which a file of the document store can be had for a short while; "": it is sent by us.
	Link func(ctx context.Context, name, saveAs, contentType string) (string, error)

	// Accounts says how the accounts do.
	Accounts func(ctx context.Context) ([]objects.Account, error)
	// Ledger says what callbacks told of an account's changes.
	Ledger func(ctx context.Context, account string, since time.Time) (objects.Ledger, error)
	// Hooks says how the hooks do.
	Hooks func(ctx context.Context) ([]objects.Hook, error)
	// TestHook sends a hook an event that tells of nothing; store.ErrNoRow where there is none.
	TestHook func(ctx context.Context, by, hook string) (objects.HookTested, error)
	// ReplayHook has announcements of changes since a moment sent again, or counts them.
	ReplayHook func(ctx context.Context, by, hook string, since time.Time, dead, dry bool) (objects.HookReplayed, error)

	// Config is the config as it was understood, of one account or, with "", of all; secrets show a fingerprint.
	Config func(account string) (string, error)

	// Span says which moment a SPAN means.
	Span func(text string, now time.Time) (time.Time, error)
}
