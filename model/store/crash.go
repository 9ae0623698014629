package store

import "countersign/model/store/durable"

// CrashPoint names a step at which the process may be killed in a test (durable.CrashPoint), for those who may import
// the store and not what lies below it.
func CrashPoint(name string) { durable.CrashPoint(name) }
