-- Files that came by a link before the provider confirmed, marks of a file's content, and the progress that
-- browsers tell of.

-- +goose Up
ALTER TABLE documents ADD COLUMN mark text COLLATE "C" NOT NULL DEFAULT ''; -- the provider's mark of the content; another mark is another version
ALTER TABLE documents ADD COLUMN held text COLLATE "C" NOT NULL DEFAULT ''; -- SHA-256 of the file in the hold folder; '': none is there
ALTER TABLE documents ADD COLUMN link_at timestamptz;             -- when the link came; a day later it is wiped

CREATE TABLE progress (
  account text COLLATE "C" NOT NULL,
  ref     text COLLATE "C" NOT NULL,
  name    text COLLATE "C" NOT NULL,
  at      timestamptz NOT NULL,
  PRIMARY KEY (account, ref, name, at)
);

-- What a list by creation time would have to walk through is counted before each slot.
CREATE INDEX transactions_created ON transactions (account, created_at) WHERE created_at IS NOT NULL;

-- +goose Down
DROP INDEX transactions_created;
DROP TABLE progress;
ALTER TABLE documents DROP COLUMN link_at;
ALTER TABLE documents DROP COLUMN held;
ALTER TABLE documents DROP COLUMN mark;
