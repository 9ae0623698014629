package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/seal"
)

// copyOf is the stored callback that has a dedupe key.
type copyOf struct {
	id      string
	verdict model.Verdict
}

// stored is a callback that this group adds.
type stored struct {
	Packed
	n int64
}

// Packed is a callback with its body and headers as they rest, which Pack makes. One that is made by hand
// (Packed{Callback: c}) is packed when its group is written.
type Packed struct {
	model.Callback
	rested []byte           // headers and body, compressed, a refused one's encrypted; nil without any
	by     *seal.Dictionary // what rested is compressed by; nil: by none
	done   bool
}

// callbackID is the text of a callback's number: as long for each, so that text sorts as time does.
func callbackID(n int64) string { return fmt.Sprintf("c%012d", n) }

func callbackNumber(id string) (int64, error) {
	if len(id) < 2 || id[0] != 'c' {
		return 0, fmt.Errorf("callback %q: %w", id, ErrNoRow)
	}
	n, err := strconv.ParseInt(id[1:], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("callback %q: %w", id, ErrNoRow)
	}
	return n, nil
}

// id makes an id of ours: a letter for what it names and the next number.
func (b *Batch) id(letter string) string {
	b.counters.ordinal++
	return fmt.Sprintf("%s%012d", letter, b.counters.ordinal)
}

// Pack does the part of storing a callback that needs no database: compressing and, for a refused
// one, encrypting. Callers that are many do it before Do, beside the one that writes.
func (s *Store) Pack(c model.Callback) (Packed, error) {
	p := Packed{Callback: c, done: true}
	p.Sealed = p.Sealed || p.Verdict == model.Refused
	scratch, _ := s.scratches.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	defer s.scratches.Put(scratch)
	all, err := content((*scratch)[:0], p.Headers, p.Body)
	if err == nil && len(all) > 0 {
		p.by = s.dictionaryFor(&c, all)
		p.rested, err = s.box.PackBy(p.by, all, p.Sealed, "callback "+p.Account)
	}
	if err != nil {
		return Packed{}, err
	}
	if cap(all) <= largestScratch {
		*scratch = all
	}
	return p, nil
}

// largestScratch is the most bytes that are kept to be written into again.
const largestScratch = 64 << 10

// pack packs a callback that Pack has not.
func (b *Batch) pack(p Packed) (Packed, error) {
	if p.done {
		return p, nil
	}
	return b.s.Pack(p.Callback)
}

func (b *Batch) fetchCopies(keys []DedupeKey) error {
	if len(keys) == 0 {
		return nil
	}
	scan := func(r *sql.Rows) error {
		var k DedupeKey
		var n int64
		var c copyOf
		err := r.Scan(&k.Account, &k.Ref, RestedHex{&k.Key}, &n, &c.verdict)
		c.id = callbackID(n)
		b.copies[k] = &c
		return err
	}
	var numbers []int64
	var ofRow []int
	var accounts, refs, loose []string
	for i, k := range keys {
		accounts, refs, loose = append(accounts, k.Account), append(refs, k.Ref), append(loose, k.Key)
		if c := b.rows[model.Key{Account: k.Account, Ref: k.Ref}]; c != nil && c.exists {
			numbers, ofRow = append(numbers, c.was.n), append(ofRow, i)
		}
	}
	if b.q.Postgres {
		mine := make([]string, len(ofRow))
		for i, k := range ofRow {
			mine[i] = loose[k]
		}
		return b.q.Each(scan, b.s.sql.pgCopies, numbers, mine, accounts, refs, loose)
	}
	rested := make([]any, len(keys))
	for i, k := range loose {
		rested[i] = HexAtRest(false, k)
	}
	err := b.s.sql.copies.Find(b.q, len(numbers),
		func(args []any, i int) []any { return append(args, numbers[i], rested[ofRow[i]]) }, scan)
	if err != nil {
		return err
	}
	return b.s.sql.loose.Find(b.q, len(keys),
		func(args []any, i int) []any { return append(args, accounts[i], refs[i], rested[i]) }, scan)
}

// Seen returns the callback that has a dedupe key, including those of this group.
func (b *Batch) Seen(k DedupeKey) (callbackID string, verdict model.Verdict, ok bool) {
	c, known := b.copies[k]
	if !known && k.Key != "" {
		b.copies[k] = nil
		b.entry(model.Key{Account: k.Account, Ref: k.Ref})
		b.fail(b.fetchCopies([]DedupeKey{k})) //nolint:errcheck // the group is given up
		c = b.copies[k]
	}
	if c == nil {
		return "", "", false
	}
	return c.id, c.verdict, true
}

