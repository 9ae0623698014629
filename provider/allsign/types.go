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
	"countersign/provider/lenient"
)

// longest is the most bytes of an id or a name that is taken for one.
const longest = provider.MaxRef

// isName says whether s may be an id or an event's name.
func isName(s string) bool {
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, unicode.IsControl)
}

// document is a document, AllSign's word for a transaction, as a list or GET shows it. v2 has other
// words for some members, and v3 has more than are read.
type document struct {
	ID             lenient.Text    `json:"id"`
	Name           lenient.Text    `json:"name"`
	Status         lenient.Text    `json:"status"`
	EnvelopeStatus lenient.Text    `json:"envelopeStatus"`
	SigningStatus  lenient.Text    `json:"signingStatus"`
	SignerCount    *lenient.Number `json:"signerCount"`
	SignedCount    *lenient.Number `json:"signedCount"`
	LiveMode       lenient.Bool    `json:"livemode"`
	ExpiresAt      lenient.Text    `json:"expiresAt"`
	CreatedAt      lenient.Text    `json:"createdAt"`
	UpdatedAt      lenient.Text    `json:"updatedAt"`
	CreatedSnake   lenient.Text    `json:"created_at"`
	UpdatedSnake   lenient.Text    `json:"updated_at"`
	SignersData    json.RawMessage `json:"signersData"`
	Signers        json.RawMessage `json:"signers"`
}

// named says whether the document has an id.
func (d document) named() bool { return isName(string(d.ID)) }

func (d document) created() *time.Time { return cmp.Or(d.CreatedAt, d.CreatedSnake).Time() }
func (d document) updated() *time.Time { return cmp.Or(d.UpdatedAt, d.UpdatedSnake).Time() }

// mark is equal in a list and in an answer while nothing has changed; "" where no time is told.
func (d document) mark() string {
	if at := d.updated(); at != nil {
		return at.Format(time.RFC3339Nano)
	}
	return ""
}

// signer is one who has to sign. Of v3 only id and status are attested.
type signer struct {
	ID       lenient.Text `json:"id"`
	Name     lenient.Text `json:"name"`
	Email    lenient.Text `json:"email"`
	Status   lenient.Text `json:"status"`
	SignedAt lenient.Text `json:"signedAt"`
}

// ref names the signer: by the id, or else by the address.
func (s signer) ref() string { return cmp.Or(s.ID, s.Email).Plain() }

// evidence says whether the signed file and the NOM-151 certificate are there.
type evidence struct {
	DocumentID lenient.Text `json:"documentId"`
	Available  lenient.Bool `json:"available"`
	PDF        *link        `json:"evidencePdf"`
	NOM151     *link        `json:"nom151"`
}

type link struct {
	URL lenient.Text `json:"url"`
}

// link is the link to one document; "" while there is none.
func (e evidence) link(id string) string {
	l := e.PDF
	if id == nom151ID {
		l = e.NOM151
	}
	if e.Available != lenient.Yes || l == nil {
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
	if lenient.Unmarshal(raw, &w) == nil && w.ID == nil && bytes.HasPrefix(bytes.TrimSpace(w.Data), []byte("{")) {
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
func observeSigners(list lenient.List[signer], d document) ([]model.Signer, []model.Skipped) {
	list.Only(func(in signer) bool { return isName(in.ref()) })
	all := d.SignerCount != nil && d.SignedCount != nil && *d.SignerCount > 0 && *d.SignedCount >= *d.SignerCount &&
		int(*d.SignerCount) == len(list.Items)
	signers, taken := []model.Signer{}, map[string]bool{}
	for _, in := range list.Items {
		ref := in.ref()
		if taken[ref] {
			continue
		}
		taken[ref] = true
		s := model.Signer{Ref: ref, Name: in.Name.Plain(), Email: in.Email.Plain(), Order: len(signers) + 1}
		s.Status, s.Reason = signerStatus(in.Status.Plain())
		if all && s.Status != model.SignerSigned {
			s.Status, s.Reason = model.SignerSigned, ""
		}
		if s.Status == model.SignerSigned {
			s.SignedAt = in.SignedAt.Time()
		}
		signers = append(signers, s)
	}
	return signers, provider.Skip(nil, model.SkippedSigner, list.Skipped...)
}
