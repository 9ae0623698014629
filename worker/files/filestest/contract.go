package filestest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/worker/files"
)

const name = "acc/2026/01/a/1.pdf"

// ever is later than any file was written.
var ever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Contract is what every archive promises. open opens a new one; lying lists the names in it, sorted, with a slash
// between folders.
func Contract(t *testing.T, open func(t *testing.T) (a files.Archive, lying func(t *testing.T) []string)) {
	for what, test := range map[string]func(t *testing.T, a files.Archive, lying func(t *testing.T) []string){
		"a file gets its name, whole":          placed,
		"a name is never given twice":          never,
		"a second name":                        second,
		"what waits for the provider":          held,
		"a write that is broken off":           brokenOff,
		"what is not what came":                notWhatCame,
		"what is missing":                      missing,
		"a transaction's files":                ofOne,
		"what has come waits for another try":  aside,
		"names that leave the archive":         outside,
		"it can be tried, and nothing is left": tried,
	} {
		t.Run(what, func(t *testing.T) {
			a, lying := open(t)
			test(t, a, lying)
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func lies(t *testing.T, lying func(t *testing.T) []string, want ...string) {
	t.Helper()
	if got := lying(t); !slices.Equal(got, want) {
		t.Errorf("lies %q, want %q", got, want)
	}
}

func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// Temporary writes a temporary file, synced and closed, and returns its path and SHA-256.
func Temporary(t testing.TB, a files.Spool, content string) (path, sum string) {
	t.Helper()
	f, err := a.Temp()
	if err == nil {
		_, err = io.WriteString(f, content)
		err = errors.Join(err, a.Sync(f), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.Name(), sumOf(content)
}

func sumOf(content string) string {
	h := sha256.Sum256([]byte(content))
	return hex.EncodeToString(h[:])
}

func place(t *testing.T, a files.Archive, content, as string) error {
	t.Helper()
	path, sum := Temporary(t, a, content)
	err := a.Place(t.Context(), path, as, sum)
	if _, serr := os.Stat(path); err == nil && !errors.Is(serr, fs.ErrNotExist) {
		t.Error("the temporary file is still there")
	}
	os.Remove(path)
	return err
}

func holds(t *testing.T, a files.Archive, as, content string) {
	t.Helper()
	f, err := a.Open(t.Context(), as)
	check(t, err)
	defer f.Close()
	got, err := io.ReadAll(f)
	check(t, err)
	if string(got) != content {
		t.Errorf("%s holds %d bytes, want %d", as, len(got), len(content))
	}
	sum, size, err := a.Hash(t.Context(), as)
	check(t, err)
	taken, err := a.Taken(t.Context(), as)
	check(t, err)
	if want := sumOf(content); sum != want || taken != want || size != int64(len(content)) {
		t.Errorf("%s: hash %s, taken %s, %d bytes", as, sum, taken, size)
	}
}

func placed(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	large := strings.Repeat("0123456789abcdef", 20<<16) // 20 MiB: more than a client sends by one part
	for as, content := range map[string]string{name: "one", "acc/2026/01/%2F=~x/1.v2.pdf": large, "quarantine/" + name: "two"} {
		check(t, place(t, a, content, as))
		check(t, a.Secure(t.Context(), as))
		holds(t, a, as, content)
	}
	lies(t, lying, "acc/2026/01/%2F=~x/1.v2.pdf", name, "quarantine/"+name)
	check(t, a.Drop(t.Context(), name))
	check(t, a.Drop(t.Context(), name))
	lies(t, lying, "acc/2026/01/%2F=~x/1.v2.pdf", "quarantine/"+name)
}

func never(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	check(t, place(t, a, "one", name))
	is(t, place(t, a, "two", name), fs.ErrExist)
	holds(t, a, name, "one")
	done := make(chan error)
	for _, content := range []string{"three", "four", "five", "six"} { // at once, one of them gets it
		path, sum := Temporary(t, a, content)
		go func() { done <- a.Place(t.Context(), path, "acc/2026/01/a/2.pdf", sum) }()
	}
	got := 0
	for range 4 {
		if err := <-done; err == nil {
			got++
		} else if !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
	}
	if got != 1 {
		t.Errorf("%d got the same name", got)
	}
	check(t, a.Sweep(ever))
	lies(t, lying, name, "acc/2026/01/a/2.pdf")
}

func second(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	check(t, place(t, a, "one", "quarantine/"+name))
	check(t, a.Copy(t.Context(), "quarantine/"+name, name))
	is(t, a.Copy(t.Context(), "quarantine/"+name, name), fs.ErrExist)
	holds(t, a, name, "one")
	lies(t, lying, name, "quarantine/"+name)
}

func held(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	path, sum := Temporary(t, a, "linked")
	as := files.LinkFileName("d1", sum)
	check(t, a.PutLinkFile(t.Context(), path, as))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the temporary file is still there")
	}
	path, _ = Temporary(t, a, "linked")
	check(t, a.PutLinkFile(t.Context(), path, as)) // the process died before its row said so
	found, ok, err := a.LinkFileOf(t.Context(), "d1")
	check(t, err)
	if !ok || found != as {
		t.Errorf("found %q", found)
	}
	if _, ok, err := a.LinkFileOf(t.Context(), "d"); ok || err != nil {
		t.Errorf("another's was found, %v", err)
	}
	check(t, a.SweepLinkFiles(t.Context(), func(id string) bool { return id == "d1" }))
	holds(t, a, as, "linked")
	check(t, a.PlaceLinkFile(t.Context(), as, name, sum))
	holds(t, a, name, "linked")
	check(t, a.DropLinkFile(t.Context(), as))
	lies(t, lying, name)
	is(t, a.PlaceLinkFile(t.Context(), as, "acc/2026/01/a/2.pdf", sum), fs.ErrNotExist)
	path, _ = Temporary(t, a, "linked")
	check(t, a.PutLinkFile(t.Context(), path, as))
	check(t, a.SweepLinkFiles(t.Context(), func(string) bool { return false }))
	lies(t, lying, name)
}

func brokenOff(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	if _, local := a.(*files.Folder); local {
		t.Skip("on a disk a name is given in one step")
	}
	path, sum := Temporary(t, a, strings.Repeat("x", 4<<20))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	is(t, a.Place(ctx, path, name, sum), context.Canceled)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the temporary file is gone: %v", err)
	}
	lies(t, lying)
	if err := a.Ready(t.Context()); err != nil {
		t.Errorf("what we broke off ourselves counts against the store: %v", err)
	}
	check(t, a.Place(t.Context(), path, name, sum))
}

func notWhatCame(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	if _, local := a.(*files.Folder); local {
		t.Skip("on a disk it is the same file that gets the name")
	}
	path, _ := Temporary(t, a, "one")
	if err := a.Place(t.Context(), path, name, sumOf("another")); err == nil {
		t.Error("a file got a name that is not the one that came")
	}
	lies(t, lying)
}

func missing(t *testing.T, a files.Archive, _ func(t *testing.T) []string) {
	_, err := a.Open(t.Context(), name)
	is(t, err, fs.ErrNotExist)
	_, _, err = a.Hash(t.Context(), name)
	is(t, err, fs.ErrNotExist)
	_, err = a.Taken(t.Context(), name)
	is(t, err, fs.ErrNotExist)
	is(t, a.Secure(t.Context(), name), fs.ErrNotExist)
	is(t, a.Copy(t.Context(), name, "acc/2026/01/a/2.pdf"), fs.ErrNotExist)
	check(t, a.Ready(t.Context()))
}

func ofOne(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	k := model.Key{Account: "acc", Ref: "a"}
	for as, content := range map[string]string{name: "one", "acc/2025/12/a/2.pdf": "two", "quarantine/" + name: "three",
		"acc/2026/01/ab/1.pdf": "another's", "acc2/2026/01/a/1.pdf": "another account's"} {
		check(t, place(t, a, content, as))
	}
	for _, id := range []string{"d1", "d10"} {
		path, sum := Temporary(t, a, "linked")
		check(t, a.PutLinkFile(t.Context(), path, files.LinkFileName(id, sum)))
	}
	path, _ := Temporary(t, a, "arrived")
	check(t, a.Leave(path, "d1", "m1"))
	names, err := a.Of(t.Context(), k, []string{"d1"})
	check(t, err)
	n, err := a.Forget(t.Context(), k, []string{"d1"})
	check(t, err)
	if n != 5 || len(names) != 5 {
		t.Errorf("%d went of %q", n, names)
	}
	_, err = a.Arrived("d1", "m1")
	is(t, err, fs.ErrNotExist)
	lies(t, lying, files.LinkFileName("d10", sumOf("linked")), "acc/2026/01/ab/1.pdf", "acc2/2026/01/a/1.pdf")
}

func aside(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	path, _ := Temporary(t, a, "one")
	check(t, a.Leave(path, "d1", "m1"))
	f, err := a.Arrived("d1", "m1")
	check(t, err)
	check(t, f.Close())
	_, err = a.Arrived("d1", "m2")
	is(t, err, fs.ErrNotExist)
	check(t, a.DropArrived("d1", "m1"))
	check(t, a.DropArrived("d1", "m1"))
	path, _ = Temporary(t, a, "two")
	check(t, a.Sweep(ever))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the sweep left a temporary file")
	}
	if free, err := a.Free(); err != nil || free <= 0 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	lies(t, lying)
}

func outside(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	for _, as := range []string{"../1.pdf", "/1.pdf", "acc/../../1.pdf", ""} {
		if err := place(t, a, "one", as); err == nil {
			t.Errorf("%q was taken", as)
		}
		if _, err := a.Open(t.Context(), as); err == nil {
			t.Errorf("%q was opened", as)
		}
	}
	lies(t, lying)
}

func tried(t *testing.T, a files.Archive, lying func(t *testing.T) []string) {
	lost, err := a.Lost(t.Context())
	check(t, err)
	if len(lost) > 0 {
		t.Errorf("lost %q", lost)
	}
	lies(t, lying)
}
