// Package tree reads YAML strictly: it expands a file into nodes without aliases, variables and files, and decodes
// these into values. Each fault is noted with its line and path, and none repeats a secret.
package tree

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"
)

// Bounds on what a config file may unfold to through aliases.
const (
	mostNodes = 100_000
	mostDepth = 64
	mostFile  = 64 << 10
)

// Node is a piece of a config in which aliases, merges, variables and *_file keys are resolved.
type Node struct {
	Kind    yaml.Kind
	Tag     string
	text    string
	Line    int
	content []*Node // of a mapping keys and values in turns, of a list its items
	hidden  bool    // the text came from the environment or a file: it is never repeated
	lines   bool    // the text came from a file: where a list is wanted, one item a line
}

// Same says whether two nodes say the same, wherever in a file they stand.
func Same(a, b *Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Tag == b.Tag && a.text == b.text && slices.EqualFunc(a.content, b.content, Same)
}

// null says whether nothing was said.
func (n *Node) null() bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// Value returns the value of a mapping's key, or nil.
func (n *Node) Value(key string) *Node {
	if k, v := n.Pair(key); k != nil {
		return v
	}
	return nil
}

// Pair returns a mapping's key and its value, or nil.
func (n *Node) Pair(key string) (*Node, *Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.content); i += 2 {
			if n.content[i].text == key {
				return n.content[i], n.content[i+1]
			}
		}
	}
	return nil, nil
}

// At returns what stands at a path such as accounts[0].settings.api_key, and the key before it where it has one; nil
// where nothing does.
func (n *Node) At(path string) (key, value *Node) {
	for value = n; path != ""; {
		step := path
		if i := strings.IndexAny(path[1:], ".["); i >= 0 {
			step = path[:i+1]
		}
		path = path[len(step):]
		if index, isIndex := strings.CutPrefix(step, "["); isIndex {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || value.Kind != yaml.SequenceNode || i >= len(value.content) {
				return nil, nil
			}
			key, value = nil, value.content[i]
		} else if key, value = value.Pair(strings.TrimPrefix(step, ".")); value == nil {
			return nil, nil
		}
	}
	return key, value
}

// LineOf is the line of what stands at a path, or of the nearest thing around it.
func (n *Node) LineOf(path string) int {
	for {
		if key, value := n.At(path); value != nil {
			if inSettings(path) && !strings.HasSuffix(path, "].settings") && key != nil {
				return key.Line
			}
			return value.Line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}

// Expand returns a parsed config without aliases, merges, variables and *_file keys, and what is wrong with these. It
// is nil where the config unfolds to more than it may.
func Expand(doc *yaml.Node, dir string, lookup func(string) (string, bool)) (*Node, List) {
	e := expander{dir: dir, lookup: lookup}
	root := e.resolve(doc, "")
	if e.count > mostNodes {
		root = nil
	}
	return root, e.found
}

// expander is one run of expand.
type expander struct {
	dir    string // relative paths start here
	lookup func(string) (string, bool)
	found  List
	count  int
	depth  int
}

// resolve returns n without aliases, merges, variables and *_file keys.
func (e *expander) resolve(n *yaml.Node, path string) *Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	e.count++
	if e.depth > mostDepth || e.count > mostNodes {
		if e.count <= mostNodes+1 {
			e.found.Add(n.Line, path, "unfolds to more than a config can hold: look at its aliases")
		}
		e.count = mostNodes + 1
		return &Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line}
	}
	out := &Node{Kind: n.Kind, Tag: n.ShortTag(), text: n.Value, Line: n.Line}
	e.depth++
	defer func() { e.depth-- }()
	switch n.Kind {
	case yaml.MappingNode:
		e.mapping(n, out, path)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			out.content = append(out.content, e.resolve(item, fmt.Sprintf("%s[%d]", path, i)))
		}
	case yaml.ScalarNode:
		e.variables(out, path)
	}
	return out
}

// mapping copies a mapping's pairs; what merges bring does not override what is said outright.
func (e *expander) mapping(n *yaml.Node, out *Node, path string) {
	first := map[string]int{}
	var merged []*Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			e.found.Add(key.Line, path, "has a key that is no plain word")
			continue
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, e.merges(value, path)...)
			continue
		}
		if line, twice := first[key.Value]; twice {
			e.found.Add(key.Line, Join(path, key.Value), "stands here for the second time: the first is on line %d", line)
			continue
		}
		first[key.Value] = key.Line
		e.pair(out, key, value, path)
	}
	for _, m := range merged {
		for i := 0; i+1 < len(m.content); i += 2 {
			if out.Value(m.content[i].text) == nil {
				out.content = append(out.content, m.content[i], m.content[i+1])
			}
		}
	}
}

