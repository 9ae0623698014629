package database

import (
	"context"

	"countersign/model/store/sqlitefile"
)

// Checkpoint is called by the one that writes, after each commit: the log of a SQLite database goes into its file.
func (d *DB) Checkpoint() {
	if d.keeper != nil {
		d.keeper.Committed()
	}
}

// Keep looks after the log of a SQLite database that is written all the time, until ctx ends.
func (d *DB) Keep(ctx context.Context) {
	if d.keeper != nil {
		d.keeper.Run(ctx)
	}
}

// LogSize is how large the log of a SQLite database is; 0 for PostgreSQL.
func (d *DB) LogSize() int64 {
	if d.pg {
		return 0
	}
	return sqlitefile.LogSize(d.path)
}
