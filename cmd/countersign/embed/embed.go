// Package embed runs countersign inside of a Go program, which is handed each change: the same outbox, order and
// repeats as hooks have.
package embed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"countersign/cmd/countersign/acting"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/hooks"
	"countersign/cmd/countersign/sandbox"
	"countersign/model"
	"countersign/model/announced"
	"countersign/provider"
	"countersign/worker/deliver"
	"countersign/worker/hook"
)

// Change is one change of a transaction, with the keys of `changes --json`.
type Change struct {
	ID         string // stays over repeats: a program that keeps the ids it has worked on does no work twice
	Seq        int64
	Account    string
	Provider   string
	Ref        string
	ExternalID string
	Test       bool
	Kind       model.ChangeKind
	From, To   string
	Status     model.Status
	Confirmed  bool // the provider has answered so
	Source     string
	At         time.Time
	Signer     string
	Document   string
}

// Filter chooses the changes that OnChange is handed; the zero value as hooks of the config do that name nothing.
type Filter = hook.Filter

// Options is what Run needs.
type Options struct {
	Config    string                     // the config file; "" looks where the program looks
	Backfill  string                     // loads history since, as `serve --backfill` does: 30d, a date; "" loads none
	Providers map[string]provider.Driver // by the name that the config has, such as "onespan": {Traits: onespan.Traits(), New: onespan.New}

	// OnChange is called for each change: at least once, one at a time for a transaction and in its order, side by side
	// for others. While it returns an error, the change is handed over again, for three days; what follows of its
	// transaction waits. It must return when ctx ends.
	OnChange func(ctx context.Context, c Change) error
	// Name is the place in the feed that is kept: the same one goes on where it was, a new one begins with the changes
	// from now on. "main" if empty.
	Name     string
	Filter   Filter
	Parallel int           // changes at once; 8 if zero
	Timeout  time.Duration // of a call of OnChange; 1 min if zero
	First    time.Duration // the wait after the first call that failed; 5 s if zero

	Stdout, Stderr io.Writer // callback URLs, and the log; os.Stdout and os.Stderr if nil
}

// Later is an error of OnChange that says how long to wait.
type Later struct {
	Wait time.Duration
	Err  error
}

// Error is for error.
func (l *Later) Error() string { return fmt.Sprintf("in %s: %v", l.Wait, l.Err) }

// Unwrap is what stands behind it.
func (l *Later) Unwrap() error { return l.Err }

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Run is the daemon: listeners, polls, downloads, hooks of the config, and OnChange. It returns when ctx ends or SIGTERM
// or SIGINT comes, nil then. One daemon uses a database at a time. A database that cannot be stopped in time, or whose
// disk fails, ends the process.
func Run(ctx context.Context, o Options) error {
	if Child() {
		os.Exit(0)
	}
	env, err := environment(o)
	if err != nil {
		return err
	}
	serve := engine.ServeOptions{Backfill: config.Span{Now: env.Now}, Announce: true}
	if o.Backfill != "" {
		if err := serve.Backfill.Set(o.Backfill); err != nil {
			return fmt.Errorf("embed: Options.Backfill: %w", err)
		}
	}
	return env.Serve(ctx, serve)
}

// Child must be called first in main, which returns where it is true: the process was started to look into one file, and
// has done so. (A signed file is read by a process of its own, which is this program started once more.)
func Child() bool {
	if len(os.Args) != 2 || os.Args[1] != sandbox.Verb {
		return false
	}
	if err := sandbox.Child(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err) //nolint:errcheck // nobody else to tell
		os.Exit(1)
	}
	return true
}

// environment is that of a program with a function.
func environment(o Options) (*engine.Env, error) {
	if o.OnChange == nil {
		return nil, errors.New("embed: Options.OnChange is needed")
	}
	if o.Name == "" {
		o.Name = "main"
	}
	if !nameForm.MatchString(o.Name) {
		return nil, fmt.Errorf("embed: %q is not a name: lower case letters, digits, - and _, at most 63", o.Name)
	}
	var out, faults io.Writer = os.Stdout, os.Stderr
	if o.Stdout != nil {
		out = o.Stdout
	}
	if o.Stderr != nil {
		faults = o.Stderr
	}
	env := engine.NewEnv(strings.NewReader(""), out, faults, o.Providers)
	env.ConfigFlag, env.Acts, env.Version = o.Config, acting.New, "embedded"
	env.Functions = []*deliver.Hook{function(o)}
	return env, nil
}

// function is OnChange as a hook.
func function(o Options) *deliver.Hook {
	h := &deliver.Hook{
		ID: hooks.FunctionPrefix + o.Name, Filter: o.Filter, Workers: o.Parallel, Timeout: o.Timeout, First: o.First,
		Most: 4 * time.Hour, Life: 3 * 24 * time.Hour,
	}
	if h.Workers <= 0 {
		h.Workers = 8
	}
	if h.Timeout <= 0 {
		h.Timeout = time.Minute
	}
	if h.First <= 0 {
		h.First = 5 * time.Second
	}
	h.Send = func(ctx context.Context, e hook.Event) hook.Answer {
		ctx, cancel := context.WithTimeout(ctx, h.Timeout)
		defer cancel()
		err := o.OnChange(ctx, changeOf(&e.Change))
		if err == nil {
			return hook.Answer{Taken: true, Note: "done"}
		}
		a := hook.Answer{Note: hook.Plain(err.Error())}
		if later := (*Later)(nil); errors.As(err, &later) {
			a.Wait = later.Wait
		}
		return a
	}
	return h
}

func changeOf(a *announced.Change) Change {
	c := &a.Change
	return Change{
		ID: announced.ID(c), Seq: c.Seq, Account: c.Account, Provider: a.Provider, Ref: c.Ref, ExternalID: a.ExternalID,
		Test: a.Test, Kind: c.Kind, From: c.From, To: c.To, Status: c.Status, Confirmed: c.Confirmed, Source: c.Source,
		At: c.At, Signer: c.Signer, Document: c.Document,
	}
}
