-- The same tables as in migrations/sqlite, in PostgreSQL's types.
-- What has no v1_ before its name is ours and may change; see docs/sql.md.

-- +goose Up
CREATE TABLE counters (
  id             bigint PRIMARY KEY CHECK (id = 1),
  seq            bigint NOT NULL,           -- newest change in history
  version        bigint NOT NULL,           -- newest version of any row
  ordinal        bigint NOT NULL,           -- newest number in an id that we made
  pruned         bigint NOT NULL DEFAULT 0, -- newest change that retention has taken
  bodies_pruned  bigint NOT NULL DEFAULT 0, -- callbacks.n up to which retention has taken bodies
  refused_pruned bigint NOT NULL DEFAULT 0  -- the same for those of refused ones
);
INSERT INTO counters (id, seq, version, ordinal) VALUES (1, 0, 0, 0);

CREATE TABLE accounts (
  id               text COLLATE "C" NOT NULL PRIMARY KEY,
  provider         text COLLATE "C" NOT NULL,
  remote_id        text COLLATE "C" NOT NULL DEFAULT '',
  first_start_at   timestamptz NOT NULL,
  last_callback_at timestamptz,
  last_poll_at     timestamptz,
  listed_until     timestamptz,
  refused_in_a_row bigint NOT NULL DEFAULT 0,
  not_understood_in_a_row bigint NOT NULL DEFAULT 0,
  registration     text COLLATE "C" NOT NULL DEFAULT '',
  reach            text COLLATE "C" NOT NULL DEFAULT '', -- whose transactions its lists show, as far as was tried
  last_error       text COLLATE "C" NOT NULL DEFAULT '', -- of its questions; '': the newest went well
  last_error_at    timestamptz,
  rests_until      timestamptz -- no question goes out before; NULL: it does not rest
);

CREATE TABLE callbacks (
  n           bigint PRIMARY KEY, -- the number in its id: c000000000042 is 42
  txn         bigint,             -- transactions.n; NULL: there was no such row when it came, or it was removed
  account     text COLLATE "C" NOT NULL,
  ref         text COLLATE "C" NOT NULL,
  dedupe_key  text COLLATE "C",                -- NULL: takes none
  type        text COLLATE "C" NOT NULL,
  event_id    text COLLATE "C" NOT NULL,
  verdict     text COLLATE "C" NOT NULL,
  outcome     text COLLATE "C" NOT NULL,
  note        text COLLATE "C" NOT NULL,
  at          timestamptz NOT NULL,
  remote_addr text COLLATE "C" NOT NULL,
  body_hash   text COLLATE "C" NOT NULL,
  sealed      boolean NOT NULL,
  unproved    boolean NOT NULL DEFAULT false, -- taken as a hint: nobody proved what it says
  body        bytea -- headers and body, compressed, and encrypted if sealed; NULL when retention has taken it; last: it is long
);
-- Copies are found, a copy cannot be stored twice, a row's callbacks are listed. Keys lead with the
-- row's number, since refs are random: a random key touches a page of its own for each event.
CREATE UNIQUE INDEX callbacks_of ON callbacks (txn, dedupe_key) WHERE txn IS NOT NULL;
CREATE UNIQUE INDEX callbacks_loose ON callbacks (account, ref, dedupe_key) WHERE txn IS NULL;
CREATE INDEX callbacks_odd ON callbacks (verdict, n) WHERE verdict IN ('refused', 'not_understood');

-- Callbacks by the day on which they came and their verdict, as it is now.
CREATE TABLE callback_days (
  account text COLLATE "C" NOT NULL,
  day     text COLLATE "C" NOT NULL, -- 2026-01-31, UTC
  verdict text COLLATE "C" NOT NULL,
  count   bigint NOT NULL,
  PRIMARY KEY (account, day, verdict)
);

-- What the bodies of each provider's callbacks are compressed by, the newest of each. None is ever taken away: a body that
-- was written by it names its number.
CREATE TABLE dictionaries (
  n          bigint PRIMARY KEY,
  provider   text COLLATE "C" NOT NULL,
  dictionary bytea NOT NULL,
  made_at    timestamptz NOT NULL
);

