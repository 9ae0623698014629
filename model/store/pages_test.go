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
)

// walked reads a list of pages to its end.
func walked[T any](
	t *testing.T, f PageFilter, page func(context.Context, PageFilter) ([]T, string, error), id func(T) string,
) (out []string) {
	t.Helper()
	for range 100 {
		list, next, err := page(t.Context(), f)
		check(t, err)
		for _, v := range list {
			out = append(out, id(v))
		}
		if f.Cursor = next; next == "" {
			return out
		}
	}
	t.Fatal("the list has no end")
	return nil
}

func TestLedgerRunsIncidentsAndDocumentsPage(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		var gaps, runs, docs []string
		d.put(t, row1("r"))
		d.do(t, func(b *Batch) error {
			gaps, runs, docs = nil, nil, nil
			for i := range 10 {
				when := noon.Add(time.Duration(i/3) * time.Minute) // several at one instant
				account := []string{"acc", "other"}[i%2]
				gaps = append(gaps, b.AddGap(model.Gap{Account: account, Ref: "r", Kind: []model.GapKind{model.GapMissed,
					model.GapLate, model.GapPending}[i%3], Change: model.ChangeStatus, Before: when, FoundAt: when, SettleAt: when}))
				runs = append(runs, b.PutRun(model.Run{Account: account, Kind: "active", State: model.RunDone,
					CreatedAt: when}))
				docs = append(docs, b.PutDocument(model.Document{Account: "acc", Ref: "r", DocID: fmt.Sprint(i),
					Kind:  model.SignedDocument,
					State: []model.DocumentState{model.DocumentStored, model.DocumentQuarantined}[i%2]}))
			}
			_, err := b.OpenIncident("acc", model.CallbacksSilent, "m")
			return err
		}, key("r"), model.Key{Account: "other", Ref: "r"})
		slices.Reverse(runs)
		slices.Reverse(docs)
		for _, limit := range []int{0, 1, 3} {
			same(t, "runs", walked(t, PageFilter{Limit: limit}, d.RunPage, func(r model.Run) string { return r.ID }), runs)
			same(t, "documents", walked(t, PageFilter{Limit: limit}, d.DocumentPage,
				func(x model.Document) string { return x.ID }), docs)
			found := walked(t, PageFilter{Limit: limit}, d.GapPage, func(g model.Gap) string { return string(g.Kind) })
			same(t, "gaps without those that are pending", len(found), 7)
			same(t, "late", len(walked(t, PageFilter{Limit: limit, Kinds: []string{"late"}}, d.GapPage,
				func(g model.Gap) string { return g.ID })), 3)
			same(t, "quarantined", len(walked(t, PageFilter{Limit: limit, States: []string{"quarantined"}}, d.DocumentPage,
				func(x model.Document) string { return x.ID })), 5)
			same(t, "since", len(walked(t, PageFilter{Limit: limit, Since: at(noon.Add(2 * time.Minute))}, d.RunPage,
				func(r model.Run) string { return r.ID })), 4)
			same(t, "of one account until", len(walked(t, PageFilter{Limit: limit, Accounts: []string{"acc"},
				Until: at(noon.Add(time.Minute))}, d.RunPage, func(r model.Run) string { return r.ID })), 2)
		}
		same(t, "open", len(walked(t, PageFilter{States: []string{"open"}}, d.IncidentPage,
			func(i model.Incident) string { return i.ID })), 1)
		same(t, "closed", len(walked(t, PageFilter{States: []string{"closed"}}, d.IncidentPage,
			func(i model.Incident) string { return i.ID })), 0)
		for _, bad := range []string{"?", "AAAA", "bm9vbgBy"} {
			if _, _, err := d.GapPage(t.Context(), PageFilter{Cursor: bad}); !errors.Is(err, ErrCursor) {
				t.Errorf("cursor %s: %v", bad, err)
			}
		}
	})
}

func TestTheFeedSaysHowFarItHasLooked(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.put(t, row1("r"))
		d.do(t, func(b *Batch) error {
			for i := range 10 {
				b.AddChange(model.Change{Account: []string{"acc", "other"}[i%2], Kind: model.KindFlag, Source: "test"})
			}
			return nil
		})
		seqs := func(f ChangeFilter) (out []int64, upto int64) {
			t.Helper()
			list, upto, err := d.ChangesOfKind(t.Context(), f)
			check(t, err)
			for _, c := range list {
				out = append(out, c.Seq)
			}
			return out, upto
		}
		got, upto := seqs(ChangeFilter{Accounts: []string{"other"}, After: 3})
		same(t, "of one account", fmt.Sprint(got, upto), "[4 6 8 10] 10")
		got, upto = seqs(ChangeFilter{Accounts: []string{"other"}, After: 3, Limit: 2})
		same(t, "two of one account", fmt.Sprint(got, upto), "[4 6] 6")
		got, upto = seqs(ChangeFilter{Kinds: []string{"status"}})
		same(t, "none of a kind", fmt.Sprint(got, upto), "[] 10")
		got, upto = seqs(ChangeFilter{After: 8})
		same(t, "all", fmt.Sprint(got, upto), "[9 10] 10")
		got, upto = seqs(ChangeFilter{After: 10})
		same(t, "nothing new", fmt.Sprint(got, upto), "[] 10")
	})
}

