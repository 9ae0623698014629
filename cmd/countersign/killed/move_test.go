package killed

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// emptySchema is the address of a schema that nobody uses, as a config and a flag take it.
func emptySchema(t *testing.T) string {
	t.Helper()
	base := os.Getenv("COUNTERSIGN_TEST_POSTGRES")
	if base == "" {
		t.Skip("COUNTERSIGN_TEST_POSTGRES names no database to test on")
	}
	schema := fmt.Sprintf("moved_%d_%d", os.Getpid(), rand.Int32())
	admin := func(query string) {
		db, err := sql.Open("pgx", base)
		require.NoError(t, err)
		defer db.Close() //nolint:errcheck // done
		_, err = db.ExecContext(context.Background(), query)
		require.NoError(t, err)
	}
	admin("CREATE SCHEMA " + schema)
	t.Cleanup(func() { admin("DROP SCHEMA " + schema + " CASCADE") })
	u, err := url.Parse(base)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// Under load, a move that is killed again and again changes nothing for the install; the one that ends takes along
// every callback that was acknowledged, to PostgreSQL and back.
func TestAMoveUnderLoad(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T) []string{
		"sqlite": func(t *testing.T) []string { return []string{filepath.Join(t.TempDir(), "moved.db")} },
		"postgres and back": func(t *testing.T) []string {
			return []string{emptySchema(t), filepath.Join(t.TempDir(), "back.db")}
		},
	}
	for name, targets := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			movedUnderLoad(t, targets(t))
		})
	}
}

func movedUnderLoad(t *testing.T, targets []string) {
	svc := installtest.PlayServices(t, simulator.Options{Seed: 5, Transactions: 40, BornBefore: 40, QuotaScale: 100})
	in := installtest.Install(t, svc, installtest.DaySeconds)
	daemon, _ := in.Serving(t, installtest.OurProgram(t), "--backfill", "120d")
	s := &sender{in: in, key: "Basic " + svc.Setting(t, simulator.AccountOneSpan, "callback_key"), took: map[string]int{}, pace: 50 * time.Millisecond}
	over := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() { s.run(fmt.Sprintf("ref%d", i), over) })
	}
	for _, to := range targets {
		want := s.taken() + 60
		installtest.Eventually(t, "some load", func() bool { return s.taken() > want })
		for range 4 { // whenever a kill comes, callbacks go on
			p := in.Start(t, installtest.OurProgram(t), "move", "--to", to)
			select {
			case <-p.Done: // it was faster
			case <-time.After(time.Duration(50+rand.IntN(900)) * time.Millisecond):
				p.Kill()
			}
			if p.ProcessState.ExitCode() == 0 {
				break
			}
			want := s.taken() + 20
			installtest.Eventually(t, "callbacks that are taken after a killed move", func() bool { return s.taken() > want })
		}
		t.Log(in.Said(t, "move", "--to", to, "--write-config"))
		<-daemon.Done
		require.Equal(t, output.ExitFailed, daemon.ProcessState.ExitCode())
		require.Regexp(t, regexp.MustCompile("the database was moved"), daemon.Out.String())
		daemon, _ = in.Serving(t, installtest.OurProgram(t))
	}
	want := s.taken() + 20
	installtest.Eventually(t, "callbacks that are taken at the new place", func() bool { return s.taken() > want })
	close(over)
	senders.Wait()
	stored := in.Callbacks(t, model.Accepted)
	s.mu.Lock()
	defer s.mu.Unlock()
	for ref := range s.took {
		require.Equal(t, 1, stored[ref], ref)
	}
	other := []string{"--account", simulator.AccountDropboxSign} // unknown refs, of which the first has many, get a tenth of its budget
	in.Said(t, append([]string{"poll"}, other...)...)
	in.Said(t, append([]string{"verify"}, other...)...)
	in.Said(t, "documents", "verify")
}
