package moving

import (
	"context"
	"errors"
	"maps"
	"slices"

	"countersign/model/store/database"
	"countersign/model/store/database/handover"
)

// standing says how a database stands in a move.
func standing(ctx context.Context, d *database.DB) (r handover.Row, err error) {
	err = d.View(ctx, func(q *database.Tx) error { r, err = handover.Read(q); return err })
	return r, err
}

// note writes down how a database stands in this move.
func (m *Mover) note(ctx context.Context, d *database.DB, state handover.State, other string) error {
	return d.Change(ctx, func(q *database.Tx) error {
		return handover.Write(q, handover.Row{State: state, Mark: m.mark, Other: other, At: m.Now()})
	})
}

// standstill lets nobody else write to the source while f runs, and nobody ever after where f returns nil: it is gone
// then. Who reads goes on. It ends with this process, however that ends, since LockMove and PostgreSQL's locks do.
func (m *Mover) standstill(ctx context.Context, f func(context.Context) error) error {
	if m.from.Postgres() {
		return m.standPostgres(ctx, f)
	}
	if err := m.note(ctx, m.from, handover.Still, m.ToName); err != nil {
		return err
	}
	if err := f(ctx); err != nil {
		return errors.Join(err, m.note(context.WithoutCancel(ctx), m.from, handover.Copying, m.ToName))
	}
	return m.note(ctx, m.from, handover.Gone, m.ToName)
}

// standPostgres locks the tables in a transaction, whose last act is to fence them.
func (m *Mover) standPostgres(ctx context.Context, f func(context.Context) error) error {
	names := make([]string, len(m.tables))
	for i, t := range m.tables {
		names[i] = t.name
	}
	var failed error
	err := m.from.Write(ctx, func(q *database.Tx) error {
		tx, err := q.Raw()
		if err == nil {
			err = handover.Lock(ctx, tx, names)
		}
		if err != nil {
			return err
		}
		if failed = f(ctx); failed != nil {
			return errFailed
		}
		err = handover.Write(q, handover.Row{State: handover.Gone, Mark: m.mark, Other: m.ToName, At: m.Now()})
		if err == nil {
			tx, err = q.Raw()
		}
		if err != nil {
			return err
		}
		return handover.Fence(ctx, tx, names)
	})
	if errors.Is(err, errFailed) {
		return failed
	}
	return err
}

// errFailed gives up a transaction, which is not to be tried again.
var errFailed = errors.New("the last copy failed")

// Reopen makes a source that is gone the install again, and returns the name of where it had gone.
func Reopen(ctx context.Context, d *database.DB) (string, error) {
	is, err := standing(ctx, d)
	if err != nil {
		return "", err
	}
	if is.State != handover.Gone {
		return "", errors.New("the database was not moved away")
	}
	all, err := shapesOf(ctx, d)
	if err != nil {
		return "", err
	}
	return is.Other, d.Change(ctx, func(q *database.Tx) error {
		if d.Postgres() {
			tx, err := q.Raw()
			if err == nil {
				err = handover.Unfence(ctx, tx, slices.Sorted(maps.Keys(all)))
			}
			if err != nil {
				return err
			}
		}
		return handover.Write(q, handover.Row{})
	})
}
