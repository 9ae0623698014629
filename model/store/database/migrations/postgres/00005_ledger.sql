-- What a verify has found so far, the provider's own time of a change that no callback told, and which channel told first.

-- +goose Up
ALTER TABLE gaps ADD COLUMN happened_at timestamptz; -- as the provider dates the change; NULL: it does not, or not within its bounds

-- Changes by the channel that told of them first, by day.
CREATE TABLE firsts (
  account text COLLATE "C" NOT NULL,
  day     text COLLATE "C" NOT NULL, -- 2026-01-31, UTC
  change  text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  count   bigint NOT NULL,
  PRIMARY KEY (account, day, change, channel)
);

CREATE TABLE drift (
  run      text COLLATE "C" NOT NULL,
  ref      text COLLATE "C" NOT NULL,
  field    text COLLATE "C" NOT NULL,
  about    text COLLATE "C" NOT NULL, -- which signer or document; ''
  account  text COLLATE "C" NOT NULL,
  ours     text COLLATE "C" NOT NULL,
  theirs   text COLLATE "C" NOT NULL,
  repaired boolean NOT NULL,
  found_at timestamptz NOT NULL,
  PRIMARY KEY (run, ref, field, about)
);
CREATE INDEX drift_found ON drift (found_at);

-- Rows that a list has answered for in a verify that is in work.
CREATE TABLE verified (
  run text COLLATE "C" NOT NULL,
  ref text COLLATE "C" NOT NULL,
  PRIMARY KEY (run, ref)
);

-- +goose Down
DROP TABLE verified;
DROP TABLE drift;
DROP TABLE firsts;
ALTER TABLE gaps DROP COLUMN happened_at;
