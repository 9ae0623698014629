package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"countersign/model"
)

func TestOnlyList(t *testing.T) {
	d := openSQLiteTest(t)
	const n = 100000
	for from := 0; from < n; from += 1000 {
		var rows []model.Transaction
		for i := from; i < from+1000; i++ {
			r := row1(fmt.Sprintf("%016x", rand.Uint64()))
			r.Account = []string{"a", "b", "c", "d", "e"}[i%5]
			r.Status = model.Statuses()[rand.IntN(9)]
			r.ChangedAt = noon.Add(time.Duration(i) * time.Second)
			r.Signers = []model.Signer{{Ref: "1", Name: "Ann", Email: "a@x", Status: "signed"}, {Ref: "2", Name: "Bo", Email: "b@x", Status: "waiting"}}
			rows = append(rows, r)
		}
		d.put(t, rows...)
	}
	for name, f := range map[string]Filter{"all": {}, "acc": {Account: "c"}, "status": {Statuses: []model.Status{model.Completed}}, "one": {Account: "a", Statuses: []model.Status{model.Draft}}} {
		var took []time.Duration
		f.Limit = 50
		for i := range 2000 {
			f.Cursor = cursor{stamp(noon.Add(time.Duration(rand.IntN(n)) * time.Second)), "c", "x"}.String()
			if name == "search" && i > 2 {
				break
			}
			began := time.Now()
			rows, _, err := d.Transactions(t.Context(), f)
			check(t, err)
			_ = rows
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		t.Log(name, took[len(took)/2], took[len(took)*99/100])
	}
	var took []time.Duration
	rows, _, _ := d.Transactions(t.Context(), Filter{Limit: 500})
	for _, r := range rows {
		began := time.Now()
		_, err := d.Transaction(t.Context(), r.Key())
		check(t, err)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Log("one row", took[len(took)/2], took[len(took)*99/100])
	began := time.Now()
	c, err := d.Count(t.Context(), Filter{})
	t.Log("count", c, err, time.Since(began))
	began = time.Now()
	_, _, err = d.OpenRows(t.Context(), OpenFilter{Account: "a", Tier: "idle", NewsSince: at(noon.Add(100000 * time.Second)), ExpiresBefore: at(noon)})
	t.Log("openrows", err, time.Since(began))
}
