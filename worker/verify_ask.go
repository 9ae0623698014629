package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

func (v *verifier) source() Source { return Source{Asked: model.AskedVerify, Run: v.run.ID} }

func errForeign(account string) error {
	return fmt.Errorf("account %s: the credentials are of another account of the provider than the rows: %w", account, provider.ErrDenied)
}

// mute ends the asking; the files are still verified.
func (v *verifier) mute(why error) {
	v.pass.mu.Lock()
	defer v.pass.mu.Unlock()
	if v.muted == nil {
		v.muted = why
	}
	if v.first == nil {
		v.first = why
	}
}

func (v *verifier) isMute() bool {
	v.pass.mu.Lock()
	defer v.pass.mu.Unlock()
	return v.muted != nil
}

// mayAsk waits until the account may be asked. Where that takes too long, or its credentials are refused, nothing is asked any more.
func (v *verifier) mayAsk(ctx context.Context) bool {
	for began := v.Now(); !v.isMute() && !v.may(v.a); {
		now := v.Now()
		v.Worker.mu.Lock()
		refused, until := v.Worker.refused[v.a.ID], v.stopped[v.a.ID]
		v.Worker.mu.Unlock()
		switch {
		case refused:
			v.mute(fmt.Errorf("account %s: %w", v.a.ID, provider.ErrDenied))
		case now.Sub(began) > v.patience(), until.Sub(now) > v.patience():
			v.mute(fmt.Errorf("account %s: %w", v.a.ID, provider.ErrUnavailable))
		}
		if sleep(ctx, min(time.Second, v.RetryWait)) != nil {
			return false
		}
	}
	return !v.isMute()
}

// some compares the rows of one batch: in one call where the service answers for several, and one by one those that
// the answer leaves out.
func (v *verifier) some(ctx context.Context, rows []model.Transaction) error {
	left := rows
	if b := v.a.Provider.Batcher; b != nil && len(rows) > 1 && v.mayAsk(ctx) {
		version, err := v.Store.Version(ctx)
		if err != nil {
			return err
		}
		refs := make([]string, len(rows))
		for i, t := range rows {
			refs[i] = t.Ref
		}
		asked := v.Now()
		found, err := b.FetchMany(provider.WithWork(ctx, provider.WorkAudit), refs)
		if err == nil { // else one of them may be at fault: asked one by one it is seen which
			if left, err = v.answered(ctx, rows, found, model.Observation{Version: version, AskedAt: asked}); err != nil {
				return err
			}
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
func (v *verifier) answered(ctx context.Context, rows []model.Transaction, found []model.Observation, stamp model.Observation) (left []model.Transaction, err error) {
	by := make(map[string]model.Observation, len(found))
	for _, o := range found {
		by[o.Ref] = o
	}
	keys := make([]model.Key, len(rows))
	for i, t := range rows {
		keys[i] = t.Key()
	}
	now, err := v.Store.Rows(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, t := range rows {
		o, told := by[t.Ref]
		t, there := now[t.Key()]
		switch {
		case !there: // removed meanwhile
			v.handled(1)
		case !told || t.Version > stamp.Version:
			left = append(left, t)
		default:
			o.Evidence, o.Version, o.AskedAt, o.At = model.Verified, t.Version, stamp.AskedAt, v.Now()
			if err := v.compare(ctx, t, o); err != nil {
				return nil, err
			}
		}
	}
	return left, nil
}

// one asks about one row. One that moves while it is asked about is compared again.
func (v *verifier) one(ctx context.Context, t model.Transaction) error {
	work := provider.WorkAudit
	if unvouched(t) {
		work = provider.WorkUnknown
	}
	qctx := provider.WithWork(ctx, work)
	if t.Test {
		qctx = provider.WithClass(qctx, provider.ClassTest)
	}
	for try := 1; v.mayAsk(ctx); try++ {
		now, err := v.Store.Transaction(ctx, t.Key())
		if errors.Is(err, store.ErrNoRow) { // gone meanwhile: nothing to compare
			v.handled(1)
			return nil
		}
		if err != nil {
			return err
		}
		asked := v.Now()
		o, err := v.a.Provider.Fetch(qctx, t.Ref)
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
		if t, err = v.Store.Transaction(ctx, now.Key()); errors.Is(err, store.ErrNoRow) {
			v.handled(1)
			return nil
		}
		if err != nil {
			return err
		}
		if t.Version != now.Version && try < 3 {
			continue
		}
		o.Ref, o.Evidence, o.Version, o.AskedAt, o.At = now.Ref, model.Verified, t.Version, asked, v.Now()
		if err := v.recovered(ctx, v.a); err != nil {
			return err
		}
		return v.compare(ctx, t, o)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return v.filesOnly(ctx, t)
}

// unanswered deals with a question that failed: it is put again where the service only asked to wait. Refused credentials
// end the asking.
func (v *verifier) unanswered(ctx context.Context, t model.Transaction, err error, try int) (again bool, _ error) {
	var after *provider.RetryAfter
	waits := errors.As(err, &after) || errors.Is(err, provider.ErrUnavailable)
	if waits && try < listedTries {
		return true, v.failed(ctx, v.a, t.Key(), err)
	}
	if ours := v.failed(ctx, v.a, t.Key(), err); ours != nil || ctx.Err() != nil {
		return false, errors.Join(ours, ctx.Err())
	}
	if errors.Is(err, provider.ErrDenied) {
		v.mute(fmt.Errorf("%s: %w", t.Key(), err))
		return false, nil
	}
	v.pass.mu.Lock()
	if v.first == nil {
		v.first = fmt.Errorf("%s: %w", t.Key(), err)
	}
	v.pass.mu.Unlock()
	return false, nil
}

// filesOnly verifies the files of a row that the provider could not be asked about.
func (v *verifier) filesOnly(ctx context.Context, t model.Transaction) error {
	lines, err := v.files(ctx, t)
	if err != nil {
		return err
	}
	v.pass.mu.Lock()
	v.failures++
	v.pass.mu.Unlock()
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
	if len(lines) > 0 && v.params.Repair {
		dids, err := v.answersAnd(ctx, v.a, v.source(), []model.Observation{o}, func(b *store.Batch, dids []Applied) {
			mended := len(v.differences(dids[0].Next, o)) == 0
			for i := range lines {
				lines[i].Repaired = mended
			}
			b.PutDrift(lines...)
		})
		if err != nil {
			return err
		}
		v.count(dids[0])
	}
	sum := Verified{Checked: 1}
	if o.Absence == model.NotFound || o.Absence == model.Gone {
		sum.NotFound = 1
	}
	v.found(append(lines, files...), sum)
	return nil
}

// found adds what one row showed to what the page has found.
func (v *verifier) found(lines []store.DriftLine, sum Verified) {
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

func (v *verifier) line(t model.Transaction, field, about, ours, theirs string) store.DriftLine {
	return store.DriftLine{Run: v.run.ID, Account: t.Account, Ref: t.Ref, Field: field, About: about, Ours: ours, Theirs: theirs, FoundAt: v.Now()}
}

// differences compares what a row says with what the provider says now. A transaction that the
// provider does not have is counted apart, never as drift; one that the row calls deleted and the
// provider has is drift.
func (v *verifier) differences(t model.Transaction, o model.Observation) (out []store.DriftLine) {
	r := v.a.Rules
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
