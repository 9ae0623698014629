package worker

import (
	"context"
	"fmt"

	"countersign/model"
	"countersign/model/store"
)

// Replay hands a stored callback in once more. was is the callback as it is stored; in is what it says now, of the same
// ID and the time it came. It is written in place, and what has been applied before changes nothing: an
// accepted callback stays as it is, unless it was ignored and is no longer. Nor does one whose proof no longer
// holds lose the verdict that it had. The result is the callback's verdict and outcome afterwards, and says
// whether anything was written. Where another process has replayed it meanwhile, nothing is
// written and the outcome is empty. store.ErrNoRow: it is gone.
func (w *Worker) Replay(ctx context.Context, was model.Callback, in Incoming) (res Result, changed bool, err error) {
	cb := in.Callback
	cb.ID, cb.Unproved = was.ID, in.unproved()
	cb.Note = w.replayed(was, cb.Note)
	u := store.Unit{Keys: []model.Key{{Account: cb.Account, Ref: cb.Ref}}}
	for _, o := range in.Observations {
		u.Keys = append(u.Keys, model.Key{Account: cb.Account, Ref: o.Ref})
	}
	dedupe := store.DedupeKey{Account: cb.Account, Ref: cb.Ref, Key: cb.DedupeKey}
	if dedupe.Key != "" {
		u.Dedupe = []store.DedupeKey{dedupe}
	}
	u.Apply = func(b *store.Batch) error {
		res, changed = Result{was.ID, was.Verdict, was.Outcome}, false
		now, ok, err := b.StoredVerdict(was.ID)
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("callback %s: %w", was.ID, store.ErrNoRow)
		case now != was.Verdict: // replayed by somebody else meanwhile
			res.Verdict, res.Outcome = now, ""
			return nil
		case !WorthReplaying(was, in):
			return nil
		}
		changed = true
		res, err = w.rejudge(b, in, cb, dedupe)
		return err
	}
	err = w.doPatiently(ctx, u)
	return res, changed && err == nil, err
}

// WorthReplaying says whether a callback's new verdict may take the place of the old one.
func WorthReplaying(was model.Callback, in Incoming) bool {
	switch is := in.Callback.Verdict; was.Verdict {
	case model.Refused:
		return is != model.Refused
	case model.NotUnderstood:
		return is == model.Accepted
	case model.Accepted:
		return is == model.Accepted && was.Outcome == model.Ignored && in.Ignored == "" && !in.Test
	}
	return false // a duplicate has nothing to say
}

// replayed is the note of a callback that was handed in again.
func (w *Worker) replayed(was model.Callback, note string) string {
	if note != "" {
		note += "; "
	}
	return note + fmt.Sprintf("replayed at %s, was %s", w.Now().UTC().Format("2006-01-02T15:04:05.000Z"), was.Verdict)
}

// rejudge is Replay inside the group's transaction. It may run twice.
func (w *Worker) rejudge(b *store.Batch, in Incoming, cb model.Callback, dedupe store.DedupeKey) (Result, error) {
	if cb.Verdict == model.NotUnderstood {
		b.Amend(store.Packed{Callback: cb})
		return Result{cb.ID, cb.Verdict, cb.Outcome}, nil
	}
	if dedupe.Key != "" {
		id, verdict, seen := b.Seen(dedupe)
		switch {
		case seen && id != cb.ID && verdict != model.NotUnderstood:
			cb.Verdict, cb.Outcome, cb.DedupeKey, cb.Body = model.Duplicate, model.NothingNew, "", nil
			cb.Note = "a copy of " + id + "; " + cb.Note
			b.Amend(store.Packed{Callback: cb})
			return Result{cb.ID, cb.Verdict, cb.Outcome}, w.linkDocuments(b, in, cb.At)
		case seen && id != cb.ID:
			b.ReleaseDedupe(dedupe)
		}
	}
	cb.Outcome = model.NothingNew
	switch {
	case in.Test:
		cb.Outcome = model.TestEvent
	case in.Ignored != "":
		cb.Outcome, cb.Note = model.Ignored, in.Ignored+"; "+cb.Note
	}
	for _, o := range in.Observations {
		o.At = cb.At
		did, err := w.claim(b, in.Rules, cb, cb.ID, o)
		if err != nil {
			return Result{}, err
		}
		cb.Outcome = better(cb.Outcome, did)
	}
	b.Amend(store.Packed{Callback: cb})
	acc, err := b.Account(cb.Account)
	if err == nil && (acc.LastCallbackAt == nil || cb.At.After(*acc.LastCallbackAt)) {
		at := cb.At
		acc.LastCallbackAt = &at
		b.PutAccount(acc)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{cb.ID, cb.Verdict, cb.Outcome}, w.linkDocuments(b, in, cb.At)
}
