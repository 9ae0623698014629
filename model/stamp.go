package model

import (
	"encoding/json"
	"time"
)

// stampLayout is how times are written wherever somebody reads them: UTC, to the millisecond.
const stampLayout = "2006-01-02T15:04:05.000Z"

// stamp is the text of a time; nil where there is none.
func stamp(t *time.Time) *string {
	if t == nil || t.IsZero() {
		return nil
	}
	s := t.UTC().Format(stampLayout)
	return &s
}

// MarshalJSON writes what `--json` prints, for the views and exports that show the text as it is stored.
func (a Attention) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind    AttentionKind `json:"kind"`
		Signer  string        `json:"signer"`
		Message string        `json:"message"`
		Since   *string       `json:"since"`
	}{a.Kind, a.Signer, a.Message, stamp(&a.Since)})
}

// bareSignature is an EmbeddedSignature without its methods.
type bareSignature EmbeddedSignature

// shownSignature adds to a signature what follows from it, for those who read; it is not read again.
type shownSignature struct {
	bareSignature
	Time        *string   `json:"time"`
	ProvedTime  *string   `json:"proved_time"`
	Status      Signature `json:"status"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`
	Certificate string    `json:"certificate"`
}

// MarshalJSON writes what `--json` prints, for the views and exports that show the text as it is stored.
func (s EmbeddedSignature) MarshalJSON() ([]byte, error) {
	s.Weaknesses, s.Added, s.Changed, s.Chain = list(s.Weaknesses), list(s.Added), list(s.Changed), list(s.Chain)
	c := s.Certificate()
	return json.Marshal(shownSignature{bareSignature(s), stamp(s.Time), stamp(s.ProvedTime), s.Status(), c.Issuer,
		c.Serial, c.SHA256})
}

// MarshalJSON writes what `--json` prints, for the views and exports that show the text as it is stored.
func (c Certificate) MarshalJSON() ([]byte, error) {
	type bare Certificate
	return json.Marshal(struct {
		bare
		NotBefore *string `json:"not_before"`
		NotAfter  *string `json:"not_after"`
	}{bare(c), stamp(c.NotBefore), stamp(c.NotAfter)})
}

// MarshalJSON writes what `--json` prints, for the views and exports that show the text as it is stored.
func (f FileFacts) MarshalJSON() ([]byte, error) {
	type bare FileFacts
	f.Added, f.Changed = list(f.Added), list(f.Changed)
	return json.Marshal(bare(f))
}

// list is a list that JSON writes as one, where it is empty too.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *EmbeddedSignature) UnmarshalJSON(text []byte) error {
	err := json.Unmarshal(text, (*bareSignature)(s))
	s.Weaknesses, s.Added, s.Changed, s.Chain = some(s.Weaknesses), some(s.Added), some(s.Changed), some(s.Chain)
	return err
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *FileFacts) UnmarshalJSON(text []byte) error {
	type bare FileFacts
	err := json.Unmarshal(text, (*bare)(f))
	f.Added, f.Changed = some(f.Added), some(f.Changed)
	return err
}

// some is a list that is nil where it is empty.
func some[T any](all []T) []T {
	if len(all) == 0 {
		return nil
	}
	return all
}
