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

// replayedJSON is what became of one.
type replayedJSON struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Ref     string `json:"ref"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Outcome string `json:"outcome"`
	Note    string `json:"note"`
}

// Run hands in each callback; one that cannot be does not stop the others.
func Run(ctx context.Context, env *engine.Env, w *engine.Writer, f Chosen) error {
	keys, err := env.InstallationKeys(w.Config)
	if err != nil {
		return err
	}
	ids, err := f.choose(ctx, w.Config, w.Store)
	if err != nil {
		return err
	}
	built, taken := map[string]accounts.Built{}, map[store.DedupeKey]string{}
	var errs []error
	for _, id := range ids {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		did, err := replayCallback(ctx, env, w, built, taken, id, keys, f.DryRun)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f.JSON {
			err = env.JSONLines().Write(did)
		} else {
			err = env.Printf("%s  %s/%s  %s -> %s%s\n", did.ID, did.Account, output.Plain(did.Ref), did.Before,
				env.Paint(output.VerdictColour(model.Verdict(did.After)), did.After),
				output.Because(cmp.Or(did.Outcome, output.Plain(did.Note))))
		}
		if err != nil {
			return err
		}
	}
	if len(ids) == 0 && !f.JSON {
		return env.Printf("no callbacks to replay\n")
	}
	return errors.Join(errs...)
}

func replayCallback(ctx context.Context, env *engine.Env, w *engine.Writer, built map[string]accounts.Built,
	taken map[store.DedupeKey]string,
	id string, keys [][]byte, dry bool) (out replayedJSON, err error) {
	was, err := wholeCallback(ctx, w.Store, id)
	if err != nil {
		return out, err
	}
	b, ok := built[was.Account]
	if !ok {
		if b, err = env.Named(ctx, w.Store, w.Config, was.Account); err != nil {
			return out, err
		}
		built[was.Account], w.Built = b, append(w.Built, b.Running)
	}
	in, err := callback.Judge(b.Running, stored(was, keys))
	if errors.Is(err, provider.ErrUnreadable) {
		return out, fmt.Errorf("callback %s: %w", id, err)
	}
	if err != nil {
		return out, fmt.Errorf("callback %s could not be judged: %w", id, provider.Redact(err))
	}
	out = replayedJSON{id, was.Account, cmp.Or(in.Callback.Ref, was.Ref), string(was.Verdict),
		string(in.Callback.Verdict), "", in.Callback.Note}
	if was.Verdict != model.Refused && in.Callback.Verdict == model.Refused {
		out.Note = "its proof covered what was cut out of the body when it was stored"
	}
	if dry {
		if !apply.WorthReplaying(was, in) {
			out.After, out.Outcome = out.Before, string(was.Outcome)
			return out, nil
		}
		return out, foresee(ctx, w.Store, taken, in.Callback, &out)
	}
	res, _, err := w.Worker.Table.Replay(ctx, was, in)
	if err != nil {
		return out, fmt.Errorf("callback %s: %w", id, err)
	}
	out.After, out.Outcome = string(res.Verdict), string(res.Outcome)
	return out, nil
}

// foresee says which callbacks would turn out to be copies: of one that is stored, or of one that would be replayed
// before it. taken are the dedupe keys of those.
func foresee(
	ctx context.Context, s *store.Store, taken map[store.DedupeKey]string, cb model.Callback, out *replayedJSON,
) error {
	k := store.DedupeKey{Account: cb.Account, Ref: cb.Ref, Key: cb.DedupeKey}
	if k.Key == "" || cb.Verdict != model.Accepted {
		return nil
	}
	owner, verdict, err := s.DedupeOwner(ctx, k)
	switch {
	case errors.Is(err, store.ErrNoRow), err == nil && verdict == model.NotUnderstood: // that one gives way
		owner = taken[k]
	case err != nil:
		return err
	}
	if owner == "" || owner == out.ID {
		taken[k] = out.ID
		return nil
	}
	out.After, out.Outcome, out.Note = string(model.Duplicate), string(model.NothingNew), "a copy of "+owner
	return nil
}
