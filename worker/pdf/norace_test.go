//go:build !race

package pdf_test

const (
	// chances is how many scripts of mutations are played.
	chances = 400
	// sparse is which part of the fuzz target's seeds is played: all.
	sparse = 1
)
