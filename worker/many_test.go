package worker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/apply"
)

func inProgress() model.Observation {
	return model.Observation{Status: model.InProgress, Signers: []model.Signer{}}
}

// batches makes the account's service one that answers for several refs.
func (b *bench) batches(most int) *batching {
	s := &batching{service: b.service, most: most}
	b.account.Provider = providertest.Able(s)
	return s
}

// ran works off one run of a kind.
func (b *bench) ran(t *testing.T, r model.Run) model.Run {
	t.Helper()
	r.Account = "acc"
	r, err := b.Queue(t.Context(), r, false)
	check(t, err)
	check(t, b.execute(t.Context(), r))
	r, err = b.Store.RunByID(t.Context(), r.ID)
	check(t, err)
	return r
}

func TestOpenRowsAreAskedAboutInBatchesAndWhatIsLeftOutAlone(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		s := b.batches(3)
		var refs []string
		for i := range 7 {
			ref := fmt.Sprintf("r%d", i)
			refs = append(refs, ref)
			b.answered(t, ref, inProgress())
			b.service.says[ref] = completed()
		}
		s.omits = "r4"
		b.move(7 * time.Hour)
		r := b.ran(t, model.Run{Kind: string(apply.Active)})
		same(t, "run", []any{r.State, r.Asked, r.Changed}, []any{model.RunDone, 7, 7})
		slices.Sort(b.service.asked)
		same(t, "asked alone: left out of an answer, and left over", b.service.asked, []string{"r4", "r6"})
		var sizes []int
		for _, batch := range s.batches {
			sizes = append(sizes, len(batch))
		}
		slices.Sort(sizes)
		same(t, "batches", sizes, []int{3, 3})
		for _, ref := range refs {
			same(t, ref, b.row(t, ref).Status, model.Completed)
		}
	})
}

func TestABatchThatIsRefusedIsAskedOneByOne(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	s := b.batches(10)
	s.broken = errors.New("one of them is malformed")
	for _, ref := range []string{"a", "b"} {
		b.answered(t, ref, inProgress())
		b.service.says[ref] = completed()
	}
	r := b.ran(t, model.Run{Kind: KindRefs, Params: `{"refs":["a","b"]}`})
	same(t, "state", r.State, model.RunDone)
	slices.Sort(b.service.asked)
	same(t, "asked alone", b.service.asked, []string{"a", "b"})
	s.broken = fmt.Errorf("401: %w", provider.ErrDenied)
	r = b.ran(t, model.Run{Kind: KindRefs, Params: `{"refs":["a","b"]}`})
	same(t, "state with refused credentials", r.State, model.RunFailed)
	same(t, "asked alone with them", len(b.service.asked), 2)
}

func TestDueRowsAreConfirmedInBatches(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		s := b.batches(10)
		for _, ref := range []string{"a", "b", "c"} {
			b.answered(t, ref, inProgress())
			b.called(t, claim(ref, model.Completed))
			b.service.says[ref] = completed()
		}
		b.confirmed(t)
		same(t, "batches", len(s.batches), 1)
		same(t, "asked alone", len(b.service.asked), 0)
		for _, ref := range []string{"a", "b", "c"} {
			same(t, ref, b.row(t, ref).Confirmed, true)
		}
	})
}

func TestRefsThatNobodyVouchesForAreNotBatched(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	s := b.batches(10)
	for _, ref := range []string{"x", "y"} {
		b.called(t, model.Observation{Ref: ref, Evidence: model.Claim, Type: "moved"})
	}
	b.confirmed(t)
	same(t, "batches", len(s.batches), 0)
	same(t, "kind of work", b.service.lastWork, provider.WorkUnknown)
}

// listing is a service with a list that is walked from the newest on.
type listing struct {
	*batching
	kind  provider.Listing
	items []provider.Listed
	lists int
	since []time.Time // of each question; an item without CreatedAt is in every window
}

