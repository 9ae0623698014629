package worker

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/apply"
	"countersign/worker/files"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// service is a provider whose answers a test writes down. What it was asked is counted.
type service struct {
	providertest.Unproved
	mu       sync.Mutex
	rules    model.Rules
	says     map[string]model.Observation // by ref; what is missing is not found
	files    map[string][]byte            // by document id
	fails    error                        // what Fetch returns instead
	noFile   error                        // what Download returns instead
	links    map[string]func(io.Writer) error
	asked    []string
	fetched  []string // documents asked for by Download
	linked   []string // links fetched
	lastWork provider.Work
}

func (s *service) Rules() model.Rules { return s.rules }

func (s *service) Receive(provider.Callback) (provider.Received, error) {
	return provider.Received{}, errors.New("not part of these tests")
}

func (s *service) answer(ref string) model.Observation {
	o, ok := s.says[ref]
	if !ok {
		o.Absence = model.NotFound
	}
	o.Ref, o.Evidence = ref, model.Verified
	return o
}

func (s *service) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.lastWork = append(s.asked, ref), provider.CallOf(ctx).Work
	return s.answer(ref), s.fails
}

func (s *service) Download(_ context.Context, _ string, doc model.DocumentRef, w io.Writer) (provider.Declared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched = append(s.fetched, doc.ID)
	if s.noFile != nil {
		return provider.Declared{}, s.noFile
	}
	body, ok := s.files[doc.ID]
	if !ok {
		return provider.Declared{}, provider.ErrNotFound
	}
	_, err := w.Write(body)
	return provider.Declared{Length: int64(len(body))}, err
}

func (s *service) DownloadLink(_ context.Context, _ string, _ model.DocumentRef, link provider.Secret, w io.Writer) (provider.Declared, error) {
	s.mu.Lock()
	s.linked = append(s.linked, link.Reveal())
	get := s.links[link.Reveal()]
	s.mu.Unlock()
	if get == nil {
		return provider.Declared{}, fmt.Errorf("the link: %w", provider.ErrNotFound)
	}
	return provider.Declared{Length: -1}, get(w)
}

// fileOf is a link that has a file.
func fileOf(body []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(body); return err }
}

// batching is a service that answers for several refs at once.
type batching struct {
	*service
	most    int
	batches [][]string
	broken  error
	omits   string
}

func (b *batching) Batch() int { return b.most }

func (b *batching) FetchMany(_ context.Context, refs []string) (out []model.Observation, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches = append(b.batches, refs)
	for _, ref := range refs {
		if _, ok := b.says[ref]; ok && ref != b.omits {
			out = append(out, b.answer(ref))
		}
	}
	return out, b.broken
}

// bench is a worker on a real store, with a clock that the test moves.
type bench struct {
	*Worker
	service *service
	account *apply.Account
	ms      *atomic.Int64
	root    string
	log     bytes.Buffer
}

func (b *bench) move(d time.Duration) { b.ms.Add(d.Milliseconds()) }

// both runs a test on SQLite and, where there is one, on PostgreSQL.
func both(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")))
	})
	t.Run("postgres", func(t *testing.T) { test(t, newBench(t, postgresSchema(t))) })
}

var schemas atomic.Int64

