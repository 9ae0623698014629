-- What a change is about, what a callback proves, and what the daemon knows of an account that other processes ask for.

-- +goose Up
ALTER TABLE callbacks ADD COLUMN unproved BOOLEAN NOT NULL DEFAULT 0; -- taken as a hint: nobody proved what it says

ALTER TABLE history ADD COLUMN signer TEXT NOT NULL DEFAULT '';   -- the signer that the change is about
ALTER TABLE history ADD COLUMN document TEXT NOT NULL DEFAULT ''; -- documents.id

ALTER TABLE accounts ADD COLUMN reach TEXT NOT NULL DEFAULT '';   -- whose transactions its lists show, as far as was tried
ALTER TABLE accounts ADD COLUMN last_error TEXT NOT NULL DEFAULT ''; -- of its questions; '': the newest went well
ALTER TABLE accounts ADD COLUMN last_error_at DATETIME;
ALTER TABLE accounts ADD COLUMN rests_until DATETIME;             -- no question goes out before; NULL: it does not rest

DROP VIEW v1_changes;
CREATE VIEW v1_changes AS
SELECT h.seq, t.account, t.ref, h.kind, h.from_word AS "from", h.to_word AS "to", h.status, h.confirmed, h.source, h.at,
       h.signer, h.document
FROM history h JOIN transactions t ON t.n = h.txn
UNION ALL
SELECT seq, account, ref, kind, from_word, to_word, status, confirmed, source, at, signer, document FROM history WHERE txn IS NULL;

DROP VIEW v1_gaps;
CREATE VIEW v1_gaps AS
SELECT account, ref, kind, change, from_status AS "from", to_status AS "to", after_at AS "after", before_at AS "before",
       found_by, found_at, latency_ns / 1e9 AS latency, signer
FROM gaps WHERE kind <> 'pending';

DROP VIEW v1_accounts;
CREATE VIEW v1_accounts AS
SELECT id, provider, first_start_at, last_callback_at, last_poll_at, reach, last_error, last_error_at, rests_until FROM accounts;

-- +goose Down
DROP VIEW v1_accounts;
CREATE VIEW v1_accounts AS
SELECT id, provider, first_start_at, last_callback_at, last_poll_at FROM accounts;
DROP VIEW v1_gaps;
CREATE VIEW v1_gaps AS
SELECT account, ref, kind, change, from_status AS "from", to_status AS "to", after_at AS "after", before_at AS "before",
       found_by, found_at, latency_ns / 1e9 AS latency
FROM gaps WHERE kind <> 'pending';
DROP VIEW v1_changes;
CREATE VIEW v1_changes AS
SELECT h.seq, t.account, t.ref, h.kind, h.from_word AS "from", h.to_word AS "to", h.status, h.confirmed, h.source, h.at
FROM history h JOIN transactions t ON t.n = h.txn
UNION ALL
SELECT seq, account, ref, kind, from_word, to_word, status, confirmed, source, at FROM history WHERE txn IS NULL;
ALTER TABLE accounts DROP COLUMN rests_until;
ALTER TABLE accounts DROP COLUMN last_error_at;
ALTER TABLE accounts DROP COLUMN last_error;
ALTER TABLE accounts DROP COLUMN reach;
ALTER TABLE history DROP COLUMN document;
ALTER TABLE history DROP COLUMN signer;
ALTER TABLE callbacks DROP COLUMN unproved;