func (l *listing) Lists() provider.Listing { return l.kind }

func (l *listing) Reach() string { return "what the test lists" }

func (l *listing) List(_ context.Context, q provider.ListQuery) (provider.Page, error) {
	l.lists++
	l.since = append(l.since, q.Since)
	return provider.Page{Items: slices.DeleteFunc(slices.Clone(l.items), func(it provider.Listed) bool {
		return it.Observation.CreatedAt != nil && it.Observation.CreatedAt.Before(q.Since)
	})}, nil
}

// What a walk missed, because a page shifted or it was just being filed, lies before the next one's window.
func TestAnAuditFindsWhatAWalkMissed(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &listing{batching: b.batches(10), kind: provider.ListsNewest}
		b.account.Provider = providertest.Able(l)
		b.ran(t, model.Run{Kind: string(apply.Active)}) // shows nothing
		made := noon.Add(-time.Hour)
		o := inProgress()
		o.CreatedAt = &made
		b.service.says["hidden"] = o
		l.items = []provider.Listed{{Observation: model.Observation{Ref: "hidden", Evidence: model.Verified, Mark: "m1", CreatedAt: &made}}}
		b.move(7 * time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Active)})
		if _, err := b.Store.Transaction(t.Context(), model.Key{Account: "acc", Ref: "hidden"}); err == nil {
			t.Fatal("the window of the second walk reaches what it should not")
		}
		b.move(time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Audit)})
		same(t, "after the audit", b.row(t, "hidden").Status, model.InProgress)
		b.move(60 * 24 * time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Audit)})
		same(t, "an audit looks back a month, and the overlap", l.since[len(l.since)-1], b.Now().Add(-auditWithin-b.Overlap))
	})
}

func TestAListOfTheNewestFindsAndDoesNotAnswerForOpenRows(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &listing{batching: b.batches(10), kind: provider.ListsNewest}
		b.account.Provider = providertest.Able(l)
		item := func(ref, mark string) {
			l.items = append(l.items, provider.Listed{Observation: model.Observation{Ref: ref, Evidence: model.Verified, Mark: mark, Status: model.InProgress}})
		}
		known := inProgress()
		known.Mark = "m1"
		b.answered(t, "known", known)
		b.answered(t, "moved", known)
		for _, ref := range []string{"known", "moved", "new"} {
			b.service.says[ref] = known
		}
		item("known", "m1")
		item("moved", "m2")
		item("new", "m1")
		plan, err := b.PlanBackfill(t.Context(), b.account, noon.Add(-time.Hour), noon)
		check(t, err)
		same(t, "plan", []int{plan.New, plan.Changed, plan.Known, plan.Calls}, []int{1, 1, 1, 2})
		b.move(7 * time.Hour)
		l.batches, l.lists = nil, 0
		r := b.ran(t, model.Run{Kind: string(apply.Active)})
		same(t, "state", r.State, model.RunDone)
		same(t, "lists", l.lists, 1)
		slices.Sort(l.batches[0])
		same(t, "asked because of the list", l.batches[0], []string{"moved", "new"})
		same(t, "batches", len(l.batches), 1)
		same(t, "asked because it is open", b.service.asked, []string{"known"})
		same(t, "the new one", b.row(t, "new").Status, model.InProgress)
	})
}

func TestAListThatNamesBytesIsReadOn(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &listing{batching: b.batches(1), kind: provider.ListsCreated}
		b.account.Provider = providertest.Able(l)
		for _, ref := range []string{"a\x00", "", "good"} {
			o := inProgress()
			o.Ref = ref
			l.items = append(l.items, provider.Listed{Observation: o, Whole: true})
		}
		r := b.ran(t, model.Run{Kind: string(apply.Active)})
		same(t, "state", r.State, model.RunDone)
		same(t, "status", b.row(t, "good").Status, model.InProgress)
	})
}

