package output

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// monday is the moment in which these tests live.
var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestRelative(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]string{
		time.Second: "just now", 20 * time.Second: "20 s ago", 3 * time.Minute: "3 min ago", 89 * time.Minute: "89 min ago",
		2 * time.Hour: "2 h ago", 35 * time.Hour: "35 h ago", 50 * time.Hour: "2 days ago", 60 * oneDay: "2026-01-01",
		-20 * time.Minute: "in 20 min", -5 * oneDay: "in 5 days",
	} {
		p, then := &Printer{Now: func() time.Time { return monday }}, monday.Add(-ago)
		if got := p.Ago(&then); got != want {
			t.Errorf("%s ago reads %q, want %q", ago, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	if got := Plain("Ana\x1b[31m\r\nPop\u202e\u0085x\ufeffé"); strings.ContainsAny(got, "\x1b\r\n\u202e\u0085") ||
		!strings.HasSuffix(got, "é") {
		t.Errorf("a terminal would obey %q", got)
	}
	var b bytes.Buffer
	a := &Printer{Stdout: &b}
	if got := a.Paint(Bad, "x"); got != "x" {
		t.Errorf("colour where there is none: %q", got)
	}
	a.Colour = true
	if got := a.Paint(Bad, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("painted %q", got)
	}
	for env, want := range map[string]bool{"": true, "NO_COLOR=1": false, "NO_COLOR=": true, "TERM=dumb": false,
		"TERM=xterm": true} {
		name, value, _ := strings.Cut(env, "=")
		got := WantsColour(func(n string) (string, bool) { return value, n == name })
		if got != want {
			t.Errorf("%q: colour %t", env, got)
		}
	}
}

// What a terminal shows of a long text says that there is more.
func TestACutTextSaysThatItIsCut(t *testing.T) {
	for text, want := range map[string]string{
		"no secret":            "no secret",
		"no secrets":           "no secrets",
		"no secret is set":     "no secret…",
		"Kündigung & Übergabe": "Kündigung…",
	} {
		p := Printer{Terminal: true}
		if got := p.Cell(text, 10); got != want {
			t.Errorf("%q on a terminal is %q, want %q", text, got, want)
		}
		p.Terminal = false
		if got := p.Cell(text, 10); got != text {
			t.Errorf("%q elsewhere is %q", text, got)
		}
	}
}

// A long text breaks between words and never inside one.
func TestWrapped(t *testing.T) {
	const long = "listens on /var/lib/countersign and is free"
	for width, want := range map[int]string{
		0:  long,
		80: long,
		30: "listens on\n  /var/lib/countersign and is\n  free",
		15: "listens\n  on\n  /var/lib/countersign\n  and is free",
	} {
		p := Printer{Width: width}
		if got := p.Wrapped(long, 6, 2); got != want {
			t.Errorf("in %d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}