// ReleaseDedupe takes a dedupe key from the callback that has it, so that its next copy is accepted.
func (b *Batch) ReleaseDedupe(k DedupeKey) {
	id, _, ok := b.Seen(k)
	if !ok {
		return
	}
	b.copies[k] = nil
	if mine := b.byID[id]; mine != nil {
		mine.DedupeKey = ""
		return
	}
	b.released = append(b.released, k)
}

// AddCallback stores a callback and returns its id. If another callback has its dedupe key already, that one keeps the
// key.
func (b *Batch) AddCallback(c Packed) string {
	c, err := b.pack(c)
	if err != nil {
		b.fail(err) //nolint:errcheck // the group is given up and its changes tried alone
		return ""
	}
	k := DedupeKey{c.Account, c.Ref, c.DedupeKey}
	if c.DedupeKey != "" {
		if _, _, taken := b.Seen(k); taken {
			c.DedupeKey = ""
		}
	}
	b.counters.ordinal++
	add := &stored{Packed: c, n: b.counters.ordinal}
	add.ID = callbackID(add.n)
	b.callbacks = append(b.callbacks, add)
	b.byID[add.ID] = add
	if c.DedupeKey != "" {
		b.copies[k] = &copyOf{add.ID, c.Verdict}
	}
	return add.ID
}

// SetOutcome writes the outcome of a callback.
func (b *Batch) SetOutcome(id string, o model.Outcome) {
	if mine := b.byID[id]; mine != nil {
		mine.Outcome = o
		return
	}
	b.outcomes[id] = o
}

// SetOutcomes writes one outcome for all accepted callbacks of a row.
func (b *Batch) SetOutcomes(k model.Key, o model.Outcome) {
	for _, c := range b.callbacks {
		if c.Account == k.Account && c.Ref == k.Ref && c.Verdict == model.Accepted {
			b.SetOutcome(c.ID, o)
		}
	}
	if b.rowOutcomes == nil {
		b.rowOutcomes = map[model.Key]model.Outcome{}
	}
	b.rowOutcomes[k] = o
}

// Called returns the callbacks that named a row after since, including those of this group; all of them if since is
// nil. Of callbacks with the same type, verdict and proof it returns only the newest.
func (b *Batch) Called(k model.Key, since *time.Time) ([]model.Called, error) {
	w := database.Where{}
	w.Add("verdict IN ('accepted', 'refused') AND outcome <> 'ignored'") // a duplicate reports nothing new
	if since != nil {
		w.Add("at > ?", *since)
	}
	query, args := callbacksOf("type, verdict, unproved, at, n", k, w, "n")
	query = "SELECT type, verdict, unproved, MAX(at) FROM (" + query + ") c GROUP BY type, verdict, unproved" +
		" ORDER BY verdict, unproved, type LIMIT 1000" // refused ones come last, since there may be a flood of them
	var out []model.Called
	err := b.q.Each(func(r *sql.Rows) error {
		var c model.Called
		var v model.Verdict
		err := r.Scan(&c.Type, &v, &c.Unproved, database.Moment(&c.At))
		c.Refused = v == model.Refused
		out = append(out, c)
		return err
	}, query, args...)
	if err != nil {
		return nil, b.fail(err)
	}
	for _, c := range b.callbacks {
		if c.Account == k.Account && c.Ref == k.Ref && c.MayExplain() && (since == nil || c.At.After(*since)) {
			out = append(out, model.Called{Type: c.Type, At: c.At, Refused: c.Verdict == model.Refused, Unproved: c.Unproved})
		}
	}
	return out, nil
}

