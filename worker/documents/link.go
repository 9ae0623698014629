package documents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"countersign/model"
	"countersign/model/store/durable"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
)

// followLink fetches a document from the link that a callback told, whatever the provider has said of the transaction
// so far: the link may be dead by then. The file waits in a folder of its own.
func (ds *Documents) followLink(ctx context.Context, a *apply.Account, d model.Document, t model.Transaction) error {
	if name, ok := ds.files.LinkFileOf(d.ID); ok { // it had come when the process ended
		err := ds.noteLeftLinkFile(ctx, d, t, name)
		if err != nil {
			return ds.failedFetch(ctx, a, d, byLink, err)
		}
		return nil
	}
	if ds.short() {
		return ds.putOff(ctx, d, model.DocumentMachineFault, ds.retryWait, "the document folder is short of space")
	}
	f, err := ds.fetchFile(ctx, d, func(ctx context.Context, doc model.DocumentRef, to io.Writer) (provider.Declared, error) {
		l := a.Provider.Linker
		if l == nil {
			return provider.Declared{}, provider.ErrUnobtainable
		}
		return l.DownloadLink(ctx, d.Ref, doc, provider.Secret(d.Link), to)
	})
	if err != nil {
		return ds.failedFetch(ctx, a, d, byLink, err)
	}
	defer f.discard()
	if f.fault != nil {
		return ds.wrongFile(ctx, d, t, &f)
	}
	if err := ds.files.PutLinkFile(f.path, files.LinkFileName(d.ID, f.sum)); err != nil {
		ds.leave(d, &f)
		return ds.failedFetch(ctx, a, d, byLink, fmt.Errorf("%w: %w", errNotPlaced, err))
	}
	durable.CrashPoint("hold synced")
	return ds.noteLinkFile(ctx, d, f)
}

// noteLeftLinkFile goes on with a link's file that lay in its place when the process ended, before its row said so.
func (ds *Documents) noteLeftLinkFile(ctx context.Context, d model.Document, t model.Transaction, name string) error {
	sum, size, err := ds.files.Hash(name)
	if err == nil {
		err = ds.files.Secure(name)
	}
	if err != nil {
		return err
	}
	in, err := ds.files.Open(name)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	f := file{path: in.Name(), sum: sum, size: size}
	if err := ds.inspect(ctx, in, d, &f); err != nil {
		return err
	}
	if f.fault != nil {
		return ds.wrongFile(ctx, d, t, &f)
	}
	return ds.noteLinkFile(ctx, d, f)
}

// noteLinkFile writes that a link's file is here, unless another one has come meanwhile: then this one goes.
func (ds *Documents) noteLinkFile(ctx context.Context, d model.Document, f file) error {
	e := model.DocumentEvent{
		Kind: model.DocumentLinkFileCame, File: model.DocumentFile{SHA256: f.sum, Size: f.size, Facts: f.facts},
	}
	s, err := ds.settle(ctx, d, e)
	durable.CrashPoint("hold noted")
	if err == nil && s.Next.LinkFile != f.sum {
		err = ds.files.DropLinkFile(files.LinkFileName(d.ID, f.sum))
	}
	return err
}

// placeLinkFile gives a link's file its place now that the provider has spoken: beside the others if it says
// completed, in quarantine if it settled on something else or does not know the transaction.
func (ds *Documents) placeLinkFile(ctx context.Context, d model.Document, t model.Transaction, plan model.Settlement) error {
	name := files.LinkFileName(d.ID, d.LinkFile)
	p, err := ds.files.Path(name)
	if err != nil {
		return err
	}
	f := file{path: p, sum: d.LinkFile, size: d.Size}
	sum, _, err := ds.files.Hash(name)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return errors.Join(ds.putOff(ctx, d, model.DocumentMachineFault, ds.retryWait, "the held file cannot be read"), err)
	case err == nil && sum != d.LinkFile:
		f.sum = sum
		return ds.placeBy(ctx, d, t, &f, model.DocumentEvent{Kind: model.DocumentFileAltered})
	}
	err = ds.place(ctx, d, t, &f, plan)
	if errors.Is(err, fs.ErrNotExist) { // taken away by somebody
		_, err = ds.settle(ctx, d, model.DocumentEvent{Kind: model.DocumentFileLost})
		return err
	}
	if err == nil {
		durable.CrashPoint("hold placed")
		os.Remove(p) //nolint:errcheck // mostly gone already
	}
	return err
}

// SweepLinkFiles removes the files that links brought and that no document waits for. Only the process that has the
// work lock may call it.
func (ds *Documents) SweepLinkFiles(ctx context.Context) error {
	ids, err := ds.store.Holding(ctx)
	if err != nil {
		return err
	}
	return ds.files.SweepLinkFiles(func(id string) bool { return ids[id] })
}
