package documents

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
)

// way is where a document's file is fetched from.
type way int

const (
	byProvider way = 1 << iota // the provider's API
	byLink                     // a callback's link
	eitherWay  = byProvider | byLink
)

// pause says how long a document waits after a fetch that brought no file.
type pause int

const (
	pauseNone    pause = iota // the next round
	pauseFirst                // retry.first
	pauseMost                 // retry.most
	pauseGrowing              // longer with each try
	pauseAsked                // as long as the service asks
)

// failure is what an error of a fetch means for the document.
type failure struct {
	is     func(error) bool
	on     way
	event  model.DocumentEventKind
	pause  pause
	tried  bool               // it counts as a try
	reason string             // for people; "" leaves the row's own
	adds   func(error) string // words of the error that the reason ends with
	log    logrus.Level
	ours   bool // a fault of this machine's folder, which the loop logs too
}

const (
	folderNotWritten = "the document folder cannot be written"
	storeNotUsed     = "the document store cannot be used"
)

// failures lists what an error of a fetch may mean; the first line that fits counts, and the last ones fit every error.
// What is the fault of this machine costs no try, and stops no link.
func failures() []failure {
	const (
		machine, noFile = model.DocumentMachineFault, model.DocumentNoFile

		quiet, warn, fail = logrus.DebugLevel, logrus.WarnLevel, logrus.ErrorLevel
	)
	dead := isErr(provider.ErrDenied, provider.ErrNotFound, provider.ErrUnobtainable)
	return []failure{
		{is: isErr(errStopped), on: eitherWay, event: model.DocumentPostponed, pause: pauseNone, log: quiet},
		{is: isErr(errNotChecked), on: eitherWay, event: machine, pause: pauseFirst, log: fail,
			reason: "the file could not be checked on this machine, trying again"},
		{is: asksToWait, on: byProvider, event: model.DocumentPostponed, pause: pauseAsked, log: quiet,
			reason: "the provider asks to wait"},
		{is: asksToWait, on: byLink, event: model.DocumentPostponed, pause: pauseAsked, log: quiet,
			reason: "the link's host asks to wait"},
		{is: isErr(files.ErrAway), on: eitherWay, event: machine, pause: pauseFirst, log: warn,
			reason: storeNotUsed, adds: systemWords},
		{is: isFolder, on: eitherWay, event: machine, pause: pauseFirst, log: quiet, ours: true,
			reason: folderNotWritten, adds: systemWords},
		{is: isMachine, on: eitherWay, event: machine, pause: pauseFirst, log: fail,
			reason: "this machine could not fetch the file", adds: systemWords},
		{is: isErr(provider.ErrTooLarge), on: eitherWay, event: model.DocumentTooLarge, tried: true, log: warn,
			reason: "the file is larger than documents_max_size: raise it, then `documents retry`"},
		{is: dead, on: byLink, event: model.DocumentLinkDied, log: warn,
			reason: "the link has died, the provider will be asked"},
		{is: isErr(provider.ErrDenied), on: byProvider, event: model.DocumentRefused, pause: pauseMost, log: quiet,
			reason: "credentials refused"},
		{is: isErr(provider.ErrUnobtainable), on: byProvider, event: model.DocumentCannotBeHad, log: quiet,
			adds: providerWords},
		{is: isErr(provider.ErrNotReady), on: byProvider, event: noFile, pause: pauseGrowing, tried: true, log: quiet,
			reason: "the provider is still making the file"},
		{is: isErr(provider.ErrNotFound), on: byProvider, event: model.DocumentMissing, pause: pauseGrowing, tried: true,
			log: quiet, reason: "the provider does not have the file yet"},
		{is: anyErr, on: byProvider, event: noFile, pause: pauseGrowing, tried: true, log: warn,
			reason: "download failed, trying again"},
		{is: anyErr, on: byLink, event: noFile, pause: pauseGrowing, tried: true, log: warn,
			reason: "the link brought no file, trying again"},
	}
}

// errNotPlaced is of a whole file that the document folder would not take.
var errNotPlaced = errors.New("the file could not be given its name")

// errStopped is of a fetch that the daemon's own end has broken off.
var errStopped = errors.New("the daemon ends")

// failureOf finds what an error means on a way to a file.
func failureOf(on way, err error) failure {
	for _, f := range failures() {
		if f.on&on != 0 && f.is(err) {
			return f
		}
	}
	return failure{event: model.DocumentNoFile, pause: pauseGrowing, tried: true, log: logrus.WarnLevel}
}

// failedFetch deals with a fetch that brought no file.
func (ds *Documents) failedFetch(ctx context.Context, a *apply.Account, d model.Document, on way, err error) error {
	if ctx.Err() != nil {
		err = errStopped
	}
	return ds.unlessSuperseded(ctx, a, d, func() error { return ds.noFile(ctx, a, d, on, err) })
}

// noFile writes what it means for a document that a fetch brought no file.
func (ds *Documents) noFile(ctx context.Context, a *apply.Account, d model.Document, on way, err error) error {
	f := failureOf(on, err)
	ds.log.WithFields(logrus.Fields{
		"account": d.Account, "txn": d.Ref, "attempt": d.Attempts + 1, "reason": f.reason, "err": provider.Redact(err),
	}).Log(f.log, "download brought no file")
	if f.event == model.DocumentRefused {
		if err := ds.gate.Failed(context.WithoutCancel(ctx), a, d.Key(), err); err != nil {
			return err
		}
	}
	e := model.DocumentEvent{Kind: f.event, Reason: f.reason, Wait: ds.pauseFor(f, d, err), Tried: f.tried}
	if f.adds != nil {
		e.Reason = reasonWith(f.reason, f.adds(err))
	}
	if _, serr := ds.settle(ctx, d, e); serr != nil || f.ours {
		return errors.Join(serr, err)
	}
	return nil
}

// pauseFor is how long a document waits after a failure.
func (ds *Documents) pauseFor(f failure, d model.Document, err error) time.Duration {
	var after *provider.RetryAfter
	switch f.pause {
	case pauseFirst:
		return ds.retryWait
	case pauseMost:
		return ds.retryMost
	case pauseGrowing:
		return ds.gate.Pause(d.Attempts)
	case pauseAsked:
		if errors.As(err, &after) {
			return ds.gate.Asked(after)
		}
	}
	return 0
}

func reasonWith(reason, more string) string {
	if reason == "" || more == "" {
		return reason + more
	}
	return reason + ": " + more
}

func anyErr(error) bool { return true }

func isErr(kinds ...error) func(error) bool {
	return func(err error) bool {
		for _, k := range kinds {
			if errors.Is(err, k) {
				return true
			}
		}
		return false
	}
}

func asksToWait(err error) bool {
	var after *provider.RetryAfter
	return errors.As(err, &after)
}

// isFolder says whether an error is of a file of ours: nothing else of a fetch is one.
func isFolder(err error) bool {
	var file *fs.PathError
	var link *os.LinkError
	return errors.Is(err, errNotPlaced) || errors.As(err, &file) || errors.As(err, &link)
}

// isMachine says whether this machine lacked something that has nothing to do with the file.
func isMachine(err error) bool {
	room := isErr(syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS)
	return room(err) || isErr(syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS)(err)
}

// systemWords are the system's own: no path, no address.
func systemWords(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		return file.Err.Error()
	}
	return ""
}

// providerWords are what the provider's side says of it.
func providerWords(err error) string { return clipped(provider.Redact(err).Error(), 300) }
