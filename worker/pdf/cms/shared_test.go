package cms_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"countersign/worker/pdf/cms"
	"countersign/worker/pdf/digest"
)

// signaturesOf finds a file's signatures by their text: good enough for files that are known.
func signaturesOf(t *testing.T, raw []byte) (all []cms.Signature) {
	t.Helper()
	file := digest.NewFile(bytes.NewReader(raw), int64(len(raw)))
	kinds := regexp.MustCompile(`/SubFilter\s*/([\w.]+)`).FindAllSubmatch(raw, -1)
	ranges := regexp.MustCompile(`/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)`).FindAllSubmatch(raw, -1)
	for i, m := range ranges {
		var n [4]int64
		for k := range n {
			n[k], _ = strconv.ParseInt(string(m[k+1]), 10, 64)
		}
		hexed := bytes.Join(bytes.Fields(bytes.Trim(raw[n[1]:n[2]], "<>")), nil)
		contents, err := hex.DecodeString(string(hexed))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cms.Signature{SubFilter: string(kinds[min(i, len(kinds)-1)][1]), Contents: contents,
			Covered: file.Part(n[:]...)})
	}
	return all
}

func TestSignaturesOfTheWorldVerify(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(cmp.Or(os.Getenv("COUNTERSIGN_SHARED"), "../../../../shared"), "cases", "pdf")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the signed files are not at hand: %v (COUNTERSIGN_SHARED names their folder)", err)
		}
		t.Skipf("no signed files at %s: set COUNTERSIGN_SHARED to the folder that has cases/pdf", dir)
	}
	for name, count := range map[string]int{
		"01.pdf": 2, "02.pdf": 2, "03.pdf": 2, "04.pdf": 2, "05.pdf": 1, "06.pdf": 2, "07.pdf": 2, "08.pdf": 1, "09.pdf": 1,
		"10.pdf": 2, "11.pdf": 1, "12.pdf": 2, "13.pdf": 1, "14.pdf": 1, "15.pdf": 1,
	} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all := signaturesOf(t, raw)
		if len(all) != count {
			t.Errorf("%s: %d signatures, %d expected", name, len(all), count)
		}
		for i, s := range all {
			r := cms.Verify(s)
			one := r.First()
			if r.Status != cms.Verified || one.Cert == nil || one.Name == "" || one.Algorithm == "" {
				t.Errorf("%s: signature %d is %s: %s (%s, %s)", name, i, r.Status, r.Reason, one.Name, one.Algorithm)
			}
			s.Covered = digest.NewFile(bytes.NewReader(raw[1:]), int64(len(raw)-1)).Part(0, int64(len(raw)-1))
			if r := cms.Verify(s); r.Status != cms.Mismatch {
				t.Errorf("%s: signature %d is %s over other bytes, not a mismatch: %s", name, i, r.Status, r.Reason)
			}
		}
	}
}
