package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"pgregory.net/rapid"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/model"
	"countersign/provider/simulator"
	"countersign/worker/apply"
)

// applied is a daemon without loops: what its callbacks and answers say is made up here, step by step.
type applied struct {
	dir   string
	lives int
	now   time.Time
	e     *engine.Engine
	conf  string
}

// open starts a daemon on what the last one left.
func (a *applied) open(t fataler) {
	dir := filepath.Join(a.dir, fmt.Sprint(a.lives))
	app := newApp(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	app.Lookup = func(name string) (string, bool) {
		return strings.Repeat("01", keyfile.Size), name == "COUNTERSIGN_KEY"
	}
	app.ConfigFlag, app.Now = filepath.Join(dir, "config.yaml"), func() time.Time { return a.now }
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.WriteFile(app.ConfigFlag, []byte(a.conf), 0o600))
	c, err := app.Config()
	must(t, err)
	a.e, err = app.Start(context.Background(), c, logrus.NewEntry(app.Logger(config.Log{Level: "panic", Format: "text"})))
	must(t, err)
}

// crash starts another daemon on what is on disk now.
func (a *applied) crash(t fataler) {
	from := filepath.Join(a.dir, fmt.Sprint(a.lives))
	a.lives++
	must(t, copyTree(from, filepath.Join(a.dir, fmt.Sprint(a.lives))))
	must(t, a.e.Close())
	must(t, os.RemoveAll(from))
	a.open(t)
}

type fataler interface{ Fatalf(string, ...any) }