func TestAHintMakesAKnownRowDueOnceAMinuteAndKeepsItsSteps(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.answered(t, "a", inProgress())
		hint := provider.Hinted{Ref: "a", Steps: []provider.Step{{Name: "otp\x00", At: b.Now()}, {Name: "", At: b.Now()}, {Name: "signature", At: b.Now().Add(time.Hour)}}}
		for range 3 {
			s, err := b.Hint(t.Context(), "acc", hint)
			check(t, err)
			same(t, "status", s, model.InProgress)
		}
		b.service.says["a"] = inProgress()
		b.confirmed(t)
		_, err := b.Hint(t.Context(), "acc", hint)
		check(t, err)
		b.confirmed(t)
		same(t, "questions within a minute", len(b.service.asked), 1)
		b.move(time.Minute)
		b.confirmed(t)
		same(t, "questions after it", len(b.service.asked), 2)
		trail, err := b.Store.Progress(t.Context(), key("a"))
		check(t, err)
		var names []string
		for _, s := range trail {
			if s.At.After(b.Now()) {
				t.Errorf("step %s lies in the future", s.Name)
			}
			names = append(names, s.Name)
		}
		same(t, "first step", names[0], "otp\uFFFD")
		stored, _, err := b.Store.Callbacks(t.Context(), store.CallbackFilter{})
		check(t, err)
		same(t, "callbacks", len(stored), 0)
	})
}

func TestAHintAboutARefThatNobodyKnowsCostsOneQuestion(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.says["true"] = inProgress()
		for _, ref := range []string{"true", "made up", "", "by\x00tes"} {
			for range 3 {
				s, err := b.Hint(t.Context(), "acc", provider.Hinted{Ref: ref, Steps: []provider.Step{{Name: "otp", At: b.Now()}}})
				check(t, err)
				same(t, "status", s, model.Unknown)
				b.move(2 * time.Minute)
			}
		}
		b.confirmed(t)
		slices.Sort(b.service.asked)
		same(t, "asked", b.service.asked, []string{"made up", "true"})
		same(t, "kind of work", b.service.lastWork, provider.WorkUnknown)
		if _, err := b.Hint(t.Context(), "acc", provider.Hinted{Ref: "made up"}); err != nil {
			t.Fatal(err)
		}
		b.confirmed(t)
		same(t, "asked again", len(b.service.asked), 2)
		rows, _, err := b.Store.Transactions(t.Context(), store.Filter{})
		check(t, err)
		same(t, "rows for anybody", len(rows), 1)
		for _, ref := range []string{"true", "made up"} {
			trail, err := b.Store.Progress(t.Context(), key(ref))
			check(t, err)
			same(t, "steps of "+ref, len(trail), 0)
		}
	})
}

// What a list showed and no row holds is asked about by nobody else.
func TestAListedTransactionThatGivesNoAnswerIsAskedAgain(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.RetryWait = time.Millisecond
		f := &faltering{service: b.service, fails: map[string]int{"once": 1, "thrice": 3, "always": 99}}
		for ref := range f.fails {
			b.service.says[ref] = inProgress()
			f.items = append(f.items, provider.Listed{Observation: model.Observation{Ref: ref, Evidence: model.Verified, Mark: "m1"}})
		}
		b.account.Provider = providertest.Able(f)
		since := noon.Add(-time.Hour)
		r := b.ran(t, model.Run{Kind: KindBackfill, Since: &since})
		same(t, "state", r.State, model.RunPartial)
		for _, ref := range []string{"once", "thrice"} {
			same(t, ref, b.row(t, ref).Status, model.InProgress)
		}
		if !strings.Contains(r.Note, "always") || strings.Contains(r.Note, "once") {
			t.Errorf("note %q", r.Note)
		}
	})
}

// faltering lists transactions about which the first questions fail.
type faltering struct {
	*service
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
	return f.service.Fetch(ctx, ref)
}
