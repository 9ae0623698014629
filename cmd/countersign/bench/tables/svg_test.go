package tables

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The picture is XML with a point for each size, higher where an event costs more, and the line that it must not cross.
func TestGrowthIsDrawn(t *testing.T) {
	t.Parallel()
	g := Growth{Points: []Point{{Callbacks: 10_000, CPU: 200}, {Callbacks: 100_000, CPU: 210}, {Callbacks: 1_000_000, CPU: 260}}}
	svg := g.SVG()
	heights := []string{}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, svg)
		if el, ok := token.(xml.StartElement); ok && el.Name.Local == "circle" {
			for _, a := range el.Attr {
				if a.Name.Local == "cy" {
					heights = append(heights, a.Value)
				}
			}
		}
	}
	require.Len(t, heights, 3)
	require.Greater(t, heights[0], heights[1])
	require.Greater(t, heights[1], heights[2])
	require.Contains(t, svg, "1.3 times that at 100,000")
	require.Contains(t, svg, "1,000,000")
	require.Contains(t, svg, "prefers-color-scheme: dark")
	require.NotContains(t, Growth{}.SVG(), "circle")
}
