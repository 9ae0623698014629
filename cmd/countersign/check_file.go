package main

import (
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

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/output"
	"countersign/worker/pdf"
)

// What looking into one file may take. Memory grows with the file: what is read is held a few times.
const (
	checkCPU     = 20               // seconds of processor time
	checkWall    = time.Minute      // then it is ended, group and all
	checkMemory  = int64(384 << 20) // and eight times the file
	checkMost    = int64(4 << 30)
	checkStack   = 64 << 20
	checkFD      = 3 // where the child finds the file, opened to be read
	checkVerbKey = "check-file"
	checkReady   = "ready\n" // what the child says once it is confined: what goes wrong from then on is the file's fault
)

// newCheckFileCommand is the child process that looks into one file and does nothing else, so that no file can stop or
// bloat the daemon. It is not for people.
func newCheckFileCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     checkVerbKey,
		Short:   "Look into one file (the daemon's own child process)",
		Long:    "check-file reads the file that it was handed as descriptor 3 and prints what it found. The daemon starts it; it is not for people.",
		Example: "  countersign check-file 3< contract.pdf",
		Args:    cobra.NoArgs,
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := os.NewFile(checkFD, "document")
			if f == nil {
				return errors.New("no file was handed over")
			}
			st, err := f.Stat()
			if err != nil || !st.Mode().IsRegular() {
				return output.Usagef("descriptor %d is no file", checkFD)
			}
			if err := confine(memoryFor(st.Size())); err != nil {
				return err
			}
			time.AfterFunc(checkWall+5*time.Second, func() { os.Exit(output.ExitFailed) }) // where the daemon is gone
			if _, err := io.WriteString(env.Stdout, checkReady); err != nil {
				return err
			}
			v, err := pdf.InspectHere(cmd.Context(), f)
			if err != nil {
				return err
			}
			return json.NewEncoder(env.Stdout).Encode(v)
		},
	}
}

func memoryFor(size int64) int64 { return min(checkMemory+8*size, checkMost) }

// confine takes from this process what reading a file does not need: it can write no file, and more memory or
// processor time than it may have ends it.
func confine(memory int64) error {
	debug.SetMemoryLimit(memory * 3 / 4)
	debug.SetMaxStack(checkStack)
	limits := map[int]uint64{unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 0, unix.RLIMIT_CPU: checkCPU}
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
