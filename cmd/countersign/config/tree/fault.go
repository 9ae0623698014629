package tree

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Fault is one thing that is wrong with a config. It never holds a secret.
type Fault struct {
	Line   int
	path   string
	Text   string
	Secret bool // only a secret is missing: who merely reads the database does not need it
}

// In renders the fault as file:line: path: text.
func (f Fault) In(file string) string {
	s := file
	if f.Line > 0 {
		s = fmt.Sprintf("%s:%d", file, f.Line)
	}
	if f.path == "" {
		return s + ": " + f.Text
	}
	return s + ": " + f.path + ": " + f.Text
}

// List is what was found to be wrong with a config.
type List []Fault

// Add notes a fault.
func (f *List) Add(line int, path, format string, args ...any) {
	*f = append(*f, Fault{Line: line, path: path, Text: fmt.Sprintf(format, args...)})
}

// missing notes a secret that is not there.
func (f *List) missing(line int, path, format string, args ...any) {
	*f = append(*f, Fault{Line: line, path: path, Text: fmt.Sprintf(format, args...), Secret: true})
}

// At says whether a fault was found at exactly this path, so that its value is not compared with others.
func (f List) At(path string) bool {
	return slices.ContainsFunc(f, func(one Fault) bool { return one.path == path })
}

// Lacks says whether a secret that belongs at path or below is missing, which was told already.
func (f List) Lacks(path string) bool {
	for _, one := range f {
		rest, below := strings.CutPrefix(one.path, path)
		if one.Secret && below && (rest == "" || rest == "_file" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// Of makes an error of the faults of a file, in the file's order and each told once; nil where there are none.
func (f List) Of(file string) error {
	if len(f) == 0 {
		return nil
	}
	sort.SliceStable(f, func(i, j int) bool { return f[i].Line < f[j].Line })
	return &Faults{file, slices.Compact(f)}
}

// Faults is everything that is wrong with a config, told at once.
type Faults struct {
	file string
	All  List
}

// Error says how many faults there are; Lines are the faults.
func (e *Faults) Error() string {
	if len(e.All) == 1 {
		return fmt.Sprintf("%s has a fault: mend it, then `countersign config check`", e.file)
	}
	return fmt.Sprintf("%s has %d faults: mend them, then `countersign config check`", e.file, len(e.All))
}

// Lines are the faults as file:line: path: text.
func (e *Faults) Lines() []string {
	all := make([]string, len(e.All))
	for i, f := range e.All {
		all[i] = f.In(e.file)
	}
	return all
}

// WithoutSecrets returns the faults that are left when missing secrets are forgiven; nil if none. The database
// is not forgiven: whoever reads needs it.
func (e *Faults) WithoutSecrets() error {
	var left List
	for _, f := range e.All {
		if !f.Secret || strings.HasPrefix(f.path, "database") {
			left = append(left, f)
		}
	}
	return left.Of(e.file)
}
