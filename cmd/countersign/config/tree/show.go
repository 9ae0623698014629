package tree

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Mask is what stands in the place of a secret.
type Mask func(secret string) string

// shower is a value that says itself what is shown of it.
type shower interface{ Show(Mask) *yaml.Node }

// secret is a text that is not shown.
type secret interface{ Reveal() string }

// Masked stands in the place of any secret.
func Masked(string) string { return "<secret>" }

// Show writes a value as a config would say it, key by key, without its secrets. Nothing that is nil is in it.
func Show(v any, m Mask) *yaml.Node { return m.show(reflect.ValueOf(v)) }

func (m Mask) show(v reflect.Value) *yaml.Node {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	switch is := v.Interface().(type) {
	case shower:
		return is.Show(m)
	case secret:
		if is.Reveal() == "" { // it is not set
			return scalar("!!str", "")
		}
		return scalar("!!str", m(is.Reveal()))
	case fmt.Stringer:
		return scalar("!!str", is.String())
	}
	switch v.Kind() {
	case reflect.Pointer:
		return m.show(v.Elem())
	case reflect.Struct:
		return m.showStruct(v)
	case reflect.Slice:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for i := range v.Len() {
			if item := m.show(v.Index(i)); item != nil {
				out.Content = append(out.Content, item)
				if item.Kind == yaml.MappingNode {
					out.Style = 0
				}
			}
		}
		return out
	case reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int64:
		return scalar("!!int", strconv.FormatInt(v.Int(), 10))
	}
	return scalar("!!str", fmt.Sprint(v.Interface()))
}

// showStruct shows the fields that a config can set, in their order. A key that nothing can be said under is left out.
func (m Mask) showStruct(v reflect.Value) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "" || name == "-" || f.Type.Kind() == reflect.Struct && f.Type.NumField() == 0 {
			continue
		}
		if value := m.show(v.Field(i)); value != nil {
			out.Content = append(out.Content, scalar("!!str", name), value)
		}
	}
	return out
}

func scalar(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}

// Shown is a node as it was understood, with a mask over what a key calls a secret and over what came from the
// environment or a file.
func (n *Node) Shown(m Mask) *yaml.Node { return n.shown(m, false) }

func (n *Node) shown(m Mask, secret bool) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.text}
	if n.Kind == yaml.ScalarNode && (secret || n.hidden) && !n.null() {
		out.Tag, out.Value = "!!str", m(n.text)
		if n.text == "" {
			out.Value = "<not set>"
		}
	}
	for i, c := range n.content {
		within := secret
		if n.Kind == yaml.MappingNode {
			within = i%2 == 1 && (secret || namesSecret(n.content[i-1].text))
		}
		out.Content = append(out.Content, c.shown(m, within))
	}
	return out
}

// namesSecret says whether what stands under a key is a secret by the key's name.
func namesSecret(key string) bool {
	named := strings.Contains(key, "key") || strings.Contains(key, "secret") || strings.Contains(key, "token")
	return named && !strings.HasSuffix(key, "_url")
}

// Text is what stands under a key, "" where nothing or no text does. It may be a secret.
func (n *Node) Text(key string) string {
	if v := n.Value(key); v != nil && v.Kind == yaml.ScalarNode {
		return v.text
	}
	return ""
}

// Blanks lists the paths below path of secrets that have a blank inside, or a character that nobody sees: what stands
// around a secret is cut, this cannot be.
func (n *Node) Blanks(path string) (all []string) {
	return n.blanks(path, false)
}

func (n *Node) blanks(path string, secret bool) (all []string) {
	if n.Kind == yaml.ScalarNode && secret && strings.ContainsFunc(strings.TrimSpace(n.text), Unseen) {
		all = append(all, path)
	}
	for i, c := range n.content {
		switch {
		case n.Kind == yaml.SequenceNode:
			all = append(all, c.blanks(fmt.Sprintf("%s[%d]", path, i), secret)...)
		case i%2 == 1:
			key := n.content[i-1].text
			all = append(all, c.blanks(Join(path, key), secret || namesSecret(key))...)
		}
	}
	return all
}

// Unseen says whether a character is a blank or leaves no trace, as a byte order mark does.
func Unseen(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
