package store

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/terms"
)

// indexes skips where SQLite was built without FTS5.
func (d *db) indexes(t *testing.T) {
	t.Helper()
	check(t, d.View(t.Context(), func(q *database.Tx) error {
		_, usable, err := searchIndex(q)
		if !usable {
			t.Skip("SQLite was built without FTS5: -tags sqlite_fts5")
		}
		return err
	}))
}

// found walks a search to its end, and further where it says so.
func found(t testing.TB, d *Store, f Filter, further bool) (refs []string) {
	t.Helper()
	for range 10_000 {
		page, err := d.Search(context.Background(), f)
		check(t, err)
		for _, r := range page.Rows {
			refs = append(refs, r.Ref)
		}
		if f.Cursor = page.Next; f.Cursor == "" && further {
			f.Cursor = page.Further
		}
		if f.Cursor == "" {
			return refs
		}
	}
	t.Fatal("the search has no end")
	return nil
}

func people(t testing.TB, d *db) {
	rows := make([]model.Transaction, 12)
	for i := range rows {
		rows[i] = row1(fmt.Sprintf("ref%04d", i))
		rows[i].Name, rows[i].ChangedAt = fmt.Sprintf("Préstamo %d", 100+i), noon.Add(time.Duration(i)*time.Second)
	}
	rows[1].ExternalID = "C-7781"
	rows[2].Signers = []model.Signer{{Ref: "s", Name: "Zoë Núñez", Email: "zq@Example.org", Status: model.SignerWaiting}}
	rows[3].Name = `<b> "quoted' OR NEAR(x) * ':& \ % _`
	rows[4].ExternalID, rows[5].Name = "ref0003", "about ref0003"
	rows[6].Name = "\u202eevil\u202c 契約書 номер"
	rows[7].Hidden, rows[7].Status = true, model.Unknown
	d.put(t, rows...)
}

// Whatever the index knows, a search finds the same words: all of them filled in, some waiting, or none.
func TestASearchFindsWords(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		people(t, d)
		look := func(t *testing.T, further bool) {
			for text, want := range map[string]string{
				"prestamo":          "ref0011 ref0010 ref0009 ref0008 ref0005- ref0004 ref0002 ref0001 ref0000",
				"PRÉST 11":          "ref0011 ref0010",
				"c-7781":            "ref0001",
				"C-7781":            "ref0001",
				"  C-7781 ":         "ref0001",
				"nunez zoe":         "ref0002",
				"zq@example":        "ref0002",
				"ref0003":           "ref0004 ref0003 ref0005",
				"quoted near":       "ref0003",
				`xyz" OR "prestamo`: "",
				"契約":                "ref0006",
				"НОМЕР evil":        "ref0006",
				"nowhere":           "",
				"_":                 "",
				"":                  "",
			} {
				want := strings.Fields(strings.ReplaceAll(want, "ref0005- ", ""))
				for _, limit := range []int{0, 1, 2} {
					if got := found(t, d.Store, Filter{Search: text, Limit: limit}, false); text != "" && fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%q, %d at a time: %v, want %v", text, limit, got, want)
					}
				}
			}
			for text, want := range map[string]string{"restam": "ref0011 ref0010 ref0009 ref0008 ref0004 ref0002 ref0001 ref0000",
				"umero": "", "uote": "ref0003"} {
				if further {
					same(t, "inside of words: "+text, fmt.Sprint(found(t, d.Store, Filter{Search: text}, true)),
						fmt.Sprint(strings.Fields(want)))
				}
			}
			same(t, "with other conditions", fmt.Sprint(found(t, d.Store, Filter{Search: "prestamo", Oldest: true,
				ChangedUntil: at(noon.Add(9 * time.Second))}, false)), "[ref0000 ref0001 ref0002 ref0004 ref0008]")
		}
		t.Run("no index", func(t *testing.T) { look(t, true) })
		check(t, d.FillSearch(t.Context()))
		d.indexes(t)
		t.Run("index", func(t *testing.T) { look(t, true) })
		people(t, d) // other words for a moment, and back
		t.Run("the same again", func(t *testing.T) { look(t, true) })
		check(t, d.FillSearch(t.Context()))
		t.Run("filled again", func(t *testing.T) { look(t, true) })
		for _, bad := range []string{"?", "AAAA", "bm9vbgBy", "ZQ"} {
			if _, err := d.Search(t.Context(), Filter{Search: "x", Cursor: bad}); err == nil {
				t.Errorf("cursor %q is taken", bad)
			}
		}
	})
}

