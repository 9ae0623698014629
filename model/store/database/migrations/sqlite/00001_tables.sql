-- Times are text in UTC with milliseconds, 2026-01-31T12:00:00.000Z, so that they compare right.
-- What has no v1_ before its name is ours and may change; see docs/sql.md.

-- +goose Up
CREATE TABLE counters (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  seq     INTEGER NOT NULL, -- newest change in history
  version INTEGER NOT NULL, -- newest version of any row
  ordinal INTEGER NOT NULL  -- newest number in an id that we made
);
INSERT INTO counters VALUES (1, 0, 0, 0);

CREATE TABLE accounts (
  id               TEXT NOT NULL PRIMARY KEY,
  provider         TEXT NOT NULL,
  remote_id        TEXT NOT NULL DEFAULT '',
  first_start_at   DATETIME NOT NULL,
  last_callback_at DATETIME,
  last_poll_at     DATETIME,
  listed_until     DATETIME,
  refused_in_a_row INTEGER NOT NULL DEFAULT 0,
  registration     TEXT NOT NULL DEFAULT ''
);

CREATE TABLE callbacks (
  n           INTEGER PRIMARY KEY, -- the number in its id: c000000000042 is 42
  txn         INTEGER,             -- transactions.n; NULL: there was no such row when it came, or it was removed
  account     TEXT NOT NULL,
  ref         TEXT NOT NULL,
  dedupe_key  TEXT,                -- NULL: takes none
  type        TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  verdict     TEXT NOT NULL,
  outcome     TEXT NOT NULL,
  note        TEXT NOT NULL,
  at          DATETIME NOT NULL,
  remote_addr TEXT NOT NULL,
  headers     TEXT NOT NULL,
  body_hash   TEXT NOT NULL,
  sealed      BOOLEAN NOT NULL,
  body        BLOB                 -- compressed, and encrypted if sealed; NULL when retention has taken it
);
-- Copies are found, a copy cannot be stored twice, a row's callbacks are listed. Keys lead with the
-- row's number, since refs are random: a random key touches a page of its own for each event.
CREATE UNIQUE INDEX callbacks_of ON callbacks (txn, dedupe_key) WHERE txn IS NOT NULL;
CREATE UNIQUE INDEX callbacks_loose ON callbacks (account, ref, dedupe_key) WHERE txn IS NULL;
CREATE INDEX callbacks_odd ON callbacks (verdict, n) WHERE verdict IN ('refused', 'not_understood');

