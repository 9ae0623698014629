package store

import (
	"database/sql"

	"countersign/model"
)

// StoredVerdict is what became of a callback that was stored before this group; false if there is none. What a
// replay has judged meanwhile may stand on another: it looks here, inside its change.
func (b *Batch) StoredVerdict(id string) (v model.Verdict, ok bool, err error) {
	n, err := callbackNumber(id)
	if err != nil {
		return "", false, nil //nolint:nilerr // an id that is none names no callback
	}
	for _, c := range b.amended {
		if c.n == n && !c.dropped {
			return c.Verdict, true, nil
		}
	}
	err = b.q.each(func(r *sql.Rows) error { ok = true; return r.Scan(&v) }, `SELECT verdict FROM callbacks WHERE n = ?`, n)
	return v, ok, b.fail(err)
}

// Amend writes what a stored callback turned out to be: Ref, DedupeKey, Type, EventID, Verdict, Outcome, Note, Sealed,
// Unproved and Body. When it came, from where and with which headers stays. A dedupe key that another callback holds is
// not taken. The callback must have been stored before this group.
func (b *Batch) Amend(c Packed) {
	n, err := callbackNumber(c.ID)
	if err == nil {
		c, err = b.pack(c)
	}
	if err != nil {
		b.fail(err) //nolint:errcheck // the group is given up and its changes tried alone
		return
	}
	k := DedupeKey{c.Account, c.Ref, c.DedupeKey}
	var was *copyOf
	if c.DedupeKey != "" {
		if id, _, taken := b.Seen(k); taken && id != c.ID {
			c.DedupeKey = ""
		} else {
			was = b.copies[k]
			b.copies[k] = &copyOf{c.ID, c.Verdict}
		}
	}
	add := &stored{Packed: c, n: n}
	b.amended = append(b.amended, add)
	b.undo = append(b.undo, func() {
		add.dropped = true
		if c.DedupeKey != "" {
			b.copies[k] = was
		}
	})
}

func (b *Batch) writeAmended() error {
	for _, c := range b.amended {
		if c.dropped {
			continue
		}
		var key, body any
		if c.DedupeKey != "" {
			key = c.DedupeKey
		}
		if c.body != nil {
			body = c.body
		}
		err := b.q.exec(`UPDATE callbacks SET txn = ?, ref = ?, dedupe_key = ?, type = ?, event_id = ?, verdict = ?, outcome = ?, note = ?, sealed = ?, body = ?, unproved = ? WHERE n = ?`,
			b.number(model.Key{Account: c.Account, Ref: c.Ref}), c.Ref, key, c.Type, c.EventID, string(c.Verdict), string(c.Outcome), c.Note, c.Sealed, body, c.Unproved, c.n)
		if err != nil {
			return err
		}
	}
	return nil
}
