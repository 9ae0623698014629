package move

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/moving"
)

const (
	little     = 200 // rows that a pass may leave to the one while nobody writes
	mostPasses = 10  // before that one comes whatever they leave
)

// job is one move.
type job struct {
	env      *engine.Env
	old, new *config.Config
	mover    *moving.Mover
	to       *database.DB
	done     Moved
	show     bar
}

// Moved is the last line of `move --json`.
type Moved struct {
	From       string  `json:"from"`
	To         string  `json:"to"`
	Rows       int64   `json:"rows"`
	Tables     []Table `json:"tables"`
	Passes     int     `json:"passes"`
	Seconds    float64 `json:"seconds"`
	Standstill float64 `json:"standstill_seconds"` // in which nobody could write
	Resumed    bool    `json:"resumed"`
	DryRun     bool    `json:"dry_run"`
}

// Table is one that was copied.
type Table struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // of the rows in both databases; "" in a dry run
}

// run moves an install.
func run(ctx context.Context, env *engine.Env, c *config.Config, f flags) error {
	next, err := target(c, f.to)
	if err != nil {
		return err
	}
	ctx, stop := env.Signals(ctx, logrus.NewEntry(env.Logger(c.Log)))
	defer stop()
	from, err := openSource(ctx, env, c)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // what was written is on disk
	j := &job{env: env, old: c, new: next, show: newBar(env, f.json)}
	j.done = Moved{From: c.DatabaseShown(), To: next.DatabaseShown(), DryRun: f.dryRun, Tables: []Table{}}
	began := env.Now()
	if f.dryRun {
		err = j.foretell(ctx, from)
	} else {
		err = locked(ctx, env, from, func(ctx context.Context) error { return j.move(ctx, from) })
	}
	j.show.end()
	if err != nil {
		return err
	}
	j.done.Seconds = env.Now().Sub(began).Seconds()
	if err := j.tell(f); err != nil || !f.json {
		return err
	}
	return json.NewEncoder(env.Stdout).Encode(j.done)
}

// move does it, with the source's lock.
func (j *job) move(ctx context.Context, from *database.DB) (err error) {
	if j.to, err = open(ctx, j.env, j.new); err != nil {
		return err
	}
	defer j.to.Close() //nolint:errcheck // what was written is on disk
	have, want, err := j.to.Schema(ctx)
	switch {
	case err != nil:
		return err
	case have == 0:
		if _, _, err := j.to.Migrate(ctx); err != nil {
			return err
		}
	case have != want:
		return fmt.Errorf("%w: it is at step %d of another version", moving.ErrNotEmpty, have)
	}
	j.mover, err = moving.New(ctx, moving.Ends{From: from, To: j.to, FromName: j.done.From, ToName: j.done.To, Now: j.env.Now})
	if err != nil {
		return err
	}
	claimed, err := j.mover.Claim(ctx)
	switch {
	case errors.Is(err, moving.ErrNotEmpty):
		return fmt.Errorf("%w: name an empty database, or another schema (?search_path=NAME)", err)
	case err != nil:
		return err
	case claimed == moving.Over:
		j.done.Resumed = true
		return j.mover.Finish(ctx)
	}
	j.done.Resumed = claimed == moving.Resumed
	if err := j.passes(ctx); err != nil {
		return j.unfinished(ctx, err)
	}
	return j.unfinished(ctx, j.cut(ctx))
}

// unfinished says what to do after a move was broken off.
func (j *job) unfinished(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errors.New("interrupted: nothing has changed hands; the same command goes on with what was copied")
	}
	return fmt.Errorf("nothing has changed hands, the same command goes on with what was copied: %w", err)
}

