package documents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
)

// placeBy asks model.Settle where a file belongs, and puts it there. Where it belongs nowhere, the event is written and
// the file is fetched again later.
func (ds *Documents) placeBy(
	ctx context.Context, d model.Document, t model.Transaction, f *file, e model.DocumentEvent,
) error {
	e.Began = d
	if plan := model.Settle(d, e, t, ds.now()); plan.Asks() {
		return ds.place(ctx, d, t, f, plan)
	}
	_, err := ds.settle(ctx, d, e)
	return err
}

// place gives a file its name and writes the row. A file that differs from a stored one becomes the next version; one
// that a killed process left under its name is used as it is. fs.ErrNotExist, with nothing written, if the file is
// neither in its temporary place nor under its name.
func (ds *Documents) place(
	ctx context.Context, d model.Document, t model.Transaction, f *file, plan model.Settlement,
) error {
	others, err := ds.store.Documents(ctx, store.DocumentFilter{Account: d.Account, Ref: d.Ref})
	if err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(o model.Document) bool {
		return o.ID == d.ID || o.DocID != d.DocID || o.Kind != d.Kind
	})
	if plan.Step == model.StepPlace {
		if i := slices.IndexFunc(others, func(o model.Document) bool { return sameFile(ctx, ds.files, o, f.sum) }); i >= 0 {
			return ds.sameAsBefore(ctx, d, others[i])
		}
	}
	name, version, err := ds.nameFile(ctx, d, t, f, others, plan.Step)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		leave(ds.files, d, f)
		return ds.failedFetch(ctx, ds.account(d.Account), d, eitherWay, fmt.Errorf("%w: %w", errNotPlaced, err))
	}
	e := model.DocumentEvent{Kind: model.DocumentPlaced, Reason: plan.Reason, Tried: f.fault != nil}
	if plan.Step == model.StepQuarantine {
		e.Kind = model.DocumentSetAside
	}
	e.File = model.DocumentFile{SHA256: f.sum, Size: f.size, Facts: f.facts, Path: name, Version: version}
	store.CrashPoint("keep synced")
	s, err := ds.settle(ctx, d, e)
	if err != nil {
		return err
	}
	store.CrashPoint("keep noted")
	ds.files.DropArrived(d.ID, fetchedAs(d)) //nolint:errcheck // mostly gone already, else the next start removes it
	ds.log.WithFields(logrus.Fields{
		"account": d.Account, "txn": d.Ref, "status": string(s.Next.State), "source": filepath.Base(name),
	}).Info("document placed")
	return nil
}

// nameFile gives a file the first version's name that is free or already belongs to it.
func (ds *Documents) nameFile(
	ctx context.Context, d model.Document, t model.Transaction, f *file, others []model.Document, step model.DocumentStep,
) (string, int, error) {
	for version := d.Version; ; version++ {
		if slices.ContainsFunc(others, func(o model.Document) bool { return o.Version == version }) {
			continue
		}
		name := nameOf(d, t, version, step == model.StepQuarantine)
		sum, err := ds.files.Taken(ctx, name)
		switch {
		case err == nil && sum != f.sum:
			continue
		case err == nil:
			err = ds.files.Secure(ctx, name)
		case !errors.Is(err, fs.ErrNotExist):
		case f.held != "":
			err = ds.files.PlaceLinkFile(ctx, f.held, name, f.sum)
		default:
			err = ds.files.Place(ctx, f.path, name, f.sum)
		}
		return name, version, err
	}
}

// nameOf returns the path of a version of a document.
func nameOf(d model.Document, t model.Transaction, version int, quarantined bool) string {
	created := d.CreatedAt
	if t.CreatedAt != nil {
		created = *t.CreatedAt
	}
	doc := d.DocID
	if d.Kind != model.SignedDocument && doc != string(d.Kind) {
		doc = string(d.Kind) + "-" + doc
	}
	name := files.DocumentPath(d.Account, d.Ref, doc, created, version)
	if quarantined {
		name = files.Quarantined(name)
	}
	return name
}

// sameFile reports whether a file has the same hash as an earlier version whose stored file is still intact.
func sameFile(ctx context.Context, in files.Names, o model.Document, file string) bool {
	if o.State != model.DocumentStored || o.SHA256 != file {
		return false
	}
	sum, err := in.Taken(ctx, o.Path)
	return err == nil && sum == file
}

// sameAsBefore handles a new version with the same bytes as an earlier one: no second file is stored, and the earlier
// version gets the new mark.
func (ds *Documents) sameAsBefore(ctx context.Context, d, before model.Document) error {
	k := d.Key()
	ctx = context.WithoutCancel(ctx)
	return ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		if b.Forgotten(k) {
			return nil
		}
		row, found, err := apply.DocumentByID(b, d)
		if err != nil || !found {
			return err
		}
		s, err := apply.SettleRow(b, row, model.DocumentEvent{Kind: model.DocumentRepeated, Began: d}, apply.SourceDownload)
		if err != nil || s.Step != model.StepRemoved {
			return err
		}
		earlier, found, err := apply.DocumentByID(b, before)
		if err != nil || !found {
			return err
		}
		marked := model.DocumentEvent{Kind: model.DocumentMarkedAnew, Mark: d.Mark}
		_, err = apply.SettleRow(b, earlier, marked, apply.SourceDownload)
		return err
	}})
}

// clipped makes a provider's sentence one that a row can hold.
func clipped(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return provider.Legible(s)
}
