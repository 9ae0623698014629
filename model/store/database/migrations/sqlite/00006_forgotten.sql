-- Transactions whose personal data was removed, and how far retention has come in the change feed.

-- +goose Up
ALTER TABLE counters ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0; -- newest change that retention has taken
ALTER TABLE counters ADD COLUMN bodies_pruned INTEGER NOT NULL DEFAULT 0; -- callbacks.n up to which retention has taken bodies
ALTER TABLE counters ADD COLUMN refused_pruned INTEGER NOT NULL DEFAULT 0; -- the same for those of refused ones
UPDATE counters SET pruned = COALESCE((SELECT MIN(seq) - 1 FROM history), seq);

CREATE TABLE forgotten (
  account   TEXT NOT NULL,
  ref       TEXT NOT NULL,
  at        DATETIME NOT NULL,
  documents TEXT NOT NULL, -- ids of its documents, as JSON: files in the hold folder bear them
  swept_at  DATETIME,      -- when its files were gone; NULL: they may still be there
  PRIMARY KEY (account, ref)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE forgotten;
ALTER TABLE counters DROP COLUMN refused_pruned;
ALTER TABLE counters DROP COLUMN bodies_pruned;
ALTER TABLE counters DROP COLUMN pruned;
