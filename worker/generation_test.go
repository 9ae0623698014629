package worker

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/provider/providertest"
	"countersign/worker/apply"
	"countersign/worker/ask/runs"
	"countersign/worker/pdf/pdftest"
	"countersign/worker/workertest"
)

// server is a service whose calls come back when the test lets them, whatever becomes of their contexts.
type server struct {
	*workertest.Service
	entered chan struct{} // holds one: a call is under way
	release chan struct{} // closed: calls come back
	fails   error         // what they come back with
	streams int           // events told
	mu      sync.Mutex
}

func serverOf(held bool, says model.Observation, file []byte, fails error) *server {
	s := &server{
		Service: &workertest.Service{
			RulesOf: workertest.Rules(), Says: map[string]model.Observation{"a": says}, Files: map[string][]byte{"1": file},
		},
		entered: make(chan struct{}, 1), release: make(chan struct{}), fails: fails,
	}
	if !held {
		close(s.release)
	}
	return s
}

func (s *server) answer() error {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	<-s.release
	return s.fails
}

func (s *server) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	if err := s.answer(); err != nil {
		return model.Observation{}, err
	}
	return s.Service.Fetch(ctx, ref)
}

func (s *server) Download(ctx context.Context, ref string, doc model.DocumentRef, w io.Writer) (
	provider.Declared, error,
) {
	if err := s.answer(); err != nil {
		return provider.Declared{}, err
	}
	return s.Service.Download(ctx, ref, doc, w)
}

func (s *server) Streams() int { return 1 }

func (s *server) Stream(ctx context.Context, _, _ string, on func(id string)) error {
	err := s.answer()
	s.mu.Lock()
	s.streams++
	id := fmt.Sprintf("%p", s)
	s.mu.Unlock()
	on(id)
	if err == nil {
		<-ctx.Done()
	}
	return err
}

// change is what a reload may do to an account.
type change struct {
	name   string
	server string // of the generation after it
	out    bool   // the account is taken out first
	fails  error  // what the calls before it come back with
}

func changes() []change {
	denied := fmt.Errorf("the service says 401: %w", provider.ErrDenied)
	return []change{
		{name: "a key", server: "played one", fails: denied},
		{name: "a key, and the old one answers", server: "played one"},
		{name: "a base_url", server: "played two"},
		{name: "a base_url, and the old server is down", server: "played two", fails: provider.ErrUnavailable},
		{name: "taken out and brought back", server: "played one", out: true, fails: denied},
	}
}

// reload gives the bench's account to another server, as the engine does.
func (b *bench) reload(t *testing.T, c change, to *server) {
	t.Helper()
	check(t, b.account.Generation.End(t.Context()))
	if c.out {
		b.test.Accounts = nil
		check(t, b.Resume(t.Context()))
	}
	next := *b.account
	next.Generation, next.Provider = apply.NewGeneration(c.server), providertest.Able(to)
	b.test.Accounts, b.account, b.test.Account = []*apply.Account{&next}, &next, &next
	check(t, b.Resume(t.Context(), "acc"))
}

// work is what may be under way for an account when a reload comes.
type work struct {
	name string
	// ready makes the work that begin does; done does what is left and looks at what became of it.
	ready func(t *testing.T, b *bench)
	begin func(ctx context.Context, b *bench) error
	done  func(t *testing.T, b *bench)
}

