package store

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// ledgerOf puts gaps, runs and callbacks of which few are of account rare.
func ledgerOf(t *testing.T, d *db, n int) (rare int) {
	t.Helper()
	d.put(t, row1("r"))
	for from := 0; from < n; from += 500 {
		d.do(t, func(b *Batch) error {
			for i := from; i < min(from+500, n); i++ {
				account, kind := "acc", "active"
				if i%2500 == 7 {
					account, kind = "rare", "verify"
				}
				when := noon.Add(time.Duration(i) * time.Second)
				b.AddGap(model.Gap{Account: account, Ref: "r", Kind: model.GapMissed, Change: model.ChangeStatus, Before: when, FoundAt: when,
					SettleAt: when})
				b.PutRun(model.Run{Account: account, Kind: kind, State: model.RunDone, CreatedAt: when})
				b.AddCallback(Packed{Callback: model.Callback{Account: account, Ref: "r", Type: kind, Verdict: model.Accepted, At: when,
					DedupeKey: fmt.Sprintf("%064x", i), BodyHash: fmt.Sprintf("%064x", i)}})
			}
			return nil
		}, key("r"))
	}
	for i := range n {
		if i%2500 == 7 {
			rare++
		}
	}
	return rare
}

// A page that is wanted soon looks through a part of the table at a time: it ends when its time is over, and the pages
// after it find the rest. Without that it is full.
func TestAPageThatIsWantedSoonEndsInTime(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		const n = 6000
		rare := ledgerOf(t, d, n)
		slow := d.again(t, func(o *Options) { // each look at the clock is later than any page may end
			var looks atomic.Int64
			o.Now = func() time.Time { return noon.Add(time.Duration(looks.Add(1)) * time.Second) }
		})
		soon := PageFilter{Accounts: []string{"rare"}, Soon: true, Limit: 10}
		list, next, err := slow.GapPage(t.Context(), soon)
		check(t, err)
		if len(list) >= rare || next == "" {
			t.Errorf("%d of %d gaps in the first page, whose next is %q", len(list), rare, next)
		}
		same(t, "gaps of a rare account", len(walked(t, soon, slow.GapPage, func(g model.Gap) string { return g.ID })), rare)
		same(t, "runs of a rare kind", len(walked(t, PageFilter{Kinds: []string{"verify"}, Soon: true, Limit: 1}, slow.RunPage,
			func(r model.Run) string { return r.ID })), rare)
		for name, f := range map[string]CallbackFilter{
			"account": {Account: "rare", Soon: true, Limit: 1}, "type": {Type: "verify", Soon: true}, "all the time": {Account: "rare"},
			"since": {Account: "rare", Since: at(noon), Soon: true},
		} {
			found := 0
			for range 100 {
				list, next, err := slow.Callbacks(t.Context(), f)
				check(t, err)
				if found += len(list); next == "" {
					break
				}
				f.Cursor = next
			}
			same(t, "callbacks by "+name, found, rare)
		}
		soon.Soon = false
		list, next, err = slow.GapPage(t.Context(), soon)
		check(t, err)
		same(t, "a page that may take its time", fmt.Sprint(len(list), next), fmt.Sprint(rare, ""))
	})
}

// What is looked through is a range of an index, on a filled table, in both databases: nothing is sorted, and no more
// rows are read than those of the part.
func TestAPartOfALedgerIsARangeOfItsIndex(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		ledgerOf(t, d, 3000)
		if d.Postgres() {
			_, err := d.raw(t).Exec("ANALYZE")
			check(t, err)
		}
		edge, below := &pageAt{noon.Add(time.Minute), "x"}, &pageAt{noon.Add(2 * time.Minute), "y"}
		rare := PageFilter{Accounts: []string{"rare"}, Soon: true}
		account := database.Where{}
		account.In("account", rare.Accounts)
		for _, l := range []listing{
			{"gaps", "found_at", rare.gaps(), rare, "gaps_found"}, {"runs", "created_at", account, rare, "runs_created"},
		} {
			source := ""
			check(t, d.View(t.Context(), func(q *database.Tx) error { source = l.source(q); return nil }))
			w := l.where(edge, below)
			plan := d.plan(t, "SELECT * FROM "+source+w.SQL()+l.order(), append(w.Args, 51)...)
			if !d.Postgres() && (!strings.Contains(plan, l.index) || strings.Contains(plan, "TEMP B-TREE")) { // PostgreSQL knows how many there are
				t.Errorf("%s is not read in order: %s", l.index, plan)
			}
		}
		query, args := CallbackFilter{Account: "rare"}.query(CallbackFilter{}.where(), 1000, 3000)
		plan := d.plan(t, query, append(args, 51)...)
		if !strings.Contains(plan, "PRIMARY KEY") && !strings.Contains(plan, "callbacks_pkey") && !strings.Contains(plan, "rowid") {
			t.Errorf("callbacks are not read by their numbers: %s", plan)
		}
		w := CallbackFilter{Verdict: model.Refused}
		query, args = w.query(w.where(), 0, 3000)
		if plan = d.plan(t, query, append(args, 51)...); !d.Postgres() && !strings.Contains(plan, "callbacks_odd") {
			t.Errorf("refused callbacks do not read their index: %s", plan)
		}
	})
}

// plan is how the database would answer a query.
func (d *db) plan(t *testing.T, query string, args ...any) (plan string) {
	t.Helper()
	check(t, d.View(t.Context(), func(q *database.Tx) error {
		explain := "EXPLAIN QUERY PLAN "
		if q.Postgres {
			explain = "EXPLAIN "
		}
		return q.Each(func(r *sql.Rows) error {
			columns, err := r.Columns()
			if err != nil {
				return err
			}
			values, to := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				to[i] = &values[i]
			}
			err = r.Scan(to...)
			plan += fmt.Sprintln(values...)
			return err
		}, explain+query, args...)
	}))
	return plan
}
