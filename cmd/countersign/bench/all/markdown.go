package all

import (
	"fmt"
	"strings"

	"countersign/cmd/countersign/bench"
	"countersign/cmd/countersign/bench/tables"
)

// Markdown is the tables of a page.
func (f Found) Markdown() string {
	var b strings.Builder
	if len(f.Ingest) > 0 {
		m, r := f.Ingest[0].Machine, f.Ingest[0]
		fmt.Fprintf(&b, "%s: %d cores (%s), %.0f GB, Linux %s, %s. A sync took %.2f ms (p99 %.1f ms).\n",
			r.At.Format("2 January 2006"), m.Cores, m.CPU, float64(m.Memory)/1e9, m.Kernel, m.Go, r.Sync.P50, r.Sync.P99)
	}
	for i, r := range f.Ingest {
		fmt.Fprintf(&b, "\n`%s`: %d rounds of %g s of each, in turns.\n\n", f.Commands[i], r.Settings.Rounds, r.Settings.Seconds)
		Ingest(&b, r)
	}
	for _, found := range f.Figures {
		fmt.Fprintf(&b, "\n`bench %s`, %d transactions:\n\n", found.Kind, found.Rows)
		figures(&b, found)
	}
	if f.Growth != nil {
		b.WriteString("\n`bench growth`, 64 connections:\n\n")
		growth(&b, *f.Growth)
	}
	return b.String()
}

// Ingest writes a report's loads and goals.
func Ingest(b *strings.Builder, r bench.Report) {
	row(b, "service", "connections", "daemon /s", "lowest to highest", "p50 ms", "p99 ms", "p99.9 ms", "µs of processor",
		"commits", "work", "bare", "careful", "careless", "answer")
	row(b, strings.Split(strings.Repeat("---,", 14), ",")[:14]...)
	for i := 0; i < len(r.Lines); {
		d := r.Lines[i]
		ratio := map[string]string{}
		for i++; i < len(r.Lines) && r.Lines[i].What != bench.Daemon; i++ {
			l := r.Lines[i]
			ratio[l.What] = fmt.Sprintf("%.0f (%.2f)", l.PerSecond, l.DaemonTo)
		}
		row(b, d.Service, fmt.Sprint(d.Connections), fmt.Sprintf("%.0f", d.PerSecond),
			fmt.Sprintf("%.0f to %.0f", d.Lowest, d.Highest), fmt.Sprintf("%.2f", d.P50), fmt.Sprintf("%.2f", d.P99),
			fmt.Sprintf("%.2f", d.P999), fmt.Sprintf("%.0f", d.CPU), fmt.Sprintf("%.3f", d.Commits), ratio[bench.Work],
			ratio[bench.Bare], ratio[bench.Careful], ratio[bench.Careless], ratio[bench.Answer])
	}
	b.WriteString("\n")
	row(b, "goal", "asked", "here", "")
	row(b, "---", "---", "---", "---")
	for _, g := range r.Goals {
		than := "at least"
		if g.AtMost {
			than = "at most"
		}
		row(b, g.What, fmt.Sprintf("%s %.4g%s", than, g.Want, g.Unit), fmt.Sprintf("%.4g%s", g.Got, g.Unit), met(g.Met))
	}
}

func figures(b *strings.Builder, found tables.Figures) {
	row(b, "what", "median", "p99", "asked", "")
	row(b, "---", "---", "---", "---", "---")
	for _, f := range found.Figures {
		p99 := ""
		if f.Times > 1 {
			p99 = fmt.Sprintf("%.4g %s", f.P99, f.Unit)
		}
		is := ""
		if f.Want != "" {
			is = met(f.Met)
		}
		row(b, f.What, fmt.Sprintf("%.4g %s", f.Value, f.Unit), p99, f.Want, is)
	}
}

func growth(b *strings.Builder, g tables.Growth) {
	row(b, "callbacks in the table", "daemon /s", "µs of processor", "p99 ms", "bytes an event", "anonymous MB")
	row(b, "---", "---", "---", "---", "---", "---")
	for _, p := range g.Points {
		row(b, fmt.Sprint(p.Callbacks), fmt.Sprintf("%.0f", p.PerSecond), fmt.Sprintf("%.0f", p.CPU),
			fmt.Sprintf("%.1f", p.P99), fmt.Sprintf("%.0f", p.Disk), fmt.Sprintf("%.0f", float64(p.Anonymous)/1e6))
	}
}

func row(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func met(yes bool) string {
	if yes {
		return "reached"
	}
	return "**not reached**"
}
