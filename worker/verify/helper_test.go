package verify

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/ask/runs"
	"countersign/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a bench with what verifies.
type bench struct {
	*workertest.Bench
	options Options
	runs    *runs.Runs
	sums    map[string]string // what Hash finds, by path
}

func newBench(on *workertest.Bench) *bench {
	b := &bench{Bench: on, sums: map[string]string{}}
	b.build()
	return b
}

// both runs a test on SQLite and, where there is one, on PostgreSQL.
func both(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) { test(t, newBench(b)) })
}

// build makes the parts that verify.
func (b *bench) build() {
	b.options = Options{
		Store: b.Store, Table: b.Table, Asker: b.Asker, Now: b.Now, RetryWait: max(b.RetryWait, 1),
		Hash: func(_ context.Context, path string) (string, int64, error) { return b.sums[path], 0, nil },
	}
	b.runs = b.Runs(New(b.options).Kinds())
}

// again is the bench after a restart of the process.
func (b *bench) again(t *testing.T) {
	t.Helper()
	b.Again(t)
	b.build()
}

// ran works off one run of a kind.
func (b *bench) ran(t *testing.T, r model.Run) model.Run {
	t.Helper()
	return b.Ran(t, b.runs, r)
}

// verifier is a verify run in work.
func (b *bench) verifier(r model.Run, p runs.Params) *verifier {
	return &verifier{o: b.options, pass: &runs.Pass{Account: b.Account, Run: &r, Params: p, Asker: b.Asker}}
}

// stored has a document's file in its place.
func (b *bench) stored(t *testing.T, d model.Document) {
	t.Helper()
	d.State, d.Path, d.SHA256, d.NextTryAt = model.DocumentStored, d.Ref+"/1.pdf", "sum of "+d.Ref, nil
	b.sums[d.Path] = d.SHA256
	workertest.Check(t, b.Store.Do(t.Context(),
		store.Unit{Apply: func(g *store.Batch) error { g.PutDocument(d); return nil }}))
}
