package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/incidents"
)

// Callback stores a callback and applies it in one database transaction, which is on disk when Callback returns. A
// duplicate changes nothing, except that it may bring a newer link. Errors are the store's (ErrBusy, ErrUnavailable):
// nothing was stored, and the caller must not acknowledge.
func (tb *Table) Callback(ctx context.Context, in Incoming) (Result, error) {
	res, err := tb.callback(ctx, in)
	if err == nil || ctx.Err() != nil || ofTheStore(err) {
		return res, err
	}
	// The fault is in this callback or in our code for it, so a retry by the provider would fail in the same way. It
	// is stored, and `callbacks replay` applies it once the fault is fixed.
	cb := &in.Callback
	log := tb.log.WithFields(logrus.Fields{"account": cb.Account, "txn": cb.Ref, "reason": fmt.Sprintf("%T", err)})
	log.Error("callback could not be applied, kept as not understood")
	cb.Verdict = model.NotUnderstood
	cb.Note = "it could not be applied: a fault of countersign, or a value that the database refuses"
	return tb.callback(ctx, in)
}

// ofTheStore reports whether an error concerns the whole database, and not the data of one write.
func ofTheStore(err error) bool {
	for _, of := range []error{store.ErrBusy, store.ErrUnavailable, store.ErrOlder, store.ErrNewer, store.ErrKey} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}

// callback is one attempt of Callback.
func (tb *Table) callback(ctx context.Context, in Incoming) (Result, error) {
	var res Result
	var moved []incidents.Move
	in.Callback.Unproved = in.Unproved()
	packed, err := tb.store.Pack(in.Callback) // here, beside the one that writes
	if err != nil {
		return Result{}, err
	}
	u := unitOf(in, func(b *store.Batch) error {
		var err error
		res, moved, err = tb.receive(b, in, packed, b.AddCallback)
		return err
	})
	if err := tb.store.Do(ctx, u); err != nil {
		return Result{}, err
	}
	tb.incidents.Note(moved)
	return res, nil
}

// dedupeKey returns the key by which a later callback counts as a duplicate of this one.
func dedupeKey(cb model.Callback) store.DedupeKey {
	return store.DedupeKey{Account: cb.Account, Ref: cb.Ref, Key: cb.DedupeKey}
}

// unitOf returns a unit of change that covers every row that a callback names.
func unitOf(in Incoming, apply func(*store.Batch) error) store.Unit {
	u := store.Unit{Apply: apply}
	if in.Callback.Ref != "" || len(in.Observations) == 0 {
		u.Keys = append(u.Keys, model.Key{Account: in.Callback.Account, Ref: in.Callback.Ref})
	}
	for _, o := range in.Observations {
		if o.Ref != in.Callback.Ref {
			u.Keys = append(u.Keys, model.Key{Account: in.Callback.Account, Ref: o.Ref})
		}
	}
	if in.Callback.DedupeKey != "" {
		u.Dedupe = []store.DedupeKey{dedupeKey(in.Callback)}
	}
	return u
}

// receive is what Callback and Replay do inside the database transaction. cb is the packed form of in's callback;
// write stores it and returns its id. receive may run twice.
func (tb *Table) receive(
	b *store.Batch, in Incoming, cb store.Packed, write func(store.Packed) string,
) (Result, []incidents.Move, error) {
	if b.Forgotten(model.Key{Account: cb.Account, Ref: cb.Ref}) {
		return receiveForgotten(b, in, write)
	}
	switch cb.Verdict {
	case model.Refused:
		id := write(cb)
		moved, err := incidents.CountRefused(b, cb.Callback)
		return Result{ID: id, Verdict: cb.Verdict, Outcome: ""}, moved, err
	case model.NotUnderstood:
		id := write(cb)
		moved, err := incidents.CountNotUnderstood(b, cb.Callback)
		return Result{ID: id, Verdict: cb.Verdict, Outcome: cb.Outcome}, moved, err
	}
	if key := dedupeKey(cb.Callback); key.Key != "" { // a duplicate may bring a newer link, and changes nothing else
		id, verdict, seen := b.Seen(key)
		switch {
		case seen && id != cb.ID && verdict != model.NotUnderstood:
			cb = store.Packed{Callback: in.Callback} // not packed: the body of a duplicate is not stored
			cb.Verdict, cb.Outcome, cb.DedupeKey, cb.Body = model.Duplicate, model.NothingNew, "", nil
			cb.Note = joined("a copy of "+id, cb.Note)
			return Result{ID: write(cb), Verdict: cb.Verdict, Outcome: cb.Outcome}, nil, tb.linkDocuments(b, in, cb.At)
		case seen && id != cb.ID:
			b.ReleaseDedupe(key)
		}
	}
	cb.Outcome = model.NothingNew
	switch {
	case in.Test:
		cb.Outcome = model.TestEvent
	case in.Ignored != "":
		cb.Outcome, cb.Note = model.Ignored, joined(in.Ignored, cb.Note)
	}
	return tb.accept(b, in, cb, write(cb))
}

