package tree

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// What never ends, or never begins, is refused at once.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, file := filepath.Join(dir, "pipe"), filepath.Join(dir, "file")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.WriteFile(file, []byte("12345"), 0o600))
	for _, path := range []string{pipe, "/dev/zero", dir} {
		_, err := ReadRegular(path, 5)
		require.ErrorContains(t, err, path+" is no file that can be read whole")
	}
	_, err := ReadRegular(file, 4)
	require.ErrorContains(t, err, "has 5 bytes: at most 4 are read")
	text, err := ReadRegular(file, 5)
	require.NoError(t, err)
	require.Equal(t, "12345", string(text))
	_, err = ReadRegular(filepath.Join(dir, "none"), 5)
	require.ErrorIs(t, err, os.ErrNotExist)
}
