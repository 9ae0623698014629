package verify

import (
	"context"
	"errors"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/files"
)

// files hashes the stored documents of a row again. With repair, a missing or changed file is fetched again if it is
// the newest version.
func (v *verifier) files(ctx context.Context, t model.Transaction) ([]model.DriftLine, error) {
	docs, err := v.o.Store.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
	if err != nil {
		return nil, err
	}
	var out []model.DriftLine
	for _, d := range docs {
		if d.State != model.DocumentStored {
			continue
		}
		sum, _, err := v.o.Hash(ctx, d.Path)
		if errors.Is(err, files.ErrAway) || ctx.Err() != nil {
			return nil, err // nothing is known of the file: another would be fetched for nothing
		}
		if err == nil && sum == d.SHA256 {
			continue
		}
		if err != nil {
			sum = "unreadable"
		}
		line := v.line(t, "document "+d.DocID, d.ID, d.SHA256, sum)
		last, _ := apply.Newest(docs, d.DocID, d.Kind)
		if v.pass.Params.Repair && last.ID == d.ID { // the provider gives only the newest version
			if line.Repaired, err = v.refetch(ctx, d, line); err != nil {
				return nil, err
			}
		}
		out = append(out, line)
	}
	return out, nil
}

// refetch makes a stored document due again and writes the drift line in the same transaction, since after a kill
// nothing else would show that there was drift. It returns false where the document has changed meanwhile.
func (v *verifier) refetch(ctx context.Context, d model.Document, line model.DriftLine) (done bool, err error) {
	k := d.Key()
	err = v.o.Store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		done = false
		row, found, err := apply.DocumentByID(b, d)
		if _, known := b.Transaction(k); err != nil || !found || !known {
			return err
		}
		e := model.DocumentEvent{Kind: model.DocumentFileAltered, Began: d}
		s, err := apply.SettleRow(b, row, e, v.source().String())
		if err != nil || s.Step != model.StepQueued {
			return err
		}
		line.Repaired, done = true, true
		b.PutDrift(line)
		return nil
	}})
	if done {
		v.mu.Lock()
		v.queued++
		v.mu.Unlock()
	}
	return done, err
}
