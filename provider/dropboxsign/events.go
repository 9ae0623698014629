package dropboxsign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// The events, as the service names them.
const (
	evSent          = "signature_request_sent"
	evViewed        = "signature_request_viewed"
	evSigned        = "signature_request_signed"
	evAllSigned     = "signature_request_all_signed"
	evDownloadable  = "signature_request_downloadable"
	evDeclined      = "signature_request_declined"
	evCanceled      = "signature_request_canceled"
	evExpired       = "signature_request_expired"
	evReassigned    = "signature_request_reassigned"
	evDelegated     = "signature_request_delegated" // an older SDK's
	evSignerRemoved = "signature_request_signer_removed"
	evRemind        = "signature_request_remind"
	evEmailBounce   = "signature_request_email_bounce"
	evPrepared      = "signature_request_prepared"
	evInvalid       = "signature_request_invalid"
	evDestroyed     = "signature_request_destroyed"
	evIncompleteQES = "signature_request_incomplete_qes"
	evFileError     = "file_error"
	evUnknownError  = "unknown_error"
	evSignURL       = "sign_url_invalid"
	evTemplate      = "template_created"
	evTemplateError = "template_error"
	evAccount       = "account_confirmed"
	evCallbackTest  = "callback_test"
	evTest          = "test" // an older SDK's
)

// longest is how many bytes of an id or a type are one: ids have 40 today.
const longest = provider.MaxRef

// meaning is what an event of one type says.
type meaning struct {
	word    string // of words; "": where the request stands, only an answer tells
	ask     bool   // ask although it names a status
	raises  model.AttentionKind
	signer  bool   // it is about one signer: without his id, two equal events may be two
	acted   bool   // a signer viewed, signed or declined
	test    bool   // the service only tries the URL
	ignored string // why it is of no interest
}

// meanings are the types we know. Any other that names a request makes it due for a fetch.
var meanings = map[string]meaning{
	evPrepared:      {word: wordPrepared},
	evSent:          {word: wordOpen},
	evViewed:        {word: wordOpen, signer: true, acted: true},
	evSigned:        {word: wordOpen, signer: true, acted: true, ask: true},
	evAllSigned:     {word: wordComplete, acted: true},
	evDeclined:      {word: wordDeclined, acted: true},
	evCanceled:      {word: wordCanceled},
	evExpired:       {word: wordExpired},
	evInvalid:       {word: wordError, raises: model.FileError},
	evFileError:     {word: wordError, raises: model.FileError},
	evUnknownError:  {word: wordError, raises: model.FileError, ask: true},
	evEmailBounce:   {raises: model.EmailBounced, signer: true},
	evDownloadable:  {}, // an updated file, not that all have signed
	evReassigned:    {signer: true},
	evDelegated:     {signer: true},
	evSignerRemoved: {signer: true},
	evDestroyed:     {},
	evIncompleteQES: {},
	evRemind:        {ignored: "a reminder changes nothing", signer: true},
	evSignURL:       {ignored: "a signing link ran out, which changes nothing", signer: true},
	evTemplate:      {ignored: "a template is no transaction"},
	evTemplateError: {ignored: "a template is no transaction"},
	evAccount:       {ignored: "about the account, not a transaction"},
	evCallbackTest:  {test: true},
	evTest:          {test: true},
}

