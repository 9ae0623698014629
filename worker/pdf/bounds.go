package pdf

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/model"
)

// mostSignatures are listed of one file; of more, the first ones and the last.
const mostSignatures = 100

// bounds are what a row holds of one file at most. Who makes a file chooses how long its names are and how often it is
// signed.
type bounds struct{ text, notes, chain int }

// A file with much to say of many signatures says less of each.
const mostJSON = 100_000

var roomy, tight = bounds{text: 300, notes: 20, chain: 10}, bounds{text: 60, notes: 2, chain: 1}

// Bounded returns the facts as a row can hold them: long texts are cut, long lists too. Of too many signatures the first
// ones and the last stay, and Unlisted counts the others.
func Bounded(f model.SignatureFacts) model.SignatureFacts {
	f.Note = clip(f.Note, 2*roomy.text)
	f.File.Added, f.File.Changed = first(f.File.Added, roomy.notes), roomy.texts(f.File.Changed)
	all := f.Signatures
	if n := len(all); n > mostSignatures {
		f.File.Unlisted += n - mostSignatures
		all = append(slices.Clone(all[:mostSignatures-1]), all[n-1])
	}
	f.Signatures = roomy.signatures(all)
	if text, err := json.Marshal(f.Signatures); err != nil || len(text) > mostJSON {
		f.Signatures = tight.signatures(all)
	}
	return f
}

func (b bounds) signatures(all []model.EmbeddedSignature) []model.EmbeddedSignature {
	out := slices.Clone(all)
	for i := range out {
		s := &out[i]
		for _, text := range []*string{&s.Kind, &s.Signer, &s.Reason, &s.Note, &s.ProvedBy, &s.Algorithm, &s.TrustNote} {
			*text = clip(*text, b.text)
		}
		s.Weaknesses, s.Added, s.Changed = b.texts(s.Weaknesses), first(s.Added, b.notes), b.texts(s.Changed)
		s.Chain = slices.Clone(first(s.Chain, b.chain))
		for j := range s.Chain {
			c := &s.Chain[j]
			for _, text := range []*string{&c.Subject, &c.Issuer, &c.Serial, &c.SHA256, &c.Key} {
				*text = clip(*text, max(b.text, 64)) // a hash whole
			}
		}
	}
	return out
}

func (b bounds) texts(all []string) []string {
	out := slices.Clone(first(all, b.notes))
	for i := range out {
		out[i] = clip(out[i], b.text)
	}
	return out
}

func first[T any](all []T, most int) []T { return all[:min(len(all), most)] }

// clip cuts a text to so many bytes, between two characters, and makes it one that a database takes: what is not UTF-8,
// and control characters, are replaced.
func clip(s string, most int) string {
	if len(s) > most {
		for s = s[:most]; len(s) > 0; s = s[:len(s)-1] {
			if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
				break
			}
		}
		s += "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
