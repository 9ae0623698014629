-- Times (STAMP) are milliseconds since 1970, UTC. The views show them as text, 2026-01-31T12:00:00.000Z.
-- What has no v1_ before its name is ours and may change; see docs/sql.md.

-- +goose Up
CREATE TABLE counters (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  seq            INTEGER NOT NULL,           -- newest change in history
  version        INTEGER NOT NULL,           -- newest version of any row
  ordinal        INTEGER NOT NULL,           -- newest number in an id that we made
  pruned         INTEGER NOT NULL DEFAULT 0, -- newest change that retention has taken
  bodies_pruned  INTEGER NOT NULL DEFAULT 0, -- callbacks.n up to which retention has taken bodies
  refused_pruned INTEGER NOT NULL DEFAULT 0  -- the same for those of refused ones
);
INSERT INTO counters (id, seq, version, ordinal) VALUES (1, 0, 0, 0);

CREATE TABLE accounts (
  id               TEXT NOT NULL PRIMARY KEY,
  provider         TEXT NOT NULL,
  remote_id        TEXT NOT NULL DEFAULT '',
  first_start_at   STAMP NOT NULL,
  last_callback_at STAMP,
  last_poll_at     STAMP,
  listed_until     STAMP,
  refused_in_a_row INTEGER NOT NULL DEFAULT 0,
  not_understood_in_a_row INTEGER NOT NULL DEFAULT 0,
  registration     TEXT NOT NULL DEFAULT '',
  reach            TEXT NOT NULL DEFAULT '', -- whose transactions its lists show, as far as was tried
  last_error       TEXT NOT NULL DEFAULT '', -- of its questions; '': the newest went well
  last_error_at    STAMP,
  rests_until      STAMP -- no question goes out before; NULL: it does not rest
);

CREATE TABLE callbacks (
  n           INTEGER PRIMARY KEY, -- the number in its id: c000000000042 is 42
  txn         INTEGER,             -- transactions.n; NULL: there was no such row when it came, or it was removed
  account     TEXT NOT NULL,
  ref         TEXT NOT NULL,
  dedupe_key  TEXT,                -- hex as bytes, see rest.go; NULL: takes none
  type        TEXT NOT NULL,
  event_id    TEXT NOT NULL,
  verdict     TEXT NOT NULL,
  outcome     TEXT NOT NULL,
  note        TEXT NOT NULL,
  at          STAMP NOT NULL,
  remote_addr TEXT NOT NULL,
  body_hash   TEXT NOT NULL,       -- hex as bytes
  sealed      BOOLEAN NOT NULL,
  unproved    BOOLEAN NOT NULL DEFAULT 0, -- taken as a hint: nobody proved what it says
  body        BLOB -- headers and body, compressed, and encrypted if sealed; NULL when retention has taken it; last: it is long
);
-- Copies are found, a copy cannot be stored twice, a row's callbacks are listed. Keys lead with the
-- row's number, since refs are random: a random key touches a page of its own for each event.
CREATE UNIQUE INDEX callbacks_of ON callbacks (txn, dedupe_key) WHERE txn IS NOT NULL;
CREATE UNIQUE INDEX callbacks_loose ON callbacks (account, ref, dedupe_key) WHERE txn IS NULL;
CREATE INDEX callbacks_odd ON callbacks (verdict, n) WHERE verdict IN ('refused', 'not_understood');

-- Callbacks by the day on which they came and their verdict, as it is now.
CREATE TABLE callback_days (
  account TEXT NOT NULL,
  day     TEXT NOT NULL, -- 2026-01-31, UTC
  verdict TEXT NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (account, day, verdict)
) WITHOUT ROWID;

