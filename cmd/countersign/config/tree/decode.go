package tree

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

// Parser is a value that reads its own text. Its errors do not repeat the text.
type Parser interface{ Parse(text string) error }

// taker is a value that takes the node as it is.
type taker interface{ Take(n *Node) }

// filler is a value that starts out with more than zeroes.
type filler interface{ Fill() }

// Decode writes a resolved node to what to points to. What does not fit is returned, and to stays as it was there.
func Decode(n *Node, to any, path string) List {
	var d decoder
	d.decode(n, reflect.ValueOf(to).Elem(), path)
	return d.found
}

// decoder is one run of decode.
type decoder struct{ found List }

func (d *decoder) bad(n *Node, path, format string, args ...any) {
	d.found.Add(n.Line, path, format, args...)
}

// decode writes a resolved node to v. What does not fit is noted, and v stays as it was there.
func (d *decoder) decode(n *Node, v reflect.Value, path string) {
	if n.null() {
		return
	}
	if v.CanAddr() && d.decodeSelf(n, v.Addr().Interface(), path) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), path)
	case reflect.Struct:
		d.decodeStruct(n, v, path)
	case reflect.Slice:
		d.decodeSlice(n, v, path)
	case reflect.Map:
		d.decodeMap(n, v, path)
	default:
		d.decodeScalar(n, v, path)
	}
}

// decodeSelf lets values that know their own text read it.
func (d *decoder) decodeSelf(n *Node, to any, path string) bool {
	switch v := to.(type) {
	case taker:
		v.Take(n)
	case Parser:
		if !d.scalar(n, path) {
			return true
		}
		if err := v.Parse(n.text); err != nil {
			d.bad(n, path, "%s %v", Quote(n, path), err)
		}
	case encoding.TextUnmarshaler:
		if d.scalar(n, path) && v.UnmarshalText([]byte(n.text)) != nil { // its error may repeat the value
			d.bad(n, path, "cannot be read")
		}
	default:
		return false
	}
	return true
}

func (d *decoder) decodeStruct(n *Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.bad(n, path, "is not a mapping (key: value)")
		return
	}
	fields := fieldsOf(v)
	for i := 0; i+1 < len(n.content); i += 2 {
		key := n.content[i]
		here := Join(path, key.text)
		field, known := fields[key.text]
		switch {
		case known:
		default:
			d.bad(key, here, "unknown key%s", nearest(key.text, fields))
			continue
		}
		d.decode(n.content[i+1], field, here)
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

func (d *decoder) decodeSlice(n *Node, v reflect.Value, path string) {
	items := n.content
	switch {
	case n.Kind == yaml.ScalarNode && n.lines:
		items = linesOf(n)
	case n.Kind != yaml.SequenceNode:
		d.bad(n, path, "is not a list")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if f, ok := list.Index(i).Addr().Interface().(filler); ok {
			f.Fill()
		}
		d.decode(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	v.Set(list)
}

// linesOf splits what came from a file into the items of a list.
func linesOf(n *Node) []*Node {
	var items []*Node
	for line := range strings.Lines(n.text) {
		if line = strings.TrimSpace(line); line != "" {
			items = append(items, &Node{Kind: yaml.ScalarNode, Tag: "!!str", text: line, Line: n.Line, hidden: true})
		}
	}
	return items
}

func (d *decoder) decodeMap(n *Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode || v.Type().Key().Kind() != reflect.String {
		d.bad(n, path, "is not a mapping (key: value)")
		return
	}
	m := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.content); i += 2 {
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.content[i+1], item, Join(path, n.content[i].text))
		m.SetMapIndex(reflect.ValueOf(n.content[i].text).Convert(v.Type().Key()), item)
	}
	v.Set(m)
}

func (d *decoder) decodeScalar(n *Node, v reflect.Value, path string) {
	if !d.scalar(n, path) {
		return
	}
	wants, err := "", error(nil)
	switch kind := v.Kind(); {
	case kind == reflect.String:
		v.SetString(n.text)
	case kind == reflect.Bool:
		b := n.text == "true"
		if !b && n.text != "false" {
			wants = "true or false"
			break
		}
		v.SetBool(b)
	case v.Type() == durationType:
		var d time.Duration
		if d, err = ParseDuration(n.text); err != nil {
			wants = "a duration such as 30d, 12h or 5m"
		}
		v.SetInt(int64(d))
	case v.CanInt():
		var i int64
		if i, err = strconv.ParseInt(n.text, 10, v.Type().Bits()); err != nil {
			wants = "a whole number"
		}
		v.SetInt(i)
	case v.CanUint():
		var i uint64
		if i, err = strconv.ParseUint(n.text, 10, v.Type().Bits()); err != nil {
			wants = "a whole number"
		}
		v.SetUint(i)
	case v.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(n.text, v.Type().Bits()); err != nil {
			wants = "a number"
		}
		v.SetFloat(f)
	default:
		wants = "something that a config can say"
	}
	if wants != "" {
		d.bad(n, path, "%s is not %s", Quote(n, path), wants)
	}
}

func (d *decoder) scalar(n *Node, path string) bool {
	if n.Kind != yaml.ScalarNode {
		d.bad(n, path, "is not a single value")
	}
	return n.Kind == yaml.ScalarNode
}

// Quote repeats a value, where it can be no secret.
func Quote(n *Node, path string) string {
	if n == nil || n.hidden || inSettings(path) || len(n.text) > 80 {
		return "the value"
	}
	return strconv.Quote(n.text)
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

var durationType = reflect.TypeFor[time.Duration]()
