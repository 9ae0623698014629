package documents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
)

// followLink fetches a document from a callback's link, whatever the provider has said of the transaction
// so far: the link may be dead by then. The file waits in a folder of its own.
func (ds *Documents) followLink(ctx context.Context, a *apply.Account, d model.Document, t model.Transaction) error {
	name, ok, err := ds.files.LinkFileOf(ctx, d.ID)
	if err != nil {
		return ds.failedFetch(ctx, a, d, byLink, err)
	}
	if ok { // it had come when the process ended
		f, err := ds.leftLinkFile(ctx, d, name)
		switch {
		case err != nil:
			return ds.failedFetch(ctx, a, d, byLink, err)
		case f.fault != nil:
			return ds.wrongFile(ctx, d, t, &f)
		}
		return ds.noteLinkFile(ctx, d, f)
	}
	if why, err := ds.notNow(ctx, d.Account); why != "" || err != nil {
		return errors.Join(err, ds.putOff(ctx, d, model.DocumentMachineFault, ds.retryWait, why))
	}
	f, err := ds.fetchFile(ctx, a, d,
		func(ctx context.Context, of model.DocumentRef, w io.Writer) (provider.Declared, error) {
			l := a.Provider.Linker
			if l == nil {
				return provider.Declared{}, provider.ErrUnobtainable
			}
			return l.DownloadLink(ctx, d.Ref, of, provider.Secret(d.Link), w)
		})
	if err != nil {
		return ds.failedFetch(ctx, a, d, byLink, err)
	}
	defer f.discard()
	return ds.unlessSuperseded(ctx, a, d, func() error {
		if f.fault != nil {
			return ds.wrongFile(ctx, d, t, &f)
		}
		if err := ds.files.PutLinkFile(ctx, f.path, files.LinkFileName(d.ID, f.sum)); err != nil {
			leave(ds.files, d, &f)
			return ds.failedFetch(ctx, a, d, byLink, fmt.Errorf("%w: %w", errNotPlaced, err))
		}
		store.CrashPoint("hold synced")
		return ds.noteLinkFile(ctx, d, f)
	})
}

// leftLinkFile reads a link's file that lay in its place when the process ended, before its row said so.
func (ds *Documents) leftLinkFile(ctx context.Context, d model.Document, name string) (f file, err error) {
	if err = ds.files.Secure(ctx, name); err != nil {
		return f, err
	}
	in, err := ds.files.Open(ctx, name)
	if err != nil {
		return f, err
	}
	defer in.Close() //nolint:errcheck // only read
	f.held = name
	if f.sum, f.size, err = hashOf(in); err != nil {
		return f, err
	}
	return f, ds.inspect(ctx, in, d, &f)
}

// noteLinkFile writes that a link's file is here, unless another one has come meanwhile: then this one goes.
func (ds *Documents) noteLinkFile(ctx context.Context, d model.Document, f file) error {
	e := model.DocumentEvent{
		Kind: model.DocumentLinkFileCame, File: model.DocumentFile{SHA256: f.sum, Size: f.size, Facts: f.facts},
	}
	s, err := ds.settle(ctx, d, e)
	store.CrashPoint("hold noted")
	if err == nil && s.Next.LinkFile != f.sum {
		err = ds.files.DropLinkFile(ctx, files.LinkFileName(d.ID, f.sum))
	}
	return err
}

// placeLinkFile gives a link's file its place now that the provider has spoken: beside the others if it says
// completed, in quarantine if it settled on something else or does not know the transaction.
func (ds *Documents) placeLinkFile(
	ctx context.Context, d model.Document, t model.Transaction, plan model.Settlement,
) error {
	name := files.LinkFileName(d.ID, d.LinkFile)
	f := file{held: name, sum: d.LinkFile, size: d.Size}
	sum, _, err := ds.files.Hash(ctx, name)
	switch {
	case errors.Is(err, files.ErrAway):
		return ds.failedFetch(ctx, ds.account(d.Account), d, byLink, err)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		later := ds.putOff(ctx, d, model.DocumentMachineFault, ds.retryWait, "the held file cannot be read")
		return errors.Join(later, err)
	case err == nil && sum != d.LinkFile:
		f.sum = sum
		return ds.placeBy(ctx, d, t, &f, model.DocumentEvent{Kind: model.DocumentFileAltered})
	}
	err = ds.place(ctx, d, t, &f, plan)
	if errors.Is(err, fs.ErrNotExist) { // an operator took it away
		_, err = ds.settle(ctx, d, model.DocumentEvent{Kind: model.DocumentFileLost})
		return err
	}
	if err == nil {
		store.CrashPoint("hold placed")
		ds.files.DropLinkFile(ctx, name) //nolint:errcheck // mostly gone already, else the next sweep removes it
	}
	return err
}

// SweepLinkFiles removes the files that links brought and that no document waits for. Only the process that has the
// work lock may call it.
func (ds *Documents) SweepLinkFiles(ctx context.Context) error {
	ids, err := ds.store.InHoldFolder(ctx)
	if err != nil {
		return err
	}
	return ds.files.SweepLinkFiles(ctx, func(id string) bool { return ids[id] })
}