// At each moment, whatever was changed, removed, forgotten or filled, the index's answer is what the rule says of the
// rows.
func TestASearchIsTheRuleWhateverTheIndexKnows(t *testing.T) {
	words := strings.Fields("loan lease consent ana luis ñandú example agreement 2183 218 ag")
	both(t, func(t *testing.T, d *db) {
		d.indexes(t)
		random := rand.New(rand.NewPCG(1, 2))
		text := func() string { return words[random.IntN(len(words))] + " " + words[random.IntN(len(words))] }
		rows := map[string]model.Transaction{}
		for step := range 150 {
			ref := fmt.Sprintf("r%03d", random.IntN(40))
			switch random.IntN(8) {
			case 0:
				delete(rows, ref)
				d.do(t, func(b *Batch) error { b.Remove(key(ref)); return nil }, key(ref))
			case 1:
				if _, ok := rows[ref]; ok {
					_, err := d.Forget(t.Context(), key(ref), "operator")
					check(t, err)
					delete(rows, ref)
				}
			case 2:
				check(t, d.FillSearch(t.Context()))
			default:
				r := row1(ref)
				r.Name, r.ExternalID, r.ChangedAt = text(), words[random.IntN(len(words))], noon.Add(time.Duration(step)*time.Second)
				r.Signers = []model.Signer{{Ref: "s", Name: text(), Email: "x@example.org", Status: model.SignerWaiting}}
				rows[ref] = r
				d.put(t, r)
			}
			query := terms.Read(text())
			var exact, begin []model.Transaction
			for _, r := range rows {
				all := terms.Row{Ref: r.Ref, ExternalID: r.ExternalID, Name: r.Name, Signers: []string{r.Signers[0].Name, r.Signers[0].Email}}
				switch {
				case query.Exactly(&all):
					exact = append(exact, r)
				case query.Begins(all.Words()):
					begin = append(begin, r)
				}
			}
			slices.SortFunc(exact, newest)
			slices.SortFunc(begin, newest)
			want := []string{}
			for _, r := range append(exact, begin...) {
				want = append(want, r.Ref)
			}
			if got := found(t, d.Store, Filter{Search: query.Text, Limit: 1 + random.IntN(20)}, false); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("step %d, %q: %v, want %v", step, query.Text, got, want)
			}
		}
	})
}

// More rows than are sorted come in the order of their arrival, each once, at any length of a word.
func TestASearchForWhatMostRowsHave(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.indexes(t)
		all := world(t, d, mostSorted+200)
		check(t, d.FillSearch(t.Context()))
		all[7].Name, all[8].Name, all[9].Name = "Other", "Contractor", "Convention"
		d.put(t, all[7:10]...) // the index does not know
		for _, oldest := range []bool{false, true} {
			for _, text := range []string{"con", "contract", "contract 100"} {
				want := []string{}
				for i, r := range all {
					if i != 7 && (i != 9 || text == "con") && (i != 8 && i != 9 || text != "contract 100") {
						want = append(want, r.Ref)
					}
				}
				if !oldest {
					slices.Reverse(want)
				}
				same(t, text, found(t, d.Store, Filter{Search: text, Oldest: oldest, Limit: 170}, false), want)
			}
		}
		some := found(t, d.Store, Filter{Search: "contract", Account: "a", Statuses: []model.Status{model.Completed}}, false)
		want := 0
		for i, r := range all {
			if r.Account == "a" && r.Status == model.Completed && i != 7 && i != 9 {
				want++
			}
		}
		same(t, "of an account and a status", len(some), want)
	})
}

// Without an index a search finds the row whose ref or own id the text is at once, wherever it stands, and then looks
// through the list for a moment at a time: pages may be short, and together they are complete.
func TestASearchLooksThroughAMomentAtATime(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		const rows = 3*lookedAtOnce + 10
		all := world(t, d, rows)
		d.clock.ms.Store(noon.UnixMilli())
		d.Store.clock = func() time.Time { // each look at the clock comes as late as a page may
			return time.UnixMilli(d.clock.ms.Add(searchesFor.Milliseconds()))
		}
		all[3].ExternalID, all[3].Name = all[20].Ref, "of the other's ref"
		d.put(t, all[3])
		first, err := d.Search(t.Context(), Filter{Search: all[20].Ref})
		check(t, err)
		same(t, "the one that it names, and the one with such an own id", []any{len(first.Rows), first.Next != "", first.Looked},
			[]any{2, true, 0})
		second, err := d.Search(t.Context(), Filter{Search: all[20].Ref, Cursor: first.Next})
		check(t, err)
		same(t, "then the others", []any{len(second.Rows), second.Looked, second.Of, second.Further == second.Next},
			[]any{0, lookedAtOnce, rows, true})
		for _, oldest := range []bool{false, true} {
			var seen []string
			short := 0
			for f := (Filter{Search: "ontract 1", Limit: 2000, Oldest: oldest}); ; {
				page, err := d.Search(t.Context(), f)
				check(t, err)
				for _, r := range page.Rows {
					seen = append(seen, r.Ref)
				}
				if len(page.Rows) < 2000 && page.Next != "" {
					short++
				}
				if f.Cursor = page.Next; f.Cursor == "" {
					same(t, "looked through all", page.Looked, rows)
					break
				}
			}
			var want []string
			for i, r := range all {
				if i != 3 && strings.Contains(r.Name+r.Ref, "1") {
					want = append(want, r.Ref)
				}
			}
			if !oldest {
				slices.Reverse(want)
			}
			same(t, "found", seen, want)
			if short == 0 {
				t.Error("no page ended by the clock")
			}
		}
	})
}

