package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"countersign/model"
)

// Retention takes a few rows in each commit, and gives back what it has freed, a few pages in each: no callback waits
// for much more than a commit of its own. Prune itself refuses a step that takes more.
func TestRetentionGoesInSmallStepsAndGivesSpaceBack(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		const rows, body = 5*pruneAtOnce + 3, 40_000
		random := rand.NewChaCha8([32]byte{1})
		old := noon.Add(-48 * time.Hour)
		var keys []model.Key
		for i := range rows {
			keys = append(keys, key(fmt.Sprint("hidden", i)))
		}
		d.running(t)
		d.do(t, func(b *Batch) error {
			for _, k := range keys {
				r := row1(k.Ref)
				r.Hidden, r.FirstSeenAt, r.Status = true, old, model.Unknown
				b.Put(r, model.Decision{Next: r, Grew: true})
				noise := make([]byte, body)
				random.Read(noise)
				for _, v := range []model.Verdict{model.Accepted, model.Refused} {
					b.AddCallback(Packed{Callback: model.Callback{Account: "acc", Ref: "", Verdict: v, At: old, Body: noise}})
				}
				b.AddChange(model.Change{Account: "acc", Kind: model.KindIncident, At: old, Announce: true})
			}
			return nil
		}, keys...)
		before := d.pagesOf(t)
		took, err := d.Prune(t.Context(), PruneBefore{Bodies: &noon, Refused: &noon, Outbox: &noon, History: &noon,
			HiddenRows: &noon})
		check(t, err)
		same(t, "taken", took, Pruned{Bodies: rows, Refused: rows, Outbox: rows, Changes: rows, HiddenRows: rows})
		if after := d.pagesOf(t); !d.Postgres() && (before < 20<<20 || after > before/2) {
			t.Errorf("the file has %d bytes, %d before", after, before)
		}
		check(t, d.Check(t.Context()))
	})
}

// pagesOf is how large a SQLite file is, its log folded in.
func (d *db) pagesOf(t *testing.T) (n int64) {
	t.Helper()
	if d.Postgres() {
		return 0
	}
	check(t, d.raw(t).QueryRow(`SELECT page_count * 4096 FROM pragma_page_count`).Scan(&n))
	return n
}