// joined joins the two parts of a note, each of which may be empty.
func joined(first, second string) string { return strings.Trim(first+"; "+second, "; ") }

// accept counts a proved callback that is no duplicate, and applies it. id is the id that it was stored under.
func (tb *Table) accept(b *store.Batch, in Incoming, cb store.Packed, id string) (Result, []incidents.Move, error) {
	count := incidents.CountAccepted
	if in.Test { // a test event proves nothing about whether real events still come
		count = incidents.CountTest
	}
	moved, err := count(b, cb.Callback)
	if err != nil {
		return Result{}, nil, err
	}
	outcome := cb.Outcome
	for _, o := range in.Observations {
		o.At = cb.At
		did, err := tb.claim(b, in.Rules, cb.Callback, id, o)
		if err != nil {
			return Result{}, nil, err
		}
		outcome = better(outcome, did)
	}
	if outcome != cb.Outcome {
		b.SetOutcome(id, outcome)
	}
	return Result{ID: id, Verdict: cb.Verdict, Outcome: outcome}, moved, tb.linkDocuments(b, in, cb.At)
}

// claim applies one observation of a callback to its row.
func (tb *Table) claim(
	b *store.Batch, r model.Rules, cb model.Callback, id string, o model.Observation,
) (model.Outcome, error) {
	k := model.Key{Account: cb.Account, Ref: o.Ref}
	t, ok := b.Transaction(k)
	if !ok && b.Forgotten(k) {
		return model.Ignored, nil
	}
	if !ok {
		t = NewRow(r.Provider, k)
	}
	d := model.Decide(r, t, o)
	if t.OpenGaps > 0 && o.Evidence != model.Hint {
		if err := tb.explain(b, r, &d.Next, cb, id); err != nil {
			return "", err
		}
	}
	b.Put(d.Next, d)
	for _, c := range d.Changes {
		Record(b, d.Next, c, "callback "+id, cb.At, true)
		if c.Kind == model.KindStatus || c.Kind == model.KindFlag {
			b.AddReported(k.Account, reportedChange(c), cb.At)
			b.AddFirst(k.Account, reportedChange(c), model.ByCallback, cb.At)
		}
	}
	switch d.Reason {
	case model.Moved:
		return model.Applied, nil
	case model.Same, model.Quiet:
		return model.NothingNew, nil
	}
	return model.Checking, nil
}

// reportedChange names the change that a callback's claim reported by itself.
func reportedChange(c model.RowChange) model.GapChange {
	switch name := c.From + c.To; {
	case c.Kind == model.KindStatus && c.From == string(model.Unknown):
		return model.ChangeCreated
	case c.Kind == model.KindStatus:
		return model.ChangeStatus
	case name == string(model.ChangeTrashed):
		return model.ChangeTrashed
	}
	return model.ChangeArchived
}

// better returns the more informative of two outcomes.
func better(a, b model.Outcome) model.Outcome {
	order := []model.Outcome{"", model.Ignored, model.NothingNew, model.Checking, model.Applied}
	return slices.MaxFunc([]model.Outcome{a, b},
		func(a, b model.Outcome) int { return slices.Index(order, a) - slices.Index(order, b) })
}

// receiveForgotten records that a callback came for a forgotten transaction, and stores nothing of its content.
func receiveForgotten(b *store.Batch, in Incoming, write func(store.Packed) string) (Result, []incidents.Move, error) {
	cb := in.Callback
	cb.Body, cb.Headers, cb.RemoteAddr, cb.DedupeKey, cb.Note = nil, nil, "", "", "forgotten"
	if cb.Verdict == model.Accepted {
		cb.Outcome = model.Ignored
	}
	id := write(store.Packed{Callback: cb})
	var moved []incidents.Move
	var err error
	switch cb.Verdict {
	case model.Accepted:
		moved, err = incidents.CountAccepted(b, cb)
	case model.Refused:
		moved, err = incidents.CountRefused(b, cb)
	case model.NotUnderstood:
		moved, err = incidents.CountNotUnderstood(b, cb)
	}
	return Result{ID: id, Verdict: cb.Verdict, Outcome: cb.Outcome}, moved, err
}
