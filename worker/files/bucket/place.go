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
)

// Place writes a temporary file to an object, and removes it.
func (b *Bucket) Place(ctx context.Context, temp, name, sum string) error {
	in, err := os.Open(temp) //nolint:gosec // ours
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	if err := b.write(ctx, in, name, sum); err != nil {
		return err
	}
	return os.Remove(temp)
}

// Copy gives an object a second name. The content goes through this machine: a copy inside of the store that replaces
// nothing is not known to every store.
func (b *Bucket) Copy(ctx context.Context, from, name string) error {
	f, err := b.Open(ctx, from)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	if _, err := b.Taken(ctx, name); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &fs.PathError{Op: "copy", Path: name, Err: fs.ErrExist}
		}
		return err
	}
	return b.write(ctx, f, name, "")
}

// PutLinkFile writes a temporary file to its place among the files that links brought.
func (b *Bucket) PutLinkFile(ctx context.Context, temp, name string) error {
	return b.Place(ctx, temp, name, "")
}

// PlaceLinkFile gives a link's file its name as a document, and leaves what it was called before: the row names that
// until it names the document.
func (b *Bucket) PlaceLinkFile(ctx context.Context, held, name, sum string) error {
	f, err := b.Open(ctx, held)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	return b.write(ctx, f, name, sum)
}

// write writes a file to an object that is not there, and asks the store what it has then. Where the same content has
// the name, it is the same document: the store may have taken a request whose answer was lost.
func (b *Bucket) write(ctx context.Context, in *os.File, name, want string) error {
	key, err := b.key(name)
	if err != nil {
		return err
	}
	sum, size, err := hashOf(in)
	if err != nil {
		return err
	}
	if want != "" && hex.EncodeToString(sum) != want {
		return &fs.PathError{Op: "put", Path: name, Err: errors.New("the temporary file is not the one that came")}
	}
	err = b.put(ctx, in, key, name, size, sum)
	if errors.Is(err, fs.ErrExist) {
		has, there, serr := b.Stated(ctx, name)
		switch {
		case serr != nil && !errors.Is(serr, fs.ErrNotExist):
			return serr
		case serr == nil && has == hex.EncodeToString(sum):
			return nil
		case serr == nil && there > 0:
			return err
		case serr == nil:
			err = b.Drop(ctx, name) // empty, see Taken
		}
		if err == nil || errors.Is(err, fs.ErrExist) {
			err = b.put(ctx, in, key, name, size, sum)
		}
	}
	if err != nil {
		return err
	}
	has, there, err := b.Stated(ctx, name)
	if err == nil && (has != hex.EncodeToString(sum) || there != size) {
		err = errors.Join(b.told("put", name, errAltered), b.Drop(context.WithoutCancel(ctx), name))
	}
	return err
}

// errAltered is of an object that is not what was sent.
var errAltered = errors.New("the store has another file than was sent")

func (b *Bucket) put(ctx context.Context, in *os.File, key, name string, size int64, sum []byte) error {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, moveTime)
	defer done()
	err := b.store.put(ctx, key, in, size, sum)
	if err != nil && !errors.Is(err, fs.ErrExist) && context.Cause(ctx) != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return b.told("put", name, err)
}

// hashOf reads a file through, from its beginning.
func hashOf(in *os.File) ([]byte, int64, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, 0, err
	}
	h := sha256.New()
	n, err := io.Copy(h, in)
	return h.Sum(nil), n, err
}
