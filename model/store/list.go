package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// Filter chooses rows for a list. The zero value is every row that is not hidden, the newest change
// first.
type Filter struct {
	Account       string
	Accounts      []string // any of them, where Account is ""
	Providers     []string
	Statuses      []model.Status
	Flags         []string // any of Flags()
	Confirmed     *bool
	Checking      *bool // a callback says what no answer has confirmed yet
	ChangedSince  *time.Time
	ChangedUntil  *time.Time // before then
	ExpiresBefore *time.Time
	ExternalID    string
	Search        string // words of name, ref, signers' names and e-mails, and the own id: see Search
	Attention     bool
	Oldest        bool // the oldest change first
	Limit         int  // 50 if zero
	Cursor        string
}

// Flags are the words that Filter.Flags takes.
func Flags() []string { return []string{"archived", "trashed", "deleted", "not_found", "test"} }

// chosen are the accounts that the filter names.
func (f Filter) chosen() []string {
	if f.Account != "" {
		return []string{f.Account}
	}
	return f.Accounts
}

// place is where a page ends: the row's change, and its number.
type place struct {
	at time.Time
	n  int64
}

func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(database.Stamp(p.at) + "\x00" + strconv.FormatInt(p.n, 10)))
}

func readPlace(text string) (p place, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	at, n, ok := strings.Cut(string(raw), "\x00")
	if err != nil || !ok {
		return p, ErrCursor
	}
	if p.at, err = database.ReadStamp(at); err != nil {
		return p, ErrCursor
	}
	if p.n, err = strconv.ParseInt(n, 10, 64); err != nil {
		return p, ErrCursor
	}
	return p, nil
}

// branch is one range of the list index.
type branch struct{ account, status string }

// mostBranches limits the merge; beyond it the rows are read from the newest on.
const mostBranches = 30

// Transactions lists rows without their signers, a page at a time, by the time of their last change, and those of one
// instant in the order in which they came. Pages are complete: a row is left out only if it changes meanwhile and so
// moves to the list's new end. With a Search they are those of Search.
func (s *Store) Transactions(ctx context.Context, f Filter) (rows []model.Transaction, next string, err error) {
	if f.Search != "" {
		found, err := s.Search(ctx, f)
		return found.Rows, found.Next, err
	}
	limit := positive(f.Limit, 50)
	err = s.View(ctx, func(q *database.Tx) error {
		query, args, err := f.keys(q, limit+1)
		if err != nil || query == "" {
			return err
		}
		numbers, err := numbersOf(q, query, args...)
		if err != nil {
			return err
		}
		more := len(numbers) > limit
		rows, err = s.inOrder(q, numbers[:min(limit, len(numbers))], false)
		if more && len(rows) > 0 {
			last := rows[len(rows)-1]
			next = place{last.ChangedAt, numbers[limit-1]}.String()
		}
		return err
	})
	return rows, next, err
}

// keys puts together the query for a page's rows, by their numbers.
func (f Filter) keys(q *database.Tx, limit int) (query string, args []any, err error) {
	var p *place
	if f.Cursor != "" {
		at, err := readPlace(f.Cursor)
		if err != nil {
			return "", nil, err
		}
		p = &at
	}
	order, beyond := " ORDER BY changed_at DESC, n DESC LIMIT ?", "(changed_at, n) < (?, ?)"
	if f.Oldest {
		order, beyond = " ORDER BY changed_at, n LIMIT ?", "(changed_at, n) > (?, ?)"
	}
	after := func(w *database.Where) {
		if p != nil {
			w.Add(beyond, p.at, p.n)
		}
	}
	if by, some, err := f.rare(q); err != nil || by != "" {
		w := f.where()
		w.Add(some)
		after(&w)
		return "SELECT n FROM transactions t" + hint(q, by) + w.SQL() + order, append(w.Args, limit), err
	}
	var branches []branch
	if !f.narrow() && (len(f.chosen()) > 0 || len(f.Statuses) > 0) {
		if branches, err = f.branches(q); err != nil || len(branches) == 0 {
			return "", nil, err
		}
	}
	if len(branches) == 0 || len(branches) > mostBranches {
		w := f.where()
		after(&w)
		return "SELECT n FROM transactions t" + w.SQL() + order, append(w.Args, limit), nil
	}
	var parts []string
	for _, b := range branches {
		w := database.Where{}
		w.Add("account = ?", b.account)
		w.Add("status = ?", b.status)
		rest := f
		rest.Account, rest.Accounts, rest.Statuses = "", nil, nil
		more := rest.where()
		w.Add(strings.Join(more.Parts, " AND "), more.Args...)
		after(&w)
		parts = append(parts, "SELECT n, changed_at FROM transactions t"+w.SQL())
		args = append(args, w.Args...)
	}
	return "SELECT n FROM (" + strings.Join(parts, " UNION ALL ") + order + ") k", append(args, limit), nil
}

