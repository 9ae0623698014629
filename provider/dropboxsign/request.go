package dropboxsign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// The service has no word for where a request stands: it is read from three flags and from each
// signer's status_code. These are our short names for it, the service's own where it has one.
const (
	wordComplete     = "complete"
	wordDeclined     = "declined"
	wordExpired      = "expired"
	wordError        = "error"
	wordOpen         = "open"
	wordCanceled     = "canceled" // by callback only: a canceled request answers 410
	wordPrepared     = "on_hold_by_requester"
	wordHeld         = "on_hold" // the sender's e-mail is unconfirmed, or there are no funds
	wordInvalidEmail = "error_invalid_email"
)

// words are what they mean.
var words = map[string]model.Status{
	wordComplete:               model.Completed,
	wordDeclined:               model.Declined,
	wordExpired:                model.Expired,
	wordError:                  model.Failed,
	"error_unknown":            model.Failed,
	"error_file":               model.Failed,
	"error_component_position": model.Failed,
	"error_text_tag":           model.Failed,
	wordCanceled:               model.Cancelled,
	wordInvalidEmail:           model.InProgress,
	wordPrepared:               model.Draft,
	wordHeld:                   model.Draft,
	wordOpen:                   model.InProgress,
}

// codes are the status codes of a signer that we know, besides the failures.
var codes = []string{"awaiting_signature", "signed", "success", wordDeclined, wordExpired, wordHeld, wordPrepared,
	wordInvalidEmail}

// finalDocument names the one file, all documents merged with the audit trail behind them.
const finalDocument = "final"

var errAnswer = errors.New("the answer is no signature request")

// observe reads a request as GET and the list show it. With an error, only its ref may be there.
func (s *service) observe(raw json.RawMessage) (model.Observation, request, error) {
	var r request
	if err := lenient.Unmarshal(raw, &r); err != nil || !plausible(string(r.ID)) {
		return model.Observation{}, r, errAnswer
	}
	if !r.Signatures.Present && len(r.Signatures.Skipped) > 0 { // they say where the request stands
		return model.Observation{Ref: string(r.ID), Evidence: model.Verified}, r, errAnswer
	}
	word, status := r.standing()
	o := model.Observation{
		Ref: string(r.ID), Evidence: model.Verified, Status: status, ProviderStatus: word,
		Test: model.FlagOf(r.TestMode == lenient.Yes), Name: r.Title.Plain(), Metadata: r.metadata(), Signers: r.signers(),
		Judges:    []model.AttentionKind{model.EmailBounced, model.FileError},
		CreatedAt: r.CreatedAt.Seconds(), ExpiresAt: r.ExpiresAt.Seconds(), Documents: []model.DocumentRef{},
	}
	for _, g := range r.Signatures.Items {
		o.ProviderTime = newest(o.ProviderTime, g.SignedAt.Seconds(), g.ViewedAt.Seconds())
	}
	switch status {
	case model.Declined:
		o.Reason = r.reason(func(g signature) lenient.Text { return g.DeclineReason })
	case model.Failed:
		o.Reason = r.reason(func(g signature) lenient.Text { return g.Error })
	}
	o.Attention = r.attention(o)
	o.Skipped = provider.Skip(nil, model.SkippedSigner, r.Signatures.Skipped...)
	if s.signed {
		o.Documents = append(o.Documents,
			model.DocumentRef{ID: finalDocument, Kind: model.SignedDocument, Name: fileName(o.Name)})
	}
	if s.externalID != "" {
		o.ExternalID = provider.Lookup(raw, s.externalID)
	}
	return o, r, nil
}

// standing says where the request stands. A signer's code that we do not know is shown behind the
// word and ends nothing.
func (r request) standing() (string, model.Status) {
	word := r.word()
	status := words[word]
	if failure(word) {
		status = model.Failed
	}
	if code := r.code(func(code string) bool {
		return code != "" && !failure(code) &&
			!slices.Contains(codes, code)
	}); code != "" {
		word += ": " + code
	}
	return word, status
}

