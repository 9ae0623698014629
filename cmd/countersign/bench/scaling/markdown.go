package scaling

import (
	"fmt"
	"strings"
)

// Section is a part of docs/scaling.md that follows from the slopes.
type Section struct{ Name, Text string }

// Sections are the tables of docs/scaling.md, in its order.
func Sections(s Slopes, d Demand) (all []Section) {
	for _, of := range []struct {
		name  string
		write func(*strings.Builder)
	}{
		{"slopes", func(b *strings.Builder) { measured(b, s) }},
		{"flow", func(b *strings.Builder) { flow(b, d) }},
		{"sizes", func(b *strings.Builder) { sizes(b, s, d) }},
		{"needs", func(b *strings.Builder) { needs(b, s, d) }},
		{"quotas", func(b *strings.Builder) { quotas(b, d) }},
		{"partitions", func(b *strings.Builder) { partitions(b, s.Partitions) }},
	} {
		var b strings.Builder
		of.write(&b)
		all = append(all, Section{of.name, strings.TrimLeft(b.String(), "\n")})
	}
	return all
}

// Markdown is all of them.
func Markdown(s Slopes, d Demand) string {
	var texts []string
	for _, one := range Sections(s, d) {
		texts = append(texts, one.Text)
	}
	return strings.Join(texts, "\n")
}

func row(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func head(b *strings.Builder, cells ...string) {
	b.WriteString("\n")
	row(b, cells...)
	row(b, strings.Split(strings.TrimSuffix(strings.Repeat("---,", len(cells)), ","), ",")...)
}

// count writes a large number as people do: 1.2 million.
func count(n float64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.3g billion", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.4g million", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0f,%03.0f", float64(int(n/1000)), float64(int(n)%1000))
	case n >= 10:
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.2g", n)
}

func size(n float64) string {
	switch {
	case n >= 1e12:
		return fmt.Sprintf("%.2f TB", n/1e12)
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", n/1e6)
	}
	return fmt.Sprintf("%.0f bytes", n)
}

func long(minutes float64) string {
	switch {
	case minutes < 2:
		return "at once"
	case minutes < 120:
		return fmt.Sprintf("%.0f min", minutes)
	}
	return fmt.Sprintf("%.1f h", minutes/60)
}

func measured(b *strings.Builder, s Slopes) {
	fmt.Fprintf(b, "%s: PostgreSQL %s on the same %d cores (%s), %s transactions at the end.\n", s.At.Format("2 January 2006"),
		s.Server, s.Machine.Cores, s.Machine.CPU, count(float64(s.Rows)))
	head(b, "table", "rows", "bytes a row, indexes included", "of these indexes")
	for _, t := range s.Tables {
		row(b, "`"+t.Name+"`", count(float64(t.Rows)), fmt.Sprintf("%.0f", t.Bytes), fmt.Sprintf("%.0f", t.Indexes))
	}
	head(b, "a callback of 2 KiB", "one daemon, 64 connections")
	row(b, "callbacks a second", fmt.Sprintf("%.0f", s.Load.PerSecond))
	row(b, "processor time of the daemon", fmt.Sprintf("%.0f µs", s.Load.CPU))
	row(b, "processor time of PostgreSQL's sessions", fmt.Sprintf("%.0f µs", s.Load.ServerCPU))
	row(b, "written ahead (WAL)", fmt.Sprintf("%.0f bytes", s.Load.WAL))
}

func flow(b *strings.Builder, d Demand) {
	f := d.Flow()
	head(b, "what comes", "")
	row(b, "new transactions a day", count(f.Births))
	row(b, "callbacks a second, on average", fmt.Sprintf("%.0f", f.Mean))
	row(b, fmt.Sprintf("%.0f a second is", d.Burst), fmt.Sprintf("%.0f times that: a burst", f.Burst))
	row(b, "100 million are kept after", fmt.Sprintf("%.0f days", f.FullAfter))
	row(b, "were the burst the average, after", fmt.Sprintf("%.0f days", f.Never))
}

func sizes(b *strings.Builder, s Slopes, d Demand) {
	head(b, "table", "rows", "size", "")
	sum := 0.0
	for _, t := range d.Sizes(s) {
		row(b, "`"+t.Table+"`", count(t.Rows), size(t.Bytes), t.Because)
		sum += t.Bytes
	}
	row(b, "in all", "", size(sum), "before what the server keeps for itself")
}

func needs(b *strings.Builder, s Slopes, d Demand) {
	n := d.Needs(s)
	head(b, "what it takes", "")
	row(b, fmt.Sprintf("cores of replicas that %.0f callbacks a second keep busy", d.Burst), fmt.Sprintf("%.2f", n.ReplicaCores))
	row(b, fmt.Sprintf("replicas of %.0f cores, %.0f%% of them planned for, and one more that may be down", d.Cores, 100*d.Busy),
		fmt.Sprint(n.Replicas))
	row(b, "cores of PostgreSQL that they keep busy", fmt.Sprintf("%.2f", n.ServerCores))
	row(b, "cores of PostgreSQL to plan for", fmt.Sprintf("%.1f", n.ServerPlan))
	row(b, "written ahead in the burst", size(n.WALBurst)+" a second")
	row(b, "written ahead in a day, for callbacks", size(n.WALDay))
	row(b, "the tables grow by", size(n.PerDay)+" a day")
	row(b, "documents stored on S3", count(n.Puts)+" a day, each one PUT and one HEAD")
	row(b, "documents on S3 in the end", size(n.Stored))
}

func quotas(b *strings.Builder, d Demand) {
	open := float64(d.Open / d.Accounts)
	head(b, fmt.Sprintf("account with %s open", count(open)), "budget a minute", "used", "a confirmation waits", "a download waits",
		"active poll", "idle poll", "audit", "open rows it keeps up with", "with callbacks and downloads alone")
	for _, a := range Accounts() {
		day := Simulate(a, d, open)
		cells := []string{a.Provider, fmt.Sprint(a.Budget), fmt.Sprintf("%.0f%%", 100*day.Used)}
		for _, w := range day.Work {
			switch {
			case w.Calls == 0:
				cells = append(cells, "none")
			case w.Left > 0.005:
				cells = append(cells, fmt.Sprintf("**%.0f%% not done**", 100*w.Left))
			default:
				cells = append(cells, long(w.Took))
			}
		}
		told := Most(a, d, func(day Day) bool { return day.Work[0].Left == 0 && day.Work[1].Left == 0 })
		row(b, append(cells, count(Most(a, d, Day.KeepsUp)), count(told))...)
	}
}

func partitions(b *strings.Builder, p Partitions) {
	head(b, fmt.Sprintf("%s callbacks of six months", count(float64(p.Rows))), "one table", "a partition a month")
	for _, r := range []struct {
		what string
		of   func(Way) string
	}{
		{"written in", func(w Way) string { return fmt.Sprintf("%.1f s", w.Fill) }},
		{"written ahead for it", func(w Way) string { return size(float64(w.FillWAL)) }},
		{"looking whether a callback is a copy", func(w Way) string { return fmt.Sprintf("%.0f µs", w.Find) }},
		{"taking the oldest month away, with the vacuum", func(w Way) string { return fmt.Sprintf("%.2f s", w.Drop) }},
		{"written ahead for that", func(w Way) string { return size(float64(w.DropWAL)) }},
		{"size before", func(w Way) string { return size(float64(w.Before)) }},
		{"size after", func(w Way) string { return size(float64(w.After)) }},
	} {
		row(b, r.what, r.of(p.Plain), r.of(p.Parted))
	}
}
