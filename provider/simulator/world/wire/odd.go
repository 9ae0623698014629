package wire

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// WithOdd puts a record that cannot be read among others: its id is null, its name is a number, it is null, or it is a
// text. The one with a number for a name is the copy of another, if there is one: nothing is lost with it.
func WithOdd(r *rand.Rand, records []any, id, name string) []any {
	var odd any
	switch r.IntN(4) {
	case 0:
		odd = Object{id: nil}
	case 1:
		twin := Object{}
		if len(records) > 0 {
			if whole, ok := records[r.IntN(len(records))].(Object); ok {
				twin = maps.Clone(whole)
			}
		}
		twin[name] = 7
		odd = twin
	case 2:
		odd = nil
	default:
		odd = "record"
	}
	return slices.Insert(slices.Clone(records), r.IntN(len(records)+1), odd)
}

// Marked is a text with byte order marks before it.
func Marked(text []byte, marks int) []byte {
	if marks <= 0 {
		return text
	}
	return append(bytes.Repeat([]byte("\xef\xbb\xbf"), marks), text...)
}

// MaintenancePage is what a service shows of itself while it is worked on.
func MaintenancePage() []byte {
	return []byte("<!DOCTYPE html>\n<html><head><title>Scheduled maintenance</title></head>" +
		"<body><h1>We will be back soon</h1></body></html>\n")
}
