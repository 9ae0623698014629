package output

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"countersign/cmd/countersign/output/layout"
	"countersign/worker/console/objects"
)

// Printer writes what a verb says: tables cut to a terminal for people, JSON for programs.
type Printer struct {
	Speech
	Stdout, Stderr io.Writer
	Now            func() time.Time // "3 min ago" counts from here

	Terminal bool // stdout is one: long cells are cut to what a person reads
	Width    int  // the columns of the terminal, as it began; 0: no bound
	Colour   bool
}

// NewPrinter looks at the streams and the environment for what they can show.
func NewPrinter(stdout, stderr io.Writer, now func() time.Time, lookup func(string) (string, bool)) Printer {
	terminal := IsTerminal(stdout)
	return Printer{
		Stdout: stdout, Stderr: stderr, Now: now,
		Terminal: terminal, Width: width(stdout), Colour: terminal && WantsColour(lookup),
	}
}

// width is how many columns the terminal w has; 0 where it is none, or does not say.
func width(w io.Writer) int {
	f, ok := file(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// file is the file that w writes to. A writer that queues for another says with Unwrap for which.
func file(w io.Writer) (*os.File, bool) {
	if q, ok := w.(interface{ Unwrap() io.Writer }); ok {
		w = q.Unwrap()
	}
	f, ok := w.(*os.File)
	return f, ok
}

// IsTerminal says whether a person reads w as it is written.
func IsTerminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// WantsColour obeys NO_COLOR (no-color.org) and terminals that can do nothing.
func WantsColour(lookup func(string) (string, bool)) bool {
	if v, ok := lookup("NO_COLOR"); ok && v != "" {
		return false
	}
	v, _ := lookup("TERM")
	return v != "dumb"
}

const oneDay = 24 * time.Hour

// StampLayout is how times stand in JSON: RFC 3339, UTC, milliseconds.
const StampLayout = "2006-01-02T15:04:05.000Z"

// stamp is a time in JSON; null where there is none.
type stamp struct{ at *time.Time }

// MarshalJSON writes the time.
func (s stamp) MarshalJSON() ([]byte, error) {
	if s.at == nil || s.at.IsZero() {
		return []byte("null"), nil
	}
	return []byte(s.at.UTC().Format(`"` + StampLayout + `"`)), nil
}

// StampOf is a time as it stands in JSON.
func StampOf(t time.Time) stamp { return stamp{&t} }

// jsonLines writes one object a line.
type jsonLines struct{ to *json.Encoder }

// JSONLines returns a writer of objects, one a line.
func (p *Printer) JSONLines() jsonLines {
	e := json.NewEncoder(p.Stdout)
	e.SetEscapeHTML(false)
	return jsonLines{e}
}

func (j jsonLines) Write(object any) error { return j.to.Encode(object) }

// Table begins a table, its heads in capitals.
func (p *Printer) Table(heads ...any) *layout.Table { return layout.New(p.Name, heads...) }

// Print writes a table, as it fits the terminal.
func (p *Printer) Print(t *layout.Table) error {
	_, err := fmt.Fprintln(p.Stdout, strings.Join(t.Lines(p.Width), "\n"))
	return err
}

// Printf writes to stdout.
func (p *Printer) Printf(format string, args ...any) error {
	_, err := fmt.Fprintf(p.Stdout, format, args...)
	return err
}

// The colours that mean something.
const (
	Good = text.FgGreen
	Dull = text.Faint
	Warn = text.FgYellow
	Bad  = text.FgRed
)

// Paint colours s where there is a terminal that shows it.
func (p *Printer) Paint(c text.Color, s string) string {
	if !p.Colour || s == "" {
		return s
	}
	return c.EscapeSeq() + s + text.Reset.EscapeSeq()
}

// Plain makes what providers and senders wrote safe for a terminal: one line, no escape codes.
func Plain(s string) string { return objects.Plain(s) }

// Short is plain and cut to n columns; what was cut ends in "…".
func Short(s string, n int) string {
	s = Plain(s)
	if text.StringWidthWithoutEscSequences(s) <= n {
		return s
	}
	return text.Trim(s, n-1) + "…"
}

// Cell is plain, and cut to n columns where a terminal shows it. What goes into a file or a pipe is whole.
func (p *Printer) Cell(s string, n int) string {
	if p.Terminal {
		return Short(s, n)
	}
	return Plain(s)
}

// Wrapped is plain and broken between words where a terminal's line ends. The first line begins behind so many columns,
// the others that many spaces in. A word is never broken, so that a path or a command can be copied.
func (p *Printer) Wrapped(s string, behind, in int) string {
	s = Plain(s)
	if p.Width == 0 {
		return s
	}
	var b strings.Builder
	at, first := behind, true
	for _, word := range strings.Fields(s) {
		n := text.StringWidthWithoutEscSequences(word)
		switch {
		case first:
		case at+1+n > p.Width:
			b.WriteString("\n" + strings.Repeat(" ", in))
			at = in
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at, first = at+n, false
	}
	return b.String()
}
