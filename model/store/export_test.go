package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"countersign/model"
)

func (d *db) exported(t *testing.T, what string, f ExportFilter) (columns []string, rows [][]any) {
	t.Helper()
	check(t, d.Export(t.Context(), what, f, func(c []string, values []any) error {
		columns = c
		rows = append(rows, slices.Clone(values))
		return nil
	}))
	return columns, rows
}

func TestAnExportIsTheViewAsOfOneMoment(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		odd := "=1+1\r\n\"x\", 'y'\t\u00e9 \\"
		for i := range 5 {
			r := full(fmt.Sprintf("r%d", i))
			r.Name, r.Archived, r.ExpiresAt = odd, i%2 == 0, nil
			r.ChangedAt = noon.Add(time.Duration(i) * time.Hour)
			if i == 4 {
				r.Account = "other"
			}
			d.put(t, r)
			d.do(t, func(b *Batch) error {
				b.AddChange(model.Change{Account: r.Account, Ref: r.Ref, Kind: model.KindStatus, From: "draft", To: "in_progress",
					Status: model.InProgress, Confirmed: true, Source: "poll r1", At: r.ChangedAt})
				b.PutDocument(model.Document{Account: r.Account, Ref: r.Ref, DocID: "1", Kind: model.SignedDocument, Name: odd,
					Version: 1, State: model.DocumentWaiting, CreatedAt: noon})
				late := 90 * time.Second
				b.AddGap(model.Gap{Account: r.Account, Ref: r.Ref, Kind: model.GapLate, Change: model.ChangeStatus, Before: noon,
					FoundAt: r.ChangedAt, SettleAt: noon, Latency: &late})
				return nil
			}, r.Key())
		}
		for what, want := range map[string]int{"transactions": 5, "changes": 5, "documents": 5, "gaps": 5, "signers": 10} {
			columns, rows := d.exported(t, what, ExportFilter{})
			same(t, what, len(rows), want)
			same(t, "columns of "+what, columns, d.columns(t, "v1_"+what))
			named, err := d.Columns(t.Context(), what)
			check(t, err)
			same(t, "named columns of "+what, named, columns)
			_, rows = d.exported(t, what, ExportFilter{Accounts: []string{"acc"}, Since: at(noon.Add(2 * time.Hour))})
			same(t, what+" of an account since then", len(rows), want/5*2)
		}
		yes, kinds := true, []string{"status"}
		for name, c := range map[string]struct {
			what string
			f    ExportFilter
			want int
		}{
			"by account and status":      {"transactions", ExportFilter{Rows: Filter{Accounts: []string{"acc"}, Statuses: []model.Status{model.InProgress}}}, 4},
			"by flag and time":           {"transactions", ExportFilter{Rows: Filter{Flags: []string{"archived"}, ChangedSince: at(noon.Add(time.Hour))}}, 2},
			"until":                      {"transactions", ExportFilter{Rows: Filter{ChangedUntil: at(noon.Add(time.Hour))}}, 1},
			"unconfirmed":                {"transactions", ExportFilter{Rows: Filter{Confirmed: new(bool)}}, 0},
			"checking, by own id":        {"transactions", ExportFilter{Rows: Filter{Checking: &yes, ExternalID: "c-1"}}, 5},
			"searched":                   {"transactions", ExportFilter{Rows: Filter{Search: "r3"}}, 1},
			"searched in vain":           {"transactions", ExportFilter{Rows: Filter{Search: "nothing"}}, 0},
			"signers of an account":      {"signers", ExportFilter{Rows: Filter{Accounts: []string{"other"}}}, 2},
			"signers of what is found":   {"signers", ExportFilter{Rows: Filter{Search: "r3"}}, 2},
			"gaps of a kind":             {"gaps", ExportFilter{Page: PageFilter{Kinds: []string{"late"}, Changes: kinds}}, 5},
			"gaps of another":            {"gaps", ExportFilter{Page: PageFilter{Kinds: []string{"missed"}}}, 0},
			"gaps found before":          {"gaps", ExportFilter{Page: PageFilter{Until: at(noon.Add(2 * time.Hour))}}, 2},
			"documents that wait":        {"documents", ExportFilter{Page: PageFilter{Accounts: []string{"other"}, States: []string{"waiting"}}}, 1},
			"stored documents":           {"documents", ExportFilter{Page: PageFilter{States: []string{"stored"}}}, 0},
			"changes of a kind":          {"changes", ExportFilter{Feed: ChangeFilter{Kinds: kinds, Accounts: []string{"acc"}}}, 4},
			"changes behind one":         {"changes", ExportFilter{Feed: ChangeFilter{After: 3}}, 2},
			"changes to another status":  {"changes", ExportFilter{Feed: ChangeFilter{Statuses: []string{"completed"}}}, 0},
			"what is of no such account": {"transactions", ExportFilter{Rows: Filter{Accounts: []string{"none"}}}, 0},
		} {
			_, rows := d.exported(t, c.what, c.f)
			same(t, name, len(rows), c.want)
		}
		var order []string
		for _, newest := range []bool{true, false} {
			for _, search := range []string{"", "ann"} {
				columns, rows := d.exported(t, "transactions", ExportFilter{Newest: newest, Rows: Filter{Search: search}})
				for _, r := range rows {
					order = append(order, fmt.Sprint(r[slices.Index(columns, "ref")]))
				}
			}
		}
		same(t, "orders", fmt.Sprint(order), "[r4 r3 r2 r1 r0 r4 r3 r2 r1 r0 r0 r1 r2 r3 r4 r0 r1 r2 r3 r4]")

		columns, rows := d.exported(t, "transactions", ExportFilter{})
		is := func(column string) any { return rows[0][slices.Index(columns, column)] }
		for column, want := range map[string]any{
			"ref": "r0", "name": odd, "archived": true, "signers_total": int64(2), "expires_at": nil, "changed_at": noon,
			"sent_at": noon.Add(3 * time.Minute),
		} {
			if !reflect.DeepEqual(is(column), want) {
				t.Errorf("%s: got %#v, want %#v", column, is(column), want)
			}
		}
		if raw, ok := is("attention").(json.RawMessage); !ok || !json.Valid(raw) {
			t.Errorf("attention: %#v", is("attention"))
		}
		columns, rows = d.exported(t, "gaps", ExportFilter{})
		same(t, "latency", fmt.Sprint(rows[0][slices.Index(columns, "latency")])[:2], "90")

		n := 0
		check(t, d.Export(t.Context(), "transactions", ExportFilter{}, func([]string, []any) error {
			if n++; n == 1 { // it does not see what is written meanwhile
				d.put(t, full("new"))
			}
			return nil
		}))
		same(t, "rows of one moment", n, 5)
		same(t, "unknown", d.Export(t.Context(), "tokens", ExportFilter{}, nil) != nil, true)
	})
}
