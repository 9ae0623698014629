package files

import (
	"context"
	"errors"
	"os"
	"time"

	"countersign/model"
)

// Archive keeps documents: Folder on this machine's disk, bucket.Bucket in object storage. Both pass the suite of
// package filestest. Safe for concurrent use.
type Archive interface {
	Spool
	Names
	LinkFiles

	// Ready says why documents cannot be stored now, in words that name no address and no secret; nil: they can be.
	// It asks a store that was away anew, after a pause that grows.
	Ready(ctx context.Context) error
	// Lost tries the archive by writing, and returns, a sentence each, what is lost by what it lacks. An error says why
	// nothing can be written.
	Lost(ctx context.Context) ([]string, error)
}

// Spool holds what has come and has not its name yet, on this machine: a file is read before it gets its name.
type Spool interface {
	// Temp opens a temporary file.
	Temp() (*os.File, error)
	// Sync puts a temporary file on disk.
	Sync(file *os.File) error
	// Leave puts a complete, synced temporary file aside for the next try.
	Leave(temp, id, as string) error
	// Arrived opens the file that Leave put aside; fs.ErrNotExist if there is none.
	Arrived(id, as string) (*os.File, error)
	// DropArrived removes the file that Leave put aside, if there is one.
	DropArrived(id, as string) error
	// Sweep removes the temporary files that killed processes left: those last written before a time. Only a process that
	// has the work lock alone may have it remove younger ones than any download takes.
	Sweep(before time.Time) error
	// Free returns how many bytes are free where temporary files lie.
	Free() (int64, error)
}

// Names are the files that have their names: whole, and never given twice. A name is a path with slashes.
type Names interface {
	// Place gives a temporary file, already synced and closed, its name, and removes it. sum is its SHA-256, in hex: what
	// arrives elsewhere is held against it. It is stored, and checked, when
	// Place returns. fs.ErrExist if another content has the name. A context that ends, or a fault, leaves the name free.
	Place(ctx context.Context, temp, name, sum string) error
	// Secure makes sure that the name of an already named file is stored.
	Secure(ctx context.Context, name string) error
	// Copy gives a stored file a second name. fs.ErrExist if the name is taken.
	Copy(ctx context.Context, from, name string) error
	// Drop removes a name. A name that does not exist is no error.
	Drop(ctx context.Context, name string) error
	// Open reads a stored file, from its beginning; its own name means nothing. fs.ErrNotExist if it is gone.
	Open(ctx context.Context, name string) (*os.File, error)
	// Hash reads a stored file through and returns its SHA-256 and size.
	Hash(ctx context.Context, name string) (sum string, size int64, err error)
	// Taken is the SHA-256 of what has a name that is about to be given; fs.ErrNotExist if it is free.
	Taken(ctx context.Context, name string) (string, error)
	// Of lists the files of a transaction: in their places, in quarantine, and, for the named documents, those that wait
	// for the provider's confirmation or for another try.
	Of(ctx context.Context, k model.Key, documents []string) ([]string, error)
	// Forget removes the files that Of lists and returns how many there were.
	Forget(ctx context.Context, k model.Key, documents []string) (int, error)
}

// LinkFiles are the files that links brought, until the provider confirms. LinkFileName says their names.
type LinkFiles interface {
	// PutLinkFile gives a temporary file, already synced and closed, its place among them.
	PutLinkFile(ctx context.Context, temp, name string) error
	// PlaceLinkFile gives one of them its name as a document, as Place does; what it was called before may stay.
	PlaceLinkFile(ctx context.Context, held, name, sum string) error
	// LinkFileOf finds that of a document, by the document's id.
	LinkFileOf(ctx context.Context, id string) (name string, ok bool, err error)
	// DropLinkFile removes one that no document needs any more.
	DropLinkFile(ctx context.Context, name string) error
	// SweepLinkFiles removes those of documents that do not wait for one.
	SweepLinkFiles(ctx context.Context, waits func(id string) bool) error
}

// ErrAway is of an archive that cannot be reached, or lets nobody in: nothing is known of the file that was asked for.
var ErrAway = errors.New("the document store cannot be used")

// Linker is an archive that can hand out a file past us. Not every one can.
type Linker interface {
	// Link is a URL under which anybody who has it gets a file for that long, to be saved as and to be taken for what is
	// said. It is a secret, for the one who asked.
	Link(ctx context.Context, name, saveAs, contentType string, lasts time.Duration) (string, error)
}
