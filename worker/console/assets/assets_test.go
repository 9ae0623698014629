package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// The library is the one that npm has, to the byte.
func TestHtmxIsThePublishedOne(t *testing.T) {
	t.Parallel()
	text, err := files.ReadFile("vendor/htmx-4.0.1.min.js")
	require.NoError(t, err)
	sum := sha256.Sum256(text)
	require.Equal(t, htmxHash, hex.EncodeToString(sum[:]))
}

// The budget: what a browser loads once.
func TestAssetsAreSmall(t *testing.T) {
	t.Parallel()
	s, err := New()
	require.NoError(t, err)
	script := s.Size("htmx.js") + s.Size("app.js") + s.Size("live-worker.js")
	icons := s.Size("icons.svg") + s.Size("favicon.svg")
	t.Logf("script %d, style %d, icons %d bytes", script, s.Size("style.css"), icons)
	require.LessOrEqual(t, script, 21<<10)
	require.LessOrEqual(t, s.Size("style.css"), 8<<10)
	require.LessOrEqual(t, icons, 3<<10)
}
