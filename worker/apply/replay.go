package apply

import (
	"context"
	"fmt"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/incidents"
)

// Replay applies a stored callback once more. was is the callback as stored; in is how it is judged now, with the same
// ID and time. The stored row is rewritten in place, and what was applied before changes nothing. An accepted callback
// stays as it is, unless it was ignored and is no longer; a callback whose proof no longer holds keeps its verdict.
// Replay returns the verdict and outcome afterwards, and whether anything was written. Where another process has
// replayed the callback meanwhile, nothing is written and the outcome is empty. store.ErrNoRow: the callback is gone.
func (tb *Table) Replay(ctx context.Context, was model.Callback, in Incoming) (res Result, changed bool, err error) {
	in.Callback.ID, in.Callback.Note = was.ID, joined(in.Callback.Note, tb.replayed(was))
	in.Callback.Unproved = in.Unproved()
	packed, err := tb.store.Pack(in.Callback)
	if err != nil {
		return Result{}, false, err
	}
	var moved []incidents.Move
	u := unitOf(in, func(b *store.Batch) error {
		res, changed, moved = Result{ID: was.ID, Verdict: was.Verdict, Outcome: was.Outcome}, false, nil
		now, ok, err := b.StoredVerdict(was.ID)
		switch {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("callback %s: %w", was.ID, store.ErrNoRow)
		case now != was.Verdict: // another process replayed it meanwhile
			res.Verdict, res.Outcome = now, ""
			return nil
		case !WorthReplaying(was, in):
			return nil
		}
		changed = true
		res, moved, err = tb.receive(b, in, packed, func(cb store.Packed) string {
			b.Amend(cb)
			return cb.ID
		})
		return err
	})
	if err := tb.store.DoPatiently(ctx, u); err != nil {
		return res, false, err
	}
	tb.incidents.Note(moved)
	return res, changed, nil
}

// WorthReplaying reports whether a callback's new verdict may replace the old one.
func WorthReplaying(was model.Callback, in Incoming) bool {
	switch is := in.Callback.Verdict; was.Verdict {
	case model.Refused:
		return is != model.Refused
	case model.NotUnderstood:
		return is == model.Accepted
	case model.Accepted:
		return is == model.Accepted && was.Outcome == model.Ignored && in.Ignored == "" && !in.Test
	}
	return false // a duplicate has nothing new to apply
}

// replayed is the note of a callback that was replayed.
func (tb *Table) replayed(was model.Callback) string {
	return fmt.Sprintf("replayed at %s, was %s", tb.now().UTC().Format("2006-01-02T15:04:05.000Z"), was.Verdict)
}
