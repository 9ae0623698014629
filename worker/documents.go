package worker

import (
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// newest returns the newest version of a document; false where there is none.
func newest(list []model.Document, id string, kind model.DocumentKind) (out model.Document, ok bool) {
	for _, d := range list {
		if d.DocID == id && d.Kind == kind && (!ok || d.Version > out.Version) {
			out, ok = d, true
		}
	}
	return out, ok
}

// queueDocuments adds the documents that the table lacks, and the next version of those whose content is another now.
func (w *Worker) queueDocuments(b *store.Batch, a *apply.Account, k model.Key, refs []model.DocumentRef) error {
	for _, ref := range refs {
		if !a.Wants(ref.Kind) {
			continue
		}
		e := model.DocumentEvent{Kind: model.DocumentNamed, Name: ref.Name, Mark: ref.Mark}
		if err := w.settleNewest(b, k, ref.ID, ref.Kind, e); err != nil {
			return err
		}
	}
	return nil
}

// settleNewest takes an event of a document whose newest version it is about, or which has no row yet.
func (w *Worker) settleNewest(b *store.Batch, k model.Key, id string, kind model.DocumentKind, e model.DocumentEvent) error {
	have, err := b.Documents(k)
	if err != nil {
		return err
	}
	d, ok := newest(have, id, kind)
	if !ok {
		d = model.Document{Account: k.Account, Ref: k.Ref, DocID: id, Kind: kind}
	}
	_, err = w.settleRow(b, d, e, sourceDownload)
	return err
}

// linkDocuments writes down the documents that only this callback tells how to get. Links of what
// anybody could have said are left alone, and so are those of refs that it makes no claim about.
func (w *Worker) linkDocuments(b *store.Batch, in apply.Incoming, came time.Time) error {
	if len(in.Links) == 0 {
		return nil
	}
	a := w.account(in.Callback.Account)
	if a == nil || b.Now().Sub(came) >= model.LinkLife {
		return nil
	}
	if a.Provider.Linker == nil {
		return nil
	}
	for _, l := range in.Links {
		claims := func(o model.Observation) bool {
			return o.Ref == l.Ref && (o.Evidence == model.Claim || o.Evidence == model.WeakClaim)
		}
		if l.URL.Reveal() == "" || !a.Wants(l.Document.Kind) || !slices.ContainsFunc(in.Observations, claims) {
			continue
		}
		if err := w.linkDocument(b, model.Key{Account: a.ID, Ref: l.Ref}, l, came); err != nil {
			return err
		}
	}
	return nil
}

// linkDocument makes a document due that lies behind a link.
func (w *Worker) linkDocument(b *store.Batch, k model.Key, l provider.Link, came time.Time) error {
	if _, ok := b.Transaction(k); !ok {
		return nil
	}
	ref := l.Document
	e := model.DocumentEvent{
		Kind: model.DocumentLinked, Name: provider.Legible(ref.Name), Mark: provider.Legible(ref.Mark), Link: l.URL.Reveal(), Came: came,
	}
	return w.settleNewest(b, k, provider.Legible(ref.ID), ref.Kind, e)
}

// wakeDocuments makes what waits for the provider's word due, once that word has come.
func (w *Worker) wakeDocuments(b *store.Batch, before, after model.Transaction) error {
	same := before.ConfirmedCompleted() == after.ConfirmedCompleted() && before.EndedOtherwise() == after.EndedOtherwise()
	if after.DocsTotal == after.DocsStored || same {
		return nil
	}
	return w.wake(b, after.Key())
}

// wake makes the documents of a row due that wait.
func (w *Worker) wake(b *store.Batch, k model.Key) error {
	have, err := b.Documents(k)
	for _, d := range have {
		if err == nil {
			_, err = w.settleRow(b, d, model.DocumentEvent{Kind: model.DocumentWoken}, sourceDownload)
		}
	}
	return err
}
