-- What a verify has found so far, the provider's own time of a change that no callback told, and which channel told first.

-- +goose Up
ALTER TABLE gaps ADD COLUMN happened_at DATETIME; -- as the provider dates the change; NULL: it does not, or not within its bounds

-- Changes by the channel that told of them first, by day.
CREATE TABLE firsts (
  account TEXT NOT NULL,
  day     TEXT NOT NULL, -- 2026-01-31, UTC
  change  TEXT NOT NULL,
  channel TEXT NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (account, day, change, channel)
) WITHOUT ROWID;

CREATE TABLE drift (
  run      TEXT NOT NULL,
  ref      TEXT NOT NULL,
  field    TEXT NOT NULL,
  about    TEXT NOT NULL, -- which signer or document; ''
  account  TEXT NOT NULL,
  ours     TEXT NOT NULL,
  theirs   TEXT NOT NULL,
  repaired BOOLEAN NOT NULL,
  found_at DATETIME NOT NULL,
  PRIMARY KEY (run, ref, field, about)
) WITHOUT ROWID;
CREATE INDEX drift_found ON drift (found_at);

-- Rows that a list has answered for in a verify that is in work.
CREATE TABLE verified (
  run TEXT NOT NULL,
  ref TEXT NOT NULL,
  PRIMARY KEY (run, ref)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE verified;
DROP TABLE drift;
DROP TABLE firsts;
ALTER TABLE gaps DROP COLUMN happened_at;