// postgresSchema makes a schema of the test's own and returns the address of a database that sees it.
func postgresSchema(t *testing.T) string {
	t.Helper()
	base := os.Getenv("COUNTERSIGN_TEST_POSTGRES")
	if base == "" {
		t.Skip("COUNTERSIGN_TEST_POSTGRES names no database to test on")
	}
	name := fmt.Sprintf("worker_%d_%d", os.Getpid(), schemas.Add(1))
	run := func(query string) {
		db, err := sql.Open("pgx", base)
		if err == nil {
			_, err = db.Exec(query)
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE SCHEMA " + name)
	t.Cleanup(func() { run("DROP SCHEMA " + name + " CASCADE") })
	u, err := url.Parse(base)
	check(t, err)
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func testRules() model.Rules {
	return model.Rules{
		Provider: "played",
		Forward: map[model.Status][]model.Status{
			model.Unknown:    {model.Draft, model.InProgress, model.Completed, model.Declined},
			model.Draft:      {model.InProgress, model.Completed, model.Declined},
			model.InProgress: {model.Completed, model.Declined},
		},
		Confirm: model.ConfirmFinal, RecheckAfter: []time.Duration{10 * time.Second}, Debounce: 2 * time.Second,
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeStatus:  {"": {"moved"}},
			model.ChangeCreated: {"": {"moved"}},
		},
	}
}

func newBench(t *testing.T, dsn string) *bench {
	t.Helper()
	b := &bench{root: filepath.Join(t.TempDir(), "documents"), ms: &atomic.Int64{}}
	b.ms.Store(noon.UnixMilli())
	now := func() time.Time { return time.UnixMilli(b.ms.Load()).UTC() }
	st, err := store.Open(t.Context(), store.Options{DSN: dsn, Key: []byte(strings.Repeat("k", 32)), Now: now})
	check(t, err)
	t.Cleanup(func() { check(t, st.Close()) })
	_, _, err = st.Migrate(t.Context())
	check(t, err)
	folder, err := files.Open(b.root)
	check(t, err)
	b.service = &service{rules: testRules(), says: map[string]model.Observation{}, files: map[string][]byte{}, links: map[string]func(io.Writer) error{}}
	b.account = &apply.Account{
		ID: "acc", ProviderName: "played", Provider: providertest.Able(b.service), Rules: b.service.rules, GapGrace: 5 * time.Minute,
		Download: []model.DocumentKind{model.SignedDocument, model.EvidenceDocument},
	}
	log := logrus.New()
	log.SetOutput(&b.log)
	b.Worker = New(Options{
		Store: st, Accounts: func() []*apply.Account { return []*apply.Account{b.account} }, Files: folder, Now: now, Rand: func() float64 { return 0 },
		Log: logrus.NewEntry(log), Owner: "test",
	})
	check(t, st.Do(t.Context(), store.Unit{Apply: func(g *store.Batch) error {
		g.PutAccount(model.Account{ID: "acc", Provider: "played", FirstStartAt: noon.Add(-24 * time.Hour)})
		return nil
	}}))
	return b
}

func slot(t *testing.T, line string) apply.Slot {
	t.Helper()
	s, err := apply.ParseSlot(line)
	check(t, err)
	return s
}

func key(ref string) model.Key { return model.Key{Account: "acc", Ref: ref} }

// called hands over a callback that claims something.
func (b *bench) called(t *testing.T, o model.Observation, links ...provider.Link) apply.Result {
	t.Helper()
	res, err := b.Callback(t.Context(), apply.Incoming{
		Callback: model.Callback{Account: "acc", Ref: o.Ref, Type: "moved", Verdict: model.Accepted, At: b.Now(), Body: []byte("{}")},
		Rules:    b.account.Rules, Observations: []model.Observation{o}, Links: links,
	})
	check(t, err)
	return res
}

func claim(ref string, s model.Status) model.Observation {
	return model.Observation{Ref: ref, Evidence: model.Claim, Type: "moved", Status: s}
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

// confirmed asks about everything that is due after a while.
func (b *bench) confirmed(t *testing.T) {
	t.Helper()
	b.move(3 * time.Second)
	check(t, b.confirmOnce(t.Context()))
}

func (b *bench) row(t *testing.T, ref string) model.Transaction {
	t.Helper()
	r, err := b.Store.Transaction(t.Context(), key(ref))
	check(t, err)
	return r
}

func (b *bench) documents(t *testing.T, ref string) []model.Document {
	t.Helper()
	list, err := b.Store.Documents(t.Context(), store.DocumentFilter{Account: "acc", Ref: ref})
	check(t, err)
	return list
}

// document is a row's only one.
func (b *bench) document(t *testing.T, ref string) model.Document {
	t.Helper()
	list := b.documents(t, ref)
	if len(list) != 1 {
		t.Fatalf("%d documents, want one: %+v", len(list), list)
	}
	return list[0]
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

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