// word names where the request stands; the first test that holds decides.
func (r request) word() string {
	switch {
	case r.Complete == lenient.Yes:
		return wordComplete
	case r.Declined == lenient.Yes, r.any(wordDeclined):
		return wordDeclined
	case r.any(wordExpired):
		return wordExpired
	}
	failed, prepared := r.code(failure), len(r.Signatures.Items) > 0
	for _, g := range r.Signatures.Items {
		prepared = prepared && g.Code == wordPrepared
	}
	switch {
	case failed != "":
		return failed
	case r.Error == lenient.Yes:
		return wordError
	case r.any(wordInvalidEmail):
		return wordInvalidEmail
	case prepared:
		return wordPrepared
	case r.any(wordHeld):
		return wordHeld
	}
	return wordOpen
}

// code returns the first signer's code of which f is true; "" where there is none.
func (r request) code(f func(code string) bool) string {
	for _, g := range r.Signatures.Items {
		if code := g.Code.Plain(); len(code) <= longest && f(code) {
			return code
		}
	}
	return ""
}

func (r request) any(code string) bool {
	return slices.ContainsFunc(r.Signatures.Items, func(g signature) bool { return string(g.Code) == code })
}

// failure says whether a code says that the request could not be processed.
func failure(code string) bool {
	return strings.HasPrefix(code, "error_") && code != wordInvalidEmail
}

// signers are who has to sign. A signer who was removed or replaced is no longer among them.
func (r request) signers() []model.Signer {
	list := []model.Signer{}
	taken := map[string]bool{}
	for i, g := range r.Signatures.Items {
		m := model.Signer{
			Ref: g.ID.Plain(), Name: g.Name.Plain(), Email: g.Email.Plain(), Role: g.Role.Plain(), Order: int(g.Order),
			Status: model.SignerWaiting, ViewedAt: g.ViewedAt.Seconds(), SignedAt: g.SignedAt.Seconds(),
		}
		if m.Ref == "" || taken[m.Ref] { // a place without a name of its own
			m.Ref = fmt.Sprintf("%s#%d", m.Ref, i)
		}
		taken[m.Ref] = true
		switch code := string(g.Code); {
		case code == wordDeclined:
			m.Status, m.Reason = model.SignerDeclined, g.DeclineReason.Plain()
		case code == "signed", code == "success" && m.SignedAt != nil:
			m.Status = model.SignerSigned
		case m.ViewedAt != nil:
			m.Status = model.SignerViewed
		}
		if strings.HasPrefix(string(g.Code), "error_") {
			m.Reason = g.Error.Plain()
		}
		list = append(list, m)
	}
	return list
}

// attention is what a person must act on: an address that does not take mail while the request is
// open, and a request that could not be processed.
func (r request) attention(o model.Observation) []model.Attention {
	if o.Status == model.Failed {
		return []model.Attention{{Kind: model.FileError, Message: o.Reason}}
	}
	if o.Status.Final() {
		return nil
	}
	var list []model.Attention
	for i, m := range o.Signers {
		if r.Signatures.Items[i].Code == wordInvalidEmail {
			list = append(list, model.Attention{Kind: model.EmailBounced, Signer: m.Ref, Message: m.Reason})
		}
	}
	return list
}

// reason is the first signer's words, as of tells them.
func (r request) reason(of func(signature) lenient.Text) string {
	for _, g := range r.Signatures.Items {
		if said := strings.TrimSpace(of(g).Plain()); said != "" {
			return said
		}
	}
	return ""
}

// metadata is what the sender gave along; "" where it is empty.
func (r request) metadata() string {
	var out bytes.Buffer
	if !bytes.HasPrefix(bytes.TrimSpace(r.Metadata), []byte("{")) || json.Compact(&out, r.Metadata) != nil ||
		out.Len() == len("{}") {
		return ""
	}
	return out.String()
}

func fileName(title string) string {
	switch {
	case title == "":
		return finalDocument + ".pdf"
	case strings.HasSuffix(strings.ToLower(title), ".pdf"):
		return title
	}
	return title + ".pdf"
}

func newest(times ...*time.Time) *time.Time {
	var last *time.Time
	for _, t := range times {
		if t != nil && (last == nil || t.After(*last)) {
			last = t
		}
	}
	return last
}
