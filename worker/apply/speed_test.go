package apply_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/model"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

// BenchmarkCallback applies callbacks of 64 callers through the group commit, two for each transaction.
func BenchmarkCallback(b *testing.B) {
	w := workertest.SQLite(b)
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- w.Store.Run(ctx) }()
	b.Cleanup(func() { stop(); workertest.Check(b, <-done) })
	n := make(chan int)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			select {
			case n <- i:
			case <-ctx.Done():
			}
		}
	}()
	body := make([]byte, 2048)
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			i := <-n
			ref := fmt.Sprintf("ref%d", i/2048*1024+i%1024)
			status := []model.Status{model.Draft, model.InProgress}[i/1024%2]
			_, err := w.Table.Callback(ctx, apply.Incoming{
				Callback: model.Callback{Account: "acc", Ref: ref, Type: "moved", Verdict: model.Accepted, At: w.Now(),
					DedupeKey: fmt.Sprint(i), Body: body},
				Rules: w.Account.Rules, Observations: []model.Observation{workertest.Claim(ref, status)},
			})
			workertest.Check(b, err)
		}
	})
}

// BenchmarkAnswers applies a page of a hundred answers that change nothing, while the writer runs.
func BenchmarkAnswers(b *testing.B) {
	w := workertest.SQLite(b)
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- w.Store.Run(ctx) }()
	b.Cleanup(func() { stop(); workertest.Check(b, <-done) })
	src := apply.Source{Asked: model.AskedPoll, Run: "r", Tier: apply.Active}
	told := func() []model.Observation {
		v, err := w.Store.Version(b.Context())
		workertest.Check(b, err)
		obs := make([]model.Observation, 100)
		for i := range obs {
			o := workertest.InProgress()
			o.Ref, o.Evidence, o.Version, o.AskedAt, o.At = fmt.Sprintf("ref%d", i), model.Verified, v, w.Now(), w.Now()
			obs[i] = o
		}
		return obs
	}
	_, err := w.Table.Answers(b.Context(), w.Account, src, told())
	workertest.Check(b, err)
	w.Move(time.Minute)
	obs := told()
	b.ReportAllocs()
	for b.Loop() {
		_, err := w.Table.Answers(b.Context(), w.Account, src, obs)
		workertest.Check(b, err)
	}
}
