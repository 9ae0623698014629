package killed

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/installtest"
	"countersign/model"
	"countersign/model/announced"
	"countersign/model/store"
	"countersign/provider/simulator"
)

const (
	receiverAt, receiverTo = "COUNTERSIGN_TEST_RECEIVER_AT", "COUNTERSIGN_TEST_RECEIVER_TO"
	receiverSecret         = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWM="
)

// receive is this test program as a receiver, which a test kills: it writes down what it is told, synced, and answers.
func receive(address, file string) {
	out, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	wh, err := standardwebhooks.NewWebhook(receiverSecret)
	if err != nil {
		panic(err)
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = wh.Verify(body, r.Header)
		}
		var e struct {
			ID   string
			Data struct {
				Seq int64
				Ref string
			}
		}
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if _, err := fmt.Fprintf(out, "%s %d %s\n", e.ID, e.Data.Seq, e.Data.Ref); err != nil {
			panic(err)
		}
	}
	panic(http.ListenAndServe(address, http.HandlerFunc(handle))) //nolint:gosec // a test's
}

// The daemon and the receiver are killed again and again while changes come: each is told at least once, under its id, and
// none of a transaction before the one it follows. COUNTERSIGN_HOOK_KILLS says how often (`make hookkills`: a thousand).
func TestHooksOverKills(t *testing.T) {
	t.Parallel()
	kills := 24
	if n, err := strconv.Atoi(os.Getenv("COUNTERSIGN_HOOK_KILLS")); err == nil {
		kills = n
	}
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any will do
	chance := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)

	in := installtest.Install(t, installtest.Historical(t, 1), 1)
	at, err := installtest.FreeAddress()
	require.NoError(t, err)
	journal := filepath.Join(in.Dir, "told")
	text, err := os.ReadFile(in.Config)
	require.NoError(t, err)
	hook := fmt.Sprintf("\nhooks:\n  - { id: h, type: http, url: \"http://%s/\", secrets: [%q], allow_private: true, retry_first: 20ms, retry_most: 200ms }\n",
		at, receiverSecret)
	require.NoError(t, os.WriteFile(in.Config, append(text, hook...), 0o600))
	self, err := os.Executable()
	require.NoError(t, err)
	k := &hookKills{in: in, binary: installtest.BuiltProgram(t), self: self, at: at, journal: journal, chance: chance}
	k.run(t, kills)
	k.judge(t)
}

// hookKills is one run of the test.
type hookKills struct {
	in                          installtest.Installation
	binary, self, at, journal   string
	chance                      *rand.Rand
	daemon, receiver            *installtest.Process
	daemons, receivers, changes int
}

// run kills one or the other while a second process writes changes.
func (k *hookKills) run(t *testing.T, kills int) {
	t.Helper()
	k.daemon, _ = k.in.Serving(t, k.binary)
	installtest.Eventually(t, "the hook", func() bool { return strings.Contains(k.in.Said(t, "hooks", "list"), "active") })
	k.listen(t)
	require.NoError(t, k.in.Env().Writing(t.Context(), func(ctx context.Context, w *engine.Writer) error {
		for k.daemons+k.receivers < kills {
			if err := k.change(ctx, w.Store); err != nil {
				return err
			}
			engine.Pause(ctx, time.Duration(20+k.chance.IntN(300))*time.Millisecond)
			if err := k.change(ctx, w.Store); err != nil {
				return err
			}
			if k.chance.IntN(10) < 6 {
				k.daemon.Kill()
				k.daemons++
				k.daemon = k.in.Start(t, k.binary, "serve")
			} else {
				k.receiver.Kill()
				k.receivers++
				engine.Pause(ctx, time.Duration(k.chance.IntN(600))*time.Millisecond) // the daemon meets it dead
				k.listen(t)
			}
		}
		return nil
	}))
	k.in.Up(t, k.daemon)
	installtest.Eventually(t, "everything is told", func() bool {
		h := installtest.ObjectsIn(t, k.in.Said(t, "hooks", "list", "--json"))[0]
		return h["waiting"] == 0.0 && h["untold"] == 0.0
	})
}

// listen starts the receiver.
func (k *hookKills) listen(t *testing.T) {
	t.Helper()
	k.receiver = k.in.StartAs(t, "/usr/bin/env", receiverAt+"="+k.at, receiverTo+"="+k.journal, k.self)
}

// change writes changes of ten transactions.
func (k *hookKills) change(ctx context.Context, s *store.Store) error {
	n := 5 + k.chance.IntN(20)
	k.changes += n
	return s.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		for range n {
			b.AddChange(model.Change{Account: simulator.AccountOneSpan, Ref: fmt.Sprintf("r%d", k.chance.IntN(10)),
				Kind: model.KindStatus, From: "draft", To: "in_progress", Status: model.InProgress, Confirmed: true, Source: "confirm",
				Announce: true})
		}
		return nil
	}})
}

// judge holds what the receiver has written down against the feed.
func (k *hookKills) judge(t *testing.T) {
	t.Helper()
	k.daemon.Kill()
	text, err := os.ReadFile(k.journal)
	require.NoError(t, err)
	told := map[string]int{}
	last := map[string]int64{}
	lines := 0
	for line := range strings.Lines(string(text)) {
		var id, ref string
		var seq int64
		n, _ := fmt.Sscanf(line, "%s %d %s", &id, &seq, &ref) //nolint:errcheck // n tells
		require.Equal(t, 3, n, line)
		require.GreaterOrEqual(t, seq, last[ref], "%s: told of %d after %d", ref, seq, last[ref])
		told[id], last[ref] = told[id]+1, seq
		lines++
	}
	missing := 0
	k.in.Read(t, func(s *store.Store) {
		list, err := s.Changes(t.Context(), 0, 1_000_000)
		require.NoError(t, err)
		for i := range list {
			if strings.HasPrefix(list[i].Ref, "r") && list[i].Source == "confirm" && told[announced.ID(&list[i])] == 0 {
				missing++
			}
		}
	})
	require.Zero(t, missing, "changes that were never told")
	require.GreaterOrEqual(t, len(told), k.changes)
	t.Logf("%d kills of the daemon and %d of the receiver: %d changes, each told, %d of them more than once, in order",
		k.daemons, k.receivers, k.changes, lines-len(told))
}
