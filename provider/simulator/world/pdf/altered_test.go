package pdf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An altered file is the sealed one but for one byte, the same each time.
func TestAltered(t *testing.T) {
	t.Parallel()
	keys := NewKeys()
	f := File{Title: "Lease", Pages: 2, Sealed: true}
	right := f.Render(keys)
	f.Altered = true
	altered := f.Render(keys)
	require.Equal(t, altered, f.Render(keys))
	require.Len(t, altered, len(right))
	differ := 0
	for i := range right {
		if right[i] != altered[i] {
			differ++
		}
	}
	require.Equal(t, 1, differ)
	require.Equal(t, f.Share(), File{Title: "Lease"}.Share())
	require.Less(t, f.Share(), 1.0)
}
