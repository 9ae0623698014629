package main

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// yaml.v3 can decode strictly (KnownFields), but its errors have no path, stop at the first kind of
// fault and repeat values, which here may be secrets. So the library parses, and this file decodes.

// filler is a value that starts out with more than zeroes.
type filler interface{ fill() }

func (a *Account) fill() { *a = defaultAccount() }
func (h *Hook) fill()    { *h = defaultHook() }

var (
	nodeType     = reflect.TypeFor[yaml.Node]()
	durationType = reflect.TypeFor[time.Duration]()
)

// decode writes a resolved node to v. What does not fit is noted, and v stays as it was there.
func (r *reader) decode(n *yaml.Node, v reflect.Value, path string) {
	r.nodes[path] = n
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(*n))
		return
	}
	if v.CanAddr() && r.decodeSelf(n, v.Addr().Interface(), path) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.decode(n, v.Elem(), path)
	case reflect.Struct:
		r.decodeStruct(n, v, path)
	case reflect.Slice:
		r.decodeSlice(n, v, path)
	case reflect.Map:
		r.decodeMap(n, v, path)
	case reflect.Interface:
		if err := n.Decode(v.Addr().Interface()); err != nil {
			r.bad(n, path, "cannot be read")
		}
	default:
		r.decodeScalar(n, v, path)
	}
}

// decodeSelf lets values that know their own text read it.
func (r *reader) decodeSelf(n *yaml.Node, to any, path string) bool {
	var err error
	switch v := to.(type) {
	case parser:
		if !r.scalar(n, path) {
			return true
		}
		if err := v.parse(n.Value); err != nil {
			r.bad(n, path, "%s %v", r.quote(n, path), err)
		}
	case yaml.Unmarshaler:
		err = v.UnmarshalYAML(n)
	case encoding.TextUnmarshaler:
		if r.scalar(n, path) {
			err = v.UnmarshalText([]byte(n.Value))
		}
	default:
		return false
	}
	if err != nil { // its text may repeat the value
		r.bad(n, path, "cannot be read")
	}
	return true
}

func (r *reader) decodeStruct(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.bad(n, path, "is not a mapping (key: value)")
		return
	}
	fields := fieldsOf(v)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		here := join(path, key.Value)
		field, known := fields[key.Value]
		if !known {
			r.bad(key, here, "unknown key%s", nearest(key.Value, fields))
			continue
		}
		r.decode(n.Content[i+1], field, here)
	}
}

// fieldsOf lists what a struct takes, by key; inlined structs count as part of it.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct:
			for k, inner := range fieldsOf(v.Field(i)) {
				all[k] = inner
			}
		case name == "":
			all[strings.ToLower(f.Name)] = v.Field(i)
		default:
			all[name] = v.Field(i)
		}
	}
	return all
}

func (r *reader) decodeSlice(n *yaml.Node, v reflect.Value, path string) {
	items := n.Content
	switch {
	case n.Kind == yaml.ScalarNode && r.lines[n]:
		items = r.linesOf(n)
	case n.Kind != yaml.SequenceNode:
		r.bad(n, path, "is not a list")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if f, ok := list.Index(i).Addr().Interface().(filler); ok {
			f.fill()
		}
		r.decode(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(list)
}

// linesOf splits what came from a file into the items of a list.
func (r *reader) linesOf(n *yaml.Node) []*yaml.Node {
	var items []*yaml.Node
	for line := range strings.Lines(n.Value) {
		if line = strings.TrimSpace(line); line != "" {
			item := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: line, Line: n.Line}
			r.hidden[item] = true
			items = append(items, item)
		}
	}
	return items
}

func (r *reader) decodeMap(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode || v.Type().Key().Kind() != reflect.String {
		r.bad(n, path, "is not a mapping (key: value)")
		return
	}
	m := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		item := reflect.New(v.Type().Elem()).Elem()
		r.decode(n.Content[i+1], item, join(path, n.Content[i].Value))
		m.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key()), item)
	}
	v.Set(m)
}

func (r *reader) decodeScalar(n *yaml.Node, v reflect.Value, path string) {
	if !r.scalar(n, path) {
		return
	}
	wants, err := "", error(nil)
	switch kind := v.Kind(); {
	case kind == reflect.String:
		v.SetString(n.Value)
	case kind == reflect.Bool:
		b := n.Value == "true"
		if !b && n.Value != "false" {
			wants = "true or false"
			break
		}
		v.SetBool(b)
	case v.Type() == durationType:
		var d time.Duration
		if d, err = parseDuration(n.Value); err != nil {
			wants = "a duration such as 30d, 12h or 5m"
		}
		v.SetInt(int64(d))
	case v.CanInt():
		var i int64
		if i, err = strconv.ParseInt(n.Value, 10, v.Type().Bits()); err != nil {
			wants = "a whole number"
		}
		v.SetInt(i)
	case v.CanUint():
		var i uint64
		if i, err = strconv.ParseUint(n.Value, 10, v.Type().Bits()); err != nil {
			wants = "a whole number"
		}
		v.SetUint(i)
	case v.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(n.Value, v.Type().Bits()); err != nil {
			wants = "a number"
		}
		v.SetFloat(f)
	default:
		wants = "something that a config can say"
	}
	if wants != "" {
		r.bad(n, path, "%s is not %s", r.quote(n, path), wants)
	}
}

func (r *reader) scalar(n *yaml.Node, path string) bool {
	if n.Kind != yaml.ScalarNode {
		r.bad(n, path, "is not a single value")
	}
	return n.Kind == yaml.ScalarNode
}

// quote repeats a value, where it can be no secret.
func (r *reader) quote(n *yaml.Node, path string) string {
	if n == nil || r.hidden[n] || inSettings(path) || len(n.Value) > 80 {
		return "the value"
	}
	return strconv.Quote(n.Value)
}

// nearest suggests the key that was meant.
func nearest(key string, fields map[string]reflect.Value) string {
	best, least := "", 3
	for name := range fields {
		d := distance(key, name)
		if d < least || (d == least && name < best) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// distance counts the edits from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
