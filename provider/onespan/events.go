package onespan

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// The events that have rules of their own.
const (
	packageCreate     = "PACKAGE_CREATE"
	packageActivate   = "PACKAGE_ACTIVATE"
	packageDeactivate = "PACKAGE_DEACTIVATE"
	packageReady      = "PACKAGE_READY_FOR_COMPLETE"
	packageReadySDK   = "PACKAGE_READY_FOR_COMPLETION" // the SDKs' spelling of the same
	packageComplete   = "PACKAGE_COMPLETE"
	packageDecline    = "PACKAGE_DECLINE"
	packageOptOut     = "PACKAGE_OPT_OUT"
	packageExpire     = "PACKAGE_EXPIRE"
	packageArchive    = "PACKAGE_ARCHIVE"
	packageTrash      = "PACKAGE_TRASH"
	packageRestore    = "PACKAGE_RESTORE"
	packageDelete     = "PACKAGE_DELETE"
	documentSigned    = "DOCUMENT_SIGNED"
	documentViewed    = "DOCUMENT_VIEWED"
	signerComplete    = "SIGNER_COMPLETE"
	signerLocked      = "SIGNER_LOCKED"
	kbaFailure        = "KBA_FAILURE"
	emailBounce       = "EMAIL_BOUNCE"
	roleReassign      = "ROLE_REASSIGN"
	templateCreate    = "TEMPLATE_CREATE"
)

const (
	consentID   = "default-consent" // the document by which a signer agrees to sign electronically
	outOfOffice = "OOTO"            // an EMAIL_BOUNCE that is none
	mostBody    = 1 << 20           // bytes of a callback: an event has less than two thousand
	longest     = provider.MaxRef   // bytes of an id or a name
)

// meanings are the events that name a status: the word of the service that they stand for.
// All others say what changed but not where the transaction stands, and make it due for a fetch.
var meanings = map[string]string{
	packageCreate: "DRAFT", packageDeactivate: "DRAFT",
	packageActivate: "SENT", packageReady: "SENT",
	packageComplete: "COMPLETED", packageArchive: "ARCHIVED",
	packageDecline: "DECLINED", packageOptOut: "OPTED_OUT", packageExpire: "EXPIRED",
}

// Receive says what a callback reports. It carries a name, ids and a time, never the resulting
// state: a claim where the callback key proves the sender, a hint where no key is set. Unknown
// events make their transaction due for a fetch.
func (s *service) Receive(c provider.Callback) (provider.Received, error) {
	evidence, err := s.verify(c)
	if err != nil {
		return provider.Received{}, err
	}
	e, err := readEvent(c.Body)
	if err != nil {
		return provider.Received{}, fmt.Errorf("%w: %w", provider.ErrNotUnderstood, err)
	}
	name, ref := e.name(), string(e.PackageID)
	switch {
	case name == "":
		return provider.Received{}, fmt.Errorf("%w: no event name", provider.ErrNotUnderstood)
	case ref == "":
		return provider.Received{}, fmt.Errorf("%w: no packageId", provider.ErrNotUnderstood)
	case len(name) > longest, len(ref) > longest:
		return provider.Received{}, fmt.Errorf("%w: a name or id too long to be one", provider.ErrNotUnderstood)
	case strings.ContainsFunc(name+ref, unicode.IsControl):
		return provider.Received{}, fmt.Errorf("%w: a name or id with control characters", provider.ErrNotUnderstood)
	}
	if name == canaryEvent {
		return provider.Received{Type: name, Test: true}, nil
	}
	r := provider.Received{Ref: ref, Type: name, Ignored: e.ignored()}
	if evidence != model.Hint { // equality of what anyone may send proves nothing
		r.DedupeKey = e.key()
	}
	if r.Ignored == "" {
		o := e.observe()
		o.Evidence = evidence
		r.Observations = []model.Observation{o}
	}
	return r, nil
}

// Peek reads ref and type of a callback that was refused.
func (s *service) Peek(c provider.Callback) (ref, typ string) {
	e, err := readEvent(c.Body)
	if err != nil || len(e.PackageID) > longest || len(e.name()) > longest {
		return "", ""
	}
	return string(e.PackageID), e.name()
}

func readEvent(body []byte) (event, error) {
	var e event
	if len(body) > mostBody {
		return e, errors.New("a body too long to be one")
	}
	err := lenient.Unmarshal(body, &e)
	if err != nil && !errors.Is(err, lenient.ErrUTF16) {
		return e, errors.New("the body is no JSON object")
	}
	return e, err
}

