package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Examine refuses a schema in which another program has tables of our names, or, where ours were made, one that lacks
// some. steps is the table that says that they were.
func Examine(ctx context.Context, db *sql.DB, tables []string, steps string, made bool) error {
	var ours int
	var first sql.NullString
	err := db.QueryRowContext(ctx, `SELECT COUNT(*), MIN(table_name) FROM information_schema.tables
WHERE table_schema = current_schema() AND table_name IN ('`+strings.Join(tables, "','")+`')`).Scan(&ours, &first)
	switch {
	case err != nil:
		return err
	case !made && ours > 0:
		return fmt.Errorf("database: its schema holds a table %q of another program: name a database of countersign's own",
			first.String)
	case made && ours < len(tables):
		return fmt.Errorf("database: %s is of another program, since tables of ours are missing: name a database of countersign's own, or restore the backup", steps)
	}
	return nil
}
