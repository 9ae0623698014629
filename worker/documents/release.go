package documents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// ErrNotQuarantined is of a document that is not in quarantine, so that it cannot be taken out.
var ErrNotQuarantined = errors.New("the document is not in quarantine")

// Release takes a document out of quarantine by an operator's word: the file gets its place among the others, the
// row says who let it in and keeps what was found, and the change is announced. The file has its new name, on disk,
// before the row says so, and loses the old one after: what a kill leaves half done, a second Release finishes. An
// error where the file is not the one that was quarantined.
func (ds *Documents) Release(ctx context.Context, d model.Document) (model.Document, error) {
	if d.State != model.DocumentQuarantined {
		return d, ErrNotQuarantined
	}
	k := d.Key()
	t, err := ds.store.Transaction(ctx, k)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return d, err
	}
	from, to := d.Path, nameOf(d, t, d.Version, false)
	made, err := ds.unquarantine(d, from, to)
	if err != nil {
		return d, err
	}
	err = ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		row, found, err := apply.DocumentByID(b, d)
		if err != nil {
			return err
		}
		if !found || row.State != model.DocumentQuarantined {
			return ErrNotQuarantined
		}
		e := model.DocumentEvent{Kind: model.DocumentReleased, File: model.DocumentFile{Path: to}}
		s, err := apply.SettleRow(b, row, e, "operator")
		if err == nil {
			d = s.Next
		}
		return err
	}})
	if errors.Is(err, ErrNotQuarantined) && made { // the row went meanwhile: so does the name
		return d, errors.Join(err, ds.files.Drop(to))
	}
	if err != nil {
		return d, err
	}
	if err := ds.files.Drop(from); err != nil { // it has its place: the other name is only left over
		log := ds.log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "err": err})
		log.Warn("a released file could not be removed from quarantine")
	}
	return d, nil
}

// unquarantine gives a quarantined file its place beside the old one. made: it had none before.
func (ds *Documents) unquarantine(d model.Document, from, to string) (made bool, err error) {
	sum, err := ds.files.Taken(to)
	switch {
	case err == nil && sum == d.SHA256:
		return false, ds.files.Secure(to) // an earlier release came this far
	case err == nil:
		return false, fmt.Errorf("another file lies at %s in the document store", to)
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	if sum, _, err = ds.files.Hash(from); err != nil {
		return false, err
	}
	if sum != d.SHA256 {
		const altered = "the file in quarantine is not the one that was put there: its SHA-256 is %s and was %s"
		return false, fmt.Errorf(altered, sum, d.SHA256)
	}
	return true, ds.files.Copy(from, to)
}

// FetchAgain has those documents of a transaction fetched again whose newest version is in one of the states, by an
// operator's word. It returns the ids of the rows that are due now.
func (ds *Documents) FetchAgain(
	ctx context.Context, k model.Key, states []model.DocumentState,
) (ids []string, err error) {
	err = ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		ids = nil
		have, err := b.Documents(k)
		if err != nil {
			return err
		}
		for _, d := range have {
			if last, _ := apply.Newest(have, d.DocID, d.Kind); last.ID != d.ID || !slices.Contains(states, d.State) {
				continue
			}
			s, err := apply.SettleRow(b, d, model.DocumentEvent{Kind: model.DocumentAskedAgain}, "operator")
			if err != nil {
				return err
			}
			if s.Writes() {
				ids = append(ids, s.Next.ID)
			}
		}
		return nil
	}})
	return ids, err
}
