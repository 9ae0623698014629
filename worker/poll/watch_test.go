package poll

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/workertest"
)

// told are the incidents as the feed of changes announces them: "+kind" opened, "-kind" closed.
func (b *bench) told(t *testing.T) (out []string) {
	t.Helper()
	list, err := b.Store.Changes(t.Context(), 0, 10000)
	workertest.Check(t, err)
	for _, c := range list {
		switch {
		case c.Kind != model.KindIncident:
		case c.To != "":
			out = append(out, "+"+c.To)
		default:
			out = append(out, "-"+c.From)
		}
	}
	return out
}

// Each kind of incident: what opens it, once more what would open it, and what closes it.
func TestEachIncidentOpensOnceAndClosesOnce(t *testing.T) {
	for kind, c := range map[string]struct{ begin, bad, good func(t *testing.T, b *bench) }{
		model.CallbacksSilent: {
			begin: func(t *testing.T, b *bench) {
				b.Answered(t, "a", workertest.InProgress())
				b.Answered(t, "b", workertest.InProgress())
			},
			bad: func(t *testing.T, b *bench) {
				for _, ref := range []string{"a", "b"} {
					was, next := workertest.InProgress(), workertest.InProgress()
					was.Status, next.Status = b.Row(t, ref).Status, model.Completed
					if was.Status == model.Completed {
						next.Status = model.Declined
					}
					b.Answered(t, ref, was) // the last word before the change, after any callback
					b.Move(time.Hour)
					b.Answered(t, ref, next)
					b.Move(6 * time.Minute)
					workertest.Check(t, b.Table.SettleGaps(t.Context()))
				}
			},
			good: func(t *testing.T, b *bench) { b.Accepted(t, false) },
		},
		model.CallbacksRefused: {
			bad: func(t *testing.T, b *bench) {
				for i := range 4 {
					b.Refused(t, fmt.Sprint("r", i))
				}
			},
			good: func(t *testing.T, b *bench) { b.Accepted(t, false) },
		},
		model.RegistrationChanged: {
			begin: func(t *testing.T, b *bench) {
				workertest.Check(t, b.Table.Registered(t.Context(), "acc",
					provider.Registration{URL: "https://ours", Events: []string{"moved"}}))
			},
			bad: func(t *testing.T, b *bench) {
				workertest.Check(t, b.Table.AuditRegistration(t.Context(), b.Account, provider.Registration{URL: "https://theirs"}))
			},
			good: func(t *testing.T, b *bench) {
				workertest.Check(t, b.Table.AuditRegistration(t.Context(), b.Account,
					provider.Registration{URL: "https://ours", Events: []string{"moved"}}))
			},
		},
		model.CredentialsRefused: {
			bad: func(t *testing.T, b *bench) {
				workertest.Check(t, b.Gate.Failed(t.Context(), b.Account, workertest.Key("a"),
					fmt.Errorf("401: %w", provider.ErrDenied)))
			},
			good: func(t *testing.T, b *bench) { workertest.Check(t, b.Gate.Answered(t.Context(), b.Account)) },
		},
		model.PollOverdue: {
			begin: func(t *testing.T, b *bench) {
				b.Account.Polling = apply.Schedules{apply.Active: workertest.Slot(t, "0 */6 * * *")}
				b.Batches(1)
				b.ran(t, model.Run{Kind: string(apply.Active)})
				workertest.Check(t, b.watch.Round(t.Context()))
			},
			bad: func(t *testing.T, b *bench) {
				b.Move(14 * time.Hour)
				workertest.Check(t, b.watch.Round(t.Context()))
				b.Move(15 * time.Minute)
				workertest.Check(t, b.watch.Round(t.Context()))
			},
			good: func(t *testing.T, b *bench) { b.ran(t, model.Run{Kind: string(apply.Active)}) },
		},
		model.DocumentsOverdue: {
			bad: func(t *testing.T, b *bench) {
				b.Answered(t, b.Now().Format(time.RFC3339),
					workertest.Completed(model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf", Mark: "m1"}))
				b.Move(25 * time.Hour)
				workertest.Check(t, b.watch.Round(t.Context()))
			},
			good: func(t *testing.T, b *bench) {
				list, err := b.Store.Documents(t.Context(), store.DocumentFilter{Account: "acc"})
				workertest.Check(t, err)
				for _, d := range list {
					d.State, d.NextTryAt = model.DocumentStored, nil
					workertest.Check(t, b.Store.Do(t.Context(),
						store.Unit{Apply: func(g *store.Batch) error { g.PutDocument(d); return nil }}))
				}
				workertest.Check(t, b.watch.Round(t.Context()))
			},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			both(t, func(t *testing.T, b *bench) {
				if c.begin != nil {
					c.begin(t, b)
				}
				workertest.Same(t, "before", b.Open(t), nil)
				c.bad(t, b)
				workertest.Same(t, "open", b.Open(t), []string{kind})
				b.again(t)
				c.bad(t, b)
				c.bad(t, newBench(b.Beside()))
				workertest.Same(t, "open still", b.Open(t), []string{kind})
				workertest.Same(t, "announced once", b.told(t), []string{"+" + kind})
				workertest.Same(t, "warned once", strings.Count(b.Log.String(), "incident opened"), 1)
				b.again(t)
				c.good(t, b)
				workertest.Same(t, "closed", b.Open(t), nil)
				b.again(t)
				c.good(t, b)
				workertest.Same(t, "announced open and closed", b.told(t), []string{"+" + kind, "-" + kind})
				workertest.Same(t, "logged once", strings.Count(b.Log.String(), "incident closed"), 1)
				c.bad(t, b)
				workertest.Same(t, "a second time", b.told(t), []string{"+" + kind, "-" + kind, "+" + kind})
			})
		})
	}
}

// The daemon's listeners open before it has the work: what a verb's process opened meanwhile ends with a callback that
// the daemon takes.
func TestAnIncidentThatAnotherProcessOpenedIsClosed(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		daemon := newBench(b.Beside())
		for i := range 3 {
			b.Refused(t, fmt.Sprint("r", i))
		}
		workertest.Same(t, "open", b.Open(t), []string{model.CallbacksRefused})
		daemon.Accepted(t, false)
		workertest.Same(t, "closed by the other", b.Open(t), nil)
		b.Refused(t, "r3")
		b.Refused(t, "r4")
		workertest.Same(t, "two in a row", b.Open(t), nil)
		b.Refused(t, "r5")
		workertest.Same(t, "three in a row", b.Open(t), []string{model.CallbacksRefused})
	})
}

