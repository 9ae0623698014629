-- What is known of the signatures that stand in a document, one by one, and why a word is what it is.

-- +goose Up
ALTER TABLE documents ADD COLUMN signature_note TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN signatures TEXT NOT NULL DEFAULT '[]'; -- JSON

DROP VIEW v1_documents;
CREATE VIEW v1_documents AS
SELECT id, account, ref, kind, name, state, reason, signature, sha256, size, integrity, coverage, trust, path, stored_at,
       signature_note, signatures
FROM documents;

-- +goose Down
DROP VIEW v1_documents;
CREATE VIEW v1_documents AS
SELECT id, account, ref, kind, name, state, reason, signature, sha256, size, integrity, coverage, trust, path, stored_at
FROM documents;
ALTER TABLE documents DROP COLUMN signatures;
ALTER TABLE documents DROP COLUMN signature_note;
