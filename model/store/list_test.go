package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// world puts rows of several accounts and statuses, a second apart, many at the same instant.
func world(t testing.TB, d *db, n int) []model.Transaction {
	t.Helper()
	var rows []model.Transaction
	for i := range n {
		r := row1(fmt.Sprintf("ref%04d", i))
		r.Account = []string{"a", "b", "c"}[i%3]
		r.Status = model.Statuses()[i%len(model.Statuses())]
		r.ChangedAt = noon.Add(time.Duration(i/10) * time.Second)
		r.Name = fmt.Sprintf("Contract %d 100%%", i)
		rows = append(rows, r)
	}
	for from := 0; from < n; from += 500 {
		d.put(t, rows[from:min(from+500, n)]...)
	}
	return rows
}

// pages walks a list to its end.
func pages(t testing.TB, d *db, f Filter) (out []string) {
	t.Helper()
	for range 1000 {
		rows, next, err := d.Transactions(context.Background(), f)
		check(t, err)
		for _, r := range rows {
			out = append(out, r.Account+"/"+r.Ref)
		}
		if next == "" {
			return out
		}
		f.Cursor = next
	}
	t.Fatal("the list has no end")
	return nil
}

func TestListsFilterAndPage(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		all := world(t, d, 100)
		all[7].ExternalID, all[7].Attention = "mine", []model.Attention{{Kind: model.FileError, Since: noon}}
		all[8].Signers = []model.Signer{{Ref: "s", Name: "Zoë Quick", Email: "zq@example.org", Status: model.SignerWaiting}}
		all[9].Archived, all[9].Confirmed, all[9].ExpiresAt = true, true, at(noon)
		all[10].Test, all[10].ReportedStatus, all[10].Provider = true, model.Completed, "other"
		d.put(t, all[7:11]...)
		yes, no := true, false
		for name, c := range map[string]struct {
			f    Filter
			want func(r model.Transaction) bool
		}{
			"everything":  {Filter{}, func(model.Transaction) bool { return true }},
			"one account": {Filter{Account: "b"}, func(r model.Transaction) bool { return r.Account == "b" }},
			"a status": {Filter{Statuses: []model.Status{model.Completed}},
				func(r model.Transaction) bool { return r.Status == model.Completed }},
			"account and two statuses": {Filter{Account: "a", Statuses: []model.Status{model.Draft, model.Failed}},
				func(r model.Transaction) bool {
					return r.Account == "a" && (r.Status == model.Draft || r.Status == model.Failed)
				}},
			"since": {Filter{ChangedSince: at(noon.Add(5 * time.Second))},
				func(r model.Transaction) bool { return !r.ChangedAt.Before(noon.Add(5 * time.Second)) }},
			"attention": {Filter{Attention: true}, func(r model.Transaction) bool { return r.Ref == "ref0007" }},
			"own id": {Filter{ExternalID: "mine"},
				func(r model.Transaction) bool { return r.Ref == "ref0007" }},
			"two accounts": {Filter{Accounts: []string{"a", "c"}},
				func(r model.Transaction) bool { return r.Account != "b" }},
			"two accounts and a status": {Filter{Accounts: []string{"a", "c"}, Statuses: []model.Status{model.Draft}},
				func(r model.Transaction) bool { return r.Account != "b" && r.Status == model.Draft }},
			"until": {Filter{ChangedUntil: at(noon.Add(5 * time.Second))},
				func(r model.Transaction) bool { return r.ChangedAt.Before(noon.Add(5 * time.Second)) }},
			"any flag": {Filter{Flags: []string{"test", "archived"}},
				func(r model.Transaction) bool { return r.Test || r.Archived }},
			"provider": {Filter{Providers: []string{"other"}},
				func(r model.Transaction) bool { return r.Ref == "ref0010" }},
			"confirmed": {Filter{Confirmed: &yes}, func(r model.Transaction) bool { return r.Confirmed }},
			"not confirmed": {Filter{Confirmed: &no, Account: "a"},
				func(r model.Transaction) bool { return !r.Confirmed && r.Account == "a" }},
			"checking":     {Filter{Checking: &yes}, func(r model.Transaction) bool { return r.ReportedStatus != "" }},
			"not checking": {Filter{Checking: &no}, func(r model.Transaction) bool { return r.ReportedStatus == "" }},
			"expires": {Filter{ExpiresBefore: at(noon.Add(time.Second))},
				func(r model.Transaction) bool { return r.ExpiresAt != nil }},
			"nothing": {Filter{Account: "none"}, func(model.Transaction) bool { return false }},
		} {
			var want []string
			sorted := slices.Clone(all)
			slices.SortFunc(sorted, newest)
			for _, r := range sorted {
				if c.want(r) {
					want = append(want, r.Account+"/"+r.Ref)
				}
			}
			for _, limit := range []int{0, 1, 7} {
				f := c.f
				f.Limit = limit
				same(t, fmt.Sprint(name, " by ", limit), pages(t, d, f), want)
				f.Oldest = true
				back := slices.Clone(want)
				slices.Reverse(back)
				same(t, fmt.Sprint(name, " by ", limit, ", the oldest first"), pages(t, d, f), back)
			}
			n, err := d.Count(t.Context(), c.f)
			check(t, err)
			same(t, name+": count", n, len(want))
		}
		if _, _, err := d.Transactions(t.Context(), Filter{Cursor: "nonsense"}); !errors.Is(err, ErrCursor) {
			t.Errorf("a cursor that is none: %v", err)
		}
	})
}