// Receive says what a callback reports. The hash covers its time and type, not the request it
// names: everything is a weak claim. Unknown types make their request due for a fetch.
func (s *service) Receive(c provider.Callback) (provider.Received, error) {
	raw, e, err := read(c)
	if err != nil {
		return provider.Received{}, err
	}
	if err := s.verify(e.Event); err != nil {
		return provider.Received{}, err
	}
	r := provider.Received{Type: string(e.Event.Type), Clean: clean(raw)}
	means := meanings[r.Type]
	if len(e.Request) == 0 || string(e.Request) == "null" {
		r.Test, r.Ignored = means.test, means.ignored
		if !r.Test && r.Ignored == "" {
			r.Ignored = "names no signature request"
		}
		return r, nil
	}
	if means.test {
		r.Test = true
		return r, nil
	}
	var about named
	err = lenient.Unmarshal(e.Request, &about)
	r.Ref = string(about.ID)
	if err != nil || !plausible(r.Ref) {
		r.Ref = ""
		return r, fmt.Errorf("%w: a signature request without a readable id", provider.ErrNotUnderstood)
	}
	r.DedupeKey = e.Event.key(r.Ref, means)
	switch {
	case means.ignored != "":
		r.Ignored = means.ignored
	case about.TestMode == lenient.Yes && !s.includeTest:
		r.Ignored = "a test object, and include_test is false"
	case e.Event.Metadata.App == "" && s.received(string(about.Requester)):
		// The API app's copy of the event counts, whoever sent the request: it must be no duplicate.
		r.DedupeKey, r.Ignored = "", "a request that others sent, and include_received is false"
	default:
		o := e.Event.observe(means)
		o.Ref, o.Test = r.Ref, model.FlagOf(about.TestMode == lenient.Yes)
		r.Observations = []model.Observation{o}
	}
	return r, nil
}

// Peek reads ref and type of a callback that was refused.
func (s *service) Peek(c provider.Callback) (ref, typ string) {
	_, e, err := read(c)
	if err != nil {
		return "", ""
	}
	var about named
	lenient.Unmarshal(e.Request, &about) //nolint:errcheck // what cannot be read is ""
	if plausible(string(about.ID)) {
		ref = string(about.ID)
	}
	if plausible(string(e.Event.Type)) {
		typ = string(e.Event.Type)
	}
	return ref, typ
}

func plausible(s string) bool {
	return s != "" && len(s) <= longest && !strings.ContainsRune(s, 0)
}

// verify compares event_hash: HMAC-SHA256, in lower-case hex, of event_time and event_type without
// anything in between, by the account's primary API key. Time must be digits and the type must not
// begin with one, or else the border between them could be moved under the same hash.
func (s *service) verify(e event) error {
	if fault := e.unproved(); fault != "" {
		return fmt.Errorf("%w: %s", provider.ErrUnverified, fault)
	}
	same := false
	for _, key := range s.keys {
		same = hmac.Equal([]byte(e.hash(key)), []byte(e.Hash)) || same
	}
	if !same {
		return fmt.Errorf("%w: event_hash was made with none of our keys", provider.ErrUnverified)
	}
	return nil
}

// unproved says why no key can prove an event; "" where one can.
func (e event) unproved() string {
	switch {
	case e.Hash == "":
		return "no event_hash"
	case strings.Trim(string(e.Time), "0123456789") != "", e.Type == "", e.Type[0] >= '0' && e.Type[0] <= '9':
		return "event_time or event_type is none"
	}
	return ""
}

// hash is what event_hash has to be.
func (e event) hash(key provider.Secret) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(e.Time + e.Type))
	return hex.EncodeToString(mac.Sum(nil))
}

// key is equal for two deliveries of one event. There is no event id, and two requests may have the
// same hash: it sums up request, type, time and signer, and leaves out for whom it was reported, so
// that the account's and the app's copy are one event.
func (e event) key(ref string, means meaning) string {
	if ref == "" || e.Time == "" || means.signer && e.Metadata.Signature == "" {
		return ""
	}
	h := sha256.New()
	for _, s := range []string{ref, string(e.Type), string(e.Time), string(e.Metadata.Signature)} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) //nolint:gosec // bodies are far below 4 GiB
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// observe says what the event tells about its request.
func (e event) observe(means meaning) model.Observation {
	o := model.Observation{
		Evidence: model.WeakClaim, Type: string(e.Type), Status: words[means.word], ProviderStatus: means.word,
		ProviderTime: e.Time.Seconds(), Refetch: means.ask || means.word == "", Acted: means.acted,
	}
	if e.Type == evSent {
		o.SentAt = o.ProviderTime
	}
	message := e.Metadata.Message.Plain()
	if o.Status.Final() {
		o.Reason = message
	}
	switch means.raises {
	case model.FileError:
		o.Attention = []model.Attention{{Kind: model.FileError, Message: message}}
	case model.EmailBounced:
		o.Attention = []model.Attention{{Kind: model.EmailBounced, Signer: e.Metadata.Signature.Plain(), Message: message}}
	}
	return o
}
