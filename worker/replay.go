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
// whether anything was written. store.ErrNoRow: it is gone.
func (w *Worker) Replay(ctx context.Context, was store.Callback, in Incoming) (res Result, changed bool, err error) {
	cb := in.Callback
	cb.ID = was.ID
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
			res.Verdict = now
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
func WorthReplaying(was store.Callback, in Incoming) bool {
	switch is := in.Callback.Verdict; was.Verdict {
	case store.Refused:
		return is != store.Refused
	case store.NotUnderstood:
		return is == store.Accepted
	case store.Accepted:
		return is == store.Accepted && was.Outcome == store.Ignored && in.Ignored == "" && !in.Test
	}
	return false // a duplicate has nothing to say
}

// replayed is the note of a callback that was handed in again.
func (w *Worker) replayed(was store.Callback, note string) string {
	if note != "" {
		note += "; "
	}
	return note + fmt.Sprintf("replayed at %s, was %s", w.Now().UTC().Format("2006-01-02T15:04:05.000Z"), was.Verdict)
}

// rejudge is Replay inside the group's transaction. It may run twice.
func (w *Worker) rejudge(b *store.Batch, in Incoming, cb store.Callback, dedupe store.DedupeKey) (Result, error) {
	if cb.Verdict == store.NotUnderstood {
		b.Amend(cb)
		return Result{cb.ID, cb.Verdict, cb.Outcome}, nil
	}
	if dedupe.Key != "" {
		id, verdict, seen := b.Seen(dedupe)
		switch {
		case seen && id != cb.ID && verdict != store.NotUnderstood:
			cb.Verdict, cb.Outcome, cb.DedupeKey, cb.Body = store.Duplicate, store.NothingNew, "", nil
			cb.Note = "a copy of " + id + "; " + cb.Note
			b.Amend(cb)
			return Result{cb.ID, cb.Verdict, cb.Outcome}, w.linkDocuments(b, in, cb.At)
		case seen && id != cb.ID:
			b.ReleaseDedupe(dedupe)
		}
	}
	cb.Outcome = store.NothingNew
	switch {
	case in.Test:
		cb.Outcome = store.TestEvent
	case in.Ignored != "":
		cb.Outcome, cb.Note = store.Ignored, in.Ignored+"; "+cb.Note
	}
	for _, o := range in.Observations {
		o.At = cb.At
		did, err := w.claim(b, in.Rules, cb, cb.ID, o)
		if err != nil {
			return Result{}, err
		}
		cb.Outcome = better(cb.Outcome, did)
	}
	b.Amend(cb)
	acc, err := b.Account(cb.Account)
	if err == nil && (acc.LastCallbackAt == nil || cb.At.After(*acc.LastCallbackAt)) {
		at := cb.At
		acc.LastCallbackAt = &at
		b.PutAccount(acc)
	}
	if err != nil {
		return Result{}, err
	}
	return Result{cb.ID, cb.Verdict, cb.Outcome}, w.linkDocuments(b, in, cb.At) // the link may live still
}