func must(t fataler, err error) {
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// life is one transaction of one provider: what is so, what was, and what is on its way.
type life struct {
	*applied
	a     *apply.Account
	k     model.Key
	truth model.Observation
	past  []model.Observation
	calls []apply.Incoming    // those that came, to be sent again
	out   []model.Observation // answers on their way
	n     int
	ends  []model.Status // all that a row may be here
}

func (a *applied) live(t *rapid.T, n int) *life {
	all := a.e.Accounts.List()
	acc := all[rapid.IntRange(0, len(all)-1).Draw(t, "account")]
	l := &life{applied: a, a: acc, k: model.Key{Account: acc.ID, Ref: fmt.Sprintf("ref-%d", n)}}
	known := map[model.Status]bool{}
	for from, to := range acc.Rules.Forward {
		known[from] = true
		for _, s := range to {
			known[s] = true
		}
	}
	delete(known, model.Unknown)
	l.ends = slices.Sorted(maps.Keys(known))
	l.move(t)
	return l
}

// move is the service's: anything may become of a transaction.
func (l *life) move(t *rapid.T) {
	l.past = append(l.past, l.truth)
	l.truth = model.Observation{
		Ref: l.k.Ref, Status: rapid.SampledFrom(l.ends).Draw(t, "status"), Archived: model.No,
		Trashed: rapid.SampledFrom([]model.Flag{model.Yes, model.No}).Draw(t, "trashed"),
		Signers: []model.Signer{{Ref: "s",
			Status: rapid.SampledFrom([]model.SignerStatus{model.SignerWaiting, model.SignerViewed,
				model.SignerSigned}).Draw(t, "signer")}},
	}
	l.truth.ProviderStatus = string(l.truth.Status)
}

func (l *life) pass(t *rapid.T, most int) {
	l.now = l.now.Add(time.Duration(rapid.IntRange(1, most*1000).Draw(t, "milliseconds")) * time.Millisecond)
}

// call lets a callback come in.
func (l *life) call(t *rapid.T, in apply.Incoming) {
	l.pass(t, 60)
	in.Callback.At = l.now
	for i := range in.Observations {
		in.Observations[i].At = l.now
	}
	res, err := l.e.Worker.Table.Callback(context.Background(), in)
	must(t, err)
	t.Logf("%s a callback: %s, %s", l.now.Format(time.TimeOnly), res.Verdict, res.Outcome)
	if res.ID == "" {
		t.Fatalf("a callback without an id")
	}
}

// claim is a callback that names a status, an event or nothing.
func (l *life) claim(t *rapid.T, status model.Status) apply.Incoming {
	l.n++
	evidence := model.Claim
	if l.a.ProviderName == "dropboxsign" {
		evidence = model.WeakClaim
	}
	o := model.Observation{Ref: l.k.Ref, Evidence: evidence, Type: "made_up", Status: status, Refetch: status == ""}
	o.Deleted = rapid.SampledFrom([]model.Flag{model.Unsaid, model.Unsaid, model.Yes}).Draw(t, "deleted")
	return apply.Incoming{
		Callback: model.Callback{
			Account: l.k.Account, Ref: l.k.Ref, Type: o.Type, DedupeKey: fmt.Sprintf("%s-%d", l.k.Ref,
				l.n), Verdict: model.Accepted, Body: []byte("{}"), BodyHash: "none",
		},
		Rules: l.a.Rules, Observations: []model.Observation{o},
	}
}

// ask is an answer that shows o, as a question of now would get it.
func (l *life) ask(t *rapid.T, o model.Observation) model.Observation {
	version, err := l.e.Store.Version(context.Background())
	must(t, err)
	if row, err := l.e.Store.Transaction(context.Background(), l.k); err == nil && rapid.Bool().Draw(t, "by the row") {
		version = row.Version
	}
	o.Ref, o.Evidence, o.Version, o.AskedAt = l.k.Ref, model.Verified, version, l.now
	return o
}

// answer lets one come in.
func (l *life) answer(t *rapid.T, o model.Observation, how model.Asked) {
	l.now = l.now.Add(time.Second / 5)
	o.At = l.now
	did, err := l.e.Worker.Table.Answers(context.Background(), l.e.Accounts.Find(l.k.Account), apply.Source{Asked: how},
		[]model.Observation{o})
	must(t, err)
	t.Logf("%s an answer of %s, %s: %s", l.now.Format(time.TimeOnly), o.AskedAt.Format(time.TimeOnly), o.Status,
		did[0].Reason)
}

// steps are what may happen.
func (l *life) steps() map[string]func(*rapid.T) {
	confirm := func(t *rapid.T, o model.Observation) { l.pass(t, 60); l.answer(t, l.ask(t, o), model.AskedConfirm) }
	return map[string]func(*rapid.T){
		"the service moves": l.move,
		"a callback": func(t *rapid.T) {
			in := l.claim(t, rapid.SampledFrom([]model.Status{l.truth.Status, l.truth.Status, "",
				rapid.SampledFrom(l.ends).Draw(t, "any")}).Draw(t, "claims"))
			l.calls = append(l.calls, in)
			l.call(t, in)
		},
		"a copy": func(t *rapid.T) {
			if len(l.calls) > 0 {
				l.call(t, rapid.SampledFrom(l.calls).Draw(t, "copy"))
			}
		},
		"a forgery": func(t *rapid.T) {
			in := l.claim(t, "")
			in.Callback.Verdict, in.Callback.DedupeKey, in.Observations, in.Rules = model.Refused, "", nil, model.Rules{}
			l.call(t, in)
		},
		"a hint": func(t *rapid.T) {
			in := l.claim(t, "")
			in.Observations = []model.Observation{{Ref: l.k.Ref, Evidence: model.Hint}}
			l.call(t, in)
		},
		"a question goes out": func(t *rapid.T) { l.pass(t, 60); l.out = append(l.out, l.ask(t, l.truth)) },
		"its answer comes": func(t *rapid.T) {
			l.pass(t, 60)
			if len(l.out) > 0 {
				o := l.out[0]
				l.out = l.out[1:]
				l.answer(t, o, model.AskedConfirm)
			}
		},
		"an answer":        func(t *rapid.T) { confirm(t, l.truth) },
		"a page of a list": func(t *rapid.T) { l.pass(t, 60); l.answer(t, l.ask(t, l.truth), model.AskedPoll) },
		"a stale answer": func(t *rapid.T) {
			if o := rapid.SampledFrom(l.past).Draw(t, "as it was"); o.Status != "" {
				confirm(t, o)
			}
		},
		"not found":   func(t *rapid.T) { confirm(t, model.Observation{Absence: model.NotFound}) },
		"gone":        func(t *rapid.T) { confirm(t, model.Observation{Absence: model.Gone}) },
		"a crash":     func(t *rapid.T) { l.crash(t); l.out = nil },
		"time passes": func(t *rapid.T) { l.pass(t, 200000) },
	}
}

// held holds what must be so after each step.
func (l *life) held(t *rapid.T) {
	own, err := l.e.Store.ChangesOf(context.Background(), l.k)
	must(t, err)
	row, err := l.e.Store.Transaction(context.Background(), l.k)
	if err != nil {
		return // only claims named it, and the service does not know it
	}
	for _, fault := range unchained(own, row.Status) {
		for _, c := range own {
			t.Logf("%s seq %d %s %q to %q confirmed %v by %s", c.At.Format(time.TimeOnly), c.Seq, c.Kind, c.From, c.To,
				c.Confirmed, c.Source)
		}
		t.Fatalf("%s: %s", l.a.ProviderName, fault)
	}
}

// settle asks as long as the row is due, and once more, and holds that the row is the truth.
func (l *life) settle(t *rapid.T) {
	l.now = l.now.Add(time.Hour)
	for range 20 {
		l.answer(t, l.ask(t, l.truth), model.AskedPoll)
		row, err := l.e.Store.Transaction(context.Background(), l.k)
		must(t, err)
		if row.NextCheckAt == nil {
			break
		}
		l.now = l.now.Add(time.Second)
		if row.NextCheckAt.After(l.now) {
			l.now = *row.NextCheckAt
		}
	}
	l.held(t)
	r, err := l.e.Store.Transaction(context.Background(), l.k)
	must(t, err)
	status := r.Status == l.truth.Status || l.a.Rules.Confirms[l.truth.Status] == r.Status
	if !status || !r.Confirmed || r.ReportedStatus != "" || r.NextCheckAt != nil || r.NotFound || r.Deleted || r.Hidden {
		t.Fatalf("%s: the row is %s (confirmed %v, reported %q, due %q, not found %v, deleted %v), the truth %s",
			l.a.ProviderName, r.Status, r.Confirmed, r.ReportedStatus, r.DueReason, r.NotFound, r.Deleted, l.truth.Status)
	}
	if r.Trashed != (l.truth.Trashed == model.Yes) || len(r.Signers) != 1 ||
		r.Signers[0].Status != l.truth.Signers[0].Status {
		t.Fatalf("%s: trashed %v, signers %v; the truth: %v, %v", l.a.ProviderName, r.Trashed, r.Signers, l.truth.Trashed,
			l.truth.Signers)
	}
}

// Whatever order callbacks, their copies, answers, old answers and crashes come in, under the rules of each of the
// five providers and in a real database: no step breaks the row's history, and after one full round of questions the
// row is the truth.
func TestApplyConvergesForEachProvider(t *testing.T) {
	t.Parallel()
	world := simulator.New(simulator.Options{Transactions: -1, Services: simulator.Services()})
	a := &applied{dir: fastDir(t), now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		conf: demo.Config(demo.ConfigOptions{Providers: providers(),
			Accounts: world.Accounts(), Base: "http://127.0.0.1:1", PublicAddress: "127.0.0.1:0", ConsoleAddress: "127.0.0.1:0",
			Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: 1,
		})}
	a.open(t)
	defer func() { must(t, a.e.Close()) }()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		l := a.live(t, n)
		steps := l.steps()
		steps[""] = l.held
		t.Repeat(steps)
		l.settle(t)
	})
}
