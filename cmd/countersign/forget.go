package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/environ"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/files"
)

type forgetFlags struct {
	yes, plan, vacuum bool
}

// vacuumAtOnce is how large a database is rewritten without being asked: a second or two.
const vacuumAtOnce = 256 << 20

func newForgetCommand(env *engine.Env) *cobra.Command {
	var f forgetFlags
	cmd := &cobra.Command{
		Use:   "forget ACCOUNT REF",
		Short: "Remove all personal data of a transaction",
		Long: `forget removes a transaction: its row with names and metadata, signers, history, progress, documents with
their files (each version, quarantined and held ones too), the bodies and headers of its callbacks, the signer
in its gaps. What is counted stays: that callbacks came and what became of them, the gaps. Account, ref and time
are kept, so that no callback, list, poll or backfill brings it back; ` + "`track`" + ` does, if you want it. The change
feed says that it was forgotten, for those who keep copies.

It works beside a running daemon. Killed on the way, it is to be run again; the daemon finishes it too. A SQLite
file is rewritten, so that nothing is left in unused parts of it: callers wait meanwhile. One above 256 MB is
rewritten with --vacuum only. Backups, exports, logs and what the provider has are not touched.`,
		Example: "  countersign forget sales 8f3a1c --dry-run\n  countersign forget sales 8f3a1c --yes",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, k := cmd.Context(), model.Key{Account: args[0], Ref: args[1]}
			if f.plan {
				return env.Reading(ctx, func(c *config.Config, s *store.Store) error { return planForget(ctx, env, c, s, k) })
			}
			if err := confirm(ctx, env, f.yes, "remove all personal data of "+k.Account+"/"+output.Plain(k.Ref)+" for good?"); err != nil {
				return err
			}
			return env.Writing(ctx, func(ctx context.Context, w *engine.Writer) error { return runForget(ctx, env, w, k, f.vacuum) })
		},
	}
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.plan, "dry-run", false, "say what would go, and change nothing")
	cmd.Flags().BoolVar(&f.vacuum, "vacuum", false, "rewrite a SQLite file of any size")
	return cmd
}

// confirm asks a person whether to go on. Who is none must have said --yes.
func confirm(ctx context.Context, env *engine.Env, yes bool, question string) error {
	if yes {
		return nil
	}
	if !output.IsTerminal(env.Stdout) {
		return output.Usagef("this cannot be undone, and nobody is there to ask: say --yes")
	}
	if err := env.Printf("%s [y/N] ", question); err != nil {
		return err
	}
	line, err := bufio.NewReader(env.Input(ctx)).ReadString('\n')
	if errors.Is(err, environ.ErrInterrupted) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was changed")
}

// planForget says what would go.
func planForget(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, k model.Key) error {
	if err := knownAccounts(ctx, c, s, k.Account); err != nil {
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
	if err := env.Printf("would remove of %s/%s: %s\n", k.Account, output.Plain(k.Ref), personalWords(p, len(files))); err != nil {
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
	return files.At(c.DocumentsFolder()).Of(k, ids)
}

// runForget removes the data, then what is left of it in the files of the database.
func runForget(ctx context.Context, env *engine.Env, w *engine.Writer, k model.Key, vacuum bool) error {
	if err := knownAccounts(ctx, w.Config, w.Store, k.Account); err != nil {
		return err
	}
	files, err := w.Documents()
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
	size, err := w.Store.FileSize()
	if err != nil {
		return err
	}
	whole := vacuum || size <= vacuumAtOnce
	clean, err := w.Store.Scrub(ctx, whole)
	if err != nil {
		return fmt.Errorf("%s/%s is forgotten, but older copies may be left in the database's files: %w: run it again", k.Account, output.Plain(k.Ref), err)
	}
	if err := env.Printf("%s/%s is forgotten: %s\n", k.Account, output.Plain(k.Ref), personalWords(p, n)); err != nil {
		return err
	}
	if copies, err := filepath.Glob(w.Store.Path() + ".before-*"); err == nil && w.Store.Path() != "" {
		for _, name := range copies {
			if strings.HasSuffix(name, lostList) {
				continue // refs, which are kept of what was forgotten too
			}
			if err := env.Printf("a copy from before may hold it still: %s\n", name); err != nil {
				return err
			}
		}
	}
	switch {
	case !clean:
		err = env.Printf("somebody reads the database just now, its log may hold older copies: run it again\n")
	case !whole:
		err = env.Printf("unused parts of the database file (%s) may hold older copies: --vacuum rewrites it, callers wait meanwhile\n", output.BytesShown(size))
	}
	return err
}

func unknownRow(k model.Key) error {
	return fmt.Errorf("nothing is known of %s in %s", output.Quoted(k.Ref), k.Account)
}

// personalWords says what goes, or went.
func personalWords(p store.Personal, files int) string {
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{
		{p.Rows, "row"}, {p.Signers, "signer"}, {p.Changes, "change"}, {p.Progress, "step"}, {p.Documents, "document"}, {files, "file"},
		{p.Deliveries, "announcement"},
	} {
		if c.n > 0 {
			parts = append(parts, output.Count(c.n, c.what))
		}
	}
	if p.Callbacks > 0 {
		parts = append(parts, fmt.Sprintf("what %s said (%d with a body)", output.Count(p.Callbacks, "callback"), p.Bodies))
	}
	if p.Gaps > 0 {
		parts = append(parts, "the signer in "+output.Count(p.Gaps, "gap"))
	}
	if parts == nil {
		return "nothing was left"
	}
	return strings.Join(parts, ", ")
}
