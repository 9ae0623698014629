package store

import (
	"regexp"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/database"
)

func TestTimesAreUTCWhateverTheZone(t *testing.T) {
	zone := time.FixedZone("far", -5*3600)
	was := time.Local
	time.Local = zone
	t.Cleanup(func() { time.Local = was })
	both(t, func(t *testing.T, d *db) {
		east := time.FixedZone("east", 3*3600)
		for i, name := range []string{"first", "second", "third"} {
			r := full(name)
			r.ChangedAt = noon.Add(time.Duration(i) * time.Hour).In([]*time.Location{east, time.UTC, zone}[i])
			r.ConfirmedAt = at(r.ChangedAt)
			d.put(t, r)
		}
		rows, _, err := d.Transactions(t.Context(), Filter{ChangedSince: at(noon.Add(time.Minute).In(east))})
		check(t, err)
		same(t, "rows since", len(rows), 2)
		same(t, "the newest", rows[0].Ref, "third")
		for _, r := range []model.Transaction{d.get(t, key("second")), d.get(t, key("third"))} {
			for _, x := range []time.Time{r.ChangedAt, *r.ConfirmedAt, r.FirstSeenAt, *r.Signers[1].SignedAt} {
				if x.Location() != time.UTC {
					t.Errorf("%v came back in %v", x, x.Location())
				}
			}
		}
		d.do(t, func(b *Batch) error {
			b.PutRun(model.Run{ID: "r", Account: "acc", Kind: "active", State: model.RunQueued, CreatedAt: noon.In(east),
				Since: at(noon.In(zone))})
			b.PutAccount(model.Account{ID: "acc", FirstStartAt: noon.In(east)})
			return nil
		})
		run, err := d.RunByID(t.Context(), "r")
		check(t, err)
		same(t, "run", []time.Time{run.CreatedAt, *run.Since}, []time.Time{noon, noon})
		if d.Postgres() {
			return
		}
		raw := d.raw(t)
		for _, query := range []string{
			`SELECT changed_at || '' FROM v1_transactions`, `SELECT signed_at || '' FROM v1_signers WHERE signed_at IS NOT NULL`,
			`SELECT first_start_at || '' FROM v1_accounts`,
		} {
			var text string
			check(t, raw.QueryRow(query).Scan(&text))
			if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(text) {
				t.Errorf("%s gives %q", query, text)
			}
		}
	})
}

func TestTheClockIsRoundedToWhatIsKept(t *testing.T) {
	s := utcClock(func() time.Time { return noon.Add(1234567).In(time.FixedZone("x", 3600)) })
	same(t, "now", s(), noon.Add(time.Millisecond))
	if sameTime(at(noon), at(noon.Add(time.Millisecond))) || !sameTime(at(noon), at(noon.Add(time.Microsecond))) ||
		sameTime(nil, at(noon)) {
		t.Error("times are compared otherwise than they are kept")
	}
}

// A time that rests as a number is shown to the millisecond, whatever the number.
func TestTheViewsShowEveryMillisecond(t *testing.T) {
	d := openSQLiteTest(t)
	raw := d.raw(t)
	r := row1("a")
	d.put(t, r)
	for _, day := range []time.Time{time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC), time.Unix(0, 0), noon,
		time.Date(2038, 1, 19, 3, 14, 7, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)} {
		for ms := range 1000 {
			want := day.UTC().Add(time.Duration(ms) * time.Millisecond)
			_, err := raw.Exec(`UPDATE transactions SET changed_at = ?`, want.UnixMilli())
			check(t, err)
			var text string
			check(t, raw.QueryRow(`SELECT changed_at FROM v1_transactions`).Scan(&text))
			same(t, "shown", text, database.Stamp(want))
		}
		same(t, "read", d.get(t, r.Key()).ChangedAt, day.UTC().Add(999*time.Millisecond))
	}
}
