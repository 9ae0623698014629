//go:build !race

package installtest

var raceFlags []string
