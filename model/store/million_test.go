package store

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"countersign/model"
)

var listed = flag.Int("listed", 0, "rows of each table in which lists are measured: 1000000")

// listedRows are rows of all tables that lists read, made by SQL.
const listedRows = `
CREATE TEMP TABLE c AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d) SELECT n FROM c;
INSERT INTO transactions (n, account, ref, provider, external_id, name, status, changed_at, first_seen_at, created_at, attention)
SELECT n, 'account' || (n %% 5), printf('ref-%%016x', n * 7919), 'onespan', 'C-' || n, 'Lease ' || n,
CASE WHEN n %% 1000 = 0 THEN 'failed' WHEN n %% 20 = 0 THEN 'in_progress' WHEN n %% 7 = 0 THEN 'declined' ELSE 'completed' END,
1700000000000 + n * 1000, 1700000000000 + n * 1000, 1700000000000 + n * 1000, CASE WHEN n %% 5000 = 0 THEN '[{}]' ELSE '[]' END FROM c;
INSERT INTO history (seq, txn, account, ref, kind, from_word, to_word, status, confirmed, source, at)
SELECT n, n, 'account' || (n %% 5), printf('ref-%%016x', n * 7919), 'status', 'in_progress', 'completed', 'completed', 1, 'confirm', 1700000000000 + n * 1000 FROM c;
INSERT INTO gaps (id, account, ref, kind, change, from_status, to_status, signer, off, before_at, found_by, found_at, settle_at)
SELECT printf('g%%012d', n), 'account' || (n %% 5), printf('ref-%%016x', n * 7919), 'missed', 'status', 'in_progress', 'completed', '', 0,
1700000000000 + n * 1000, 'r', 1700000000000 + n / 50 * 1000, 1700000000000 FROM c;
INSERT INTO callbacks (n, txn, account, ref, dedupe_key, type, event_id, verdict, outcome, note, at, remote_addr, body_hash, sealed)
SELECT n, n, 'account' || (n %% 5), printf('ref-%%016x', n * 7919), n, 'signed', '', CASE WHEN n %% 100 = 0 THEN 'refused' ELSE 'accepted' END, 'applied', '',
1700000000000 + n * 1000, '', '', 0 FROM c;
UPDATE counters SET seq = %[1]d, ordinal = %[1]d;
ANALYZE`

// TestLists measures pages at any depth: go test -run TestLists$ -listed 1000000. Without the flag it plays a few rows.
func TestLists(t *testing.T) {
	d := openSQLiteTest(t)
	rows := *listed
	if rows == 0 {
		rows = 2000
	}
	_, err := d.raw(t).Exec(fmt.Sprintf(listedRows, rows))
	check(t, err)
	_, err = d.raw(t).Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	check(t, err)
	when := func(share int) time.Time { return time.UnixMilli(1700000000000 + int64(rows)*10*int64(share)) }
	ctx := context.Background()
	list := func(f Filter) func(int) (int, error) {
		return func(depth int) (int, error) {
			f := f
			if f.Oldest {
				depth = 99 - depth
			}
			f.Cursor = place{when(100 - depth), int64(rows)}.String()
			out, _, err := d.Transactions(ctx, f)
			return len(out), err
		}
	}
	for _, c := range []struct {
		name string
		page func(depth int) (int, error)
	}{
		{"list", list(Filter{})},
		{"list of an account", list(Filter{Account: "account3"})},
		{"list of a status", list(Filter{Statuses: []model.Status{model.InProgress}})},
		{"list of a rare status", list(Filter{Statuses: []model.Status{model.Failed}})},
		{"list of an account and two statuses", list(Filter{Account: "account1", Statuses: []model.Status{model.Draft, model.Declined}})},
		{"list of what wants attention", list(Filter{Attention: true, Limit: 5})},
		{"the oldest first", list(Filter{Oldest: true})},
		{"one row", func(depth int) (int, error) {
			_, err := d.Transaction(ctx, model.Key{Account: fmt.Sprint("account", rows*(depth+1)/100%5),
				Ref: fmt.Sprintf("ref-%016x", rows*(depth+1)/100*7919)})
			return 1, err
		}},
		{"by own id", func(depth int) (int, error) {
			out, _, err := d.Transactions(ctx, Filter{ExternalID: fmt.Sprint("C-", rows*(depth+1)/100)})
			return len(out), err
		}},
		{"changes", func(depth int) (int, error) {
			out, err := d.Changes(ctx, int64(rows*depth/100), 50)
			return len(out), err
		}},
		{"gaps", func(depth int) (int, error) {
			out, _, err := d.GapPage(ctx, PageFilter{Cursor: pageAt{time.UnixMilli(1700000000000 + int64(rows/50*(100-depth)/100)*1000), "g9"}.String()})
			return len(out), err
		}},
		{"callbacks", func(depth int) (int, error) {
			out, _, err := d.Callbacks(ctx, CallbackFilter{Cursor: callbackID(int64(rows * (100 - depth) / 100))})
			return len(out), err
		}},
		{"callbacks refused", func(depth int) (int, error) {
			out, _, err := d.Callbacks(ctx, CallbackFilter{Verdict: model.Refused, Limit: 10,
				Cursor: callbackID(int64(rows * (100 - depth) / 100))})
			return len(out), err
		}},
	} {
		var all []time.Duration
		for i := range 300 {
			depth := i * 37 % 80
			began := time.Now()
			n, err := c.page(depth)
			all = append(all, time.Since(began))
			check(t, err)
			if n == 0 && *listed > 0 {
				t.Errorf("%s is empty at depth %d", c.name, depth)
			}
		}
		slices.Sort(all)
		if *listed > 0 {
			fmt.Printf("%-38s p50 %8v  p99 %8v  longest %8v\n", c.name, all[150], all[297], all[299])
		}
	}
}