CREATE TABLE transactions (
  n                bigint PRIMARY KEY, -- in the order of arrival
  account          text COLLATE "C" NOT NULL DEFAULT '',
  ref              text COLLATE "C" NOT NULL DEFAULT '',
  provider         text COLLATE "C" NOT NULL DEFAULT '',
  external_id      text COLLATE "C" NOT NULL DEFAULT '',
  name             text COLLATE "C" NOT NULL DEFAULT '',
  status           text COLLATE "C" NOT NULL DEFAULT 'unknown',
  provider_status  text COLLATE "C" NOT NULL DEFAULT '',
  confirmed        boolean NOT NULL DEFAULT false,
  reported_status  text COLLATE "C" NOT NULL DEFAULT '',
  reason           text COLLATE "C" NOT NULL DEFAULT '',
  archived         boolean NOT NULL DEFAULT false,
  trashed          boolean NOT NULL DEFAULT false,
  deleted          boolean NOT NULL DEFAULT false,
  not_found        boolean NOT NULL DEFAULT false,
  test             boolean NOT NULL DEFAULT false,
  attention        text COLLATE "C" NOT NULL DEFAULT '[]',
  metadata         text COLLATE "C" NOT NULL DEFAULT '',
  signers_done     bigint NOT NULL DEFAULT 0,
  signers_total    bigint NOT NULL DEFAULT 0,
  sent_at          timestamptz,
  provider_time    timestamptz,
  created_at       timestamptz,
  expires_at       timestamptz,
  first_seen_at    timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00.000Z',
  changed_at       timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00.000Z',
  confirmed_at     timestamptz,
  asked_at         timestamptz,
  origin           text COLLATE "C" NOT NULL DEFAULT '',
  hidden           boolean NOT NULL DEFAULT false,
  version          bigint NOT NULL DEFAULT 0,
  seq              bigint NOT NULL DEFAULT 0,
  next_check_at    timestamptz,
  due_rank         integer, -- 0 the end of a known row, 1 another, 2 and 3 the same for refs that are only named; NULL: not due
  due_reason       text COLLATE "C" NOT NULL DEFAULT '',
  due_since        timestamptz,
  hinted_at        timestamptz,
  lost_answers     bigint NOT NULL DEFAULT 0,
  not_found_count  bigint NOT NULL DEFAULT 0,
  not_found_at     timestamptz,
  delete_at        timestamptz,
  recheck          bigint NOT NULL DEFAULT 0,
  refuted_as       text COLLATE "C" NOT NULL DEFAULT '',
  refuted_at       timestamptz,
  fingerprint      text COLLATE "C" NOT NULL DEFAULT '',
  rest             smallint NOT NULL DEFAULT 0, -- how an unchanged answer finds it, see model.Rest; 0: an answer has to be decided
  open_gaps        bigint NOT NULL DEFAULT 0,
  documents_total  bigint NOT NULL DEFAULT 0,
  documents_stored bigint NOT NULL DEFAULT 0,
  provider_mark    text COLLATE "C" NOT NULL DEFAULT '',
  tracked_by       text COLLATE "C" NOT NULL DEFAULT '', -- who asked to follow it last, as the history names sources
  tracked_at       timestamptz,
  signer_rows      bigint NOT NULL DEFAULT 0, -- rows in signers, those who left too
  lease_until      timestamptz,
  lease_owner      text COLLATE "C" NOT NULL DEFAULT '',
  UNIQUE (account, ref)
);
-- A list without a choice of account or status reads the first; others read one range of the second
-- for each account and status, and merge them.
CREATE INDEX transactions_changed ON transactions (changed_at, n) WHERE NOT hidden;
CREATE INDEX transactions_list ON transactions (account, status, changed_at, n) WHERE NOT hidden;
CREATE INDEX transactions_due ON transactions (account, due_rank, next_check_at, n) WHERE next_check_at IS NOT NULL;
CREATE INDEX transactions_attention ON transactions (account, changed_at) WHERE attention <> '[]';
-- What few rows are: lists of them read these.
CREATE INDEX transactions_checking ON transactions (changed_at, n) WHERE reported_status <> '' AND NOT hidden;
CREATE INDEX transactions_archived ON transactions (changed_at, n) WHERE archived AND NOT hidden;
CREATE INDEX transactions_trashed ON transactions (changed_at, n) WHERE trashed AND NOT hidden;
CREATE INDEX transactions_deleted ON transactions (changed_at, n) WHERE deleted AND NOT hidden;
CREATE INDEX transactions_not_found ON transactions (changed_at, n) WHERE not_found AND NOT hidden;
CREATE INDEX transactions_test ON transactions (changed_at, n) WHERE test AND NOT hidden;
CREATE INDEX transactions_expiring ON transactions (expires_at) WHERE expires_at IS NOT NULL AND status IN ('draft', 'in_progress') AND NOT hidden;
CREATE INDEX transactions_external ON transactions (external_id) WHERE external_id <> '';
CREATE INDEX transactions_hidden ON transactions (first_seen_at) WHERE hidden;
-- What a list by creation time would have to walk through is counted before each slot.
CREATE INDEX transactions_created ON transactions (account, created_at) WHERE created_at IS NOT NULL;

