package deliver_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/announced"
	"countersign/model/store"
	"countersign/worker/deliver"
	"countersign/worker/hook"
	"countersign/worker/workertest"
)

// An attempt that was under way when the receiver wanted to be left alone says nothing against that.
func TestASuccessThatWasUnderWayDoesNotEndTheRestAReceiverAskedFor(t *testing.T) {
	for _, order := range []string{"both noted together", "one noted after the other"} {
		t.Run(order, func(t *testing.T) {
			b := workertest.SQLite(t)
			refused, both := make(chan struct{}), make(chan struct{})
			var h *bench
			calls := 0
			r := &receiver{}
			h = newBench(t, b, r)
			h.hooks[0].Workers = 2
			h.hooks[0].Send = func(ctx context.Context, e hook.Event) hook.Answer {
				r.mu.Lock()
				calls++
				r.mu.Unlock()
				switch e.Change.Ref {
				case "busy":
					<-both
					defer close(refused)
					return hook.Answer{Busy: true, Wait: 10 * time.Minute, Note: "429"}
				case "taken":
					close(both)
					<-refused
					for order != "both noted together" {
						if row, err := b.Store.Hook(ctx, "h0"); err != nil || row.RestsTo != nil {
							break
						}
					}
				}
				return hook.Answer{Taken: true}
			}
			for _, ref := range []string{"busy", "taken", "c", "d", "e"} {
				h.changed(t, ref, model.InProgress)
			}
			h.round(t)
			require.Equal(t, 2, calls, "sent while the receiver wanted nothing")
			h.Move(9 * time.Minute)
			h.round(t)
			require.Equal(t, 2, calls, "sent while the receiver wanted nothing")
			h.Move(2 * time.Minute)
		})
	}
}

// A reload takes effect though much waits and the receiver before takes all of it.
func TestARoundEndsWhenItsHookIsAnother(t *testing.T) {
	b := workertest.SQLite(t)
	before, after := &receiver{}, &receiver{}
	h := newBench(t, b, before)
	for i := range 20 {
		h.changed(t, fmt.Sprintf("r%d", i), model.InProgress)
	}
	h.hooks[0].Workers = 1
	was, swapped := h.hooks[0], *h.hooks[0]
	swapped.Send = after.send
	before.answers = func(hook.Event) hook.Answer {
		h.hooks = []*deliver.Hook{&swapped}
		return hook.Answer{Gone: true, Note: "410 Gone"}
	}
	require.NoError(t, h.deliver.Round(t.Context(), was))
	require.Len(t, before.ids, 1)
	require.NotContains(t, h.Open(t), model.HookGone, "what the one before said is nothing of the new one")
	h.round(t)
	require.Len(t, after.got, 20)
}

// An announcement whose change is gone is not sent: there is nothing to tell.
func TestAnAnnouncementWithoutItsChangeIsNotSent(t *testing.T) {
	b := workertest.SQLite(t)
	r := &receiver{}
	h := newBench(t, b, r)
	lost := &announced.Change{Change: model.Change{Seq: 999, Account: "acc", Ref: "lost"}}
	_, err := b.Store.Requeue(t.Context(), "h0", []*announced.Change{lost})
	require.NoError(t, err)
	h.round(t)
	require.Empty(t, r.ids)
	list, _, err := b.Store.Deliveries(t.Context(), store.DeliveryFilter{Hook: "h0"})
	require.NoError(t, err)
	require.Equal(t, store.DeliveryDead, list[0].State)
}

// However long a function wants to wait, its change is tried again before it is given up.
func TestNoWaitIsLongerThanAnAnnouncementsLife(t *testing.T) {
	b := workertest.SQLite(t)
	wait := time.Duration(math.MaxInt64)
	r := &receiver{answers: func(hook.Event) hook.Answer { return hook.Answer{Wait: wait, Note: "later"} }}
	h := newBench(t, b, r)
	h.changed(t, "a", model.InProgress)
	h.round(t)
	h.Move(time.Hour)
	h.round(t)
	require.Len(t, r.ids, 1)
	h.Move(72 * time.Hour)
	h.round(t)
	require.Len(t, r.ids, 2)
	require.Equal(t, []string{"a in_progress dead 2"}, h.states(t, "h0"))
}

// A hook that is taken out while an announcement is under way: what was taken is not called dead, and nothing failed.
func TestAHookThatIsTakenOutWhileItIsSentTo(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		r := &receiver{}
		h := newBench(t, wb, r)
		h.hooks[0].Workers = 1
		h.changed(t, "a", model.InProgress)
		h.changed(t, "b", model.InProgress)
		was := h.hooks[0]
		r.answers = func(hook.Event) hook.Answer {
			h.hooks = nil
			h.sync(t)
			return hook.Answer{Taken: true}
		}
		require.NoError(t, h.deliver.Round(t.Context(), was))
		require.Equal(t, []string{"a in_progress sent 1", "b in_progress dead 0"}, h.states(t, "h0"))
	})
}
