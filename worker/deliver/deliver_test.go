package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/model/announced"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/deliver"
	"countersign/worker/hook"
	"countersign/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver takes events as a test tells it to.
type receiver struct {
	mu      sync.Mutex
	got     []string // REF STATUS of what it took, in order
	ids     []string // of every attempt
	answers func(e hook.Event) hook.Answer
}

func (r *receiver) send(_ context.Context, e hook.Event) hook.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := hook.Answer{Taken: true, Note: "200 OK"}
	if r.answers != nil {
		a = r.answers(e)
	}
	r.ids = append(r.ids, e.ID)
	if a.Taken {
		r.got = append(r.got, e.Change.Ref+" "+e.Change.To)
	}
	return a
}

// bench is a store with hooks.
type bench struct {
	*workertest.Bench
	hooks   []*deliver.Hook
	deliver *deliver.Deliver
}

func newBench(t *testing.T, b *workertest.Bench, receivers ...*receiver) *bench {
	t.Helper()
	h := &bench{Bench: b}
	for i, r := range receivers {
		h.hooks = append(h.hooks, &deliver.Hook{
			ID: fmt.Sprintf("h%d", i), Send: r.send, Workers: 4, Timeout: time.Second, First: 5 * time.Second,
			Most: 4 * time.Hour, Life: 72 * time.Hour, Filter: hook.Filter{Wait: hook.WaitFinal},
		})
	}
	h.sync(t)
	h.again()
	return h
}

func (b *bench) sync(t *testing.T) {
	t.Helper()
	var ids []string
	for _, h := range b.hooks {
		ids = append(ids, h.ID)
	}
	require.NoError(t, b.Store.SyncHooks(t.Context(), ids, func(string) bool { return false }))
}

// again is a process that starts.
func (b *bench) again() {
	b.deliver = deliver.New(deliver.Options{
		Store: b.Store, Incidents: b.Table.Incidents(), Hooks: func() []*deliver.Hook { return b.hooks }, Now: b.Now,
		Rand: workertest.Zero, Log: logrus.NewEntry(b.Logger()), Owner: "test",
	})
}

func (b *bench) round(t *testing.T) {
	t.Helper()
	for _, l := range b.deliver.Lanes() {
		require.NoError(t, l.Round(t.Context()))
	}
}

// changed has callbacks bring a ref to a status that is not final, and the provider confirm one that is.
func (b *bench) changed(t *testing.T, ref string, s model.Status) {
	t.Helper()
	if s.Final() {
		b.Answered(t, ref, workertest.Says(s))
		return
	}
	b.Called(t, workertest.Claim(ref, s))
}

func (b *bench) states(t *testing.T, hook string) (out []string) {
	t.Helper()
	list, _, err := b.Store.Deliveries(t.Context(), store.DeliveryFilter{Hook: hook, Oldest: true})
	require.NoError(t, err)
	for _, d := range list {
		out = append(out, fmt.Sprintf("%s %s %s %d", d.Ref, d.Change.To, d.State, d.Attempts))
	}
	return out
}

func refused(note string) hook.Answer { return hook.Answer{Note: note} }

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, b *workertest.Bench)) {
	t.Helper()
	workertest.Both(t, test)
}

func TestANewHookIsToldWhatChangesFromNowOnEachOnceAndInOrder(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		r := &receiver{}
		b := &bench{Bench: wb}
		b.changed(t, "before", model.InProgress)
		b = newBench(t, wb, r)
		b.changed(t, "a", model.InProgress)
		b.changed(t, "b", model.InProgress)
		b.changed(t, "a", model.Completed)
		b.round(t)
		require.Equal(t, []string{"a in_progress", "b in_progress", "a completed"}, sortedByRef(r.got, "a", "b"))
		b.again()
		b.round(t)
		require.Len(t, r.ids, 3)
		require.Equal(t, []string{"a in_progress sent 1", "b in_progress sent 1", "a completed sent 1"}, b.states(t, "h0"))
	})
}