// Counting and naming the rows of a search means what its pages show.
func TestASearchIsCounted(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		people(t, d)
		check(t, d.FillSearch(t.Context()))
		n, err := d.Count(t.Context(), Filter{Search: "prestamo"})
		check(t, err)
		keys, err := d.Keys(t.Context(), Filter{Search: "prestamo"}, 5)
		check(t, err)
		same(t, "rows", []int{n, len(keys)}, []int{8, 5})
		_, known, err := d.CountSome(t.Context(), Filter{Search: "prestamo"}, 5)
		check(t, err)
		same(t, "known cheaply", known, false)
		n, known, err = d.CountSome(t.Context(), Filter{}, 5)
		check(t, err)
		same(t, "some", []any{n, known}, []any{6, true})
	})
}

// What was forgotten is in no page of the file, with the log emptied, and other rows are found as before.
func TestForgettingSweepsTheIndex(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.indexes(t)
		all := world(t, d, 300)
		all[5].Name = "Xylophonist"
		d.put(t, all[5])
		check(t, d.FillSearch(t.Context()))
		same(t, "found", found(t, d.Store, Filter{Search: "xyloph"}, false), []string{all[5].Ref})
		_, err := d.Forget(t.Context(), all[5].Key(), "operator")
		check(t, err)
		same(t, "gone at once", len(found(t, d.Store, Filter{Search: "xyloph"}, false)), 0)
		check(t, d.SweepSearch(t.Context()))
		_, err = d.Scrub(t.Context(), false)
		check(t, err)
		same(t, "others", len(found(t, d.Store, Filter{Search: "contract"}, false)), 299)
		if !d.Postgres() {
			file, err := os.ReadFile(d.Path())
			check(t, err)
			for _, word := range []string{"xylophonist", "Xylophonist", "ylophonis"} {
				if bytes.Contains(file, []byte(word)) {
					t.Errorf("%s is in the file", word)
				}
			}
		}
	})
}

// An index that is gone, or was emptied by a program that cannot read it, is made anew.
func TestALostIndexIsMadeAgain(t *testing.T) {
	d := openSQLiteTest(t)
	d.indexes(t)
	people(t, d)
	for name, lose := range map[string]func(q *database.Tx) error{
		"gone":    func(q *database.Tx) error { return q.Exec(`DROP TABLE search`) },
		"emptied": emptyIndex,
	} {
		check(t, d.FillSearch(t.Context()))
		check(t, d.Change(t.Context(), lose))
		same(t, name, len(found(t, d.Store, Filter{Search: "prestamo"}, false)), 8)
		check(t, d.FillSearch(t.Context()))
		same(t, name+" and made again", len(found(t, d.Store, Filter{Search: "prestamo"}, false)), 8)
		page, err := d.Search(t.Context(), Filter{Search: "prestamo"})
		check(t, err)
		same(t, "by the index", page.Looked, 0)
	}
}

// Run fills the index by itself, behind what is written.
func TestTheIndexIsFilledBehindTheWriter(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.indexes(t)
		ctx, stop := context.WithCancel(t.Context())
		ran, filled := make(chan error, 1), make(chan struct{}, 1)
		d.filled = func() {
			select {
			case filled <- struct{}{}:
			default: // the test has not looked since
			}
		}
		go func() { ran <- d.Run(ctx) }()
		world(t, d, 200)
		for waiting := int64(1); waiting > 0; {
			<-filled
			check(t, d.View(t.Context(), func(q *database.Tx) error {
				return q.QueryRow(`SELECT (SELECT COUNT(*) FROM search_queue) + (SELECT COUNT(*) FROM transactions WHERE n > (SELECT upto FROM search_state))`).Scan(&waiting)
			}))
		}
		stop()
		check(t, <-ran)
		same(t, "found", len(found(t, d.Store, Filter{Search: "contract"}, false)), 200)
	})
}
