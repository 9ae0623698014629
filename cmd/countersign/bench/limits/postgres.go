package limits

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the plain SQL that we are measured against

	"countersign/model/store"
)

// OpenPostgres makes tables in a schema of their own, to which one writer adds rows like the daemon's of an account,
// many to a statement. dsn names the server, of the daemon's schema.
func OpenPostgres(ctx context.Context, dsn, patterns, schema, account string) (*Bare, error) {
	own, err := InSchema(ctx, dsn, schema)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{DSN: own, Key: make([]byte, 32), Now: time.Now})
	if err != nil {
		return nil, err
	}
	_, _, err = s.Migrate(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", own)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	b := &Bare{db: db, postgres: true, queue: make(chan *row, 4096), stopped: make(chan struct{})}
	from, err := sql.Open("pgx", patterns)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	defer from.Close() //nolint:errcheck // only read
	if err := b.learn(ctx, from, account); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go b.run()
	return b, nil
}

// InSchema makes a schema anew and returns the DSN that leads to it.
func InSchema(ctx context.Context, dsn, schema string) (string, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return "", err
	}
	defer db.Close() //nolint:errcheck // of one statement
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return "", fmt.Errorf("schema %s: %w", schema, err)
	}
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	return dsn + sep + "search_path=" + schema, nil
}

// DropSchema takes one away with all that it holds.
func DropSchema(ctx context.Context, dsn, schema string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
	return errors.Join(err, db.Close())
}

// insertMany adds the rows of a group to a table in one statement.
func (t *table) insertMany(tx *sql.Tx, first int64, at time.Time, group []*row) error {
	var query strings.Builder
	var args []any
	for i, r := range group {
		for _, values := range t.values(first+int64(i), at, r) {
			for j, v := range values {
				args = append(args, v)
				fmt.Fprintf(&query, "%s$%d", [...]string{", ", "), ("}[bit(j == 0)], len(args))
			}
		}
	}
	if len(args) == 0 {
		return nil
	}
	// The texts of groups of one size are equal, so the driver prepares each once.
	text := "INSERT INTO " + t.name + " (" + quoted(t.columns, "") + ") VALUES " + query.String()[len("), "):] + ")" + t.then
	_, err := tx.Exec(text, args...)
	return err
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// columnsIn are the names of a table's columns.
func columnsIn(ctx context.Context, db *sql.DB, table string, postgres bool) (all []string, err error) {
	query := "SELECT name FROM pragma_table_info(?)"
	if postgres {
		query = "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND table_schema = " +
			"current_schema() AND is_generated = 'NEVER' ORDER BY ordinal_position"
	}
	rows, err := db.QueryContext(ctx, query, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	if err = rows.Err(); err == nil && !slices.Contains(all, "n") && !slices.Contains(all, "seq") {
		err = fmt.Errorf("%s has no number", table)
	}
	return all, err
}

func quoted(columns []string, with string) string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = with + `"` + c + `"`
	}
	return strings.Join(all, ", ")
}
