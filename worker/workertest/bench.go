// Package workertest is what the tests of the worker's packages share: a scripted service, a store, a clock that a test
// moves, and the parts that stand on them. Only tests import it.
package workertest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the store is tried with PostgreSQL too
	"github.com/robfig/cron/v3"
	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
)

// Noon is when each test begins, a Saturday.
func Noon() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }

// Bench is a real store with a service, a clock and what asks and applies.
type Bench struct {
	Store    *store.Store
	Service  *Service
	Account  *apply.Account
	Accounts []*apply.Account // those that are configured: Account, unless a test says otherwise
	Log      bytes.Buffer

	RetryWait, RetryMost time.Duration // what Build gives to the gate; the usual if zero
	Workers              int           // 4 if zero

	// What Build makes.
	Table *apply.Table
	Gate  *ask.Gate
	Asker *ask.Asker

	clock *atomic.Int64 // milliseconds
	dsn   string
}

// New returns a bench on the database that dsn names. Its account is "acc".
func New(t testing.TB, dsn string) *Bench {
	t.Helper()
	b := &Bench{clock: &atomic.Int64{}, dsn: dsn}
	b.clock.Store(Noon().UnixMilli())
	st, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: []byte(strings.Repeat("k", 32)), Now: b.Now})
	Check(t, err)
	t.Cleanup(func() { Check(t, st.Close()) })
	_, _, err = st.Migrate(t.Context())
	Check(t, err)
	b.Store = st
	b.Service = &Service{RulesOf: Rules(), Says: map[string]model.Observation{}, Files: map[string][]byte{},
		Links: map[string]func(io.Writer) error{}}
	b.Account = &apply.Account{
		ID: "acc", ProviderName: "played", Provider: providertest.Able(b.Service), Rules: b.Service.RulesOf,
		GapGrace: 5 * time.Minute,
		Download: []model.DocumentKind{model.SignedDocument, model.EvidenceDocument},
	}
	b.Accounts = []*apply.Account{b.Account}
	Check(t, st.Do(t.Context(), store.Unit{Apply: func(g *store.Batch) error {
		g.PutAccount(model.Account{ID: "acc", Provider: "played", FirstStartAt: Noon().Add(-24 * time.Hour)})
		return nil
	}}))
	b.Build()
	return b
}

// SQLite returns a bench on a database file of its own.
func SQLite(t testing.TB) *Bench {
	t.Helper()
	return New(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

// Both runs a test on SQLite and, where there is one, on PostgreSQL.
func Both(t *testing.T, test func(t *testing.T, b *Bench)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, New(t, PostgresSchema(t))) })
}

// Build makes the parts anew, as a process does that starts: nothing is remembered but what the database holds.
func (b *Bench) Build() {
	accounts, log := b.Configured, logrus.NewEntry(b.Logger())
	b.Table = apply.New(apply.Options{Store: b.Store, Accounts: accounts, Now: b.Now, Log: log})
	b.Gate = ask.NewGate(ask.GateOptions{
		Store: b.Store, Incidents: b.Table.Incidents(), Now: b.Now, Rand: Zero, Log: log,
		RetryWait: cmp.Or(b.RetryWait, 30*time.Second), RetryMost: cmp.Or(b.RetryMost, 30*time.Minute),
	})
	b.Asker = ask.New(ask.Options{
		Store: b.Store, Table: b.Table, Gate: b.Gate, Now: b.Now, Log: log, Owner: "test", Workers: cmp.Or(b.Workers, 4),
	})
}

// Again is Build, and learns which incidents are open.
func (b *Bench) Again(t testing.TB) {
	t.Helper()
	b.Build()
	Check(t, b.Table.Incidents().Load(t.Context()))
}

// Beside returns another process on the same database, which learns nothing of what this one does.
func (b *Bench) Beside() *Bench {
	other := &Bench{Store: b.Store, Service: b.Service, Account: b.Account, Accounts: b.Accounts, clock: b.clock}
	other.Build()
	return other
}

// Opened returns another store on the bench's database, as another process has one.
func (b *Bench) Opened(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{DSN: b.dsn, Key: []byte(strings.Repeat("k", 32)), Now: b.Now})
	Check(t, err)
	t.Cleanup(func() { Check(t, st.Close()) })
	return st
}

// Zero is chance that always falls the same way.
func Zero() float64 { return 0 }

// Logger returns a logger that writes to Log.
func (b *Bench) Logger() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(&b.Log)
	return log
}

// Configured returns the accounts that are configured.
func (b *Bench) Configured() []*apply.Account { return b.Accounts }

// Now is the bench's time.
func (b *Bench) Now() time.Time { return time.UnixMilli(b.clock.Load()).UTC() }

// Move lets time pass.
func (b *Bench) Move(d time.Duration) { b.clock.Add(d.Milliseconds()) }

// Batches makes the account's service one that answers for several refs.
func (b *Bench) Batches(most int) *Batching {
	s := &Batching{Service: b.Service, Most: most}
	b.Account.Provider = providertest.Able(s)
	return s
}

// Plays makes a service the account's.
func (b *Bench) Plays(s provider.Provider) { b.Account.Provider = providertest.Able(s) }

// Key names a row of the bench's account.
func Key(ref string) model.Key { return model.Key{Account: "acc", Ref: ref} }

// Claim is an observation that proves itself.
func Claim(ref string, s model.Status) model.Observation {
	return model.Observation{Ref: ref, Evidence: model.Claim, Type: "moved", Status: s}
}

// InProgress is an answer about a transaction that is under way.
func InProgress() model.Observation { return Says(model.InProgress) }

// Says is an answer with a status and no signers.
func Says(s model.Status) model.Observation {
	return model.Observation{Status: s, Signers: []model.Signer{}}
}

