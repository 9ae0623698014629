package documents

import (
	"context"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// settle applies an event of a document in one database transaction: it reads the row, model.Settle decides, and the
// result is written. d is the document at the start of the work. Where the row is gone, only a file that has come is
// still handled. Where the transaction was forgotten, nothing is, and what is left of its files is removed.
func (ds *Documents) settle(
	ctx context.Context, d model.Document, e model.DocumentEvent,
) (s model.Settlement, err error) {
	k, forgotten := d.Key(), false
	ctx = context.WithoutCancel(ctx) // the result is written even while the daemon stops
	err = ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		if s, forgotten = (model.Settlement{}), b.Forgotten(k); forgotten {
			return nil
		}
		row, found, err := apply.DocumentByID(b, d)
		if err != nil || !found && !bringsFile(e.Kind) {
			return err
		}
		e.Began = d
		s, err = apply.SettleRow(b, row, e, apply.SourceDownload)
		return err
	}})
	if err == nil && forgotten { // it was forgotten while its file was being fetched
		err = ds.sweepNow(ctx, k)
	}
	return s, err
}

// bringsFile reports whether an event is about a file that is already in the document folder.
func bringsFile(kind model.DocumentEventKind) bool {
	return kind == model.DocumentPlaced || kind == model.DocumentSetAside || kind == model.DocumentLinkFileCame
}
