package bucket

import (
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"

	"countersign/model"
	"countersign/worker/files"
)

// list calls each with the names below a prefix, and with the folders where deep is false.
func (b *Bucket) list(ctx context.Context, below string, deep bool, each func(name string, at time.Time) error) error {
	how := &blob.ListOptions{Prefix: b.at.Prefix + below}
	if !deep {
		how.Delimiter = "/"
	}
	ctx, done := context.WithTimeout(ctx, moveTime)
	defer done()
	for it := b.bucket.List(how); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return b.told("list", below, err)
		}
		if err := each(strings.TrimPrefix(o.Key, b.at.Prefix), o.ModTime); err != nil {
			return err
		}
	}
}

// folders lists the folders in a folder.
func (b *Bucket) folders(ctx context.Context, dir string) (out []string, err error) {
	err = b.list(ctx, dir+"/", false, func(name string, _ time.Time) error {
		if strings.HasSuffix(name, "/") {
			out = append(out, strings.TrimSuffix(name, "/"))
		}
		return nil
	})
	return out, err
}

// Of lists the files of a transaction, in whatever month they are, and those of the spool.
func (b *Bucket) Of(ctx context.Context, k model.Key, documents []string) ([]string, error) {
	names, err := b.objectsOf(ctx, k, documents)
	if err != nil {
		return nil, err
	}
	spooled, err := b.spool.Of(ctx, k, documents)
	return append(names, spooled...), err
}

func (b *Bucket) objectsOf(ctx context.Context, k model.Key, documents []string) (names []string, err error) {
	collect := func(name string, _ time.Time) error { names = append(names, name); return nil }
	for _, top := range files.FoldersOfAccount(k.Account) {
		years, err := b.folders(ctx, top)
		if err != nil {
			return nil, err
		}
		for _, year := range years {
			months, err := b.folders(ctx, year)
			if err != nil {
				return nil, err
			}
			for _, month := range months {
				if err := b.list(ctx, path.Join(month, files.FolderOfRef(k.Ref))+"/", true, collect); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, id := range documents {
		if err := b.list(ctx, files.LinkFilesOf(id), true, collect); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// Forget removes the files of a transaction. A bucket that keeps versions keeps them all the same: its lifecycle has to
// end those.
func (b *Bucket) Forget(ctx context.Context, k model.Key, documents []string) (int, error) {
	names, err := b.objectsOf(ctx, k, documents)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if err := b.Drop(ctx, name); err != nil {
			return 0, err
		}
	}
	spooled, err := b.spool.Forget(ctx, k, documents)
	return len(names) + spooled, err
}

// LinkFileOf finds the file that a document's link brought.
func (b *Bucket) LinkFileOf(ctx context.Context, id string) (found string, ok bool, err error) {
	err = b.list(ctx, files.LinkFilesOf(id), true, func(name string, _ time.Time) error {
		found, ok = name, true
		return nil
	})
	return found, ok, err
}

// DropLinkFile removes a file that a link brought.
func (b *Bucket) DropLinkFile(ctx context.Context, name string) error { return b.Drop(ctx, name) }

// triedFor is longer than any trial takes.
const triedFor = time.Hour

// SweepLinkFiles removes those that no document waits for, and what a killed trial left.
func (b *Bucket) SweepLinkFiles(ctx context.Context, waits func(id string) bool) error {
	var left []string
	err := b.list(ctx, files.LinkFilesOf(""), true, func(name string, _ time.Time) error {
		if id, _, ok := strings.Cut(path.Base(name), "-"); !ok || !waits(id) {
			left = append(left, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = b.list(ctx, triedFolder+"/", true, func(name string, at time.Time) error {
		if b.now().Sub(at) > triedFor {
			left = append(left, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Compact(left) {
		if err := b.Drop(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
