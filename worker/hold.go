package worker

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// fetchLink fetches a document from the link that a callback told, whatever the provider has said of
// the row so far: the link may be dead by then. The file waits in the hold folder.
func (w *Worker) fetchLink(ctx context.Context, a *Account, d store.Document, t model.Transaction) error {
	if name, ok := w.Files.Holds(d.ID); ok { // it had come when the process ended
		sum, size, err := w.Files.Hash(name)
		if err == nil {
			err = w.Files.Settle(name)
		}
		if err != nil {
			return err
		}
		return w.heldBefore(ctx, d, t, name, file{sum: sum, size: size})
	}
	if free, err := w.Files.Free(); err == nil && free < w.MinFree {
		return w.later(ctx, d, w.Now().Add(w.RetryWait), "the document folder is short of space", false)
	}
	f, err := w.fetchFile(ctx, d, func(ctx context.Context, doc model.DocumentRef, to io.Writer) (provider.Declared, error) {
		l := a.Provider.Linker
		if l == nil {
			return provider.Declared{}, provider.ErrUnobtainable
		}
		return l.DownloadLink(ctx, d.Ref, doc, provider.Secret(d.Link), to)
	})
	if err != nil {
		return w.linkFailed(ctx, d, err)
	}
	defer os.Remove(f.path) //nolint:errcheck // gone already where it was held
	if f.fault != nil {
		return w.wrongFile(ctx, d, t, f)
	}
	if err := w.Files.Hold(f.path, holdName(d.ID, f.sum)); err != nil {
		back := context.WithoutCancel(ctx)
		return errors.Join(w.later(back, d, w.Now().Add(w.RetryWait), noRoom, false), err)
	}
	store.CrashPoint("hold synced")
	return w.held(ctx, d, f)
}

// heldBefore goes on with a file that was held when the process ended, before what was found in it was written.
func (w *Worker) heldBefore(ctx context.Context, d store.Document, t model.Transaction, name string, f file) error {
	in, err := w.Files.Open(name)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	if err := w.inspect(ctx, in, d, &f); err != nil {
		return w.linkFailed(ctx, d, err)
	}
	if f.fault != nil {
		f.path = in.Name()
		return w.wrongFile(ctx, d, t, f)
	}
	return w.held(ctx, d, f)
}

// linkFailed deals with a link that brought no file. A dead one stops nothing: the provider is asked for
// the document once the row is confirmed.
func (w *Worker) linkFailed(ctx context.Context, d store.Document, err error) error {
	back := context.WithoutCancel(ctx)
	var after *provider.RetryAfter
	var disk *fs.PathError
	switch {
	case ctx.Err() != nil:
		return w.later(back, d, w.Now(), d.Reason, false)
	case errors.As(err, &after):
		return w.later(back, d, w.Now().Add(w.wait(after)), "the link's host asks to wait", false)
	case errors.As(err, &disk) && !errors.Is(err, errNotChecked):
		return errors.Join(w.later(back, d, w.Now().Add(w.RetryWait), noRoom+": "+disk.Err.Error(), false), err)
	case errors.Is(err, provider.ErrTooLarge):
		return w.tooLarge(back, d)
	case errors.Is(err, provider.ErrDenied), errors.Is(err, provider.ErrNotFound), errors.Is(err, provider.ErrUnobtainable):
		w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref}).Warn("the link to a document has died, the provider will be asked")
		d.Link, d.Attempts = "", 0
		return w.later(back, d, w.Now(), "the link has died, the provider will be asked", false)
	}
	return w.later(back, d, w.Now().Add(w.pause(d.Attempts)), "the link brought no file, trying again", true)
}

// held notes a file that lies in the hold folder, unless another one has come meanwhile.
func (w *Worker) held(ctx context.Context, d store.Document, f file) error {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	stays := true
	err := w.doPatiently(context.WithoutCancel(ctx), store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		if stays = !b.Forgotten(k); !stays {
			return nil
		}
		have, err := b.Documents(k)
		if err != nil {
			return err
		}
		next := d // where the row has gone meanwhile: a file that came is never dropped
		if i := slices.IndexFunc(have, func(o store.Document) bool { return o.ID == d.ID }); i >= 0 {
			next = have[i]
		}
		if stays = !hasFile(next); !stays {
			stays = next.Held == f.sum
			return nil
		}
		now := b.Now()
		next.Facts = f.facts
		next.Held, next.SHA256, next.Size, next.Link, next.Attempts = f.sum, f.sum, f.size, "", 0
		next.State, next.Reason, next.NextTryAt = model.DocumentWaiting, heldReason, &now // the next round looks whether it is confirmed already
		b.PutDocument(next)
		return nil
	}})
	store.CrashPoint("hold noted")
	if err == nil && !stays {
		err = w.Files.dropHeld(holdName(d.ID, f.sum))
	}
	return err
}

const heldReason = "held until the provider confirms"

// placeHeld gives a held file its place once the provider has spoken: beside the others if it says
// completed, in quarantine if it settled on something else or does not know the transaction.
func (w *Worker) placeHeld(ctx context.Context, d store.Document, t model.Transaction, known bool) error {
	state, reason := model.DocumentStored, ""
	switch {
	case !known:
		state, reason = model.DocumentQuarantined, "a callback's link brought it, and the provider does not know the transaction"
	case endedElsewhere(t):
		state, reason = model.DocumentQuarantined, "a callback's link brought it, and the provider says "+string(t.Status)
	case !signedFor(t):
		return w.later(ctx, d, w.Now().Add(w.RetryMost), heldReason, false)
	}
	name := holdName(d.ID, d.Held)
	p, err := w.Files.inside(name)
	if err != nil {
		return err
	}
	f := file{path: p, sum: d.Held, size: d.Size}
	sum, _, err := w.Files.Hash(name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return errors.Join(w.later(ctx, d, w.Now().Add(w.RetryWait), "the held file cannot be read", false), err)
	case err == nil && sum != d.Held:
		return w.keep(ctx, d, t, file{path: p, sum: sum, size: d.Size}, model.DocumentQuarantined, "the held file was altered")
	}
	err = w.keep(ctx, d, t, f, state, reason)
	if errors.Is(err, fs.ErrNotExist) { // taken away by somebody
		return w.lost(ctx, d)
	}
	if err == nil {
		store.CrashPoint("hold placed")
		os.Remove(p) //nolint:errcheck // mostly gone already
	}
	return err
}

// lost deals with a held file that is no longer there.
func (w *Worker) lost(ctx context.Context, d store.Document) error {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	return w.doPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		if b.Forgotten(k) {
			return nil
		}
		now := b.Now()
		d.Held, d.SHA256, d.Size, d.NextTryAt, d.Reason = "", "", 0, &now, "the held file is gone, the provider will be asked"
		b.PutDocument(d)
		return nil
	}})
}

// sweepHold removes the files in the hold folder that no document waits for. Only the process that
// has the work lock may call it.
func (w *Worker) sweepHold(ctx context.Context) error {
	ids, err := w.Store.Holding(ctx)
	if err != nil {
		return err
	}
	return w.Files.sweepHold(func(id string) bool { return ids[id] })
}
