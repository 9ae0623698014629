package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/provider/simulator"
	"countersign/provider/simulator/world/pdf"
	"countersign/worker"
	"countersign/worker/callback"
	"countersign/worker/deliver"
)

// slots are a quarter as far apart as by default, the daily one too: lives are mostly a quarter as long as in reality.
const slots = `polling: { active: "0 */2 * * *", idle: "0 */3 * * *", audit: "0 */6 * * *" }
slot_jitter: 1m
`

// calm is long enough for each slot to come at least once, the rarest included, and for what was put off.
const calm = 9 * time.Hour

// rig plays one storm. A daemon that dies leaves its folder as it was at that moment; the next one starts on a
// copy of it.
type rig struct {
	seed  int
	plan  storm
	dir   string    // of all folders
	last  string    // the daemon's folder now
	lives int       // how many daemons there were
	blank []byte    // a database that is migrated already; nil: each seed makes its own
	keys  *pdf.Keys // of the simulated services
	mu    sync.Mutex
	rng   *rand.Rand
	log   bytes.Buffer

	world *simulator.World
	door  *door
	ear   *listener
	e     *engine.Engine
	wire  *lifeline
	stop  context.CancelFunc
	work  *errgroup.Group
	start time.Time // by the services' clock
}

var errDead = errors.New("nobody is there")

// door is the public listener without a socket. While no daemon lives it is shut. Who dies before the answer is
// out has not acknowledged, whatever is stored.
type door struct {
	way     latency
	nudge   func()
	mu      sync.Mutex
	handler http.Handler
	life    int
	taken   map[string]int // 2xx answers by path, whether they arrived or not
}

func (d *door) open(h http.Handler, nudge func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handler, d.nudge = h, nudge
	d.life++
}

func (d *door) now() (http.Handler, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.handler, d.life
}

// RoundTrip carries a callback in.
func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	d.way.take()
	h, life := d.now()
	if h == nil {
		return nil, errDead
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	d.mu.Lock()
	if w.Code/100 == 2 && d.life == life {
		if d.taken == nil {
			d.taken = map[string]int{}
		}
		d.taken[r.URL.Path]++
		for _, after := range []time.Duration{2100 * time.Millisecond, 13 * time.Second} {
			time.AfterFunc(after, d.nudge) // the loops look seldom here, and this is when they would find something due
		}
	}
	d.mu.Unlock()
	d.way.take()
	if _, now := d.now(); now != life {
		return nil, errDead
	}
	return w.Result(), nil
}

// lifeline is a daemon's way to the services. It ends with the daemon.
type lifeline struct {
	base latency
	slow time.Duration // answers take up to so long
	dead atomic.Bool
}

// RoundTrip carries a question out, and the answer in.
func (w *lifeline) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.dead.Load() {
		return nil, errDead
	}
	resp, err := w.base.RoundTrip(r)
	if w.slow > 0 {
		time.Sleep(time.Duration(time.Now().UnixMicro()*7919) % w.slow)
	}
	if err == nil && w.dead.Load() {
		resp.Body.Close()
		return nil, errDead
	}
	return resp, err
}

// play is the whole run, in a bubble of fake time.
func (r *rig) play(t *testing.T) {
	r.door, r.ear = &door{}, newListener(r.seed)
	r.start = time.Now()
	before := r.plan.History
	if before == 0 {
		before = -1
	}
	r.world = simulator.New(simulator.Options{
		Seed: uint64(r.seed), Transactions: r.plan.Transactions, BornBefore: before, Births: time.Duration(r.plan.Speed) * r.plan.Births, Speed: float64(r.plan.Speed), QuotaScale: 1, Services: r.plan.Services, //nolint:gosec // seeds are not negative
		Callbacks: "http://countersign.example", Client: r.door, Faults: r.plan.Usual,
		RotateSecretsAfter: time.Duration(r.plan.Speed) * r.plan.Rotation, Base: "http://simulator.example",
		Logf: r.tell, Keys: r.keys,
	})
	r.boot(t)
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return r.world.Run(ctx) })
	defer func() {
		cancel()
		require.NoError(t, g.Wait())
		r.kill(t)
		if t.Failed() && *stormSeed >= 0 {
			t.Logf("what happened:\n%s", r.log.String())
		}
	}()
	r.rage(t)
	r.world.SetFaults(simulator.Faults{})
	r.world.Stop()
	r.world.FlushDelayed()
	time.Sleep(calm)
	r.check(t)
}

// chance is the daemon's, by the seed.
func (r *rig) chance() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rng == nil {
		r.rng = rand.New(rand.NewPCG(uint64(r.seed), 1)) //nolint:gosec // no secret, and seeds are not negative
	}
	return r.rng.Float64()
}

// tell keeps what the world and the daemon say, for a seed that is played alone.
func (r *rig) tell(format string, args ...any) {
	if *stormSeed >= 0 {
		fmt.Fprintf(logWriter{r}, format+"\n", args...)
	}
}

// logWriter puts the time before each line.
type logWriter struct{ r *rig }

