package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/durable"
	"countersign/provider"
	"countersign/worker/apply"
)

const (
	wrongFiles = 5 // files that were not whole, one after the other, until the last is quarantined
	noRoom     = "the document folder cannot be written"
	giveUpDocs = 24 * time.Hour           // a document that is not there for so long has failed
	fileTime   = leaseFor - 3*time.Minute // a file that takes longer, such as one that comes by the byte, is broken off
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

// download fetches one document, checks it and keeps it, or says when to try again.
func (w *Worker) download(ctx context.Context, d model.Document) error {
	a := w.account(d.Account)
	t, err := w.Store.Transaction(ctx, model.Key{Account: d.Account, Ref: d.Ref})
	known := err == nil
	if ctx.Err() == nil && err != nil && !errors.Is(err, store.ErrNoRow) {
		return err
	}
	if d.Link != "" && w.Now().Sub(linkedAt(d)) >= linkLives {
		d.Link = ""
	}
	switch {
	case ctx.Err() != nil:
		return w.later(context.WithoutCancel(ctx), d, w.Now(), d.Reason, false)
	case d.Held != "":
		return w.placeHeld(ctx, d, t, known)
	case a == nil || !known:
		return w.later(ctx, d, w.Now().Add(w.RetryMost), "the account is not configured", false)
	case d.LinkAt != nil && endedElsewhere(t):
		return w.forget(ctx, d)
	case d.Link != "":
		return w.fetchLink(ctx, a, d, t)
	case !signedFor(t):
		return w.later(ctx, d, w.Now().Add(w.RetryMost), "waits for the provider to say completed", false)
	case !w.may(a):
		return w.later(ctx, d, w.Now().Add(w.RetryWait), d.Reason, false)
	}
	if d.Mark == "" { // one that has a mark may have been replaced since
		if took, err := w.takeLying(ctx, d, t); took || err != nil {
			return err
		}
	}
	if free, err := w.Files.Free(); err == nil && free < w.MinFree {
		return w.later(ctx, d, w.Now().Add(w.RetryWait), "the document folder is short of space", false)
	}
	f, err := w.fetchFile(ctx, d, func(ctx context.Context, doc model.DocumentRef, to io.Writer) (provider.Declared, error) {
		return a.Provider.Download(ctx, d.Ref, doc, to)
	})
	if err != nil && lacks(err) {
		if took, err := w.takeLying(ctx, d, t); took || err != nil {
			return err
		}
	}
	if err != nil {
		return w.undone(ctx, a, d, err)
	}
	defer os.Remove(f.path) //nolint:errcheck // gone already where it was kept
	if f.fault != nil {
		return w.wrongFile(ctx, d, t, f)
	}
	return w.keep(ctx, d, t, f, model.DocumentStored, "")
}

// linkedAt is when a document's link came.
func linkedAt(d model.Document) time.Time {
	if d.LinkAt != nil {
		return *d.LinkAt
	}
	return d.CreatedAt
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

// getFile is one of the ways to a document, without whose it is.
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
	if f.fault = checkFile(tmp, f.size, dec); f.fault != nil {
		return f, nil
	}
	return f, w.inspect(ctx, tmp, d, &f)
}

// errNotChecked is of a file that could not be checked, for reasons of this machine.
var errNotChecked = errors.New("the file could not be checked")

// inspect reads a file as a PDF and holds its signatures against what the account expects.
func (w *Worker) inspect(ctx context.Context, tmp *os.File, d model.Document, f *file) error {
	v, err := w.Inspect(ctx, tmp)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotChecked, err)
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

// undone deals with a download that brought no file.
func (w *Worker) undone(ctx context.Context, a *apply.Account, d model.Document, err error) error {
	back := context.WithoutCancel(ctx)
	var after *provider.RetryAfter
	var disk *fs.PathError // ours: nothing else of a download is a file
	switch {
	case ctx.Err() != nil:
		return w.later(back, d, w.Now(), d.Reason, false)
	case errors.As(err, &after):
		return w.later(back, d, w.Now().Add(w.wait(after)), "the provider asks to wait", false)
	case errors.As(err, &disk) && !errors.Is(err, errNotChecked):
		return errors.Join(w.later(back, d, w.Now().Add(w.RetryWait), noRoom+": "+disk.Err.Error(), false), err)
	case errors.Is(err, provider.ErrDenied):
		if err := w.failed(back, a, model.Key{Account: d.Account, Ref: d.Ref}, err); err != nil {
			return err
		}
		return w.later(back, d, w.Now().Add(w.RetryMost), "credentials refused", false)
	case errors.Is(err, provider.ErrUnobtainable):
		d.State, d.Reason, d.NextTryAt, d.Link = model.DocumentUnobtainable, provider.Clip(provider.Redact(err).Error(), 300), nil, ""
		return w.put(back, d, string(d.State))
	case errors.Is(err, provider.ErrTooLarge):
		return w.tooLarge(back, d)
	case errors.Is(err, provider.ErrNotReady):
		return w.later(back, d, w.Now().Add(w.pause(d.Attempts)), "the provider is still making the file", true)
	case errors.Is(err, provider.ErrNotFound):
		if w.Now().Sub(d.CreatedAt) > giveUpDocs {
			d.State, d.Reason, d.NextTryAt = model.DocumentFailed, "the provider has not had the file for a day: `documents retry` asks again", nil
			return w.put(back, d, "")
		}
		return w.later(back, d, w.Now().Add(w.pause(d.Attempts)), "the provider does not have the file yet", true)
	}
	if errors.Is(err, errNotChecked) {
		w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "err": provider.Redact(err)}).Error("a file could not be checked, trying again")
		return w.later(back, d, w.Now().Add(w.RetryWait), "the file could not be checked on this machine, trying again", false)
	}
	w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "attempt": d.Attempts + 1, "err": provider.Redact(err)}).Warn("download failed, trying again")
	return w.later(back, d, w.Now().Add(w.pause(d.Attempts)), "download failed, trying again", true)
}

