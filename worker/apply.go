package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// Callback stores a callback and applies what it says in one database transaction, which is on
// disk when it returns. A copy of one that is stored already changes nothing, but that a link in it may be newer. Errors are the
// store's (ErrBusy, ErrUnavailable): nothing was kept, the caller must not acknowledge.
func (w *Worker) Callback(ctx context.Context, in apply.Incoming) (apply.Result, error) {
	res, err := w.callback(ctx, in)
	if err == nil || ctx.Err() != nil || ofTheStore(err) {
		return res, err
	}
	// The fault is in this callback, or in what we make of it: sent again it would fail again. It is kept, for
	// `callbacks replay` once the fault is mended.
	w.Log.WithFields(logrus.Fields{"account": in.Callback.Account, "txn": in.Callback.Ref, "reason": fmt.Sprintf("%T", err)}).Error("callback could not be applied, kept as not understood")
	in.Callback.Verdict, in.Callback.Note = model.NotUnderstood, "it could not be applied: a fault of countersign, or a value that the database refuses"
	return w.callback(ctx, in)
}

// ofTheStore says whether an error is about the whole database, and none of what was to be written.
func ofTheStore(err error) bool {
	for _, of := range []error{store.ErrBusy, store.ErrUnavailable, store.ErrOlder, store.ErrNewer, store.ErrKey} {
		if errors.Is(err, of) {
			return true
		}
	}
	return false
}

// callback is one attempt of Callback.
func (w *Worker) callback(ctx context.Context, in apply.Incoming) (apply.Result, error) {
	var res apply.Result
	var incidents []incidentMove
	in.Callback.Unproved = in.Unproved()
	packed, err := w.Store.Pack(in.Callback) // here, beside the one that writes
	if err != nil {
		return apply.Result{}, err
	}
	u := unitOf(in, func(b *store.Batch) error {
		var err error
		res, incidents, err = w.receive(b, in, packed, b.AddCallback)
		return err
	})
	if err := w.Store.Do(ctx, u); err != nil {
		return apply.Result{}, err
	}
	w.noteIncidents(incidents)
	return res, nil
}

// dedupeKey is what makes another callback a copy of this one.
func dedupeKey(cb model.Callback) store.DedupeKey {
	return store.DedupeKey{Account: cb.Account, Ref: cb.Ref, Key: cb.DedupeKey}
}

