package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"countersign/model"
)

// Of lists the files of a transaction: in their places, in quarantine, and, for the named documents, those that wait
// for the provider's confirmation or for another try.
func (f *Folder) Of(_ context.Context, k model.Key, documents []string) (names []string, err error) {
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
	for _, own := range []string{linkFolder, tempFolder} {
		waiting, err := os.ReadDir(filepath.Join(f.root, own))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range waiting {
			if id, _, ok := strings.Cut(e.Name(), "-"); ok && slices.Contains(documents, id) {
				names = append(names, own+"/"+e.Name())
			}
		}
	}
	return names, nil
}

// Forget removes a transaction's files and returns how many there were. The removal is on disk when Forget returns.
func (f *Folder) Forget(ctx context.Context, k model.Key, documents []string) (int, error) {
	names, err := f.Of(ctx, k, documents)
	if err != nil {
		return 0, err
	}
	dirs := map[string]bool{}
	for _, name := range names {
		p, err := f.Path(name)
		if err != nil {
			return 0, err
		}
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		dirs[filepath.Dir(p)] = true
	}
	for dir := range dirs {
		if err := f.syncFolder(dir); err != nil {
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
func (f *Folder) foldersOf(k model.Key) (out []string, err error) {
	for _, top := range FoldersOfAccount(k.Account) {
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
				dir := filepath.Join(top, year, month, FolderOfRef(k.Ref))
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
