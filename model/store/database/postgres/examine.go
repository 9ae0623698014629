package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Examine refuses a schema in which another program has tables of our names. have is the step that it has, steps the
// table that tells it, tables are some that no schema of ours lacks. explain says what the database's own errors mean.
func Examine(ctx context.Context, db *sql.DB, have int64, steps string, tables []string, explain func(error) error) error {
	var ours int
	var first sql.NullString
	err := db.QueryRowContext(ctx, `SELECT COUNT(*), MIN(table_name) FROM information_schema.tables
WHERE table_schema = current_schema() AND table_name IN ('`+strings.Join(tables, "','")+`')`).Scan(&ours, &first)
	switch {
	case err != nil:
		return explain(err)
	case have == 0 && ours > 0:
		return fmt.Errorf("database: its schema holds a table %q of another program: name a database of countersign's own",
			first.String)
	case have > 0 && ours < len(tables):
		return fmt.Errorf("database: %s is of another program, since tables of ours are missing: name a database of countersign's own, or restore the backup", steps)
	}
	return nil
}
