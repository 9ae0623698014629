// Package layout lays out tables, on a terminal of whatever width.
package layout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table is a table without lines. It is shown as such where it fits, and as a block of lines for each row where a
// terminal is too narrow for it: nothing is cut, and a ref stands whole on one line.
type Table struct {
	table.Writer
	heads table.Row
	label func(head string) string // what people read for a heading
	rows  []table.Row
}

// New begins a table, its heads in capitals. label is what people read for a heading.
func New(label func(head string) string, heads ...any) *Table {
	t := &Table{Writer: table.NewWriter(), heads: heads, label: label}
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	if len(heads) > 0 {
		labels := make(table.Row, len(heads))
		for i := range heads {
			labels[i] = label(t.head(i))
		}
		t.AppendHeader(labels)
	}
	return t
}

// AppendRow adds a row.
func (t *Table) AppendRow(row table.Row, _ ...table.RowConfig) {
	t.rows = append(t.rows, row)
	t.Writer.AppendRow(row)
}

// AppendRows adds rows.
func (t *Table) AppendRows(rows []table.Row, _ ...table.RowConfig) {
	for _, r := range rows {
		t.AppendRow(r)
	}
}

// Lines are the lines of a table, without the blanks that fill its last column. Where one is wider than width they are
// those of its blocks; 0 is no bound.
func (t *Table) Lines(width int) []string {
	lines := strings.Split(t.Render(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	if width > 0 && slices.ContainsFunc(lines, func(l string) bool { return columns(l) > width }) {
		return t.blocks(width)
	}
	return lines
}

// columns is how wide s is shown.
func columns(s string) int { return text.StringWidthWithoutEscSequences(s) }

// blocks are the lines of a table that is too wide.
func (t *Table) blocks(width int) (lines []string) {
	for _, row := range t.rows {
		if len(t.heads) == 0 {
			lines = append(lines, t.fact(row, width)...)
			continue
		}
		lead := 0
		for lead < len(row) && names(t.head(lead)) {
			lead++
		}
		block := append(flow(t.parts(row, 0, lead), "    ", width), flow(t.parts(row, lead, len(row)), "    ", width)...)
		if len(block) > 0 {
			block[0] = strings.TrimLeft(block[0], " ")
		}
		lines = append(lines, block...)
	}
	return lines
}

// head is the heading of a column, in small letters.
func (t *Table) head(i int) string {
	if i >= len(t.heads) {
		return ""
	}
	return strings.ToLower(fmt.Sprint(t.heads[i]))
}

// names says whether the column of that heading names what its row is about.
func names(head string) bool {
	return slices.Contains([]string{"account", "ref", "id", "name", "what"}, head)
}

// speaks says whether what stands in the column needs no heading.
func speaks(head string) bool {
	return names(head) || slices.Contains([]string{"status", "flags", "note", "reason", "reason or path", "happened",
		"changes that no callback told", ""}, head)
}

// parts are the cells from a column to another, each with its heading where it needs one; empty ones are left out.
func (t *Table) parts(row table.Row, from, to int) (out []string) {
	for i := from; i < to; i++ {
		cell := fmt.Sprint(row[i])
		if cell == "" {
			continue
		}
		if head := t.head(i); !speaks(head) {
			cell = t.label(head) + " " + cell
		}
		out = append(out, cell)
	}
	return out
}

// flow puts parts on lines, two blanks apart. One that is too long for a line is broken at its blanks.
func flow(parts []string, indent string, width int) (lines []string) {
	line := ""
	end := func() {
		if line != "" {
			lines = append(lines, indent+line)
		}
		line = ""
	}
	for _, part := range parts {
		if line != "" && columns(indent+line)+2+columns(part) > width {
			end()
		}
		if line != "" {
			line += "  "
		}
		for i, word := range strings.Split(part, " ") {
			if i > 0 && columns(indent+line)+1+columns(word) > width {
				end()
			} else if i > 0 {
				line += " "
			}
			line += word
		}
	}
	end()
	return lines
}

// fact is a row of a table without heads: what it is called, and behind that what it is, on as many lines as it takes.
func (t *Table) fact(row table.Row, width int) []string {
	name := 0
	for _, r := range t.rows {
		name = max(name, columns(fmt.Sprint(r[0]))+2)
	}
	var rest []string
	for _, cell := range row[1:] {
		if s := fmt.Sprint(cell); s != "" {
			rest = append(rest, s)
		}
	}
	lines := flow(rest, strings.Repeat(" ", name), width)
	first := fmt.Sprint(row[0])
	if len(lines) == 0 {
		return []string{first}
	}
	lines[0] = first + strings.Repeat(" ", name-columns(first)) + lines[0][name:]
	return lines
}
