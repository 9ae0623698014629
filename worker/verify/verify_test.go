package verify

import (
	"testing"

	"countersign/model"
	"countersign/worker/ask/runs"
	"countersign/worker/workertest"
)

// A service that goes on showing what was deleted agrees with a row that says so.
func TestVerifyTakesADeletedOneThatIsStillShown(t *testing.T) {
	t.Parallel()
	row := model.Transaction{Account: "a", Ref: "r", Status: model.Declined, Deleted: true}
	shown := model.Observation{Ref: "r", Evidence: model.Verified, Status: model.Declined, Deleted: model.Yes}
	b := newBench(workertest.SQLite(t))
	v := b.verifier(model.Run{ID: "r"}, runs.Params{})
	differ := func(want int) {
		t.Helper()
		if got := v.differences(row, shown); len(got) != want {
			t.Errorf("deleted here %v, there %v: %v", row.Deleted, shown.Deleted, got)
		}
	}
	differ(0)
	shown.Deleted = model.Unsaid
	differ(1)
	row.Deleted, shown.Deleted = false, model.Yes
	differ(1)
}
