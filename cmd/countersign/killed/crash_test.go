package killed

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/provider/simulator"
)

const crashEnv = "COUNTERSIGN_CRASH"

// crashLife is one installation whose daemon dies at one point after the other.
type crashLife struct {
	points []string // NAME, or NAME:N for the N-th time that it is passed
	world  simulator.Options
	play   bool // the lives go on while the daemon dies
	serve  []string
	change func(t *testing.T, svc *installtest.Services, in installtest.Installation)
}

func crashLives() map[string]crashLife {
	history := simulator.Options{Seed: 5, Transactions: 16, BornBefore: 16, Services: []string{"onespan"},
		QuotaScale: 100, Speed: installtest.DaySeconds}
	lives := simulator.Options{Seed: 3, Transactions: 60, BornBefore: 6, Births: 3 * 24 * time.Hour, Speed: installtest.DaySeconds,
		Faults: simulator.Faults{Drop: 0.3, Duplicate: 0.2}}
	linked := lives
	linked.Services, linked.Faults = []string{"autosign"}, simulator.Faults{}
	backfill := []string{"--backfill", "120d"}
	return map[string]crashLife{
		"first start": {world: history, serve: backfill,
			points: []string{"key written", "key linked", "database written", "database linked", "migration before step",
				"migration step done"}},
		"callbacks": {world: lives, play: true, serve: backfill,
			points: []string{"group before begin:60", "group begun:60", "outbox written:20", "group before commit:60",
				"group committed:60"}},
		"questions": {world: lives, play: true, serve: backfill,
			points: []string{"rows before claim", "rows claimed", "gap written", "gap before settle", "gap settled:2"}},
		"documents": {world: history, serve: backfill,
			points: []string{"document written", "documents claimed", "download written", "download synced", "keep before link",
				"keep linked", "keep unlinked", "keep synced", "keep noted"}},
		"runs": {world: history, serve: backfill,
			points: []string{"run written", "cursor before save", "cursor saved", "run before end", "run end saved"}},
		"links": {world: linked, play: true, serve: backfill,
			points: []string{"hold before rename", "hold renamed", "hold synced", "hold noted", "hold placed"}},
		"announcements": {world: lives, play: true, serve: backfill, points: []string{"announcements claimed:3"},
			change: func(t *testing.T, _ *installtest.Services, in installtest.Installation) {
				in.Edit(t, "^", "hooks: [{ id: h, type: command, command: [/bin/true], retry_first: 20ms, include_backfill: true }]\n")
			}},
		"tokens": {world: history, serve: backfill, points: []string{"token before save", "token saved"},
			change: func(t *testing.T, svc *installtest.Services, in installtest.Installation) {
				a := svc.Account(simulator.AccountOneSpan)
				in.Edit(t, `(?m)^      api_key: .*$`,
					fmt.Sprintf("      client_app: { client_id: %q, secret: %q }", a.ClientID, a.ClientSecret))
			}},
	}
}

// The real program, built with its crash points, dies at each of them under load. What it had acknowledged is there
// once, the database and the files are whole, and what was in work goes on to the same end.
// COUNTERSIGN_CRASH_EACH gives each point an installation of its own, and lets it die there that many times.
func TestCrashPoints(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t, "-tags", "crashpoints")
	lives := crashLives()
	each := map[string]crashLife{}
	if times, err := strconv.Atoi(os.Getenv("COUNTERSIGN_CRASH_EACH")); err == nil {
		for _, l := range lives {
			for _, p := range l.points {
				one := l
				one.points = slices.Repeat([]string{p}, times)
				if p == "token saved" || strings.HasPrefix(p, "key ") || strings.HasPrefix(p, "database ") ||
					strings.HasPrefix(p, "migration ") {
					one.points = []string{p} // passed once in a database's life
				}
				each[p] = one
			}
		}
		lives = each
	}
	for name, l := range lives {
		t.Run(name, func(t *testing.T) { t.Parallel(); l.dies(t, binary) })
	}
}

// Every crash point of the code is one of the tests'.
func TestCrashPointsAreTested(t *testing.T) {
	t.Parallel()
	var tested []string
	for _, l := range crashLives() {
		tested = append(tested, l.points...)
	}
	tested = append(tested, backupPoints()...)
	for i := range tested {
		tested[i], _, _ = strings.Cut(tested[i], ":")
	}
	found := crashPointsOf(t)
	require.Greater(t, len(found), 30)
	slices.Sort(tested)
	require.Equal(t, found, slices.Compact(tested))
}

