package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	gormpg "gorm.io/driver/postgres"
	"gorm.io/gorm"

	"countersign/model/store/database/postgres"
	"countersign/model/store/sqlitefile"
)

const (
	pgConns    = 8
	pgConnLife = 30 * time.Minute
)

// openPostgres opens one pool, for writing and reading.
func (d *DB) openPostgres(ctx context.Context, dsn string) error {
	db, err := postgres.Open(dsn)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(pgConns)
	db.SetMaxIdleConns(pgConns)
	db.SetConnMaxLifetime(pgConnLife)
	d.read, err = gorm.Open(gormpg.New(gormpg.Config{Conn: db}), d.config())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if !d.readOnly {
		d.write = d.read
	}
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// examinePostgres refuses a schema in which another program has tables of our names.
func (d *DB) examinePostgres(ctx context.Context, have int64) error {
	db, err := d.read.DB()
	if err != nil {
		return err
	}
	var ours int
	var first sql.NullString
	err = db.QueryRowContext(ctx, `SELECT COUNT(*), MIN(table_name) FROM information_schema.tables
WHERE table_schema = current_schema() AND table_name IN ('`+strings.Join(sqlitefile.Tables(), "','")+`')`).Scan(&ours, &first)
	switch {
	case err != nil:
		return d.explain(err)
	case have == 0 && ours > 0:
		return fmt.Errorf("database: its schema holds a table %q of another program: name a database of countersign's own",
			first.String)
	case have > 0 && ours < len(sqlitefile.Tables()):
		return fmt.Errorf("database: %s is of another program, since tables of ours are missing: name a database of countersign's own, or restore the backup", sqlitefile.StepsTable)
	}
	return nil
}
