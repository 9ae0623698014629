package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask"
)

func (v *verifier) source() apply.Source { return v.pass.Source(model.AskedVerify) }

// mute ends the asking; the files are still verified.
func (v *verifier) mute(why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.muted == nil {
		v.muted = why
	}
	v.pass.Failure(why, 0)
}

func (v *verifier) isMuted() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.muted != nil
}

// ready waits until the account may be asked. Once it has waited for too long, the provider is not asked any more.
func (v *verifier) ready(ctx context.Context) error {
	v.mu.Lock()
	muted := v.muted
	v.mu.Unlock()
	if muted != nil {
		return muted
	}
	err := v.o.Asker.Gate().WaitAtMost(ctx, v.account(), v.patience())
	if err != nil && ctx.Err() == nil {
		v.mute(err)
	}
	return err
}

// batch compares the rows of one batch: in one call where the service answers for several, and one by one those that
// the answer leaves out.
func (v *verifier) batch(ctx context.Context, rows []model.Transaction) error {
	left := rows
	if len(rows) > 1 && v.ready(ctx) == nil {
		obs, rest, err := v.o.Asker.FetchBatch(ctx, v.account(), rows, provider.WorkAudit)
		if err == nil { // else asked one by one it is seen what the matter is
			told := slices.DeleteFunc(slices.Clone(rows), func(t model.Transaction) bool {
				return slices.ContainsFunc(rest, func(r model.Transaction) bool { return r.Ref == t.Ref })
			})
			moved, err := v.answered(ctx, told, obs)
			if err != nil {
				return err
			}
			left = append(rest, moved...)
		}
	}
	for _, t := range left {
		if err := v.one(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// answered compares rows with whole objects, and returns those that the objects leave out, or that moved since the
// question was sent.
func (v *verifier) answered(
	ctx context.Context, rows []model.Transaction, found []model.Observation,
) (left []model.Transaction, err error) {
	by := make(map[string]model.Observation, len(found))
	for _, o := range found {
		by[o.Ref] = o
	}
	keys := make([]model.Key, len(rows))
	for i, t := range rows {
		keys[i] = t.Key()
	}
	now, err := v.o.Store.Rows(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, t := range rows {
		o, told := by[t.Ref]
		t, there := now[t.Key()]
		switch {
		case !there: // removed meanwhile
			v.handled(1)
		case !told || t.Version > o.Version:
			left = append(left, t)
		default:
			if err := v.compare(ctx, t, o); err != nil {
				return nil, err
			}
		}
	}
	return left, nil
}

// one asks about one row. One that moves while it is asked about is compared again.
func (v *verifier) one(ctx context.Context, t model.Transaction) error {
	for try := 1; v.ready(ctx) == nil; try++ {
		now, err := v.o.Store.Transaction(ctx, t.Key())
		if errors.Is(err, store.ErrNoRow) { // removed meanwhile
			v.handled(1)
			return nil
		}
		if err != nil {
			return err
		}
		o, err := v.o.Asker.Fetch(ctx, v.account(), now, provider.WorkAudit)
		if err != nil {
			again, err := v.unanswered(ctx, t, err, try)
			if err != nil {
				return err
			}
			if again {
				continue
			}
			break
		}
		if t, err = v.o.Store.Transaction(ctx, now.Key()); errors.Is(err, store.ErrNoRow) {
			v.handled(1)
			return nil
		}
		if err != nil {
			return err
		}
		if t.Version != now.Version && try < 3 {
			continue
		}
		// It is compared with the row as it is by now.
		o = ask.Question{Version: t.Version, AskedAt: o.AskedAt}.Answer(t.Ref, o, o.At)
		if err := v.o.Asker.Gate().Answered(ctx, v.account(), t.Key()); err != nil {
			return err
		}
		return v.compare(ctx, t, o)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return v.filesOnly(ctx, t)
}

// unanswered deals with a question that failed: it is put again where the service only asked to wait. Refused
// credentials end the asking.
func (v *verifier) unanswered(ctx context.Context, t model.Transaction, err error, try int) (again bool, _ error) {
	var after *provider.RetryAfter
	waits := errors.As(err, &after) || errors.Is(err, provider.ErrUnavailable)
	ours := v.o.Asker.Gate().Failed(ctx, v.account(), t.Key(), err)
	switch {
	case waits && try < ask.Tries:
		return true, ours
	case ours != nil || ctx.Err() != nil:
		return false, errors.Join(ours, ctx.Err())
	case errors.Is(err, provider.ErrDenied):
		v.mute(fmt.Errorf("%s: %w", t.Key(), err))
		return false, nil
	}
	v.pass.Failure(fmt.Errorf("%s: %w", t.Key(), err), 0)
	return false, nil
}

// filesOnly verifies the files of a row that the provider could not be asked about.
func (v *verifier) filesOnly(ctx context.Context, t model.Transaction) error {
	lines, err := v.files(ctx, t)
	if err != nil {
		return err
	}
	v.pass.Failure(nil, 1)
	v.found(lines, Verified{})
	return nil
}

// compare compares a row with what the provider says, and its files with their hashes. With repair the answer is
// applied, and the lines are written with it: after a kill nothing tells any more that there was drift.
func (v *verifier) compare(ctx context.Context, t model.Transaction, o model.Observation) error {
	lines := v.differences(t, o)
	files, err := v.files(ctx, t)
	if err != nil {
		return err
	}
	if len(lines) > 0 && v.pass.Params.Repair {
		also := func(b *store.Batch, dids []apply.Applied) {
			mended := len(v.differences(dids[0].Next, o)) == 0
			for i := range lines {
				lines[i].Repaired = mended
			}
			b.PutDrift(lines...)
		}
		err := v.account().Generation.Learn(func() error {
			dids, err := v.o.Table.AnswersAnd(ctx, v.account(), v.source(), []model.Observation{o}, also)
			if err == nil {
				v.pass.Count(dids[0])
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	sum := Verified{Checked: 1}
	if o.Absence == model.NotFound || o.Absence == model.Gone {
		sum.NotFound = 1
	}
	v.found(append(lines, files...), sum)
	return nil
}

// found adds what one row showed to what the page has found.
func (v *verifier) found(lines []model.DriftLine, sum Verified) {
	v.handled(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range lines {
		sum.Drift++
		if l.Repaired {
			sum.Repaired++
		}
	}
	v.page.Add(sum)
	v.lines = append(v.lines, lines...)
}

func (v *verifier) handled(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done += n
}

func (v *verifier) line(t model.Transaction, field, about, ours, theirs string) model.DriftLine {
	return model.DriftLine{
		Run: v.pass.Run.ID, Account: t.Account, Ref: t.Ref, Field: field, About: about,
		Ours: ours, Theirs: theirs, FoundAt: v.o.Now(),
	}
}

// differences compares what a row says with what the provider says now. A transaction that the
// provider does not have is counted apart, never as drift; one that the row calls deleted and the
// provider has is drift.
func (v *verifier) differences(t model.Transaction, o model.Observation) (out []model.DriftLine) {
	r := v.account().Rules
	add := func(field, about, ours, theirs string) {
		if ours != theirs {
			out = append(out, v.line(t, field, about, ours, theirs))
		}
	}
	if o.Absence != model.Present {
		if o.Absence == model.Gone && r.GoneIs != "" && !t.Status.Final() && !t.Deleted {
			add("status", "", string(t.Status), string(r.GoneIs))
		}
		return out
	}
	if theirs := o.Status; theirs != "" && r.Confirms[theirs] != t.Status {
		add("status", "", string(t.Status), string(theirs))
	}
	flag := func(field string, ours bool, theirs model.Flag) {
		if theirs != model.Unsaid {
			add(field, "", strconv.FormatBool(ours), strconv.FormatBool(theirs == model.Yes))
		}
	}
	flag("archived", t.Archived, o.Archived)
	flag("trashed", t.Trashed, o.Trashed)
	if o.Deleted != model.Yes { // some services go on showing what was deleted
		o.Deleted = model.No
	}
	flag("deleted", t.Deleted, o.Deleted)
	ours := map[string]model.SignerStatus{}
	for _, s := range t.Signers {
		ours[s.Ref] = s.Status
	}
	for _, s := range o.Signers {
		add("signer", s.Ref, string(ours[s.Ref]), string(s.Status))
	}
	return out
}