func (w logWriter) Write(b []byte) (int, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	w.r.log.WriteString(time.Now().UTC().Format("02 15:04:05.000 "))
	return w.r.log.Write(b)
}

// rotateSecrets gives each simulated account a new secret for its callbacks: from now on they are proved with that
// one, also those that are queued and not signed yet, and Accounts names it.
func rotateSecrets(w *simulator.World) {
	w.Locked(func() {
		for _, d := range w.Desks() {
			if r, some := d.Caller.(interface{ Rotate() }); some {
				r.Rotate()
			}
		}
	})
}

// rage lets the plan happen.
func (r *rig) rage(t *testing.T) {
	type at struct {
		when time.Duration
		do   func()
	}
	var all []at
	for _, s := range r.plan.Spells {
		all = append(all, at{s.At, func() { r.world.SetFaults(s.Faults) }},
			at{s.At + s.For, func() { r.world.SetFaults(r.plan.Usual) }})
	}
	for _, e := range r.plan.Events {
		all = append(all, at{e.At, func() {
			if e.Rotate {
				rotateSecrets(r.world)
				return
			}
			r.kill(t)
			time.Sleep(e.Down)
			r.boot(t)
		}})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].when < all[j].when })
	end := time.Duration(r.plan.Hours) * time.Hour
	for _, a := range all {
		time.Sleep(time.Until(r.start.Add(min(a.when, end))))
		r.tell("--- an event of the plan")
		a.do()
	}
	time.Sleep(time.Until(r.start.Add(end)))
}

// boot starts a daemon on what the last one left.
func (r *rig) boot(t *testing.T) {
	dir := filepath.Join(r.dir, fmt.Sprint(r.lives))
	if r.lives == 0 {
		require.NoError(t, os.MkdirAll(dir, 0o700))
		if r.blank != nil {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "countersign.db"), r.blank, 0o600))
		}
	}
	r.last, r.lives = dir, r.lives+1
	conf := demo.Config(demo.ConfigOptions{Providers: providers(),
		Accounts: r.world.Accounts(), Base: "http://simulator.example", PublicAddress: "127.0.0.1:0",
		ConsoleAddress: "127.0.0.1:0",
		Database:       "sqlite:./countersign.db", Documents: "file:./documents", Speed: 1,
	})
	if r.plan.ConfirmAll {
		conf = strings.ReplaceAll(conf, "    allow_private_links: true\n",
			"    allow_private_links: true\n    confirm: all\n")
	}
	file := filepath.Join(dir, "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte(slots+conf), 0o600))
	a := newApp(strings.NewReader(""), &bytes.Buffer{}, logWriter{r})
	r.wire = &lifeline{base: latency{base: r.world.Transport()}, slow: r.plan.Slow}
	a.ConfigFlag, a.Transport, a.Tick = file, r.wire, r.plan.Tick
	a.Rand = r.chance
	a.Functions = []*deliver.Hook{r.ear.hook(r.wire.dead.Load)}
	a.Now = func() time.Time { return time.Now().Add(r.plan.Ahead) }
	a.Lookup = func(name string) (string, bool) {
		return strings.Repeat("01", keyfile.Size), name == "COUNTERSIGN_KEY"
	}
	level := "panic"
	if *stormSeed >= 0 {
		level = "debug"
	}
	c, err := a.Config()
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r.e, err = a.Start(ctx, c, logrus.NewEntry(a.Logger(config.Log{Level: level, Format: "text"})))
	require.NoError(t, err)
	require.NoError(t, r.e.Store.ReleaseLeases(ctx))
	require.NoError(t, r.e.Files.Sweep(time.Now().Add(time.Hour)))
	o := r.e.ListenerOptions()
	o.Now, o.HMACKey = a.Now, make([]byte, 32)
	l, err := callback.New(o)
	require.NoError(t, err)
	r.stop, r.work = stop, &errgroup.Group{}
	e := r.e
	r.work.Go(func() error { return e.Worker.Run(ctx, worker.PartLoops, worker.PartSlots) })
	if r.plan.History > 0 {
		since := a.Now().Add(-90 * 24 * time.Hour)
		require.NoError(t, e.QueueBackfills(ctx, engine.ServeOptions{Backfill: config.Span{Now: a.Now, At: &since}}))
	}
	r.door.open(l.Handler(), e.Worker.Nudge)
}

// kill ends the daemon as a power cut would: what is on disk at a moment at which nothing moves is all that the
// next one finds. What the old one still does on its way out it does to a folder that nobody reads again.
func (r *rig) kill(t *testing.T) {
	synctest.Wait()
	r.door.open(nil, nil)
	r.wire.dead.Store(true)
	require.NoError(t, copyTree(r.last, filepath.Join(r.dir, fmt.Sprint(r.lives))))
	r.stop()
	require.NoError(t, r.work.Wait())
	require.NoError(t, r.e.Close())
	require.NoError(t, os.RemoveAll(filepath.Join(r.last, "documents")))
}

// copyTree copies a folder, but for what lies in memory beside a database: the next process makes it anew.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if strings.HasSuffix(rel, "-shm") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
}
