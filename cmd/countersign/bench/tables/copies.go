package tables

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// What copies are made of. Words repeat as in a table of people: some are in every second row, most in few.
var (
	kinds = strings.Fields(`Loan Lease Consent Contract Order Agreement Policy Deed Notice Invoice`)
	given = strings.Fields(`Ana Luis María José Carlos Sofía Juan Pedro Lucía Diego Elena Marta Pablo Irene Hugo Nora Laura Sergio
Alba Raúl John Mary Peter Susan James Linda Robert Karen David Nancy`)
	family = strings.Fields(`Ruiz García López Pérez Sánchez Gómez Martín Díaz Moreno Álvarez Romero Navarro Torres Ramos Gil
Serrano Blanco Molina Castro Ortega Smith Jones Brown Taylor Wilson Davies Evans Thomas Roberts Johnson`)
)

// manyChanges is the ref of a transaction that has 60 changes and 60 callbacks.
const manyChanges = "sixty-changes"

// copies are rows of every table that is read, %[1]d of them behind number %[2]d, with the times of 90 days that end
// at %[3]d. None is due. Accounts, words of names and the like stand in tables w0 to w3.
const copies = `
CREATE TEMP TABLE c AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %[1]d)
SELECT i, i + %[2]d AS n, %[3]d - (%[1]d - i) * 7776000000 / %[1]d AS at, printf('%%016x', (i * 2654435761) & 281474976710655) AS ref,
(SELECT w FROM w0 WHERE k = i %% (SELECT COUNT(*) FROM w0)) AS account FROM c;
INSERT INTO transactions (n, account, ref, provider, external_id, name, status, provider_status, confirmed, reported_status, archived, test,
attention, signers_done, signers_total, signer_rows, documents_total, documents_stored, created_at, sent_at, expires_at, first_seen_at,
changed_at, confirmed_at, asked_at, origin, version, seq)
SELECT n, account, ref, 'onespan', 'C-' || i,
(SELECT w FROM w1 WHERE k = i * 7 %% 10) || ' agreement ' || i || ' ' || (SELECT w FROM w3 WHERE k = i * 13 / 10 %% 30),
CASE WHEN i %% 50 = 0 THEN 'in_progress' WHEN i %% 7 = 0 THEN 'declined' WHEN i %% 31 = 0 THEN 'expired' WHEN i %% 997 = 0 THEN 'failed' ELSE 'completed' END,
'COMPLETED', 1, CASE WHEN i %% 5000 = 0 THEN 'completed' ELSE '' END, i %% 40 = 0, i %% 900 = 0,
CASE WHEN i %% 20000 = 0 THEN '[{"kind":"file_error","since":"2026-01-31T12:00:00Z"}]' ELSE '[]' END, 2, 2, 2, 1, 1, at, at,
CASE WHEN i %% 3 = 0 THEN at + 864000000 END, at, at, at, at, 'claim', n, n FROM c;
INSERT INTO signers (txn, signer, place, name, email, role, "order", status, viewed_at, signed_at, reason)
SELECT n, 's' || p, p, (SELECT w FROM w2 WHERE k = (i * 11 + p * 3) / 7 %% 30) || ' ' || (SELECT w FROM w3 WHERE k = (i * 17 + p) / 3 %% 30),
(SELECT lower(w) FROM w2 WHERE k = (i * 11 + p * 3) / 7 %% 30) || i || '@example.com', 'signer', p, 'signed', at, at, ''
FROM c, (SELECT 0 AS p UNION ALL SELECT 1);
INSERT INTO history (seq, txn, account, ref, kind, from_word, to_word, status, confirmed, source, at)
SELECT n, n, account, ref, 'status', 'in_progress', 'completed', 'completed', 1, 'confirm', at FROM c;
INSERT INTO gaps (id, account, ref, kind, change, from_status, to_status, signer, off, before_at, found_by, found_at, settle_at)
SELECT printf('g%%012d', n), account, ref, CASE WHEN i %% 11 = 0 THEN 'late' WHEN i %% 37 = 0 THEN 'refused' ELSE 'missed' END, 'status',
'in_progress', 'completed', '', 0, at, 'poll', at, at FROM c;
INSERT INTO callbacks (n, txn, account, ref, dedupe_key, type, event_id, verdict, outcome, note, at, remote_addr, body_hash, sealed)
SELECT n, n, account, ref, printf('%%d', n), 'PACKAGE_COMPLETE', '', CASE WHEN i %% 100 = 0 THEN 'refused' ELSE 'accepted' END, 'applied', '', at,
'192.0.2.7', ref, 0 FROM c;
INSERT INTO documents (id, account, ref, doc_id, kind, name, version, state, reason, sha256, size, path, attempts, stored_at, created_at, signature,
integrity, coverage, trust)
SELECT printf('d%%012d', n), account, ref, 'd', 'signed', 'signed.pdf', 1, CASE WHEN i %% 20000 = 0 THEN 'quarantined' WHEN i %% 5000 = 0 THEN
'waiting' ELSE 'stored' END, '', ref || ref || ref || ref, 40000, ref || '.pdf', 1, at, at, CASE WHEN i %% 20000 = 0 THEN 'altered' ELSE 'intact'
END, 'intact', 'whole', 'unknown' FROM c WHERE i %% 4 = 0;
INSERT INTO runs (id, account, kind, state, cursor, params, result, note, listed, asked, changed, gaps, queued, total, "left", created_at)
SELECT printf('r%%012d', n), account, 'active', 'done', '', '{}', '{}', '', 40, 12, 3, 1, 0, 0, 0, at FROM c WHERE i %% 500 = 0;
INSERT INTO reported (account, day, change, count) SELECT account, strftime('%%Y-%%m-%%d', at / 1000, 'unixepoch'), 'status', COUNT(*) * 40 FROM c GROUP BY 1, 2
ON CONFLICT (account, day, change) DO UPDATE SET count = reported.count + excluded.count;
INSERT INTO callback_days (account, day, verdict, count) SELECT account, strftime('%%Y-%%m-%%d', at / 1000, 'unixepoch'), 'accepted', COUNT(*) FROM c GROUP BY 1, 2
ON CONFLICT (account, day, verdict) DO UPDATE SET count = callback_days.count + excluded.count;
UPDATE transactions SET ref = '` + manyChanges + `', name = 'Loan with many changes' WHERE n = %[2]d + 1;
UPDATE history SET txn = %[2]d + 1, ref = '` + manyChanges + `' WHERE seq BETWEEN %[2]d + 1 AND %[2]d + 60;
UPDATE callbacks SET txn = %[2]d + 1, ref = '` + manyChanges + `' WHERE n BETWEEN %[2]d + 1 AND %[2]d + 60;
UPDATE gaps SET account = (SELECT account FROM transactions WHERE n = %[2]d + 1), ref = '` + manyChanges + `' WHERE id IN (printf('g%%012d', %[2]d + 1), printf('g%%012d', %[2]d + 2));
UPDATE counters SET seq = %[2]d + %[1]d, version = %[2]d + %[1]d, ordinal = %[2]d + %[1]d;
DROP TABLE c`

// multiply adds rows copies of what a table of transactions holds to a database that nobody uses just now.
func multiply(ctx context.Context, file string, accounts []string, rows int, at time.Time) (err error) {
	db, err := sql.Open("sqlite3", (&url.URL{Scheme: "file", Path: file, RawQuery: "_journal_mode=WAL&_synchronous=OFF"}).String())
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // what is missing is found missing
	db.SetMaxOpenConns(1)
	for i, words := range [][]string{accounts, kinds, given, family} {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("CREATE TEMP TABLE w%d (k INTEGER PRIMARY KEY, w TEXT)", i)); err != nil {
			return err
		}
		for k, w := range words {
			if _, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO w%d VALUES (?, ?)", i), k, w); err != nil {
				return err
			}
		}
	}
	var from int64
	if err := db.QueryRowContext(ctx, `SELECT MAX(seq, ordinal) + 1000 FROM counters`).Scan(&from); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf(copies, rows, from, at.UnixMilli()))
	return err
}
