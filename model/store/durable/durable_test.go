package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func says(text string) func(*os.File) error {
	return func(f *os.File) error { _, err := io.WriteString(f, text); return err }
}

func TestWrite(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		before string // what has the name already
		how    How
		fill   func(*os.File) error
		err    error
		after  string
		mode   fs.FileMode
	}{
		"new":                     {"", How{}, says("new"), nil, "new", 0o600},
		"new, for others to read": {"", How{Mode: 0o644}, says("new"), nil, "new", 0o644},
		"the name is taken":       {"old", How{}, says("new"), fs.ErrExist, "old", 0o640},
		"the old gives way":       {"old", How{Replace: true}, says("new"), nil, "new", 0o600},
		"broken off": {"", How{}, func(f *os.File) error { return errors.Join(says("ne")(f), broken) },
			broken, "", 0},
		"broken off over another": {"old", How{Replace: true},
			func(f *os.File) error { return errors.Join(says("ne")(f), broken) }, broken, "old", 0o640},
		"written through its path": {"", How{}, func(f *os.File) error { return os.WriteFile(f.Name(), []byte("new"), 0) },
			nil, "new", 0o600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "file")
			if test.before != "" {
				if err := os.WriteFile(file, []byte(test.before), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			if err := Write(file, test.how, test.fill); !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			got, err := os.ReadFile(file)
			if string(got) != test.after || test.after != "" && err != nil {
				t.Errorf("the file holds %q, %v; want %q", got, err, test.after)
			}
			if info, err := os.Stat(file); err == nil && info.Mode() != test.mode {
				t.Errorf("its mode is %v, want %v", info.Mode(), test.mode)
			}
			left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
			if len(left) > 0 || err != nil {
				t.Errorf("%v, %v are left", left, err)
			}
		})
	}
}

// While a file is being written, nobody sees it under its name.
func TestAFileHasNoNameBeforeItIsWhole(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	err := Write(file, How{}, func(*os.File) error {
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", file, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
