package documents

import (
	"context"
	"errors"
	"io/fs"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
)

// Difference is one thing in which a stored file is not what its row says.
type Difference struct {
	Account string `json:"account"`
	Ref     string `json:"ref"`
	ID      string `json:"id"`
	Field   string `json:"field"` // sha256, signature, integrity, coverage
	Ours    string `json:"ours"`
	Theirs  string `json:"theirs"`
}

// Check reads a stored file again and returns where it differs from its row. Where its signatures were never checked,
// the row is completed, and filled is true. An error is a fault of this machine.
func (ds *Documents) Check(ctx context.Context, d model.Document) (out []Difference, filled bool, err error) {
	differs := func(field, ours, theirs string) {
		if ours != theirs {
			out = append(out, Difference{d.Account, d.Ref, d.ID, field, ours, theirs})
		}
	}
	sum, _, err := ds.files.Hash(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		differs("sha256", d.SHA256, "missing")
		return out, false, nil
	}
	if err != nil {
		differs("sha256", d.SHA256, "unreadable")
		return out, false, nil
	}
	if differs("sha256", d.SHA256, sum); len(out) > 0 {
		return out, false, nil // a different file: its signatures must not go into the row
	}
	f, err := ds.files.Open(d.Path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close() //nolint:errcheck // only read
	v, err := ds.look(ctx, f, d.Account)
	if err != nil {
		return nil, false, err
	}
	if v.Fault != "" {
		v.Facts = model.UnknownSignature(v.Fault)
	}
	if d.Facts.Signature == "" {
		return nil, true, ds.fill(ctx, d, v.Facts)
	}
	differs("signature", string(d.Facts.Signature), string(v.Facts.Signature))
	differs("integrity", string(d.Facts.Integrity), string(v.Facts.Integrity))
	differs("coverage", string(d.Facts.Coverage), string(v.Facts.Coverage))
	return out, false, nil
}

// fill writes the signature facts of a file that was stored before signatures were checked.
func (ds *Documents) fill(ctx context.Context, d model.Document, f model.SignatureFacts) error {
	k := d.Key()
	return ds.store.DoPatiently(ctx, store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		row, found, err := apply.DocumentByID(b, d)
		if err != nil || !found || row.SHA256 != d.SHA256 || row.Facts.Signature != "" {
			return err
		}
		row.Facts = f
		b.PutDocument(row)
		return nil
	}})
}
