// Package postgres is what only PostgreSQL needs: its form of our statements, its connections.
package postgres

import (
	"strconv"
	"strings"
	"sync"
)

// Texts keeps PostgreSQL's form of each statement. It is safe for concurrent use.
type Texts struct {
	mu   sync.RWMutex
	made map[string]string
}

// mostTexts bounds how many are kept; queries put together from a filter come in many shapes.
const mostTexts = 300

// Of is a statement in PostgreSQL's form.
func (t *Texts) Of(query string) string {
	t.mu.RLock()
	text, ok := t.made[query]
	t.mu.RUnlock()
	if ok {
		return text
	}
	text = rebind(query)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made == nil || len(t.made) >= mostTexts {
		t.made = map[string]string{}
	}
	t.made[query] = text
	return text
}

// rebind turns question marks into PostgreSQL's numbered placeholders. No literal in our SQL has one.
func rebind(query string) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(query); i++ {
		if query[i] != '?' {
			b.WriteByte(query[i])
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}
