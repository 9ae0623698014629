package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
	"countersign/worker/pdf"
)

// file is what came for a document: synced, hashed and checked, in a temporary file.
type file struct {
	path  string // of the temporary file; "" where held says what to place
	held  string // the name of a file that a link brought, instead of a temporary one
	sum   string
	size  int64
	fault error // why it is not what it claims to be; nil: whole
	spent bool  // the check died or took too much: the same file would do so again
	whole bool  // it is as long as was declared and has both its ends: fetching it again would bring the same
	facts model.SignatureFacts
}

// getFile fetches a document's bytes, from the provider's API or from a link.
type getFile func(ctx context.Context, doc model.DocumentRef, to io.Writer) (provider.Declared, error)

// fetchFile downloads into a synced temporary file and checks it. An error means that there is no
// file; a file with a fault is one that came but is not whole.
func (ds *Documents) fetchFile(
	ctx context.Context, a *apply.Account, d model.Document, get getFile,
) (f file, err error) {
	ctx, done := a.Generation.Bind(ctx)
	defer done()
	if f, ok, err := ds.arrived(ctx, d); ok || err != nil {
		return f, err
	}
	tmp, err := ds.files.Temp()
	if err != nil {
		return f, err
	}
	f.path = tmp.Name()
	defer func() {
		if cerr := tmp.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			if !a.Generation.Over() {
				leave(ds.files, d, &f)
			}
			f.discard()
		}
	}()
	h := sha256.New()
	call := provider.WithClass(provider.WithWork(ctx, provider.WorkDownload), provider.ClassFiles)
	fctx, cancel := context.WithTimeout(call, fileTime)
	defer cancel()
	dec, err := get(fctx, model.DocumentRef{ID: d.DocID, Kind: d.Kind, Name: d.Name, Mark: d.Mark}, io.MultiWriter(tmp, h))
	switch {
	case errors.Is(err, provider.ErrInvalidFile):
		f.fault = err
	case err != nil:
		return f, err
	}
	if f.size, err = tmp.Seek(0, io.SeekEnd); err != nil {
		return f, err
	}
	f.sum = hex.EncodeToString(h.Sum(nil))
	store.CrashPoint("download written")
	err = ds.files.Sync(tmp)
	store.CrashPoint("download synced")
	if err != nil || f.fault != nil {
		return f, err
	}
	return f, ds.check(ctx, tmp, d, dec.Length, &f)
}

// arrived takes the whole file that an earlier try could not check or place, so that it is not fetched again. One that
// cannot be read is dropped.
func (ds *Documents) arrived(ctx context.Context, d model.Document) (f file, ok bool, err error) {
	in, err := ds.files.Arrived(d.ID, fetchedAs(d))
	if errors.Is(err, fs.ErrNotExist) {
		return f, false, nil
	}
	if err == nil {
		defer in.Close() //nolint:errcheck // only read
		if f.sum, f.size, err = hashOf(in); err == nil {
			f.path = in.Name()
			return f, true, ds.check(ctx, in, d, 0, &f)
		}
	}
	return f, false, ds.files.DropArrived(d.ID, fetchedAs(d))
}

// leave sets a whole file aside for the next try. Where that fails too it is fetched again.
func leave(folder files.Spool, d model.Document, f *file) {
	if f.whole && folder.Leave(f.path, d.ID, fetchedAs(d)) == nil {
		f.path = ""
	}
}

// hashOf reads a file through, from its beginning.
func hashOf(in *os.File) (sum string, size int64, err error) {
	if _, err = in.Seek(0, io.SeekStart); err != nil {
		return "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(h, in)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// discard removes a file that has not got its place, and was not set aside.
func (f *file) discard() {
	if f.path != "" {
		os.Remove(f.path) //nolint:errcheck // gone already where it has its place
	}
}

// fetchedAs names what a document's file was fetched as: another mark or link may bring another file.
func fetchedAs(d model.Document) string { return d.Mark + "\x00" + d.Link }

// check says in f whether a file is what it claims to be. An error is this machine's.
func (ds *Documents) check(ctx context.Context, in *os.File, d model.Document, declared int64, f *file) error {
	if f.fault = pdf.Whole(in, f.size, declared); f.fault != nil {
		return nil
	}
	f.whole = true
	return ds.inspect(ctx, in, d, f)
}

// errNotChecked is of a file that could not be checked, for reasons of this machine.
var errNotChecked = errors.New("the file could not be checked")

// inspect reads a file as a PDF and holds its signatures against what the account expects.
func (ds *Documents) inspect(ctx context.Context, tmp *os.File, d model.Document, f *file) error {
	v, err := ds.look(ctx, tmp, d.Account)
	if err != nil {
		return err
	}
	f.facts, f.spent = v.Facts, v.Spent
	if why := objection(ds.account(d.Account), d, v); why != "" {
		f.fault = errors.New(why)
	}
	return nil
}

// objection says why a document's file is not what it claims to be, or not what its account expects; "" where it is.
func objection(a *apply.Account, d model.Document, v pdf.Verdict) string {
	switch {
	case v.Fault != "":
		return v.Fault
	case a == nil:
		return model.SignaturesIfPresent.Objection(d.Kind, v.Facts)
	case a.KeepBad:
		return ""
	}
	return a.Signatures.Objection(d.Kind, v.Facts)
}

// look reads a file as a PDF, and says by which rules. What the file's own words are is made fit to be stored.
func (ds *Documents) look(ctx context.Context, in *os.File, account string) (pdf.Verdict, error) {
	var trusted pdf.Trusted
	if a := ds.account(account); a != nil {
		trusted = a.Trusted
	}
	v, err := ds.reader(ctx, in, trusted)
	if err != nil {
		return v, fmt.Errorf("%w: %w", errNotChecked, err)
	}
	v.Fault, v.Facts = provider.Legible(v.Fault), pdf.Bounded(v.Facts)
	v.Facts.File.Judge, v.Facts.File.Trusted = model.Judge, trustedSum(trusted)
	return v, nil
}

// wrongFile deals with a file that is not whole, or not as it was signed.
func (ds *Documents) wrongFile(ctx context.Context, d model.Document, t model.Transaction, f *file) error {
	reason := f.fault.Error()
	if f.whole { // the rest quotes the file, which may name people: the row has it
		reason, _, _ = strings.Cut(reason, ": ")
	}
	ds.log.WithFields(logrus.Fields{
		"account": d.Account, "txn": d.Ref, "attempt": d.Attempts + 1, "reason": reason,
	}).Warn("file is not what it should be")
	e := model.DocumentEvent{Kind: model.DocumentWrong, Reason: f.fault.Error(), Tried: true}
	e.Wait = ds.gate.Pause(d.Attempts)
	if f.spent {
		e.Kind = model.DocumentFatal
	}
	return ds.placeBy(ctx, d, t, f, e)
}
