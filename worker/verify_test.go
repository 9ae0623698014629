package worker

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/pdf/pdftest"
)

func TestVerifyFetchesAnAlteredFileAnewAndLeavesOldVersionsAlone(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for _, mark := range []string{"m1", "m2"} {
			b.service.files["1"], b.service.says["a"] = pdftest.Plain(mark), completed(marked(mark))
			b.answered(t, "a", completed(marked(mark)))
			check(t, b.downloadOnce(t.Context()))
		}
		for _, d := range b.documents(t, "a") {
			check(t, os.WriteFile(filepath.Join(b.root, filepath.FromSlash(d.Path)), []byte("altered"), 0o600))
		}
		r := b.ran(t, model.Run{Kind: KindVerify, Params: `{"repair":true}`})
		same(t, "sum", VerifiedBy(r), Verified{Checked: 1, Drift: 2, Repaired: 1})
		check(t, b.downloadOnce(t.Context()))
		list := b.documents(t, "a")
		same(t, "versions", []int{len(list), list[0].Version, list[1].Version}, []int{2, 1, 3})
		got, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(list[1].Path)))
		check(t, err)
		same(t, "the newest file", string(got), string(pdftest.Plain("m2")))
	})
}

func TestASlotThatWasMissedIsCaughtUpOnceAndTheNextComesInItsTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "sqlite:"+path)
		b.Worker.Now = func() time.Time { return time.Now().UTC() }
		b.account.Polling = apply.Schedules{apply.Active: slot(t, "0 */6 * * *"), apply.Audit: slot(t, "0 3 * * *")}
		queued := func() (n int) {
			runs, err := b.Store.Runs(t.Context(), store.RunFilter{Account: "acc"})
			check(t, err)
			for _, r := range runs {
				now := b.Worker.Now()
				r.State, r.FinishedAt = model.RunDone, &now
				check(t, b.saveRun(t.Context(), &r))
			}
			return len(runs)
		}
		during := func(d time.Duration) {
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- b.slots(ctx) }()
			time.Sleep(d)
			synctest.Wait()
			stop()
			check(t, <-ended)
		}
		during(time.Hour) // from midnight on
		same(t, "runs of a new account", queued(), 1)
		during(3 * time.Hour)
		same(t, "runs by four, with the audit of three", queued(), 2)
		time.Sleep(15 * time.Hour) // down until seven in the evening
		during(time.Hour)
		same(t, "runs after two slots were missed", queued(), 3)
		during(5 * time.Hour)
		same(t, "runs after midnight", queued(), 4)
	})
}

// A service that goes on showing what was deleted agrees with a row that says so.
func TestVerifyTakesADeletedOneThatIsStillShown(t *testing.T) {
	t.Parallel()
	row := model.Transaction{Account: "a", Ref: "r", Status: model.Declined, Deleted: true}
	shown := model.Observation{Ref: "r", Evidence: model.Verified, Status: model.Declined, Deleted: model.Yes}
	b := newBench(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	v := &verifier{pass: &pass{Worker: b.Worker, a: b.account, run: &model.Run{ID: "r"}}}
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