// verify checks the callback key. OneSpan sends it bare, `Basic KEY`, without user, colon or base64;
// the usual forms, base64 of the key or of user:key, are taken too. A bearer token is never a key.
func (s *service) verify(c provider.Callback) (model.Evidence, error) {
	if len(s.keys) == 0 {
		return model.Hint, nil
	}
	if c.Sealed != nil {
		if !s.carriesKey(c) {
			return 0, fmt.Errorf("%w: the Authorization header that was stored is none of our callback keys",
				provider.ErrUnverified)
		}
		return model.Claim, nil
	}
	scheme, given, _ := strings.Cut(strings.TrimSpace(c.Header.Get("Authorization")), " ")
	given = strings.TrimSpace(given)
	if !strings.EqualFold(scheme, "Basic") || given == "" {
		return 0, fmt.Errorf("%w: no callback key in the Authorization header", provider.ErrUnverified)
	}
	forms := []string{given}
	if plain, err := base64.StdEncoding.DecodeString(given); err == nil {
		_, password, _ := strings.Cut(string(plain), ":")
		forms = append(forms, string(plain), password)
	}
	same := false
	for _, form := range forms {
		same = provider.SameSecret(form, s.keys...) || same
	}
	if !same {
		return 0, fmt.Errorf("%w: another callback key than ours", provider.ErrUnverified)
	}
	return model.Claim, nil
}

// name is the event's name, wherever it stands.
func (e event) name() string {
	for _, n := range []lenient.Text{e.Name, e.Event, e.Type, e.EventName, e.EventType} {
		if s := strings.TrimSpace(string(n)); s == packageReadySDK {
			return packageReady
		} else if s != "" {
			return s
		}
	}
	return ""
}

// key is equal for two deliveries of one event: there is no event id, so it sums up what tells
// events apart, an empty string like null. Without createdDate two equal bodies may be two events.
func (e event) key() string {
	if e.CreatedDate == "" {
		return ""
	}
	var few [3 << 10]byte // with longer ones on the heap
	all := few[:0]
	for _, s := range [...]string{string(e.PackageID), e.name(), string(e.SessionUser), string(e.DocumentID),
		string(e.Message), string(e.NewRoleID), string(e.CreatedDate)} {
		all = binary.BigEndian.AppendUint32(all, uint32(len(s))) //nolint:gosec // bodies are far below 4 GiB
		all = append(all, s...)
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:16])
}

// ignored says why an event is of no interest.
func (e event) ignored() string {
	switch {
	case e.name() == templateCreate:
		return "a template is no transaction"
	case e.name() == documentSigned && e.DocumentID == consentID:
		return "consent to sign electronically is no signature"
	}
	return ""
}

// observe says what the event tells about its transaction.
func (e event) observe() model.Observation {
	name, user := e.name(), e.SessionUser.Plain()
	o := model.Observation{Ref: string(e.PackageID), Type: name, ProviderTime: moment(e.CreatedDate)}
	o.ProviderStatus = meanings[name]
	o.Status = words[o.ProviderStatus]
	o.Refetch = o.Status == "" || o.ProviderTime == nil
	switch name {
	case documentViewed, documentSigned, signerComplete, packageDecline, packageOptOut:
		o.Acted = true
	}
	switch name {
	case packageReady:
		o.Refetch = true
		o.Attention = []model.Attention{{Kind: model.SenderMustFinish}}
	case packageDecline, packageOptOut:
		o.Reason = e.Message.Plain()
	case packageArchive:
		o.Archived = model.Yes
	case packageTrash:
		o.Trashed = model.Yes
	case packageRestore:
		o.Trashed = model.No
	case packageDelete:
		o.Deleted = model.Yes
	case signerComplete:
		if user != "" { // when it was signed, the answer says
			o.Signers = []model.Signer{{Ref: user, Status: model.SignerSigned}}
		}
	case signerLocked:
		o.Attention = []model.Attention{{Kind: model.SignerLockedOut, Signer: user}}
	case kbaFailure:
		o.Attention = []model.Attention{{Kind: model.IdentityCheckFailed, Signer: user}}
	case emailBounce:
		if e.Message != outOfOffice {
			o.Attention = []model.Attention{{Kind: model.EmailBounced, Signer: user, Message: e.Message.Plain()}}
		}
	}
	return o
}
