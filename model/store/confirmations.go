package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// An answer that changes nothing of a row is not written into the row. When it came, and when it was asked for, stand
// in the table of confirmations: 64 rows' times, by their numbers, in one value. A row's own times count where they are
// later, and alone where the row does not rest: whatever ends its rest has read those times, and writes them into
// it. See docs/decisions/0033-unchanged-rows-are-not-written.md.

const (
	blockRows = 64 // rows to a block
	timeWidth = 13 // digits of a time, milliseconds since 1970
	rowWidth  = 2 * timeWidth
)

// confirmationsOf joins the confirmations of rows t.
const confirmationsOf = ` LEFT JOIN confirmations c ON c.block = t.n / 64`

// confirmedTime is when the newest answer about a row t came, and askedTime when it was asked for.
func confirmedTime(pg bool) string { return newerTime(pg, "confirmed_at", 1) }

func askedTime(pg bool) string { return newerTime(pg, "asked_at", 1+timeWidth) }

func newerTime(pg bool, own string, from int) string {
	at := fmt.Sprintf("CAST(substr(c.times, CAST(%d + t.n %% %d * %d AS INTEGER), %d) AS BIGINT)", from, blockRows,
		rowWidth, timeWidth)
	newer := "MAX(t." + own + ", " + at + ")"
	if pg {
		newer = "GREATEST(t." + own + ", to_timestamp(" + at + " / 1000.0))"
	}
	return "CASE WHEN t.rest = 0 OR c.times IS NULL THEN t." + own + " ELSE " + newer + " END"
}

// Said is an answer that may leave a row as it is; see model.Observation.Unchanged. Without a ref it does not.
type Said struct {
	Ref         string
	Print       string
	Least, Most model.Rest
	Version     int64     // the newest one when the question was sent
	At, AskedAt time.Time // when the answer came, and when it was asked for
}

// Confirmation is of a row that an answer has left as it is.
type Confirmation struct {
	n         int64 // the row's number; 0: there is no such row, or the answer has to be decided
	at, asked time.Time
}

// Found reports whether there is a row that the answer leaves as it is.
func (c Confirmation) Found() bool { return c.n != 0 }

// Resting finds the rows of an account that answers leave as they are, in one read. The result is in the order of said.
func (s *Store) Resting(ctx context.Context, account string, said []Said) ([]Confirmation, error) {
	out := make([]Confirmation, len(said))
	err := s.View(ctx, func(q *database.Tx) error {
		from := 0
		for some := range slices.Chunk(said, mostResting) {
			text, err := s.resting(q, account, some)
			if err != nil {
				return err
			}
			restingOf(text, some, out[from:])
			from += len(some)
		}
		return nil
	})
	return out, err
}

const (
	mostResting = 256
	recordEnd   = "\x1e"
)

// resting returns "NUMBER VERSION REST FINGERPRINT REF", one after the other, of the rows that rest. It leaves out those
// that a hint waits for, or that were confirmed after the answers came, as far as our clock, set back, can tell.
func (s *Store) resting(q *database.Tx, account string, said []Said) (string, error) {
	var at, asked time.Time
	for _, a := range said {
		if a.Ref != "" {
			at, asked = earlier(at, a.At), earlier(asked, a.AskedAt)
		}
	}
	if at.IsZero() {
		return "", nil
	}
	var text sql.NullString
	if q.Postgres {
		refs := make([]string, len(said))
		for i, a := range said {
			refs[i] = a.Ref
		}
		err := q.QueryRow(restingPostgres, account, refs, asked, at).Scan(&text)
		return text.String, err
	}
	size := 1
	for size < len(said) {
		size *= 2
	}
	args := make([]any, 0, size+3)
	args = append(args, account)
	for i := range size {
		args = append(args, said[min(i, len(said)-1)].Ref)
	}
	err := q.QueryRow(s.sql.resting[size], append(args, asked, at)...).Scan(&text)
	return text.String, err
}

const (
	restingColumns = `t.n || ' ' || t.version || ' ' || t.rest || ' ' || t.fingerprint || ' ' || t.ref`
	restingWhere   = ` AND t.rest <> 0 AND (t.hinted_at IS NULL OR t.hinted_at <= ?) AND t.confirmed_at <= ?`

	restingPostgres = `SELECT string_agg(` + restingColumns + `, chr(30)) FROM transactions t WHERE t.account = ?` +
		` AND t.ref = ANY(?::text[])` + restingWhere
)

