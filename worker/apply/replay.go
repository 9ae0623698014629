package apply

import (
	"context"
	"fmt"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/incidents"
)

// Replay hands a stored callback in once more. was is the callback as it is stored; in is what it says now, of the same
// ID and the time it came. It is written in place, and what has been applied before changes nothing: an
// accepted callback stays as it is, unless it was ignored and is no longer. Nor does one whose proof no longer
// holds lose the verdict that it had. The result is the callback's verdict and outcome afterwards, and says
// whether anything was written. Where another process has replayed it meanwhile, nothing is
// written and the outcome is empty. store.ErrNoRow: it is gone.
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
		case now != was.Verdict: // replayed by somebody else meanwhile
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

// replayed is what the note of a callback says that was handed in again.
func (tb *Table) replayed(was model.Callback) string {
	return fmt.Sprintf("replayed at %s, was %s", tb.now().UTC().Format("2006-01-02T15:04:05.000Z"), was.Verdict)
}
