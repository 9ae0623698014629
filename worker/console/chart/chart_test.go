package chart

import (
	"encoding/xml"
	"errors"
	"html/template"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBarsStandOnOneScale(t *testing.T) {
	out, err := Bars(Words{Name: "told", Table: "as a table", Pattern: "untold"}, []Bar{
		{Label: "1", Told: 100}, {Label: "2", Told: 50, Untold: 25, Href: "/gaps?since=2026-11-02"},
		{Label: "3", Told: 999, Untold: 1}, {Label: "4"},
	})
	require.NoError(t, err)
	got := rects(t, out)
	require.Equal(t, []string{"bar-told 9.6"}, got[0])
	require.Equal(t, []string{"bar-told 4.8", "bar-untold 2.4"}, got[1])
	require.Equal(t, []string{"bar-told 94", "bar-untold 2"}, got[2], "seen, and together no higher than the drawing")
	require.Empty(t, got[3])
	require.Contains(t, string(out), `<a href="/gaps?since=2026-11-02"`)
}

// A day in a thousand must be seen.
func TestWhatIsNotNothingIsSeen(t *testing.T) {
	require.InDelta(t, 2, height(1, 100_000), 0.001)
	require.Zero(t, height(0, 100))
}

func TestSparklineHasHolesWhereNothingIsKnown(t *testing.T) {
	out, err := Sparkline("97.5% first", []float64{1, 0.5, Unknown(), 0, Unknown()}, 0, 1)
	require.NoError(t, err)
	require.Contains(t, string(out), `points="0,2 24,12"`)
	require.Contains(t, string(out), `points="72,22 72,22"`, "a point alone is a dot")
	wellFormed(t, out)

	out, err = Sparkline("none", []float64{Unknown()}, 0, 1)
	require.NoError(t, err)
	require.Empty(t, out)

	out, err = Sparkline("flat", []float64{7}, 7, 7)
	require.NoError(t, err)
	require.Contains(t, string(out), `points="0,2 0,2"`)
}

func TestEnds(t *testing.T) {
	first, last, lowest, ok := Ends([]float64{Unknown(), 0.9, 0.2, 0.5, Unknown()})
	require.True(t, ok)
	require.Equal(t, [3]float64{0.9, 0.5, 0.2}, [3]float64{first, last, lowest})
	_, _, _, ok = Ends([]float64{Unknown()})
	require.False(t, ok)
}

// Accounts and words come from outside. The header of the pages refuses styles in attributes.
func TestChartsEscapeAndHaveNoStyle(t *testing.T) {
	const hostile = `"><script>alert(1)</script>` + "\u202e\x00'"
	bars, err := Bars(Words{Name: hostile, Table: hostile, Day: hostile, Told: hostile, Untold: hostile, Pattern: "p"},
		[]Bar{{Label: hostile, Sentence: hostile, Href: "javascript:alert(1)", Told: 1, Untold: 1}})
	require.NoError(t, err)
	line, err := Sparkline(hostile, []float64{1, 2}, 0, 2)
	require.NoError(t, err)
	for _, out := range []template.HTML{bars, line} {
		require.NotContains(t, string(out), "<script")
		require.NotContains(t, string(out), "javascript:")
		require.NotContains(t, string(out), "style")
		wellFormed(t, out)
	}
}

func TestNoTableWithoutItsName(t *testing.T) {
	out, err := Bars(Words{Name: "told", Pattern: "p"}, []Bar{{Told: 1}})
	require.NoError(t, err)
	require.NotContains(t, string(out), "<table")
}

func wellFormed(t *testing.T, out template.HTML) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(out)))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, "%s", out)
	}
}

// rects are the parts of each bar with their heights.
func rects(t *testing.T, out template.HTML) (bars [][]string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(out)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return bars
		}
		require.NoError(t, err)
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "rect" {
			continue
		}
		of := map[string]string{}
		for _, a := range e.Attr {
			of[a.Name.Local] = a.Value
		}
		switch of["class"] {
		case "bar-ground":
			bars = append(bars, nil)
		case "bar-told", "bar-untold":
			bars[len(bars)-1] = append(bars[len(bars)-1], of["class"]+" "+of["height"])
		}
	}
}