// merges returns the mappings that a merge key names, resolved.
func (e *expander) merges(value *yaml.Node, path string) []*Node {
	v := e.resolve(value, path)
	all := []*Node{v}
	if v.Kind == yaml.SequenceNode {
		all = v.content
	}
	for _, m := range all {
		if m.Kind != yaml.MappingNode {
			e.found.Add(value.Line, path, "merges what is no mapping")
			return nil
		}
	}
	return all
}

// pair copies one pair; x_file: PATH becomes x with what the file holds, unless x_file is a key of its own.
func (e *expander) pair(out *Node, key, value *yaml.Node, path string) {
	name, here := key.Value, Join(path, key.Value)
	v := e.resolve(value, here)
	base, isFile := strings.CutSuffix(name, "_file")
	if isFile && base != "" && (inSettings(path) || (name != "cert_file" && name != "key_file")) {
		if v.null() {
			return
		}
		if out.Value(base) != nil {
			e.found.Add(key.Line, here, "stands beside %s: leave one of them", base)
			return
		}
		name, v = base, e.fromFile(v, here)
	} else if out.Value(name) != nil {
		e.found.Add(key.Line, here, "stands beside %s_file: leave one of them", name)
		return
	}
	out.content = append(out.content, &Node{Kind: yaml.ScalarNode, Tag: "!!str", text: name, Line: key.Line}, v)
}

// fromFile returns what the file named by n holds, without the white space around it.
func (e *expander) fromFile(n *Node, path string) *Node {
	v := &Node{Kind: yaml.ScalarNode, Tag: "!!str", Line: n.Line, hidden: true, lines: true}
	if n.Kind != yaml.ScalarNode || n.text == "" {
		e.found.Add(n.Line, path, "is not the name of a file")
		return v
	}
	text, err := ReadSecret(Absolute(e.dir, n.text))
	switch {
	case err != nil:
		e.found.missing(n.Line, path, "%v", err)
	case text == "":
		e.found.missing(n.Line, path, "%s is empty", n.text)
	}
	v.text = text
	return v
}

// ReadRegular reads a file of at most so many bytes that is no folder, pipe or device: those may never end, or let
// nobody go who opens them.
func ReadRegular(file string, most int64) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file that can be read whole, but a folder, pipe or device", file)
	case info.Size() > most:
		return nil, fmt.Errorf("%s has %d bytes: at most %d are read", file, info.Size(), most)
	}
	return io.ReadAll(io.LimitReader(f, most))
}

// ReadSecret reads a small file; its error names the file and never what is in it.
func ReadSecret(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostFile+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > mostFile:
		return "", fmt.Errorf("%s is too large for a secret", file)
	}
	return strings.TrimSpace(string(text)), nil
}

// loneName is a variable as shells write it.
var loneName = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)

// variables puts the environment's values in the place of ${NAME}; $$ is a dollar sign.
func (e *expander) variables(n *Node, path string) {
	if !strings.Contains(n.text, "$") {
		return
	}
	if loneName.MatchString(n.text) {
		e.found.Add(n.Line, path, "begins with a $ and would be taken as written: "+
			"a variable of the environment is ${NAME}, a dollar sign itself $$")
		return
	}
	var b strings.Builder
	rest := n.text
	for {
		text, after, found := strings.Cut(rest, "$")
		b.WriteString(text)
		if !found {
			break
		}
		rest = after
		switch {
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			rest = rest[1:]
		case strings.HasPrefix(rest, "{"):
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed || name == "" {
				e.found.Add(n.Line, path, "has a ${ that does not end in NAME}: a dollar sign itself is $$")
				return
			}
			n.hidden = true
			b.WriteString(e.variable(n.Line, path, name))
			rest = after
		default:
			b.WriteByte('$')
		}
	}
	n.text = b.String()
}

// variable is what the environment says.
func (e *expander) variable(line int, path, name string) string {
	v, set := e.lookup(name)
	v = strings.TrimSpace(v) // `echo key | base64` puts a line break behind the key
	switch {
	case !set:
		e.found.missing(line, path, "the environment has no %s", name)
	case v == "":
		e.found.missing(line, path, "%s is empty in the environment", name)
	}
	return v
}

// Absolute returns where a path of the config leads: a relative one starts at dir.
func Absolute(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Join is the path of a key below another.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// inSettings says whether path lies in an account's settings, which are the provider's own.
func inSettings(path string) bool {
	return strings.HasPrefix(path, "accounts[") && strings.Contains(path, "].settings")
}

// LiteralSecret says whether a mapping says a secret outright, not by ${NAME} or *_file.
func (n *Node) LiteralSecret() bool {
	for i := 0; i+1 < len(n.content); i += 2 {
		key, value := n.content[i].text, n.content[i+1]
		named := namesSecret(key)
		for _, v := range append([]*Node{value}, value.content...) {
			if named && v.Kind == yaml.ScalarNode && v.text != "" && !v.hidden {
				return true
			}
		}
		if value.Kind == yaml.MappingNode && value.LiteralSecret() {
			return true
		}
	}
	return false
}
