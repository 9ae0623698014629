package demo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/provider"
	"countersign/provider/simulator"
)

// ConfigOptions is what a config for simulated services is written from.
type ConfigOptions struct {
	Accounts       []simulator.Account
	Base           string // where the simulator listens: http://127.0.0.1:8090
	PublicURL      string // what the simulator calls; "" is http:// and PublicAddress
	PublicAddress  string
	ConsoleAddress string
	Database       string // as in the config: sqlite:./countersign.db
	Documents      string // as in the config: file:./documents
	Speed          float64
	Providers      map[string]provider.Driver // what each service bears
}

// Config writes a config with one account per simulated service, whose slots, budgets,
// waits and retries fit the speed at which the lives are played. Every wait is wall time.
func Config(o ConfigOptions) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	speed := max(o.Speed, 1)
	line("# A config for simulated services, played at speed %s. The secrets in it are the simulator's.",
		strconv.FormatFloat(speed, 'f', -1, 64))
	line("database: %s", config.Quote(o.Database))
	line("documents: %s", config.Quote(o.Documents))
	line("public: { address: %s, url: %s }", config.Quote(o.PublicAddress),
		config.Quote(cmp.Or(o.PublicURL, "http://"+o.PublicAddress)))
	line("console: { address: %s }", config.Quote(o.ConsoleAddress))
	if speed > 1 {
		line("documents_min_free: 16MiB")
		line("polling:")
		line("  active: %s", config.Quote(slotLineFor(6*time.Hour, speed)))
		line("  idle: %s", config.Quote(slotLineFor(12*time.Hour, speed)))
		line("  audit: %s", config.Quote(slotLineFor(20*time.Hour, speed)))
		line("retry: { first: %s, most: %s }",
			scaled(14*time.Minute+24*time.Second, speed, 300*time.Millisecond, 30*time.Second),
			scaled(144*time.Minute, speed, 3*time.Second, 30*time.Minute))
		line("slot_jitter: 0s")
		line("list_overlap: %s", scaled(4*time.Hour, speed, 5*time.Second, 15*time.Minute))
	}
	line("accounts:")
	for _, a := range o.Accounts {
		line("  - id: %s", a.ID)
		line("    provider: %s", a.Provider)
		line("    base_url: %s", config.Quote(strings.TrimRight(o.Base, "/")+a.BasePath))
		line("    allow_private_links: true")
		if speed > 1 {
			budget := o.Providers[a.Provider].Traits.SimulatedBudget
			line("    budget: { read: %d, files: %d, test: 900 }", budget[provider.ClassRead], budget[provider.ClassFiles])
			line("    recheck_after: [%s, %s, %s]",
				scaled(24*time.Minute, speed, 500*time.Millisecond, 10*time.Second),
				scaled(48*time.Minute, speed, time.Second, time.Minute),
				scaled(96*time.Minute, speed, 2*time.Second, 10*time.Minute))
			line("    gap_grace: %s", scaled(96*time.Minute, speed, 2*time.Second, 5*time.Minute))
		}
		line("    settings:")
		for _, key := range slices.Sorted(maps.Keys(a.Settings)) {
			line("      %s: %s", key, yamlValue(a.Settings[key]))
		}
	}
	return b.String()
}

// scaled shortens d by speed, within bounds.
func scaled(d time.Duration, speed float64, least, most time.Duration) time.Duration {
	return min(max(time.Duration(float64(d)/speed).Round(50*time.Millisecond), least), most)
}

// slotLineFor is the cron line, with seconds, of slots that come two and a half times as often as
// every is long at this speed: lives are short, and a poll takes its time whatever the speed.
func slotLineFor(every time.Duration, speed float64) string {
	d := time.Duration(float64(every) / speed * 0.4)
	largest := func(n int, of ...int) int {
		best := of[0]
		for _, v := range of {
			if v <= n {
				best = v
			}
		}
		return best
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("*/%d * * * * *", largest(int(d/time.Second), 2, 3, 4, 5, 6, 10, 12, 15, 20, 30))
	case d < time.Hour:
		return fmt.Sprintf("0 */%d * * * *", largest(int(d/time.Minute), 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30))
	}
	return fmt.Sprintf("0 0 */%d * * *", largest(int(d/time.Hour), 1, 2, 3, 4, 6, 8, 12))
}

// yamlValue is a setting as it stands in a config.
func yamlValue(v any) string {
	switch v := v.(type) {
	case string:
		return config.Quote(v)
	case []string:
		all := make([]string, len(v))
		for i, s := range v {
			all[i] = config.Quote(s)
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprint(v)
}