// Completed is an answer about a transaction that is signed by all.
func Completed(docs ...model.DocumentRef) model.Observation {
	o := Says(model.Completed)
	o.Documents = docs
	return o
}

// Link is a link in a callback to a row's signed document.
func Link(ref, url string) provider.Link {
	return provider.Link{Ref: ref, URL: provider.Secret(url),
		Document: model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf"}}
}

// Called hands over a callback that claims something.
func (b *Bench) Called(t testing.TB, o model.Observation, links ...provider.Link) apply.Result {
	t.Helper()
	res, err := b.Table.Callback(t.Context(), apply.Incoming{
		Callback: model.Callback{Account: "acc", Ref: o.Ref, Type: "moved", Verdict: model.Accepted, At: b.Now(),
			Body: []byte("{}")},
		Rules: b.Account.Rules, Observations: []model.Observation{o}, Links: links,
	})
	Check(t, err)
	return res
}

// Refused hands over a callback without a good proof.
func (b *Bench) Refused(t testing.TB, ref string) {
	t.Helper()
	_, err := b.Table.Callback(t.Context(), apply.Incoming{
		Callback: model.Callback{Account: "acc", Ref: ref, Type: "moved", Verdict: model.Refused, At: b.Now(),
			Body: []byte("{}")},
	})
	Check(t, err)
}

// Accepted hands over a callback that is proved and tells of nothing; a test only tries the URL.
func (b *Bench) Accepted(t testing.TB, test bool) {
	t.Helper()
	_, err := b.Table.Callback(t.Context(), apply.Incoming{
		Callback: model.Callback{Account: "acc", Type: "ping", Verdict: model.Accepted, At: b.Now(), Body: []byte("{}")},
		Rules:    b.Account.Rules, Test: test,
	})
	Check(t, err)
}

// Answered applies what the provider says about a ref a minute later, as a poll would.
func (b *Bench) Answered(t testing.TB, ref string, o model.Observation) apply.Applied {
	t.Helper()
	b.Move(time.Minute)
	return b.Told(t, apply.Source{Asked: model.AskedPoll, Run: "r"}, ref, o)
}

// Told applies what the provider says about a ref now, as a source would.
func (b *Bench) Told(t testing.TB, src apply.Source, ref string, o model.Observation) apply.Applied {
	t.Helper()
	v, err := b.Store.Version(t.Context())
	Check(t, err)
	dids, err := b.Table.Answers(t.Context(), b.Account, src,
		[]model.Observation{ask.Question{Version: v, AskedAt: b.Now()}.Answer(ref, o, b.Now())})
	Check(t, err)
	return dids[0]
}

// Confirm works off every confirmation that is due.
func (b *Bench) Confirm(ctx context.Context) error {
	return errors.Join(b.Asker.Confirm(ctx, b.Account, store.DueFilter{Known: true}),
		b.Asker.Confirm(ctx, b.Account, store.DueFilter{Unverified: true}))
}

// Confirmed asks about everything that is due after a while.
func (b *Bench) Confirmed(t testing.TB) {
	t.Helper()
	b.Move(3 * time.Second)
	Check(t, b.Confirm(t.Context()))
}

// Runs returns a queue of runs of some kinds.
func (b *Bench) Runs(kinds map[string]runs.Kind) *runs.Runs { return b.RunsOf("test", kinds) }

// RunsOf is Runs of a process that has a name of its own.
func (b *Bench) RunsOf(owner string, kinds map[string]runs.Kind) *runs.Runs {
	return runs.New(runs.Options{
		Store: b.Store, Asker: b.Asker, Accounts: b.Configured, Now: b.Now, Log: logrus.NewEntry(b.Logger()),
		Nudge: func() {}, Kinds: kinds, Owner: owner,
	})
}

// Ran works off one run of a kind and returns how it ended.
func (b *Bench) Ran(t testing.TB, runs *runs.Runs, r model.Run) model.Run {
	t.Helper()
	r.Account = "acc"
	r, err := runs.Queue(t.Context(), r, false)
	Check(t, err)
	Check(t, runs.Work(t.Context(), r.ID))
	r, err = b.Store.RunByID(t.Context(), r.ID)
	Check(t, err)
	return r
}

// Row returns a row.
func (b *Bench) Row(t testing.TB, ref string) model.Transaction {
	t.Helper()
	r, err := b.Store.Transaction(t.Context(), Key(ref))
	Check(t, err)
	return r
}

// Documents returns the documents of a row.
func (b *Bench) Documents(t testing.TB, ref string) []model.Document {
	t.Helper()
	list, err := b.Store.Documents(t.Context(), store.DocumentFilter{Account: "acc", Ref: ref})
	Check(t, err)
	return list
}

// Document returns a row's only one.
func (b *Bench) Document(t testing.TB, ref string) model.Document {
	t.Helper()
	list := b.Documents(t, ref)
	if len(list) != 1 {
		t.Fatalf("%d documents, want one: %+v", len(list), list)
	}
	return list[0]
}

// Open returns the kinds of the incidents that are open.
func (b *Bench) Open(t testing.TB) (out []string) {
	t.Helper()
	list, err := b.Store.Incidents(t.Context(), true)
	Check(t, err)
	for _, i := range list {
		out = append(out, i.Kind)
	}
	slices.Sort(out)
	return out
}

// Slot is a cron line, parsed.
func Slot(t testing.TB, line string) apply.Slot {
	t.Helper()
	at, err := cron.ParseStandard(line)
	Check(t, err)
	return slot{line, at}
}

type slot struct {
	line string
	cron.Schedule
}

func (s slot) String() string { return s.line }

// Check ends a test at an error.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Same compares.
func Same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
