package documents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/incidents"
)

// ErrNotQuarantined is of a document that is not in quarantine: there is nothing to release.
var ErrNotQuarantined = errors.New("the document is not in quarantine")

// Order is what an operator wants.
type Order struct {
	By     string   // a source of the history, "operator NAME"; "operator" if empty
	Reason string   // why a document is released, which its row keeps
	Only   []string // the ids of the documents that are fetched again; none: all of the transaction
}

func (o Order) by() string { return cmp.Or(o.By, "operator") }

// Release takes a document out of quarantine on an operator's order. The file gets its place among the others, the row
// names the operator and keeps the facts of the check, and the change is announced. The new name is on disk before the
// row says so, and the old name is removed after that: a second Release completes one that was killed. It is an error
// if the file is not the one that was quarantined.
func (ds *Documents) Release(ctx context.Context, d model.Document, o Order) (model.Document, error) {
	e := model.DocumentEvent{Kind: model.DocumentReleased}
	if o.Reason != "" {
		e.Reason = "released by " + o.by() + ": " + o.Reason
	}
	return ds.takeOut(ctx, d, e, o.by())
}

// takeOut gives a quarantined file its place for an event that takes it out of quarantine.
func (ds *Documents) takeOut(
	ctx context.Context, d model.Document, e model.DocumentEvent, source string,
) (model.Document, error) {
	if d.State != model.DocumentQuarantined {
		return d, ErrNotQuarantined
	}
	k := d.Key()
	t, err := ds.store.Transaction(ctx, k)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return d, err
	}
	from, to := d.Path, nameOf(d, t, d.Version, false)
	made, err := ds.unquarantine(ctx, d, from, to)
	if err != nil {
		return d, err
	}
	var moved []incidents.Move
	err = ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		moved = nil
		row, found, err := apply.DocumentByID(b, d)
		if err != nil {
			return err
		}
		if !found || row.State != model.DocumentQuarantined {
			return ErrNotQuarantined
		}
		e.File.Path, e.Began = to, d
		s, err := apply.SettleRow(b, row, e, source)
		switch {
		case err != nil:
			return err
		case s.Step != model.StepStored: // what has changed since counts
			return ErrNotQuarantined
		}
		if e.Kind == model.DocumentJudged { // one that an operator let out is nobody's example
			moved, err = learn(b, ds.account(d.Account), &s)
		}
		d = s.Next
		return err
	}})
	if errors.Is(err, ErrNotQuarantined) && made { // the row was removed meanwhile, so the new name is removed too
		return d, errors.Join(err, ds.files.Drop(ctx, to))
	}
	if err != nil {
		return d, err
	}
	ds.incidents.Note(moved)
	if err := ds.files.Drop(ctx, from); err != nil { // the file has its place, and the old name is only a remainder
		log := ds.log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "err": err})
		log.Warn("a released file could not be removed from quarantine")
	}
	return d, nil
}

// unquarantine gives a quarantined file its place as a second name. made reports that the place was empty before.
func (ds *Documents) unquarantine(ctx context.Context, d model.Document, from, to string) (made bool, err error) {
	sum, err := ds.files.Taken(ctx, to)
	switch {
	case err == nil && sum == d.SHA256:
		return false, ds.files.Secure(ctx, to) // an earlier release got to this point
	case err == nil:
		return false, fmt.Errorf("another file lies at %s in the document store", to)
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	if sum, _, err = ds.files.Hash(ctx, from); err != nil {
		return false, err
	}
	if sum != d.SHA256 {
		const altered = "the file in quarantine is not the one that was put there: its SHA-256 is %s and was %s"
		return false, fmt.Errorf(altered, sum, d.SHA256)
	}
	return true, ds.files.Copy(ctx, from, to)
}

// FetchAgain makes the documents of a transaction due again whose newest version is in one of the states, on an
// operator's order. It returns the ids of the rows that are due now.
func (ds *Documents) FetchAgain(
	ctx context.Context, k model.Key, states []model.DocumentState, o Order,
) (ids []string, err error) {
	err = ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		ids = nil
		have, err := b.Documents(k)
		if err != nil {
			return err
		}
		for _, d := range have {
			if last, _ := apply.Newest(have, d.DocID, d.Kind); last.ID != d.ID || !slices.Contains(states, d.State) ||
				len(o.Only) > 0 && !slices.Contains(o.Only, d.ID) {
				continue
			}
			s, err := apply.SettleRow(b, d, model.DocumentEvent{Kind: model.DocumentAskedAgain}, o.by())
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
