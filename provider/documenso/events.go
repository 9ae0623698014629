package documenso

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// The events, as the service names them: all that 2.17 has but the four about templates.
const (
	evCreated       = "DOCUMENT_CREATED"
	evSent          = "DOCUMENT_SENT"
	evOpened        = "DOCUMENT_OPENED"
	evRecipientDone = "DOCUMENT_RECIPIENT_COMPLETED"
	evSigned        = "DOCUMENT_SIGNED" // the same moment, a little later
	evCompleted     = "DOCUMENT_COMPLETED"
	evRejected      = "DOCUMENT_REJECTED"
	evCancelled     = "DOCUMENT_CANCELLED" // cancelled, or deleted in any status
	evReminder      = "DOCUMENT_REMINDER_SENT"
	evExpired       = "RECIPIENT_EXPIRED" // one link ran out; the envelope stays open
	aboutTemplate   = "TEMPLATE_"
)

const (
	secretHeader   = "X-Documenso-Secret"      //nolint:gosec // a header's name
	deliveryHeader = "X-Documenso-Delivery-Id" // proposed upstream, not sent by 2.17
	testID         = "env_123"                 // the envelope of the test button, which is none
	mostBody       = 4 << 20                   // bytes of a callback: two or three thousand are usual
)

// meanings are the statuses that an event and its payload may name together. DOCUMENT_CANCELLED is not among
// them: deleting a completed envelope sends it too.
var meanings = map[string]string{
	evCreated: wordDraft, evSent: wordPending, evOpened: wordPending, evRecipientDone: wordPending, evSigned: wordPending,
	evReminder: wordPending, evExpired: wordPending, evCompleted: wordCompleted, evRejected: wordRejected,
}

// Receive says what a callback reports: a claim where the secret proves the sender, a hint where none is set.
// Unknown events make their envelope due for a fetch.
func (s *service) Receive(c provider.Callback) (provider.Received, error) {
	evidence, err := s.verify(c)
	if err != nil {
		return provider.Received{}, err
	}
	r := provider.Received{Clean: cut(c.Body)}
	name, ref, e, raw, err := parse(c.Body)
	if err != nil {
		return r, fmt.Errorf("%w: %w", provider.ErrNotUnderstood, err)
	}
	r.Type, r.EventID = name, deliveryID(c)
	if evidence != model.Hint { // equality of what anyone may send proves nothing
		r.DedupeKey = dedupeKey(name, r.EventID, raw)
	}
	team := string(e.TeamID)
	switch {
	case ref == testID, team == "" && ref == numberPrefix+testNumber, team == "" && !plausible(ref) && !isAlias(ref):
		r.Test = true
		return r, nil
	case strings.HasPrefix(name, aboutTemplate):
		if plausible(ref) { // a template's number is another than a document's
			r.Ref = ref
		}
		r.Ignored = "a template is no transaction, and of a document made of one DOCUMENT_CREATED tells"
		return r, nil
	case !plausible(ref) && !isAlias(ref):
		return r, fmt.Errorf("%w: no id of an envelope", provider.ErrNotUnderstood)
	}
	r.Ref = ref
	if s.foreign(team) {
		r.Ignored = fmt.Sprintf("an envelope of team %.20s, this account is for team %s", team, s.team())
		return r, nil
	}
	if isAlias(ref) { // which envelope it is only a question tells
		r.Observations = []model.Observation{{Ref: ref, Alias: ref, Evidence: evidence, Type: name, Acted: acted(name),
			Refetch: true}}
		return r, nil
	}
	o := s.claim(name, e, raw)
	o.Ref, o.Evidence = ref, evidence
	r.Observations = []model.Observation{o}
	return r, nil
}

// acted says whether an event tells of a signer's act.
func acted(name string) bool {
	return slices.Contains([]string{evOpened, evRecipientDone, evSigned, evCompleted, evRejected}, name)
}

