package config

import (
	"fmt"
	"slices"
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

// faults is what was found to be wrong with a config.
type faults []fault

// add notes a fault.
func (f *faults) add(line int, path, format string, args ...any) {
	*f = append(*f, fault{line: line, path: path, text: fmt.Sprintf(format, args...)})
}

// missing notes a secret that is not there.
func (f *faults) missing(line int, path, format string, args ...any) {
	*f = append(*f, fault{line: line, path: path, text: fmt.Sprintf(format, args...), secret: true})
}

// lacks says whether a secret that belongs at path or below is missing, which was told already.
func (f faults) lacks(path string) bool {
	for _, one := range f {
		rest, below := strings.CutPrefix(one.path, path)
		if one.secret && below && (rest == "" || rest == "_file" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// of makes an error of the faults of a file, in the file's order and each told once; nil where there are none.
func (f faults) of(file string) error {
	if len(f) == 0 {
		return nil
	}
	sort.SliceStable(f, func(i, j int) bool { return f[i].line < f[j].line })
	return &Faults{file, slices.Compact(f)}
}

// Faults is everything that is wrong with a config, told at once.
type Faults struct {
	file string
	all  faults
}

// Error says how many faults there are; Lines are the faults.
func (e *Faults) Error() string {
	if len(e.all) == 1 {
		return fmt.Sprintf("%s has a fault: mend it, then `countersign config check`", e.file)
	}
	return fmt.Sprintf("%s has %d faults: mend them, then `countersign config check`", e.file, len(e.all))
}

// Lines are the faults as file:line: path: text.
func (e *Faults) Lines() []string {
	all := make([]string, len(e.all))
	for i, f := range e.all {
		all[i] = f.in(e.file)
	}
	return all
}

// withoutSecrets returns the faults that are left when missing secrets are forgiven; nil if none. The database
// is not forgiven: whoever reads needs it.
func (e *Faults) withoutSecrets() error {
	var left faults
	for _, f := range e.all {
		if !f.secret || strings.HasPrefix(f.path, "database") {
			left = append(left, f)
		}
	}
	return left.of(e.file)
}
