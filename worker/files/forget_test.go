package files

import (
	"testing"

	"countersign/model"
)

// What a person's transaction has in the folder goes, wherever it waits; what is another's stays.
func TestForgettingFindsWhatWaits(t *testing.T) {
	f := onto(t, OS())
	for _, id := range []string{"d1", "d2"} {
		check(t, f.PutLinkFile(t.Context(), f.temporary(t, "linked"), LinkFileName(id, "0123456789abcdef0")))
		check(t, f.Leave(f.temporary(t, "arrived"), id, "m1"))
	}
	check(t, f.Place(t.Context(), f.temporary(t, "one"), "acc/2026/01/a/1.pdf", ""))
	check(t, f.Place(t.Context(), f.temporary(t, "two"), Quarantined("acc/2026/01/a/1.v2.pdf"), ""))
	check(t, f.Place(t.Context(), f.temporary(t, "another's"), "acc/2026/01/b/1.pdf", ""))
	n, err := f.Forget(t.Context(), model.Key{Account: "acc", Ref: "a"}, []string{"d1"})
	check(t, err)
	left := f.lying(t)
	if n != 4 || len(left) != 3 {
		t.Errorf("%d files went, %q are left", n, left)
	}
	for _, name := range left {
		if name[:5] != ".hold" && name[:5] != ".inco" && name != "acc/2026/01/b/1.pdf: another's" {
			t.Errorf("left: %s", name)
		}
	}
}
