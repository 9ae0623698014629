package poll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/ask/runs"
	"countersign/worker/workertest"
)

func TestOpenRowsAreAskedAboutInBatchesAndWhatIsLeftOutAlone(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		s := b.Batches(3)
		var refs []string
		for i := range 7 {
			ref := fmt.Sprintf("r%d", i)
			refs = append(refs, ref)
			b.Answered(t, ref, workertest.InProgress())
			b.Service.Says[ref] = workertest.Completed()
		}
		s.Omits = "r4"
		b.Move(7 * time.Hour)
		r := b.ran(t, model.Run{Kind: string(apply.Active)})
		workertest.Same(t, "run", []any{r.State, r.Asked, r.Changed}, []any{model.RunDone, 7, 7})
		slices.Sort(b.Service.Asked)
		workertest.Same(t, "asked alone: left out of an answer, and left over", b.Service.Asked, []string{"r4", "r6"})
		var sizes []int
		for _, batch := range s.Batches {
			sizes = append(sizes, len(batch))
		}
		slices.Sort(sizes)
		workertest.Same(t, "batches", sizes, []int{3, 3})
		for _, ref := range refs {
			workertest.Same(t, ref, b.Row(t, ref).Status, model.Completed)
		}
	})
}

func TestABatchThatIsRefusedIsAskedOneByOne(t *testing.T) {
	b := newBench(workertest.SQLite(t))
	s := b.Batches(10)
	s.Broken = errors.New("one of them is malformed")
	for _, ref := range []string{"a", "b"} {
		b.Answered(t, ref, workertest.InProgress())
		b.Service.Says[ref] = workertest.Completed()
	}
	r := b.ran(t, model.Run{Kind: runs.KindRefs, Params: `{"refs":["a","b"]}`})
	workertest.Same(t, "state", r.State, model.RunDone)
	slices.Sort(b.Service.Asked)
	workertest.Same(t, "asked alone", b.Service.Asked, []string{"a", "b"})
	s.Broken = fmt.Errorf("401: %w", provider.ErrDenied)
	r = b.ran(t, model.Run{Kind: runs.KindRefs, Params: `{"refs":["a","b"]}`})
	workertest.Same(t, "state with refused credentials", r.State, model.RunFailed)
	workertest.Same(t, "asked alone with them", len(b.Service.Asked), 2)
}

// What a walk missed, because a page shifted or it was just being filed, lies before the next one's window.
func TestAnAuditFindsWhatAWalkMissed(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &workertest.Listing{Batching: b.Batches(10), Kind: provider.ListsNewest}
		b.Plays(l)
		b.ran(t, model.Run{Kind: string(apply.Active)}) // shows nothing
		made := workertest.Noon().Add(-time.Hour)
		o := workertest.InProgress()
		o.CreatedAt = &made
		b.Service.Says["hidden"] = o
		l.Items = []provider.Listed{{Observation: model.Observation{Ref: "hidden", Evidence: model.Verified, Mark: "m1",
			CreatedAt: &made}}}
		b.Move(7 * time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Active)})
		if _, err := b.Store.Transaction(t.Context(), model.Key{Account: "acc", Ref: "hidden"}); err == nil {
			t.Fatal("the window of the second walk reaches what it should not")
		}
		b.Move(time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Audit)})
		workertest.Same(t, "after the audit", b.Row(t, "hidden").Status, model.InProgress)
		b.Move(60 * 24 * time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Audit)})
		workertest.Same(t, "an audit looks back a month, and the overlap", l.Since[len(l.Since)-1],
			b.Now().Add(-auditWithin-b.tiers.o.Overlap))
	})
}