// sortedByRef brings what was sent beside each other into the order of the feed, where each ref's own order allows it.
func sortedByRef(got []string, _ ...string) []string {
	if len(got) == 3 && got[0] == "b in_progress" {
		got = []string{got[1], got[0], got[2]}
	}
	if len(got) == 3 && got[2] == "b in_progress" {
		got = []string{got[0], got[2], got[1]}
	}
	return got
}

func TestWhatFollowsInATransactionWaitsAndOthersDoNot(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		bad := true
		r := &receiver{answers: func(e hook.Event) hook.Answer {
			if bad && e.Change.Ref == "a" {
				return refused("500")
			}
			return hook.Answer{Taken: true}
		}}
		b := newBench(t, wb, r)
		b.changed(t, "a", model.InProgress)
		b.changed(t, "a", model.Completed)
		b.changed(t, "b", model.InProgress)
		b.round(t)
		require.Equal(t, []string{"b in_progress"}, r.got)
		require.Equal(t, []string{"a in_progress waiting 1", "a completed waiting 0", "b in_progress sent 1"}, b.states(t, "h0"))
		b.round(t)
		require.Len(t, r.ids, 2, "before its time")
		bad = false
		b.Move(10 * time.Second)
		b.again() // a restart forgets nothing
		b.round(t)
		require.Equal(t, []string{"b in_progress", "a in_progress", "a completed"}, r.got)
		require.Equal(t, r.ids[0] == r.ids[2] || r.ids[1] == r.ids[2], true, "the id stays over attempts: %v", r.ids)
	})
}

func TestOneHookDelaysNoOther(t *testing.T) {
	b, dead, good := workertest.SQLite(t), &receiver{answers: func(hook.Event) hook.Answer { return refused("down") }}, &receiver{}
	h := newBench(t, b, dead, good)
	h.changed(t, "a", model.InProgress)
	h.round(t)
	require.Equal(t, []string{"a in_progress"}, good.got)
	require.Empty(t, dead.got)
}

func TestADaemonThatDiedBetweenSendingAndNotingSendsAgainUnderTheSameID(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		r := &receiver{}
		b := newBench(t, wb, r)
		b.changed(t, "a", model.InProgress)
		list, err := b.Store.Announced(t.Context(), 0, 10)
		require.NoError(t, err)
		hooks, err := b.Store.Hooks(t.Context())
		require.NoError(t, err)
		taken, ok, err := b.Store.QueueDeliveries(t.Context(), store.Queueing{Hook: "h0", From: hooks[0].Reached,
			To: list[0].Seq, Chosen: []*announced.Change{&list[0]}, Lease: time.Minute, Owner: "dead", Take: 1})
		require.NoError(t, err)
		require.True(t, ok)
		require.True(t, taken[list[0].Seq])
		b.round(t)
		require.Empty(t, r.ids, "another process has it")
		require.NoError(t, b.Store.ReleaseLeases(t.Context()))
		b.round(t)
		e, err := hook.EventOf(&list[0])
		require.NoError(t, err)
		require.Equal(t, []string{e.ID}, r.ids)
	})
}

func TestThreeDaysThenDeadThenReplayed(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		down := true
		r := &receiver{answers: func(hook.Event) hook.Answer {
			if down {
				return refused("503 Service Unavailable")
			}
			return hook.Answer{Taken: true}
		}}
		b := newBench(t, wb, r)
		b.changed(t, "a", model.InProgress)
		b.changed(t, "a", model.Completed)
		b.changed(t, "b", model.InProgress)
		for range 5000 {
			b.round(t)
			b.Move(time.Minute)
		}
		require.Equal(t, []string{"a in_progress dead", "a completed dead", "b in_progress dead"}, cut(b.states(t, "h0")))
		require.Less(t, len(r.ids), 300)
		require.Contains(t, b.Open(t), model.HookOverdue)
		down = false
		list, err := b.Store.Announced(t.Context(), 0, 10)
		require.NoError(t, err)
		var all []*announced.Change
		for i := range list {
			if list[i].Ref != "" {
				all = append(all, &list[i])
			}
		}
		n, err := b.Store.Requeue(t.Context(), "h0", all)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		b.round(t)
		require.ElementsMatch(t, []string{"a in_progress", "a completed", "b in_progress"}, r.got)
		require.Less(t, slices.Index(r.got, "a in_progress"), slices.Index(r.got, "a completed"))
		b.Move(time.Minute)
		b.round(t)
		require.NotContains(t, b.Open(t), model.HookOverdue)
	})
}

