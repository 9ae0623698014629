package worker

import (
	"os"
	"path/filepath"
	"testing"

	"countersign/model"
	"countersign/worker/ask/runs"
	"countersign/worker/pdf/pdftest"
	"countersign/worker/verify"
	"countersign/worker/workertest"
)

func TestVerifyFetchesAnAlteredFileAnewAndLeavesOldVersionsAlone(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for _, mark := range []string{"m1", "m2"} {
			marked := model.DocumentRef{ID: "1", Kind: model.SignedDocument, Name: "lease.pdf", Mark: mark}
			b.service.Files["1"], b.service.Says["a"] = pdftest.Plain(mark), workertest.Completed(marked)
			b.answered(t, "a", workertest.Completed(marked))
			check(t, b.downloadOnce(t.Context()))
		}
		for _, d := range b.documents(t, "a") {
			check(t, os.WriteFile(filepath.Join(b.root, filepath.FromSlash(d.Path)), []byte("altered"), 0o600))
		}
		r := b.ran(t, model.Run{Kind: runs.KindVerify, Params: `{"repair":true}`})
		same(t, "sum", verify.VerifiedBy(r), verify.Verified{Checked: 1, Drift: 2, Repaired: 1})
		check(t, b.downloadOnce(t.Context()))
		list := b.documents(t, "a")
		same(t, "versions", []int{len(list), list[0].Version, list[1].Version}, []int{2, 1, 3})
		got, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(list[1].Path)))
		check(t, err)
		same(t, "the newest file", string(got), string(pdftest.Plain("m2")))
	})
}
