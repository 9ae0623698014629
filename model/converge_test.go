package model_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"countersign/model"
)

// world is one transaction at its provider, its row, and the answers that are on their way.
type world struct {
	rules    model.Rules
	evidence model.Evidence
	row      model.Transaction
	truth    model.Observation
	now      time.Time
	out      []model.Observation // answers, old by the time they come
}

// life is what may happen to one transaction, in order; each step is what the provider then says.
var lives = [][]model.Status{
	{model.Draft, model.InProgress, model.Completed},
	{model.Draft, model.InProgress, model.Draft, model.InProgress, model.Declined},
	{model.InProgress, model.Expired},
	{model.InProgress},
	{model.Draft},
}

// apply lets Decide have an observation, and holds the promises.
func (w *world) apply(t *rapid.T, o model.Observation) model.Decision {
	d := model.Decide(w.rules, w.row, o)
	promises(t, "apply", w.row, o, d)
	if d.Remove {
		t.Fatalf("a row that the provider knows was removed")
	}
	w.row = d.Next
	if !w.row.Confirmed && w.row.Status.Final() && !w.row.Deleted && w.row.NextCheckAt == nil {
		t.Fatalf("%s on a callback's word alone, and nobody will ask", w.row.Status)
	}
	if w.row.ReportedStatus.Final() && w.row.NextCheckAt == nil {
		t.Fatalf("%s is reported, and nobody will ask", w.row.ReportedStatus)
	}
	return d
}

// answer is what the provider says now.
func (w *world) answer(asked time.Time) model.Observation {
	o := w.truth
	o.Evidence, o.AskedAt, o.At, o.Version, o.Asked = model.Verified, asked, asked.Add(time.Second/5), w.row.Version,
		model.AskedConfirm
	return o
}

func (w *world) callback(s model.Status) model.Observation {
	return model.Observation{Ref: "a", Evidence: w.evidence, Status: s, At: w.now}
}

func (w *world) pass(t *rapid.T, most int) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, most*1000).Draw(t, "milliseconds")) * time.Millisecond)
}

// settle asks while the row is due, after one full poll, and holds that the row is the truth.
func (w *world) settle(t *rapid.T) {
	w.now = w.now.Add(time.Hour)
	w.apply(t, w.answer(w.now))
	for asked := 0; w.row.NextCheckAt != nil; asked++ {
		if asked > 12 {
			t.Fatalf("still due (%s) after %d questions", w.row.DueReason, asked)
		}
		if w.now = w.now.Add(time.Second); w.row.NextCheckAt.After(w.now) {
			w.now = *w.row.NextCheckAt
		}
		w.apply(t, w.answer(w.now))
	}
	r := w.row
	if r.Status != w.truth.Status || !r.Confirmed || r.ReportedStatus != "" || r.Hidden || r.NotFound || r.Deleted {
		t.Fatalf("the row is %s (confirmed %v, reported %q, not found %v), the truth %s", r.Status, r.Confirmed,
			r.ReportedStatus, r.NotFound, w.truth.Status)
	}
	if r.Trashed != (w.truth.Trashed == model.Yes) ||
		signersOf(r) != signersOf(model.Transaction{Signers: w.truth.Signers}) || len(r.Attention) != 0 {
		t.Fatalf("trashed %v, signers %s, attention %v; the truth: %v, %v", r.Trashed, signersOf(r), r.Attention,
			w.truth.Trashed, w.truth.Signers)
	}
	if d := model.Decide(w.rules, r, w.answer(w.now.Add(time.Hour))); !d.Touch || d.Grew {
		t.Fatalf("the same answer once more is not the same: %s", d.Reason)
	}
}

func newWorld(t *rapid.T, r []model.Rules) *world {
	w := &world{row: none(), now: noon, rules: r[0], evidence: model.Claim}
	if rapid.Bool().Draw(t, "weak") {
		w.rules, w.evidence = r[1], model.WeakClaim
	}
	w.truth = truth(t, model.Draft)
	if rapid.Bool().Draw(t, "confirm all") {
		w.rules.Confirm = model.ConfirmAll
	}
	if rapid.Bool().Draw(t, "tracked") {
		w.row = row(model.Unknown)
	}
	return w
}

// truth is all that an answer says.
func truth(t *rapid.T, s model.Status) model.Observation {
	return model.Observation{
		Ref: "a", Status: s, ProviderStatus: string(s),
		Trashed: rapid.SampledFrom([]model.Flag{model.Yes, model.No}).Draw(t, "trashed"), Archived: model.No,
		Signers: []model.Signer{{Ref: "s",
			Status: rapid.SampledFrom([]model.SignerStatus{model.SignerWaiting, model.SignerViewed,
				model.SignerSigned}).Draw(t, "signer")}},
		Judges: []model.AttentionKind{model.SignerLockedOut, model.EmailBounced},
	}
}

