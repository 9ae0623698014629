package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

const (
	fileTime = leaseFor - 3*time.Minute // a file that takes longer, such as one that comes by the byte, is broken off
)

// downloadLanes fetch the documents that are due: as many lanes for each account as it may have files under way, and
// one for those of accounts that are no longer configured. Each takes one file at a time.
func (w *Worker) downloadLanes() []lane {
	var out []lane
	others := store.DocumentsDue{Limit: 1}
	for _, a := range w.Accounts() {
		for i := range w.Workers {
			out = append(out, w.downloadLane(i, store.DocumentsDue{Account: a.ID, Limit: 1}))
		}
		others.Except = append(others.Except, a.ID)
	}
	return append(out, w.downloadLane(0, others))
}

func (w *Worker) downloadLane(i int, f store.DocumentsDue) lane {
	return lane{fmt.Sprintf("download\x00%s\x00%d", f.Account, i), func(ctx context.Context) error { return w.downloadDue(ctx, f) }}
}

// downloadDue fetches documents until none is due.
func (w *Worker) downloadDue(ctx context.Context, f store.DocumentsDue) error {
	for ctx.Err() == nil {
		f.Now = w.Now()
		docs, err := w.Store.ClaimDocuments(ctx, f, w.Owner, leaseFor)
		if err != nil || len(docs) == 0 {
			return err
		}
		for _, d := range docs {
			if err := w.download(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// download does what is to be done with a document whose time has come. What has changed since it was claimed counts:
// it is looked at again.
func (w *Worker) download(ctx context.Context, d model.Document) error {
	for {
		t, err := w.Store.Transaction(ctx, d.Key())
		switch {
		case ctx.Err() != nil:
			return w.putOff(ctx, d, model.DocumentPostponed, 0, "")
		case err != nil && !errors.Is(err, store.ErrNoRow):
			return err
		}
		due := model.DocumentEvent{Kind: model.DocumentDue, Began: d, Wait: w.RetryMost}
		plan := model.Settle(d, due, t, w.Now())
		switch plan.Step {
		case model.StepPlace, model.StepQuarantine:
			return w.placeLinkFile(ctx, d, t, plan)
		case model.StepFetch, model.StepFollow:
			return w.fetch(ctx, d, t, plan.Step)
		}
		now, err := w.settleDocument(ctx, d, due)
		if err != nil || !now.Asks() {
			return err
		}
		d = now.Next
	}
}

// putOff says when a document is tried again that was not tried now. Without a reason the row keeps its own.
func (w *Worker) putOff(ctx context.Context, d model.Document, kind model.DocumentEventKind, wait time.Duration, reason string) error {
	_, err := w.settleDocument(ctx, d, model.DocumentEvent{Kind: kind, Wait: wait, Reason: reason})
	return err
}

// fetch gets a document's file from the provider or, where a callback told one, from its link.
func (w *Worker) fetch(ctx context.Context, d model.Document, t model.Transaction, step model.DocumentStep) error {
	a := w.account(d.Account)
	if a == nil {
		return w.putOff(ctx, d, model.DocumentPostponed, w.RetryMost, "the account is not configured")
	}
	if step == model.StepFollow {
		return w.followLink(ctx, a, d, t)
	}
	if !w.may(a) {
		return w.putOff(ctx, d, model.DocumentPostponed, w.RetryWait, "")
	}
	if d.Mark == "" { // one that has a mark may have been replaced since
		if took, err := w.recoverFile(ctx, d, t); took || err != nil {
			return err
		}
	}
	if w.short() {
		return w.putOff(ctx, d, model.DocumentMachineFault, w.RetryWait, "the document folder is short of space")
	}
	f, err := w.fetchFile(ctx, d, func(ctx context.Context, doc model.DocumentRef, to io.Writer) (provider.Declared, error) {
		return a.Provider.Download(ctx, d.Ref, doc, to)
	})
	if err != nil && lacks(err) {
		if took, err := w.recoverFile(ctx, d, t); took || err != nil {
			return err
		}
	}
	if err != nil {
		return w.failedFetch(ctx, a, d, byProvider, err)
	}
	defer f.discard()
	if f.fault != nil {
		return w.wrongFile(ctx, d, t, &f)
	}
	return w.placeBy(ctx, d, t, &f, model.DocumentEvent{Kind: model.DocumentCame})
}

// short says whether the document folder's file system is short of space.
func (w *Worker) short() bool {
	free, err := w.Files.Free()
	return err == nil && free < w.MinFree
}
