package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/ask/runs"
	"countersign/worker/workertest"
)

// rowsOf makes rows a00, a01 … in progress, all of which the service answers for.
func (b *bench) rowsOf(t *testing.T, n int) (refs []string) {
	t.Helper()
	for i := range n {
		ref := fmt.Sprintf("a%02d", i)
		b.Answered(t, ref, workertest.InProgress())
		b.Service.Says[ref] = workertest.InProgress()
		refs = append(refs, ref)
	}
	return refs
}

// differs lets the service say of some rows what the table does not.
func (b *bench) differs(refs ...string) {
	for _, ref := range refs {
		b.Service.Says[ref] = workertest.Completed()
	}
}

func (b *bench) drift(t *testing.T, run string) (out []string) {
	t.Helper()
	list, err := b.Store.Drift(t.Context(), run, model.DriftLine{}, 0)
	workertest.Check(t, err)
	for _, l := range list {
		out = append(out, fmt.Sprintf("%s %s %t", l.Ref, l.Field, l.Repaired))
	}
	return out
}

// ending is a service whose process ends at a question.
type ending struct {
	*workertest.Service
	at   string
	stop context.CancelFunc
}

func (e *ending) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if ref == e.at {
		e.stop()
		return model.Observation{}, ctx.Err()
	}
	return e.Service.Fetch(ctx, ref)
}

func TestAVerifyThatIsCutShortGoesOnAtItsCursor(t *testing.T) {
	for name, params := range map[string]runs.Params{"all": {}, "repair": {Repair: true}, "a sample": {Sample: 20}} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, b *bench) {
				b.rowsOf(t, 30)
				b.Workers = 1
				b.again(t)
				b.Account.Budget = map[provider.Class]int{provider.ClassRead: 30} // pages of five
				r, resumed, err := Queue(t.Context(), b.Store, b.runs, "acc", params)
				workertest.Check(t, err)
				workertest.Same(t, "resumed", resumed, false)
				var want []string
				v := b.verifier(r, paramsOf(t, r))
				for i := range 30 {
					want = append(want, fmt.Sprintf("a%02d", i))
				}
				if params.Sample > 0 {
					want, err = v.choose(t.Context(), params.Sample)
					workertest.Check(t, err)
				}
				b.differs(want[2], want[11], want[13])
				ctx, stop := context.WithCancel(t.Context())
				b.Plays(&ending{b.Service, want[12], stop})
				workertest.Check(t, b.runs.Work(ctx, r.ID))
				r, err = b.Store.RunByID(t.Context(), r.ID)
				workertest.Check(t, err)
				workertest.Same(t, "stopped", []any{r.State, r.Asked, r.Total, VerifiedBy(r)},
					[]any{model.RunActive, 10, len(want), Verified{Checked: 10, Drift: 1, Repaired: b2i(params.Repair)}})

				b.again(t)
				b.Plays(b.Service)
				b.Service.Asked = nil
				again, resumed, err := Queue(t.Context(), b.Store, b.runs, "acc", params)
				workertest.Check(t, err)
				workertest.Same(t, "the same run", []any{again.ID, resumed}, []any{r.ID, true})
				workertest.Check(t, b.runs.Work(t.Context(), again.ID))
				r, err = b.Store.RunByID(t.Context(), r.ID)
				workertest.Check(t, err)
				workertest.Same(t, "asked after it", b.Service.Asked, want[10:])
				lines := []string{want[2], want[11], want[13]}
				for i := range lines {
					lines[i] += fmt.Sprintf(" status %t", params.Repair)
				}
				workertest.Same(t, "drift of both halves", b.drift(t, r.ID), lines)
				workertest.Same(t, "done", []any{r.State, r.Asked, VerifiedBy(r)},
					[]any{model.RunDone, len(want), Verified{Checked: len(want), Drift: 3, Repaired: 3 * b2i(params.Repair)}})
				_, resumed, err = Queue(t.Context(), b.Store, b.runs, "acc", params)
				workertest.Check(t, err)
				workertest.Same(t, "a new one", resumed, false)
			})
		})
	}
}

func b2i(v bool) int {
	if v {
		return 1
	}
	return 0
}

func paramsOf(t *testing.T, r model.Run) (p runs.Params) {
	t.Helper()
	workertest.Check(t, json.Unmarshal([]byte(r.Params), &p))
	return p
}

func TestASampleIsUniform(t *testing.T) {
	b := newBench(workertest.SQLite(t))
	refs := b.rowsOf(t, 20)
	times := map[string]int{}
	for i := range 400 {
		v := b.verifier(model.Run{}, runs.Params{Seed: fmt.Sprint("seed ", i)})
		got, err := v.choose(t.Context(), 5)
		workertest.Check(t, err)
		workertest.Same(t, "rows", len(slices.Compact(slices.Clone(got))), 5)
		for _, ref := range got {
			times[ref]++
		}
	}
	for _, ref := range refs { // 100 expected, a standard deviation of 8.7
		if n := times[ref]; n < 65 || n > 135 {
			t.Errorf("%s was drawn %d times of 400", ref, n)
		}
	}
	v := b.verifier(model.Run{}, runs.Params{Seed: "s"})
	got, err := v.choose(t.Context(), 100)
	workertest.Check(t, err)
	workertest.Same(t, "a sample larger than the table", got, refs)
}

