package documents

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/files"
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

// Check reads a stored or quarantined file again and returns where it differs from its row. Where its judgement
// is Outdated, or it has none, what the rules say now is taken over, and judged is true: then a word that is
// worse than before is the only difference. A file that was quarantined for what is in it, and is not wrong by the newer rules, gets its
// place. An error is a fault of this machine.
func (ds *Documents) Check(ctx context.Context, d model.Document) (out []Difference, judged bool, err error) {
	differs := func(field, ours, theirs string) {
		if ours != theirs {
			out = append(out, Difference{d.Account, d.Ref, d.ID, field, ours, theirs})
		}
	}
	f, err := ds.files.Open(ctx, d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		differs("sha256", d.SHA256, "missing")
		return out, false, nil
	case errors.Is(err, files.ErrAway) || ctx.Err() != nil:
		return nil, false, err
	case err != nil:
		differs("sha256", d.SHA256, "unreadable")
		return out, false, nil
	}
	defer f.Close() //nolint:errcheck // only read
	sum, _, err := hashOf(f)
	if err != nil {
		sum = "unreadable"
	}
	if differs("sha256", d.SHA256, sum); len(out) > 0 {
		return out, false, nil // a different file: its signatures must not go into the row
	}
	if unjudged(d) {
		return nil, false, nil
	}
	v, err := ds.look(ctx, f, d.Account)
	if err != nil {
		return nil, false, err
	}
	wrong := objection(ds.account(d.Account), d, v)
	if v.Fault != "" && d.State == model.DocumentStored {
		judge, trusted := v.Facts.File.Judge, v.Facts.File.Trusted
		v.Facts = model.UnknownSignature(v.Fault)
		v.Facts.File.Judge, v.Facts.File.Trusted = judge, trusted
	}
	if old := d.Facts; outdated(d, ds.account(d.Account)) {
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

// Outdated says whether a file was judged by an older version of the rules, or while its account trusted other
// certificates than now. One whose account is not configured any more is judged by what it was judged by.
func Outdated(d model.Document, trusted [][]byte, configured bool) bool {
	return d.Facts.File.Judge < model.Judge || configured && d.Facts.File.Trusted != trustedSum(trusted)
}

// outdated is Outdated by what an account trusts now; nil: it is not configured.
func outdated(d model.Document, a *apply.Account) bool {
	if a == nil {
		return Outdated(d, nil, false)
	}
	return Outdated(d, a.Trusted, true)
}

// trustedSum tells lists of certificates apart, in whatever order they stand; "" is none.
func trustedSum(certificates [][]byte) string {
	if len(certificates) == 0 {
		return ""
	}
	sums := make([]string, len(certificates))
	for i, der := range certificates {
		sums[i] = fmt.Sprintf("%x", sha256.Sum256(der))
	}
	slices.Sort(sums)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(slices.Compact(sums), " "))))[:16]
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

// JudgeQuarantined judges the quarantined files again whose judgement is Outdated: what was taken for wrong may not be. What one file is like holds up no other.
func (ds *Documents) JudgeQuarantined(ctx context.Context) error {
	before := ""
	for {
		page, err := ds.store.Documents(ctx,
			store.DocumentFilter{State: model.DocumentQuarantined, Limit: pageSize, Before: before})
		if err != nil {
			return err
		}
		for _, d := range page {
			if before = d.ID; d.Path == "" || unjudged(d) || !outdated(d, ds.account(d.Account)) {
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
