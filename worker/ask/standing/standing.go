// Package standing remembers what the database says of how accounts do: verbs run in processes of their own and know
// only that.
package standing

import (
	"sync"
	"time"
)

// Standing is how an account does, as far as it is written down.
type Standing struct {
	Fault string    // why its last question failed
	At    time.Time // when that was
	Rests time.Time // no question before
	Reach string    // whose transactions its lists show
}

// Table has the standings of all accounts. The zero Table is empty. It is safe for concurrent use.
type Table struct {
	mu sync.Mutex
	of map[string]Standing
}

// Get returns an account's.
func (t *Table) Get(account string) Standing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of[account]
}

// Set replaces an account's.
func (t *Table) Set(account string, is Standing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]Standing{}
	}
	t.of[account] = is
}
