package documents

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
)

// Forget removes a transaction's personal data, including its files. After a kill it can be repeated, and the daemon
// also completes it. store.ErrNoRow if nothing is stored about the transaction.
func (ds *Documents) Forget(ctx context.Context, k model.Key) (p store.Personal, files int, err error) {
	if p, err = ds.store.Forget(ctx, k, "operator"); err != nil {
		return p, 0, err
	}
	f, err := ds.store.ForgottenOf(ctx, k)
	if err != nil {
		return p, 0, err
	}
	files, err = ds.sweep(ctx, f)
	return p, files, err
}

// SweepForgotten removes files of forgotten transactions that a killed process, or a download in progress, left
// behind.
func (ds *Documents) SweepForgotten(ctx context.Context) error {
	since := ds.now().Add(-sweepAgain)
	list, err := ds.store.Forgotten(ctx, &since)
	if err != nil {
		return err
	}
	for _, f := range list {
		if _, err := ds.sweep(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// sweepAgain is longer than any download.
const sweepAgain = 24 * time.Hour

func (ds *Documents) sweepNow(ctx context.Context, k model.Key) error {
	f, err := ds.store.ForgottenOf(ctx, k)
	if errors.Is(err, store.ErrNoRow) { // the transaction is tracked again
		return nil
	}
	if err == nil {
		_, err = ds.sweep(ctx, f)
	}
	return err
}

func (ds *Documents) sweep(ctx context.Context, f store.Forgotten) (n int, err error) {
	if n, err = ds.files.Forget(ctx, f.Key(), f.Documents); err != nil {
		return n, err
	}
	if n > 0 {
		ds.log.WithFields(logrus.Fields{"account": f.Account, "txn": f.Ref}).Info("files of a forgotten transaction removed")
	}
	if n > 0 || f.SweptAt == nil {
		err = ds.store.Swept(ctx, f.Key())
	}
	return n, err
}
