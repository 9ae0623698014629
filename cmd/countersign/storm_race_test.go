//go:build race

package main

import "testing"

// stormDefault is how many storms are played where each step is watched for races, which takes four times as long. CI
// plays sixty without.
const stormDefault = 3

// withoutRaces skips a test of days in simulated time, each step of which takes ten times as long where races are looked
// for, and storms take the same steps.
func withoutRaces(t *testing.T) {
	t.Helper()
	t.Skip("takes minutes under -race: go test -run " + t.Name() + "$ ./cmd/countersign plays it")
}
