package worker

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/apply"
	"countersign/worker/pdf/pdftest"
)

// again is the bench after a restart of the process: nothing is remembered but what the database holds.
func (b *bench) again(t *testing.T) {
	t.Helper()
	b.Worker = New(b.Options)
	check(t, b.loadIncidents(t.Context()))
}

// beside is another process on the same database, which learns nothing of what this one does.
func (b *bench) beside() *bench {
	return &bench{Worker: New(b.Options), service: b.service, account: b.account, root: b.root, ms: b.ms}
}

// told are the incidents as the feed of changes announces them: "+kind" opened, "-kind" closed.
func (b *bench) told(t *testing.T) (out []string) {
	t.Helper()
	list, err := b.Store.Changes(t.Context(), 0, 10000)
	check(t, err)
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

func (b *bench) openNow(t *testing.T) (out []string) {
	t.Helper()
	list, err := b.Store.Incidents(t.Context(), true)
	check(t, err)
	for _, i := range list {
		out = append(out, i.Kind)
	}
	slices.Sort(out)
	return out
}

// refusedOne hands over a callback without a good proof.
func (b *bench) refusedOne(t *testing.T, ref string) {
	t.Helper()
	_, err := b.Callback(t.Context(), apply.Incoming{Callback: model.Callback{Account: "acc", Ref: ref, Type: "moved", Verdict: model.Refused, At: b.Now(), Body: []byte("{}")}})
	check(t, err)
}

// accepted hands over one that is proved and tells of nothing; a test only tries the URL.
func (b *bench) accepted(t *testing.T, test bool) {
	t.Helper()
	_, err := b.Callback(t.Context(), apply.Incoming{
		Callback: model.Callback{Account: "acc", Type: "ping", Verdict: model.Accepted, At: b.Now(), Body: []byte("{}")}, Rules: b.account.Rules, Test: test,
	})
	check(t, err)
}

// Each kind of incident: what opens it, once more what would open it, and what closes it.
func TestEachIncidentOpensOnceAndClosesOnce(t *testing.T) {
	for kind, c := range map[string]struct{ begin, bad, good func(t *testing.T, b *bench) }{
		model.CallbacksSilent: {
			begin: func(t *testing.T, b *bench) { b.answered(t, "a", inProgress()); b.answered(t, "b", inProgress()) },
			bad: func(t *testing.T, b *bench) {
				for _, ref := range []string{"a", "b"} {
					was, next := inProgress(), inProgress()
					was.Status, next.Status = b.row(t, ref).Status, model.Completed
					if was.Status == model.Completed {
						next.Status = model.Declined
					}
					b.answered(t, ref, was) // the last word before the change, after any callback
					b.move(time.Hour)
					b.answered(t, ref, next)
					b.move(6 * time.Minute)
					check(t, b.settleOnce(t.Context()))
				}
			},
			good: func(t *testing.T, b *bench) { b.accepted(t, false) },
		},
		model.CallbacksRefused: {
			bad: func(t *testing.T, b *bench) {
				for i := range 4 {
					b.refusedOne(t, fmt.Sprint("r", i))
				}
			},
			good: func(t *testing.T, b *bench) { b.accepted(t, false) },
		},
		model.RegistrationChanged: {
			begin: func(t *testing.T, b *bench) {
				check(t, b.Registered(t.Context(), "acc", provider.Registration{URL: "https://ours", Events: []string{"moved"}}))
			},
			bad: func(t *testing.T, b *bench) {
				check(t, b.noteRegistration(t.Context(), "acc", func(was registered) (registered, string) {
					return was.compare(provider.Registration{URL: "https://theirs"})
				}))
			},
			good: func(t *testing.T, b *bench) {
				check(t, b.noteRegistration(t.Context(), "acc", func(was registered) (registered, string) {
					return was.compare(provider.Registration{URL: "https://ours", Events: []string{"moved"}})
				}))
			},
		},
		model.CredentialsRefused: {
			bad: func(t *testing.T, b *bench) {
				check(t, b.failed(t.Context(), b.account, key("a"), fmt.Errorf("401: %w", provider.ErrDenied)))
			},
			good: func(t *testing.T, b *bench) { check(t, b.recovered(t.Context(), b.account)) },
		},
		model.PollOverdue: {
			begin: func(t *testing.T, b *bench) {
				b.account.Polling = apply.Schedules{apply.Active: slot(t, "0 */6 * * *")}
				b.account.Provider = providertest.Able(b.batches(1))
				b.ran(t, model.Run{Kind: string(apply.Active)})
				check(t, b.watchOnce(t.Context()))
			},
			bad: func(t *testing.T, b *bench) {
				b.move(14 * time.Hour)
				check(t, b.watchOnce(t.Context()))
				b.move(15 * time.Minute)
				check(t, b.watchOnce(t.Context()))
			},
			good: func(t *testing.T, b *bench) { b.ran(t, model.Run{Kind: string(apply.Active)}) },
		},
		model.DocumentsOverdue: {
			bad: func(t *testing.T, b *bench) {
				b.answered(t, b.Now().Format(time.RFC3339), completed(marked("m1")))
				b.move(25 * time.Hour)
				check(t, b.watchOnce(t.Context()))
			},
			good: func(t *testing.T, b *bench) {
				b.service.files["1"] = pdftest.Plain("late")
				check(t, b.downloadOnce(t.Context()))
				check(t, b.watchOnce(t.Context()))
			},
		},
	} {
		t.Run(kind, func(t *testing.T) {
			both(t, func(t *testing.T, b *bench) {
				if c.begin != nil {
					c.begin(t, b)
				}
				same(t, "before", b.openNow(t), nil)
				c.bad(t, b)
				same(t, "open", b.openNow(t), []string{kind})
				b.again(t)
				c.bad(t, b)
				c.bad(t, b.beside())
				same(t, "open still", b.openNow(t), []string{kind})
				same(t, "announced once", b.told(t), []string{"+" + kind})
				same(t, "warned once", strings.Count(b.log.String(), "incident opened"), 1)
				b.again(t)
				c.good(t, b)
				same(t, "closed", b.openNow(t), nil)
				b.again(t)
				c.good(t, b)
				same(t, "announced open and closed", b.told(t), []string{"+" + kind, "-" + kind})
				same(t, "logged once", strings.Count(b.log.String(), "incident closed"), 1)
				c.bad(t, b)
				same(t, "a second time", b.told(t), []string{"+" + kind, "-" + kind, "+" + kind})
			})
		})
	}
}

// The daemon's listeners open before it has the work: what a verb's process opened meanwhile ends with a callback that
// the daemon takes.
func TestAnIncidentThatAnotherProcessOpenedIsClosed(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		daemon := b.beside()
		for i := range 3 {
			b.refusedOne(t, fmt.Sprint("r", i))
		}
		same(t, "open", b.openNow(t), []string{model.CallbacksRefused})
		daemon.accepted(t, false)
		same(t, "closed by the other", b.openNow(t), nil)
		b.refusedOne(t, "r3")
		b.refusedOne(t, "r4")
		same(t, "two in a row", b.openNow(t), nil)
		b.refusedOne(t, "r5")
		same(t, "three in a row", b.openNow(t), []string{model.CallbacksRefused})
	})
}