// Whatever order a life's callbacks come in, however often, and whichever old answers come between.
func TestEveryOrderOfALifesCallbacksConverges(t *testing.T) {
	rules := []model.Rules{strong(t), weak(t)}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rules)
		life := rapid.SampledFrom(lives).Draw(t, "life")
		calls := append(append([]model.Status(nil), life...),
			rapid.SliceOfN(rapid.SampledFrom(life), 0, 4).Draw(t, "twice")...)
		for i, s := range rapid.Permutation(calls).Draw(t, "order") {
			if rapid.Bool().Draw(t, "lost") {
				continue
			}
			if rapid.Bool().Draw(t, "stale") {
				o := w.answer(w.now)
				o.Status = rapid.SampledFrom(life).Draw(t, "as it was")
				w.out = append(w.out, o)
			}
			w.pass(t, 30)
			w.apply(t, w.callback(s))
			if len(w.out) > 0 && i%2 == 1 {
				o := w.out[0]
				w.out, o.At = w.out[1:], w.now
				w.apply(t, o)
			}
		}
		w.truth.Status = life[len(life)-1]
		w.settle(t)
	})
}

// Every permutation of one life, each callback twice, without chance.
func TestEachPermutationOfAShortLifeConverges(t *testing.T) {
	life := []model.Status{model.Draft, model.InProgress, model.Completed, model.Draft, model.InProgress, model.Completed}
	rules := []model.Rules{strong(t), weak(t)}
	n := 0
	permute(life, 0, func(order []model.Status) {
		for i, r := range rules {
			next, now := none(), noon
			for _, s := range order {
				now = now.Add(700 * time.Millisecond)
				o := claimed(s, now)
				if i == 1 {
					o.Evidence = model.WeakClaim
				}
				next = model.Decide(r, next, o).Next
			}
			for asked := 0; next.NextCheckAt != nil; asked++ {
				if asked > 5 {
					t.Fatalf("%v: still due", order)
				}
				next = model.Decide(r, next, fetched(next, model.Completed, *next.NextCheckAt)).Next
			}
			if next.Status != model.Completed || !next.Confirmed || next.ReportedStatus != "" {
				t.Fatalf("%s, %v: %s, confirmed %v, reported %q", r.Provider, order, next.Status, next.Confirmed,
					next.ReportedStatus)
			}
		}
		n++
	})
	want(t, "permutations", n, 720)
}

func permute[T any](list []T, from int, do func([]T)) {
	if from == len(list) {
		do(list)
		return
	}
	for i := from; i < len(list); i++ {
		list[from], list[i] = list[i], list[from]
		permute(list, from+1, do)
		list[from], list[i] = list[i], list[from]
	}
}

// The provider, its callbacks, forgers, hints, questions and late answers do as they like; then one
// full poll, and the row is the truth. Something is possible in every state.
func TestAnythingMayHappenAndTheRowStillConverges(t *testing.T) {
	rules := []model.Rules{strong(t), weak(t)}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, rules)
		t.Repeat(map[string]func(*rapid.T){
			"the provider moves": func(t *rapid.T) {
				w.truth = truth(t, rapid.SampledFrom(model.Statuses()[1:]).Draw(t, "to"))
			},
			"a callback": func(t *rapid.T) { w.pass(t, 60); w.apply(t, w.callback(w.truth.Status)) },
			"a forgery, or an old callback": func(t *rapid.T) {
				w.pass(t, 60)
				o := w.callback(rapid.SampledFrom(observed()).Draw(t, "of"))
				o.Trashed = rapid.SampledFrom([]model.Flag{model.Unsaid, model.Yes, model.No}).Draw(t, "trashed")
				o.Deleted = rapid.SampledFrom([]model.Flag{model.Unsaid, model.Yes}).Draw(t, "deleted")
				o.Signers = []model.Signer{{Ref: "s", Name: "Ada", Status: model.SignerSigned},
					{Ref: "x", Name: "Ben", Status: model.SignerViewed}}
				o.Acted = rapid.Bool().Draw(t, "acted")
				o.Attention = []model.Attention{{Kind: model.EmailBounced, Signer: "s"}}
				if rapid.Bool().Draw(t, "old") {
					o.At = o.At.Add(-time.Hour)
				}
				w.apply(t, o)
			},
			"a hint":              func(t *rapid.T) { w.pass(t, 60); w.apply(t, hinted(w.now)) },
			"a question goes out": func(t *rapid.T) { w.pass(t, 60); w.out = append(w.out, w.answer(w.now)) },
			"a page of a list": func(t *rapid.T) {
				w.pass(t,
					60)
				o := w.answer(w.now)
				o.Asked = model.AskedPoll
				w.apply(t, o)
			},
			"its answer comes":   func(t *rapid.T) { w.late(t) },
			"time passes":        func(t *rapid.T) { w.pass(t, 90000) },
			"a provider forgets": func(t *rapid.T) { w.pass(t, 60); w.forget(t) },
		})
		w.settle(t)
	})
}

// late brings the oldest answer that is on its way, or else lets a minute pass.
func (w *world) late(t *rapid.T) {
	w.pass(t, 60)
	if len(w.out) == 0 {
		return
	}
	o := w.out[0]
	w.out, o.At = w.out[1:], w.now
	w.apply(t, o)
}

// forget answers "not found" for a moment, but for a row that would go by it.
func (w *world) forget(t *rapid.T) {
	o := w.answer(w.now)
	o = model.Observation{Ref: "a", Evidence: model.Verified, Absence: model.NotFound, AskedAt: o.AskedAt, At: o.At,
		Version: o.Version}
	if model.Decide(w.rules, w.row, o).Remove {
		return
	}
	w.apply(t, o)
}