// unitOf is a change that looks at all that a callback names.
func unitOf(in apply.Incoming, apply func(*store.Batch) error) store.Unit {
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

// receive is Callback and Replay inside the group's transaction. cb is in's, packed; write puts it into the table and
// returns its id. It may run twice.
func (w *Worker) receive(b *store.Batch, in apply.Incoming, cb store.Packed, write func(store.Packed) string) (apply.Result, []incidentMove, error) {
	if b.Forgotten(model.Key{Account: cb.Account, Ref: cb.Ref}) {
		return receiveForgotten(b, in, write)
	}
	switch cb.Verdict {
	case model.Refused:
		id := write(cb)
		moved, err := countRefused(b, cb.Callback)
		return apply.Result{ID: id, Verdict: cb.Verdict, Outcome: ""}, moved, err
	case model.NotUnderstood:
		return apply.Result{ID: write(cb), Verdict: cb.Verdict, Outcome: cb.Outcome}, nil, nil
	}
	if key := dedupeKey(cb.Callback); key.Key != "" { // a later copy may bring a newer link, and changes nothing else
		id, verdict, seen := b.Seen(key)
		switch {
		case seen && id != cb.ID && verdict != model.NotUnderstood:
			cb = store.Packed{Callback: in.Callback} // not packed: a copy keeps no body
			cb.Verdict, cb.Outcome, cb.DedupeKey, cb.Body, cb.Note = model.Duplicate, model.NothingNew, "", nil, joined("a copy of "+id, cb.Note)
			return apply.Result{ID: write(cb), Verdict: cb.Verdict, Outcome: cb.Outcome}, nil, w.linkDocuments(b, in, cb.At)
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
	return w.accept(b, in, cb, write(cb))
}

// joined is a note of two parts, each of which may be missing.
func joined(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "; " + second
}

// accept counts a callback that is proved and no copy, and applies what it says. id is what it was written under.
func (w *Worker) accept(b *store.Batch, in apply.Incoming, cb store.Packed, id string) (apply.Result, []incidentMove, error) {
	var moved []incidentMove
	if !in.Test { // a test tells that somebody can sign and reach us: it may be ourselves, and says nothing of what happens at the provider
		var err error
		if moved, err = countAccepted(b, cb.Callback); err != nil {
			return apply.Result{}, nil, err
		}
	}
	outcome := cb.Outcome
	for _, o := range in.Observations {
		o.At = cb.At
		did, err := w.claim(b, in.Rules, cb.Callback, id, o)
		if err != nil {
			return apply.Result{}, nil, err
		}
		outcome = better(outcome, did)
	}
	if outcome != cb.Outcome {
		b.SetOutcome(id, outcome)
	}
	return apply.Result{ID: id, Verdict: cb.Verdict, Outcome: outcome}, moved, w.linkDocuments(b, in, cb.At)
}

// claim applies one observation of a callback to its row.
func (w *Worker) claim(b *store.Batch, r model.Rules, cb model.Callback, id string, o model.Observation) (model.Outcome, error) {
	k := model.Key{Account: cb.Account, Ref: o.Ref}
	t, ok := b.Transaction(k)
	if !ok && b.Forgotten(k) {
		return model.Ignored, nil
	}
	if !ok {
		t = model.Transaction{Account: k.Account, Ref: k.Ref, Provider: r.Provider, Status: model.Unknown, SignersSet: true}
	}
	d := model.Decide(r, t, o)
	if t.OpenGaps > 0 && o.Evidence != model.Hint {
		if err := w.explain(b, r, &d.Next, cb); err != nil {
			return "", err
		}
	}
	b.Put(d.Next, d)
	for _, c := range d.Changes {
		w.record(b, d.Next, c, "callback "+id, cb.At, true)
		if c.Kind == model.KindStatus || c.Kind == model.KindFlag {
			b.AddTold(k.Account, toldChange(c), cb.At)
			b.AddFirst(k.Account, toldChange(c), model.ByCallback, cb.At)
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

// toldChange names the change that a callback's claim told by itself.
func toldChange(c model.RowChange) model.GapChange {
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

// record writes one change of a row to history, the feed and the outbox. A row that is still
// unknown is never announced.
func (w *Worker) record(b *store.Batch, t model.Transaction, c model.RowChange, source string, at time.Time, announce bool) {
	b.AddChange(model.Change{
		Account: t.Account, Ref: t.Ref, Kind: c.Kind, From: c.From, To: c.To, Status: t.Status,
		Confirmed: t.Confirmed, Source: source, At: at, Announce: announce && t.Status != model.Unknown,
	})
}

// better returns the outcome that says more.
func better(a, b model.Outcome) model.Outcome {
	order := []model.Outcome{"", model.Ignored, model.NothingNew, model.Checking, model.Applied}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// Source says where answers come from.
type Source struct {
	Asked model.Asked
	Run   string     // the run's id; "" for a confirmation
	Tier  apply.Tier // of a poll
}

// channel names the way on which an answer came that showed what no callback had told. t is the row as it was.
func (s Source) channel(t model.Transaction) model.Channel {
	switch s.Asked {
	case model.AskedPoll:
		return model.Channel(s.Tier)
	case model.AskedBackfill:
		return model.ByBackfill
	case model.AskedVerify:
		return model.ByVerify
	case model.AskedRef:
		return model.ByHand
	}
	switch {
	case t.DueReason == model.DueHint:
		return model.ByHint
	case t.DueReason == model.DueStream:
		return model.ByStream
	case t.DueReason == model.DueNew && t.Origin == model.OriginTrack:
		return model.ByTrack
	case t.DueReason == model.DueAsked:
		return model.ByHand
	}
	return model.ByRecheck
}

func (s Source) String() string {
	if s.Run == "" {
		return string(s.Asked)
	}
	return string(s.Asked) + " " + s.Run
}

// Applied says what became of one answer.
type Applied struct {
	Key    model.Key
	Before model.Transaction
	model.Decision
	Gaps int // pending gaps that it left
}

// Answers applies what a provider said, a page or a single answer, in one database transaction.
// Each observation carries At, AskedAt and Version. The results are in the order of obs.
func (w *Worker) Answers(ctx context.Context, a *apply.Account, src Source, obs []model.Observation) ([]Applied, error) {
	return w.answersAnd(ctx, a, src, obs, func(*store.Batch, []Applied) {})
}

// answersAnd is Answers and does something more in the same transaction, which may run twice.
func (w *Worker) answersAnd(ctx context.Context, a *apply.Account, src Source, obs []model.Observation, also func(*store.Batch, []Applied)) ([]Applied, error) {
	var out []Applied
	u := store.Unit{}
	for i := range obs {
		provider.LegibleObservation(&obs[i])
		u.Keys = append(u.Keys, model.Key{Account: a.ID, Ref: obs[i].Ref})
	}
	u.Apply = func(b *store.Batch) error {
		out = out[:0]
		for i, o := range obs {
			o.Asked = src.Asked
			did, err := w.answer(b, a, src, u.Keys[i], o)
			if err != nil {
				return err
			}
			out = append(out, did)
		}
		also(b, out)
		return nil
	}
	if err := w.doPatiently(ctx, u); err != nil {
		return nil, err
	}
	return out, nil
}

// doPatiently queues a unit and waits where the queue is full: answers can wait, callers of the
// listener cannot.
func (w *Worker) doPatiently(ctx context.Context, u store.Unit) error {
	for {
		err := w.Store.Do(ctx, u)
		if !errors.Is(err, store.ErrBusy) {
			return err
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// answer applies one answer inside the transaction.
func (w *Worker) answer(b *store.Batch, a *apply.Account, src Source, k model.Key, o model.Observation) (Applied, error) {
	t, ok := b.Transaction(k)
	if !ok {
		if o.Absence != model.Present || b.Forgotten(k) {
			return Applied{Key: k, Decision: model.Decision{Reason: model.Absent}}, nil // gone meanwhile, never a row, or forgotten
		}
		t = model.Transaction{Account: k.Account, Ref: k.Ref, Provider: a.Rules.Provider, Status: model.Unknown, SignersSet: true}
	}
	d := model.Decide(a.Rules, t, o)
	did := Applied{Key: k, Before: t, Decision: d}
	if d.Remove {
		if t.DocsTotal > 0 { // a file that came by a link goes into quarantine
			if err := w.wake(b, k); err != nil {
				return did, err
			}
		}
		b.Remove(k)
		b.SetOutcomes(k, model.ClaimUnresolved)
		return did, nil
	}
	if len(d.Found) > 0 {
		n, err := w.find(b, a, src, t, &d, o)
		if err != nil {
			return did, err
		}
		did.Gaps = n
	}
	b.Put(d.Next, d)
	announce := src.Asked != model.AskedBackfill
	for _, c := range d.Changes {
		w.record(b, d.Next, c, src.String(), o.At, announce)
	}
	did.Decision = d
	if len(d.Documents) > 0 {
		if err := w.queueDocuments(b, a, k, d.Documents); err != nil {
			return did, err
		}
	}
	return did, w.wakeDocuments(b, t, d.Next)
}
