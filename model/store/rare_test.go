package store

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

// Lists of what few rows are read the index of those rows, and of what many are the one of the list. Whichever is read,
// the list is the same.
func TestListsOfWhatFewRowsAreReadTheirIndex(t *testing.T) {
	d := openSQLiteTest(t)
	all := world(t, d, 3*mostRare)
	for i := range all {
		all[i].Archived, all[i].Deleted, all[i].ExpiresAt = i%2 == 0, i%500 == 0, at(noon.Add(time.Duration(i)*time.Hour))
		if i%300 == 0 {
			all[i].ReportedStatus = model.Completed
		}
	}
	d.put(t, all...)
	yes := true
	soon := at(noon.Add(90 * time.Hour))
	open := []model.Status{model.InProgress, model.Draft}
	for _, c := range []struct {
		f     Filter
		index string
		want  func(model.Transaction) bool
	}{
		{Filter{Checking: &yes, Account: "a"}, "transactions_checking",
			func(r model.Transaction) bool { return r.ReportedStatus != "" && r.Account == "a" }},
		{Filter{Flags: []string{"deleted"}}, "transactions_deleted", func(r model.Transaction) bool { return r.Deleted }},
		{Filter{Flags: []string{"deleted"}, Account: "a"}, "transactions_deleted",
			func(r model.Transaction) bool { return r.Deleted && r.Account == "a" }},
		{Filter{Flags: []string{"archived"}}, "transactions_archived", func(r model.Transaction) bool { return r.Archived }},
		{Filter{Flags: []string{"archived"}, Account: "b"}, "transactions_list",
			func(r model.Transaction) bool { return r.Archived && r.Account == "b" }},
		{Filter{ExpiresBefore: soon, Statuses: open}, "transactions_expiring", func(r model.Transaction) bool {
			return r.ExpiresAt.Before(*soon) && (r.Status == model.InProgress || r.Status == model.Draft)
		}},
	} {
		var plan []string
		check(t, d.View(t.Context(), func(q *database.Tx) error {
			query, args, err := c.f.keys(q, 51)
			if err != nil {
				return err
			}
			return q.Each(func(r *sql.Rows) error {
				var a, b, n int
				var step string
				err := r.Scan(&a, &b, &n, &step)
				plan = append(plan, step)
				return err
			}, "EXPLAIN QUERY PLAN "+query, args...)
		}))
		if !strings.Contains(fmt.Sprint(plan), c.index) {
			t.Errorf("%+v does not read %s: %s", c.f, c.index, plan)
		}
		want := 0
		for _, r := range all {
			if c.want(r) {
				want++
			}
		}
		c.f.Limit = 37
		same(t, c.index, len(pages(t, d, c.f)), want)
	}
}
