-- The views that outsiders rely on: columns are only added, a change of meaning is a v2_ beside it.

-- +goose Up
CREATE VIEW v1_transactions AS
SELECT account, provider, ref, external_id, name, status, provider_status, confirmed, reported_status, reason,
       archived, trashed, deleted, not_found, test, attention, signers_done, signers_total, documents_stored,
       documents_total, sent_at, provider_time, created_at, changed_at, confirmed_at, next_check_at, expires_at, seq
FROM transactions WHERE NOT hidden;

CREATE VIEW v1_signers AS
SELECT t.account, t.ref, s.signer, s.name, s.email, s.role, s."order", s.status, s.viewed_at, s.signed_at, s.reason
FROM signers s JOIN transactions t ON t.n = s.txn;

CREATE VIEW v1_documents AS
SELECT id, account, ref, kind, name, state, reason, signature, sha256, size, integrity, coverage, trust, path, stored_at
FROM documents;

CREATE VIEW v1_changes AS
SELECT h.seq, t.account, t.ref, h.kind, h.from_word AS "from", h.to_word AS "to", h.status, h.confirmed, h.source, h.at
FROM history h JOIN transactions t ON t.n = h.txn
UNION ALL
SELECT seq, account, ref, kind, from_word, to_word, status, confirmed, source, at FROM history WHERE txn IS NULL;

-- latency is in seconds.
CREATE VIEW v1_gaps AS
SELECT account, ref, kind, change, from_status AS "from", to_status AS "to", after_at AS "after", before_at AS "before",
       found_by, found_at, latency_ns / 1e9 AS latency
FROM gaps WHERE kind <> 'pending';

CREATE VIEW v1_accounts AS
SELECT id, provider, first_start_at, last_callback_at, last_poll_at FROM accounts;

-- +goose Down
DROP VIEW v1_accounts;
DROP VIEW v1_gaps;
DROP VIEW v1_changes;
DROP VIEW v1_documents;
DROP VIEW v1_signers;
DROP VIEW v1_transactions;
