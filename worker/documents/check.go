package documents

import (
	"context"
	"errors"
	"io/fs"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
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

// Check reads a stored or quarantined file again and returns where it differs from its row. Where an older version of
// the rules judged it, or none, what the newer ones say is taken over, and judged is true: then a word that is
// worse than before is the only difference. A file that was quarantined for what is in it, and is not wrong by the newer rules, gets its
// place. An error is a fault of this machine.
func (ds *Documents) Check(ctx context.Context, d model.Document) (out []Difference, judged bool, err error) {
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
	if unjudged(d) {
		return nil, false, nil
	}
	v, err := ds.look(ctx, f, d.Account)
	if err != nil {
		return nil, false, err
	}
	wrong := objection(ds.account(d.Account), d, v)
	if v.Fault != "" && d.State == model.DocumentStored {
		judge := v.Facts.File.Judge
		v.Facts = model.UnknownSignature(v.Fault)
		v.Facts.File.Judge = judge
	}
	if old := d.Facts; old.File.Judge < v.Facts.File.Judge {
		if d.State == model.DocumentStored && worse(old.Signature, v.Facts.Signature) {
			differs("signature", string(old.Signature), string(v.Facts.Signature))
		}
		return out, true, ds.judgedAgain(ctx, d, v.Facts, wrong)
	}
	differs("signature", string(d.Facts.Signature), string(v.Facts.Signature))
	differs("integrity", string(d.Facts.Integrity), string(v.Facts.Integrity))
	differs("coverage", string(d.Facts.Coverage), string(v.Facts.Coverage))
	return out, false, nil
}

// unjudged says whether a file was quarantined before any rules looked into it: it came cut off, or was no PDF, or not
// as long as it was said to be. No rules can find it whole later; a reader that bears damage would read it all the same.
func unjudged(d model.Document) bool {
	return d.State == model.DocumentQuarantined && d.Facts.File.Judge == 0
}

// worse says whether newer rules think less of a file than older ones did.
func worse(old, now model.Signature) bool {
	return old != "" && old != now && (old == model.SignatureIntact || now == model.SignatureAltered)
}

// sourceRules names newer rules in a row's history.
const sourceRules = "newer rules"

// judgedAgain writes what newer rules say of a file that has its name.
func (ds *Documents) judgedAgain(ctx context.Context, d model.Document, f model.SignatureFacts, wrong string) error {
	t, err := ds.store.Transaction(ctx, d.Key())
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return err
	}
	e := model.DocumentEvent{Kind: model.DocumentJudged, Reason: wrong, File: model.DocumentFile{Facts: f}, Began: d}
	if plan := model.Settle(d, e, t, ds.now()); !plan.Asks() {
		_, err = ds.settle(ctx, d, e)
		return err
	}
	now, err := ds.takeOut(ctx, d, e, sourceRules)
	if errors.Is(err, ErrNotQuarantined) { // an operator was faster
		return nil
	}
	if err == nil {
		ds.log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "status": string(now.State)}).
			Info("newer rules find nothing wrong with a quarantined file")
	}
	return err
}

// JudgeQuarantined judges the quarantined files again that an older version of the rules judged: what it took for wrong
// may not be. What one file is like holds up no other.
func (ds *Documents) JudgeQuarantined(ctx context.Context) error {
	before := ""
	for {
		page, err := ds.store.Documents(ctx,
			store.DocumentFilter{State: model.DocumentQuarantined, Limit: pageSize, Before: before})
		if err != nil {
			return err
		}
		for _, d := range page {
			if before = d.ID; d.Path == "" || unjudged(d) || d.Facts.File.Judge >= model.Judge {
				continue
			}
			switch found, _, err := ds.Check(ctx, d); {
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, errNotChecked): // for this machine's reasons: the next round may be more lucky
				return err
			case err != nil || len(found) > 0:
				ds.log.WithFields(logrus.Fields{"account": d.Account, "txn": d.Ref, "err": err}).
					Warn("a quarantined file is not as it was put there, and was not judged again")
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

const pageSize = 100
