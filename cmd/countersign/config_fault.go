package main

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// fault is one thing that is wrong with a config. It never holds a secret.
type fault struct {
	line   int
	path   string
	text   string
	secret bool // only a secret is missing: who merely reads the database does not need it
}

// in renders the fault as file:line: path: text.
func (f fault) in(file string) string {
	s := file
	if f.line > 0 {
		s = fmt.Sprintf("%s:%d", file, f.line)
	}
	if f.path == "" {
		return s + ": " + f.text
	}
	return s + ": " + f.path + ": " + f.text
}

// faults is everything that is wrong with a config, told at once.
type faults struct {
	file string
	all  []fault
}

func (e *faults) Error() string {
	if len(e.all) == 1 {
		return fmt.Sprintf("%s has a fault: mend it, then `countersign config check`", e.file)
	}
	return fmt.Sprintf("%s has %d faults: mend them, then `countersign config check`", e.file, len(e.all))
}

// sorted puts the faults in the order of the file and drops what is told twice.
func (e *faults) sorted() *faults {
	sort.SliceStable(e.all, func(i, j int) bool { return e.all[i].line < e.all[j].line })
	kept := e.all[:0]
	for i, f := range e.all {
		if i == 0 || f != e.all[i-1] {
			kept = append(kept, f)
		}
	}
	e.all = kept
	return e
}

// but returns the faults that are left when missing secrets are forgiven; nil if none. The database
// is not forgiven: whoever reads needs it.
func (e *faults) but(secrets bool) *faults {
	left := &faults{file: e.file}
	for _, f := range e.all {
		if !secrets || !f.secret || strings.HasPrefix(f.path, "database") {
			left.all = append(left.all, f)
		}
	}
	if len(left.all) == 0 {
		return nil
	}
	return left
}

// spelledOut is err with every fault of a config in it, for where nobody reads stderr.
func spelledOut(err error) error {
	var list *faults
	if !errors.As(err, &list) {
		return err
	}
	all := make([]string, len(list.all))
	for i, f := range list.all {
		all[i] = f.in(list.file)
	}
	return errors.New(strings.Join(all, "; "))
}
