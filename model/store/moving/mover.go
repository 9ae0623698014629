package moving

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"countersign/model/store/database"
	"countersign/model/store/database/handover"
)

// Errors that callers test for.
var (
	ErrNotEmpty  = errors.New("the target is not empty")
	ErrUnequal   = errors.New("source and copy are not the same")
	ErrElsewhere = errors.New("the database was moved already")
)

// Ends are the two databases of a move, opened with database.Options.Mover and of this program's schema.
type Ends struct {
	From, To         *database.DB
	FromName, ToName string // for people, without passwords
	Now              func() time.Time
}

// Mover copies one database into another. Not safe for concurrent use; its caller has database.LockMove of the source.
type Mover struct {
	Ends
	from, to *database.DB
	tables   []*table
	legible  bool // texts are made such as PostgreSQL can hold
	mark     string
	done     atomic.Int64 // rows that this pass has looked at
}

// New looks at both databases.
func New(ctx context.Context, e Ends) (*Mover, error) {
	tables, err := tablesOf(ctx, e.From, e.To)
	if err != nil {
		return nil, err
	}
	return &Mover{Ends: e, from: e.From, to: e.To, tables: tables, legible: e.From.Postgres() || e.To.Postgres()}, nil
}

// Claimed says what Claim has found.
type Claimed int

// What Claim finds.
const (
	Begun   Claimed = iota // the target was empty
	Resumed                // it is the unfinished copy of this source
	Over                   // the source was moved there: only what comes after is left
)

// Claim makes the target this source's copy. ErrNotEmpty where it is anything else, ErrElsewhere where the source was
// moved to another.
func (m *Mover) Claim(ctx context.Context) (Claimed, error) {
	mine, err := standing(ctx, m.from)
	if err != nil {
		return 0, err
	}
	theirs, err := standing(ctx, m.to)
	if err != nil {
		return 0, err
	}
	same := mine.Mark != "" && mine.Mark == theirs.Mark
	m.mark = mine.Mark
	switch {
	case mine.State == handover.Gone && same:
		return Over, nil
	case mine.State == handover.Gone:
		return 0, fmt.Errorf("%w to %s", ErrElsewhere, mine.Other)
	case mine.State == handover.Filling:
		return 0, mine.Refusal()
	case same && theirs.State == handover.Filling:
		return Resumed, m.note(ctx, m.from, handover.Copying, m.ToName)
	case theirs.State != "":
		return 0, fmt.Errorf("%w: it was in a move of its own, with %s", ErrNotEmpty, theirs.Other)
	}
	if err := m.empty(ctx); err != nil {
		return 0, err
	}
	m.mark = rand.Text()
	if err := m.note(ctx, m.from, handover.Copying, m.ToName); err != nil {
		return 0, err
	}
	return Begun, m.note(ctx, m.to, handover.Filling, m.FromName)
}

// empty says whether the target holds nothing but the numbers that each new database has.
func (m *Mover) empty(ctx context.Context) error {
	return m.to.View(ctx, func(q *database.Tx) error {
		for _, t := range m.tables {
			query := `SELECT COUNT(*) FROM (SELECT 1 FROM ` + t.name + ` LIMIT 1) x`
			if t.name == "counters" {
				query = `SELECT COUNT(*) FROM counters WHERE seq > 0 OR version > 0 OR ordinal > 0`
			}
			var n int
			if err := q.QueryRow(query).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				return fmt.Errorf("%w: its table %s has rows", ErrNotEmpty, t.name)
			}
		}
		return nil
	})
}

// Copy copies what has changed since it was last called, while others write. It tells how many rows it wrote or took
// away, and how many there are.
func (m *Mover) Copy(ctx context.Context) (moved, rows int64, err error) {
	var n atomic.Int64
	m.done.Store(0)
	err = m.each(ctx, func(ctx context.Context, t *table) error {
		wrote, err := m.pass(ctx, t)
		n.Add(wrote)
		return err
	})
	for _, t := range m.tables {
		for _, s := range t.stretches {
			rows += s.rows
		}
	}
	return n.Load(), rows, err
}

// Done is how many rows the Copy or Check under way has looked at. Safe for concurrent use.
func (m *Mover) Done() int64 { return m.done.Load() }

func (m *Mover) tell(rows int64) { m.done.Add(rows) }

// Rows counts what there is to copy, by table.
func (m *Mover) Rows(ctx context.Context) (all []Table, err error) {
	err = m.from.View(ctx, func(q *database.Tx) error {
		for _, t := range m.tables {
			one := Table{Name: t.name}
			if err := q.QueryRow(`SELECT COUNT(*) FROM ` + t.name).Scan(&one.Rows); err != nil {
				return err
			}
			all = append(all, one)
		}
		return nil
	})
	return all, err
}

// Switch copies what is left while nobody writes, compares both, and gives the install over: the source is gone, the
// copy may be used. With an error nothing has changed hands.
func (m *Mover) Switch(ctx context.Context) ([]Table, error) {
	var out []Table
	err := m.standstill(ctx, func(ctx context.Context) error {
		for round := 0; ; round++ {
			moved, _, err := m.Copy(ctx)
			if err != nil {
				return err
			}
			if moved == 0 {
				break
			}
			if round == mostRounds {
				return fmt.Errorf("%w: rows differ that were copied while nobody wrote", ErrUnequal)
			}
		}
		var err error
		out, err = m.Check(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, m.Finish(ctx)
}

// mostRounds is how often the last copy may find a row that is in another's way.
const mostRounds = 4

// Finish lets the copy be used, of a source that is gone.
func (m *Mover) Finish(ctx context.Context) error {
	return m.note(ctx, m.to, handover.Whole, m.FromName)
}
