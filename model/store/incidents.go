package store

import (
	"context"
	"database/sql"

	"countersign/model"
	"countersign/model/store/database"
)

type incidentKey struct{ account, kind string }

// incidentEntry is the open incident of a kind, if any, and those that this group has closed.
type incidentEntry struct {
	open   *model.Incident
	put    bool
	closed []model.Incident
}

// incident returns the entry of a kind. The open ones of an account are fetched together: each accepted callback
// asks for two of them.
func (b *Batch) incident(k incidentKey) (*incidentEntry, error) {
	if !b.watched[k.account] {
		found, ok := b.known.incidents[k.account]
		if !ok {
			var err error
			if found, err = openIncidents(b.q, k.account); err != nil {
				return nil, b.fail(err)
			}
		}
		if b.incidents == nil {
			b.incidents, b.watched = map[incidentKey]*incidentEntry{}, map[string]bool{}
		}
		for i := range found {
			open := found[i]
			b.incidents[incidentKey{k.account, open.Kind}] = &incidentEntry{open: &open}
		}
		b.watched[k.account] = true
	}
	e := b.incidents[k]
	if e == nil {
		e = &incidentEntry{}
		b.incidents[k] = e
	}
	return e, nil
}

// openIncidents reads the open ones of an account.
func openIncidents(q *database.Tx, account string) (found []model.Incident, err error) {
	err = q.Each(func(r *sql.Rows) error {
		i := model.Incident{Account: account}
		err := r.Scan(&i.ID, &i.Kind, &i.Message, database.Moment(&i.OpenedAt))
		found = append(found, i)
		return err
	}, `SELECT id, kind, message, opened_at FROM incidents WHERE account = ? AND closed_at IS NULL`, account)
	return found, err
}

// OpenIncident opens an incident, with an announced change, unless one of its kind is open.
func (b *Batch) OpenIncident(account, kind, message string) (opened bool, err error) {
	e, err := b.incident(incidentKey{account, kind})
	if err != nil || e.open != nil {
		return false, err
	}
	e.open, e.put = &model.Incident{ID: b.id("i"), Account: account, Kind: kind, Message: message, OpenedAt: b.now}, true
	b.AddChange(model.Change{Account: account, Kind: model.KindIncident, To: kind, Source: "incident", At: b.now,
		Announce: true})
	return true, nil
}

// CloseIncident closes the open incident of a kind, with an announced change.
func (b *Batch) CloseIncident(account, kind string) (closed bool, err error) {
	e, err := b.incident(incidentKey{account, kind})
	if err != nil || e.open == nil {
		return false, err
	}
	done, now := *e.open, b.now
	done.ClosedAt = &now
	e.closed = append(e.closed, done)
	e.open, e.put = nil, false
	b.AddChange(model.Change{Account: account, Kind: model.KindIncident, From: kind, Source: "incident", At: b.now,
		Announce: true})
	return true, nil
}

func (b *Batch) writeIncidents() error {
	var closed, open []model.Incident
	for _, e := range b.incidents {
		closed = append(closed, e.closed...)
		if e.put {
			open = append(open, *e.open)
		}
	}
	for _, list := range [][]model.Incident{closed, open} { // a closed one first: one of a kind may be open
		if len(list) == 0 {
			continue
		}
		if err := b.q.Save(&list); err != nil {
			return err
		}
	}
	return nil
}

// Incidents lists incidents, the newest first.
func (s *Store) Incidents(ctx context.Context, openOnly bool) (out []model.Incident, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		w := database.Where{}
		if openOnly {
			w.Add("closed_at IS NULL")
		}
		return q.Find(&out, `SELECT * FROM incidents`+w.SQL()+` ORDER BY opened_at DESC, id DESC`)
	})
	return out, err
}
