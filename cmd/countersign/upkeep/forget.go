// Package upkeep has what is done to an installation by hand and is not undone: forgetting a transaction, restoring a
// backup, changing the key.
package upkeep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/archive"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
)

// vacuumAtOnce is how large a database is rewritten without being asked: a second or two.
const vacuumAtOnce = 256 << 20

// PlanForget says what would go.
func PlanForget(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, k model.Key) error {
	if err := arguments.KnownAccounts(ctx, c, s, k.Account); err != nil {
		return err
	}
	p, err := s.PersonalOf(ctx, k)
	if err != nil {
		return err
	}
	files, err := filesOf(ctx, c, s, k)
	if err != nil {
		return err
	}
	if !p.Any() && len(files) == 0 {
		return unknownRow(k)
	}
	if err := env.Tell("cli.forget.would", "row", output.NameOf(k), "what", personalWords(env.Speech, p, len(files))); err != nil {
		return err
	}
	for _, name := range files {
		if err := env.Printf("  %s\n", output.Plain(name)); err != nil {
			return err
		}
	}
	return nil
}

// filesOf lists a transaction's files, in a document folder that may not be there yet.
func filesOf(ctx context.Context, c *config.Config, s *store.Store, k model.Key) ([]string, error) {
	list, err := s.Documents(ctx, store.DocumentFilter{Account: k.Account, Ref: k.Ref})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	in, err := archive.At(ctx, c)
	if err != nil {
		return nil, err
	}
	return in.Of(ctx, k, ids)
}

// Forget removes the data of a transaction, then what is left of it in the files of the database.
func Forget(ctx context.Context, env *engine.Env, w *engine.Writer, k model.Key, vacuum bool) error {
	if err := arguments.KnownAccounts(ctx, w.Config, w.Store, k.Account); err != nil {
		return err
	}
	files, err := w.Documents(ctx)
	if err != nil {
		return err
	}
	p, n, err := files.Forget(ctx, k)
	if errors.Is(err, store.ErrNoRow) {
		return unknownRow(k)
	}
	if err != nil {
		return fmt.Errorf("%w: run it again to finish", err)
	}
	if err := w.Store.SweepSearch(ctx); err != nil {
		return fmt.Errorf("the search index: %w: run it again to finish", err)
	}
	size, err := w.Store.FileSize()
	if err != nil {
		return err
	}
	whole := vacuum || size <= vacuumAtOnce
	clean, err := w.Store.Scrub(ctx, whole)
	if err != nil {
		return fmt.Errorf("%s/%s is forgotten, but older copies may be left in the database's files: %w: run it again",
			k.Account, output.Plain(k.Ref), err)
	}
	if err := env.Tell("cli.forget.done", "row", output.NameOf(k), "what", personalWords(env.Speech, p, n)); err != nil {
		return err
	}
	if copies, err := filepath.Glob(w.Store.Path() + ".before-*"); err == nil && w.Store.Path() != "" {
		for _, name := range copies {
			if strings.HasSuffix(name, LostList) {
				continue // refs, which are kept of what was forgotten too
			}
			if err := env.Tell("cli.forget.copy", "file", name); err != nil {
				return err
			}
		}
	}
	switch {
	case !clean:
		err = env.Tell("cli.forget.busy")
	case !whole:
		err = env.Tell("cli.forget.large", "size", env.Bytes(size))
	}
	return err
}

func unknownRow(k model.Key) error {
	return fmt.Errorf("nothing is known of %s in %s", output.Quoted(k.Ref), k.Account)
}

// personalWords says what goes, or went.
func personalWords(say output.Speech, p store.Personal, files int) string {
	var parts []string
	for _, c := range []struct {
		n   int
		key string
	}{
		{p.Rows, "cli.went.row"}, {p.Signers, "cli.went.signer"}, {p.Changes, "cli.went.change"},
		{p.Progress, "cli.went.step"}, {p.Documents, "cli.went.document"}, {files, "cli.went.file"},
		{p.Deliveries, "cli.went.announcement"}, {p.Callbacks, "cli.went.callback"}, {p.Gaps, "cli.went.gap"},
	} {
		if c.n > 0 {
			parts = append(parts, say.CountOf(c.key, c.n, "bodies", p.Bodies))
		}
	}
	if parts == nil {
		return say.Say("cli.forget.nothing")
	}
	return strings.Join(parts, ", ")
}
