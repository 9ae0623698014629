package documents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/pdf"
	"countersign/worker/pdf/pdftest"
)

// What is the fault of this machine costs a document no try, on either way to its file, and is told as what it is.
func TestAFaultOfThisMachineCostsNoTry(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "document-1", Err: syscall.ENOSPC}
	crowded := fmt.Errorf("files.example.org: %w", os.NewSyscallError("socket", syscall.EMFILE))
	for name, c := range map[string]struct {
		download, inspect error
		reason            string
	}{
		"no process to be had": {nil, errors.New("fork/exec: resource temporarily unavailable"),
			"the file could not be checked on this machine, trying again"},
		"the disk is full":      {full, nil, "the document folder cannot be written: no space left on device"},
		"no file may be opened": {crowded, nil, "this machine could not fetch the file: too many open files"},
		"no program to check with": {nil, &fs.PathError{Op: "fork/exec", Path: "/x", Err: syscall.ENOENT},
			"the file could not be checked on this machine, trying again"},
	} {
		for _, linked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, linked %t", name, linked), func(t *testing.T) {
				b := sqlite(t)
				b.service.Files["1"], b.service.NoFile = pdftest.Plain("one"), c.download
				b.service.Links[link] = fileOf(pdftest.Plain("one"))
				if c.download != nil {
					b.service.Links[link] = func(io.Writer) error { return c.download }
				}
				inspect := b.reader
				if c.inspect != nil {
					b.reader = func(context.Context, *os.File, pdf.Trusted) (pdf.Verdict, error) { return pdf.Verdict{}, c.inspect }
				}
				if linked {
					b.called(t, claim("a", model.Completed), linkTo("a", link))
				} else {
					b.answered(t, "a", completed(marked("")))
				}
				for range 2 * model.WrongFiles {
					b.downloadOnce(t.Context()) //nolint:errcheck // told of a full disk
					d := b.document(t, "a")
					same(t, "state, tries, reason, link", []any{d.State, d.Attempts, d.Reason, d.Link != ""},
						[]any{model.DocumentWaiting, 0, c.reason, linked})
					same(t, "pause", d.NextTryAt.Sub(b.now()), b.retryWait)
					b.move(b.retryWait)
				}
				b.reader, b.service.NoFile, b.service.Links[link] = inspect, nil, fileOf(pdftest.Plain("one"))
				b.service.Says["a"] = completed()
				check(t, b.downloadOnce(t.Context()))
				b.confirmed(t)
				check(t, b.downloadOnce(t.Context()))
				same(t, "state in the end", b.document(t, "a").State, model.DocumentStored)
			})
		}
	}
}

// Each error of a fetch means one thing on each way.
func TestWhatAFailedFetchMeans(t *testing.T) {
	wait := &provider.RetryAfter{Wait: time.Hour, Err: errors.New("429")}
	type meaning struct {
		event model.DocumentEventKind
		pause pause
		tried bool
	}
	const postponed, machine, noFile = model.DocumentPostponed, model.DocumentMachineFault, model.DocumentNoFile
	for name, c := range map[string]struct {
		err          error
		direct, link meaning
	}{
		"stopped": {errStopped, meaning{postponed, pauseNone, false}, meaning{postponed, pauseNone, false}},
		"not checked": {fmt.Errorf("%w: %w", errNotChecked, &fs.PathError{Err: syscall.EAGAIN}),
			meaning{machine, pauseFirst, false}, meaning{machine, pauseFirst, false}},
		"asks to wait": {wait, meaning{postponed, pauseAsked, false}, meaning{postponed, pauseAsked, false}},
		"disk": {fmt.Errorf("write file: %w", &fs.PathError{Err: syscall.EIO}),
			meaning{machine, pauseFirst, false}, meaning{machine, pauseFirst, false}},
		"rename": {&os.LinkError{Err: syscall.EXDEV}, meaning{machine, pauseFirst, false},
			meaning{machine, pauseFirst, false}},
		"no sockets": {os.NewSyscallError("socket", syscall.ENFILE), meaning{machine, pauseFirst, false},
			meaning{machine, pauseFirst, false}},
		"too large": {fmt.Errorf("read file: %w", provider.ErrTooLarge),
			meaning{model.DocumentTooLarge, pauseNone, true}, meaning{model.DocumentTooLarge, pauseNone, true}},
		"denied": {provider.ErrDenied, meaning{model.DocumentRefused, pauseMost, false},
			meaning{model.DocumentLinkDied, pauseNone, false}},
		"not found": {provider.ErrNotFound, meaning{model.DocumentMissing, pauseGrowing, true},
			meaning{model.DocumentLinkDied, pauseNone, false}},
		"cannot be had": {provider.ErrUnobtainable, meaning{model.DocumentCannotBeHad, pauseNone, false},
			meaning{model.DocumentLinkDied, pauseNone, false}},
		"not ready":     {provider.ErrNotReady, meaning{noFile, pauseGrowing, true}, meaning{noFile, pauseGrowing, true}},
		"anything else": {errors.New("no route"), meaning{noFile, pauseGrowing, true}, meaning{noFile, pauseGrowing, true}},
	} {
		for on, want := range map[way]meaning{byProvider: c.direct, byLink: c.link} {
			f := failureOf(on, c.err)
			same(t, fmt.Sprintf("%s by %d", name, on), meaning{f.event, f.pause, f.tried}, want)
			if f.reason == "" && f.adds == nil && c.err != errStopped {
				t.Errorf("%s by %d: people are told nothing", name, on)
			}
		}
	}
}
