package worker

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
	"countersign/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the tests of the loops and of the documents say for short.
type service = workertest.Service

func check(t testing.TB, err error) { t.Helper(); workertest.Check(t, err) }
func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	workertest.Same(t, what, got, want)
}
func claim(ref string, s model.Status) model.Observation { return workertest.Claim(ref, s) }
func fileOf(body []byte) func(io.Writer) error           { return workertest.FileOf(body) }

// bench is a worker on a real store, with a clock that the test moves.
type bench struct {
	*Worker
	test    *workertest.Bench
	options Options
	service *service
	account *apply.Account
	root    string
}

func newBench(t *testing.T, dsn string) *bench {
	t.Helper()
	b := &bench{test: workertest.New(t, dsn), root: filepath.Join(t.TempDir(), "documents")}
	folder, err := files.Open(b.root)
	check(t, err)
	b.service, b.account = b.test.Service, b.test.Account
	b.options = Options{
		Store: b.test.Store, Accounts: b.test.Configured, Files: folder, Now: b.test.Now, Rand: workertest.Zero,
		Log: logrus.NewEntry(b.test.Logger()), Owner: "test",
	}
	b.again()
	return b
}

// again is the bench after a restart of the process: nothing is remembered but what the database holds.
func (b *bench) again() { b.Worker = New(b.options) }

// both runs a test on SQLite and, where there is one, on PostgreSQL.
func both(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, newBench(t, workertest.PostgresSchema(t))) })
}

func (b *bench) move(d time.Duration) { b.test.Move(d) }

func (b *bench) called(t *testing.T, o model.Observation, links ...provider.Link) apply.Result {
	t.Helper()
	return b.test.Called(t, o, links...)
}

func (b *bench) answered(t *testing.T, ref string, o model.Observation) apply.Applied {
	t.Helper()
	return b.test.Answered(t, ref, o)
}

func (b *bench) row(t *testing.T, ref string) model.Transaction {
	t.Helper()
	return b.test.Row(t, ref)
}

func (b *bench) documents(t *testing.T, ref string) []model.Document {
	t.Helper()
	return b.test.Documents(t, ref)
}

func (b *bench) document(t *testing.T, ref string) model.Document {
	t.Helper()
	return b.test.Document(t, ref)
}

// confirmOnce works off every confirmation that is due.
func (b *bench) confirmOnce(ctx context.Context) error { return eachLane(ctx, b.confirmLanes()) }

// downloadOnce fetches every document that is due.
func (b *bench) downloadOnce(ctx context.Context) error { return eachLane(ctx, b.downloadLanes()) }

func eachLane(ctx context.Context, lanes []lane) (err error) {
	for _, l := range lanes {
		err = errors.Join(err, l.round(ctx))
	}
	return err
}

// ran works off one run of a kind.
func (b *bench) ran(t *testing.T, r model.Run) model.Run { t.Helper(); return b.test.Ran(t, b.Runs, r) }