// tooLarge gives up a file that would come as large again. Its link, if any, is kept for as long as links are: the bound
// may be raised.
func (w *Worker) tooLarge(ctx context.Context, d model.Document) error {
	d.State, d.NextTryAt = model.DocumentFailed, nil
	d.Reason = "the file is larger than documents_max_size: raise it, then `documents retry`"
	d.Attempts++
	w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref}).Warn("a file is larger than documents_max_size, not fetched")
	return w.put(ctx, d, "")
}

// later says when a document is tried again.
func (w *Worker) later(ctx context.Context, d model.Document, when time.Time, reason string, tried bool) error {
	if tried {
		d.Attempts++
	}
	d.NextTryAt, d.Reason = &when, reason
	return w.put(ctx, d, "")
}

// wrongFile deals with a file that is not whole, or not as it was signed: asked for again, the fifth such file is
// quarantined, and one that the check did not survive at once.
func (w *Worker) wrongFile(ctx context.Context, d model.Document, t model.Transaction, f file) error {
	w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "attempt": d.Attempts + 1, "reason": f.fault.Error()}).Warn("file is not what it should be")
	if d.Attempts+1 < wrongFiles && !f.spent {
		return w.later(ctx, d, w.Now().Add(w.pause(d.Attempts)), f.fault.Error(), true)
	}
	d.Attempts++
	return w.keep(ctx, d, t, f, model.DocumentQuarantined, f.fault.Error()+howToGoOn)
}

// howToGoOn ends the reason of a quarantined file.
const howToGoOn = "; `documents retry` asks for it again, `documents release` keeps it as it is"

// checkedFacts are the facts of a file; those of one that was checked before it was held stay.
func checkedFacts(d model.Document, f file) model.SignatureFacts {
	if f.facts.Signature == "" && f.sum == d.Held {
		return d.Facts
	}
	return f.facts
}
