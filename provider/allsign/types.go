package allsign

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"countersign/model"
	"countersign/provider"
)

// longest is the most bytes of an id or a name that is taken for one.
const longest = provider.MaxRef

// text is a JSON string that bears null and other kinds: what is no string or number is "".
type text string

// UnmarshalJSON never refuses.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		if n := json.Number(""); json.Unmarshal(raw, &n) == nil {
			s = n.String()
		}
	}
	*t = text(s)
	return nil
}

// plain is the text without NUL, which PostgreSQL cannot hold.
func (t text) plain() string { return strings.ReplaceAll(string(t), "\x00", "") }

// time reads a date; nil where there is none or none that we can read.
func (t text) time() *time.Time {
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02"} {
		if at, err := time.Parse(layout, strings.TrimSpace(string(t))); err == nil {
			at = at.UTC()
			return &at
		}
	}
	return nil
}

// isName says whether s may be an id or an event's name.
func isName(s string) bool {
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, unicode.IsControl)
}

// document is a document, AllSign's word for a transaction, as a list or GET shows it. v2 has other
// words for some members, and v3 has more than are read.
type document struct {
	ID             text            `json:"id"`
	Name           text            `json:"name"`
	Status         text            `json:"status"`
	EnvelopeStatus text            `json:"envelopeStatus"`
	SigningStatus  text            `json:"signingStatus"`
	SignerCount    *int            `json:"signerCount"`
	SignedCount    *int            `json:"signedCount"`
	LiveMode       *bool           `json:"livemode"`
	ExpiresAt      text            `json:"expiresAt"`
	CreatedAt      text            `json:"createdAt"`
	UpdatedAt      text            `json:"updatedAt"`
	CreatedSnake   text            `json:"created_at"`
	UpdatedSnake   text            `json:"updated_at"`
	SignersData    json.RawMessage `json:"signersData"`
	Signers        json.RawMessage `json:"signers"`
}

func (d document) created() *time.Time { return cmp.Or(d.CreatedAt, d.CreatedSnake).time() }
func (d document) updated() *time.Time { return cmp.Or(d.UpdatedAt, d.UpdatedSnake).time() }

// mark is equal in a list and in an answer while nothing has changed; "" where no time is told.
func (d document) mark() string {
	if at := d.updated(); at != nil {
		return at.Format(time.RFC3339Nano)
	}
	return ""
}

// signer is one who has to sign. Of v3 only id and status are attested.
type signer struct {
	ID       text `json:"id"`
	Name     text `json:"name"`
	Email    text `json:"email"`
	Status   text `json:"status"`
	SignedAt text `json:"signedAt"`
}

// evidence says whether the signed file and the NOM-151 certificate are there.
type evidence struct {
	DocumentID text  `json:"documentId"`
	Available  bool  `json:"available"`
	PDF        *link `json:"evidencePdf"`
	NOM151     *link `json:"nom151"`
}

type link struct {
	URL text `json:"url"`
}

// link is the link to one document; "" while there is none.
func (e evidence) link(id string) string {
	l := e.PDF
	if id == nom151ID {
		l = e.NOM151
	}
	if !e.Available || l == nil {
		return ""
	}
	return string(l.URL)
}

// unwrapped is what stands under `data`, where an object does; else the answer as it came.
func unwrapped(raw json.RawMessage) json.RawMessage {
	var w struct {
		ID   json.RawMessage `json:"id"`
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(raw, &w) == nil && w.ID == nil && bytes.HasPrefix(bytes.TrimSpace(w.Data), []byte("{")) {
		return w.Data
	}
	return raw
}

// signerStatus maps the words of both generations. A word that is none of them is kept as the reason,
// so that it is seen: all that is known of that signer is that the word is not `signed`.
func signerStatus(word string) (status model.SignerStatus, reason string) {
	switch strings.ToLower(word) {
	case "signed":
		return model.SignerSigned, ""
	case "", "pending", "waiting_for_signature":
		return model.SignerWaiting, ""
	}
	return model.SignerWaiting, word
}

// observeSigners are the signers in the order of the answer, each ref once. Where the document counts all
// of them as signed, a word that we do not know is no reason to doubt it.
func observeSigners(list []signer, d document) []model.Signer {
	all := d.SignerCount != nil && d.SignedCount != nil && *d.SignerCount > 0 && *d.SignedCount >= *d.SignerCount && *d.SignerCount == len(list)
	signers, taken := []model.Signer{}, map[string]bool{}
	for _, in := range list {
		ref := in.ID.plain()
		if ref == "" {
			ref = in.Email.plain()
		}
		if !isName(ref) || taken[ref] {
			continue
		}
		taken[ref] = true
		s := model.Signer{Ref: ref, Name: in.Name.plain(), Email: in.Email.plain(), Order: len(signers) + 1}
		s.Status, s.Reason = signerStatus(in.Status.plain())
		if all && s.Status != model.SignerSigned {
			s.Status, s.Reason = model.SignerSigned, ""
		}
		if s.Status == model.SignerSigned {
			s.SignedAt = in.SignedAt.time()
		}
		signers = append(signers, s)
	}
	return signers
}
