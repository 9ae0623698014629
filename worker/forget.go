package worker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
)

// Forget removes a transaction's personal data, its files too. Killed on the way, it is to be done again; a daemon
// finishes it too. store.ErrNoRow if nothing is known of it.
func (w *Worker) Forget(ctx context.Context, k model.Key) (p store.Personal, files int, err error) {
	if p, err = w.Store.Forget(ctx, k, "operator"); err != nil {
		return p, 0, err
	}
	f, err := w.Store.ForgottenOf(ctx, k)
	if err != nil {
		return p, 0, err
	}
	files, err = w.sweep(ctx, f)
	return p, files, err
}

// sweepForgotten removes files that a killed process, or a download that was under way, has left of
// transactions that were forgotten.
func (w *Worker) sweepForgotten(ctx context.Context) error {
	if w.Files == nil {
		return nil
	}
	since := w.Now().Add(-sweepAgain)
	list, err := w.Store.Forgotten(ctx, &since)
	if err != nil {
		return err
	}
	for _, f := range list {
		if _, err := w.sweep(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// sweepAgain is longer than any download.
const sweepAgain = 24 * time.Hour

func (w *Worker) sweepNow(ctx context.Context, k model.Key) error {
	f, err := w.Store.ForgottenOf(ctx, k)
	if errors.Is(err, store.ErrNoRow) { // tracked again
		return nil
	}
	if err == nil {
		_, err = w.sweep(ctx, f)
	}
	return err
}

func (w *Worker) sweep(ctx context.Context, f store.Forgotten) (n int, err error) {
	if n, err = w.Files.Forget(f.Key(), f.Documents); err != nil {
		return n, err
	}
	if n > 0 {
		w.Log.WithFields(logrus.Fields{"account": f.Account, "txn": f.Ref}).Info("files of a forgotten transaction removed")
	}
	if n > 0 || f.SweptAt == nil {
		err = w.Store.Swept(ctx, f.Key())
	}
	return n, err
}

// Of lists the files of a transaction: in its place, in quarantine, and those that links brought for the documents named.
func (f *Files) Of(k model.Key, documents []string) (names []string, err error) {
	folders, err := f.foldersOf(k)
	if err != nil {
		return nil, err
	}
	for _, dir := range folders {
		err := filepath.WalkDir(filepath.Join(f.root, dir), func(p string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				p, err = filepath.Rel(f.root, p)
				names = append(names, filepath.ToSlash(p))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	waiting, err := os.ReadDir(filepath.Join(f.root, linkFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range waiting {
		for _, id := range documents {
			if strings.HasPrefix(e.Name(), id+"-") {
				names = append(names, linkFolder+"/"+e.Name())
			}
		}
	}
	return names, nil
}

// Forget removes a transaction's files and says how many there were. They are gone from the folder, on disk, when
// it returns.
func (f *Files) Forget(k model.Key, documents []string) (int, error) {
	names, err := f.Of(k, documents)
	if err != nil {
		return 0, err
	}
	dirs := map[string]bool{}
	for _, name := range names {
		p, err := f.inside(name)
		if err != nil {
			return 0, err
		}
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		dirs[filepath.Dir(p)] = true
	}
	for dir := range dirs {
		if err := f.syncDir(dir); err != nil {
			return 0, err
		}
	}
	folders, err := f.foldersOf(k)
	if err != nil {
		return 0, err
	}
	for _, dir := range folders { // empty now; a download that comes in this moment keeps its own
		os.Remove(filepath.Join(f.root, dir)) //nolint:errcheck // then the next sweep does
	}
	return len(names), nil
}

// foldersOf finds a transaction's folders, in whatever month they are.
func (f *Files) foldersOf(k model.Key) (out []string, err error) {
	for _, top := range []string{part(k.Account), quarantineFolder + "/" + part(k.Account)} {
		years, err := subfolders(filepath.Join(f.root, top))
		if err != nil {
			return nil, err
		}
		for _, year := range years {
			months, err := subfolders(filepath.Join(f.root, top, year))
			if err != nil {
				return nil, err
			}
			for _, month := range months {
				dir := filepath.Join(top, year, month, part(k.Ref))
				if info, err := os.Stat(filepath.Join(f.root, dir)); err == nil && info.IsDir() {
					out = append(out, dir)
				}
			}
		}
	}
	return out, nil
}

func subfolders(dir string) (names []string, err error) {
	all, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range all {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}
