package documents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
)

const (
	leaseFor = 10 * time.Minute         // a document stays out of other hands; a dead process gives it back after
	fileTime = leaseFor - 3*time.Minute // a file that takes longer, such as one that comes by the byte, is broken off
)

// Lanes fetch the documents that are due: as many lanes for each account as it may have files under way, and
// one for those of accounts that are no longer configured. Each takes one file at a time.
func (ds *Documents) Lanes() []Lane {
	var out []Lane
	others := store.DocumentsDue{Limit: 1}
	for _, a := range ds.accounts() {
		for i := range ds.workers {
			out = append(out, ds.downloadLane(i, store.DocumentsDue{Account: a.ID, Limit: 1}))
		}
		others.Except = append(others.Except, a.ID)
	}
	return append(out, ds.downloadLane(0, others))
}

func (ds *Documents) downloadLane(i int, f store.DocumentsDue) Lane {
	name := fmt.Sprintf("download\x00%s\x00%d", f.Account, i)
	return Lane{f.Account, name, func(ctx context.Context) error { return ds.downloadDue(ctx, f) }}
}

// downloadDue fetches documents until none is due.
func (ds *Documents) downloadDue(ctx context.Context, f store.DocumentsDue) error {
	for ctx.Err() == nil {
		f.Now = ds.now()
		docs, err := ds.store.ClaimDocuments(ctx, f, ds.owner, leaseFor)
		if err != nil || len(docs) == 0 {
			return err
		}
		for _, d := range docs {
			if err := ds.download(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// download does what is to be done with a document whose time has come. What has changed since it was claimed counts:
// it is looked at again.
func (ds *Documents) download(ctx context.Context, d model.Document) error {
	for {
		t, err := ds.store.Transaction(ctx, d.Key())
		switch {
		case ctx.Err() != nil:
			return ds.putOff(ctx, d, model.DocumentPostponed, 0, "")
		case err != nil && !errors.Is(err, store.ErrNoRow):
			return err
		}
		due := model.DocumentEvent{Kind: model.DocumentDue, Began: d, Wait: ds.retryMost}
		plan := model.Settle(d, due, t, ds.now())
		switch plan.Step {
		case model.StepPlace, model.StepQuarantine:
			return ds.placeLinkFile(ctx, d, t, plan)
		case model.StepFetch, model.StepFollow:
			return ds.fetch(ctx, d, t, plan.Step)
		}
		now, err := ds.settle(ctx, d, due)
		if err != nil || !now.Asks() {
			return err
		}
		d = now.Next
	}
}

// putOff says when a document is tried again that was not tried now. Without a reason the row keeps its own.
func (ds *Documents) putOff(
	ctx context.Context, d model.Document, kind model.DocumentEventKind, wait time.Duration, reason string,
) error {
	_, err := ds.settle(ctx, d, model.DocumentEvent{Kind: kind, Wait: wait, Reason: reason})
	return err
}

// fetch gets a document's file from the provider or, where a callback named one, from its link.
func (ds *Documents) fetch(ctx context.Context, d model.Document, t model.Transaction, step model.DocumentStep) error {
	a := ds.account(d.Account)
	if a == nil {
		return ds.putOff(ctx, d, model.DocumentPostponed, ds.retryMost, "the account is not configured")
	}
	if a.Generation.Over() { // a reload is about to put another in its place
		return ds.putOff(ctx, d, model.DocumentPostponed, time.Second, "")
	}
	if step == model.StepFollow {
		return ds.followLink(ctx, a, d, t)
	}
	if !ds.gate.May(a) {
		return ds.putOff(ctx, d, model.DocumentPostponed, ds.retryWait, "")
	}
	if why, err := ds.notNow(ctx, d.Account); why != "" || err != nil {
		return errors.Join(err, ds.putOff(ctx, d, model.DocumentMachineFault, ds.retryWait, why))
	}
	if d.Mark == "" { // one that has a mark may have been replaced since
		if took, err := ds.recoverFile(ctx, d, t); errors.Is(err, errNotChecked) || errors.Is(err, files.ErrAway) {
			return ds.failedFetch(ctx, a, d, byProvider, err)
		} else if took || err != nil {
			return err
		}
	}
	f, err := ds.fetchFile(ctx, a, d,
		func(ctx context.Context, of model.DocumentRef, w io.Writer) (provider.Declared, error) {
			return a.Provider.Download(ctx, d.Ref, of, w)
		})
	if err != nil && lacks(err) {
		if took, fault := ds.recoverFile(ctx, d, t); errors.Is(fault, errNotChecked) {
			err = fault
		} else if took || fault != nil {
			return fault
		}
	}
	if err != nil {
		return ds.failedFetch(ctx, a, d, byProvider, err)
	}
	defer f.discard()
	return ds.unlessSuperseded(ctx, a, d, func() error {
		if f.fault != nil {
			return ds.wrongFile(ctx, d, t, &f)
		}
		return ds.placeBy(ctx, d, t, &f, model.DocumentEvent{Kind: model.DocumentCame})
	})
}

// unlessSuperseded takes what a fetch brought, or why it brought nothing. After a reload that changed the account the
// document is due at once instead.
func (ds *Documents) unlessSuperseded(
	ctx context.Context, a *apply.Account, d model.Document, take func() error,
) error {
	err := a.Generation.Learn(take)
	if errors.Is(err, apply.ErrSuperseded) {
		return ds.putOff(ctx, d, model.DocumentPostponed, 0, "")
	}
	return err
}

// notNow says why nothing is to be fetched that could not be kept; "": it can be. That a store cannot be used is an
// incident of each account whose files wait for it.
func (ds *Documents) notNow(ctx context.Context, account string) (string, error) {
	if free, err := ds.files.Free(); err == nil && free < ds.minFree {
		return "the document folder is short of space", nil
	}
	why := ds.files.Ready(ctx)
	if ctx.Err() != nil {
		return "", nil
	}
	ctx = context.WithoutCancel(ctx)
	if why == nil {
		return "", ds.incidents.Set(ctx, account, model.DocumentsNotStored, "", false)
	}
	return reasonWith(storeNotUsed, why.Error()), ds.incidents.Set(ctx, account, model.DocumentsNotStored, why.Error(), true)
}
