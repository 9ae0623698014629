//go:build !race

package pdf_test

// chances is how many scripts of mutations are played.
const chances = 400
