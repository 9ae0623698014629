package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/durable"
	"countersign/provider"
	"countersign/worker/pdf"
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
	defer os.Remove(f.path) //nolint:errcheck // gone already where it has its place
	if f.fault != nil {
		return w.wrongFile(ctx, d, t, f)
	}
	return w.placeBy(ctx, d, t, f, model.DocumentEvent{Kind: model.DocumentCame})
}

// short says whether the document folder's file system is short of space.
func (w *Worker) short() bool {
	free, err := w.Files.Free()
	return err == nil && free < w.MinFree
}

// file is what came for a document: synced, hashed and checked, in a temporary file.
type file struct {
	path  string
	sum   string
	size  int64
	fault error // why it is not what it claims to be; nil: whole
	spent bool  // the check died or took too much: the same file would do so again
	facts model.SignatureFacts
}

// getFile fetches a document's bytes, from the provider's API or from a link.
type getFile func(ctx context.Context, doc model.DocumentRef, to io.Writer) (provider.Declared, error)

// fetchFile downloads into a synced temporary file and checks it. An error means that there is no
// file; a file with a fault is one that came but is not whole.
func (w *Worker) fetchFile(ctx context.Context, d model.Document, get getFile) (f file, err error) {
	tmp, err := w.Files.Temp()
	if err != nil {
		return f, err
	}
	f.path = tmp.Name()
	defer func() {
		if cerr := tmp.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(f.path) //nolint:errcheck // the error at hand matters more
		}
	}()
	h := sha256.New()
	fctx, cancel := context.WithTimeout(provider.WithClass(provider.WithWork(ctx, provider.WorkDownload), provider.ClassFiles), fileTime)
	defer cancel()
	dec, err := get(fctx, model.DocumentRef{ID: d.DocID, Kind: d.Kind, Name: d.Name, Mark: d.Mark}, io.MultiWriter(tmp, h))
	switch {
	case errors.Is(err, provider.ErrInvalidFile):
		f.fault = err
	case err != nil:
		return f, err
	}
	if f.size, err = tmp.Seek(0, io.SeekEnd); err != nil {
		return f, err
	}
	f.sum = hex.EncodeToString(h.Sum(nil))
	durable.CrashPoint("download written")
	err = w.Files.sync(tmp)
	durable.CrashPoint("download synced")
	if err != nil || f.fault != nil {
		return f, err
	}
	if f.fault = pdf.Whole(tmp, f.size, dec.Length); f.fault != nil {
		return f, nil
	}
	return f, w.inspect(ctx, tmp, d, &f)
}

// errNotChecked is of a file that could not be checked, for reasons of this machine.
var errNotChecked = errors.New("the file could not be checked")

// inspect reads a file as a PDF and holds its signatures against what the account expects.
func (w *Worker) inspect(ctx context.Context, tmp *os.File, d model.Document, f *file) error {
	v, err := w.look(ctx, tmp)
	if err != nil {
		return err
	}
	f.facts, f.spent = v.Facts, v.Spent
	if v.Fault != "" {
		f.fault = errors.New(v.Fault)
		return nil
	}
	if a := w.account(d.Account); a != nil && !a.KeepBad {
		if why := a.Signatures.Objection(d.Kind, v.Facts); why != "" {
			f.fault = errors.New(why)
		}
	}
	return nil
}

// look reads a file as a PDF. What the file's own words are is made fit to be stored.
func (w *Worker) look(ctx context.Context, in *os.File) (pdf.Verdict, error) {
	v, err := w.Inspect(ctx, in)
	if err != nil {
		return v, fmt.Errorf("%w: %w", errNotChecked, err)
	}
	v.Fault, v.Facts.Note = provider.Legible(v.Fault), provider.Legible(v.Facts.Note)
	for i := range v.Facts.Signatures {
		s := &v.Facts.Signatures[i]
		s.Kind, s.Signer, s.Reason, s.Note = provider.Legible(s.Kind), provider.Legible(s.Signer), provider.Legible(s.Reason), provider.Legible(s.Note)
	}
	return v, nil
}

// wrongFile deals with a file that is not whole, or not as it was signed.
func (w *Worker) wrongFile(ctx context.Context, d model.Document, t model.Transaction, f file) error {
	w.Log.WithFields(logrus.Fields{
		"account": d.Account, "txn": d.Ref, "attempt": d.Attempts + 1, "reason": f.fault.Error(),
	}).Warn("file is not what it should be")
	e := model.DocumentEvent{Kind: model.DocumentWrong, Reason: f.fault.Error(), Wait: w.pause(d.Attempts), Tried: true}
	if f.spent {
		e.Kind = model.DocumentFatal
	}
	return w.placeBy(ctx, d, t, f, e)
}
