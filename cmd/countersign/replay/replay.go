package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/callback"
	"countersign/worker/console/objects"
)

// Chosen says which callbacks are handed in, and how.
type Chosen struct {
	IDs           []string
	Account       string
	Refused       bool
	NotUnderstood bool
	Since         config.Span
	DryRun, JSON  bool
}

// Check refuses a choice of nothing, and one that names callbacks and chooses them too.
func (f Chosen) Check() error {
	chosen := f.Refused || f.NotUnderstood
	switch {
	case len(f.IDs) == 0 && !chosen:
		return output.Usagef("nothing to replay: name callbacks, or --refused, or --not-understood")
	case len(f.IDs) > 0 && (chosen || f.Account != "" || f.Since.At != nil):
		return output.Usagef("callbacks are named or chosen by --refused, --not-understood, --account and --since, not both")
	}
	return nil
}

// choose returns the callbacks to replay, in the order in which they came. Ids are as long for each, and in that order.
func (f Chosen) choose(ctx context.Context, c *config.Config, s *store.Store) ([]string, error) {
	ids := slices.Clone(f.IDs)
	if len(ids) == 0 {
		if err := arguments.KnownAccounts(ctx, c, s, f.Account); err != nil {
			return nil, err
		}
	}
	for verdict, on := range map[model.Verdict]bool{model.Refused: f.Refused, model.NotUnderstood: f.NotUnderstood} {
		for cursor := ""; on; {
			list, next, err := s.Callbacks(ctx,
				store.CallbackFilter{Account: f.Account, Verdict: verdict, Since: f.Since.At, Limit: 500, Cursor: cursor})
			if err != nil {
				return nil, err
			}
			for _, cb := range list {
				if _, ok := c.Account(cb.Account); ok {
					ids = append(ids, cb.ID)
				}
			}
			if cursor = next; next == "" {
				break
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// Replayer judges stored callbacks again and hands them in.
type Replayer struct {
	Env    *engine.Env
	Config *config.Config
	Store  *store.Store
	Table  *apply.Table
	Know   func(*apply.Account) // makes an account known to the table; nil: it knows all

	keys  [][]byte
	built map[string]accounts.Built
	taken map[store.DedupeKey]string // of a dry run: the dedupe keys of those that would be replayed
}

// Begin reads what every callback needs.
func (p *Replayer) Begin() (err error) {
	p.built, p.taken = map[string]accounts.Built{}, map[store.DedupeKey]string{}
	p.keys, err = p.Env.InstallationKeys(p.Config)
	return err
}

// Run hands in each callback; one that cannot be does not stop the others.
func Run(ctx context.Context, env *engine.Env, w *engine.Writer, f Chosen) error {
	p := &Replayer{Env: env, Config: w.Config, Store: w.Store, Table: w.Worker.Table,
		Know: func(a *apply.Account) { w.Built = append(w.Built, a) }}
	if err := p.Begin(); err != nil {
		return err
	}
	ids, err := f.choose(ctx, w.Config, w.Store)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		did, err := p.One(ctx, id, f.DryRun)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f.JSON {
			err = env.JSONLines().Write(did)
		} else {
			err = env.Printf("%s  %s/%s  %s -> %s%s\n", did.ID, did.Account, output.Plain(did.Ref),
				env.Word("verdict", did.Before),
				env.Paint(output.VerdictColour(model.Verdict(did.After)), env.Word("verdict", did.After)),
				output.Because(cmp.Or(env.Word("outcome", did.Outcome), output.Plain(did.Note))))
		}
		if err != nil {
			return err
		}
	}
	if len(ids) == 0 && !f.JSON {
		return env.Tell("cli.replay.none")
	}
	return errors.Join(errs...)
}

// One hands in one callback, or says what would become of it.
func (p *Replayer) One(ctx context.Context, id string, dry bool) (out objects.Replayed, err error) {
	was, err := wholeCallback(ctx, p.Store, id)
	if err != nil {
		return out, err
	}
	b, ok := p.built[was.Account]
	if !ok {
		if b, err = p.Env.Named(ctx, p.Store, p.Config, was.Account); err != nil {
			return out, err
		}
		if p.built[was.Account] = b; p.Know != nil {
			p.Know(b.Running)
		}
	}
	in, err := callback.Judge(b.Running, stored(was, p.keys))
	if errors.Is(err, provider.ErrUnreadable) {
		return out, fmt.Errorf("callback %s: %w", id, err)
	}
	if err != nil {
		return out, fmt.Errorf("callback %s could not be judged: %w", id, provider.Redact(err))
	}
	out = objects.Replayed{ID: id, Account: was.Account, Ref: cmp.Or(in.Callback.Ref, was.Ref),
		Before: string(was.Verdict), After: string(in.Callback.Verdict), Note: in.Callback.Note}
	if was.Verdict != model.Refused && in.Callback.Verdict == model.Refused {
		out.Note = "its proof covered what was cut out of the body when it was stored"
	}
	if dry {
		if !apply.WorthReplaying(was, in) {
			out.After, out.Outcome = out.Before, string(was.Outcome)
			return out, nil
		}
		return out, p.foresee(ctx, in.Callback, &out)
	}
	res, _, err := p.Table.Replay(ctx, was, in)
	if err != nil {
		return out, fmt.Errorf("callback %s: %w", id, err)
	}
	out.After, out.Outcome = string(res.Verdict), string(res.Outcome)
	return out, nil
}

// foresee says which callbacks would turn out to be copies: of one that is stored, or of one that would be replayed
// before it.
func (p *Replayer) foresee(ctx context.Context, cb model.Callback, out *objects.Replayed) error {
	k := store.DedupeKey{Account: cb.Account, Ref: cb.Ref, Key: cb.DedupeKey}
	if k.Key == "" || cb.Verdict != model.Accepted {
		return nil
	}
	owner, verdict, err := p.Store.DedupeOwner(ctx, k)
	switch {
	case errors.Is(err, store.ErrNoRow), err == nil && verdict == model.NotUnderstood: // that one gives way
		owner = p.taken[k]
	case err != nil:
		return err
	}
	if owner == "" || owner == out.ID {
		p.taken[k] = out.ID
		return nil
	}
	out.After, out.Outcome, out.Note = string(model.Duplicate), string(model.NothingNew), "a copy of "+owner
	return nil
}