-- The search index is derived from transactions and signers.
CREATE TABLE search_state (
  id      bigint PRIMARY KEY CHECK (id = 1),
  upto    bigint NOT NULL, -- transactions.n up to which the index has the words of rows, but for those in search_queue
  step    bigint NOT NULL, -- grows with each commit that fills it
  unswept boolean NOT NULL -- of SQLite's index
);
INSERT INTO search_state (id, upto, step, unswept) VALUES (1, 0, 0, false);
-- Rows whose words have changed since the index took them, or that are gone.
CREATE TABLE search_queue (
  n      bigint PRIMARY KEY, -- transactions.n
  ticket bigint NOT NULL     -- grows with each change
);
CREATE TABLE search (
  n     bigint PRIMARY KEY, -- transactions.n
  words tsvector NOT NULL
);
CREATE INDEX search_words ON search USING gin (words);

-- When answers came that left rows as they are, and when they were asked for: for each of 64 rows by number, 13 digits
-- of milliseconds each. They count where they are later than the row's own, and only for rows at rest.
CREATE TABLE confirmations (
  block bigint NOT NULL PRIMARY KEY,
  times text NOT NULL
);

CREATE TABLE signers (
  txn       bigint NOT NULL, -- transactions.n
  signer    text COLLATE "C" NOT NULL, -- the provider's id of the signer
  place     bigint NOT NULL, -- in the provider's list
  name      text COLLATE "C" NOT NULL,
  email     text COLLATE "C" NOT NULL,
  role      text COLLATE "C" NOT NULL,
  "order"   bigint NOT NULL,
  status    text COLLATE "C" NOT NULL,
  viewed_at timestamptz,
  signed_at timestamptz,
  reason    text COLLATE "C" NOT NULL,
  PRIMARY KEY (txn, signer)
);

