//go:build !crashpoints

package durable

// CrashPoint names a step at which a test ends the process. It does nothing, and is not in the program, unless the
// program was built with the tag crashpoints.
func CrashPoint(string) {}
