package database

import (
	"strings"

	"countersign/model/store/database/values"
)

// Where puts conditions together. The zero value is none.
type Where struct {
	Parts []string
	Args  []any
}

// Add adds a condition with the values of its question marks.
func (w *Where) Add(part string, args ...any) {
	w.Parts = append(w.Parts, part)
	w.Args = append(w.Args, args...)
}

// Text adds a condition unless its value is empty.
func (w *Where) Text(part, value string) {
	if value != "" {
		w.Add(part, value)
	}
}

// In adds a condition on a set of words, unless it is empty.
func (w *Where) In(column string, words []string) {
	if len(words) == 0 {
		return
	}
	args := make([]any, len(words))
	for i, v := range words {
		args[i] = v
	}
	w.Add(column+" IN "+values.Rows(1, len(words)), args...)
}

// SQL is the WHERE clause; "" without conditions.
func (w *Where) SQL() string {
	if len(w.Parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.Parts, " AND ")
}
