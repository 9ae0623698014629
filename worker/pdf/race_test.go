//go:build race

package pdf_test

const (
	// chances is how many scripts of mutations are played: with the race detector each takes ten times as long.
	chances = 40
	// sparse is which part of the fuzz target's seeds is played: every fifth, which has each step and each base.
	sparse = 5
)