// The secret is mended and the callback URL checked, or what was refused is replayed: nothing is refused any more. A
// check is signed by ourselves: where the provider has another secret, the next callback says so at once.
func TestACheckOrAReplayThatProvesItselfEndsRefusals(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for i := range 3 {
			b.Refused(t, fmt.Sprint("r", i))
		}
		b.Accepted(t, true)
		workertest.Same(t, "after a check", b.Open(t), nil)
		b.Refused(t, "r3")
		workertest.Same(t, "after another that was refused", b.Open(t), []string{model.CallbacksRefused})

		list, _, err := b.Store.Callbacks(t.Context(), store.CallbackFilter{Account: "acc", Verdict: model.Refused, Limit: 1})
		workertest.Check(t, err)
		was, err := b.Store.Callback(t.Context(), list[0].ID)
		workertest.Check(t, err)
		in := apply.Incoming{Callback: was, Rules: b.Account.Rules,
			Observations: []model.Observation{workertest.Claim(was.Ref, model.InProgress)}}
		in.Callback.Verdict, in.Callback.Sealed = model.Accepted, false
		_, changed, err := b.Table.Replay(t.Context(), was, in)
		workertest.Check(t, err)
		workertest.Same(t, "replayed", changed, true)
		workertest.Same(t, "after a replay", b.Open(t), nil)
		b.Refused(t, "r4")
		b.Refused(t, "r5")
		workertest.Same(t, "after two more", b.Open(t), nil)
	})
}

func TestATestOfTheURLEndsNoSilence(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.Answered(t, "a", workertest.InProgress())
		b.Move(time.Hour)
		done := workertest.InProgress()
		done.Status = model.Completed
		b.Answered(t, "a", done)
		b.Accepted(t, true)
		b.Move(6 * time.Minute)
		workertest.Check(t, b.Table.SettleGaps(t.Context()))
		workertest.Same(t, "silent, whatever a test said", b.Open(t), []string{model.CallbacksSilent})
		b.Accepted(t, true)
		workertest.Same(t, "still", b.Open(t), []string{model.CallbacksSilent})
		acc, err := b.Store.Account(t.Context(), "acc")
		workertest.Check(t, err)
		workertest.Same(t, "last callback", acc.LastCallbackAt, nil)
		b.Accepted(t, false)
		workertest.Same(t, "over", b.Open(t), nil)
	})
}

