package browser

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var screenshots = flag.Bool("screenshots", false, "write docs/console/*.png anew")

// mostShown is how much of a page a picture shows.
const mostShown = 720

// Every page, wide and narrow, light and dark, in both languages, as pictures in docs/console:
//
//	go test ./cmd/countersign/browser -run TestScreenshots -screenshots
func TestScreenshots(t *testing.T) {
	if !*screenshots {
		t.Skip("-screenshots is not given: docs/console stays as it is")
	}
	s := play(t)
	dir := "../../../docs/console"
	require.NoError(t, os.MkdirAll(dir, 0o755)) //nolint:gosec // part of the documentation
	all := 0
	addresses := s.addresses(t)
	for name, l := range map[string]look{
		"wide-light-en": {width: 1280, height: 860, lang: "en"}, "wide-dark-es": {width: 1280, height: 860, lang: "es", dark: true},
		"narrow-light-es": {width: 360, height: 780, lang: "es"}, "narrow-dark-en": {width: 360, height: 780, lang: "en", dark: true},
	} {
		b := s.tab(t, l)
		s.silent(t, b)
		for _, p := range addresses {
			if p[0] == "find" { // it shows the page of a transaction
				continue
			}
			require.Equal(t, 200, b.open(p[1]), p[0])
			small := quantized(t, b.picture(l))
			require.NoError(t, os.WriteFile(filepath.Join(dir, p[0]+"-"+name+".png"), small, 0o644)) //nolint:gosec // part of the documentation
			all += len(small)
		}
	}
	t.Logf("%d KB in all", all>>10)
	require.Less(t, all, 3<<20)
}

// picture is what the tab shows, down to mostShown pixels.
func (b *tab) picture(l look) []byte {
	b.t.Helper()
	height := min(eval[float64](b, `Math.max(document.documentElement.scrollHeight, innerHeight)`), mostShown)
	var out []byte
	beyond := true
	b.do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		r, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond,
			Clip: &page.Viewport{Width: float64(l.width), Height: height, Scale: 1}})
		out = r.Data
		return none, err
	})
	return out
}

// quantized is a picture in the colours that it has most of, at most 256: pages have few.
func quantized(t *testing.T, text []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(text))
	require.NoError(t, err)
	counts := map[color.RGBA]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			counts[rough(img.At(x, y))]++
		}
	}
	type one struct {
		c color.RGBA
		n int
	}
	var all []one
	for c, n := range counts {
		all = append(all, one{c, n})
	}
	slices.SortFunc(all, func(a, b one) int { return b.n - a.n })
	colors := color.Palette{}
	for _, o := range all[:min(len(all), 32)] {
		colors = append(colors, o.c)
	}
	if len(colors) < 2 {
		colors = palette.WebSafe
	}
	out := image.NewPaletted(img.Bounds(), colors)
	nearest := map[color.RGBA]uint8{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := rough(img.At(x, y))
			i, known := nearest[c]
			if !known {
				i = uint8(colors.Index(c)) //nolint:gosec // at most 32
				nearest[c] = i
			}
			out.Pix[out.PixOffset(x, y)] = i
		}
	}
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(t, encoder.Encode(&small, draw.Image(out)))
	return small.Bytes()
}

// rough is a colour without its last bits, which nobody sees.
func rough(c color.Color) color.RGBA {
	r, g, b, _ := c.RGBA()
	cut := func(v uint32) uint8 { return uint8(v>>8) | 3 } //nolint:gosec // eight bits
	return color.RGBA{cut(r), cut(g), cut(b), 255}
}