CREATE TABLE documents (
  id             text COLLATE "C" NOT NULL PRIMARY KEY,
  account        text COLLATE "C" NOT NULL,
  ref            text COLLATE "C" NOT NULL,
  doc_id         text COLLATE "C" NOT NULL,
  kind           text COLLATE "C" NOT NULL,
  name           text COLLATE "C" NOT NULL,
  version        bigint NOT NULL,
  state          text COLLATE "C" NOT NULL,
  reason         text COLLATE "C" NOT NULL,
  sha256         text COLLATE "C" NOT NULL,
  size           bigint NOT NULL,
  path           text COLLATE "C" NOT NULL,
  attempts       bigint NOT NULL,
  next_try_at    timestamptz,
  stored_at      timestamptz,
  created_at     timestamptz NOT NULL,
  signature      text COLLATE "C" NOT NULL,
  integrity      text COLLATE "C" NOT NULL,
  coverage       text COLLATE "C" NOT NULL,
  trust          text COLLATE "C" NOT NULL,
  signature_note text COLLATE "C" NOT NULL DEFAULT '', -- why the words are what they are
  signatures     text COLLATE "C" NOT NULL DEFAULT '[]', -- JSON
  facts          text COLLATE "C" NOT NULL DEFAULT '{}', -- JSON: what else is known of the file's signatures
  mark           text COLLATE "C" NOT NULL DEFAULT '', -- the provider's mark of the content; another mark is another version
  held           text COLLATE "C" NOT NULL DEFAULT '', -- SHA-256 of the file that came by a link and waits for the provider; '': none is there
  link           bytea, -- encrypted; a link that stood only in a callback, until the file is here
  link_at        timestamptz, -- when the link came; a day later it is wiped
  lease_until    timestamptz,
  lease_owner    text COLLATE "C" NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX documents_of ON documents (account, ref, doc_id, kind, version);
CREATE INDEX documents_due ON documents (account, next_try_at, id) WHERE next_try_at IS NOT NULL;
CREATE INDEX documents_state ON documents (state, account, id) WHERE state <> 'stored';
CREATE INDEX documents_account ON documents (account, id);
CREATE INDEX documents_odd ON documents (signature, id) WHERE signature IN ('altered', 'unknown');

-- Whose seals the signed files of an account carry: hashes alone, no names.
CREATE TABLE seals (
  account    text COLLATE "C" NOT NULL,
  key        text COLLATE "C" NOT NULL, -- SHA-256 of the sealing certificate's public key
  name       text COLLATE "C" NOT NULL, -- SHA-256 of whose it is and who issued it
  issuer_key text COLLATE "C" NOT NULL, -- SHA-256 of the issuer's public key, '' where the files do not hold the issuer's certificate
  documents  bigint NOT NULL, -- files that carry it
  other      boolean NOT NULL, -- it stood where always another had stood, and nobody has accepted it
  document   text COLLATE "C" NOT NULL, -- the id of the first one
  first_at   timestamptz NOT NULL,
  PRIMARY KEY (account, key)
);

-- Steps of signers that browsers told of.
CREATE TABLE progress (
  account text COLLATE "C" NOT NULL,
  ref     text COLLATE "C" NOT NULL,
  name    text COLLATE "C" NOT NULL,
  at      timestamptz NOT NULL,
  PRIMARY KEY (account, ref, name, at)
);

-- Transactions whose personal data was removed.
CREATE TABLE forgotten (
  account   text COLLATE "C" NOT NULL,
  ref       text COLLATE "C" NOT NULL,
  at        timestamptz NOT NULL,
  documents text COLLATE "C" NOT NULL, -- ids of its documents, as JSON: files in the hold folder bear them
  swept_at  timestamptz,               -- when its files were gone; NULL: they may still be there
  PRIMARY KEY (account, ref)
);

CREATE TABLE history (
  seq       bigint PRIMARY KEY,
  txn       bigint, -- transactions.n; NULL for an incident
  account   text COLLATE "C" NOT NULL,
  ref       text COLLATE "C" NOT NULL, -- '' for an incident
  kind      text COLLATE "C" NOT NULL,
  from_word text COLLATE "C" NOT NULL,
  to_word   text COLLATE "C" NOT NULL,
  status    text COLLATE "C" NOT NULL,
  confirmed boolean NOT NULL,
  source    text COLLATE "C" NOT NULL,
  at        timestamptz NOT NULL,
  signer    text COLLATE "C" NOT NULL DEFAULT '', -- the signer that the change is about
  document  text COLLATE "C" NOT NULL DEFAULT '' -- documents.id
);
CREATE INDEX history_of ON history (txn) WHERE txn IS NOT NULL;
CREATE INDEX history_loose ON history (account, ref) WHERE txn IS NULL;

CREATE TABLE outbox (
  seq bigint PRIMARY KEY, -- of the change in history
  at  timestamptz NOT NULL
);
-- How far each hook has come. The hooks themselves stand in the config.
CREATE TABLE hooks (
  hook      text COLLATE "C" NOT NULL PRIMARY KEY,
  reached   bigint NOT NULL, -- seq up to which changes have been looked at
  since     timestamptz NOT NULL,
  gone_at   timestamptz, -- the receiver said that it is gone; nothing is sent until a test goes well
  failures  bigint NOT NULL DEFAULT 0, -- attempts that failed since one went well
  failed_at timestamptz, -- the first of them
  rests_to  timestamptz, -- nothing is sent before
  asked_to  timestamptz, -- the receiver asked for that rest until then
  sent      bigint NOT NULL DEFAULT 0, -- announcements that the receiver has taken
  sent_at   timestamptz,
  note      text COLLATE "C" NOT NULL DEFAULT ''
);

-- One announcement to one hook. Of a transaction's waiting ones only the oldest has a time at which it is due: the
-- others follow it.
CREATE TABLE deliveries (
  hook        text COLLATE "C" NOT NULL,
  seq         bigint NOT NULL,
  account     text COLLATE "C" NOT NULL,
  ref         text COLLATE "C" NOT NULL,
  state       text COLLATE "C" NOT NULL, -- waiting, sent, dead
  attempts    bigint NOT NULL DEFAULT 0,
  note        text COLLATE "C" NOT NULL DEFAULT '',
  latency_ms  bigint NOT NULL DEFAULT 0,
  created_at  timestamptz NOT NULL,
  next_try_at timestamptz,
  done_at     timestamptz,
  lease_until timestamptz,
  lease_owner text COLLATE "C" NOT NULL DEFAULT '',
  PRIMARY KEY (hook, seq)
);
CREATE INDEX deliveries_due ON deliveries (hook, next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX deliveries_of ON deliveries (hook, account, ref, seq) WHERE state = 'waiting';
CREATE INDEX deliveries_dead ON deliveries (hook, seq) WHERE state = 'dead';
CREATE INDEX deliveries_done ON deliveries (done_at) WHERE done_at IS NOT NULL;

CREATE TABLE gaps (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  account     text COLLATE "C" NOT NULL,
  ref         text COLLATE "C" NOT NULL,
  kind        text COLLATE "C" NOT NULL,
  change      text COLLATE "C" NOT NULL,
  from_status text COLLATE "C" NOT NULL,
  to_status   text COLLATE "C" NOT NULL,
  signer      text COLLATE "C" NOT NULL,
  off         boolean NOT NULL,
  after_at    timestamptz,
  before_at   timestamptz NOT NULL,
  happened_at timestamptz, -- as the provider dates the change; NULL: it does not, or not within its bounds
  found_by    text COLLATE "C" NOT NULL,
  found_at    timestamptz NOT NULL,
  settle_at   timestamptz NOT NULL,
  latency_ns  bigint
);
CREATE INDEX gaps_of ON gaps (account, ref);
CREATE INDEX gaps_found ON gaps (found_at, id);
CREATE INDEX gaps_pending ON gaps (settle_at) WHERE kind = 'pending';

-- Changes that a callback reported in time, by day: what the gaps are measured against.
CREATE TABLE reported (
  account text COLLATE "C" NOT NULL,
  day     text COLLATE "C" NOT NULL, -- 2026-01-31, UTC
  change  text COLLATE "C" NOT NULL,
  count   bigint NOT NULL,
  PRIMARY KEY (account, day, change)
);

-- Changes by the channel that reported them first, by day.
CREATE TABLE firsts (
  account text COLLATE "C" NOT NULL,
  day     text COLLATE "C" NOT NULL, -- 2026-01-31, UTC
  change  text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  count   bigint NOT NULL,
  PRIMARY KEY (account, day, change, channel)
);

-- What verifies have found.
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

CREATE TABLE incidents (
  id        text COLLATE "C" NOT NULL PRIMARY KEY,
  account   text COLLATE "C" NOT NULL,
  kind      text COLLATE "C" NOT NULL,
  message   text COLLATE "C" NOT NULL,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz
);
CREATE UNIQUE INDEX incidents_open ON incidents (account, kind) WHERE closed_at IS NULL;

CREATE TABLE runs (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  account     text COLLATE "C" NOT NULL,
  kind        text COLLATE "C" NOT NULL,
  state       text COLLATE "C" NOT NULL,
  slot        timestamptz,
  since       timestamptz,
  until       timestamptz,
  cursor      text COLLATE "C" NOT NULL,
  params      text COLLATE "C" NOT NULL,
  result      text COLLATE "C" NOT NULL,
  note        text COLLATE "C" NOT NULL,
  listed      bigint NOT NULL,
  asked       bigint NOT NULL,
  changed     bigint NOT NULL,
  gaps        bigint NOT NULL,
  queued      bigint NOT NULL,
  total       bigint NOT NULL,
  "left"      bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  started_at  timestamptz,
  finished_at timestamptz,
  beat_at     timestamptz,
  lease_until timestamptz, -- nobody else works on it before
  lease_owner text COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX runs_of ON runs (account, kind, created_at);
CREATE INDEX runs_created ON runs (created_at, id);
CREATE INDEX runs_open ON runs (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE tokens (
  account    text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  secret     bytea NOT NULL, -- encrypted with the installation key
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (account, name)
);

-- Who may use the console: tokens by their SHA-256 alone, which says nothing of them.
CREATE TABLE console_tokens (
  name       text COLLATE "C" NOT NULL PRIMARY KEY,
  hash       text COLLATE "C" NOT NULL UNIQUE, -- SHA-256 of the token, hex
  role       text COLLATE "C" NOT NULL, -- read or operate
  created_at timestamptz NOT NULL,
  expires_at timestamptz, -- NULL: never
  used_on    text COLLATE "C" NOT NULL DEFAULT '' -- the day of its last use, 2026-01-31, UTC; '': never used
);

-- Those who have logged in, by the SHA-256 of what their cookie says.
CREATE TABLE sessions (
  hash       text COLLATE "C" NOT NULL PRIMARY KEY,
  data       bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_expired ON sessions (expires_at);

-- Names for addresses of the console: somebody's own, or everybody's.
CREATE TABLE views (
  id         text COLLATE "C" NOT NULL PRIMARY KEY,
  owner      text COLLATE "C" NOT NULL, -- whose it is; '': everybody's
  name       text COLLATE "C" NOT NULL,
  address    text COLLATE "C" NOT NULL, -- a path of the console with its query
  made_by    text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (owner, name)
);

-- What an account's calls have to know again after a restart: what is spent of each budget, pauses, the breaker.
CREATE TABLE transport_states (
  account    text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL, -- a class of calls, or breaker
  state      text NOT NULL, -- JSON
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (account, name)
);

CREATE TABLE locks (
  name      text COLLATE "C" NOT NULL,
  owner     text COLLATE "C" NOT NULL,
  since     timestamptz NOT NULL,
  beat_at   timestamptz NOT NULL,
  wanted_at timestamptz,
  version   text COLLATE "C" NOT NULL, -- of the program
  PRIMARY KEY (name, owner)
);

-- What one process at a time does for all.
CREATE TABLE turns (
  name  text COLLATE "C" NOT NULL PRIMARY KEY,
  owner text COLLATE "C" NOT NULL,
  until timestamptz NOT NULL
);

-- How the database stands in a move, in which it is the source or the target. No row: in none.
CREATE TABLE handover (
  id    bigint PRIMARY KEY CHECK (id = 1),
  state text COLLATE "C" NOT NULL, -- copying, still or gone: what is here goes elsewhere; filling, whole: the copy
  mark  text COLLATE "C" NOT NULL, -- of the move, the same in source and target
  other text COLLATE "C" NOT NULL, -- the other database, without a password
  at    timestamptz NOT NULL
);

-- The views that outsiders rely on: columns are only added, a change of meaning is a v2_ beside it.
CREATE VIEW v1_transactions AS
SELECT account, provider, ref, external_id, name, status, provider_status, confirmed, reported_status, reason,
       archived, trashed, deleted, not_found, test, attention, signers_done, signers_total, documents_stored,
       documents_total, sent_at, provider_time, created_at, changed_at,
       CASE WHEN t.rest = 0 OR c.times IS NULL THEN t.confirmed_at
            ELSE GREATEST(t.confirmed_at, to_timestamp(CAST(substr(c.times, CAST(1 + t.n % 64 * 26 AS INTEGER), 13) AS BIGINT) / 1000.0)) END AS confirmed_at,
       next_check_at, expires_at, seq
FROM transactions t LEFT JOIN confirmations c ON c.block = t.n / 64 WHERE NOT hidden;

CREATE VIEW v1_signers AS
SELECT t.account, t.ref, s.signer, s.name, s.email, s.role, s."order", s.status, s.viewed_at, s.signed_at, s.reason
FROM signers s JOIN transactions t ON t.n = s.txn;

CREATE VIEW v1_documents AS
SELECT id, account, ref, kind, name, state, reason, signature, sha256, size, integrity, coverage, trust, path, stored_at,
       signature_note, signatures, facts
FROM documents;

CREATE VIEW v1_changes AS
SELECT h.seq, t.account, t.ref, h.kind, h.from_word AS "from", h.to_word AS "to", h.status, h.confirmed, h.source, h.at,
       h.signer, h.document
FROM history h JOIN transactions t ON t.n = h.txn
UNION ALL
SELECT seq, account, ref, kind, from_word, to_word, status, confirmed, source, at, signer, document FROM history WHERE txn IS NULL;

-- latency is in seconds.
CREATE VIEW v1_gaps AS
SELECT account, ref, kind, change, from_status AS "from", to_status AS "to", after_at AS "after", before_at AS "before",
       found_by, found_at, latency_ns / 1e9::float8 AS latency, signer
FROM gaps WHERE kind <> 'pending';

CREATE VIEW v1_accounts AS
SELECT id, provider, first_start_at, last_callback_at, last_poll_at, reach, last_error, last_error_at, rests_until FROM accounts;
