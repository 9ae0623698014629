package store

import (
	"context"
	"database/sql"

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
		err := b.q.Exec(`INSERT INTO transport_states (account, name, state, updated_at) VALUES (?, ?, ?, ?)
ON CONFLICT (account, name) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
			t.account, t.name, string(t.state), b.now)
		if err != nil {
			return err
		}
	}
	return nil
}
