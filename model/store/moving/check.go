package moving

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"countersign/model/store/database"
)

// Table is what there is of a table, in source and copy alike.
type Table struct {
	Name   string
	Rows   int64
	SHA256 string // of its rows in the form of both, a stretch after the other; hex
}

// Check reads back what has been written since the last Check and compares it with what was read. ErrUnequal names the
// table.
func (m *Mover) Check(ctx context.Context) ([]Table, error) {
	m.done.Store(0)
	var mu sync.Mutex
	found := map[string]Table{}
	err := m.each(ctx, func(ctx context.Context, t *table) error {
		one, err := m.check(ctx, t)
		mu.Lock()
		defer mu.Unlock()
		found[t.name] = one
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Table, 0, len(m.tables))
	for _, t := range m.tables {
		out = append(out, found[t.name])
	}
	return out, nil
}

func (m *Mover) check(ctx context.Context, t *table) (out Table, err error) {
	here, there := sha256.New(), sha256.New()
	out.Name = t.name
	var from []any
	for i := range t.stretches {
		s := &t.stretches[i]
		if s.there == "" && s.quick != "" {
			if s.there, err = m.readBack(ctx, t, from, s.to); err != nil {
				return out, err
			}
		}
		here.Write([]byte(s.sum))
		there.Write([]byte(s.there))
		if s.there != s.sum {
			return out, fmt.Errorf("%w: %s has other rows than were copied", ErrUnequal, t.name)
		}
		out.Rows += s.rows
		m.tell(s.rows)
		from = s.to
	}
	out.SHA256 = hex.EncodeToString(here.Sum(nil))
	if out.SHA256 != hex.EncodeToString(there.Sum(nil)) {
		return out, fmt.Errorf("%w: %s", ErrUnequal, t.name)
	}
	return out, nil
}

// readBack is the sum of a stretch of the copy.
func (m *Mover) readBack(ctx context.Context, t *table, from, to []any) (string, error) {
	h := sha256.New()
	for more := true; more; {
		var rows []row
		err := m.to.View(ctx, func(q *database.Tx) (err error) {
			rows, more, err = m.read(q, t, from, to)
			return err
		})
		if err != nil {
			return "", err
		}
		for _, r := range rows {
			h.Write(r.form)
			from = r.key
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
