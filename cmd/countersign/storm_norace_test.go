//go:build !race

package main

// stormDefault is how many storms are played; CI plays two hundred, `make nightly` ten thousand.
const stormDefault = 16

// raceWatched says whether this build looks for races.
const raceWatched = false
