//go:build !race

package main

// stormDefault is how many storms are played.
const stormDefault = 200
