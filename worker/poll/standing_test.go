package poll

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

// lister is a service that lists nothing, and knows what it may list once it was asked.
type lister struct {
	*workertest.Service
	listed bool
}

func (l *lister) Lists() provider.Listing { return provider.ListsNewest }

func (l *lister) Reach() string {
	if l.listed {
		return "the whole team's"
	}
	return "the whole team's, where the key may (not tried yet)"
}

func (l *lister) List(context.Context, provider.ListQuery) (provider.Page, error) {
	l.listed = true
	return provider.Page{}, l.Fails
}

func (b *bench) remembered(t *testing.T) model.Account {
	t.Helper()
	acc, err := b.Store.Account(t.Context(), "acc")
	workertest.Check(t, err)
	return acc
}

// Verbs are processes of their own: what the daemon knows of an account's troubles stands in the database.
func TestAnAccountsLastErrorIsWrittenDownUntilAnAnswerComes(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		ask := func() {
			b.Called(t, workertest.Claim("a", ""))
			b.Confirmed(t)
		}
		b.Service.Says["a"] = workertest.InProgress()
		b.Service.Fails = fmt.Errorf("fetch: 503 Service Unavailable: %w", provider.ErrUnavailable)
		ask()
		failed := b.remembered(t)
		workertest.Same(t, "error", failed.LastError, "fetch: 503 Service Unavailable: "+provider.ErrUnavailable.Error())
		workertest.Same(t, "its time", failed.LastErrorAt.Equal(b.Now()), true)
		workertest.Same(t, "rests until", failed.RestsUntil, nil)

		b.Service.Fails = nil
		b.Move(time.Hour)
		ask()
		workertest.Same(t, "error after an answer", b.remembered(t).LastError, "")

		b.Service.Fails = &provider.RetryAfter{Wait: 10 * time.Minute}
		b.Move(time.Hour)
		ask()
		resting := b.remembered(t)
		workertest.Same(t, "rests", resting.RestsUntil != nil && resting.RestsUntil.Equal(b.Now().Add(10*time.Minute)), true)
		if resting.LastError == "" {
			t.Error("it rests and nothing says why")
		}

		b.again(t) // another process
		b.Move(time.Minute)
		workertest.Check(t, b.watch.Round(t.Context()))
		workertest.Same(t, "rests, once another process works that asks", b.remembered(t).RestsUntil, nil)
		workertest.Same(t, "error until an answer comes", b.remembered(t).LastError, resting.LastError)
		b.Service.Fails = nil
		ask()
		workertest.Same(t, "error after one", b.remembered(t).LastError, "")
	})
}

func TestWhatAListShowsIsWrittenDownOnceItWasRead(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &lister{Service: b.Service}
		b.RetryWait = time.Millisecond
		b.Plays(l)
		b.again(t)
		l.Fails = errors.New("broken")
		workertest.Same(t, "state of a poll that fails", b.ran(t, model.Run{Kind: string(apply.Audit)}).State,
			model.RunFailed)
		workertest.Same(t, "reach before a list was read", b.remembered(t).Reach, "")
		workertest.Same(t, "error of a list", b.remembered(t).LastError, "broken")
		l.Fails = nil
		b.Move(time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Active)})
		workertest.Same(t, "reach", b.remembered(t).Reach, "the whole team's")
		workertest.Same(t, "error after a list", b.remembered(t).LastError, "")
	})
}