// claim says what an event tells about its envelope.
func (s *service) claim(name string, e envelope, raw json.RawMessage) model.Observation {
	o := s.observe(e, raw)
	o.Type, o.Acted = name, acted(name)
	word := string(e.Status)
	if meanings[name] == word && word != "" {
		o.Status, o.ProviderStatus = words[word], word
		o.Refetch = name == evCompleted // again after a re-seal: the file is another then
		return o
	}
	o.Refetch = true
	if name == evCancelled && e.DeletedAt == "" && (word == wordDraft || word == wordPending) {
		o.Deleted = model.Yes // half of a deletion: a 404 is the other
	}
	return o
}

// parse reads a callback's event, the envelope that it names and its payload, as they are and as text.
func parse(body []byte) (name, ref string, e envelope, raw json.RawMessage, err error) {
	fail := func(what string) (string, string, envelope, json.RawMessage, error) {
		return "", "", envelope{}, nil, errors.New(what)
	}
	if len(body) > mostBody {
		return fail("a body too long to be one")
	}
	var ev event
	if err := lenient.Unmarshal(body, &ev); errors.Is(err, lenient.ErrUTF16) {
		return fail(err.Error())
	} else if err != nil {
		return fail("the body is no JSON object")
	}
	if len(ev.Payload) == 0 || lenient.Unmarshal(ev.Payload, &e) != nil {
		return fail("no readable payload")
	}
	name, ref = strings.TrimSpace(string(ev.Name)), string(e.EnvelopeID)
	if ref == "" {
		ref = e.named()
	}
	switch {
	case name == "":
		return fail("no event name")
	case ref == "":
		return fail("no envelopeId, and no number of a document")
	case len(name) > longest, len(ref) > longest:
		return fail("a name or id too long to be one")
	case strings.ContainsFunc(name+ref, unicode.IsControl):
		return fail("a name or id with control characters")
	}
	return name, ref, e, ev.Payload, nil
}

// Peek reads ref and type of a callback that was refused.
func (s *service) Peek(c provider.Callback) (ref, typ string) {
	name, ref, _, _, err := parse(c.Body)
	if err != nil {
		return "", ""
	}
	if !plausible(ref) && !isAlias(ref) {
		ref = ""
	}
	return ref, name
}

// verify compares the secret, which is sent as it is. Where none is set at the service the header is there
// and empty.
func (s *service) verify(c provider.Callback) (model.Evidence, error) {
	if len(s.secrets) == 0 {
		return model.Hint, nil
	}
	same := false
	for _, n := range s.secrets {
		same = c.Carries(secretHeader, n.Secret.Reveal()) || same
	}
	switch {
	case same:
		return model.Claim, nil
	case len(c.Header.Values(secretHeader)) == 0:
		return 0, fmt.Errorf("%w: no header %s", provider.ErrUnverified, secretHeader)
	case c.Carries(secretHeader, ""):
		return 0, fmt.Errorf("%w: an empty %s: no secret is set in the webhook", provider.ErrUnverified, secretHeader)
	}
	return 0, fmt.Errorf("%w: another secret than ours", provider.ErrUnverified)
}

// deliveryID is the delivery's own id, "" where the service sends none that can be one.
func deliveryID(c provider.Callback) string {
	id := strings.TrimSpace(c.Header.Get(deliveryHeader))
	if len(id) > longest ||
		strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return ""
	}
	return id
}

// dedupeKey is equal for retries, resends by hand and the copies of two webhooks: the event and what its
// payload says, whatever the order of recipients, without their tokens and without the second copy of them.
// createdAt, the time of the attempt, and webhookEndpoint stand beside the payload and do not count.
func dedupeKey(name, delivery string, raw json.RawMessage) string {
	if delivery != "" {
		return "delivery:" + sum(delivery)
	}
	if len(raw) == 0 || raw[0] != '{' {
		return ""
	}
	var few [2048]byte
	canonical := canonicalPayload(append(append(few[:0], name...), 0), raw)
	all := sha256.Sum256(canonical)
	return hex.EncodeToString(all[:])
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}