func (b *Batch) releaseCopies() error {
	for _, k := range b.released {
		for _, query := range []string{
			`UPDATE callbacks SET dedupe_key = NULL WHERE txn = (SELECT n FROM transactions WHERE account = ? AND ref = ?) AND dedupe_key = ?`,
			`UPDATE callbacks SET dedupe_key = NULL WHERE txn IS NULL AND account = ? AND ref = ? AND dedupe_key = ?`,
		} {
			if err := b.q.Exec(query, k.Account, k.Ref, HexAtRest(b.q.Postgres, k.Key)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Batch) writeCallbacks() error {
	return b.s.sql.addCallbacks.Insert(b.q, len(b.callbacks), func(args []any, i int) []any {
		c := b.callbacks[i]
		key, body := c.atRest(b.q.Postgres)
		return append(args, c.n, b.number(model.Key{Account: c.Account, Ref: c.Ref}), c.Account, c.Ref, key, c.Type,
			c.EventID, string(c.Verdict), string(c.Outcome), c.Note, c.At, c.RemoteAddr,
			HexAtRest(b.q.Postgres, c.BodyHash), c.Sealed, body, c.Unproved)
	})
}

// atRest are the dedupe key and the body as they are written: nil where there is none.
func (c *stored) atRest(pg bool) (key, body any) {
	if c.DedupeKey != "" {
		key = HexAtRest(pg, c.DedupeKey)
	}
	if c.rested != nil {
		body = c.rested
	}
	return key, body
}

func (b *Batch) writeOutcomes() error {
	for id, o := range b.outcomes {
		n, err := callbackNumber(id)
		if err != nil {
			continue
		}
		if err := b.q.Exec(`UPDATE callbacks SET outcome = ? WHERE n = ?`, string(o), n); err != nil {
			return err
		}
	}
	for k, o := range b.rowOutcomes {
		for _, query := range []string{
			`UPDATE callbacks SET outcome = ? WHERE txn = (SELECT n FROM transactions WHERE account = ? AND ref = ?) AND verdict = 'accepted' AND n <= ?`,
			`UPDATE callbacks SET outcome = ? WHERE txn IS NULL AND account = ? AND ref = ? AND verdict = 'accepted' AND n <= ?`,
		} {
			if err := b.q.Exec(query, string(o), k.Account, k.Ref, b.began.ordinal); err != nil {
				return err
			}
		}
	}
	return nil
}

// StoredVerdict returns the verdict of a callback stored before this group; false if there is none. A replay reads it
// inside its change, since another replay may have changed it meanwhile.
func (b *Batch) StoredVerdict(id string) (v model.Verdict, ok bool, err error) {
	n, err := callbackNumber(id)
	if err != nil {
		return "", false, nil //nolint:nilerr // an id that is none names no callback
	}
	for _, c := range b.amended {
		if c.n == n {
			return c.Verdict, true, nil
		}
	}
	err = b.q.Each(func(r *sql.Rows) error { ok = true; return r.Scan(&v) }, `SELECT verdict FROM callbacks WHERE n = ?`,
		n)
	return v, ok, b.fail(err)
}

// Amend rewrites the content of a stored callback: Ref, DedupeKey, Type, EventID, Verdict, Outcome, Note, Sealed,
// Unproved and Body. Its time, sender and headers stay. A dedupe key that another callback has is not taken over. The
// callback must have been stored before this group.
func (b *Batch) Amend(c Packed) {
	n, err := callbackNumber(c.ID)
	if err == nil {
		c.Headers, err = b.headers(n)
	}
	if err == nil {
		c, err = b.s.Pack(c.Callback)
	}
	if err != nil {
		b.fail(err) //nolint:errcheck // the group is given up and its changes tried alone
		return
	}
	k := DedupeKey{c.Account, c.Ref, c.DedupeKey}
	if c.DedupeKey != "" {
		if id, _, taken := b.Seen(k); taken && id != c.ID {
			c.DedupeKey = ""
		} else {
			b.copies[k] = &copyOf{c.ID, c.Verdict}
		}
	}
	b.amended = append(b.amended, &stored{Packed: c, n: n})
}

// headers are those of a stored callback. Where they cannot be read, with another key or taken by retention, there are
// none.
func (b *Batch) headers(n int64) (headers map[string]string, err error) {
	err = b.q.Each(func(r *sql.Rows) error {
		c, packed, err := scanCallback(r, true)
		if err != nil {
			return err
		}
		headers, _, err = b.s.unpack(packed, c.Account)
		if errors.Is(err, ErrKey) {
			err = nil
		}
		return err
	}, "SELECT "+callbackColumns+", body FROM callbacks WHERE n = ?", n)
	return headers, err
}

func (b *Batch) writeAmended() error {
	for _, c := range b.amended {
		if err := b.moves(c); err != nil {
			return err
		}
		key, body := c.atRest(b.q.Postgres)
		err := b.q.Exec(`UPDATE callbacks SET txn = ?, ref = ?, dedupe_key = ?, type = ?, event_id = ?, verdict = ?, outcome = ?, note = ?, sealed = ?, body = ?, unproved = ? WHERE n = ?`,
			b.number(model.Key{Account: c.Account, Ref: c.Ref}), c.Ref, key, c.Type, c.EventID, string(c.Verdict),
			string(c.Outcome), c.Note, c.Sealed, body, c.Unproved, c.n)
		if err != nil {
			return err
		}
	}
	return nil
}