func TestSavedViewsAreSomebodysOrEverybodys(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		names := func(who string) string {
			list, err := d.SavedViews(t.Context(), who)
			check(t, err)
			var all []string
			for _, v := range list {
				all = append(all, v.Name+" "+v.Owner+" "+v.Address)
			}
			return strings.Join(all, ", ")
		}
		put := func(id, owner, name, address string) bool {
			saved, err := d.SaveView(t.Context(), SavedView{ID: id, Owner: owner, Name: name, Address: address, MadeBy: "ana",
				CreatedAt: noon})
			check(t, err)
			return saved
		}
		put("1", "ana", "stuck", "/a")
		put("2", "", "all", "/b")
		put("3", "ben", "mine", "/c")
		put("4", "ana", "stuck", "/d")
		same(t, "ana's", names("ana"), "all  /b, stuck ana /d")
		same(t, "ben's", names("ben"), "all  /b, mine ben /c")
		for _, x := range []struct {
			who, id   string
			all, want bool
		}{{"ana", "3", true, false}, {"ana", "2", false, false}, {"ana", "2", true, true}, {"ben", "3", false, true},
			{"ben", "3", false, false}} {
			removed, err := d.RemoveView(t.Context(), x.id, x.who, x.all)
			check(t, err)
			same(t, x.who+" "+x.id, removed, x.want)
		}
		same(t, "left", names("ben"), "")
		for i := range MostViews + 5 {
			same(t, "as many as fit", put(fmt.Sprint("m", i), "cy", fmt.Sprint(i), "/"), i < MostViews)
		}
		same(t, "one of its name is replaced, full or not", put("x", "cy", "0", "/x"), true)
	})
}

func TestTokensAndSessionsOfTheConsole(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		token := ConsoleToken{Name: "crm", Hash: "aa", Role: "read", CreatedAt: noon, ExpiresAt: at(noon.Add(time.Hour))}
		for _, want := range []bool{true, false} {
			added, err := d.AddConsoleToken(t.Context(), token)
			check(t, err)
			same(t, "added", added, want)
		}
		check(t, d.UseConsoleToken(t.Context(), "crm", noon))
		list, err := d.ConsoleTokens(t.Context())
		check(t, err)
		token.UsedOn = "2026-01-31"
		same(t, "tokens", fmt.Sprint(len(list), list[0].Name, list[0].Hash, list[0].Role, list[0].UsedOn,
			list[0].ExpiresAt.Equal(*token.ExpiresAt)), "1crmaaread2026-01-31true")
		for _, want := range []bool{true, false} {
			removed, err := d.RemoveConsoleToken(t.Context(), "crm")
			check(t, err)
			same(t, "removed", removed, want)
		}

		check(t, d.PutSession(t.Context(), "h", []byte("one"), noon.Add(time.Hour)))
		check(t, d.PutSession(t.Context(), "h", []byte("two"), noon.Add(time.Hour)))
		data, found, err := d.Session(t.Context(), "h")
		check(t, err)
		same(t, "session", fmt.Sprint(string(data), found), "twotrue")
		check(t, d.ProlongSession(t.Context(), "h", []byte("three"), noon.Add(2*time.Hour)))
		check(t, d.ProlongSession(t.Context(), "none", []byte("three"), noon.Add(2*time.Hour)))
		d.clock.ms.Store(noon.Add(time.Hour).UnixMilli())
		data, found, err = d.Session(t.Context(), "h")
		check(t, err)
		same(t, "prolonged", fmt.Sprint(string(data), found), "threetrue")
		_, found, err = d.Session(t.Context(), "none")
		check(t, err)
		same(t, "never there", found, false)
		d.clock.ms.Store(noon.Add(2 * time.Hour).UnixMilli())
		_, found, err = d.Session(t.Context(), "h")
		check(t, err)
		same(t, "expired", found, false)
		check(t, d.RemoveSession(t.Context(), "h"))
	})
}
