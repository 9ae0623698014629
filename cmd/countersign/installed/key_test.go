package installed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider/simulator"
)

// The installation key is changed while nobody works with it; what rested under the old one is read, explained and
// taken after it, and the old key goes when it is told to.
func TestKeyRotate(t *testing.T) {
	t.Parallel()
	a := attack(t, "")
	code, _ := a.Post(simulator.AccountOneSpan, "application/json", "Basic tomorrow's",
		installtest.OneSpanEvent("PACKAGE_CREATE", "r-1", time.Now()))
	require.Equal(t, 401, code)
	id := newest(t, a.Installation).ID
	file := filepath.Join(a.Dir, "countersign.key")
	before, err := os.ReadFile(file)
	require.NoError(t, err)

	_, stderr, exit := a.Verb(t, "key", "rotate")
	require.Equal(t, output.ExitFailed, exit, "under a daemon")
	require.Contains(t, stderr, "stop it, then rotate")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)

	a.p.Kill()
	require.NoError(t, os.Chmod(file, 0o640)) //nolint:gosec // its rights stay as they are
	stdout, stderr, exit := a.Verb(t, "key", "rotate")
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "1 value was encrypted anew")
	after, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(before), strings.SplitAfterN(string(after), "\n", 2)[1], "the old one after the new one")
	require.NotContains(t, stdout+stderr, strings.TrimSpace(string(before)))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	stdout, _, _ = a.Verb(t, "doctor")
	require.Contains(t, stdout, "all under the current key; 1 old key kept")

	a.Edit(t, `callback_key: .*`, `callback_key: "tomorrow's"`)
	stdout, stderr, exit = a.Verb(t, "callbacks", "explain", id)
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "matches now", "a hash that the old key made is recognised")
	stdout, stderr, exit = a.Verb(t, "callbacks", "replay", id)
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "refused -> accepted")

	stdout, stderr, exit = a.Verb(t, "key", "rotate", "--forget-old")
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "1 old key was taken out")
	last, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strings.SplitAfterN(string(after), "\n", 2)[0], string(last))
	a.p, _ = a.Serving(t, installtest.BuiltProgram(t))
	a.key = "tomorrow's"
	a.served(t, "with the new key")
}

// A rotation that is killed anywhere in the middle leaves everything readable, and is finished by the next.
func TestKeyRotateKilled(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t)
	a := attack(t, "")
	a.p.Kill()
	const many = 20_000
	keys := func() ([][]byte, *config.Config) {
		t.Helper()
		app := a.Env()
		c, err := app.ReadConfig()
		require.NoError(t, err)
		keys, err := app.InstallationKeys(c)
		require.NoError(t, err, "the key file is whole")
		return keys, c
	}
	first, c := keys()
	s, err := store.Open(t.Context(), store.Options{DSN: c.Database, Key: first[0], Now: time.Now})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() { written <- s.Run(ctx) }()
	require.NoError(t, s.Do(t.Context(), store.Unit{Apply: func(b *store.Batch) error {
		for i := range many {
			b.AddCallback(store.Packed{Callback: model.Callback{Account: simulator.AccountOneSpan, Verdict: model.Refused,
				At: time.Now().UTC(), Body: fmt.Appendf(nil, "body %d", i)}})
		}
		return nil
	}}))
	stop()
	require.NoError(t, <-written)
	require.NoError(t, s.Close())

	broken := 0
	for i := range 5 {
		p := a.Start(t, binary, "key", "rotate")
		if i == 0 {
			installtest.Eventually(t, "a new key", func() bool { now, _ := keys(); return len(now) == 2 })
		} else { // killed at another point each time
			time.Sleep(time.Duration(60+20*i) * time.Millisecond)
		}
		p.Kill()
		now, _ := keys()
		s, err := store.Open(t.Context(),
			store.Options{DSN: c.Database, Key: now[0], OldKeys: now[1:], Now: time.Now, ReadOnly: true})
		require.NoError(t, err)
		rests, err := s.CountSealed(t.Context())
		require.NoError(t, err)
		require.NoError(t, s.Close())
		require.Zero(t, rests.Unreadable)
		require.Equal(t, many, rests.Current+rests.Old)
		if rests.Old > 0 {
			broken++
			stdout, _, _ := a.Verb(t, "doctor")
			require.Contains(t, stdout, fmt.Sprintf("%d rest under an old key", rests.Old))
		}
		t.Logf("%d keys, %+v", len(now), rests)
	}
	_, stderr, exit := a.Verb(t, "key", "rotate", "--forget-old")
	require.Zero(t, exit, stderr)
	stdout, _, _ := a.Verb(t, "doctor")
	require.Contains(t, stdout, "all under the key")
	require.Positive(t, broken, "at least one was broken off in its middle")
}
