package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/pdf/pdftest"
)

// rowsOf makes rows a00, a01 … in progress, all of which the service answers for.
func (b *bench) rowsOf(t *testing.T, n int) (refs []string) {
	t.Helper()
	for i := range n {
		ref := fmt.Sprintf("a%02d", i)
		b.answered(t, ref, inProgress())
		b.service.says[ref] = inProgress()
		refs = append(refs, ref)
	}
	return refs
}

// differs lets the service say of some rows what the table does not.
func (b *bench) differs(refs ...string) {
	for _, ref := range refs {
		b.service.says[ref] = completed()
	}
}

func (b *bench) drift(t *testing.T, run string) (out []string) {
	t.Helper()
	list, err := b.Store.Drift(t.Context(), run, store.DriftLine{}, 0)
	check(t, err)
	for _, l := range list {
		out = append(out, fmt.Sprintf("%s %s %t", l.Ref, l.Field, l.Repaired))
	}
	return out
}

// ending is a service whose process ends at a question.
type ending struct {
	*service
	at   string
	stop context.CancelFunc
}

func (e *ending) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if ref == e.at {
		e.stop()
		return model.Observation{}, ctx.Err()
	}
	return e.service.Fetch(ctx, ref)
}

func TestAVerifyThatIsCutShortGoesOnAtItsCursor(t *testing.T) {
	for name, params := range map[string]Params{"all": {}, "repair": {Repair: true}, "a sample": {Sample: 20}} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, b *bench) {
				b.rowsOf(t, 30)
				b.Workers = 1
				b.account.Budget = map[provider.Class]int{provider.ClassRead: 30} // pages of five
				r, resumed, err := b.QueueVerify(t.Context(), "acc", params)
				check(t, err)
				same(t, "resumed", resumed, false)
				var want []string
				v := &verifier{pass: &pass{Worker: b.Worker, a: b.account, run: &r, params: paramsOf(t, r)}}
				for i := range 30 {
					want = append(want, fmt.Sprintf("a%02d", i))
				}
				if params.Sample > 0 {
					want, err = v.choose(t.Context(), params.Sample)
					check(t, err)
				}
				b.differs(want[2], want[11], want[13])
				ctx, stop := context.WithCancel(t.Context())
				b.account.Provider = providertest.Able(&ending{b.service, want[12], stop})
				check(t, b.execute(ctx, r))
				r, err = b.Store.RunByID(t.Context(), r.ID)
				check(t, err)
				same(t, "stopped", []any{r.State, r.Asked, r.Total, VerifiedBy(r)}, []any{model.RunActive, 10, len(want), Verified{Checked: 10, Drift: 1, Repaired: b2i(params.Repair)}})

				b.again(t)
				b.account.Provider = providertest.Able(b.service)
				b.service.asked = nil
				again, resumed, err := b.QueueVerify(t.Context(), "acc", params)
				check(t, err)
				same(t, "the same run", []any{again.ID, resumed}, []any{r.ID, true})
				check(t, b.execute(t.Context(), again))
				r, err = b.Store.RunByID(t.Context(), r.ID)
				check(t, err)
				same(t, "asked after it", b.service.asked, want[10:])
				lines := []string{want[2], want[11], want[13]}
				for i := range lines {
					lines[i] += fmt.Sprintf(" status %t", params.Repair)
				}
				same(t, "drift of both halves", b.drift(t, r.ID), lines)
				same(t, "done", []any{r.State, r.Asked, VerifiedBy(r)}, []any{model.RunDone, len(want), Verified{Checked: len(want), Drift: 3, Repaired: 3 * b2i(params.Repair)}})
				_, resumed, err = b.QueueVerify(t.Context(), "acc", params)
				check(t, err)
				same(t, "a new one", resumed, false)
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

func paramsOf(t *testing.T, r model.Run) (p Params) {
	t.Helper()
	check(t, json.Unmarshal([]byte(r.Params), &p))
	return p
}

func TestASampleIsUniform(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	refs := b.rowsOf(t, 20)
	times := map[string]int{}
	for i := range 400 {
		v := &verifier{pass: &pass{Worker: b.Worker, a: b.account, run: &model.Run{}, params: Params{Seed: fmt.Sprint("seed ", i)}}}
		got, err := v.choose(t.Context(), 5)
		check(t, err)
		same(t, "rows", len(slices.Compact(slices.Clone(got))), 5)
		for _, ref := range got {
			times[ref]++
		}
	}
	for _, ref := range refs { // 100 expected, a standard deviation of 8.7
		if n := times[ref]; n < 65 || n > 135 {
			t.Errorf("%s was drawn %d times of 400", ref, n)
		}
	}
	v := &verifier{pass: &pass{Worker: b.Worker, a: b.account, run: &model.Run{}, params: Params{Seed: "s"}}}
	got, err := v.choose(t.Context(), 100)
	check(t, err)
	same(t, "a sample larger than the table", got, refs)
}

func TestAVerifyAsksForSeveralAtOnce(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		s := b.batches(10)
		b.rowsOf(t, 25)
		b.differs("a03", "a24")
		s.omits = "a07"
		r := b.ran(t, model.Run{Kind: KindVerify})
		same(t, "calls", []int{len(s.batches), len(b.service.asked)}, []int{3, 1})
		same(t, "drift", b.drift(t, r.ID), []string{"a03 status false", "a24 status false"})
		same(t, "sum", VerifiedBy(r), Verified{Checked: 25, Drift: 2})
		same(t, "nothing was written", b.row(t, "a03").Status, model.InProgress)
	})
}

