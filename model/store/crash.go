package store

import "countersign/model/store/durable"

// CrashPoint names a step at which a test may end the process (durable.CrashPoint), for packages that may import the
// store and not what lies below it.
func CrashPoint(name string) { durable.CrashPoint(name) }
