package apply

import (
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// LinkLives is how long a link that stood in a callback is kept.
const LinkLives = 24 * time.Hour

// Newest returns the newest version of a document; false where there is none.
func Newest(list []model.Document, id string, kind model.DocumentKind) (out model.Document, ok bool) {
	for _, d := range list {
		if d.DocID == id && d.Kind == kind && (!ok || d.Version > out.Version) {
			out, ok = d, true
		}
	}
	return out, ok
}

// HasFile reports whether a file has come for a document, whatever became of it.
func HasFile(d model.Document) bool {
	return d.Held != "" || d.State == model.DocumentStored || d.State == model.DocumentQuarantined
}

// queueDocuments adds the documents that the table lacks. Another mark than the newest version's says
// that another file lies there now: the next version.
func (tb *Table) queueDocuments(b *store.Batch, a *Account, k model.Key, refs []model.DocumentRef) error {
	now := b.Now()
	for _, ref := range refs {
		if !a.Wants(ref.Kind) {
			continue
		}
		have, err := b.Documents(k)
		if err != nil {
			return err
		}
		d, ok := Newest(have, ref.ID, ref.Kind)
		switch {
		case !ok:
			d = model.Document{Account: k.Account, Ref: k.Ref, DocID: ref.ID, Kind: ref.Kind, Name: ref.Name, Version: 1}
		case ref.Mark == "" || ref.Mark == d.Mark:
			continue
		case d.Mark == "" || d.Held != "": // the file is here and was not marked until now
			d.Mark = ref.Mark
			b.PutDocument(d)
			continue
		case HasFile(d):
			d = model.Document{Account: k.Account, Ref: k.Ref, DocID: ref.ID, Kind: ref.Kind, Name: ref.Name, Version: d.Version + 1}
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
func (tb *Table) linkDocuments(b *store.Batch, in Incoming, came time.Time) error {
	if len(in.Links) == 0 {
		return nil
	}
	a := tb.account(in.Callback.Account)
	if a == nil || b.Now().Sub(came) >= LinkLives {
		return nil
	}
	if _, ok := a.Provider.(provider.Linker); !ok {
		return nil
	}
	for _, l := range in.Links {
		claims := func(o model.Observation) bool {
			return o.Ref == l.Ref && (o.Evidence == model.Claim || o.Evidence == model.WeakClaim)
		}
		if l.URL.Reveal() == "" || !a.Wants(l.Document.Kind) || !slices.ContainsFunc(in.Observations, claims) {
			continue
		}
		if err := tb.linkDocument(b, model.Key{Account: a.ID, Ref: l.Ref}, l, came); err != nil {
			return err
		}
	}
	return nil
}

// linkDocument makes a document due that lies behind a link. A newer link takes the place of an older
// one as long as no file is here.
func (tb *Table) linkDocument(b *store.Batch, k model.Key, l provider.Link, came time.Time) error {
	if _, ok := b.Transaction(k); !ok {
		return nil
	}
	have, err := b.Documents(k)
	if err != nil {
		return err
	}
	now, ref := b.Now(), l.Document
	name, id, mark := provider.Legible(ref.Name), provider.Legible(ref.ID), provider.Legible(ref.Mark)
	d, ok := Newest(have, id, ref.Kind)
	switch {
	case !ok:
		d = model.Document{Account: k.Account, Ref: k.Ref, DocID: id, Kind: ref.Kind, Name: name, Version: 1, CreatedAt: now}
	case HasFile(d) && (mark == "" || d.Mark == "" || mark == d.Mark || d.Held != ""):
		return nil
	case HasFile(d):
		d = model.Document{Account: k.Account, Ref: k.Ref, DocID: id, Kind: ref.Kind, Name: name, Version: d.Version + 1, CreatedAt: now}
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

// SignedFor reports whether the provider has said that a row's documents are what they claim to be.
func SignedFor(t model.Transaction) bool {
	return t.Status == model.Completed && t.Confirmed && !t.Trashed
}

// EndedElsewhere reports whether the provider has settled on something else than completed.
func EndedElsewhere(t model.Transaction) bool {
	return t.ReportedStatus == "" && t.Status != model.Completed && (t.Deleted || t.Confirmed && t.Status.Final())
}

// wakeDocuments makes what waits for the provider's word due, once that word has come.
func (tb *Table) wakeDocuments(b *store.Batch, before, after model.Transaction) error {
	if after.DocsTotal == after.DocsStored || SignedFor(before) == SignedFor(after) && EndedElsewhere(before) == EndedElsewhere(after) {
		return nil
	}
	return tb.dueNow(b, after.Key(), func(d model.Document) bool { return d.State == model.DocumentWaiting })
}

// dueNow makes some of a row's documents due.
func (tb *Table) dueNow(b *store.Batch, k model.Key, which func(model.Document) bool) error {
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
