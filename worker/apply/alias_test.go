package apply_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider/providertest"
	"countersign/worker/workertest"
)

const number = "document_41"

// numbers is a service whose callbacks name a transaction by its number, which a question leads to the ref.
type numbers struct {
	*workertest.Service
	of     map[string]string // refs by number
	during func()            // runs while a question about a number is out
}

func (n *numbers) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	is, numbered := n.of[ref]
	if !numbered && ref == number {
		o, err := n.Service.Fetch(ctx, ref)
		o.Alias = ref
		return o, err
	}
	if !numbered {
		return n.Service.Fetch(ctx, ref)
	}
	if run := n.during; run != nil {
		n.during = nil
		run()
	}
	o, err := n.Service.Fetch(ctx, is)
	n.Mu.Lock()
	defer n.Mu.Unlock()
	n.Asked[len(n.Asked)-1] = ref
	o.Alias = ref
	return o, err
}

func newNumbers(b *workertest.Bench) *numbers {
	n := &numbers{Service: b.Service, of: map[string]string{number: "envelope_k41"}}
	b.Account.Provider = providertest.Able(n)
	return n
}

// named is a callback that names a transaction by its number only.
func named(t *testing.T, b *workertest.Bench) {
	t.Helper()
	b.Called(t, model.Observation{Ref: number, Alias: number, Evidence: model.Claim, Type: "moved", Refetch: true})
}

// refs are those of the rows that people see.
func refs(t *testing.T, b *workertest.Bench) (out []string) {
	t.Helper()
	rows, _, err := b.Store.Transactions(t.Context(), store.Filter{})
	workertest.Check(t, err)
	for _, r := range rows {
		out = append(out, r.Ref)
	}
	slices.Sort(out)
	return out
}

func TestANumberMakesItsTransactionAskedAboutAtOnce(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		n := newNumbers(b)
		b.Called(t, workertest.Claim("envelope_k41", model.InProgress))
		b.Service.Says["envelope_k41"] = workertest.InProgress()
		b.Confirmed(t)
		b.Move(time.Minute)
		b.Service.Says["envelope_k41"] = workertest.Completed(model.DocumentRef{ID: "1", Kind: model.SignedDocument})
		n.Asked = nil
		named(t, b)
		workertest.Same(t, "rows before the answer", refs(t, b), []string{"envelope_k41"})
		b.Confirmed(t)
		workertest.Same(t, "status", b.Row(t, "envelope_k41").Status, model.Completed)
		workertest.Same(t, "documents", len(b.Documents(t, "envelope_k41")), 1)
		workertest.Same(t, "asked", n.Asked, []string{number})
		workertest.Same(t, "rows", refs(t, b), []string{"envelope_k41"})
		if _, err := b.Store.Transaction(t.Context(), workertest.Key(number)); !errors.Is(err, store.ErrNoRow) {
			t.Errorf("the number's own row stays: %v", err)
		}
		gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc"})
		workertest.Check(t, err)
		workertest.Same(t, "gaps, though a callback told it", len(gaps), 0)
		b.Confirmed(t)
		workertest.Same(t, "asked later", len(n.Asked), 1)
	})
}

func TestANumberThatNobodyHasHeardOfMakesItsRow(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		newNumbers(b)
		b.Service.Says["envelope_k41"] = workertest.InProgress()
		named(t, b)
		b.Confirmed(t)
		r := b.Row(t, "envelope_k41")
		if r.Status != model.InProgress || r.Hidden || r.Origin != model.OriginClaim || !r.Confirmed {
			t.Errorf("%+v", r)
		}
		gaps, err := b.Store.Gaps(t.Context(), store.GapFilter{Account: "acc"})
		workertest.Check(t, err)
		workertest.Same(t, "gaps", len(gaps), 0)
	})
}

func TestAnUnknownNumberMakesNoRowAndCostsWhatAnUnknownRefDoes(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		n := newNumbers(b)
		delete(n.of, number)
		settle := func() int {
			n.Asked = nil
			for range 20 {
				b.Confirmed(t)
				b.Move(time.Minute)
			}
			return len(n.Asked)
		}
		b.Called(t, workertest.Claim("unknown", model.InProgress))
		unknown := settle()
		named(t, b)
		if got := settle(); got == 0 || got > unknown {
			t.Errorf("asked %d times, about an unknown ref %d", got, unknown)
		}
		workertest.Same(t, "rows", refs(t, b), []string{"unknown"}) // of the claim that named a status
		list, _, err := b.Store.Callbacks(t.Context(), store.CallbackFilter{Account: "acc", Ref: number})
		workertest.Check(t, err)
		if len(list) != 1 || list[0].Outcome != model.ClaimUnresolved {
			t.Errorf("%+v", list)
		}
		named(t, b) // the next one is asked about too
		if got := settle(); got == 0 {
			t.Error("the next callback is not asked about")
		}
	})
}

func TestACallbackThatComesWhileANumbersQuestionIsOutIsAskedAboutToo(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		n := newNumbers(b)
		b.Service.Says["envelope_k41"] = workertest.InProgress()
		n.during = func() {
			b.Move(time.Second)
			named(t, b)
		}
		named(t, b)
		b.Confirmed(t)
		b.Service.Says["envelope_k41"] = workertest.Completed()
		b.Confirmed(t)
		workertest.Same(t, "status", b.Row(t, "envelope_k41").Status, model.Completed)
		workertest.Same(t, "rows", refs(t, b), []string{"envelope_k41"})
	})
}
