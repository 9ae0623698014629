package store

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// TestTheQueriesOfTheDocsRun runs every query of docs/sql.md on both databases.
func TestTheQueriesOfTheDocsRun(t *testing.T) {
	text, err := os.ReadFile("../../docs/sql.md")
	check(t, err)
	found := regexp.MustCompile("(?s)\n## ([^\n]*)\n.*?```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(found) < 10 {
		t.Fatalf("docs/sql.md has %d queries, want ten", len(found))
	}
	both(t, func(t *testing.T, d *db) {
		seedForQueries(t, d)
		raw := d.raw(t)
		for _, f := range found {
			rows, err := raw.Query(f[2])
			if err != nil {
				t.Errorf("%s: %v", f[1], err)
				continue
			}
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); err != nil || n == 0 {
				t.Errorf("%s: %d rows, %v", f[1], n, err)
			}
			rows.Close()
		}
	})
}

func seedForQueries(t *testing.T, d *db) {
	t.Helper()
	done, open := full("r-1"), full("r-2")
	done.Account, done.Status, done.ExternalID, done.ReportedStatus, done.Attention = "sales", model.Completed,
		"contract-1", "", nil
	done.Test, done.Deleted = false, false
	open.Account, open.Deleted = "sales", false
	d.put(t, done, open)
	d.do(t, func(b *Batch) error {
		b.PutDocument(model.Document{Account: "sales", Ref: "r-1", DocID: "1", Kind: model.SignedDocument,
			State: model.DocumentStored})
		b.PutDocument(model.Document{Account: "sales", Ref: "r-2", DocID: "1", Kind: model.SignedDocument,
			State: model.DocumentQuarantined, Reason: "cut off"})
		b.AddChange(model.Change{Account: "sales", Ref: "r-1", Kind: model.KindStatus, From: "in_progress", To: "completed",
			Status: model.Completed, Confirmed: true, Source: "confirm"})
		latency := time.Minute
		b.AddGap(model.Gap{Account: "sales", Ref: "r-1", Kind: model.GapLate, Change: model.ChangeStatus, Before: noon,
			FoundAt: noon, SettleAt: noon, Latency: &latency})
		return nil
	}, done.Key(), open.Key())
}

func TestOneTransactionsChangesAreFoundByIndex(t *testing.T) {
	d := openSQLiteTest(t)
	check(t, d.View(t.Context(), func(q *database.Tx) error {
		for query, never := range map[string]string{
			`SELECT * FROM v1_changes WHERE account = 'a' AND ref = 'r' ORDER BY seq`: "SCAN",
			`SELECT * FROM v1_changes WHERE seq > 5 ORDER BY seq LIMIT 10`:            "SCAN t",
			`SELECT * FROM v1_signers WHERE account = 'a' AND ref = 'r'`:              "SCAN",
			`SELECT * FROM v1_transactions WHERE account = 'a' AND ref = 'r'`:         "SCAN",
			`SELECT * FROM v1_documents WHERE account = 'a' AND ref = 'r'`:            "SCAN",
			`SELECT * FROM v1_gaps WHERE account = 'a' AND ref = 'r'`:                 "SCAN",
		} {
			plan, err := explainPlan(q, query, nil)
			if err != nil {
				return err
			}
			if strings.Contains(plan, never) {
				t.Errorf("%s:\n%s", query, plan)
			}
		}
		return nil
	}))
}
