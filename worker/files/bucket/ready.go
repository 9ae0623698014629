package bucket

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"
)

// away is why the store could not be used, and when it is tried again.
type away struct {
	why  error
	wait time.Duration
	next time.Time
}

const (
	firstWait = time.Second
	longest   = time.Minute
)

// note remembers that the store could not be used.
func (b *Bucket) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away.why = err
	if now := b.now(); !now.Before(b.away.next) {
		b.away.wait = min(max(2*b.away.wait, firstWait), longest)
		b.away.next = now.Add(b.away.wait)
	}
}

// Ready tries a store that was away by writing, once for all who ask, after a pause that grows to a minute: while it is
// away nothing is fetched that could not be kept.
func (b *Bucket) Ready(ctx context.Context) error {
	b.mu.Lock()
	why, again := b.away.why, !b.now().Before(b.away.next)
	if why != nil && again { // the others go on waiting
		b.away.wait = min(2*b.away.wait, longest)
		b.away.next = b.now().Add(b.away.wait)
	}
	b.mu.Unlock()
	if why == nil || !again {
		return why
	}
	if _, err := b.Lost(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away{}
	return nil
}

// triedFolder has what Lost writes.
const triedFolder = ".tried"

// Lost writes an object, reads it, tries to write it again, and removes it.
func (b *Bucket) Lost(ctx context.Context) (lost []string, err error) {
	name, content := path.Join(triedFolder, randomName()), randomName()
	f, err := b.Temp()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err = f.WriteString(content); err != nil {
		return nil, err
	}
	if _, err = f.Seek(0, 0); err != nil {
		return nil, err
	}
	if err = b.write(ctx, f, name, ""); err != nil {
		return nil, inner(err)
	}
	defer func() {
		if derr := b.Drop(context.WithoutCancel(ctx), name); err == nil && derr != nil {
			err = fmt.Errorf("what was tried cannot be removed: %w", inner(derr))
		}
	}()
	key, err := b.key(name)
	if err != nil {
		return nil, err
	}
	sum, _, err := b.store.stated(ctx, key)
	if err != nil {
		return nil, inner(b.told("ask", name, err))
	}
	if sum == nil {
		lost = append(lost, "the store keeps no SHA-256: each file is read once more when it was written")
	}
	if err = b.again(ctx, f, key, name); errors.Is(err, fs.ErrExist) {
		return lost, nil
	}
	if err == nil {
		lost = append(lost, "the store knows no condition (If-None-Match): "+
			"a file that another program puts at a document's name in the same instant is replaced")
	}
	return lost, err
}

// again writes other bytes under a name that is taken.
func (b *Bucket) again(ctx context.Context, f *os.File, key, name string) error {
	if _, err := f.WriteAt([]byte("again"), 0); err != nil {
		return err
	}
	sum, size, err := hashOf(f)
	if err != nil {
		return err
	}
	return b.put(ctx, f, key, name, size, sum)
}

// inner is an error without the name of what was tried.
func inner(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

func randomName() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	return hex.EncodeToString(b[:])
}
