package worker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

const (
	wrongFiles = 5              // files that were not whole, one after the other, until the last is quarantined
	giveUpDocs = 24 * time.Hour // a document that is not there for so long has failed
)

// downloadOnce fetches the documents that are due.
func (w *Worker) downloadOnce(ctx context.Context) error {
	for ctx.Err() == nil {
		docs, err := w.Store.ClaimDocuments(ctx, w.Owner, w.Now(), leaseFor, w.Workers*2)
		if err != nil || len(docs) == 0 {
			return err
		}
		var g errgroup.Group
		g.SetLimit(w.Workers)
		for _, d := range docs {
			g.Go(func() error { return w.download(ctx, d) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// download fetches one document, checks it and keeps it, or says when to try again.
func (w *Worker) download(ctx context.Context, d store.Document) error {
	a := w.account(d.Account)
	k := model.Key{Account: d.Account, Ref: d.Ref}
	t, err := w.Store.Transaction(ctx, k)
	switch {
	case ctx.Err() != nil:
		return w.later(context.WithoutCancel(ctx), d, w.Now(), "", false)
	case a == nil || errors.Is(err, store.ErrNoRow):
		return w.later(ctx, d, w.Now().Add(w.RetryMost), "the account is not configured", false)
	case err != nil:
		return err
	case t.Status != model.Completed || !t.Confirmed || t.Trashed:
		return w.later(ctx, d, w.Now().Add(w.RetryMost), "waits for the provider to say completed", false)
	case !w.may(a):
		return w.later(ctx, d, w.Now().Add(w.RetryWait), d.Reason, false)
	}
	if free, err := w.Files.Free(); err == nil && free < w.MinFree {
		return w.later(ctx, d, w.Now().Add(w.RetryWait), "the document folder is short of space", false)
	}
	f, err := w.fetchFile(ctx, a, d)
	if err != nil {
		return w.undone(ctx, a, d, err)
	}
	defer os.Remove(f.path) //nolint:errcheck // gone already where it was kept
	if f.fault != nil {
		return w.wrongFile(ctx, d, t, f)
	}
	return w.keep(ctx, d, t, f, model.DocumentStored, "")
}

// file is what came for a document: synced, hashed and checked, in a temporary file.
type file struct {
	path  string
	sum   string
	size  int64
	fault error // why it is not what it claims to be; nil: whole
}

// fetchFile downloads into a synced temporary file and checks it. An error means that there is no
// file; a file with a fault is one that came but is not whole.
func (w *Worker) fetchFile(ctx context.Context, a *Account, d store.Document) (f file, err error) {
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
	ctx = provider.WithClass(provider.WithWork(ctx, provider.WorkDownload), provider.ClassFiles)
	dec, err := a.Provider.Download(ctx, d.Ref, model.DocumentRef{ID: d.DocID, Kind: d.Kind, Name: d.Name}, io.MultiWriter(tmp, h))
	switch {
	case errors.Is(err, provider.ErrInvalidFile):
		f.fault = err
	case err != nil:
		return f, err
	}
	if f.size, err = tmp.Seek(0, io.SeekEnd); err != nil {
		return f, err
	}
	if f.fault == nil {
		f.fault = checkFile(tmp, f.size, dec)
	}
	f.sum = hex.EncodeToString(h.Sum(nil))
	return f, tmp.Sync()
}

// undone deals with a download that brought no file.
func (w *Worker) undone(ctx context.Context, a *Account, d store.Document, err error) error {
	back := context.WithoutCancel(ctx)
	var after *provider.RetryAfter
	switch {
	case ctx.Err() != nil:
		return w.later(back, d, w.Now(), d.Reason, false)
	case errors.As(err, &after):
		return w.later(back, d, w.Now().Add(after.Wait), "the provider asks to wait", false)
	case errors.Is(err, provider.ErrDenied):
		if err := w.failed(back, a, model.Key{Account: d.Account, Ref: d.Ref}, err); err != nil {
			return err
		}
		return w.later(back, d, w.Now().Add(w.RetryMost), "credentials refused", false)
	case errors.Is(err, provider.ErrNotReady):
		return w.later(back, d, w.Now().Add(w.pause(d.Attempts)), "the provider is still making the file", true)
	case errors.Is(err, provider.ErrNotFound):
		if w.Now().Sub(d.CreatedAt) > giveUpDocs {
			d.State, d.Reason, d.NextTryAt = model.DocumentFailed, "the provider has not had the file for a day: `documents retry` asks again", nil
			return w.put(back, d, "")
		}
		return w.later(back, d, w.Now().Add(w.pause(d.Attempts)), "the provider does not have the file yet", true)
	}
	w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "attempt": d.Attempts + 1, "err": provider.Redact(err)}).Warn("download failed, trying again")
	return w.later(back, d, w.Now().Add(w.pause(d.Attempts)), "download failed, trying again", true)
}

// later says when a document is tried again.
func (w *Worker) later(ctx context.Context, d store.Document, when time.Time, reason string, tried bool) error {
	if tried {
		d.Attempts++
	}
	d.NextTryAt, d.Reason = &when, reason
	return w.put(ctx, d, "")
}

// wrongFile deals with a file that is not whole: asked for again, the third such file is quarantined.
func (w *Worker) wrongFile(ctx context.Context, d store.Document, t model.Transaction, f file) error {
	w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "attempt": d.Attempts + 1, "reason": f.fault.Error()}).Warn("file is not whole")
	if d.Attempts+1 < wrongFiles {
		return w.later(ctx, d, w.Now().Add(w.pause(d.Attempts)), f.fault.Error(), true)
	}
	d.Attempts++
	return w.keep(ctx, d, t, f, model.DocumentQuarantined, f.fault.Error())
}

// keep names the file and writes the row. A file that differs from one stored before becomes the
// next version; one that a kill left under its name is taken as it is.
func (w *Worker) keep(ctx context.Context, d store.Document, t model.Transaction, f file, state model.DocumentState, reason string) error {
	created := d.CreatedAt
	if t.CreatedAt != nil {
		created = *t.CreatedAt
	}
	doc := d.DocID
	if d.Kind != model.SignedDocument && doc != string(d.Kind) {
		doc = string(d.Kind) + "-" + doc
	}
	for {
		name := documentPath(d.Account, d.Ref, doc, created, d.Version)
		if state == model.DocumentQuarantined {
			name = path.Join(quarantineFolder, name)
		}
		err := w.Files.Keep(f.path, name)
		if errors.Is(err, fs.ErrExist) {
			if sum, _, herr := w.Files.Hash(name); herr != nil || sum != f.sum {
				d.Version++
				continue
			}
		} else if err != nil {
			return errors.Join(w.later(context.WithoutCancel(ctx), d, w.Now().Add(w.RetryWait), "the document folder cannot be written", false), err)
		}
		now := w.Now()
		d.State, d.Reason, d.Path, d.SHA256, d.Size, d.NextTryAt, d.StoredAt = state, reason, name, f.sum, f.size, nil, &now
		w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "status": string(state), "source": filepath.Base(name)}).Info("document kept")
		return w.put(context.WithoutCancel(ctx), d, string(state))
	}
}

