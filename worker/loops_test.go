package worker

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

func TestANudgeWakesEveryLoop(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	one, two := b.nudged("one"), b.nudged("two")
	b.Nudge()
	b.Nudge()
	for i, ch := range []<-chan struct{}{one, two} {
		select {
		case <-ch:
		default:
			t.Errorf("loop %d was not woken", i)
		}
		select {
		case <-ch:
			t.Errorf("loop %d was woken twice for nudges that came together", i)
		default:
		}
	}
}

// woken says which loops were woken since it was last asked.
func (b *bench) woken(loops ...string) (out []string) {
	for _, l := range loops {
		select {
		case <-b.nudged(l):
			out = append(out, l)
		default:
		}
	}
	return out
}

// A callback wakes the loop that has something to do now, and no other: each round of those that look after time asks
// the database a dozen things.
func TestACallbackWakesOnlyWhatItConcerns(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.test.Store.OnWork(b.noted)
		all := []string{"agenda", "confirm", "download", "runs", "gaps", "watch", "streams", "closer", "prune"}
		b.woken(all...)
		b.called(t, claim("a", model.InProgress))
		same(t, "by a claim that rides with the next slot", b.woken(all...), nil)
		b.called(t, claim("a", model.Completed))
		same(t, "by one to confirm after the debounce", b.woken(all...), nil)
		_, err := b.Table.Track(t.Context(), "operator", b.account.ID, b.account.Rules.Provider, []string{"t"})
		check(t, err)
		same(t, "by a ref that is due at once", b.woken(all...), []string{"confirm"})
		b.called(t, claim("l", model.Completed), workertest.Link("l", "https://files.example.org/a?sig=1"))
		same(t, "by a link to a file", b.woken(all...), []string{"download"})
	})
}

// The lanes of one account are started for its own work only.
func TestOnlyTheLaneWithWorkIsStarted(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	other := *b.account
	other.ID = "other"
	b.test.Accounts = []*apply.Account{b.account, &other}
	b.test.Store.OnWork(b.noted)
	begun := map[string]int{}
	lanes := func() (out []lane) {
		for _, l := range append(b.confirmLanes(), b.downloadLanes()...) {
			l.name = strings.ReplaceAll(l.name, "\x00", " ")
			l.round = func(context.Context) error {
				b.mu.Lock()
				defer b.mu.Unlock()
				begun[l.name]++
				return nil
			}
			out = append(out, l)
		}
		return out
	}
	round := func() {
		t.Helper()
		check(t, b.startDue("confirm", lanes, func(store.WorkKind) bool { return true })(t.Context()))
		b.inWork.Wait()
	}
	b.called(t, claim("a", model.Completed))
	round()
	same(t, "before the debounce", begun, map[string]int{})
	b.move(3 * time.Second)
	round()
	same(t, "after it", begun, map[string]int{"confirm acc true": 1})
	round()
	same(t, "without news", begun, map[string]int{"confirm acc true": 1})
	check(t, b.readAgenda(t.Context()))
	round()
	same(t, "after the table was read", begun, map[string]int{"confirm acc true": 2})
}

// A run that somebody asked for ends its account's rest where it begins, and not only where it is first seen: the run
// that was in work before it may have brought the account to rest again.
func TestARunByHandBeginsWithoutARest(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		r, err := b.Runs.Queue(t.Context(), model.Run{Account: b.account.ID, Kind: string(apply.Active)}, false)
		check(t, err)
		b.lift([]model.Run{r})
		check(t, b.Gate.Failed(t.Context(), b.account, model.Key{Account: b.account.ID}, provider.ErrDenied))
		same(t, "the account may be asked", b.Gate.May(b.account), false)
		check(t, b.workRuns(t.Context()))
		b.inWork.Wait()
		same(t, "the account may be asked once the run has begun", b.Gate.May(b.account), true)
	})
}

// A slot's run whose account rests holds up nobody who asks by hand and is to be told so: it gives way, and goes on after.
func TestARunInWorkGivesWayToOneByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
		b.service.Says["a"] = model.Observation{Status: model.InProgress, Signers: []model.Signer{}}
		b.answered(t, "a", b.service.Says["a"])
		b.move(24 * time.Hour)
		queue := func(slot *time.Time) model.Run {
			r, err := b.Runs.Queue(t.Context(), model.Run{Account: b.account.ID, Kind: string(apply.Active), Slot: slot}, false)
			check(t, err)
			return r
		}
		state := func(r model.Run) model.RunState {
			r, err := b.store.RunByID(t.Context(), r.ID)
			check(t, err)
			return r.State
		}
		b.Gate.Rest(b.account, &provider.RetryAfter{Wait: time.Hour})
		now := b.now()
		slot := queue(&now)
		check(t, b.workRuns(t.Context()))
		synctest.Wait()
		hand := queue(nil)
		for range 2 {
			check(t, b.workRuns(t.Context()))
			b.inWork.Wait()
		}
		same(t, "the slot's run and the one by hand", []model.RunState{state(slot), state(hand)},
			[]model.RunState{model.RunActive, model.RunFailed})
		b.move(2 * time.Hour)
		check(t, b.workRuns(t.Context()))
		b.inWork.Wait()
		same(t, "the slot's run", state(slot), model.RunDone)
	})
}