// passes copies until little is left.
func (j *job) passes(ctx context.Context) error {
	counted, err := j.mover.Rows(ctx)
	if err != nil {
		return err
	}
	var total int64
	for _, t := range counted {
		total += t.Rows
	}
	last := total + 1
	for {
		j.done.Passes++
		stop := j.show.watch("cli.move.copy", total, j.mover.Done)
		moved, rows, err := j.mover.Copy(ctx)
		stop()
		if err != nil {
			return err
		}
		j.show.line(fmt.Sprintf("pass %d: %d of %d rows written", j.done.Passes, moved, rows))
		if moved <= little || j.done.Passes >= mostPasses || j.done.Passes > 2 && moved > last/2 {
			break
		}
		last, total = moved, rows
	}
	stop := j.show.watch("cli.move.check", total, j.mover.Done)
	defer stop()
	if _, err := j.mover.Check(ctx); err != nil {
		return err
	}
	return j.search(ctx)
}

// search fills the search index of the copy.
func (j *job) search(ctx context.Context) error {
	s, err := store.Open(ctx, store.Options{DSN: j.new.Database, Now: j.env.Now, Mode: fs.FileMode(j.new.DatabaseMode),
		Mover: true})
	if err != nil {
		return err
	}
	return errors.Join(s.FillSearch(ctx), s.Close())
}

// cut gives the install over.
func (j *job) cut(ctx context.Context) error {
	began := j.env.Now()
	tables, err := j.mover.Switch(ctx)
	if err != nil {
		return err
	}
	j.done.Standstill = j.env.Now().Sub(began).Seconds()
	for _, t := range tables {
		j.done.Rows += t.Rows
		j.done.Tables = append(j.done.Tables, Table(t))
	}
	return nil
}

// foretell counts what there is to copy and tries how fast it is read.
func (j *job) foretell(ctx context.Context, from *database.DB) error {
	m, err := moving.New(ctx, moving.Ends{From: from, To: from, Now: j.env.Now})
	if err != nil {
		return err
	}
	counted, err := m.Rows(ctx)
	for _, t := range counted {
		j.done.Rows += t.Rows
		j.done.Tables = append(j.done.Tables, Table(t))
	}
	return err
}

// tell says what was done and what to do.
func (j *job) tell(f flags) error {
	env := j.env
	if f.dryRun {
		if f.json {
			return nil
		}
		t := env.Table("table", "rows")
		for _, one := range j.done.Tables {
			if one.Rows > 0 {
				t.AppendRow([]any{one.Name, one.Rows})
			}
		}
		if err := env.Print(t); err != nil {
			return err
		}
		return env.Printf("%s would be copied from %s to %s; nothing was changed\n", output.Count(int(j.done.Rows), "row"), j.done.From, j.done.To)
	}
	lines := j.lines()
	if f.writeConfig {
		if err := write(j.old, lines); err != nil {
			return fmt.Errorf("the install is in %s now; the config could not be written, change it by hand: %w", j.done.To, err)
		}
	}
	if f.json {
		return nil
	}
	if len(j.done.Tables) == 0 {
		if err := env.Printf("%s was moved to %s already\n", j.done.From, j.done.To); err != nil {
			return err
		}
	} else if err := env.Printf("moved %s from %s to %s, counted and compared by hash; nobody could write for %s\n",
		output.Count(int(j.done.Rows), "row"), j.done.From, j.done.To,
		time.Duration(j.done.Standstill*float64(time.Second)).Round(time.Millisecond)); err != nil {
		return err
	}
	if f.writeConfig {
		return env.Printf("%s names it now: start the daemon\n", j.old.File())
	}
	if err := env.Printf("write into %s, then start the daemon:\n", j.old.File()); err != nil {
		return err
	}
	for _, l := range lines {
		if err := env.Printf("%s\n", l.shown()); err != nil {
			return err
		}
	}
	return nil
}

// reopen takes back a database that was moved away.
func reopen(ctx context.Context, env *engine.Env, c *config.Config) error {
	d, err := openSource(ctx, env, c)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // what was written is on disk
	return locked(ctx, env, d, func(ctx context.Context) error {
		was, err := moving.Reopen(ctx, d)
		if err != nil {
			return err
		}
		return env.Printf("%s is the install again; stop whatever uses %s, where it was moved: what came to that since is not here\n",
			c.DatabaseShown(), was)
	})
}
