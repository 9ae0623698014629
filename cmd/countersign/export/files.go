// Package export writes what leaves the installation: rows as CSV or NDJSON, and documents under their own names.
package export

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
	"strings"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/archive"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/worker/console/objects"
	"countersign/worker/files"
)

// Files copies what is stored of list from the document store to a folder.
func Files(ctx context.Context, env *engine.Env, c *config.Config, dir string, of model.Key, list []model.Document) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	source, err := archive.At(ctx, c)
	if err != nil {
		return err
	}
	taken, got, bad := map[string]bool{}, 0, error(nil)
	for _, d := range list {
		if d.State != model.DocumentStored {
			fmt.Fprintf(env.Stderr, "%s is %s, not written%s\n", output.Plain(output.DocumentName(d)), d.State,
				output.Because(d.Reason))
			continue
		}
		to := filepath.Join(dir, freeName(objects.FileName(d), taken))
		if err := copyDocument(ctx, source, d, to); err != nil {
			bad = errors.Join(bad, err)
			continue
		}
		got++
		if err := env.Printf("%s\n", to); err != nil {
			return err
		}
	}
	if bad == nil && got == 0 {
		return fmt.Errorf("%s has no stored document", of)
	}
	return bad
}

// copyDocument writes a stored file to a new one, which is gone again unless it is whole.
func copyDocument(ctx context.Context, source files.Names, d model.Document, to string) (err error) {
	from, err := source.Open(ctx, d.Path)
	if err != nil {
		return fmt.Errorf("document store: %w: `countersign verify` finds out what else is missing", err)
	}
	defer from.Close() //nolint:errcheck // only read
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if same(to, d.SHA256) {
			return nil
		}
		return fmt.Errorf("%s is there already and differs: name another folder with -o", to)
	}
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), from)
	err = errors.Join(err, f.Close())
	if sum := hex.EncodeToString(h.Sum(nil)); err == nil && sum != d.SHA256 {
		err = fmt.Errorf("%s in the document store is not the file that was stored: its SHA-256 is %s and was %s", d.Path,
			sum, d.SHA256)
	}
	if err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// same says whether a file has this content.
func same(file, sum string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == sum
}

// freeName is name, with a number where an earlier document of the transaction took it.
func freeName(name string, taken map[string]bool) string {
	ext := filepath.Ext(name)
	stem, free := strings.TrimSuffix(name, ext), name
	for n := 2; taken[strings.ToLower(free)]; n++ {
		free = fmt.Sprintf("%s (%d)%s", stem, n, ext)
	}
	taken[strings.ToLower(free)] = true
	return free
}
