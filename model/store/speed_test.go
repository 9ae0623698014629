package store

import (
	"context"
	"testing"

	"countersign/model"
)

// BenchmarkList reads pages of fifty out of ten thousand rows.
func BenchmarkList(b *testing.B) {
	d := openSQLiteTest(b)
	world(b, d, 10_000)
	var middle string
	for range 100 {
		_, next, err := d.Transactions(context.Background(), Filter{Cursor: middle})
		check(b, err)
		middle = next
	}
	for name, f := range map[string]Filter{
		"first":  {},
		"middle": {Cursor: middle},
		"status": {Statuses: []model.Status{model.InProgress}, Cursor: middle},
		"search": {Search: "Contract 4321 "},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, err := d.Transactions(context.Background(), f)
				check(b, err)
			}
		})
	}
}
