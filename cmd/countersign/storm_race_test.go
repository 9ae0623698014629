//go:build race

package main

// stormDefault is how many storms are played where each step is watched for races, which takes four times as long. CI
// plays two hundred without.
const stormDefault = 5

// raceWatched says whether this build looks for races.
const raceWatched = true
