package documents

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// recoverFile takes over a file that has a document's name but no row: a process was killed after naming the file and
// before writing the row. The file is checked as if it had just come. It returns false where there is no such file, or
// where it fails the check.
func (ds *Documents) recoverFile(ctx context.Context, d model.Document, t model.Transaction) (bool, error) {
	name := nameOf(d, t, d.Version, false)
	in, err := ds.files.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer in.Close() //nolint:errcheck // only read
	known, err := ds.store.Documents(ctx, store.DocumentFilter{Account: d.Account, Ref: d.Ref})
	if err != nil || slices.ContainsFunc(known, func(o model.Document) bool { return o.Path == name }) {
		return false, err
	}
	f := file{}
	if f.sum, f.size, err = hashOf(in); err != nil {
		return false, err
	}
	if err = ds.check(ctx, in, d, 0, &f); err != nil {
		return false, err // nobody knows what it is: fetching another would store it twice
	}
	if f.fault != nil {
		ds.log.WithFields(logrus.Fields{
			"account": d.Account, "txn": d.Ref, "source": name, "err": f.fault,
		}).Warn("a file that no row knows is left alone")
		return false, nil
	}
	return true, ds.placeBy(ctx, d, t, &f, model.DocumentEvent{Kind: model.DocumentCame})
}

// lacks reports whether an error means that the provider does not have a file, for now or for ever.
func lacks(err error) bool {
	return isErr(provider.ErrNotFound, provider.ErrNotReady, provider.ErrUnobtainable)(err)
}
