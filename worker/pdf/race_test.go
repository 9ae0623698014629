//go:build race

package pdf_test

// chances is how many scripts of mutations are played: with the race detector each takes ten times as long.
const chances = 100