// cut leaves the attempts out.
func cut(states []string) (out []string) {
	for _, s := range states {
		out = append(out, s[:strings.LastIndex(s, " ")])
	}
	return out
}

func TestRetryAfterIsObeyedByTheWholeHook(t *testing.T) {
	b := workertest.SQLite(t)
	busy := true
	r := &receiver{answers: func(hook.Event) hook.Answer {
		if busy {
			return hook.Answer{Busy: true, Wait: 10 * time.Minute, Note: "429"}
		}
		return hook.Answer{Taken: true}
	}}
	h := newBench(t, b, r)
	h.changed(t, "a", model.InProgress)
	h.round(t)
	h.changed(t, "b", model.InProgress)
	for range 9 {
		h.Move(time.Minute)
		h.again()
		h.round(t)
	}
	require.Len(t, r.ids, 1)
	busy = false
	h.Move(2 * time.Minute)
	h.round(t)
	require.ElementsMatch(t, []string{"a in_progress", "b in_progress"}, r.got)
}

func TestAReceiverThatIsGoneIsLeftAloneUntilItIsTried(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		gone := true
		r := &receiver{answers: func(hook.Event) hook.Answer { return hook.Answer{Gone: gone, Taken: !gone, Note: "410 Gone"} }}
		b := newBench(t, wb, r)
		b.hooks[0].Workers = 1
		b.changed(t, "a", model.InProgress)
		b.changed(t, "b", model.InProgress)
		b.round(t)
		require.Contains(t, b.Open(t), model.HookGone)
		b.Move(time.Hour)
		b.again()
		b.round(t)
		require.Len(t, r.ids, 1)
		gone = false
		require.NoError(t, b.Store.WakeHook(t.Context(), "h0"))
		b.round(t)
		require.ElementsMatch(t, []string{"a in_progress", "b in_progress"}, r.got)
		require.NotContains(t, b.Open(t), model.HookGone)
	})
}

func TestWhatABackfillFoundIsAnnouncedToThoseThatAsk(t *testing.T) {
	b := workertest.SQLite(t)
	plain, asks := &receiver{}, &receiver{}
	h := newBench(t, b, plain, asks)
	h.hooks[1].Filter.Backfills = true
	b.Told(t, apply.Source{Asked: model.AskedBackfill, Run: "r"}, "old", workertest.Says(model.Completed))
	h.round(t)
	require.Empty(t, plain.got)
	require.Equal(t, []string{"old completed"}, asks.got)
}

func TestRetentionWaitsForWhatIsNotDelivered(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		r := &receiver{answers: func(hook.Event) hook.Answer { return refused("down") }}
		b := newBench(t, wb, r)
		b.changed(t, "a", model.InProgress)
		prune := func() store.Pruned {
			at := b.Now()
			p, err := b.Store.Prune(t.Context(), store.PruneBefore{Outbox: &at, History: &at})
			require.NoError(t, err)
			return p
		}
		b.Move(time.Minute)
		require.Zero(t, prune().Outbox, "not looked at")
		b.round(t)
		require.Zero(t, prune().Outbox, "not taken")
		r.answers = nil
		b.Move(time.Hour)
		b.round(t)
		b.Move(time.Minute)
		require.Equal(t, int64(1), prune().Outbox)
	})
}

func TestAHookThatWasTakenOutLeavesWhatItWasNotTold(t *testing.T) {
	b := workertest.SQLite(t)
	h := newBench(t, b, &receiver{answers: func(hook.Event) hook.Answer { return refused("down") }})
	h.changed(t, "a", model.InProgress)
	h.round(t)
	h.hooks = nil
	h.sync(t)
	require.Equal(t, []string{"a in_progress dead 1"}, h.states(t, "h0"))
	hooks, err := b.Store.Hooks(t.Context())
	require.NoError(t, err)
	require.Empty(t, hooks)
}
