package worker

import (
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// linkLives is how long a link that stood in a callback is kept.
const linkLives = 24 * time.Hour

// newest returns the newest version of a document; false where there is none.
func newest(list []store.Document, id string, kind model.DocumentKind) (out store.Document, ok bool) {
	for _, d := range list {
		if d.DocID == id && d.Kind == kind && (!ok || d.Version > out.Version) {
			out, ok = d, true
		}
	}
	return out, ok
}

// hasFile says whether a file has come for a document, whatever became of it.
func hasFile(d store.Document) bool {
	return d.Held != "" || d.State == model.DocumentStored || d.State == model.DocumentQuarantined
}

// queueDocuments adds the documents that the table lacks. Another mark than the newest version's says
// that another file lies there now: the next version.
func (w *Worker) queueDocuments(b *store.Batch, a *Account, k model.Key, refs []model.DocumentRef) error {
	now := b.Now()
	for _, ref := range refs {
		if !a.wants(ref.Kind) {
			continue
		}
		have, err := b.Documents(k)
		if err != nil {
			return err
		}
		d, ok := newest(have, ref.ID, ref.Kind)
		switch {
		case !ok:
			d = store.Document{Account: k.Account, Ref: k.Ref, DocID: ref.ID, Kind: ref.Kind, Name: ref.Name, Version: 1}
		case ref.Mark == "" || ref.Mark == d.Mark:
			continue
		case d.Mark == "" || d.Held != "": // the file is here and was not marked until now
			d.Mark = ref.Mark
			b.PutDocument(d)
			continue
		case hasFile(d):
			d = store.Document{Account: k.Account, Ref: k.Ref, DocID: ref.ID, Kind: ref.Kind, Name: ref.Name, Version: d.Version + 1}
		}
		d.Mark, d.State, d.Reason, d.Attempts, d.NextTryAt = ref.Mark, model.DocumentWaiting, "", 0, &now
		if d.CreatedAt.IsZero() {
			d.CreatedAt = now
		}
		b.PutDocument(d)
	}
	return nil
}

// linkDocuments writes down the documents that only this callback tells how to get. Links of what
// anybody could have said are left alone, and so are those of refs that it makes no claim about.
func (w *Worker) linkDocuments(b *store.Batch, in Incoming, came time.Time) error {
	if len(in.Links) == 0 {
		return nil
	}
	a := w.account(in.Callback.Account)
	if a == nil || b.Now().Sub(came) >= linkLives {
		return nil
	}
	if a.Provider.Linker == nil {
		return nil
	}
	for _, l := range in.Links {
		claims := func(o model.Observation) bool {
			return o.Ref == l.Ref && (o.Evidence == model.Claim || o.Evidence == model.WeakClaim)
		}
		if l.URL.Reveal() == "" || !a.wants(l.Document.Kind) || !slices.ContainsFunc(in.Observations, claims) {
			continue
		}
		if err := w.linkDocument(b, model.Key{Account: a.ID, Ref: l.Ref}, l, came); err != nil {
			return err
		}
	}
	return nil
}

// linkDocument makes a document due that lies behind a link. A newer link takes the place of an older
// one as long as no file is here.
func (w *Worker) linkDocument(b *store.Batch, k model.Key, l provider.Link, came time.Time) error {
	if _, ok := b.Transaction(k); !ok {
		return nil
	}
	have, err := b.Documents(k)
	if err != nil {
		return err
	}
	now, ref := b.Now(), l.Document
	name, id, mark := provider.Legible(ref.Name), provider.Legible(ref.ID), provider.Legible(ref.Mark)
	d, ok := newest(have, id, ref.Kind)
	switch {
	case !ok:
		d = store.Document{Account: k.Account, Ref: k.Ref, DocID: id, Kind: ref.Kind, Name: name, Version: 1, CreatedAt: now}
	case hasFile(d) && (mark == "" || d.Mark == "" || mark == d.Mark || d.Held != ""):
		return nil
	case hasFile(d):
		d = store.Document{Account: k.Account, Ref: k.Ref, DocID: id, Kind: ref.Kind, Name: name, Version: d.Version + 1, CreatedAt: now}
	case d.LinkAt != nil && !came.After(*d.LinkAt), d.Link == l.URL.Reveal(): // told again, maybe while it is followed, or a replay
		return nil
	}
	if mark != "" {
		d.Mark = mark
	}
	d.Link, d.LinkAt, d.State, d.Reason, d.Attempts, d.NextTryAt = l.URL.Reveal(), &came, model.DocumentWaiting, "", 0, &now
	b.PutDocument(d)
	return nil
}

// signedFor says whether the provider has said that a row's documents are what they claim to be.
func signedFor(t model.Transaction) bool {
	return t.Status == model.Completed && t.Confirmed && !t.Trashed
}

// endedElsewhere says whether the provider has settled on something else than completed.
func endedElsewhere(t model.Transaction) bool {
	return t.ReportedStatus == "" && t.Status != model.Completed && (t.Deleted || t.Confirmed && t.Status.Final())
}

// wakeDocuments makes what waits for the provider's word due, once that word has come.
func (w *Worker) wakeDocuments(b *store.Batch, before, after model.Transaction) error {
	if after.DocsTotal == after.DocsStored || signedFor(before) == signedFor(after) && endedElsewhere(before) == endedElsewhere(after) {
		return nil
	}
	return w.dueNow(b, after.Key(), func(d store.Document) bool { return d.State == model.DocumentWaiting })
}

// dueNow makes some of a row's documents due.
func (w *Worker) dueNow(b *store.Batch, k model.Key, which func(store.Document) bool) error {
	have, err := b.Documents(k)
	if err != nil {
		return err
	}
	now := b.Now()
	for _, d := range have {
		if which(d) && (d.NextTryAt == nil || d.NextTryAt.After(now)) {
			d.NextTryAt = &now
			b.PutDocument(d)
		}
	}
	return nil
}
