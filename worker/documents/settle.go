package documents

import (
	"context"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// settle takes an event of a document in one database transaction: the row is read, model.Settle chooses, the row is
// written. d is the document as it was when the work began. A row that is gone takes no event but a file that has
// come, and a transaction that was forgotten not even that: what is left of its files is removed.
func (ds *Documents) settle(
	ctx context.Context, d model.Document, e model.DocumentEvent,
) (s model.Settlement, err error) {
	k, forgotten := d.Key(), false
	ctx = context.WithoutCancel(ctx) // what was found out is written, though the daemon ends
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
	if err == nil && forgotten { // while its file was on its way
		err = ds.sweepNow(ctx, k)
	}
	return s, err
}

// bringsFile says whether an event is of a file that lies in the document folder by now.
func bringsFile(kind model.DocumentEventKind) bool {
	return kind == model.DocumentPlaced || kind == model.DocumentSetAside || kind == model.DocumentLinkFileCame
}
