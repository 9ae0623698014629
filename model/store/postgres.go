package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

const (
	pgConns    = 8
	pgConnLife = 30 * time.Minute
)

// openPostgres opens one pool, for writing and reading.
func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	db, err := openPgx(dsn)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(pgConns)
	db.SetMaxIdleConns(pgConns)
	db.SetConnMaxLifetime(pgConnLife)
	s.read, err = gorm.Open(postgres.New(postgres.Config{Conn: db}), s.config())
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if !s.readOnly {
		s.write = s.read
	}
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// openPgx opens a pool whose times come back in UTC and whose waits end.
func openPgx(dsn string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("database postgres://…: the address cannot be read") // err may show a password
	}
	for name, value := range map[string]string{"lock_timeout": "5000", "idle_in_transaction_session_timeout": "60000", "timezone": "UTC"} {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	})), nil
}