// put writes a document, with a change where its state is news. A row that is gone takes none.
func (w *Worker) put(ctx context.Context, d store.Document, news string) error {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	return w.doPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		have, err := b.Documents(k)
		if err != nil {
			return err
		}
		was := ""
		if i := slices.IndexFunc(have, func(o store.Document) bool { return o.ID == d.ID }); i >= 0 {
			was = string(have[i].State)
		}
		b.PutDocument(d)
		if t, ok := b.Transaction(k); ok && news != "" && news != was {
			w.record(b, t, model.RowChange{Kind: model.KindDocument, From: was, To: news}, "download", w.Now(), true)
		}
		return nil
	}})
}

// checkFile says why a file is not a whole PDF; nil if it is.
func checkFile(f io.ReaderAt, size int64, dec provider.Declared) error {
	switch {
	case size == 0:
		return errors.New("the file is empty")
	case dec.Length > 0 && dec.Length != size:
		return fmt.Errorf("%d bytes came of %d declared", size, dec.Length)
	}
	head := make([]byte, min(size, 1024))
	if _, err := f.ReadAt(head, 0); err != nil {
		return err
	}
	if !bytes.Contains(head, []byte("%PDF-")) {
		return errors.New("not a PDF: no %PDF- at the start")
	}
	tail := make([]byte, min(size, 2048))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return err
	}
	if !bytes.Contains(tail, []byte("%%EOF")) {
		return errors.New("cut off: no %%EOF at the end")
	}
	return parsePDF(io.NewSectionReader(f, 0, size))
}
