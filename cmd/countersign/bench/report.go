package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/cmd/countersign/bench/limits"
	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
)

// What is compared.
const (
	Daemon   = "daemon"   // ours, the real program
	Work     = "work"     // the limit with work
	Bare     = "bare"     // the bare limit
	Careful  = "careful"  // a careful gorm handler
	Careless = "careless" // the same on the driver's defaults
	Answer   = "answer"   // a handler that answers 200 and does nothing: the load's own ceiling
)

// Report is what one run of a bench found.
type Report struct {
	Kind     string        `json:"kind"`
	At       time.Time     `json:"at"`
	Machine  stage.Machine `json:"machine"`
	Settings Settings      `json:"settings"`
	Sync     Sync          `json:"sync"`
	Start    time.Duration `json:"start_ns"` // from the start of the process to its listening
	Lines    []Line        `json:"lines"`
	Disk     Disk          `json:"disk"`
	Goals    []Goal        `json:"goals"`
	Against  []Change      `json:"against,omitempty"`
}

// Settings is what was asked for.
type Settings struct {
	Services  []string      `json:"services"`
	Rounds    int           `json:"rounds"`
	Seconds   float64       `json:"seconds"`
	Open      int           `json:"open"`
	Rows      int           `json:"rows"`
	Backlog   int           `json:"backlog"`
	SyncDelay time.Duration `json:"sync_delay_ns"`
	Postgres  bool          `json:"postgres"`
	Processes int           `json:"processes"` // daemons
}

// Round is one round of one subject.
type Round struct {
	PerSecond float64       `json:"per_second"`
	P50       float64       `json:"p50_ms"`
	P99       float64       `json:"p99_ms"`
	P999      float64       `json:"p999_ms"`
	Accepted  int64         `json:"accepted"`
	CPU       time.Duration `json:"cpu_ns"`      // of the daemon
	Services  time.Duration `json:"services_ns"` // of the simulated services
	Commits   int64         `json:"commits"`     // of the daemon, each with a sync
}