-- What the bodies of each provider's callbacks are compressed by, the newest of each. None is ever taken away: a body that
-- was written by it names its number.
CREATE TABLE dictionaries (
  n          INTEGER PRIMARY KEY,
  provider   TEXT NOT NULL,
  dictionary BLOB NOT NULL,
  made_at    STAMP NOT NULL
);

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
  sent_at          STAMP,
  provider_time    STAMP,
  created_at       STAMP,
  expires_at       STAMP,
  first_seen_at    STAMP NOT NULL DEFAULT 0,
  changed_at       STAMP NOT NULL DEFAULT 0,
  confirmed_at     STAMP,
  asked_at         STAMP,
  origin           TEXT NOT NULL DEFAULT '',
  hidden           BOOLEAN NOT NULL DEFAULT 0,
  version          INTEGER NOT NULL DEFAULT 0,
  seq              INTEGER NOT NULL DEFAULT 0,
  next_check_at    STAMP,
  due_rank         INTEGER, -- 0 the end of a known row, 1 another, 2 and 3 the same for refs that are only named; NULL: not due
  due_reason       TEXT NOT NULL DEFAULT '',
  due_since        STAMP,
  hinted_at        STAMP,
  lost_answers     INTEGER NOT NULL DEFAULT 0,
  not_found_count  INTEGER NOT NULL DEFAULT 0,
  not_found_at     STAMP,
  delete_at        STAMP,
  recheck          INTEGER NOT NULL DEFAULT 0,
  refuted_as       TEXT NOT NULL DEFAULT '',
  refuted_at       STAMP,
  fingerprint      TEXT NOT NULL DEFAULT '',
  rest             INTEGER NOT NULL DEFAULT 0, -- how an unchanged answer finds it, see model.Rest; 0: an answer has to be decided
  open_gaps        INTEGER NOT NULL DEFAULT 0,
  documents_total  INTEGER NOT NULL DEFAULT 0,
  documents_stored INTEGER NOT NULL DEFAULT 0,
  provider_mark    TEXT NOT NULL DEFAULT '',
  tracked_by       TEXT NOT NULL DEFAULT '', -- who asked to follow it last, as the history names sources
  tracked_at       STAMP,
  signer_rows      INTEGER NOT NULL DEFAULT 0, -- rows in signers, those who left too
  lease_until      STAMP,
  lease_owner      TEXT NOT NULL DEFAULT '',
  UNIQUE (account, ref)
);
-- A list without a choice of account or status reads the first; others read one range of the second
-- for each account and status, and merge them.
CREATE INDEX transactions_changed ON transactions (changed_at) WHERE NOT hidden;
CREATE INDEX transactions_list ON transactions (account, status, changed_at) WHERE NOT hidden;
CREATE INDEX transactions_due ON transactions (account, due_rank, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX transactions_attention ON transactions (account, changed_at) WHERE attention <> '[]';
-- What few rows are: lists of them read these.
CREATE INDEX transactions_checking ON transactions (changed_at) WHERE reported_status <> '' AND NOT hidden;
CREATE INDEX transactions_archived ON transactions (changed_at) WHERE archived AND NOT hidden;
CREATE INDEX transactions_trashed ON transactions (changed_at) WHERE trashed AND NOT hidden;
CREATE INDEX transactions_deleted ON transactions (changed_at) WHERE deleted AND NOT hidden;
CREATE INDEX transactions_not_found ON transactions (changed_at) WHERE not_found AND NOT hidden;
CREATE INDEX transactions_test ON transactions (changed_at) WHERE test AND NOT hidden;
CREATE INDEX transactions_expiring ON transactions (expires_at) WHERE expires_at IS NOT NULL AND status IN ('draft', 'in_progress') AND NOT hidden;
CREATE INDEX transactions_external ON transactions (external_id) WHERE external_id <> '';
CREATE INDEX transactions_hidden ON transactions (first_seen_at) WHERE hidden;
-- What a list by creation time would have to walk through is counted before each slot.
CREATE INDEX transactions_created ON transactions (account, created_at) WHERE created_at IS NOT NULL;

-- The search index is made when it is first filled, since not every build of SQLite can: table search, FTS5, without
-- content. It is derived from transactions and signers.
CREATE TABLE search_state (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  upto    INTEGER NOT NULL, -- transactions.n up to which the index has the words of rows, but for those in search_queue
  step    INTEGER NOT NULL, -- grows with each commit that fills it
  unswept BOOLEAN NOT NULL  -- its pages may hold words of a row that was forgotten
);
INSERT INTO search_state (id, upto, step, unswept) VALUES (1, 0, 0, 0);
-- Rows whose words have changed since the index took them, or that are gone.
CREATE TABLE search_queue (
  n      INTEGER PRIMARY KEY, -- transactions.n
  ticket INTEGER NOT NULL     -- grows with each change
);

-- When answers came that left rows as they are, and when they were asked for: for each of 64 rows by number, 13 digits
-- of milliseconds each. They count where they are later than the row's own, and only for rows at rest.
CREATE TABLE confirmations (
  block INTEGER PRIMARY KEY, -- transactions.n / 64,
  times BLOB NOT NULL
);

CREATE TABLE signers (
  txn       INTEGER NOT NULL, -- transactions.n
  signer    TEXT NOT NULL, -- the provider's id of the signer
  place     INTEGER NOT NULL, -- in the provider's list
  name      TEXT NOT NULL,
  email     TEXT NOT NULL,
  role      TEXT NOT NULL,
  "order"   INTEGER NOT NULL,
  status    TEXT NOT NULL,
  viewed_at STAMP,
  signed_at STAMP,
  reason    TEXT NOT NULL,
  PRIMARY KEY (txn, signer)
) WITHOUT ROWID;

CREATE TABLE documents (
  id             TEXT NOT NULL PRIMARY KEY,
  account        TEXT NOT NULL,
  ref            TEXT NOT NULL,
  doc_id         TEXT NOT NULL,
  kind           TEXT NOT NULL,
  name           TEXT NOT NULL,
  version        INTEGER NOT NULL,
  state          TEXT NOT NULL,
  reason         TEXT NOT NULL,
  sha256         TEXT NOT NULL,
  size           INTEGER NOT NULL,
  path           TEXT NOT NULL,
  attempts       INTEGER NOT NULL,
  next_try_at    STAMP,
  stored_at      STAMP,
  created_at     STAMP NOT NULL,
  signature      TEXT NOT NULL,
  integrity      TEXT NOT NULL,
  coverage       TEXT NOT NULL,
  trust          TEXT NOT NULL,
  signature_note TEXT NOT NULL DEFAULT '', -- why the words are what they are
  signatures     TEXT NOT NULL DEFAULT '[]', -- JSON
  facts          TEXT NOT NULL DEFAULT '{}', -- JSON: what else is known of the file's signatures
  mark           TEXT NOT NULL DEFAULT '', -- the provider's mark of the content; another mark is another version
  held           TEXT NOT NULL DEFAULT '', -- SHA-256 of the file that came by a link and waits for the provider; '': none is there
  link           BLOB, -- encrypted; a link that stood only in a callback, until the file is here
  link_at        STAMP, -- when the link came; a day later it is wiped
  lease_until    STAMP,
  lease_owner    TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX documents_of ON documents (account, ref, doc_id, kind, version);
CREATE INDEX documents_due ON documents (account, next_try_at, id) WHERE next_try_at IS NOT NULL;
CREATE INDEX documents_state ON documents (state, account, id) WHERE state <> 'stored';
CREATE INDEX documents_account ON documents (account, id);
CREATE INDEX documents_odd ON documents (signature, id) WHERE signature IN ('altered', 'unknown');

-- Whose seals the signed files of an account carry: hashes alone, no names.
CREATE TABLE seals (
  account    TEXT NOT NULL,
  key        TEXT NOT NULL, -- SHA-256 of the sealing certificate's public key
  name       TEXT NOT NULL, -- SHA-256 of whose it is and who issued it
  issuer_key TEXT NOT NULL, -- SHA-256 of the issuer's public key, '' where the files do not hold the issuer's certificate
  documents  INTEGER NOT NULL, -- files that carry it
  other      BOOLEAN NOT NULL, -- it stood where always another had stood, and nobody has accepted it
  document   TEXT NOT NULL, -- the id of the first one
  first_at   STAMP NOT NULL,
  PRIMARY KEY (account, key)
) WITHOUT ROWID;

-- Steps of signers that browsers told of.
CREATE TABLE progress (
  account TEXT NOT NULL,
  ref     TEXT NOT NULL,
  name    TEXT NOT NULL,
  at      STAMP NOT NULL,
  PRIMARY KEY (account, ref, name, at)
) WITHOUT ROWID;

-- Transactions whose personal data was removed.
CREATE TABLE forgotten (
  account   TEXT NOT NULL,
  ref       TEXT NOT NULL,
  at        STAMP NOT NULL,
  documents TEXT NOT NULL, -- ids of its documents, as JSON: files in the hold folder bear them
  swept_at  STAMP,      -- when its files were gone; NULL: they may still be there
  PRIMARY KEY (account, ref)
) WITHOUT ROWID;

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
  at        STAMP NOT NULL,
  signer    TEXT NOT NULL DEFAULT '', -- the signer that the change is about
  document  TEXT NOT NULL DEFAULT '' -- documents.id
);
CREATE INDEX history_of ON history (txn) WHERE txn IS NOT NULL;
CREATE INDEX history_loose ON history (account, ref) WHERE txn IS NULL;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, -- of the change in history
  at  STAMP NOT NULL
);
-- How far each hook has come. The hooks themselves stand in the config.
CREATE TABLE hooks (
  hook      TEXT NOT NULL PRIMARY KEY,
  reached   INTEGER NOT NULL, -- seq up to which changes have been looked at
  since     STAMP NOT NULL,
  gone_at   STAMP, -- the receiver said that it is gone; nothing is sent until a test goes well
  failures  INTEGER NOT NULL DEFAULT 0, -- attempts that failed since one went well
  failed_at STAMP, -- the first of them
  rests_to  STAMP, -- nothing is sent before
  asked_to  STAMP, -- the receiver asked for that rest until then
  sent      INTEGER NOT NULL DEFAULT 0, -- announcements that the receiver has taken
  sent_at   STAMP,
  note      TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- One announcement to one hook. Of a transaction's waiting ones only the oldest has a time at which it is due: the
-- others follow it.
CREATE TABLE deliveries (
  hook        TEXT NOT NULL,
  seq         INTEGER NOT NULL,
  account     TEXT NOT NULL,
  ref         TEXT NOT NULL,
  state       TEXT NOT NULL, -- waiting, sent, dead
  attempts    INTEGER NOT NULL DEFAULT 0,
  note        TEXT NOT NULL DEFAULT '',
  latency_ms  INTEGER NOT NULL DEFAULT 0,
  created_at  STAMP NOT NULL,
  next_try_at STAMP,
  done_at     STAMP,
  lease_until STAMP,
  lease_owner TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (hook, seq)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (hook, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX deliveries_of ON deliveries (hook, account, ref, seq) WHERE state = 'waiting';
CREATE INDEX deliveries_dead ON deliveries (hook, seq) WHERE state = 'dead';
CREATE INDEX deliveries_done ON deliveries (done_at) WHERE done_at IS NOT NULL;

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
  after_at    STAMP,
  before_at   STAMP NOT NULL,
  happened_at STAMP, -- as the provider dates the change; NULL: it does not, or not within its bounds
  found_by    TEXT NOT NULL,
  found_at    STAMP NOT NULL,
  settle_at   STAMP NOT NULL,
  latency_ns  INTEGER
);
CREATE INDEX gaps_of ON gaps (account, ref);
CREATE INDEX gaps_found ON gaps (found_at, id);
CREATE INDEX gaps_pending ON gaps (settle_at) WHERE kind = 'pending';

-- Changes that a callback reported in time, by day: what the gaps are measured against.
CREATE TABLE reported (
  account TEXT NOT NULL,
  day     TEXT NOT NULL, -- 2026-01-31, UTC
  change  TEXT NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (account, day, change)
) WITHOUT ROWID;

-- Changes by the channel that reported them first, by day.
CREATE TABLE firsts (
  account TEXT NOT NULL,
  day     TEXT NOT NULL, -- 2026-01-31, UTC
  change  TEXT NOT NULL,
  channel TEXT NOT NULL,
  count   INTEGER NOT NULL,
  PRIMARY KEY (account, day, change, channel)
) WITHOUT ROWID;

-- What verifies have found.
CREATE TABLE drift (
  run      TEXT NOT NULL,
  ref      TEXT NOT NULL,
  field    TEXT NOT NULL,
  about    TEXT NOT NULL, -- which signer or document; ''
  account  TEXT NOT NULL,
  ours     TEXT NOT NULL,
  theirs   TEXT NOT NULL,
  repaired BOOLEAN NOT NULL,
  found_at STAMP NOT NULL,
  PRIMARY KEY (run, ref, field, about)
) WITHOUT ROWID;
CREATE INDEX drift_found ON drift (found_at);

-- Rows that a list has answered for in a verify that is in work.
CREATE TABLE verified (
  run TEXT NOT NULL,
  ref TEXT NOT NULL,
  PRIMARY KEY (run, ref)
) WITHOUT ROWID;

CREATE TABLE incidents (
  id        TEXT NOT NULL PRIMARY KEY,
  account   TEXT NOT NULL,
  kind      TEXT NOT NULL,
  message   TEXT NOT NULL,
  opened_at STAMP NOT NULL,
  closed_at STAMP
);
CREATE UNIQUE INDEX incidents_open ON incidents (account, kind) WHERE closed_at IS NULL;

CREATE TABLE runs (
  id          TEXT NOT NULL PRIMARY KEY,
  account     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  state       TEXT NOT NULL,
  slot        STAMP,
  since       STAMP,
  until       STAMP,
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
  created_at  STAMP NOT NULL,
  started_at  STAMP,
  finished_at STAMP,
  beat_at     STAMP,
  lease_until STAMP, -- nobody else works on it before
  lease_owner TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_of ON runs (account, kind, created_at);
CREATE INDEX runs_created ON runs (created_at, id);
CREATE INDEX runs_open ON runs (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE tokens (
  account    TEXT NOT NULL,
  name       TEXT NOT NULL,
  secret     BLOB NOT NULL, -- encrypted with the installation key
  updated_at STAMP NOT NULL,
  PRIMARY KEY (account, name)
);

-- Who may use the console: tokens by their SHA-256 alone, which says nothing of them.
CREATE TABLE console_tokens (
  name       TEXT NOT NULL PRIMARY KEY,
  hash       TEXT NOT NULL UNIQUE, -- SHA-256 of the token, hex
  role       TEXT NOT NULL, -- read or operate
  created_at STAMP NOT NULL,
  expires_at STAMP, -- NULL: never
  used_on    TEXT NOT NULL DEFAULT '' -- the day of its last use, 2026-01-31, UTC; '': never used
) WITHOUT ROWID;

-- Those who have logged in, by the SHA-256 of what their cookie says.
CREATE TABLE sessions (
  hash       TEXT NOT NULL PRIMARY KEY,
  data       BLOB NOT NULL,
  expires_at STAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_expired ON sessions (expires_at);

-- Names for addresses of the console: somebody's own, or everybody's.
CREATE TABLE views (
  id         TEXT NOT NULL PRIMARY KEY,
  owner      TEXT NOT NULL, -- whose it is; '': everybody's
  name       TEXT NOT NULL,
  address    TEXT NOT NULL, -- a path of the console with its query
  made_by    TEXT NOT NULL,
  created_at STAMP NOT NULL,
  UNIQUE (owner, name)
) WITHOUT ROWID;

-- What an account's calls have to know again after a restart: what is spent of each budget, pauses, the breaker.
CREATE TABLE transport_states (
  account    TEXT NOT NULL,
  name       TEXT NOT NULL, -- a class of calls, or breaker
  state      TEXT NOT NULL, -- JSON
  updated_at STAMP NOT NULL,
  PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE locks (
  name      TEXT NOT NULL,
  owner     TEXT NOT NULL,
  since     STAMP NOT NULL,
  beat_at   STAMP NOT NULL,
  wanted_at STAMP,
  version   TEXT NOT NULL, -- of the program
  PRIMARY KEY (name, owner)
);

-- What one process at a time does for all.
CREATE TABLE turns (
  name  TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  until STAMP NOT NULL
);

-- How the database stands in a move, in which it is the source or the target. No row: in none.
CREATE TABLE handover (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  state TEXT NOT NULL, -- copying, still or gone: what is here goes elsewhere; filling, whole: the copy
  mark  TEXT NOT NULL, -- of the move, the same in source and target
  other TEXT NOT NULL, -- the other database, without a password
  at    STAMP NOT NULL
);

-- The views that outsiders rely on: columns are only added, a change of meaning is a v2_ beside it.
CREATE VIEW v1_transactions AS
SELECT account, provider, ref, external_id, name, status, provider_status, confirmed, reported_status, reason,
       archived, trashed, deleted, not_found, test, attention, signers_done, signers_total, documents_stored,
       documents_total,
       strftime('%Y-%m-%dT%H:%M:%fZ', sent_at / 1000.0, 'unixepoch') AS sent_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', provider_time / 1000.0, 'unixepoch') AS provider_time,
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch') AS created_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', changed_at / 1000.0, 'unixepoch') AS changed_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', CASE WHEN t.rest = 0 OR c.times IS NULL THEN t.confirmed_at
                ELSE MAX(t.confirmed_at, CAST(substr(c.times, CAST(1 + t.n % 64 * 26 AS INTEGER), 13) AS BIGINT)) END / 1000.0, 'unixepoch') AS confirmed_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', next_check_at / 1000.0, 'unixepoch') AS next_check_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1000.0, 'unixepoch') AS expires_at,
       seq
FROM transactions t LEFT JOIN confirmations c ON c.block = t.n / 64 WHERE NOT hidden;

CREATE VIEW v1_signers AS
SELECT t.account, t.ref, s.signer, s.name, s.email, s.role, s."order", s.status,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.viewed_at / 1000.0, 'unixepoch') AS viewed_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.signed_at / 1000.0, 'unixepoch') AS signed_at,
       s.reason
FROM signers s JOIN transactions t ON t.n = s.txn;

CREATE VIEW v1_documents AS
SELECT id, account, ref, kind, name, state, reason, signature, sha256, size, integrity, coverage, trust, path,
       strftime('%Y-%m-%dT%H:%M:%fZ', stored_at / 1000.0, 'unixepoch') AS stored_at,
       signature_note, signatures, facts
FROM documents;

CREATE VIEW v1_changes AS
SELECT h.seq, t.account, t.ref, h.kind, h.from_word AS "from", h.to_word AS "to", h.status, h.confirmed, h.source,
       strftime('%Y-%m-%dT%H:%M:%fZ', h.at / 1000.0, 'unixepoch') AS at,
       h.signer, h.document
FROM history h JOIN transactions t ON t.n = h.txn
UNION ALL
SELECT seq, account, ref, kind, from_word, to_word, status, confirmed, source,
       strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
       signer, document
FROM history WHERE txn IS NULL;

-- latency is in seconds.
CREATE VIEW v1_gaps AS
SELECT account, ref, kind, change, from_status AS "from", to_status AS "to",
       strftime('%Y-%m-%dT%H:%M:%fZ', after_at / 1000.0, 'unixepoch') AS "after",
       strftime('%Y-%m-%dT%H:%M:%fZ', before_at / 1000.0, 'unixepoch') AS "before",
       found_by,
       strftime('%Y-%m-%dT%H:%M:%fZ', found_at / 1000.0, 'unixepoch') AS found_at,
       latency_ns / 1e9 AS latency, signer
FROM gaps WHERE kind <> 'pending';

-- Times of accounts may be text as well: people write them by hand to try what `status` says.
CREATE VIEW v1_accounts AS
SELECT id, provider,
       CASE typeof(first_start_at) WHEN 'text' THEN first_start_at ELSE strftime('%Y-%m-%dT%H:%M:%fZ', first_start_at / 1000.0, 'unixepoch') END AS first_start_at,
       CASE typeof(last_callback_at) WHEN 'text' THEN last_callback_at ELSE strftime('%Y-%m-%dT%H:%M:%fZ', last_callback_at / 1000.0, 'unixepoch') END AS last_callback_at,
       CASE typeof(last_poll_at) WHEN 'text' THEN last_poll_at ELSE strftime('%Y-%m-%dT%H:%M:%fZ', last_poll_at / 1000.0, 'unixepoch') END AS last_poll_at,
       reach, last_error,
       CASE typeof(last_error_at) WHEN 'text' THEN last_error_at ELSE strftime('%Y-%m-%dT%H:%M:%fZ', last_error_at / 1000.0, 'unixepoch') END AS last_error_at,
       CASE typeof(rests_until) WHEN 'text' THEN rests_until ELSE strftime('%Y-%m-%dT%H:%M:%fZ', rests_until / 1000.0, 'unixepoch') END AS rests_until
FROM accounts;
