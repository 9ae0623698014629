package documents

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/provider"
	"countersign/worker/apply"
	"countersign/worker/files"
	"countersign/worker/pdf"
	"countersign/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the tests say for short.
type service = workertest.Service

func check(t testing.TB, err error) { t.Helper(); workertest.Check(t, err) }
func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	workertest.Same(t, what, got, want)
}
func key(ref string) model.Key                           { return workertest.Key(ref) }
func claim(ref string, s model.Status) model.Observation { return workertest.Claim(ref, s) }
func fileOf(body []byte) func(io.Writer) error           { return workertest.FileOf(body) }
func linkTo(ref, url string) provider.Link               { return workertest.Link(ref, url) }
func completed(docs ...model.DocumentRef) model.Observation {
	return workertest.Completed(docs...)
}

// bench is Documents on a real store and a folder, with a clock that the test moves.
type bench struct {
	*Documents
	test    *workertest.Bench
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
	b.Documents = New(Options{
		Store: b.test.Store, Files: folder, Incidents: b.test.Table.Incidents(), Inspect: pdf.InspectHere, Accounts: b.test.Configured, Now: b.test.Now,
		Log: logrus.NewEntry(b.test.Logger()), Gate: b.test.Gate, Owner: "test",
		RetryWait: 30 * time.Second, RetryMost: 30 * time.Minute, Workers: 4,
	})
	return b
}

// sqlite is a bench on a SQLite database.
func sqlite(t *testing.T) *bench {
	t.Helper()
	return newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
}

// both runs a test on SQLite and, where there is one, on PostgreSQL.
func both(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, sqlite(t)) })
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

func (b *bench) confirmed(t *testing.T) { t.Helper(); b.test.Confirmed(t) }

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

// downloadOnce fetches every document that is due.
func (b *bench) downloadOnce(ctx context.Context) (err error) {
	for _, l := range b.Lanes() {
		err = errors.Join(err, l.Round(ctx))
	}
	return err
}

// lying are the files below the document folder, by folder and name.
func (b *bench) lying(t *testing.T) (out []string) {
	t.Helper()
	check(t, filepath.WalkDir(b.root, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(b.root, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	}))
	return out
}
