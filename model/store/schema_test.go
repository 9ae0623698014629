package store

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm/schema"

	"countersign/model"
	"countersign/model/store/database"
)

// names are the columns that gorm takes a struct's fields for.
func names(t *testing.T, of any) (out []string) {
	t.Helper()
	naming := schema.NamingStrategy{}
	rt := reflect.TypeOf(of)
	for i := range rt.NumField() {
		f := rt.Field(i)
		tag := schema.ParseTagSetting(f.Tag.Get("gorm"), ";")
		_, embedded := tag["EMBEDDED"]
		switch {
		case !f.IsExported() || f.Tag.Get("gorm") == "-":
		case embedded:
			out = append(out, names(t, reflect.Zero(f.Type).Interface())...)
		case tag["COLUMN"] != "":
			out = append(out, tag["COLUMN"])
		default:
			out = append(out, naming.ColumnName("", f.Name))
		}
	}
	return out
}

// columns are those of a table or view, as the database tells.
func (d *db) columns(t *testing.T, table string) (out []string) {
	t.Helper()
	rows, err := d.raw(t).Query("SELECT * FROM " + table + " LIMIT 0")
	check(t, err)
	defer rows.Close()
	out, err = rows.Columns()
	check(t, err)
	return out
}

func TestTheSchemaIsTheModels(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		for table, c := range map[string]struct {
			of      any
			without []string // of the model
			and     []string // only the table has
		}{
			"transactions":   {model.Transaction{}, nil, []string{"n", "due_rank", "rest", "signer_rows", "lease_until", "lease_owner"}},
			"signers":        {model.Signer{}, []string{"ref"}, []string{"txn", "signer", "place"}},
			"callbacks":      {model.Callback{}, []string{"id", "headers"}, []string{"n", "txn"}},
			"documents":      {documentRow{}, nil, nil},
			"history":        {model.Change{}, nil, []string{"txn"}},
			"gaps":           {model.Gap{}, nil, nil},
			"incidents":      {model.Incident{}, nil, nil},
			"runs":           {model.Run{}, nil, []string{"lease_until", "lease_owner"}},
			"seals":          {model.Sealer{}, nil, nil},
			"drift":          {model.DriftLine{}, nil, nil},
			"accounts":       {model.Account{}, nil, nil},
			"locks":          {database.LockRow{}, nil, nil},
			"console_tokens": {ConsoleToken{}, nil, nil},
			"views":          {SavedView{}, nil, nil},
		} {
			want := append(slices.DeleteFunc(names(t, c.of), func(n string) bool { return slices.Contains(c.without, n) }),
				c.and...)
			got := d.columns(t, table)
			slices.Sort(want)
			slices.Sort(got)
			same(t, table, got, want)
		}
		var written []string
		for _, c := range d.shapes.add.columns {
			written = append(written, c.name)
		}
		written = append(written, "lease_owner")
		table := d.columns(t, "transactions")
		slices.Sort(written)
		slices.Sort(table)
		same(t, "columns that are written", written, table)
	})
}

func TestTheViewsHaveTheKeysThatAreFixed(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		for view, want := range map[string]string{
			"v1_transactions": "account provider ref external_id name status provider_status confirmed reported_status reason archived trashed deleted not_found " +
				"test attention signers_done signers_total documents_stored documents_total sent_at provider_time created_at changed_at confirmed_at " +
				"next_check_at expires_at seq",
			"v1_signers":   "account ref signer name email role order status viewed_at signed_at reason",
			"v1_documents": "id account ref kind name state reason signature sha256 size integrity coverage trust path stored_at signature_note signatures facts",
			"v1_changes":   "seq account ref kind from to status confirmed source at signer document",
			"v1_gaps":      "account ref kind change from to after before found_by found_at latency signer",
			"v1_accounts":  "id provider first_start_at last_callback_at last_poll_at reach last_error last_error_at rests_until",
		} {
			same(t, view, strings.Join(d.columns(t, view), " "), want)
		}
	})
}

func TestViewsLeaveOutWhatIsNobodysBusiness(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		hidden := row1("hidden")
		hidden.Hidden, hidden.Status = true, model.Unknown
		d.put(t, full("a"), hidden)
		d.do(t, func(b *Batch) error {
			for _, kind := range []model.GapKind{model.GapPending, model.GapMissed} {
				b.AddGap(model.Gap{Account: "acc", Ref: "a", Kind: kind, Change: model.ChangeStatus, Before: noon, FoundAt: noon,
					SettleAt: noon})
			}
			_, err := b.OpenIncident("acc", model.CallbacksSilent, "m")
			return err
		}, key("a"))
		for view, want := range map[string]int64{"v1_transactions": 1, "v1_signers": 2, "v1_gaps": 1, "v1_changes": 1} {
			same(t, view, d.count(t, view), want)
		}
		rows, _, err := d.Transactions(t.Context(), Filter{})
		check(t, err)
		same(t, "listed", len(rows), 1)
		found, err := d.FindRef(t.Context(), "hidden")
		check(t, err)
		same(t, "found", len(found), 0)
		gaps, err := d.Gaps(t.Context(), GapFilter{})
		check(t, err)
		same(t, "gaps", len(gaps), 1)
		same(t, "with the hidden", d.count(t, "transactions"), int64(2))
	})
}