// newest is the order of a list: of those that changed at one instant the last that came is first.
func newest(a, b model.Transaction) int {
	if c := b.ChangedAt.Compare(a.ChangedAt); c != 0 {
		return c
	}
	return strings.Compare(b.Ref, a.Ref)
}

func TestPagesAreCompleteWhileRowsCome(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		old := world(t, d, 300)
		d.running(t)
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				r := row1(fmt.Sprintf("new%05d", i))
				r.Account, r.ChangedAt = []string{"a", "b", "d"}[i%3], noon.Add(time.Hour+time.Duration(i)*time.Millisecond)
				if err := d.Do(context.Background(), Unit{Keys: []model.Key{r.Key()}, Apply: func(b *Batch) error {
					b.Put(r, model.Decision{Next: r, Grew: true})
					return nil
				}}); err != nil {
					t.Error(err)
					return
				}
			}
		}()
		for range 3 {
			seen := map[string]int{}
			for _, k := range pages(t, d, Filter{Limit: 11}) {
				seen[k]++
			}
			for _, r := range old {
				if seen[r.Account+"/"+r.Ref] != 1 {
					t.Fatalf("%s came %d times", r.Ref, seen[r.Account+"/"+r.Ref])
				}
			}
		}
		close(stop)
		<-done
	})
}

func TestListsUseTheirIndex(t *testing.T) {
	d := openSQLiteTest(t)
	world(t, d, 30)
	check(t, d.View(t.Context(), func(q *database.Tx) error {
		for name, f := range map[string]Filter{
			"everything": {}, "account": {Account: "a"}, "status": {Statuses: []model.Status{model.Draft}},
			"since":  {ChangedSince: &noon},
			"cursor": {Cursor: place{noon, 7}.String()}, "own id": {ExternalID: "x"},
			"attention": {Attention: true, Account: "a"},
		} {
			query, args, err := f.keys(q, 50)
			if err != nil {
				return err
			}
			plan, err := explainPlan(q, query, args)
			if err != nil {
				return err
			}
			if strings.Contains(plan, "SCAN t") && !strings.Contains(plan, "transactions_changed") || f.ExternalID == "" &&
				!f.Attention && strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("%s:\n%s\n%s", name, query, plan)
			}
		}
		return nil
	}))
}

func explainPlan(q *database.Tx, query string, args []any) (string, error) {
	rows, err := q.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var a, b, c int
		var text string
		if err := rows.Scan(&a, &b, &c, &text); err != nil {
			return "", err
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n"), rows.Err()
}
