package provider

import (
	"strings"
	"unicode/utf8"

	"countersign/model"
)

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
	legible(&o.Type, &o.ProviderStatus, &o.ExternalID, &o.Name, &o.Reason, &o.Metadata, &o.Mark)
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

// Clip makes a text of somebody else's one that a row can hold: at most so many bytes, all of them legible.
func Clip(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return Legible(s)
}