func works(files map[string][]byte) []work {
	document := model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf"}
	queue := func(kind string) func(t *testing.T, b *bench) {
		return func(t *testing.T, b *bench) {
			b.answered(t, "a", workertest.InProgress())
			b.move(time.Hour)
			_, err := b.Runs.Queue(t.Context(), model.Run{Account: "acc", Kind: kind, Params: `{"whole":true}`}, true)
			check(t, err)
		}
	}
	begin := func(ctx context.Context, b *bench) error {
		waiting, err := b.Runs.Waiting(ctx)
		if err != nil {
			return err
		}
		return b.Runs.Work(ctx, waiting[0].ID)
	}
	ended := func(t *testing.T, b *bench) {
		runs, err := b.test.Store.Runs(t.Context(), store.RunFilter{Account: "acc"})
		check(t, err)
		same(t, "run", fmt.Sprint(runs[0].State, runs[0].Note), string(model.RunDone))
	}
	drift := func(t *testing.T, b *bench) {
		ended(t, b)
		runs, err := b.test.Store.Runs(t.Context(), store.RunFilter{Account: "acc"})
		check(t, err)
		lines, err := b.test.Store.Drift(t.Context(), runs[0].ID, model.DriftLine{}, 0)
		check(t, err)
		for _, l := range lines {
			t.Errorf("%s: the run found %s, which only the server before said", l.Ref, l.Theirs)
		}
	}
	return []work{
		{"poll", queue(string(apply.Active)), begin, ended},
		{"verify", queue(runs.KindVerify), begin, drift},
		{"confirm", func(t *testing.T, b *bench) {
			b.answered(t, "a", workertest.InProgress())
			b.called(t, model.Observation{Ref: "a", Evidence: model.Claim, Type: "moved"})
			b.move(3 * time.Second)
		}, func(ctx context.Context, b *bench) error { return b.confirmOnce(ctx) }, func(t *testing.T, b *bench) {
			check(t, b.confirmOnce(t.Context())) // at once: the clock stands still
			same(t, "confirmed", b.row(t, "a").ConfirmedAt.Equal(b.test.Now()), true)
		}},
		{"download", func(t *testing.T, b *bench) {
			b.answered(t, "a", workertest.Completed(document))
		}, func(ctx context.Context, b *bench) error { return b.downloadOnce(ctx) }, func(t *testing.T, b *bench) {
			check(t, b.downloadOnce(t.Context()))
			d := b.document(t, "a")
			same(t, "document", d.State, model.DocumentStored)
			same(t, "its size", d.Size, int64(len(files["after"])))
		}},
	}
}

// What a key, a server or a configured account that is gone brings is of no more use: the work goes on at once with
// what is configured now, and nothing stands of what the older calls said.
func TestAReloadReachesWhatIsUnderWay(t *testing.T) {
	files := map[string][]byte{"before": pdftest.Plain("before"), "after": pdftest.Plain("a later word")}
	for _, c := range changes() {
		for _, w := range works(files) {
			t.Run(c.name+"/"+w.name, func(t *testing.T) {
				b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
				before := serverOf(true, workertest.Says(model.Declined), files["before"], c.fails)
				after := serverOf(false, workertest.InProgress(), files["after"], nil)
				b.account.Generation, b.account.Provider = apply.NewGeneration("played one"), providertest.Able(before)
				w.ready(t, b)
				was := b.row(t, "a").Status
				ended := make(chan error, 1)
				go func() { ended <- w.begin(t.Context(), b) }()
				select {
				case <-before.entered:
				case err := <-ended:
					t.Fatal("nothing was asked", err)
				}
				b.reload(t, c, after)
				close(before.release)
				check(t, <-ended)
				w.done(t, b)
				same(t, "incidents", len(b.test.Open(t)), 0)
				same(t, "the account may be asked", b.Gate.May(b.account), true)
				if got := b.row(t, "a").Status; was != model.Completed && got != model.InProgress {
					t.Errorf("the row is %s, which only the server before said", got)
				}
			})
		}
	}
}

// A stream is closed and opened again, and what the older one tells late is not heard.
func TestAReloadReachesStreams(t *testing.T) {
	for _, c := range changes() {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
			before := serverOf(true, workertest.InProgress(), nil, c.fails)
			after := serverOf(false, workertest.InProgress(), nil, nil)
			b.account.Generation, b.account.Provider = apply.NewGeneration("played one"), providertest.Able(before)
			b.answered(t, "a", workertest.InProgress())
			ctx, stop := context.WithCancel(t.Context())
			defer b.streams.Close()
			defer stop()
			closed := b.nudged("streams")
			check(t, b.streams.Round(ctx))
			<-before.entered
			b.reload(t, c, after)
			<-closed // by the reload itself
			close(before.release)
			for opened := false; !opened; { // the stream that has ended wakes the loop, unless it ended before the reload did
				check(t, b.streams.Round(ctx))
				select {
				case <-after.entered:
					opened = true
				case <-closed:
				}
			}
			for place := ""; place != fmt.Sprintf("%p", after); {
				saved, err := b.test.Store.Token(t.Context(), "acc", "stream:a")
				if err == nil {
					place = string(saved)
				}
				if place == fmt.Sprintf("%p", before) {
					t.Fatal("the place of the stream before was written")
				}
			}
		})
	}
}
