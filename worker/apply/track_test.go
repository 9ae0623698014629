package apply_test

import (
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/workertest"
)

// Who asked to follow a row stands on it, and nowhere else: no change is told of a ref of which nothing is known.
func TestARowSaysWhoAskedToFollowIt(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		track := func(by string) model.Transaction {
			t.Helper()
			_, err := b.Table.Track(t.Context(), by, "acc", "played", []string{"a"})
			workertest.Check(t, err)
			return b.Row(t, "a")
		}
		row := track("operator ana")
		workertest.Same(t, "who asked", row.TrackedBy, "operator ana")
		first := *row.TrackedAt
		told, _, err := b.Store.ChangesOfKind(t.Context(), store.ChangeFilter{})
		workertest.Check(t, err)
		workertest.Same(t, "changes that anybody is told of", len(told), 0)
		b.Answered(t, "a", workertest.InProgress())
		workertest.Same(t, "after an answer", b.Row(t, "a").TrackedBy, "operator ana")
		b.Move(time.Minute)
		row = track("operator bob")
		workertest.Same(t, "who asked again", row.TrackedBy, "operator bob")
		workertest.Same(t, "later than before", row.TrackedAt.Sub(first) >= time.Minute, true)
		workertest.Same(t, "who answered by itself", func() string { b.Answered(t, "b", workertest.InProgress()); return b.Row(t, "b").TrackedBy }(), "")
	})
}
