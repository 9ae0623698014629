package store

import "countersign/model/store/database"

// statements are the texts of the hot path, made once.
type statements struct {
	rows, numbers, signers, copies, loose  *database.Multi // SQLite's reads by key
	pgRows, pgNumbers, pgSigners, pgCopies string
	addSigners, addCallbacks, addHistory   *database.Multi
	addOutbox, addDeliveries, waiting      *database.Multi
	blocks, addBlocks, queueRows           *database.Multi
	resting                                map[int]string
}

func newStatements(sh *shapes) *statements {
	const (
		signers = `t.txn, t.signer, t.name, t.email, t.role, t."order", t.status, `
		pgKeys  = " FROM unnest(?::text[], ?::text[]) AS k(account, ref) JOIN transactions t ON t.account = k.account AND t.ref = k.ref" + confirmationsOf
		copies  = "SELECT t.account, t.ref, t.dedupe_key, t.n, t.verdict FROM "
	)
	return &statements{
		rows: database.NewMulti("SELECT "+sh.selection(false)+
			" FROM transactions t"+confirmationsOf+" WHERE (t.account, t.ref) IN (VALUES ", 2, ")"),
		numbers: database.NewMulti("SELECT "+sh.selection(false)+" FROM transactions t"+confirmationsOf+
			" WHERE t.n IN (VALUES ", 1, ")"),
		signers: database.NewMulti("SELECT "+signers+
			"+t.viewed_at, +t.signed_at, t.reason FROM signers t WHERE t.txn IN (VALUES ", 1, ") ORDER BY t.txn, t.place"),
		copies: database.NewMulti(copies+"callbacks t WHERE t.txn IS NOT NULL AND (t.txn, t.dedupe_key) IN (VALUES ", 2, ")"),
		loose: database.NewMulti(copies+"callbacks t WHERE t.txn IS NULL AND (t.account, t.ref, t.dedupe_key) IN (VALUES ",
			3, ")"),

		pgRows:    "SELECT " + sh.selection(true) + pgKeys,
		pgNumbers: "SELECT " + sh.selection(true) + " FROM transactions t" + confirmationsOf + " WHERE t.n = ANY(?::bigint[])",
		pgSigners: "SELECT " + signers +
			"t.viewed_at, t.signed_at, t.reason FROM signers t WHERE t.txn = ANY(?::bigint[]) ORDER BY t.txn, t.place",
		pgCopies: copies + "unnest(?::bigint[], ?::text[]) AS k(txn, dedupe_key)" +
			" JOIN callbacks t ON t.txn = k.txn AND t.dedupe_key = k.dedupe_key WHERE t.txn IS NOT NULL" +
			" UNION ALL " + copies + "unnest(?::text[], ?::text[], ?::text[]) AS k(account, ref, dedupe_key)" +
			" JOIN callbacks t ON t.account = k.account AND t.ref = k.ref AND t.dedupe_key = k.dedupe_key WHERE t.txn IS NULL",

		addSigners: database.NewMulti(`INSERT INTO signers (txn, signer, place, name, email, role, "order", status, viewed_at, signed_at, reason) VALUES `, 11,
			` ON CONFLICT (txn, signer) DO UPDATE SET place = excluded.place, name = excluded.name, email = excluded.email, role = excluded.role,
"order" = excluded."order", status = excluded.status, viewed_at = excluded.viewed_at, signed_at = excluded.signed_at, reason = excluded.reason`),
		addCallbacks: database.NewMulti(`INSERT INTO callbacks (n, txn, account, ref, dedupe_key, type, event_id, verdict, outcome, note, at, remote_addr, body_hash, sealed, body, unproved) VALUES `, 16, ``),
		addHistory:   database.NewMulti(`INSERT INTO history (seq, txn, account, ref, kind, from_word, to_word, status, confirmed, source, at, signer, document) VALUES `, 13, ``),
		addOutbox:    database.NewMulti(`INSERT INTO outbox (seq, at) VALUES `, 2, ``),
		addDeliveries: database.NewMulti(`INSERT INTO deliveries (hook, seq, account, ref, state, created_at, next_try_at, lease_until, lease_owner) VALUES `, 9,
			` ON CONFLICT (hook, seq) DO NOTHING`),
		waiting: database.NewMulti(`SELECT DISTINCT account, ref FROM deliveries WHERE state = 'waiting' AND (hook, account, ref) IN (VALUES `, 3, `)`),

		resting:   restingSQLite(),
		queueRows: database.NewMulti(`INSERT INTO search_queue (n, ticket) VALUES `, 2, nextTicket),
		blocks:    database.NewMulti(`SELECT block, times FROM confirmations WHERE block IN (VALUES `, 1, `)`),
		addBlocks: database.NewMulti(`INSERT INTO confirmations (block, times) VALUES `, 2,
			` ON CONFLICT (block) DO UPDATE SET times = excluded.times`),
	}
}