func TestAListOfTheNewestFindsAndDoesNotAnswerForOpenRows(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &workertest.Listing{Batching: b.Batches(10), Kind: provider.ListsNewest}
		b.Plays(l)
		item := func(ref, mark string) {
			l.Items = append(l.Items,
				provider.Listed{Observation: model.Observation{Ref: ref, Evidence: model.Verified, Mark: mark,
					Status: model.InProgress}})
		}
		known := workertest.InProgress()
		known.Mark = "m1"
		b.Answered(t, "known", known)
		b.Answered(t, "moved", known)
		for _, ref := range []string{"known", "moved", "new"} {
			b.Service.Says[ref] = known
		}
		item("known", "m1")
		item("moved", "m2")
		item("new", "m1")
		plan, err := b.tiers.PlanBackfill(t.Context(), b.Account, workertest.Noon().Add(-time.Hour), workertest.Noon())
		workertest.Check(t, err)
		workertest.Same(t, "plan", []int{plan.New, plan.Changed, plan.Known, plan.Calls}, []int{1, 1, 1, 2})
		b.Move(7 * time.Hour)
		l.Batches, l.Walked = nil, 0
		r := b.ran(t, model.Run{Kind: string(apply.Active)})
		workertest.Same(t, "state", r.State, model.RunDone)
		workertest.Same(t, "lists", l.Walked, 1)
		slices.Sort(l.Batches[0])
		workertest.Same(t, "asked because of the list", l.Batches[0], []string{"moved", "new"})
		workertest.Same(t, "batches", len(l.Batches), 1)
		workertest.Same(t, "asked because it is open", b.Service.Asked, []string{"known"})
		workertest.Same(t, "the new one", b.Row(t, "new").Status, model.InProgress)
	})
}

func TestAListThatNamesBytesIsReadOn(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &workertest.Listing{Batching: b.Batches(1), Kind: provider.ListsCreated}
		b.Plays(l)
		for _, ref := range []string{"a\x00", "", "good"} {
			o := workertest.InProgress()
			o.Ref = ref
			l.Items = append(l.Items, provider.Listed{Observation: o, Whole: true})
		}
		r := b.ran(t, model.Run{Kind: string(apply.Active)})
		workertest.Same(t, "state", r.State, model.RunDone)
		workertest.Same(t, "status", b.Row(t, "good").Status, model.InProgress)
	})
}

// What a list showed and no row holds is asked about by nobody else.
func TestAListedTransactionThatGivesNoAnswerIsAskedAgain(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.RetryWait = time.Millisecond
		b.again(t)
		f := &faltering{Service: b.Service, fails: map[string]int{"once": 1, "thrice": 3, "always": 99}}
		for ref := range f.fails {
			b.Service.Says[ref] = workertest.InProgress()
			f.items = append(f.items,
				provider.Listed{Observation: model.Observation{Ref: ref, Evidence: model.Verified, Mark: "m1"}})
		}
		b.Plays(f)
		since := workertest.Noon().Add(-time.Hour)
		r := b.ran(t, model.Run{Kind: runs.KindBackfill, Since: &since})
		workertest.Same(t, "state", r.State, model.RunPartial)
		for _, ref := range []string{"once", "thrice"} {
			workertest.Same(t, ref, b.Row(t, ref).Status, model.InProgress)
		}
		if !strings.Contains(r.Note, "always") || strings.Contains(r.Note, "once") {
			t.Errorf("note %q", r.Note)
		}
	})
}

// faltering lists transactions about which the first questions fail.
type faltering struct {
	*workertest.Service
	items []provider.Listed
	mu    sync.Mutex
	fails map[string]int
}

func (f *faltering) Lists() provider.Listing { return provider.ListsNewest }
func (f *faltering) Reach() string           { return "what the test lists" }

func (f *faltering) List(context.Context, provider.ListQuery) (provider.Page, error) {
	return provider.Page{Items: f.items}, nil
}

func (f *faltering) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	f.mu.Lock()
	f.fails[ref]--
	left := f.fails[ref]
	f.mu.Unlock()
	if left >= 0 {
		return model.Observation{}, errors.New("expected JSON, got text/html")
	}
	return f.Service.Fetch(ctx, ref)
}

// A page may cost more than a call: the folders of the page are asked for as well.
func TestAPlanCountsAllCallsOfAPage(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &workertest.Listing{Batching: b.Batches(10), Kind: provider.ListsNewest}
		l.Page = func(q provider.ListQuery) (provider.Page, error) {
			if q.Cursor == "" {
				return provider.Page{Next: "2", Calls: 3,
					Items: []provider.Listed{{Observation: model.Observation{Ref: "a", Evidence: model.Verified}, Whole: true}}}, nil
			}
			return provider.Page{}, nil
		}
		b.Plays(l)
		plan, err := b.tiers.PlanBackfill(t.Context(), b.Account, workertest.Noon().Add(-time.Hour), workertest.Noon())
		workertest.Check(t, err)
		workertest.Same(t, "calls", plan.Calls, 4)
	})
}
