package worker

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/model/store/durable"
	"countersign/provider"
)

// keep names the file and writes the row. A file that differs from one stored before becomes the
// next version; one that a kill left under its name is taken as it is. fs.ErrNotExist, with nothing
// written, if the file is neither at hand nor in its place.
func (w *Worker) keep(ctx context.Context, d model.Document, t model.Transaction, f file, state model.DocumentState, reason string) error {
	others, err := w.Store.Documents(ctx, store.DocumentFilter{Account: d.Account, Ref: d.Ref})
	if err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(o model.Document) bool { return o.ID == d.ID || o.DocID != d.DocID || o.Kind != d.Kind })
	if i := slices.IndexFunc(others, func(o model.Document) bool { return w.sameFile(o, f) }); i >= 0 && state == model.DocumentStored {
		return w.sameAsBefore(context.WithoutCancel(ctx), d, others[i])
	}
	taken := func(version int) bool {
		return slices.ContainsFunc(others, func(o model.Document) bool { return o.Version == version })
	}
	for ; ; d.Version++ {
		if taken(d.Version) {
			continue
		}
		name := w.nameOf(d, t, state)
		sum, _, err := w.Files.Hash(name)
		switch {
		case err == nil && sum != f.sum:
			continue
		case err == nil:
			err = w.Files.Settle(name)
		default:
			err = w.Files.Keep(f.path, name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil {
			return errors.Join(w.later(context.WithoutCancel(ctx), d, w.Now().Add(w.RetryWait), noRoom, false), err)
		}
		now := w.Now()
		d.Facts = checkedFacts(d, f)
		d.State, d.Reason, d.Path, d.SHA256, d.Size, d.NextTryAt, d.StoredAt = state, reason, name, f.sum, f.size, nil, &now
		d.Link, d.Held = "", ""
		durable.CrashPoint("keep synced")
		if err := w.put(context.WithoutCancel(ctx), d, string(state)); err != nil {
			return err
		}
		durable.CrashPoint("keep noted")
		w.Log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "status": string(state), "source": filepath.Base(name)}).Info("document kept")
		return nil
	}
}

// nameOf is where a document lies.
func (w *Worker) nameOf(d model.Document, t model.Transaction, state model.DocumentState) string {
	created := d.CreatedAt
	if t.CreatedAt != nil {
		created = *t.CreatedAt
	}
	doc := d.DocID
	if d.Kind != model.SignedDocument && doc != string(d.Kind) {
		doc = string(d.Kind) + "-" + doc
	}
	name := documentPath(d.Account, d.Ref, doc, created, d.Version)
	if state == model.DocumentQuarantined {
		name = path.Join(quarantineFolder, name)
	}
	return name
}

// sameFile says whether a file holds what an earlier version's stored one still does.
func (w *Worker) sameFile(o model.Document, f file) bool {
	if o.State != model.DocumentStored || o.SHA256 != f.sum {
		return false
	}
	sum, _, err := w.Files.Hash(o.Path)
	return err == nil && sum == f.sum
}

// sameAsBefore deals with a new version that holds the same bytes as one before it: there is no second
// file, and that one has the new mark.
func (w *Worker) sameAsBefore(ctx context.Context, d, before model.Document) error {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	return w.doPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		if b.Forgotten(k) {
			return nil
		}
		before.Mark = d.Mark
		b.PutDocument(before)
		b.RemoveDocument(d)
		return nil
	}})
}

// forget takes away a document that only a callback named, whose file has not come and will not be one.
func (w *Worker) forget(ctx context.Context, d model.Document) error {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	return w.doPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		b.RemoveDocument(d)
		return nil
	}})
}

// put writes a document, with a change where its state is news. What came in while it was in work, a
// newer link or another mark, stays. A row that is gone takes none but a file that has come.
func (w *Worker) put(ctx context.Context, d model.Document, news string) error {
	k := model.Key{Account: d.Account, Ref: d.Ref}
	gone := false
	err := w.doPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		if gone = b.Forgotten(k); gone {
			return nil
		}
		have, err := b.Documents(k)
		if err != nil {
			return err
		}
		t, known := b.Transaction(k)
		was, next := "", d
		if i := slices.IndexFunc(have, func(o model.Document) bool { return o.ID == d.ID }); i >= 0 {
			was = string(have[i].State)
			next = w.merged(b, d, have[i])
		} else if !known && !hasFile(d) {
			return nil
		}
		b.PutDocument(next)
		if known && news != "" && news != was && news == string(next.State) {
			w.record(b, t, model.RowChange{Kind: model.KindDocument, From: was, To: news}, "download", w.Now(), true)
		}
		return nil
	}})
	if err == nil && gone { // while its file was on its way
		err = w.sweepNow(ctx, k)
	}
	return err
}

// merged is a document as it was worked on, with what was written to it meanwhile.
func (w *Worker) merged(b *store.Batch, d, now model.Document) model.Document {
	if now.LinkAt != nil && (d.LinkAt == nil || now.LinkAt.After(*d.LinkAt)) && !hasFile(d) {
		return now // a newer link came
	}
	if now.Held != "" && d.Held == "" && !hasFile(d) {
		return now // a file came by the other link
	}
	if now.Mark == d.Mark {
		return d
	}
	if d.State != model.DocumentStored || d.Mark == "" {
		d.Mark = now.Mark
		return d
	}
	at := b.Now()
	b.PutDocument(model.Document{ // the file that was on its way may be the one before the mark moved
		Account: d.Account, Ref: d.Ref, DocID: d.DocID, Kind: d.Kind, Name: d.Name, Version: d.Version + 1,
		Mark: now.Mark, State: model.DocumentWaiting, NextTryAt: &at, CreatedAt: at,
	})
	return d
}

// clipped makes a sentence of somebody else's one that a row can hold.
func clipped(s string, most int) string {
	return provider.Clip(s, most)
}