CREATE TABLE transactions (
  n                INTEGER PRIMARY KEY, -- in the order of arrival
  account          TEXT NOT NULL DEFAULT '',
  ref              TEXT NOT NULL DEFAULT '',
  provider         TEXT NOT NULL DEFAULT '',
  external_id      TEXT NOT NULL DEFAULT '',
  name             TEXT NOT NULL DEFAULT '',
  status           TEXT NOT NULL DEFAULT 'unknown',
  provider_status  TEXT NOT NULL DEFAULT '',
  confirmed        BOOLEAN NOT NULL DEFAULT 0,
  reported_status  TEXT NOT NULL DEFAULT '',
  reason           TEXT NOT NULL DEFAULT '',
  archived         BOOLEAN NOT NULL DEFAULT 0,
  trashed          BOOLEAN NOT NULL DEFAULT 0,
  deleted          BOOLEAN NOT NULL DEFAULT 0,
  not_found        BOOLEAN NOT NULL DEFAULT 0,
  test             BOOLEAN NOT NULL DEFAULT 0,
  attention        TEXT NOT NULL DEFAULT '[]',
  metadata         TEXT NOT NULL DEFAULT '',
  signers_done     INTEGER NOT NULL DEFAULT 0,
  signers_total    INTEGER NOT NULL DEFAULT 0,
  sent_at          DATETIME,
  provider_time    DATETIME,
  created_at       DATETIME,
  expires_at       DATETIME,
  first_seen_at    DATETIME NOT NULL DEFAULT '1970-01-01T00:00:00.000Z',
  changed_at       DATETIME NOT NULL DEFAULT '1970-01-01T00:00:00.000Z',
  confirmed_at     DATETIME,
  asked_at         DATETIME,
  origin           TEXT NOT NULL DEFAULT '',
  hidden           BOOLEAN NOT NULL DEFAULT 0,
  version          INTEGER NOT NULL DEFAULT 0,
  seq              INTEGER NOT NULL DEFAULT 0,
  next_check_at    DATETIME,
  due_reason       TEXT NOT NULL DEFAULT '',
  due_since        DATETIME,
  hinted_at        DATETIME,
  lost_answers     INTEGER NOT NULL DEFAULT 0,
  not_found_count  INTEGER NOT NULL DEFAULT 0,
  not_found_at     DATETIME,
  delete_at        DATETIME,
  recheck          INTEGER NOT NULL DEFAULT 0,
  refuted_as       TEXT NOT NULL DEFAULT '',
  refuted_at       DATETIME,
  fingerprint      TEXT NOT NULL DEFAULT '',
  open_gaps        INTEGER NOT NULL DEFAULT 0,
  documents_total  INTEGER NOT NULL DEFAULT 0,
  documents_stored INTEGER NOT NULL DEFAULT 0,
  provider_mark    TEXT NOT NULL DEFAULT '',
  signer_rows      INTEGER NOT NULL DEFAULT 0, -- rows in signers, those who left too
  lease_until      DATETIME,
  lease_owner      TEXT NOT NULL DEFAULT '',
  UNIQUE (account, ref)
);
-- A list without a choice of account or status reads the first; others read one range of the second
-- for each account and status, and merge them.
CREATE INDEX transactions_changed ON transactions (changed_at, account, ref) WHERE NOT hidden;
CREATE INDEX transactions_list ON transactions (account, status, changed_at, ref) WHERE NOT hidden;
CREATE INDEX transactions_due ON transactions (account, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX transactions_attention ON transactions (account, changed_at) WHERE attention <> '[]';
CREATE INDEX transactions_external ON transactions (external_id) WHERE external_id <> '';
CREATE INDEX transactions_hidden ON transactions (first_seen_at) WHERE hidden;

CREATE TABLE signers (
  txn       INTEGER NOT NULL, -- transactions.n
  signer    TEXT NOT NULL, -- the provider's id of the signer
  place     INTEGER NOT NULL, -- in the provider's list
  name      TEXT NOT NULL,
  email     TEXT NOT NULL,
  role      TEXT NOT NULL,
  "order"   INTEGER NOT NULL,
  status    TEXT NOT NULL,
  viewed_at DATETIME,
  signed_at DATETIME,
  reason    TEXT NOT NULL,
  PRIMARY KEY (txn, signer)
) WITHOUT ROWID;

CREATE TABLE documents (
  id          TEXT NOT NULL PRIMARY KEY,
  account     TEXT NOT NULL,
  ref         TEXT NOT NULL,
  doc_id      TEXT NOT NULL,
  kind        TEXT NOT NULL,
  name        TEXT NOT NULL,
  version     INTEGER NOT NULL,
  state       TEXT NOT NULL,
  reason      TEXT NOT NULL,
  sha256      TEXT NOT NULL,
  size        INTEGER NOT NULL,
  path        TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  next_try_at DATETIME,
  stored_at   DATETIME,
  created_at  DATETIME NOT NULL,
  signature   TEXT NOT NULL,
  integrity   TEXT NOT NULL,
  coverage    TEXT NOT NULL,
  trust       TEXT NOT NULL,
  link        BLOB, -- encrypted; a link that stood only in a callback, until the file is here
  lease_until DATETIME,
  lease_owner TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX documents_of ON documents (account, ref, doc_id, kind, version);
CREATE INDEX documents_due ON documents (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX documents_state ON documents (state, account, id) WHERE state <> 'stored';

CREATE TABLE history (
  seq       INTEGER PRIMARY KEY,
  txn       INTEGER, -- transactions.n; NULL for an incident
  account   TEXT NOT NULL,
  ref       TEXT NOT NULL, -- '' for an incident
  kind      TEXT NOT NULL,
  from_word TEXT NOT NULL,
  to_word   TEXT NOT NULL,
  status    TEXT NOT NULL,
  confirmed BOOLEAN NOT NULL,
  source    TEXT NOT NULL,
  at        DATETIME NOT NULL
);
CREATE INDEX history_of ON history (txn) WHERE txn IS NOT NULL;
CREATE INDEX history_loose ON history (account, ref) WHERE txn IS NULL;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, -- of the change in history
  at  DATETIME NOT NULL
);
CREATE TABLE deliveries (
  hook        TEXT NOT NULL,
  seq         INTEGER NOT NULL,
  account     TEXT NOT NULL,
  ref         TEXT NOT NULL,
  state       TEXT NOT NULL, -- waiting, sent, dead
  attempts    INTEGER NOT NULL DEFAULT 0,
  note        TEXT NOT NULL DEFAULT '',
  created_at  DATETIME NOT NULL,
  next_try_at DATETIME,
  done_at     DATETIME,
  lease_until DATETIME,
  lease_owner TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (hook, seq)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX deliveries_of ON deliveries (hook, account, ref, seq) WHERE state = 'waiting';

CREATE TABLE gaps (
  id          TEXT NOT NULL PRIMARY KEY,
  account     TEXT NOT NULL,
  ref         TEXT NOT NULL,
  kind        TEXT NOT NULL,
  change      TEXT NOT NULL,
  from_status TEXT NOT NULL,
  to_status   TEXT NOT NULL,
  signer      TEXT NOT NULL,
  off         BOOLEAN NOT NULL,
  after_at    DATETIME,
  before_at   DATETIME NOT NULL,
  found_by    TEXT NOT NULL,
  found_at    DATETIME NOT NULL,
  settle_at   DATETIME NOT NULL,
  latency_ns  INTEGER
);
CREATE INDEX gaps_of ON gaps (account, ref);
CREATE INDEX gaps_found ON gaps (found_at);
CREATE INDEX gaps_pending ON gaps (settle_at) WHERE kind = 'pending';

-- Changes that a callback told, by day: the other half of the share told.
CREATE TABLE told (
  account TEXT NOT NULL,
  day     TEXT NOT NULL, -- 2026-01-31, UTC
  change  TEXT NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (account, day, change)
) WITHOUT ROWID;

CREATE TABLE incidents (
  id        TEXT NOT NULL PRIMARY KEY,
  account   TEXT NOT NULL,
  kind      TEXT NOT NULL,
  message   TEXT NOT NULL,
  opened_at DATETIME NOT NULL,
  closed_at DATETIME
);
CREATE UNIQUE INDEX incidents_open ON incidents (account, kind) WHERE closed_at IS NULL;

CREATE TABLE runs (
  id          TEXT NOT NULL PRIMARY KEY,
  account     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL,
  slot        DATETIME,
  since       DATETIME,
  until       DATETIME,
  cursor      TEXT NOT NULL,
  params      TEXT NOT NULL,
  result      TEXT NOT NULL,
  note        TEXT NOT NULL,
  listed      INTEGER NOT NULL,
  asked       INTEGER NOT NULL,
  changed     INTEGER NOT NULL,
  gaps        INTEGER NOT NULL,
  queued      INTEGER NOT NULL,
  total       INTEGER NOT NULL,
  "left"      INTEGER NOT NULL,
  created_at  DATETIME NOT NULL,
  started_at  DATETIME,
  finished_at DATETIME,
  beat_at     DATETIME,
  lease_until DATETIME,
  lease_owner TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_of ON runs (account, kind, created_at);
CREATE INDEX runs_open ON runs (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE tokens (
  account    TEXT NOT NULL,
  name       TEXT NOT NULL,
  secret     BLOB NOT NULL, -- encrypted with the installation key
  updated_at DATETIME NOT NULL,
  PRIMARY KEY (account, name)
);

CREATE TABLE locks (
  name      TEXT NOT NULL PRIMARY KEY,
  owner     TEXT NOT NULL,
  since     DATETIME NOT NULL,
  beat_at   DATETIME NOT NULL,
  wanted_at DATETIME,
  wanted_by TEXT NOT NULL DEFAULT ''
);

-- +goose Down
DROP TABLE locks;
DROP TABLE tokens;
DROP TABLE runs;
DROP TABLE incidents;
DROP TABLE told;
DROP TABLE gaps;
DROP TABLE deliveries;
DROP TABLE outbox;
DROP TABLE history;
DROP TABLE documents;
DROP TABLE signers;
DROP TABLE transactions;
DROP TABLE callbacks;
DROP TABLE accounts;
DROP TABLE counters;
