package provider

import (
	"strings"
	"unicode/utf8"

	"countersign/model"
)

// MaxRef is how many bytes a ref may have, and how many of any other id, type or header value are taken. The services
// document up to 255 characters.
const MaxRef = 1024

// IsRef reports whether s can be the ref of a transaction: text of 1 to MaxRef bytes.
func IsRef(s string) bool { return s != "" && len(s) <= MaxRef && Legible(s) == s }

// Clip returns at most so many bytes of the beginning of s, without cutting a character in two, made legible as by
// Legible.
func Clip(s string, most int) string {
	if len(s) > most+utf8.UTFMax {
		s = s[:most+utf8.UTFMax] // the character that stands at most is still whole
	}
	s = Legible(s)
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// Legible replaces what no text in a database may hold: NUL, and bytes that are not UTF-8.
func Legible(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// LegibleObservation makes every text of an observation but its ref one that both databases take:
// PostgreSQL would refuse a whole page of answers for one NUL in a name.
func LegibleObservation(o *model.Observation) {
	legible(&o.Alias, &o.Type, &o.ProviderStatus, &o.ExternalID, &o.Name, &o.Reason, &o.Metadata, &o.Mark)
	for i := range o.Signers {
		s := &o.Signers[i]
		legible(&s.Ref, &s.Name, &s.Email, &s.Role, &s.Reason)
	}
	for i := range o.Attention {
		legible(&o.Attention[i].Signer, &o.Attention[i].Message)
	}
	for i := range o.Documents {
		legible(&o.Documents[i].ID, &o.Documents[i].Name, &o.Documents[i].Mark)
	}
}

func legible(texts ...*string) {
	for _, t := range texts {
		if s := Legible(*t); s != *t {
			*t = s
		}
	}
}