// Line is one subject under one load.
type Line struct {
	Service     string  `json:"service"`
	What        string  `json:"what"`
	Connections int     `json:"connections"` // that the daemon had in these rounds
	Callers     int     `json:"callers"`
	PerSecond   float64 `json:"per_second"` // median of the rounds, as are the next
	Lowest      float64 `json:"lowest"`
	Highest     float64 `json:"highest"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	P999        float64 `json:"p999_ms"`
	Accepted    int64   `json:"accepted"`
	DaemonTo    float64 `json:"daemon_to"`    // the daemon's rate divided by this one's, median of the rounds
	CPU         float64 `json:"cpu_us"`       // of the daemon for an event, in microseconds
	Commits     float64 `json:"commits"`      // of the daemon for an event, each with a sync
	Stolen      float64 `json:"services_cpu"` // share of a core that the simulated services took
	Anonymous   int64   `json:"anonymous_bytes"`
	Resident    int64   `json:"resident_bytes"`
	Rounds      []Round `json:"rounds"`
	seconds     float64
}

// Disk is what the daemon's table and the limit's grew by.
type Disk struct {
	Daemon float64 `json:"daemon_bytes"` // an event, indexes included, after a checkpoint
	Bare   float64 `json:"bare_bytes"`
	Events int64   `json:"events"`
}

func (l *Line) add(r Round) {
	l.Rounds = append(l.Rounds, r)
	l.Accepted += r.Accepted
	if r.PerSecond > 0 {
		l.seconds += float64(r.Accepted) / r.PerSecond
	}
}

// summarize takes medians.
func (l *Line) summarize() {
	of := func(f func(Round) float64) []float64 {
		var all []float64
		for _, r := range l.Rounds {
			all = append(all, f(r))
		}
		slices.Sort(all)
		return all
	}
	rates := of(func(r Round) float64 { return r.PerSecond })
	l.PerSecond, l.Lowest, l.Highest = median(rates), rates[0], rates[len(rates)-1]
	l.P50 = median(of(func(r Round) float64 { return r.P50 }))
	l.P99 = median(of(func(r Round) float64 { return r.P99 }))
	l.P999 = median(of(func(r Round) float64 { return r.P999 }))
	var cpu, services time.Duration
	commits := int64(0)
	for _, r := range l.Rounds {
		cpu, services, commits = cpu+r.CPU, services+r.Services, commits+r.Commits
	}
	if l.Accepted > 0 && l.seconds > 0 {
		l.CPU, l.Stolen = float64(cpu.Microseconds())/float64(l.Accepted), services.Seconds()/l.seconds
		l.Commits = float64(commits) / float64(l.Accepted)
	}
}

// relate fills in DaemonTo: each round beside its own.
func relate(lines []Line) {
	for i := range lines {
		var all []float64
		for n, r := range lines[i].Rounds {
			if n < len(lines[0].Rounds) && r.PerSecond > 0 {
				all = append(all, lines[0].Rounds[n].PerSecond/r.PerSecond)
			}
		}
		if slices.Sort(all); len(all) > 0 {
			lines[i].DaemonTo = median(all)
		}
	}
}

func median(sorted []float64) float64 {
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func settingsOf(o Options) Settings {
	return Settings{o.Services, o.Rounds, o.Seconds, o.Open, o.Rows, o.Backlog, o.SyncDelay, o.Postgres != "", max(o.Processes, 1)}
}

// disk ends the daemon, so that its log is in its file, and compares sizes.
func (s *stand) disk(ctx context.Context, lines []Line) (d Disk, err error) {
	grown := func(file string, before int64) (int64, error) {
		after, err := limits.Used(ctx, file)
		return after - before, err
	}
	after, err := s.counts.count(ctx)
	if err != nil {
		return d, err
	}
	d.Events = after - s.before
	if err := s.StopDaemon(); err != nil {
		return d, err
	}
	bytes, err := grown(s.File(), s.filled)
	if err != nil || d.Events == 0 {
		return d, err
	}
	d.Daemon = float64(bytes) / float64(d.Events)
	var events, rows int64
	for _, l := range lines {
		if l.What == Bare {
			events += l.Accepted
		}
	}
	for _, b := range s.bares {
		bytes, err := grown(b.Path(), 0)
		if err != nil {
			return d, err
		}
		rows += bytes
	}
	if events > 0 {
		d.Bare = float64(rows) / float64(events)
	}
	return d, nil
}

// printer tells a run as it goes.
type printer struct {
	env  *engine.Env
	json bool
}

// lines prints those of one load.
func (p printer) lines(lines []Line) error {
	if p.json {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-11s %5s  %-9s %7s %9s %9s %9s %8s %8s %8s %7s %8s %8s\n", "SERVICE", "CONNS", "WHAT", "CALLERS",
		"A SECOND", "LOWEST", "HIGHEST", "P50 ms", "P99 ms", "P999 ms", "CPU us", "ANON MB", "DAEMON/")
	for _, l := range lines {
		fmt.Fprintf(&b, "%-11s %5d  %-9s %7d %9.0f %9.0f %9.0f %8.2f %8.2f %8.2f", l.Service, l.Connections, l.What,
			l.Callers, l.PerSecond, l.Lowest, l.Highest, l.P50, l.P99, l.P999)
		if l.What == Daemon {
			fmt.Fprintf(&b, " %7.0f %8.1f %8s   %.3f commits an event, services took %.1f%% of a core\n", l.CPU,
				float64(l.Anonymous)/1e6, "", l.Commits, l.Stolen*100)
		} else {
			fmt.Fprintf(&b, " %7s %8s %8.2f\n", "", "", l.DaemonTo)
		}
	}
	return p.env.Printf("%s", b.String())
}

// report prints the end.
func (p printer) report(r Report) error {
	if p.json {
		return json.NewEncoder(p.env.Stdout).Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nlistening after %d ms; a sync here takes %.2f ms (p99 %.2f ms); disk an event %.0f bytes (bare limit %.0f)\n",
		r.Start.Milliseconds(), r.Sync.P50, r.Sync.P99, r.Disk.Daemon, r.Disk.Bare)
	for _, g := range r.Goals {
		b.WriteString(g.String() + "\n")
	}
	for _, c := range r.Against {
		b.WriteString(c.String() + "\n")
	}
	return p.env.Printf("%s", b.String())
}
