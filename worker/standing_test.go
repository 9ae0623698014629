package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
)

// lister is a service that lists nothing, and knows what it may list once it was asked.
type lister struct {
	*service
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
	return provider.Page{}, l.fails
}

func (b *bench) remembered(t *testing.T) model.Account {
	t.Helper()
	acc, err := b.Store.Account(t.Context(), "acc")
	check(t, err)
	return acc
}

// Verbs are processes of their own: what the daemon knows of an account's troubles stands in the database.
func TestAnAccountsLastErrorIsWrittenDownUntilAnAnswerComes(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		ask := func() {
			b.called(t, claim("a", ""))
			b.confirmed(t)
		}
		b.service.says["a"] = inProgress()
		b.service.fails = fmt.Errorf("fetch: 503 Service Unavailable: %w", provider.ErrUnavailable)
		ask()
		failed := b.remembered(t)
		same(t, "error", failed.LastError, "fetch: 503 Service Unavailable: "+provider.ErrUnavailable.Error())
		same(t, "its time", failed.LastErrorAt.Equal(b.Now()), true)
		same(t, "rests until", failed.RestsUntil, nil)

		b.service.fails = nil
		b.move(time.Hour)
		ask()
		same(t, "error after an answer", b.remembered(t).LastError, "")

		b.service.fails = &provider.RetryAfter{Wait: 10 * time.Minute}
		b.move(time.Hour)
		ask()
		resting := b.remembered(t)
		same(t, "rests", resting.RestsUntil != nil && resting.RestsUntil.Equal(b.Now().Add(10*time.Minute)), true)
		if resting.LastError == "" {
			t.Error("it rests and nothing says why")
		}

		again := New(b.Options) // another process
		b.move(time.Minute)
		check(t, again.watchOnce(t.Context()))
		same(t, "rests, once another process works that asks", b.remembered(t).RestsUntil, nil)
		same(t, "error until an answer comes", b.remembered(t).LastError, resting.LastError)
		check(t, again.noteGood(t.Context(), b.account))
		same(t, "error after one", b.remembered(t).LastError, "")
	})
}

func TestWhatAListShowsIsWrittenDownOnceItWasRead(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		l := &lister{service: b.service}
		b.account.Provider.Lister, b.RetryWait = l, time.Millisecond
		l.fails = errors.New("broken")
		same(t, "state of a poll that fails", b.ran(t, model.Run{Kind: string(apply.Audit)}).State, model.RunFailed)
		same(t, "reach before a list was read", b.remembered(t).Reach, "")
		same(t, "error of a list", b.remembered(t).LastError, "broken")
		l.fails = nil
		b.move(time.Hour)
		b.ran(t, model.Run{Kind: string(apply.Active)})
		same(t, "reach", b.remembered(t).Reach, "the whole team's")
		same(t, "error after a list", b.remembered(t).LastError, "")
	})
}