// crashPointsOf reads the names of all crash points out of the code.
func crashPointsOf(t *testing.T) (names []string) {
	t.Helper()
	call := regexp.MustCompile(`CrashPoint\("([^"]+)"\)`)
	require.NoError(t, filepath.WalkDir(filepath.Join("..", "..", ".."), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
		return err
	}))
	slices.Sort(names)
	return slices.Compact(names)
}

// The program as it is released knows nothing of crash points.
func TestCrashPointsAreNotInTheProgram(t *testing.T) {
	t.Parallel()
	holds := func(binary string) (found []string) {
		text, err := os.ReadFile(binary)
		require.NoError(t, err)
		for _, word := range append(crashPointsOf(t), crashEnv) {
			if strings.Contains(string(text), word) {
				found = append(found, word)
			}
		}
		return found
	}
	require.Empty(t, holds(installtest.BuiltProgram(t)))
	require.Len(t, holds(installtest.BuiltProgram(t, "-tags", "crashpoints")), len(crashPointsOf(t))+1,
		"the search finds what is there")
}

func backupPoints() []string { return []string{"copy written", "copy named"} }

// A backup that dies leaves no file under its name, or a whole one.
func TestCrashedBackup(t *testing.T) {
	t.Parallel()
	binary := installtest.BuiltProgram(t, "-tags", "crashpoints")
	svc := installtest.PlayServices(t, simulator.Options{Transactions: -1})
	in := installtest.Install(t, svc, 1)
	require.Zero(t, in.Start(t, binary, "migrate").Exit(t))
	for _, point := range backupPoints() {
		to := filepath.Join(in.Dir, strings.ReplaceAll(point, " ", "-")+".db")
		crashing(t, in, binary, point, "backup", to)
		if _, err := os.Stat(to); err == nil {
			require.Equal(t, "copy named", point)
			require.NoError(t, os.Rename(to, filepath.Join(in.Dir, "countersign.db")))
			require.Zero(t, in.Start(t, binary, "list").Exit(t))
			continue
		}
		require.Zero(t, in.Start(t, binary, "backup", to).Exit(t))
	}
}

// crashing runs the program until it dies at a point.
func crashing(t *testing.T, in installtest.Installation, binary, point string, args ...string) (lived time.Duration) {
	t.Helper()
	began := time.Now()
	p := &installtest.Process{Cmd: exec.Command(binary, append([]string{"--config", in.Config}, args...)...), Out: &installtest.SafeBuffer{},
		Done: make(chan struct{})}
	p.Stdout, p.Stderr, p.Env = p.Out, p.Out, append(os.Environ(), crashEnv+"="+point)
	require.NoError(t, p.Start())
	go func() { p.Wait(); close(p.Done) }() //nolint:errcheck // ProcessState tells
	defer p.Kill()
	select {
	case <-p.Done:
	case <-time.After(installtest.WholeWait):
		t.Fatalf("%q was not passed:\n%s", point, p.Out.String())
	}
	status, ok := p.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, "%q: %v\n%s", point, p.ProcessState,
		p.Out.String())
	return time.Since(began)
}

func (l crashLife) dies(t *testing.T, binary string) {
	svc, in := installtest.LivingServices(t, l.world)
	if l.change != nil {
		l.change(t, svc, in)
	}
	in.Edit(t, "^", "log: { level: warning }\n")
	w := witnessed(t, in, 2, 10*time.Millisecond)
	if l.play {
		playing(t, svc)
	}
	for _, point := range l.points {
		before := len(w.taken(t))
		lived := crashing(t, in, binary, point, append([]string{"serve"}, l.serve...)...)
		acknowledged := 0
		if db := filepath.Join(in.Dir, "countersign.db"); !strings.HasPrefix(point, "key") &&
			!strings.HasPrefix(point, "database") && !strings.HasPrefix(point, "migration") {
			require.FileExists(t, db)
			acknowledged = w.holds(t)
		}
		t.Logf("%-24s died after %6v, %4d more acknowledged", point, lived.Round(10*time.Millisecond), acknowledged-before)
	}
	p, ready := in.Serving(t, binary, l.serve...)
	require.Less(t, ready, installtest.ReadyWithin, "ready again")
	installtest.Eventually(t, "callbacks that are taken", func() bool { return len(w.taken(t)) > 5 })
	w.ends()
	converged(t, in, svc)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Zero(t, p.Exit(t), p.Out.String())
	t.Logf("%d callbacks acknowledged, %d files, table equals truth", w.holds(t), tidy(t, in))
}

// playing plays the lives until the test ends.
func playing(t *testing.T, svc *installtest.Services) {
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- svc.World.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })
}
