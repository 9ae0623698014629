package objects

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"countersign/model"
)

// Plain makes what providers and senders wrote safe where people read it: one line, no escape codes, nothing that turns
// the direction of what follows.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

// FileName makes a file's name of the provider's: one part, no control characters, nothing hidden.
func FileName(d model.Document) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, Plain(cmp.Or(d.Name, d.DocID)))
	ext := ""
	if d.Path != "" { // the base of no path is "."
		ext = filepath.Ext(filepath.Base(filepath.FromSlash(d.Path)))
	}
	name = strings.TrimSuffix(name, ext)
	name = strings.TrimRight(strings.TrimLeft(name, ". "), ". ")
	const most = 120
	for len(name) > most {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name == "" {
		name = "document"
	}
	if d.Version > 1 {
		name += fmt.Sprintf(" (v%d)", d.Version)
	}
	return name + ext
}
