package database

import (
	"context"
	"errors"
	"fmt"
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
	return d.explain(postgres.Examine(ctx, db, sqlitefile.Tables(), sqlitefile.StepsTable, have > 0))
}
