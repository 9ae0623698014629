package paint

import (
	"fmt"
	"math"
	"testing"

	"countersign/worker/pdf/revision"
)

// page is what a page shows that has a content.
func page(t *testing.T, content string) ([]Area, bool) {
	t.Helper()
	form, lines := "1 0 0 1 5 0 cm BT /F1 10 Tf (in) Tj ET", "0 0 5 5 re f"
	raw := "%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Kids[3 0 R]>>\nendobj\n" +
		"3 0 obj\n<</Type/Page/Contents 4 0 R/Resources<</Font<</F1 5 0 R/F2 6 0 R>>/XObject<</Fm 8 0 R/Im 9 0 R>>" +
		"/ExtGState<</G<</Font[5 0 R 10]>>/M<</SMask<</G 10 0 R>>>>>>/Pattern<</P 10 0 R/L 11 0 R>>>>>>\nendobj\n" +
		fmt.Sprintf("4 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n", len(content), content) +
		"5 0 obj\n<</Subtype/TrueType/FirstChar 97/Widths[500 1000]>>\nendobj\n" +
		"6 0 obj\n<</Subtype/Type0/DescendantFonts[7 0 R]>>\nendobj\n7 0 obj\n<</DW 1000/W[1[200 300]4 5 400]>>\nendobj\n" +
		fmt.Sprintf("8 0 obj\n<</Subtype/Form/Matrix[2 0 0 2 0 0]/Resources<</Font<</F1 5 0 R>>>>/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(form), form) +
		"9 0 obj\n<</Subtype/Image/Length 1>>\nstream\nx\nendstream\nendobj\n" +
		fmt.Sprintf("10 0 obj\n<</Resources<</Font<</F1 5 0 R>>>>/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(form), form) +
		fmt.Sprintf("11 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n", len(lines), lines) +
		"trailer\n<</Root 1 0 R>>\n%%EOF\n"
	r, err := revision.NewFile([]byte(raw)).Open(int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	d := r.Dict(r.Array(r.Dict(r.Root().Get("Pages")).Get("Kids"))[0])
	return Page(r, d.Get("Contents"), d.Get("Resources"))
}

func TestWhereAPageShowsSomething(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]Area{
		"BT /F1 10 Tf 1 0 0 1 20 100 Tm (ab) Tj ET":          {{20, 98, 35, 107.5, Text}},
		"BT /F1 10 Tf 20 100 Td (a b) Tj ET":                 {{20, 98, 25, 107.5, Text}, {30.5, 98, 40.5, 107.5, Text}},
		"BT /F1 10 Tf (____) Tj ET":                          nil,
		"BT /F1 10 Tf 10 TL 0 50 Td (a) Tj T* (a) Tj ET":     {{0, 48, 5, 57.5, Text}, {0, 38, 5, 47.5, Text}},
		"BT /F1 10 Tf [(a) -1000 (a)] TJ ET":                 {{0, -2, 5, 7.5, Text}, {15, -2, 20, 7.5, Text}},
		"BT /F2 10 Tf <0001 0004 0009> Tj ET":                {{0, -2, 16, 7.5, Text}},
		"/G gs BT (a) Tj ET":                                 {{0, -2, 5, 7.5, Text}},
		"q 2 0 0 2 10 10 cm BT /F1 10 Tf (a) Tj ET Q /Fm Do": {{10, 6, 20, 25, Text}, {10, -4, 32, 15, Text}},
		"q 50 0 0 40 10 20 cm /Im Do Q":                      {{10, 20, 60, 60, Picture}},
		"q 50 0 0 40 10 20 cm BI /W 1 /H 1 ID xEIx EI Q 1 g": {{10, 20, 60, 60, Picture}},
		"0 0 m 100 0 l S 5 5 10 10 re f 1 1 m 2 2 l n":       {{0, 0, 100, 0, Line}, {5, 5, 15, 15, Line}},
		"20 140 m 30 150 l 40 140 l S":                       {{20, 140, 40, 150, Picture}},
		"/Pattern cs /P scn 5 5 10 10 re f 1 g 0 0 9 9 re f": {{5, 5, 15, 15, Line}, {5, 5, 15, 15, Anywhere},
			{0, 0, 9, 9, Line}},
		"/Pattern cs q /L scn 5 5 10 10 re f Q":      {{5, 5, 15, 15, Line}},
		"/P SCN 0 0 m 9 0 l S":                       {{0, 0, 9, 0, Line}, {-1e9, -1e9, 1e9, 1e9, Anywhere}},
		"/M gs 0 0 9 9 re f":                         {{5, -2, 16, 7.5, Text}, {0, 0, 9, 9, Line}},
		"/Nothing scn /Nothing SCN 0 0 9 9 re f":     {{0, 0, 9, 9, Line}},
		"/Nothing Do /Nothing gs Q Q 1 0 0 rg BT ET": nil,
	} {
		got, ok := page(t, content)
		if !ok || len(got) != len(want) {
			t.Errorf("%s:\n got %v\nwant %v", content, got, want)
			continue
		}
		for i, a := range got {
			w := want[i]
			if a.Kind != w.Kind || math.Abs(a.X0-w.X0)+math.Abs(a.Y0-w.Y0)+math.Abs(a.X1-w.X1)+math.Abs(a.Y1-w.Y1) > 0.01 {
				t.Errorf("%s:\n got %v\nwant %v", content, a, w)
			}
		}
	}
}

func TestWhatCannotBeFollowedIsTold(t *testing.T) {
	t.Parallel()
	if _, ok := page(t, "BT (a"); ok {
		t.Error("a content that does not end is said to be known")
	}
}

func TestWhatLiesOverText(t *testing.T) {
	t.Parallel()
	line := Area{20, 98, 120, 108, Text}
	for name, c := range map[string]struct {
		sign Area
		want bool
	}{
		"over it":          {Area{50, 90, 80, 120, Line}, true},
		"below it":         {Area{50, 60, 80, 97, Line}, false},
		"touching it":      {Area{50, 60, 80, 99, Line}, false},
		"beside it":        {Area{121, 90, 150, 120, Line}, false},
		"over half of it":  {Area{50, 60, 80, 103, Line}, true},
		"over all of them": {Area{0, 0, 300, 200, Line}, true},
	} {
		if got := c.sign.Over(line); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