func TestAVerifyReadsAListOfWholeObjectsAndAsksAboutTheRest(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &listing{batching: b.batches(1), kind: provider.ListsCreated}
		b.account.Provider = providertest.Able(l)
		made := noon.Add(-time.Hour)
		for i := range 25 {
			ref := fmt.Sprintf("a%02d", i)
			o := inProgress()
			o.CreatedAt = &made
			b.answered(t, ref, o)
			b.service.says[ref] = o
			if i != 9 {
				o.Ref = ref
				if i == 4 {
					o.Status = model.Completed
				}
				l.items = append(l.items, provider.Listed{Observation: o, Whole: true})
			}
		}
		l.items = append(l.items, l.items[3]) // pages shift
		r := b.ran(t, model.Run{Kind: KindVerify})
		same(t, "asked alone", b.service.asked, []string{"a09"})
		same(t, "drift", b.drift(t, r.ID), []string{"a04 status false"})
		same(t, "run", []any{r.State, r.Asked, r.Total, VerifiedBy(r)}, []any{model.RunDone, 25, 25, Verified{Checked: 25, Drift: 1}})
		marked, err := b.Store.Verified(t.Context(), r.ID, []string{"a01"})
		check(t, err)
		same(t, "marks that are left", len(marked), 0)
	})
}

func TestFilesAreVerifiedWhereTheProviderCannotBeAsked(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for _, ref := range []string{"a", "b", "c"} {
			b.service.files["1"], b.service.says[ref] = pdftest.Plain(ref), completed(marked("m"))
			b.answered(t, ref, completed(marked("m")))
			check(t, b.downloadOnce(t.Context()))
		}
		path := filepath.Join(b.root, filepath.FromSlash(b.document(t, "c").Path))
		check(t, os.WriteFile(path, []byte("altered"), 0o600))
		b.service.fails = fmt.Errorf("401: %w", provider.ErrDenied)
		b.Workers, b.service.asked = 1, nil
		r := b.ran(t, model.Run{Kind: KindVerify})
		same(t, "asked until it was refused", b.service.asked, []string{"a"})
		same(t, "run", []any{r.State, r.Asked, VerifiedBy(r)}, []any{model.RunFailed, 3, Verified{Drift: 1}})
		same(t, "drift", b.drift(t, r.ID), []string{"c document 1 false"})
		if !strings.Contains(r.Note, "refused") && !strings.Contains(r.Note, "401") {
			t.Errorf("the note does not say why: %q", r.Note)
		}
		b.Refuse(t.Context(), "acc", "the key is of another account")
		b.service.asked = nil
		r = b.ran(t, model.Run{Kind: KindVerify})
		same(t, "with a key of another account", []any{r.State, VerifiedBy(r), len(b.service.asked)}, []any{model.RunFailed, Verified{Drift: 1}, 0})
	})
}

func TestDriftIsListedByPagesAndPruned(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		var want []string
		check(t, b.Store.Do(t.Context(), store.Unit{Apply: func(g *store.Batch) error {
			for i := range 25 {
				l := store.DriftLine{Run: "r", Account: "acc", Ref: fmt.Sprintf("a%02d", i/2), Field: "signer", About: fmt.Sprint(i % 2), FoundAt: b.Now()}
				g.PutDrift(l)
				want = append(want, l.Ref+l.About)
			}
			return nil
		}}))
		var got []string
		for after := (store.DriftLine{}); ; {
			page, err := b.Store.Drift(t.Context(), "r", after, 10)
			check(t, err)
			if len(page) == 0 {
				break
			}
			for _, l := range page {
				got, after = append(got, l.Ref+l.About), l
			}
		}
		same(t, "lines", got, want)
		old := b.Now().Add(time.Hour)
		_, err := b.Store.Prune(t.Context(), store.PruneBefore{Bodies: &old})
		check(t, err)
		n, _, err := b.Store.DriftSum(t.Context(), "r")
		check(t, err)
		same(t, "left", n, 0)
	})
}
