package store

import (
	"database/sql"
	"encoding/json"
	"strings"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/terms"
)

// The search index holds the words of rows by the rows' numbers, and nothing else. It is filled behind the one that
// writes, so what it says is checked against the rows, and the few rows that it does not know yet are looked through.

const (
	mergedAtOnce = 16 // pages in one commit: callers wait for it as for a group

	// ascii leaves words as the rule has made them. Segments are merged by hand, a few pages at a time.
	makeIndex = `CREATE VIRTUAL TABLE search USING fts5(words, content='', contentless_delete=1, detail=none, prefix='3', tokenize='ascii');
INSERT INTO search (search, rank) VALUES ('automerge', 0); INSERT INTO search (search, rank) VALUES ('crisismerge', 1000)`
)

// searchIndex says what there is of the index: its table, and a SQLite that can read it.
func searchIndex(q *database.Tx) (there, usable bool, err error) {
	if q.Postgres {
		return true, true, nil
	}
	err = q.QueryRow(`SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'search'),
EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'fts5')`).Scan(&there, &usable)
	return there, usable, err
}

// among is the condition that a column is one of numbers.
func among(q *database.Tx, column string, numbers []int64) (string, any) {
	if q.Postgres {
		return column + " = ANY(?::bigint[])", numbers
	}
	text, err := json.Marshal(numbers)
	if err != nil || numbers == nil {
		text = []byte("[]") // numbers always marshal
	}
	return column + " IN (SELECT value FROM json_each(?))", string(text)
}

// termsOf reads what is searched of rows. Those that are not there are not in it.
func termsOf(q *database.Tx, numbers []int64) (map[int64]*terms.Row, error) {
	rows := make(map[int64]*terms.Row, len(numbers))
	which, arg := among(q, "n", numbers)
	var signed []int64
	err := q.Each(func(r *sql.Rows) error {
		var n, signers int64
		row := &terms.Row{}
		err := r.Scan(&n, &row.Ref, &row.ExternalID, &row.Name, &signers)
		rows[n] = row
		if signers > 0 {
			signed = append(signed, n)
		}
		return err
	}, `SELECT n, ref, external_id, name, signer_rows FROM transactions WHERE `+which, arg)
	if err != nil {
		return nil, err
	}
	if which, arg = among(q, "txn", signed); len(signed) > 0 {
		err = q.Each(func(r *sql.Rows) error {
			var n int64
			var name, email string
			err := r.Scan(&n, &name, &email)
			rows[n].Signers = append(rows[n].Signers, name, email)
			return err
		}, `SELECT txn, name, email FROM signers WHERE `+which, arg)
	}
	return rows, err
}

// putWords writes the words of a row into the index, in place of those that it has.
func putWords(q *database.Tx, n int64, words []string) error {
	if q.Postgres {
		return q.Exec(`INSERT INTO search (n, words) VALUES (?, array_to_tsvector(?::text[]))
ON CONFLICT (n) DO UPDATE SET words = excluded.words`, n, words)
	}
	return q.Exec(`REPLACE INTO search (rowid, words) VALUES (?, ?)`, n, strings.Join(words, " "))
}

// dropWords takes a row out of the index.
func dropWords(q *database.Tx, n int64) error {
	if q.Postgres {
		return q.Exec(`DELETE FROM search WHERE n = ?`, n)
	}
	return q.Exec(`DELETE FROM search WHERE rowid = ?`, n)
}

// searched asks the index for rows beyond one, the newest first or the oldest.
func searched(q *database.Tx, parts []string, oldest bool, beyond int64, limit int) ([]int64, error) {
	table, column, match, glue := "search", "rowid", "search MATCH ?", " AND "
	if q.Postgres {
		column, match, glue = "n", "words @@ ?::tsquery", " & "
	}
	query, order := "SELECT "+column+" FROM "+table+" WHERE "+match, " DESC"
	args := []any{strings.Join(parts, glue)}
	switch {
	case oldest:
		query, order, args = query+" AND "+column+" > ?", "", append(args, beyond)
	case beyond > 0:
		query, args = query+" AND "+column+" < ?", append(args, beyond)
	}
	return numbersOf(q, query+" ORDER BY "+column+order+" LIMIT ?", append(args, limit)...)
}

// beginning is how an index is asked for words that begin so. A word has neither quotes nor spaces.
func beginning(q *database.Tx, word string) string {
	if q.Postgres {
		return "'" + word + "':*"
	}
	return `"` + word + `" *`
}

// queueSearch notes which rows that the index may know have other words now, or are gone.
func (b *Batch) queueSearch() error {
	var numbers []int64
	for _, c := range b.order {
		b.searchable = b.searchable || c.present != c.exists || c.gone
		if c.exists && !c.gone && c.put && otherWords(&c.was, &c.now) { // deleteRows queues those that are gone
			numbers = append(numbers, c.was.n)
		}
	}
	b.searchable = b.searchable || len(numbers) > 0
	return b.s.sql.queueRows.Insert(b.q, len(numbers), func(args []any, i int) []any { return append(args, numbers[i], 1) })
}

const (
	queueRow   = `INSERT INTO search_queue (n, ticket) VALUES (?, 1)` + nextTicket
	queueKey   = `INSERT INTO search_queue (n, ticket) SELECT n, 1 FROM transactions WHERE account = ? AND ref = ?` + nextTicket
	nextTicket = ` ON CONFLICT (n) DO UPDATE SET ticket = search_queue.ticket + 1`
)

// otherWords says whether what is searched of a row differs.
func otherWords(was, now *row) bool {
	if was.Name != now.Name || was.ExternalID != now.ExternalID || len(was.Signers) != len(now.Signers) {
		return true
	}
	for i, g := range now.Signers {
		if o := was.Signers[i]; o.Name != g.Name || o.Email != g.Email {
			return true
		}
	}
	return false
}

// forgetWords takes a transaction's words out of the index. A SQLite that cannot empties the index: the next one that
// can makes it anew.
func forgetWords(q *database.Tx, k model.Key) error {
	if err := q.Exec(queueKey, k.Account, k.Ref); err != nil {
		return err
	}
	there, usable, err := searchIndex(q)
	switch {
	case err != nil || !there:
		return err
	case !usable:
		return emptyIndex(q)
	}
	numbers, err := numbersOf(q, `SELECT n FROM transactions WHERE account = ? AND ref = ?`, k.Account, k.Ref)
	if err != nil || len(numbers) == 0 {
		return err
	}
	if err := dropWords(q, numbers[0]); err != nil {
		return err
	}
	return q.Exec(`UPDATE search_state SET unswept = ?`, !q.Postgres)
}

// emptyIndex empties the tables that FTS5 keeps its index in.
func emptyIndex(q *database.Tx) error {
	for _, part := range []string{"data", "idx", "docsize"} {
		if err := q.Exec(`DELETE FROM search_` + part); err != nil {
			return err
		}
	}
	return q.Exec(`UPDATE search_state SET upto = 0`)
}