// mostRare is how many rows an index of rare ones may have to be read in place of those of accounts and statuses.
const mostRare = 1000

// rare chooses an index of rows of which there are few, and the condition that it is of; "" where none serves.
func (f Filter) rare(q *database.Tx) (index, some string, err error) {
	switch {
	case f.Checking != nil && *f.Checking:
		return "transactions_checking", "reported_status <> ''", nil
	case len(f.Flags) == 1 && slices.Contains(Flags(), f.Flags[0]):
		index, some = "transactions_"+f.Flags[0], f.Flags[0]
		if len(f.chosen()) == 0 && len(f.Statuses) == 0 {
			return index, some, nil // it has the order of the list
		}
	case f.ExpiresBefore != nil && len(f.Statuses) > 0 && !slices.ContainsFunc(f.Statuses, func(s model.Status) bool {
		return s != model.Draft && s != model.InProgress
	}):
		index, some = "transactions_expiring", "status IN ('draft', 'in_progress')"
	default:
		return "", "", nil
	}
	w := database.Where{}
	w.Add(some)
	w.Add("NOT hidden")
	if f.ExpiresBefore != nil && index == "transactions_expiring" {
		w.Add("expires_at < ?", *f.ExpiresBefore)
	}
	var n int
	err = q.QueryRow("SELECT COUNT(*) FROM (SELECT 1 FROM transactions t"+hint(q, index)+w.SQL()+" LIMIT ?) k",
		append(w.Args, mostRare+1)...).Scan(&n)
	if n > mostRare {
		return "", "", err
	}
	return index, some, err
}

// hint has SQLite, which does not know how many rows an index has, read one. PostgreSQL knows.
func hint(q *database.Tx, index string) string {
	if q.Postgres {
		return ""
	}
	return " INDEXED BY " + index
}

// narrow reports whether another index finds so few rows that sorting them is cheap.
func (f Filter) narrow() bool { return f.ExternalID != "" || f.Attention }

// where is the filter without its cursor; each part names columns of t.
func (f Filter) where() database.Where {
	w := database.Where{}
	w.Add("NOT hidden")
	w.In("account", f.chosen())
	w.In("provider", f.Providers)
	w.In("status", wordsOf(f.Statuses))
	f.flags(&w)
	if f.ChangedSince != nil {
		w.Add("changed_at >= ?", *f.ChangedSince)
	}
	if f.ChangedUntil != nil {
		w.Add("changed_at < ?", *f.ChangedUntil)
	}
	if f.ExpiresBefore != nil {
		w.Add("expires_at < ?", *f.ExpiresBefore)
	}
	w.Text("external_id <> '' AND external_id = ?", f.ExternalID) // the first half names the index
	if f.Attention {
		w.Add("attention <> '[]'")
	}
	return w
}

// flags adds what is said of the truth of a row.
func (f Filter) flags(w *database.Where) {
	var any []string
	for _, known := range Flags() {
		if slices.Contains(f.Flags, known) {
			any = append(any, known)
		}
	}
	if len(any) > 0 {
		w.Add("(" + strings.Join(any, " OR ") + ")")
	}
	if f.Confirmed != nil {
		w.Add("confirmed = ?", *f.Confirmed)
	}
	if f.Checking != nil {
		w.Add(map[bool]string{true: "reported_status <> ''", false: "reported_status = ''"}[*f.Checking])
	}
}

// wordsOf turns words of the model into strings.
func wordsOf[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return out
}

// branches are the ranges of the list index that the filter touches.
func (f Filter) branches(q *database.Tx) ([]branch, error) {
	accounts := f.chosen()
	if len(accounts) == 0 {
		var err error
		if accounts, err = q.Words(accountsWithRows); err != nil {
			return nil, err
		}
	}
	statuses := f.Statuses
	if len(statuses) == 0 {
		statuses = model.Statuses()
	}
	var out []branch
	for _, a := range accounts {
		for _, st := range statuses {
			out = append(out, branch{a, string(st)})
		}
	}
	return out, nil
}

// StatusCount is how many rows of an account have a status.
type StatusCount struct {
	Account string
	Status  model.Status
	Rows    int
}

// Counts counts the rows by account and status.
func (s *Store) Counts(ctx context.Context) (out []StatusCount, err error) {
	err = s.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var c StatusCount
			err := r.Scan(&c.Account, &c.Status, &c.Rows)
			out = append(out, c)
			return err
		}, `SELECT account, status, COUNT(*) FROM transactions WHERE NOT hidden GROUP BY account, status ORDER BY account, status`)
	})
	return out, err
}
