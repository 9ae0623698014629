//go:build !race

package main

import "testing"

// stormDefault is how many storms are played; CI plays sixty, `make nightly` ten thousand.
const stormDefault = 16

// withoutRaces skips a test of days in simulated time where races are looked for.
func withoutRaces(*testing.T) {}