// restingSQLite is the query for each size. One text of all rows takes the driver a fraction of what rows would.
func restingSQLite() map[int]string {
	out := map[int]string{}
	for n := 1; n <= mostResting; n *= 2 {
		out[n] = `SELECT group_concat(` + restingColumns + `, char(30)) FROM transactions t WHERE t.account = ? AND t.ref IN (?` +
			strings.Repeat(",?", n-1) + `)` + restingWhere
	}
	return out
}

// restingOf finds the answers that leave a row as it is. A ref that holds our separator is not found, and decided.
func restingOf(text string, said []Said, out []Confirmation) {
	type row struct {
		print, rest, version string
		n                    int64
	}
	rows := make(map[string]row, len(said))
	for record := range strings.SplitSeq(text, recordEnd) {
		f := strings.SplitN(record, " ", 5)
		if len(f) < 5 {
			continue
		}
		if n, err := strconv.ParseInt(f[0], 10, 64); err == nil {
			rows[f[4]] = row{n: n, version: f[1], rest: f[2], print: f[3]}
		}
	}
	for i, a := range said {
		r, ok := rows[a.Ref]
		if !ok || r.print != a.Print || a.Ref == "" {
			continue
		}
		version, err := strconv.ParseInt(r.version, 10, 64)
		rest, wrong := strconv.Atoi(r.rest)
		is := model.Rest(rest)
		if err == nil && wrong == nil && version <= a.Version && a.Least <= is && is <= a.Most {
			out[i] = Confirmation{r.n, a.At, a.AskedAt}
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// Confirm notes that answers have left rows as they are.
func (b *Batch) Confirm(list []Confirmation) { b.confirmations = append(b.confirmations, list...) }

// writeConfirmations writes the blocks in which times have changed.
func (b *Batch) writeConfirmations() error {
	blocks := map[int64][]byte{}
	b.setBack()
	for _, c := range b.confirmations {
		if c.Found() {
			blocks[c.n/blockRows] = nil
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	numbers := make([]int64, 0, len(blocks))
	for n := range blocks {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	if err := b.readBlocks(numbers, blocks); err != nil {
		return err
	}
	for _, c := range b.confirmations {
		if !c.Found() {
			continue
		}
		text := blocks[c.n/blockRows][c.n%blockRows*rowWidth:]
		copy(text[:rowWidth], fmt.Appendf(nil, "%0*d%0*d", timeWidth, c.at.UnixMilli(), timeWidth, c.asked.UnixMilli()))
	}
	return b.s.sql.addBlocks.Insert(b.q, len(numbers), func(args []any, i int) []any {
		var times any = blocks[numbers[i]]
		if b.q.Postgres {
			times = string(blocks[numbers[i]])
		}
		return append(args, numbers[i], times)
	})
}

// readBlocks fills blocks with what is in the table, or with rows that were never confirmed so.
func (b *Batch) readBlocks(numbers []int64, blocks map[int64][]byte) error {
	scan := func(r *sql.Rows) error {
		var n int64
		var times []byte
		err := r.Scan(&n, &times)
		if len(times) == blockRows*rowWidth {
			blocks[n] = times
		}
		return err
	}
	var err error
	if b.q.Postgres {
		err = b.q.Each(scan, `SELECT block, times FROM confirmations WHERE block = ANY(?::bigint[])`, numbers)
	} else {
		err = b.s.sql.blocks.Find(b.q, len(numbers), func(args []any, i int) []any { return append(args, numbers[i]) }, scan)
	}
	for n, times := range blocks {
		if times == nil {
			blocks[n] = []byte(strings.Repeat("0", blockRows*rowWidth))
		}
	}
	return err
}

// setBack takes back what is noted of rows that were confirmed anew by a clock that was set back: the row's own time
// is the one to go by.
func (b *Batch) setBack() {
	for _, c := range b.order {
		was, now := c.was.ConfirmedAt, c.now.ConfirmedAt
		if c.exists && c.present && was != nil && now != nil && now.Before(*was) {
			b.confirmations = append(b.confirmations, Confirmation{c.was.n, time.UnixMilli(0), time.UnixMilli(0)})
		}
	}
}
