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

// MarshalJSON writes what `--json` prints, for the views and exports that show the text as it is stored.
func (s EmbeddedSignature) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind      string    `json:"kind"`
		Signer    string    `json:"signer"`
		Time      *string   `json:"time"`
		Reason    string    `json:"reason"`
		Integrity Integrity `json:"integrity"`
		Coverage  Coverage  `json:"coverage"`
		Trust     Trust     `json:"trust"`
		Note      string    `json:"note"`
	}{s.Kind, s.Signer, stamp(s.Time), s.Reason, s.Integrity, s.Coverage, s.Trust, s.Note})
}
