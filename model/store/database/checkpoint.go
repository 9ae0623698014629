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

// LogSize is how large the log beside a SQLite file is; 0 where there is none.
func LogSize(path string) int64 { return sqlitefile.LogSize(path) }
