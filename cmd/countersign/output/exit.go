// Package output is what a verb says: tables and words for people, JSON for programs, how long it still takes, and the
// exit code.
package output

import "fmt"

// The exit codes.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2 // wrong usage or config
	ExitDrift  = 3 // drift, or an open incident
)

// ExitError is an error that chooses the program's exit code. An err of nil says nothing more than
// the verb has printed already.
type ExitError struct {
	Code int
	Err  error
}

// Error is what the error says, or the code alone.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the error behind the code.
func (e *ExitError) Unwrap() error { return e.Err }

// Usagef is an error of the one who typed: exit 2.
func Usagef(format string, args ...any) error {
	return &ExitError{ExitUsage, fmt.Errorf(format, args...)}
}
