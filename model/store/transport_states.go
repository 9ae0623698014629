package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign/model/store/database"
)

type transportState struct {
	account, name string
	state         []byte
}

// TransportStates returns what an account's calls must know again after a restart, by name.
func (s *Store) TransportStates(ctx context.Context, account string) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var name, state string
			err := r.Scan(&name, &state)
			out[name] = []byte(state)
			return err
		}, `SELECT name, state FROM transport_states WHERE account = ?`, account)
	})
	return out, err
}

// SetTransportState replaces one state of an account's calls. It rides with the group commit, and is on disk when it
// returns.
func (s *Store) SetTransportState(ctx context.Context, account, name string, state []byte) error {
	return s.Do(ctx, Unit{Apply: func(b *Batch) error {
		b.transport = append(b.transport, transportState{account, name, state})
		return nil
	}})
}

func (b *Batch) writeTransportStates() error {
	for _, t := range b.transport {
		err := b.q.Exec(putTransportState, t.account, t.name, string(t.state), b.now)
		if err != nil {
			return err
		}
	}
	return nil
}

// TransportStatesNamed returns the states of all accounts that have a name, by account, and the database's time.
func (s *Store) TransportStatesNamed(ctx context.Context, name string) (states map[string][]byte, now time.Time, err error) {
	states, now = map[string][]byte{}, s.now()
	err = s.View(ctx, func(q *database.Tx) error {
		if q.Postgres {
			if err := q.QueryRow(`SELECT clock_timestamp()`).Scan(database.Moment(&now)); err != nil {
				return err
			}
		}
		return q.Each(func(r *sql.Rows) error {
			var account, state string
			err := r.Scan(&account, &state)
			states[account] = []byte(state)
			return err
		}, `SELECT account, state FROM transport_states WHERE name = ?`, name)
	})
	return states, now, err
}

// mostExchanges is how many states are exchanged at a time: the other connections are for callbacks.
const mostExchanges = 3

// ExchangeTransportState turns one state of an account's calls into the next in a transaction of its own. It is on disk
// when it returns. change is given what is there, nil where nothing is, and the database's time, on PostgreSQL while
// other processes wait for the row. It may run several times, and what it returns last is written; nil leaves the state
// as it is.
func (s *Store) ExchangeTransportState(
	ctx context.Context, account, name string, change func(state []byte, now time.Time) []byte,
) error {
	select {
	case s.exchanges <- struct{}{}:
		defer func() { <-s.exchanges }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Change(ctx, func(q *database.Tx) error {
		state, now, err := s.lockTransportState(q, account, name)
		if err != nil {
			return err
		}
		next := change(state, now)
		if next == nil {
			return nil
		}
		return q.Exec(putTransportState, account, name, string(next), s.now())
	})
}

// putTransportState is what replaces a state.
const putTransportState = `INSERT INTO transport_states (account, name, state, updated_at) VALUES (?, ?, ?, ?)
ON CONFLICT (account, name) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`

// lockTransportState reads a state and has other processes wait for it. The time is read once the row is ours.
func (s *Store) lockTransportState(q *database.Tx, account, name string) (state []byte, now time.Time, err error) {
	const row = `SELECT state FROM transport_states WHERE account = ? AND name = ?`
	var text string
	if !q.Postgres {
		err = q.QueryRow(row, account, name).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, s.now(), nil
		}
		return []byte(text), s.now(), err
	}
	const locked = `WITH s AS MATERIALIZED (` + row + ` FOR UPDATE) SELECT state, clock_timestamp() FROM s`
	err = q.QueryRow(locked, account, name).Scan(&text, database.Moment(&now))
	if errors.Is(err, sql.ErrNoRows) {
		err = q.Exec(`INSERT INTO transport_states (account, name, state, updated_at) VALUES (?, ?, '', ?)
ON CONFLICT (account, name) DO NOTHING`, account, name, s.now())
		if err == nil {
			err = q.QueryRow(locked, account, name).Scan(&text, database.Moment(&now))
		}
	}
	if text != "" {
		state = []byte(text)
	}
	return state, now, err
}