func TestATestOfTheURLEndsNoSilence(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.answered(t, "a", inProgress())
		b.move(time.Hour)
		done := inProgress()
		done.Status = model.Completed
		b.answered(t, "a", done)
		b.accepted(t, true)
		b.move(6 * time.Minute)
		check(t, b.settleOnce(t.Context()))
		same(t, "silent, whatever a test said", b.openNow(t), []string{model.CallbacksSilent})
		b.accepted(t, true)
		same(t, "still", b.openNow(t), []string{model.CallbacksSilent})
		acc, err := b.Store.Account(t.Context(), "acc")
		check(t, err)
		same(t, "last callback", acc.LastCallbackAt, nil)
		b.accepted(t, false)
		same(t, "over", b.openNow(t), nil)
	})
}

func TestAnAccountWhoseCallbacksAreSilentIsPolledCloser(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.account.Polling = apply.Schedules{apply.Active: slot(t, "0 */6 * * *")}
		b.account.Provider = providertest.Able(b.batches(1))
		polls := func() int {
			runs, err := b.Store.Runs(t.Context(), store.RunFilter{Account: "acc", Kind: string(apply.Active), States: []model.RunState{model.RunQueued}})
			check(t, err)
			for _, r := range runs {
				check(t, b.execute(t.Context(), r))
			}
			return len(runs)
		}
		round := func(after time.Duration) int {
			b.move(after)
			check(t, b.pollCloser(t.Context()))
			check(t, b.pollCloser(t.Context()))
			return polls()
		}
		b.ran(t, model.Run{Kind: string(apply.Active)})
		same(t, "while all is well", round(2*time.Hour), 0)
		check(t, b.incident(t.Context(), "acc", model.CallbacksSilent, "m", true))
		same(t, "at once, an hour after the last poll", round(0), 1)
		same(t, "half an hour later", round(30*time.Minute), 0)
		same(t, "an hour later", round(30*time.Minute), 1)
		b.accepted(t, false)
		same(t, "after a callback", round(2*time.Hour), 0)
	})
}

func TestIncidentsOfAnAccountThatWasTakenOutAreClosed(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	for i := range 3 {
		b.refusedOne(t, fmt.Sprint("r", i))
	}
	b.Accounts = func() []*apply.Account { return nil }
	check(t, b.watchOnce(t.Context()))
	same(t, "open", b.openNow(t), nil)
}

// A cron line need not be regular: nights and weekends are no slots that were missed.
func TestPollsAreOverdueBySlotsNotByHours(t *testing.T) {
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")) // noon of a Saturday
	b.account.Polling = apply.Schedules{apply.Active: slot(t, "0 9-17 * * 1-5")}
	friday := noon.Add(-19 * time.Hour)
	acc := model.Account{ID: "acc", LastPollAt: &friday}
	for _, c := range []struct {
		at   time.Time
		want bool
	}{
		{noon, false}, {noon.Add(24 * time.Hour), false},
		{noon.Add(46 * time.Hour), false},               // Monday, 10:00: the second slot begins
		{noon.Add(46*time.Hour + 31*time.Minute), true}, // and has had half of its time
	} {
		b.began = noon.Add(-time.Hour)
		same(t, c.at.String(), b.pollOverdue(b.account, acc, c.at), c.want)
	}
	b.began = noon.Add(46 * time.Hour)
	same(t, "of a process that has just begun", b.pollOverdue(b.account, acc, noon.Add(46*time.Hour+5*time.Minute)), false)
	acc.LastPollAt, acc.FirstStartAt = nil, friday
	b.began = noon
	same(t, "of an account that was never polled well", b.pollOverdue(b.account, acc, noon.Add(47*time.Hour)), true)
}
