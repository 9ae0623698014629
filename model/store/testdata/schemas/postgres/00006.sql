CREATE TABLE accounts (
    id text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    remote_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    first_start_at timestamp with time zone NOT NULL,
    last_callback_at timestamp with time zone,
    last_poll_at timestamp with time zone,
    listed_until timestamp with time zone,
    refused_in_a_row bigint DEFAULT 0 NOT NULL,
    registration text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE callbacks (
    n bigint NOT NULL,
    txn bigint,
    account text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    dedupe_key text COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    verdict text NOT NULL COLLATE pg_catalog."C",
    outcome text NOT NULL COLLATE pg_catalog."C",
    note text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    remote_addr text NOT NULL COLLATE pg_catalog."C",
    headers text NOT NULL COLLATE pg_catalog."C",
    body_hash text NOT NULL COLLATE pg_catalog."C",
    sealed boolean NOT NULL,
    body bytea
);
CREATE TABLE counters (
    id bigint NOT NULL,
    seq bigint NOT NULL,
    version bigint NOT NULL,
    ordinal bigint NOT NULL,
    pruned bigint DEFAULT 0 NOT NULL,
    bodies_pruned bigint DEFAULT 0 NOT NULL,
    refused_pruned bigint DEFAULT 0 NOT NULL,
    CONSTRAINT counters_id_check CHECK ((id = 1))
);
CREATE TABLE deliveries (
    hook text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    attempts bigint DEFAULT 0 NOT NULL,
    note text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    next_try_at timestamp with time zone,
    done_at timestamp with time zone,
    lease_until timestamp with time zone,
    lease_owner text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE documents (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    doc_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    sha256 text NOT NULL COLLATE pg_catalog."C",
    size bigint NOT NULL,
    path text NOT NULL COLLATE pg_catalog."C",
    attempts bigint NOT NULL,
    next_try_at timestamp with time zone,
    stored_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    signature text NOT NULL COLLATE pg_catalog."C",
    integrity text NOT NULL COLLATE pg_catalog."C",
    coverage text NOT NULL COLLATE pg_catalog."C",
    trust text NOT NULL COLLATE pg_catalog."C",
    link bytea,
    lease_until timestamp with time zone,
    lease_owner text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    mark text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    held text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    link_at timestamp with time zone,
    signature_note text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    signatures text DEFAULT '[]'::text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE drift (
    run text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    about text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    ours text NOT NULL COLLATE pg_catalog."C",
    theirs text NOT NULL COLLATE pg_catalog."C",
    repaired boolean NOT NULL,
    found_at timestamp with time zone NOT NULL
);
CREATE TABLE firsts (
    account text NOT NULL COLLATE pg_catalog."C",
    day text NOT NULL COLLATE pg_catalog."C",
    change text NOT NULL COLLATE pg_catalog."C",
    channel text NOT NULL COLLATE pg_catalog."C",
    count bigint NOT NULL
);
CREATE TABLE forgotten (
    account text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    documents text NOT NULL COLLATE pg_catalog."C",
    swept_at timestamp with time zone
);
CREATE TABLE gaps (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    change text NOT NULL COLLATE pg_catalog."C",
    from_status text NOT NULL COLLATE pg_catalog."C",
    to_status text NOT NULL COLLATE pg_catalog."C",
    signer text NOT NULL COLLATE pg_catalog."C",
    off boolean NOT NULL,
    after_at timestamp with time zone,
    before_at timestamp with time zone NOT NULL,
    found_by text NOT NULL COLLATE pg_catalog."C",
    found_at timestamp with time zone NOT NULL,
    settle_at timestamp with time zone NOT NULL,
    latency_ns bigint,
    happened_at timestamp with time zone
);
CREATE TABLE goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);
ALTER TABLE goose_db_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME goose_db_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE history (
    seq bigint NOT NULL,
    txn bigint,
    account text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    from_word text NOT NULL COLLATE pg_catalog."C",
    to_word text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    confirmed boolean NOT NULL,
    source text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE incidents (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    message text NOT NULL COLLATE pg_catalog."C",
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone
);
CREATE TABLE locks (
    name text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    since timestamp with time zone NOT NULL,
    beat_at timestamp with time zone NOT NULL,
    wanted_at timestamp with time zone,
    wanted_by text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE outbox (
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE progress (
    account text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL
);
CREATE TABLE runs (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    slot timestamp with time zone,
    since timestamp with time zone,
    until timestamp with time zone,
    cursor text NOT NULL COLLATE pg_catalog."C",
    params text NOT NULL COLLATE pg_catalog."C",
    result text NOT NULL COLLATE pg_catalog."C",
    note text NOT NULL COLLATE pg_catalog."C",
    listed bigint NOT NULL,
    asked bigint NOT NULL,
    changed bigint NOT NULL,
    gaps bigint NOT NULL,
    queued bigint NOT NULL,
    total bigint NOT NULL,
    "left" bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    beat_at timestamp with time zone,
    lease_until timestamp with time zone,
    lease_owner text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE signers (
    txn bigint NOT NULL,
    signer text NOT NULL COLLATE pg_catalog."C",
    place bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    email text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    "order" bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    viewed_at timestamp with time zone,
    signed_at timestamp with time zone,
    reason text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE tokens (
    account text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    secret bytea NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE told (
    account text NOT NULL COLLATE pg_catalog."C",
    day text NOT NULL COLLATE pg_catalog."C",
    change text NOT NULL COLLATE pg_catalog."C",
    count bigint NOT NULL
);
CREATE TABLE transactions (
    n bigint NOT NULL,
    account text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    ref text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    provider text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    external_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'unknown'::text NOT NULL COLLATE pg_catalog."C",
    provider_status text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    confirmed boolean DEFAULT false NOT NULL,
    reported_status text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    archived boolean DEFAULT false NOT NULL,
    trashed boolean DEFAULT false NOT NULL,
    deleted boolean DEFAULT false NOT NULL,
    not_found boolean DEFAULT false NOT NULL,
    test boolean DEFAULT false NOT NULL,
    attention text DEFAULT '[]'::text NOT NULL COLLATE pg_catalog."C",
    metadata text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    signers_done bigint DEFAULT 0 NOT NULL,
    signers_total bigint DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone,
    provider_time timestamp with time zone,
    created_at timestamp with time zone,
    expires_at timestamp with time zone,
    first_seen_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    changed_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    asked_at timestamp with time zone,
    origin text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    hidden boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    next_check_at timestamp with time zone,
    due_reason text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    due_since timestamp with time zone,
    hinted_at timestamp with time zone,
    lost_answers bigint DEFAULT 0 NOT NULL,
    not_found_count bigint DEFAULT 0 NOT NULL,
    not_found_at timestamp with time zone,
    delete_at timestamp with time zone,
    recheck bigint DEFAULT 0 NOT NULL,
    refuted_as text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    refuted_at timestamp with time zone,
    fingerprint text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    open_gaps bigint DEFAULT 0 NOT NULL,
    documents_total bigint DEFAULT 0 NOT NULL,
    documents_stored bigint DEFAULT 0 NOT NULL,
    provider_mark text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    signer_rows bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    lease_owner text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C"
);
CREATE VIEW v1_accounts AS
 SELECT accounts.id,
    accounts.provider,
    accounts.first_start_at,
    accounts.last_callback_at,
    accounts.last_poll_at
   FROM accounts;
CREATE VIEW v1_changes AS
 SELECT h.seq,
    t.account,
    t.ref,
    h.kind,
    h.from_word AS "from",
    h.to_word AS "to",
    h.status,
    h.confirmed,
    h.source,
    h.at
   FROM (history h
     JOIN transactions t ON ((t.n = h.txn)))
UNION ALL
 SELECT history.seq,
    history.account,
    history.ref,
    history.kind,
    history.from_word AS "from",
    history.to_word AS "to",
    history.status,
    history.confirmed,
    history.source,
    history.at
   FROM history
  WHERE (history.txn IS NULL);
CREATE VIEW v1_documents AS
 SELECT documents.id,
    documents.account,
    documents.ref,
    documents.kind,
    documents.name,
    documents.state,
    documents.reason,
    documents.signature,
    documents.sha256,
    documents.size,
    documents.integrity,
    documents.coverage,
    documents.trust,
    documents.path,
    documents.stored_at,
    documents.signature_note,
    documents.signatures
   FROM documents;
CREATE VIEW v1_gaps AS
 SELECT gaps.account,
    gaps.ref,
    gaps.kind,
    gaps.change,
    gaps.from_status AS "from",
    gaps.to_status AS "to",
    gaps.after_at AS after,
    gaps.before_at AS before,
    gaps.found_by,
    gaps.found_at,
    ((gaps.latency_ns)::double precision / ('1000000000'::numeric)::double precision) AS latency
   FROM gaps
  WHERE (gaps.kind <> 'pending'::text);
CREATE VIEW v1_signers AS
 SELECT t.account,
    t.ref,
    s.signer,
    s.name,
    s.email,
    s.role,
    s."order",
    s.status,
    s.viewed_at,
    s.signed_at,
    s.reason
   FROM (signers s
     JOIN transactions t ON ((t.n = s.txn)));
CREATE VIEW v1_transactions AS
 SELECT transactions.account,
    transactions.provider,
    transactions.ref,
    transactions.external_id,
    transactions.name,
    transactions.status,
    transactions.provider_status,
    transactions.confirmed,
    transactions.reported_status,
    transactions.reason,
    transactions.archived,
    transactions.trashed,
    transactions.deleted,
    transactions.not_found,
    transactions.test,
    transactions.attention,
    transactions.signers_done,
    transactions.signers_total,
    transactions.documents_stored,
    transactions.documents_total,
    transactions.sent_at,
    transactions.provider_time,
    transactions.created_at,
    transactions.changed_at,
    transactions.confirmed_at,
    transactions.next_check_at,
    transactions.expires_at,
    transactions.seq
   FROM transactions
  WHERE (NOT transactions.hidden);
CREATE TABLE verified (
    run text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C"
);
INSERT INTO accounts VALUES ('acc', 'made up', 'made up', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 1, 'made up');
INSERT INTO callbacks VALUES (1, 1, 'acc', 'a', 'made up', 'made up', 'made up', 'accepted', 'applied', 'made up', '2026-01-31 12:00:00+00', 'made up', '{}', 'made up', true, NULL);
INSERT INTO counters VALUES (1, 1, 1, 1, 0, 0, 0);
INSERT INTO deliveries VALUES ('made up', 1, 'acc', 'a', 'stored', 1, 'made up', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', NULL, 'made up');
INSERT INTO documents VALUES ('acc', 'acc', 'a', 'made up', 'status', 'made up', 1, 'stored', 'made up', 'made up', 1, 'made up', 1, '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 'made up', 'made up', 'made up', 'made up', NULL, NULL, 'made up', '', '', NULL, '', '[]');
INSERT INTO drift VALUES ('made up', 'a', 'made up', 'made up', 'acc', 'made up', 'made up', true, '2026-01-31 12:00:00+00');
INSERT INTO firsts VALUES ('acc', 'made up', 'status', 'made up', 1);
INSERT INTO forgotten VALUES ('acc', 'a', '2026-01-31 12:00:00+00', '[]', '2026-01-31 12:00:00+00');
INSERT INTO gaps VALUES ('acc', 'acc', 'a', 'missed', 'status', 'made up', 'made up', 'made up', true, '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 'made up', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 1, NULL);
INSERT INTO goose_db_version VALUES (1, 0, true, '2026-01-31 12:00:00');
INSERT INTO goose_db_version VALUES (2, 1, true, '2026-01-31 12:00:00');
INSERT INTO goose_db_version VALUES (3, 2, true, '2026-01-31 12:00:00');
INSERT INTO goose_db_version VALUES (4, 3, true, '2026-01-31 12:00:00');
INSERT INTO goose_db_version VALUES (5, 4, true, '2026-01-31 12:00:00');
INSERT INTO goose_db_version VALUES (6, 5, true, '2026-01-31 12:00:00');
INSERT INTO goose_db_version VALUES (7, 6, true, '2026-01-31 12:00:00');
INSERT INTO history VALUES (1, 1, 'acc', 'a', 'status', 'made up', 'made up', 'in_progress', true, 'made up', '2026-01-31 12:00:00+00');
INSERT INTO incidents VALUES ('acc', 'acc', 'status', 'made up', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00');
INSERT INTO locks VALUES ('made up', 'made up', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 'made up');
INSERT INTO outbox VALUES (1, '2026-01-31 12:00:00+00');
INSERT INTO progress VALUES ('acc', 'a', 'made up', '2026-01-31 12:00:00+00');
INSERT INTO runs VALUES ('acc', 'acc', 'status', 'stored', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 'made up', 'made up', 'made up', 'made up', 1, 1, 1, 1, 1, 1, 1, '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', NULL, 'made up');
INSERT INTO signers VALUES (1, 'made up', 1, 'made up', 'made up', 'made up', 1, 'in_progress', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 'made up');
INSERT INTO tokens VALUES ('acc', 'made up', '\x00', '2026-01-31 12:00:00+00');
INSERT INTO told VALUES ('acc', 'made up', 'status', 1);
INSERT INTO transactions VALUES (1, 'acc', 'a', 'made up', 'made up', 'made up', 'in_progress', 'made up', true, 'made up', 'made up', true, true, true, true, true, '[]', '{}', 1, 1, '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 'made up', false, 1, 1, '2026-01-31 12:00:00+00', 'made up', '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 1, 1, '2026-01-31 12:00:00+00', '2026-01-31 12:00:00+00', 1, 'made up', '2026-01-31 12:00:00+00', 'made up', 1, 1, 1, 'made up', 1, NULL, 'made up');
INSERT INTO verified VALUES ('made up', 'a');
SELECT pg_catalog.setval('goose_db_version_id_seq', 7, true);
ALTER TABLE ONLY accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY callbacks
    ADD CONSTRAINT callbacks_pkey PRIMARY KEY (n);
ALTER TABLE ONLY counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (id);
ALTER TABLE ONLY deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (hook, seq);
ALTER TABLE ONLY documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY drift
    ADD CONSTRAINT drift_pkey PRIMARY KEY (run, ref, field, about);
ALTER TABLE ONLY firsts
    ADD CONSTRAINT firsts_pkey PRIMARY KEY (account, day, change, channel);
ALTER TABLE ONLY forgotten
    ADD CONSTRAINT forgotten_pkey PRIMARY KEY (account, ref);
ALTER TABLE ONLY gaps
    ADD CONSTRAINT gaps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY history
    ADD CONSTRAINT history_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY incidents
    ADD CONSTRAINT incidents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY locks
    ADD CONSTRAINT locks_pkey PRIMARY KEY (name);
ALTER TABLE ONLY outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (account, ref, name, at);
ALTER TABLE ONLY runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);
ALTER TABLE ONLY signers
    ADD CONSTRAINT signers_pkey PRIMARY KEY (txn, signer);
ALTER TABLE ONLY tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (account, name);
ALTER TABLE ONLY told
    ADD CONSTRAINT told_pkey PRIMARY KEY (account, day, change);
ALTER TABLE ONLY transactions
    ADD CONSTRAINT transactions_account_ref_key UNIQUE (account, ref);
ALTER TABLE ONLY transactions
    ADD CONSTRAINT transactions_pkey PRIMARY KEY (n);
ALTER TABLE ONLY verified
    ADD CONSTRAINT verified_pkey PRIMARY KEY (run, ref);
CREATE UNIQUE INDEX callbacks_loose ON callbacks USING btree (account, ref, dedupe_key) WHERE (txn IS NULL);
CREATE INDEX callbacks_odd ON callbacks USING btree (verdict, n) WHERE (verdict = ANY (ARRAY['refused'::text, 'not_understood'::text]));
CREATE UNIQUE INDEX callbacks_of ON callbacks USING btree (txn, dedupe_key) WHERE (txn IS NOT NULL);
CREATE INDEX deliveries_due ON deliveries USING btree (next_try_at) WHERE (next_try_at IS NOT NULL);
CREATE INDEX deliveries_of ON deliveries USING btree (hook, account, ref, seq) WHERE (state = 'waiting'::text);
CREATE INDEX documents_due ON documents USING btree (next_try_at) WHERE (next_try_at IS NOT NULL);
CREATE UNIQUE INDEX documents_of ON documents USING btree (account, ref, doc_id, kind, version);
CREATE INDEX documents_state ON documents USING btree (state, account, id) WHERE (state <> 'stored'::text);
CREATE INDEX drift_found ON drift USING btree (found_at);
CREATE INDEX gaps_found ON gaps USING btree (found_at);
CREATE INDEX gaps_of ON gaps USING btree (account, ref);
CREATE INDEX gaps_pending ON gaps USING btree (settle_at) WHERE (kind = 'pending'::text);
CREATE INDEX history_loose ON history USING btree (account, ref) WHERE (txn IS NULL);
CREATE INDEX history_of ON history USING btree (txn) WHERE (txn IS NOT NULL);
CREATE UNIQUE INDEX incidents_open ON incidents USING btree (account, kind) WHERE (closed_at IS NULL);
CREATE INDEX runs_of ON runs USING btree (account, kind, created_at);
CREATE INDEX runs_open ON runs USING btree (created_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));
CREATE INDEX transactions_attention ON transactions USING btree (account, changed_at) WHERE (attention <> '[]'::text);
CREATE INDEX transactions_changed ON transactions USING btree (changed_at, account, ref) WHERE (NOT hidden);
CREATE INDEX transactions_created ON transactions USING btree (account, created_at) WHERE (created_at IS NOT NULL);
CREATE INDEX transactions_due ON transactions USING btree (account, next_check_at) WHERE (next_check_at IS NOT NULL);
CREATE INDEX transactions_external ON transactions USING btree (external_id) WHERE (external_id <> ''::text);
CREATE INDEX transactions_hidden ON transactions USING btree (first_seen_at) WHERE hidden;
CREATE INDEX transactions_list ON transactions USING btree (account, status, changed_at, ref) WHERE (NOT hidden);