func TestAnAccountWhoseCallbacksAreSilentIsPolledCloser(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.Account.Polling = apply.Schedules{apply.Active: workertest.Slot(t, "0 */6 * * *")}
		b.Batches(1)
		polls := func() int {
			runs, err := b.Store.Runs(t.Context(),
				store.RunFilter{Account: "acc", Kind: string(apply.Active), States: []model.RunState{model.RunQueued}})
			workertest.Check(t, err)
			for _, r := range runs {
				workertest.Check(t, b.runs.Work(t.Context(), r.ID))
			}
			return len(runs)
		}
		round := func(after time.Duration) int {
			b.Move(after)
			workertest.Check(t, b.slots.PollCloser(t.Context()))
			workertest.Check(t, b.slots.PollCloser(t.Context()))
			return polls()
		}
		b.ran(t, model.Run{Kind: string(apply.Active)})
		workertest.Same(t, "while all is well", round(2*time.Hour), 0)
		workertest.Check(t, b.Table.Incidents().Set(t.Context(), "acc", model.CallbacksSilent, "m", true))
		workertest.Same(t, "at once, an hour after the last poll", round(0), 1)
		workertest.Same(t, "half an hour later", round(30*time.Minute), 0)
		workertest.Same(t, "an hour later", round(30*time.Minute), 1)
		b.Accepted(t, false)
		workertest.Same(t, "after a callback", round(2*time.Hour), 0)
	})
}

func TestIncidentsOfAnAccountThatWasTakenOutAreClosed(t *testing.T) {
	b := newBench(workertest.SQLite(t))
	for i := range 3 {
		b.Refused(t, fmt.Sprint("r", i))
	}
	b.Accounts = nil
	workertest.Check(t, b.watch.Round(t.Context()))
	workertest.Same(t, "open", b.Open(t), nil)
}

// A cron line need not be regular: nights and weekends are no slots that were missed.
// Those of a hook that is there stay open: its own rounds open and close them.
func TestIncidentsOfAHookThatWasTakenOutAreClosed(t *testing.T) {
	b := newBench(workertest.SQLite(t))
	keep := func(string) bool { return false }
	require.NoError(t, b.Store.SyncHooks(t.Context(), []string{"stays", "goes"}, keep))
	for _, id := range []string{"stays", "goes"} {
		require.NoError(t, b.Table.Incidents().Set(t.Context(), model.HookAccount(id), model.HookGone, "gone", true))
	}
	require.NoError(t, b.watch.Round(t.Context()))
	require.Len(t, b.Open(t), 2)
	require.NoError(t, b.Store.SyncHooks(t.Context(), []string{"stays"}, keep))
	require.NoError(t, b.watch.Round(t.Context()))
	require.Len(t, b.Open(t), 1)
}

func TestPollsAreOverdueBySlotsNotByHours(t *testing.T) {
	b := newBench(workertest.SQLite(t)) // workertest.Noon() of a Saturday
	b.Account.Polling = apply.Schedules{apply.Active: workertest.Slot(t, "0 9-17 * * 1-5")}
	friday := workertest.Noon().Add(-19 * time.Hour)
	acc := model.Account{ID: "acc", LastPollAt: &friday}
	for _, c := range []struct {
		at   time.Time
		want bool
	}{
		{workertest.Noon(), false}, {workertest.Noon().Add(24 * time.Hour), false},
		{workertest.Noon().Add(46 * time.Hour), false},               // Monday, 10:00: the second slot begins
		{workertest.Noon().Add(46*time.Hour + 31*time.Minute), true}, // and has had half of its time
	} {
		b.watch.began = workertest.Noon().Add(-time.Hour)
		workertest.Same(t, c.at.String(), b.watch.pollOverdue(b.Account, acc, c.at), c.want)
	}
	b.watch.began = workertest.Noon().Add(46 * time.Hour)
	workertest.Same(t, "of a process that has just begun",
		b.watch.pollOverdue(b.Account, acc, workertest.Noon().Add(46*time.Hour+5*time.Minute)), false)
	acc.LastPollAt, acc.FirstStartAt = nil, friday
	b.watch.began = workertest.Noon()
	workertest.Same(t, "of an account that was never polled well",
		b.watch.pollOverdue(b.Account, acc, workertest.Noon().Add(47*time.Hour)), true)
}
