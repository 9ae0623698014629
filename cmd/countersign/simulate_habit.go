package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"countersign/provider/simulator"
)

// habitFlag is `--habit NAME[=VALUE]`, which may be repeated: what services do at odds with their papers. It is a
// pflag.Value.
type habitFlag struct{ habits *simulator.Habits }

// habitReaders is how the value of each habit is read; empty: none was given.
func habitReaders() map[string]func(h *simulator.Habits, value string) error {
	share := func(to *float64, value string) (err error) {
		if *to, err = strconv.ParseFloat(cmp.Or(value, "0.2"), 64); err != nil || !(*to >= 0 && *to <= 1) {
			return fmt.Errorf("%q is not a share between 0 and 1", value)
		}
		return nil
	}
	return map[string]func(h *simulator.Habits, value string) error{
		"odd-records": func(h *simulator.Habits, value string) error { return share(&h.OddRecords, value) },
		"maintenance": func(h *simulator.Habits, value string) error { return share(&h.Maintenance, value) },
		"endless": func(h *simulator.Habits, value string) error {
			h.Endless = simulator.Endless(cmp.Or(value, string(simulator.EndlessPage)))
			if ways := simulator.EndlessWays(); !slices.Contains(ways, h.Endless) {
				return fmt.Errorf("%q is not one of %v", value, ways)
			}
			return nil
		},
		"marks": func(h *simulator.Habits, value string) (err error) {
			if h.Marks, err = strconv.Atoi(cmp.Or(value, "1")); err != nil || h.Marks < 0 || h.Marks > 9 {
				return fmt.Errorf("%q is not a number between 0 and 9", value)
			}
			return nil
		},
		"number-only": func(h *simulator.Habits, value string) error {
			if value != "" {
				return fmt.Errorf("it takes no value")
			}
			h.NumberOnly = true
			return nil
		},
		"forwarded-for": func(h *simulator.Habits, value string) error {
			h.ForwardedFor = cmp.Or(value, "203.0.113.7:51234")
			_, address := netip.ParseAddr(h.ForwardedFor)
			_, withPort := netip.ParseAddrPort(h.ForwardedFor)
			if address != nil && withPort != nil {
				return fmt.Errorf("%q is not an address such as 203.0.113.7, 203.0.113.7:51234 or [2001:db8::7]:443", value)
			}
			return nil
		},
	}
}

// Set reads NAME[=VALUE].
func (f habitFlag) Set(s string) error {
	name, value, _ := strings.Cut(s, "=")
	readers := habitReaders()
	read, ok := readers[name]
	if !ok {
		return fmt.Errorf("%q is not one of %s", name, strings.Join(slices.Sorted(maps.Keys(readers)), ", "))
	}
	if err := read(f.habits, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (f habitFlag) String() string { return "" }

// Type is what the help calls it.
func (f habitFlag) Type() string { return "NAME[=VALUE]" }
