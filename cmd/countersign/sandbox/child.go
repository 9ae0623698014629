package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"countersign/worker/pdf"
)

// Verb is the argument that makes this program the child.
const Verb = "check-file"

// What looking into one file may take. Memory grows with the file: what is read is held a few times.
const (
	processorSeconds = 20
	wallTime         = time.Minute      // then it is ended, group and all
	leastMemory      = int64(384 << 20) // and eight times the file
	mostMemory       = int64(4 << 30)
	stackSize        = 64 << 20
	descriptor       = 3 // where the child finds the file, opened to be read
	// what the child says once it is confined: what goes wrong from then on is the file's fault
	readyLine = "ready\n"
)

// ErrNoFile says that the child was handed no file.
var ErrNoFile = errors.New("no file was handed over")

// Child looks into the file that was handed over as descriptor 3 and writes what it found to out. in says which
// certificates are trusted. It first takes from this process what that does not need.
func Child(ctx context.Context, in io.Reader, out io.Writer) error {
	f := os.NewFile(descriptor, "document")
	if f == nil {
		return ErrNoFile
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return fmt.Errorf("%w: descriptor %d is none", ErrNoFile, descriptor)
	}
	var trusted pdf.Trusted
	if err := json.NewDecoder(in).Decode(&trusted); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("which certificates are trusted: %w", err)
	}
	if err := confine(memoryFor(st.Size())); err != nil {
		return err
	}
	time.AfterFunc(wallTime+5*time.Second, func() { os.Exit(1) }) // where the daemon is gone
	if _, err := io.WriteString(out, readyLine); err != nil {
		return err
	}
	v, err := pdf.InspectHere(ctx, f, trusted)
	if err != nil {
		return err
	}
	v.Facts = pdf.Bounded(v.Facts)
	return json.NewEncoder(out).Encode(v)
}

func memoryFor(size int64) int64 { return min(leastMemory+8*size, mostMemory) }

// confine takes from this process what reading a file does not need: it can write no file, and more memory or
// processor time than it may have ends it.
func confine(memory int64) error {
	debug.SetMemoryLimit(memory * 3 / 4)
	debug.SetMaxStack(stackSize)
	limits := map[int]uint64{unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 0, unix.RLIMIT_CPU: processorSeconds}
	if runtime.GOOS == "linux" { // elsewhere the limit does not hold what is mapped
		limits[unix.RLIMIT_DATA] = uint64(memory + mapped()) //nolint:gosec // both are above zero
	}
	for what, most := range limits {
		hard := most
		if what == unix.RLIMIT_CPU {
			hard += 2
		}
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: hard}); err != nil {
			return fmt.Errorf("limits of the child process: %w", err)
		}
	}
	return nil
}

// mapped is the memory that the program holds before it has read anything.
func mapped() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmData:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
