package store

import "strings"

// where puts conditions together.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(part string, args ...any) {
	w.parts = append(w.parts, part)
	w.args = append(w.args, args...)
}

// text adds a condition unless its value is empty.
func (w *where) text(part, value string) {
	if value != "" {
		w.add(part, value)
	}
}

// in adds a condition on a set of words, unless it is empty.
func (w *where) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.add(column+" IN "+rowsOf(1, len(values)), args...)
}

func (w *where) sql() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}
