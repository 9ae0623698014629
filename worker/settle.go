package worker

import (
	"context"
	"slices"

	"countersign/model"
	"countersign/model/store"
)

// sourceDownload names the downloads in a row's history.
const sourceDownload = "download"

// settleDocument takes an event of a document in one database transaction: the row is read, model.Settle chooses, the row is
// written. d is the document as it was when the work began. A row that is gone takes no event but a file that has
// come, and a transaction that was forgotten not even that: what is left of its files is removed.
func (w *Worker) settleDocument(ctx context.Context, d model.Document, e model.DocumentEvent) (s model.Settlement, err error) {
	k, forgotten := d.Key(), false
	ctx = context.WithoutCancel(ctx) // what was found out is written, though the daemon ends
	err = w.doPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		if s, forgotten = (model.Settlement{}), b.Forgotten(k); forgotten {
			return nil
		}
		row, found, err := documentByID(b, d)
		if err != nil || !found && !bringsFile(e.Kind) {
			return err
		}
		e.Began = d
		s, err = w.settleRow(b, row, e, sourceDownload)
		return err
	}})
	if err == nil && forgotten { // while its file was on its way
		err = w.sweepNow(ctx, k)
	}
	return s, err
}

// bringsFile says whether an event is of a file that lies in the document folder by now.
func bringsFile(kind model.DocumentEventKind) bool {
	return kind == model.DocumentPlaced || kind == model.DocumentSetAside || kind == model.DocumentLinkFileCame
}

// documentByID reads a document's row as it is now; the document as it was, where the row is gone.
func documentByID(b *store.Batch, d model.Document) (model.Document, bool, error) {
	have, err := b.Documents(d.Key())
	if i := slices.IndexFunc(have, func(o model.Document) bool { return o.ID == d.ID }); i >= 0 {
		return have[i], true, err
	}
	return d, false, err
}

// settleRow asks model.Settle about a document's row and writes what it says, with the change, if any.
func (w *Worker) settleRow(b *store.Batch, row model.Document, e model.DocumentEvent, source string) (model.Settlement, error) {
	t, known := b.Transaction(row.Key())
	s := model.Settle(row, e, t, b.Now())
	if s.Step == model.StepRemoved {
		b.RemoveDocument(row)
		return s, nil
	}
	if !s.Writes() {
		return s, nil
	}
	s.Next.ID = b.PutDocument(s.Next)
	if s.After != nil {
		b.PutDocument(*s.After)
	}
	if known && s.Change != nil {
		c := *s.Change
		c.Document = s.Next.ID
		w.record(b, t, c, source, b.Now(), true)
	}
	return s, nil
}
