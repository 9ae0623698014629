package store

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
var migrations embed.FS

func (s *Store) steps() (fs.FS, error) { return fs.Sub(migrations, "migrations/"+s.Dialect()) }

// newestStep is the version that this program wants.
func (s *Store) newestStep() (want int64, err error) {
	dir, err := s.steps()
	if err != nil {
		return 0, err
	}
	files, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		n, err := goose.NumericComponent(f)
		if err != nil {
			return 0, err
		}
		want = max(want, n)
	}
	return want, nil
}

// Schema returns the version that the database has and the one that this program wants. A new
// database has 0.
func (s *Store) Schema(ctx context.Context) (have, want int64, err error) {
	if want, err = s.newestStep(); err != nil {
		return 0, 0, err
	}
	db, err := s.read.DB()
	if err != nil {
		return 0, 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have)
	var pg *pgconn.PgError
	if err != nil && (strings.Contains(err.Error(), "no such table") || errors.As(err, &pg) && pg.Code == "42P01") {
		return 0, want, nil
	}
	return have, want, s.explain(err)
}

// Migrate brings the schema up to this program's and says from where to where. Replicas that start
// together take turns.
func (s *Store) Migrate(ctx context.Context) (from, to int64, err error) {
	if s.readOnly {
		return 0, 0, s.writable()
	}
	from, to, err = s.Schema(ctx)
	if err != nil || from == to {
		return from, to, err
	}
	if from > to {
		return from, to, ErrNewer
	}
	dir, err := s.steps()
	if err != nil {
		return from, from, err
	}
	db, err := s.write.DB()
	if err != nil {
		return from, from, err
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if s.pg {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return from, from, err
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db, dir, options...)
	if err != nil {
		return from, from, err
	}
	for {
		durable.CrashPoint("migration before step")
		_, err := p.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return from, to, s.checkSchema(ctx)
		}
		if err != nil {
			return from, from, fmt.Errorf("migrate: %w", s.explain(err))
		}
		durable.CrashPoint("migration step done")
	}
}
