package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// Drift is one field in which the table and the truth differ.
type Drift struct {
	Account  string `json:"account"`
	Ref      string `json:"ref"`
	Field    string `json:"field"`
	Ours     string `json:"ours"`
	Theirs   string `json:"theirs"`
	Repaired bool   `json:"repaired"`
}

// Verified is the sum of a verify run.
type Verified struct {
	Checked  int `json:"checked"`
	Drift    int `json:"drift"`
	NotFound int `json:"not_found"`
	Repaired int `json:"repaired"`
}

// verifier is a verify run in work.
type verifier struct {
	*pass
	mu    sync.Mutex
	sum   Verified
	lines []Drift
}

// verify asks the provider about each row (or a sample) and re-hashes each file. It writes only
// where the run repairs. The drift and the sum are the run's Result.
func (p *pass) verify(ctx context.Context) error {
	v := &verifier{pass: p}
	rows, err := v.chosen(ctx)
	if err != nil {
		return err
	}
	p.run.Total = len(rows)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(p.Workers)
	for i, t := range rows {
		if err := p.patient(gctx, *p.run.StartedAt); err != nil {
			p.mu.Lock()
			p.failures++
			p.first = err
			p.mu.Unlock()
			break
		}
		g.Go(func() error { return v.row(gctx, t) })
		if i%100 == 99 {
			if err := p.save(ctx); err != nil {
				return err
			}
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	p.run.Result = v.result()
	return ctx.Err()
}

// chosen lists the rows to verify: all of the account, or a sample of them.
func (v *verifier) chosen(ctx context.Context) ([]model.Transaction, error) {
	var all []model.Transaction
	f := store.Filter{Account: v.a.ID, Limit: 1000}
	for {
		rows, next, err := v.Store.Transactions(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if f.Cursor = next; next == "" {
			break
		}
	}
	if n := v.params.Sample; n > 0 && n < len(all) {
		for i := range n { // the first n of a shuffle
			j := i + int(v.Rand()*float64(len(all)-i))
			all[i], all[j] = all[j], all[i]
		}
		all = all[:n]
	}
	return all, nil
}

// row compares one row with the provider's answer, and its files with their hashes.
func (v *verifier) row(ctx context.Context, t model.Transaction) error {
	v.pass.mu.Lock()
	v.run.Asked++
	v.pass.mu.Unlock()
	k := t.Key()
	for range 3 { // a row that moves while it is asked about is compared again
		now, err := v.Store.Transaction(ctx, k)
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile: nothing to compare
		}
		asked := v.Now()
		o, err := v.a.Provider.Fetch(provider.WithWork(ctx, provider.WorkAudit), t.Ref)
		if err != nil {
			return v.fail(ctx, t, err)
		}
		t, err = v.Store.Transaction(ctx, k)
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		if t.Version != now.Version {
			continue
		}
		o.Ref, o.Evidence, o.Version, o.AskedAt, o.At = t.Ref, model.Verified, t.Version, asked, v.Now()
		return v.compare(ctx, t, o)
	}
	return nil
}

func (v *verifier) compare(ctx context.Context, t model.Transaction, o model.Observation) error {
	drift := differences(v.a.Rules, t, o)
	files, err := v.files(ctx, t)
	if err != nil {
		return err
	}
	if len(drift) > 0 && v.params.Repair {
		dids, err := v.Answers(ctx, v.a, Source{Asked: model.AskedVerify, Run: v.run.ID}, []model.Observation{o})
		if err != nil {
			return err
		}
		v.count(dids[0])
		left := differences(v.a.Rules, dids[0].Next, o)
		for i := range drift {
			drift[i].Repaired = len(left) == 0
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sum.Checked++
	if o.Absence == model.NotFound || o.Absence == model.Gone {
		v.sum.NotFound++
	}
	for _, d := range append(drift, files...) {
		v.sum.Drift++
		if d.Repaired {
			v.sum.Repaired++
		}
		v.lines = append(v.lines, d)
	}
	return nil
}

// differences compares what a row says with what the provider says now. A transaction that the
// provider does not have is counted apart, never as drift; one that the row calls deleted and the
// provider has is drift.
func differences(r model.Rules, t model.Transaction, o model.Observation) []Drift {
	var out []Drift
	add := func(field, ours, theirs string) {
		if ours != theirs {
			out = append(out, Drift{t.Account, t.Ref, field, ours, theirs, false})
		}
	}
	if o.Absence != model.Present {
		if o.Absence == model.Gone && r.GoneIs != "" && !t.Status.Final() && !t.Deleted {
			add("status", string(t.Status), string(r.GoneIs))
		}
		return out
	}
	if theirs := o.Status; theirs != "" && r.Confirms[theirs] != t.Status {
		add("status", string(t.Status), string(theirs))
	}
	flag := func(field string, ours bool, theirs model.Flag) {
		if theirs != model.Unsaid {
			add(field, strconv.FormatBool(ours), strconv.FormatBool(theirs == model.Yes))
		}
	}
	flag("archived", t.Archived, o.Archived)
	flag("trashed", t.Trashed, o.Trashed)
	flag("deleted", t.Deleted, model.No)
	if o.Signers != nil {
		ours := map[string]model.SignerStatus{}
		for _, s := range t.Signers {
			ours[s.Ref] = s.Status
		}
		for _, s := range o.Signers {
			add("signer", string(ours[s.Ref]), string(s.Status))
		}
	}
	return out
}

// files re-hashes the stored documents of a row. With repair, a missing or changed one is fetched anew if it
// is the newest version.
func (v *verifier) files(ctx context.Context, t model.Transaction) ([]Drift, error) {
	docs, err := v.Store.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
	if err != nil {
		return nil, err
	}
	var out []Drift
	for _, d := range docs {
		if d.State != model.DocumentStored {
			continue
		}
		sum, _, err := v.Files.Hash(d.Path)
		if err == nil && sum == d.SHA256 {
			continue
		}
		theirs := sum
		if err != nil {
			theirs = "unreadable"
		}
		drift := Drift{t.Account, t.Ref, "document " + d.DocID, d.SHA256, theirs, false}
		last, _ := newest(docs, d.DocID, d.Kind)
		if v.params.Repair && last.ID == d.ID { // what an older version held is nobody's to fetch any more
			now := v.Now()
			d.State, d.NextTryAt, d.Reason = model.DocumentWaiting, &now, "the stored file was missing or altered"
			d.Version++
			if err := v.put(ctx, d, string(model.DocumentWaiting)); err != nil {
				return nil, err
			}
			drift.Repaired = true
		}
		out = append(out, drift)
	}
	return out, nil
}

// result is the drift, a JSON object a line, and the sum last.
func (v *verifier) result() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := ""
	for _, d := range v.lines {
		line, err := json.Marshal(d)
		if err != nil {
			continue // strings and a bool always marshal
		}
		out += string(line) + "\n"
	}
	sum, err := json.Marshal(v.sum)
	if err != nil {
		return out
	}
	return out + fmt.Sprintf("%s\n", sum)
}