func TestAVerifyAsksForSeveralAtOnce(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		s := b.Batches(10)
		b.rowsOf(t, 25)
		b.differs("a03", "a24")
		s.Omits = "a07"
		r := b.ran(t, model.Run{Kind: runs.KindVerify})
		workertest.Same(t, "calls", []int{len(s.Batches), len(b.Service.Asked)}, []int{3, 1})
		workertest.Same(t, "drift", b.drift(t, r.ID), []string{"a03 status false", "a24 status false"})
		workertest.Same(t, "sum", VerifiedBy(r), Verified{Checked: 25, Drift: 2})
		workertest.Same(t, "nothing was written", b.Row(t, "a03").Status, model.InProgress)
	})
}

func TestAVerifyReadsAListOfWholeObjectsAndAsksAboutTheRest(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &workertest.Listing{Batching: b.Batches(1), Kind: provider.ListsCreated}
		b.Plays(l)
		made := workertest.Noon().Add(-time.Hour)
		for i := range 25 {
			ref := fmt.Sprintf("a%02d", i)
			o := workertest.InProgress()
			o.CreatedAt = &made
			b.Answered(t, ref, o)
			b.Service.Says[ref] = o
			if i != 9 {
				o.Ref = ref
				if i == 4 {
					o.Status = model.Completed
				}
				l.Items = append(l.Items, provider.Listed{Observation: o, Whole: true})
			}
		}
		l.Items = append(l.Items, l.Items[3]) // pages shift
		r := b.ran(t, model.Run{Kind: runs.KindVerify})
		workertest.Same(t, "asked alone", b.Service.Asked, []string{"a09"})
		workertest.Same(t, "drift", b.drift(t, r.ID), []string{"a04 status false"})
		workertest.Same(t, "run", []any{r.State, r.Asked, r.Total, VerifiedBy(r)},
			[]any{model.RunDone, 25, 25, Verified{Checked: 25, Drift: 1}})
		marked, err := b.Store.Verified(t.Context(), r.ID, []string{"a01"})
		workertest.Check(t, err)
		workertest.Same(t, "marks that are left", len(marked), 0)
	})
}

func TestFilesAreVerifiedWhereTheProviderCannotBeAsked(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for _, ref := range []string{"a", "b", "c"} {
			signed := workertest.Completed(model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf", Mark: "m"})
			b.Service.Says[ref] = signed
			b.Answered(t, ref, signed)
			b.stored(t, b.Document(t, ref))
		}
		b.sums[b.Document(t, "c").Path] = "altered"
		b.Service.Fails = fmt.Errorf("401: %w", provider.ErrDenied)
		b.Workers, b.Service.Asked = 1, nil
		b.again(t)
		r := b.ran(t, model.Run{Kind: runs.KindVerify})
		workertest.Same(t, "asked until it was refused", b.Service.Asked, []string{"a"})
		workertest.Same(t, "run", []any{r.State, r.Asked, VerifiedBy(r)}, []any{model.RunFailed, 3, Verified{Drift: 1}})
		workertest.Same(t, "drift", b.drift(t, r.ID), []string{"c document 1 false"})
		if !strings.Contains(r.Note, "refused") && !strings.Contains(r.Note, "401") {
			t.Errorf("the note does not say why: %q", r.Note)
		}
		b.Gate.Refuse(t.Context(), b.Account, "the key is of another account")
		b.Service.Asked = nil
		r = b.ran(t, model.Run{Kind: runs.KindVerify})
		workertest.Same(t, "with a key of another account", []any{r.State, VerifiedBy(r), len(b.Service.Asked)},
			[]any{model.RunFailed, Verified{Drift: 1}, 0})
	})
}

func TestDriftIsListedByPagesAndPruned(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		var want []string
		workertest.Check(t, b.Store.Do(t.Context(), store.Unit{Apply: func(g *store.Batch) error {
			for i := range 25 {
				l := model.DriftLine{Run: "r", Account: "acc", Ref: fmt.Sprintf("a%02d", i/2), Field: "signer",
					About: fmt.Sprint(i % 2), FoundAt: b.Now()}
				g.PutDrift(l)
				want = append(want, l.Ref+l.About)
			}
			return nil
		}}))
		var got []string
		for after := (model.DriftLine{}); ; {
			page, err := b.Store.Drift(t.Context(), "r", after, 10)
			workertest.Check(t, err)
			if len(page) == 0 {
				break
			}
			for _, l := range page {
				got, after = append(got, l.Ref+l.About), l
			}
		}
		workertest.Same(t, "lines", got, want)
		old := b.Now().Add(time.Hour)
		_, err := b.Store.Prune(t.Context(), store.PruneBefore{Bodies: &old})
		workertest.Check(t, err)
		n, _, err := b.Store.DriftSum(t.Context(), "r")
		workertest.Check(t, err)
		workertest.Same(t, "left", n, 0)
	})
}
