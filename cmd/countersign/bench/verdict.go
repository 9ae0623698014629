package bench

import (
	"cmp"
	"fmt"
	"time"
)

// Goal is one number of section 11 of the design, beside what was measured.
type Goal struct {
	What   string  `json:"what"`
	Want   float64 `json:"want"`
	Got    float64 `json:"got"`
	AtMost bool    `json:"at_most"`
	Unit   string  `json:"unit,omitempty"`
	Met    bool    `json:"met"`
}

// String is one line.
func (g Goal) String() string {
	word, than := "reached    ", "at least"
	if !g.Met {
		word = "NOT reached"
	}
	if g.AtMost {
		than = "at most"
	}
	return fmt.Sprintf("%s  %-64s %s %.4g%s, here %.4g%s", word, g.What, than, g.Want, g.Unit, g.Got, g.Unit)
}

func least(what string, want, got float64) Goal {
	return Goal{What: what, Want: want, Got: got, Met: got >= want}
}

func most(what string, want, got float64, unit string) Goal {
	return Goal{What: what, Want: want, Got: got, AtMost: true, Unit: unit, Met: got <= want}
}

// Verdict holds a run against section 11. It is told, never asserted.
func Verdict(r Report) (all []Goal) {
	type key struct {
		service     string
		connections int
	}
	by := map[key]map[string]Line{}
	var order []key
	for _, l := range r.Lines {
		k := key{l.Service, l.Connections}
		if by[k] == nil {
			by[k] = map[string]Line{}
			order = append(order, k)
		}
		by[k][l.What] = l
	}
	for _, k := range order {
		at := fmt.Sprintf("%s, %d connections: ", k.service, k.connections)
		all = append(all, verdict(at, k.connections, by[k], r)...)
	}
	if r.Disk.Daemon > 0 {
		all = append(all, most("disk an event of 2 KiB, indexes included", 1300, r.Disk.Daemon, " bytes"))
	}
	for _, l := range r.Lines {
		if l.What == Daemon && l.Connections >= 64 {
			all = append(all, most(fmt.Sprintf("%s, %d connections: anonymous memory", l.Service, l.Connections), 64,
				float64(l.Anonymous)/1e6, " MB"))
		}
	}
	return all
}

// verdict is that of one load.
func verdict(at string, connections int, lines map[string]Line, r Report) (all []Goal) {
	ours := lines[Daemon]
	beside := func(what, name string, want float64) {
		if l, ok := lines[name]; ok {
			all = append(all, least(at+"beside "+what, want, l.DaemonTo))
		}
	}
	if r.Settings.Postgres && connections >= 64 {
		beside("one writer with multi-row inserts", Bare, 0.70)
	}
	if r.Settings.Postgres {
		return all
	}
	switch connections {
	case 64, 256:
		beside("the limit with work", Work, 0.75)
		beside("the bare limit", Bare, 0.60)
	case 1:
		beside("the careful handler", Careful, 1)
	}
	if want := map[time.Duration]float64{0: 5, time.Millisecond: 22}[r.Settings.SyncDelay]; connections == 64 && want > 0 {
		beside("the careful handler", Careful, want)
	}
	for n, plus := range map[int]float64{16: 2, 64: 4} {
		if n == connections {
			delay := float64(r.Settings.SyncDelay.Microseconds()) / 1000
			all = append(all, most(at+"p99", plus+3*(r.Sync.P99+delay), ours.P99, " ms"))
		}
	}
	return all
}

// Change is a rate beside that of an earlier run.
type Change struct {
	Service     string  `json:"service"`
	What        string  `json:"what"`
	Connections int     `json:"connections"`
	Before      float64 `json:"before"`
	Now         float64 `json:"now"`
	Slower      bool    `json:"slower"` // by more than a tenth, and the rounds do not overlap
}

// String is one line.
func (c Change) String() string {
	word := ""
	if c.Slower {
		word = "  SLOWER"
	}
	return fmt.Sprintf("before %-11s %4d %-9s %8.0f, now %8.0f: %.2f times%s", c.Service, c.Connections, c.What, c.Before,
		c.Now, c.Now/cmp.Or(c.Before, 1), word)
}

// Compare holds a run against an earlier one of the same machine. A tenth slower counts where even the best round of
// now is below the worst of then.
func Compare(before *Report, now Report) (all []Change) {
	if before == nil {
		return nil
	}
	for _, l := range now.Lines {
		for _, b := range before.Lines {
			if b.Service == l.Service && b.What == l.What && b.Connections == l.Connections {
				all = append(all, Change{Service: l.Service, What: l.What, Connections: l.Connections, Before: b.PerSecond,
					Now: l.PerSecond, Slower: l.PerSecond < 0.9*b.PerSecond && l.Highest < b.Lowest})
			}
		}
	}
	return all
}
