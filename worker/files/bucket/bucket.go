// Package bucket keeps documents in object storage, under the names that they would have on disk: a folder can be copied
// to a bucket as it is. It is the only package that knows gocloud and Amazon's client.
//
// An object is whole or absent: it comes by one request, which the store takes as a whole once it has all bytes and they
// have the SHA-256 that the request says, or drops. A name is never given twice: the request is refused where something
// has it. What comes waits in a spool on this machine until it was read and checked.
package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gocloud.dev/blob"

	"countersign/worker/files"
)

// Bucket is an archive in object storage.
type Bucket struct {
	files.Spool
	spool  *files.Folder
	at     files.Address
	bucket *blob.Bucket
	store  objects
	now    func() time.Time

	mu   sync.Mutex
	away away
}

var _ files.Archive = (*Bucket)(nil)

// objects is what differs between the kinds of store.
type objects interface {
	// put writes an object that is not there yet: fs.ErrExist where it is. Where put fails nothing is written, or the
	// whole object is.
	put(ctx context.Context, key string, body *os.File, size int64, sum []byte) error
	// stated is the SHA-256 that the store itself keeps of an object, nil where it keeps none, and the size.
	stated(ctx context.Context, key string) (sum []byte, size int64, err error)
}

const (
	requestTime = 30 * time.Second       // a request that moves no file
	moveTime    = 150 * time.Second      // one that does; with the time of a download it is within a document's lease
	pdfType     = "application/pdf"      // of what ends like one
	otherType   = "application/x-object" // of what does not
)

// Open returns the archive at an address that is not local, with a spool in a folder, which is made. Nobody is asked:
// Lost says whether the bucket can be used.
func Open(ctx context.Context, at files.Address, spool string, now func() time.Time) (*Bucket, error) {
	folder, err := files.Open(spool)
	if err != nil {
		return nil, fmt.Errorf("documents_spool: %w", err)
	}
	b := &Bucket{Spool: folder, spool: folder, at: at, now: now}
	open := openers()[at.Scheme]
	if open == nil {
		return nil, fmt.Errorf("documents: %s:// is not in this build", at.Scheme)
	}
	if b.bucket, b.store, err = open(ctx, at); err != nil {
		return nil, fmt.Errorf("documents: %w", faultOf("open", err))
	}
	return b, nil
}

// opener opens the bucket of an address.
type opener func(context.Context, files.Address) (*blob.Bucket, objects, error)

// key is the object's key of a name.
func (b *Bucket) key(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("document path %q leaves the bucket's prefix", name)
	}
	return b.at.Prefix + name, nil
}

// Secure is done already: what has its name is stored.
func (b *Bucket) Secure(ctx context.Context, name string) error {
	_, err := b.Taken(ctx, name)
	return err
}

// Drop removes an object.
func (b *Bucket) Drop(ctx context.Context, name string) error {
	key, err := b.key(name)
	if err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, requestTime)
	defer done()
	err = b.told("delete", name, b.bucket.Delete(ctx, key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Open copies an object into a temporary file that nothing names any more.
func (b *Bucket) Open(ctx context.Context, name string) (*os.File, error) {
	f, err := b.fetched(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// fetched copies an object into a temporary file, read from its beginning.
func (b *Bucket) fetched(ctx context.Context, name string) (f *os.File, err error) {
	in, done, err := b.reader(ctx, name)
	if err != nil {
		return nil, err
	}
	defer done()
	if f, err = b.Temp(); err != nil {
		return nil, err
	}
	n, err := io.Copy(f, in)
	if err == nil && n != in.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err = b.told("read", name, err); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// reader reads an object. done ends it.
func (b *Bucket) reader(ctx context.Context, name string) (in *blob.Reader, done func(), err error) {
	key, err := b.key(name)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, moveTime)
	if in, err = b.bucket.NewReader(ctx, key, nil); err != nil {
		cancel()
		return nil, nil, b.told("read", name, err)
	}
	return in, func() { in.Close(); cancel() }, nil //nolint:errcheck // only read
}

// Hash reads an object through, whatever the store says of it.
func (b *Bucket) Hash(ctx context.Context, name string) (string, int64, error) {
	in, done, err := b.reader(ctx, name)
	if err != nil {
		return "", 0, err
	}
	defer done()
	h := sha256.New()
	n, err := io.Copy(h, in)
	if err == nil && n != in.Size() {
		err = io.ErrUnexpectedEOF
	}
	return hex.EncodeToString(h.Sum(nil)), n, b.told("read", name, err)
}

// Stated is the SHA-256 that the store keeps of an object, which it has checked when the object came, and the size. Where
// it keeps none the object is read.
func (b *Bucket) Stated(ctx context.Context, name string) (string, int64, error) {
	key, err := b.key(name)
	if err != nil {
		return "", 0, err
	}
	short, done := context.WithTimeout(ctx, requestTime)
	sum, size, err := b.store.stated(short, key)
	done()
	if err = b.told("ask", name, err); err != nil {
		return "", 0, err
	}
	if sum == nil {
		return b.Hash(ctx, name)
	}
	return hex.EncodeToString(sum), size, nil
}

// Taken is Stated for a name that is about to be given. An empty object counts as absent, as an empty file does: a folder
// that was copied here may have had one.
func (b *Bucket) Taken(ctx context.Context, name string) (string, error) {
	sum, size, err := b.Stated(ctx, name)
	if err == nil && size == 0 {
		return "", fs.ErrNotExist
	}
	return sum, err
}
