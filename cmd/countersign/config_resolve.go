package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on what a config file may unfold to through aliases.
const (
	mostNodes = 100_000
	mostDepth = 64
	mostFile  = 64 << 10
)

// reader turns a parsed file into values and gathers all that is wrong with it.
type reader struct {
	dir    string // relative paths start here
	lookup func(string) (string, bool)
	found  *faults

	nodes  map[string]*yaml.Node // the resolved node of each path that was read
	hidden map[*yaml.Node]bool   // the text came from the environment or a file: it is never repeated
	lines  map[*yaml.Node]bool   // the text came from a file: where a list is wanted, one item a line
	count  int
	depth  int
}

func newReader(file, dir string, lookup func(string) (string, bool)) *reader {
	return &reader{
		dir: dir, lookup: lookup, found: &faults{file: file},
		nodes: map[string]*yaml.Node{}, hidden: map[*yaml.Node]bool{}, lines: map[*yaml.Node]bool{},
	}
}

// wrong notes a fault at a path: on its line, or on that of the nearest thing around it.
func (r *reader) wrong(path, format string, args ...any) {
	line := 0
	for at := path; ; {
		if n := r.nodes[at]; n != nil {
			line = n.Line
			break
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			break
		}
		at = at[:cut]
	}
	r.found.all = append(r.found.all, fault{line: line, path: path, text: fmt.Sprintf(format, args...)})
}

// missing notes a secret that is not there.
func (r *reader) missing(line int, path, format string, args ...any) {
	r.found.all = append(r.found.all, fault{line: line, path: path, text: fmt.Sprintf(format, args...), secret: true})
}

func (r *reader) bad(n *yaml.Node, path, format string, args ...any) {
	r.found.all = append(r.found.all, fault{line: n.Line, path: path, text: fmt.Sprintf(format, args...)})
}

// resolve returns a copy of n without aliases, merges, variables and *_file keys.
func (r *reader) resolve(n *yaml.Node, path string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	r.count++
	if r.depth > mostDepth || r.count > mostNodes {
		if r.count <= mostNodes+1 {
			r.bad(n, path, "unfolds to more than a config can hold: look at its aliases")
		}
		r.count = mostNodes + 1
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line}
	}
	out := &yaml.Node{Kind: n.Kind, Tag: n.ShortTag(), Value: n.Value, Line: n.Line, Column: n.Column, Style: n.Style}
	r.depth++
	defer func() { r.depth-- }()
	switch n.Kind {
	case yaml.MappingNode:
		r.mapping(n, out, path)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			out.Content = append(out.Content, r.resolve(item, fmt.Sprintf("%s[%d]", path, i)))
		}
	case yaml.ScalarNode:
		r.expand(out, path)
	}
	return out
}

// mapping copies a mapping's pairs; what merges bring does not override what is said outright.
func (r *reader) mapping(n, out *yaml.Node, path string) {
	first := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			r.bad(key, path, "has a key that is no plain word")
			continue
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, r.merges(value, path)...)
			continue
		}
		if line, twice := first[key.Value]; twice {
			r.bad(key, join(path, key.Value), "stands here for the second time: the first is on line %d", line)
			continue
		}
		first[key.Value] = key.Line
		r.pair(out, key, value, path)
	}
	for _, m := range merged {
		for i := 0; i+1 < len(m.Content); i += 2 {
			if lookIn(out, m.Content[i].Value) == nil {
				out.Content = append(out.Content, m.Content[i], m.Content[i+1])
			}
		}
	}
}

// merges returns the mappings that a merge key names, resolved.
func (r *reader) merges(value *yaml.Node, path string) []*yaml.Node {
	v := r.resolve(value, path)
	all := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		all = v.Content
	}
	for _, m := range all {
		if m.Kind != yaml.MappingNode {
			r.bad(value, path, "merges what is no mapping")
			return nil
		}
	}
	return all
}

// pair copies one pair; x_file: PATH becomes x with what the file holds, unless x_file is a key of its own.
func (r *reader) pair(out, key, value *yaml.Node, path string) {
	name, here := key.Value, join(path, key.Value)
	v := r.resolve(value, here)
	base, isFile := strings.CutSuffix(name, "_file")
	if isFile && base != "" && (inSettings(path) || (name != "cert_file" && name != "key_file")) {
		if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
			return
		}
		if lookIn(out, base) != nil {
			r.bad(key, here, "stands beside %s: leave one of them", base)
			return
		}
		name, v = base, r.fromFile(v, here)
	} else if lookIn(out, name) != nil {
		r.bad(key, here, "stands beside %s_file: leave one of them", name)
		return
	}
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: key.Line, Column: key.Column}
	out.Content = append(out.Content, k, v)
}

// fromFile returns what the file named by n holds, without the white space around it.
func (r *reader) fromFile(n *yaml.Node, path string) *yaml.Node {
	v := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Line: n.Line, Column: n.Column}
	r.hidden[v], r.lines[v] = true, true
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		r.bad(n, path, "is not the name of a file")
		return v
	}
	text, err := readSecret(r.absolute(n.Value))
	switch {
	case err != nil:
		r.missing(n.Line, path, "%v", err)
	case text == "":
		r.missing(n.Line, path, "%s is empty", n.Value)
	}
	v.Value = text
	return v
}

// readSecret reads a small file; its error names the file and never what is in it.
func readSecret(file string) (string, error) {
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

// expand puts the environment's values in the place of ${NAME}; $$ is a dollar sign.
func (r *reader) expand(n *yaml.Node, path string) {
	if !strings.Contains(n.Value, "$") {
		return
	}
	var b strings.Builder
	rest := n.Value
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
				r.bad(n, path, "has a ${ that does not end in NAME}: a dollar sign itself is $$")
				return
			}
			b.WriteString(r.variable(n, path, name))
			rest = after
		default:
			b.WriteByte('$')
		}
	}
	n.Value = b.String()
}

func (r *reader) variable(n *yaml.Node, path, name string) string {
	r.hidden[n] = true
	v, set := r.lookup(name)
	v = strings.TrimSpace(v) // `echo key | base64` puts a line break behind the key
	switch {
	case !set:
		r.missing(n.Line, path, "the environment has no %s", name)
	case v == "":
		r.missing(n.Line, path, "%s is empty in the environment", name)
	}
	return v
}

// absolute returns where a path of the config leads.
func (r *reader) absolute(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.dir, path)
}

// lookIn returns the value of a key, or nil.
func lookIn(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// inSettings says whether path lies in an account's settings, which are the provider's own.
func inSettings(path string) bool {
	return strings.HasPrefix(path, "accounts[") && strings.Contains(path, "].settings")
}
