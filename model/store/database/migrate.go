package database

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"countersign/model/store/durable"
)

//go:embed migrations
var embedded embed.FS

// migrations are the steps of a dialect.
func migrations(dialect string) (fs.FS, error) { return fs.Sub(embedded, "migrations/"+dialect) }

// newestStep is the number of the last of the steps.
func newestStep(steps fs.FS) (newest int64, err error) {
	files, err := fs.Glob(steps, "*.sql")
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		n, err := goose.NumericComponent(f)
		if err != nil {
			return 0, err
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// Schema returns the version that the database has and the one that this program wants. A new
// database has 0.
func (d *DB) Schema(ctx context.Context) (have, want int64, err error) {
	db, err := d.read.DB()
	if err != nil {
		return 0, 0, err
	}
	want = d.step
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have)
	var pg *pgconn.PgError
	if err != nil && (strings.Contains(err.Error(), "no such table") || errors.As(err, &pg) && pg.Code == "42P01") {
		return 0, want, nil
	}
	return have, want, d.explain(err)
}

// Migrate brings the schema up to this program's and says from where to where. Replicas that start
// together take turns.
func (d *DB) Migrate(ctx context.Context) (from, to int64, err error) {
	if d.readOnly {
		return 0, 0, d.Writable()
	}
	from, to, err = d.Schema(ctx)
	if err != nil || from == to {
		return from, to, err
	}
	if from > to {
		return from, to, ErrNewer
	}
	db, err := d.write.DB()
	if err != nil {
		return from, from, err
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.pg {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return from, from, err
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db, d.steps, options...)
	if err != nil {
		return from, from, err
	}
	for {
		durable.CrashPoint("migration before step")
		_, err := p.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return from, to, d.checkSchema(ctx)
		}
		if err != nil {
			return from, from, fmt.Errorf("migrate: %w", d.explain(err))
		}
		durable.CrashPoint("migration step done")
	}
}
