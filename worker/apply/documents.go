package apply

import (
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// SourceDownload names the downloads in a row's history.
const SourceDownload = "download"

// Newest returns the newest version of a document; false where there is none.
func Newest(list []model.Document, id string, kind model.DocumentKind) (out model.Document, ok bool) {
	for _, d := range list {
		if d.DocID == id && d.Kind == kind && (!ok || d.Version > out.Version) {
			out, ok = d, true
		}
	}
	return out, ok
}

// queueDocuments adds the documents that the table does not have, and the next version of those whose content has
// changed.
func (tb *Table) queueDocuments(b *store.Batch, a *Account, k model.Key, refs []model.DocumentRef) error {
	for _, ref := range refs {
		if !a.Wants(ref.Kind) {
			continue
		}
		e := model.DocumentEvent{Kind: model.DocumentNamed, Name: ref.Name, Mark: ref.Mark}
		if err := settleNewest(b, k, ref.ID, ref.Kind, e); err != nil {
			return err
		}
	}
	return nil
}

// settleNewest applies an event to the newest version of a document, or to a document that has no row yet.
func settleNewest(b *store.Batch, k model.Key, id string, kind model.DocumentKind, e model.DocumentEvent) error {
	have, err := b.Documents(k)
	if err != nil {
		return err
	}
	d, ok := Newest(have, id, kind)
	if !ok {
		d = model.Document{Account: k.Account, Ref: k.Ref, DocID: id, Kind: kind}
	}
	_, err = SettleRow(b, d, e, SourceDownload)
	return err
}

// linkDocuments records the documents whose links only this callback tells. It ignores links in unproved callbacks,
// and links of refs that the callback makes no claim about.
func (tb *Table) linkDocuments(b *store.Batch, in Incoming, came time.Time) error {
	if len(in.Links) == 0 {
		return nil
	}
	a := tb.account(in.Callback.Account)
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
		if err := linkDocument(b, model.Key{Account: a.ID, Ref: l.Ref}, l, came); err != nil {
			return err
		}
	}
	return nil
}

// linkDocument makes a document due that is to be fetched from a link.
func linkDocument(b *store.Batch, k model.Key, l provider.Link, came time.Time) error {
	if _, ok := b.Transaction(k); !ok {
		return nil
	}
	ref := l.Document
	e := model.DocumentEvent{
		Kind: model.DocumentLinked, Name: provider.Legible(ref.Name), Mark: provider.Legible(ref.Mark),
		Link: l.URL.Reveal(), Came: came,
	}
	return settleNewest(b, k, provider.Legible(ref.ID), ref.Kind, e)
}

// wakeDocuments makes the documents due that wait for the provider's confirmation, once it has come.
func wakeDocuments(b *store.Batch, before, after model.Transaction) error {
	same := before.ConfirmedCompleted() == after.ConfirmedCompleted() && before.EndedOtherwise() == after.EndedOtherwise()
	if after.DocsTotal == after.DocsStored || same {
		return nil
	}
	return wake(b, after.Key())
}

// wake makes the waiting documents of a row due.
func wake(b *store.Batch, k model.Key) error {
	have, err := b.Documents(k)
	for _, d := range have {
		if err == nil {
			_, err = SettleRow(b, d, model.DocumentEvent{Kind: model.DocumentWoken}, SourceDownload)
		}
	}
	return err
}

// DocumentByID reads a document's row as it is now; the document as it was, where the row is gone.
func DocumentByID(b *store.Batch, d model.Document) (model.Document, bool, error) {
	have, err := b.Documents(d.Key())
	if i := slices.IndexFunc(have, func(o model.Document) bool { return o.ID == d.ID }); i >= 0 {
		return have[i], true, err
	}
	return d, false, err
}

// SettleRow asks model.Settle about a document's row and writes what it says, with the change, if any.
func SettleRow(b *store.Batch, row model.Document, e model.DocumentEvent, source string) (model.Settlement, error) {
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
		Record(b, t, c, source, b.Now(), true)
	}
	return s, nil
}
