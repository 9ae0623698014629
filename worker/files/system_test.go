package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// poor are file systems that lack something, by what they answer.
func poor() map[string]System {
	out := map[string]System{"all that Linux knows": OS()}
	for _, number := range []syscall.Errno{syscall.ENOTSUP, syscall.EPERM, syscall.EINVAL, syscall.ENOSYS} {
		no := func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: number} }
		noSync := func(f *os.File) error { return &fs.PathError{Op: "sync", Path: f.Name(), Err: number} }
		unlinked, unsynced, bare := OS(), OS(), OS()
		unlinked.Link = no
		unsynced.SyncFolder = noSync
		bare.Link, bare.RenameNew, bare.SyncFolder, bare.SyncFile = no, no, noSync, noSync
		out["no links: "+number.Error()], out["no folder sync: "+number.Error()],
			out["nothing: "+number.Error()] = unlinked, unsynced, bare
	}
	return out
}

func onto(t *testing.T, system System) *Folder {
	t.Helper()
	f := On(filepath.Join(t.TempDir(), "documents"), system)
	check(t, f.Make())
	return f
}

// temporary writes a temporary file.
func (f *Folder) temporary(t *testing.T, content string) string {
	t.Helper()
	temp, err := f.Temp()
	check(t, err)
	_, err = temp.WriteString(content)
	check(t, errors.Join(err, f.Sync(temp), temp.Close()))
	return temp.Name()
}

// lying are the files below a folder, with what they hold.
func (f *Folder) lying(t *testing.T) (out []string) {
	t.Helper()
	check(t, filepath.WalkDir(f.root, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(f.root, p)
			held, rerr := os.ReadFile(p)
			out, err = append(out, rel+": "+string(held)), rerr
		}
		return err
	}))
	return out
}

// Whatever a file system lacks, a file gets its name, whole, and no name is given twice.
func TestAFileGetsItsNameOnAnyFileSystem(t *testing.T) {
	for name, system := range poor() {
		t.Run(name, func(t *testing.T) {
			f := onto(t, system)
			check(t, f.Place(t.Context(), f.temporary(t, "one"), "acc/2026/01/a/1.pdf", ""))
			second := f.temporary(t, "two")
			if err := f.Place(t.Context(), second, "acc/2026/01/a/1.pdf", ""); !errors.Is(err, fs.ErrExist) {
				t.Fatalf("a name was given twice: %v", err)
			}
			check(t, os.Remove(second))
			check(t, f.Secure(t.Context(), "acc/2026/01/a/1.pdf"))
			check(t, f.Copy(t.Context(), "acc/2026/01/a/1.pdf", "acc/2026/01/a/1.v2.pdf"))
			if err := f.Copy(t.Context(), "acc/2026/01/a/1.pdf", "acc/2026/01/a/1.v2.pdf"); !errors.Is(err, fs.ErrExist) {
				t.Fatalf("a name was given twice: %v", err)
			}
			check(t, f.PutLinkFile(t.Context(), f.temporary(t, "three"), LinkFileName("d1", strings.Repeat("0", 64))))
			want := []string{".hold/d1-0000000000000000.pdf: three", "acc/2026/01/a/1.pdf: one", "acc/2026/01/a/1.v2.pdf: one"}
			if got := f.lying(t); !slices.Equal(got, want) {
				t.Errorf("lies\n%q, want\n%q", got, want)
			}
		})
	}
}

// A kill between reserving a name and giving it leaves an empty file, which is in nobody's way.
func TestAReservedNameThatAKillLeftIsGiven(t *testing.T) {
	for name, system := range poor() {
		f := onto(t, system)
		check(t, os.MkdirAll(filepath.Join(f.root, "acc"), 0o700))
		check(t, os.WriteFile(filepath.Join(f.root, "acc/1.pdf"), nil, 0o600))
		if _, err := f.Taken(t.Context(), "acc/1.pdf"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the name is taken: %v", name, err)
		}
		check(t, f.Place(t.Context(), f.temporary(t, "one"), "acc/1.pdf", ""))
		if got := f.lying(t); !slices.Equal(got, []string{"acc/1.pdf: one"}) {
			t.Errorf("%s: lies %q", name, got)
		}
	}
}

// A fault of the disk is no lack of the file system: it is told, and the file stays for another try.
func TestAFaultOfTheDiskIsTold(t *testing.T) {
	for _, number := range []syscall.Errno{syscall.EIO, syscall.ENOSPC, syscall.EACCES, syscall.EROFS} {
		broken := OS()
		broken.Link = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: number} }
		f := onto(t, broken)
		temp := f.temporary(t, "one")
		if err := f.Place(t.Context(), temp, "acc/1.pdf", ""); !errors.Is(err, number) {
			t.Errorf("got %v, want %v", err, number)
		}
		check(t, f.Leave(temp, "d1", "m1"))
		in, err := f.Arrived("d1", "m1")
		check(t, err)
		check(t, in.Close())
		if _, err := f.Arrived("d1", "m2"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file came for another mark: %v", err)
		}
		check(t, f.DropArrived("d1", "m1"))
		if got := f.lying(t); len(got) != 0 {
			t.Errorf("lies %q", got)
		}
	}
}

func TestWhatAFolderLosesIsSaid(t *testing.T) {
	for name, system := range poor() {
		f := onto(t, system)
		lost, err := f.Lost(t.Context())
		check(t, err)
		kind, _, _ := strings.Cut(name, ":")
		want := map[string][]string{"no folder sync": {"folders cannot"},
			"nothing": {"files cannot", "folders cannot", "no hard links"}}[kind]
		if len(lost) != len(want) {
			t.Errorf("%s: lost %q, want %q", name, lost, want)
			continue
		}
		for i, w := range want {
			if !strings.HasPrefix(lost[i], w) {
				t.Errorf("%s: lost %q, want %q", name, lost[i], w)
			}
		}
		if got := f.lying(t); len(got) != 0 {
			t.Errorf("%s: the trial left %q", name, got)
		}
	}
}
