package deliver_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/deliver"
	"countersign/worker/hook"
	"countersign/worker/workertest"
)

// beside returns another process that sends to the same hooks.
func (b *bench) beside(s *store.Store, owner string) *deliver.Deliver {
	return deliver.New(deliver.Options{
		Store: s, Incidents: b.Table.Incidents(), Hooks: func() []*deliver.Hook { return b.hooks }, Now: b.Now,
		Rand: workertest.Zero, Log: logrus.NewEntry(b.Logger()), Owner: owner,
	})
}

// What a receiver tells one process while an attempt of another is under way holds for both, whichever is noted last.
func TestWhatAReceiverTellsOneProcessHoldsForAll(t *testing.T) {
	for name, answer := range map[string]hook.Answer{
		"gone": {Gone: true, Note: "410 Gone"}, "busy": {Busy: true, Wait: 10 * time.Minute, Note: "429 Too Many Requests"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, wb *workertest.Bench) {
				r, told, under := &receiver{}, make(chan struct{}), make(chan struct{})
				b := newBench(t, wb, r)
				other := b.beside(b.Store, "other")
				b.hooks[0].Workers = 1
				var once sync.Once
				b.hooks[0].Send = func(ctx context.Context, e hook.Event) hook.Answer {
					r.send(ctx, e)
					if e.Change.Ref != "slow" {
						return answer
					}
					once.Do(func() { close(under) })
					<-told
					return hook.Answer{Taken: true}
				}
				b.changed(t, "slow", model.InProgress)
				done := make(chan error, 1)
				go func() { done <- b.deliver.Round(t.Context(), b.hooks[0]) }()
				<-under
				b.changed(t, "quick", model.InProgress)
				require.NoError(t, other.Round(t.Context(), b.hooks[0]))
				close(told) // its success is noted after what the other was told
				require.NoError(t, <-done)
				row, err := b.Store.Hook(t.Context(), "h0")
				require.NoError(t, err)
				require.Equal(t, answer.Gone, row.GoneAt != nil)
				require.Equal(t, answer.Busy, row.RestsTo != nil)
				require.EqualValues(t, 1, row.Sent)
				b.changed(t, "later", model.InProgress)
				b.Move(9 * time.Minute)
				before := len(r.ids)
				require.NoError(t, b.deliver.Round(t.Context(), b.hooks[0]))
				require.NoError(t, other.Round(t.Context(), b.hooks[0]))
				require.Len(t, r.ids, before, "sent though the receiver wants nothing")
			})
		})
	}
}

// Failures that two processes meet are counted together.
func TestFailuresOfTwoProcessesAreCountedTogether(t *testing.T) {
	each(t, func(t *testing.T, wb *workertest.Bench) {
		r := &receiver{answers: func(hook.Event) hook.Answer { return refused("500") }}
		b := newBench(t, wb, r)
		other := b.beside(b.Store, "other")
		b.hooks[0].Workers = 1
		for i := range 2 {
			b.changed(t, fmt.Sprintf("r%d", i), model.InProgress)
			require.NoError(t, []*deliver.Deliver{b.deliver, other}[i].Round(t.Context(), b.hooks[0]))
		}
		row, err := b.Store.Hook(t.Context(), "h0")
		require.NoError(t, err)
		require.Equal(t, len(r.ids), row.Failures)
		require.Equal(t, b.Now(), row.FailedAt.UTC())
	})
}

// Three processes with stores of their own send each change once, those of a transaction in their order.
func TestProcessesSendEachChangeOnceAndInOrder(t *testing.T) {
	b := workertest.New(t, workertest.PostgresSchema(t))
	r := &receiver{}
	h := newBench(t, b, r)
	h.hooks[0].Timeout = 2 * time.Hour // a lease outlasts what every change moves the clock by
	const rows = 40
	var all sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for i := range 3 {
		d := h.beside(b.Opened(t), fmt.Sprint("process ", i))
		all.Go(func() {
			for ctx.Err() == nil {
				if err := d.Round(ctx, h.hooks[0]); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range rows {
		h.changed(t, fmt.Sprint("r", i), model.InProgress)
		h.changed(t, fmt.Sprint("r", i), model.Completed)
	}
	for {
		left, err := b.Store.Backlog(t.Context(), "h0")
		require.NoError(t, err)
		if left.Waiting == 0 && left.Untold == 0 {
			break
		}
	}
	stop()
	all.Wait()
	require.Len(t, r.ids, 2*rows)
	for i := range rows {
		first, last := slices.Index(r.got, fmt.Sprintf("r%d in_progress", i)), slices.Index(r.got, fmt.Sprintf("r%d completed", i))
		require.True(t, first >= 0 && first < last, "r%d: %d, %d", i, first, last)
	}
}
