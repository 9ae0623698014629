package documents

import (
	"context"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/incidents"
	"countersign/worker/seals"
)

// settle applies an event of a document in one database transaction: it reads the row, model.Settle decides, and the
// result is written. d is the document at the start of the work. Where the row is gone, only a file that has come is
// still handled. Where the transaction was forgotten, nothing is, and what is left of its files is removed.
func (ds *Documents) settle(
	ctx context.Context, d model.Document, e model.DocumentEvent,
) (s model.Settlement, err error) {
	k, forgotten, moved := d.Key(), false, []incidents.Move(nil)
	ctx = context.WithoutCancel(ctx) // the result is written even while the daemon stops
	err = ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		moved = nil
		if s, forgotten = (model.Settlement{}), b.Forgotten(k); forgotten {
			return nil
		}
		row, found, err := apply.DocumentByID(b, d)
		if err != nil || !found && !bringsFile(e.Kind) {
			return err
		}
		e.Began = d
		if s, err = apply.SettleRow(b, row, e, apply.SourceDownload); err != nil {
			return err
		}
		moved, err = learn(b, ds.account(d.Account), &s)
		return err
	}})
	if err == nil {
		ds.incidents.Note(moved)
	}
	if err == nil && forgotten { // it was forgotten while its file was being fetched
		err = ds.sweepNow(ctx, k)
	}
	return s, err
}

// learn notes whose seal a file carries that has got its place. It may change the settlement's row, written again.
func learn(b *store.Batch, a *apply.Account, s *model.Settlement) ([]incidents.Move, error) {
	if s.Step != model.StepStored || a == nil || a.Signatures == model.SignaturesNone {
		return nil, nil
	}
	word, moved, err := seals.Learn(b, s.Next, len(a.Trusted) > 0)
	if err == nil && word != "" {
		s.Next.Facts.File.Seal = word
		b.PutDocument(s.Next)
	}
	return moved, err
}

// bringsFile reports whether an event is about a file that is already in the document folder.
func bringsFile(kind model.DocumentEventKind) bool {
	return kind == model.DocumentPlaced || kind == model.DocumentSetAside || kind == model.DocumentLinkFileCame
}
