// Package allsign speaks the two generations of AllSign's API: v3, the default, and v2, which only a
// setting chooses. They never read each other's callbacks. v3 events name a document and little else, and
// its list has no "changed since", so open documents are asked about one by one. docs/providers/allsign.md
// tells how to set it up and what is undocumented.
package allsign

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/provider"
)

const production = "https://api.allsign.io"

// Traits returns what is known of AllSign without an account.
func Traits() provider.Traits {
	return provider.Traits{
		BaseURL:         production,
		OwnPaths:        []string{"/v3", "/v2"},
		Budget:          map[provider.Class]int{provider.ClassRead: 9},
		SimulatedBudget: map[provider.Class]int{provider.ClassRead: 900, provider.ClassFiles: 3000}, // the service's limit of ten, played faster
		FirstSettings: []provider.FirstSetting{
			{Form: "api_key: \"${%s}\"", Env: "API_KEY"},
			{Form: "webhook_secrets: [\"${%s}\"]", Env: "WEBHOOK_SECRET", Note: "whsec_...: shown once, when the webhook is made."},
		},
		ProofSettings: []string{"webhook_secrets", "allow_unsigned"},
		Unproved:      "every callback is refused, unless `registration set` has made the endpoint and stored its secret",
	}
}

// The generations.
const (
	profileV3 = "v3"
	profileV2 = "v2"
)

// The events with meanings of their own (dossier, section 3).
const (
	documentCompleted = "document.completed"
	documentExpired   = "document.expired"
	documentVoided    = "document.voided"
	documentSent      = "document.sent"
	documentSigned    = "document.signed"
	documentCreated   = "document.created"
	signerSigned      = "signer.signed"
	signerDeclined    = "signer.declined" // reserved: may be subscribed to and never fires
	canaryEvent       = "countersign.canary"
)

// The documents of a completed transaction. The service gives them no ids.
const (
	signedID = "signed"
	nom151ID = "nom151"
)

// defaultEvents says which status an event implies, "" where it is known and implies none.
func defaultEvents() map[string]model.Status {
	return map[string]model.Status{
		documentCompleted: model.Completed, documentExpired: model.Expired, documentVoided: model.Cancelled, documentSent: model.InProgress,
		signerSigned: "", documentSigned: "", signerDeclined: "", documentCreated: "",
		"document.fill_started": "", "document.ready_to_sign": "", "signer.fill_completed": "", "onboarding.completed": "", "signature.reminder_sent": "",
	}
}

// defaultStates are the service's words for a status, in lower case: those of v3, and those of v2, which
// also speaks of workflow states (dossier, section 3). processing and SELLOS_PDF may mean two things, of which
// neither is an end.
func defaultStates() map[string]model.Status {
	return map[string]model.Status{
		"draft": model.Draft, "collecting_data": model.Draft,
		"processing": model.InProgress, "awaiting_signatures": model.InProgress, "correcting": model.InProgress,
		"completed": model.Completed, "expired": model.Expired, "voided": model.Cancelled,
	}
}

// workflowStates are the words that only v2 has.
func workflowStates() map[string]model.Status {
	return map[string]model.Status{
		"recolectando_firmantes": model.Draft,
		"sellos_pdf":             model.InProgress, "esperando_firmas": model.InProgress, "some_signed": model.InProgress,
		"generando_pdf":  model.InProgress, // after the last signature and before the end
		"todos_firmaron": model.Completed,
	}
}

// account is what both generations have in common.
type account struct {
	base            string
	key             provider.Secret
	client, foreign *http.Client
	now             func() time.Time
	log             *logrus.Entry
	set             settings
	rules           model.Rules
	events          map[string]model.Status
	states          map[string]model.Status
	scope           string // of the list; "": the service's default
	externalID      string
	signed          bool // which documents are wanted
	evidence        bool
	includeTest     bool
}

// New returns the provider for one account: of v3, or of v2 where settings.profile says so. All faults
// of its settings are told at once.
func New(o provider.Options) (provider.Service, error) {
	var set settings
	faults, err := provider.ReadSettings(o, &set)
	if err != nil {
		return provider.Service{}, err
	}
	if err := errors.Join(faults, set.check()); err != nil {
		return provider.Service{}, err
	}
	a := &account{
		base: o.Base(production), key: set.APIKey, client: o.Client, foreign: o.Foreign, now: o.Now, log: o.Log, set: set,
		events: defaultEvents(), states: defaultStates(), scope: set.ListScope, externalID: o.ExternalID, includeTest: o.IncludeTest,
		signed:   o.Download == nil || slices.Contains(o.Download, string(model.SignedDocument)),
		evidence: o.Download == nil || slices.Contains(o.Download, string(model.EvidenceDocument)),
	}
	maps.Copy(a.events, set.Events)
	if set.Profile == profileV2 {
		maps.Copy(a.states, workflowStates())
	}
	for word, status := range set.States {
		a.states[strings.ToLower(word)] = status
	}
	a.rules = a.makeRules()
	if set.Profile == profileV2 {
		s, traits := &v2{account: a, streamWait: streamWait}, Traits()
		traits.StoredHeaders = []string{set.SignatureHeader}
		return provider.Service{Provider: s, Traits: traits, Lister: s, Linker: s, Checker: s, Hinter: s, Streamer: s}, nil
	}
	if a.scope == "" {
		a.scope = map[bool]string{true: "owner", false: "accessible"}[o.Scope == "own"]
	}
	s, traits := &v3{account: a}, Traits()
	traits.FetchCalls = 2 // the document, its signers, and what there is of its evidence
	if a.evidence {
		traits.CompletedCalls = 3
	}
	return provider.Service{Provider: s, Traits: traits, Lister: s, Checker: s, Registrar: s, Setter: s, Starter: s, Hinter: s}, nil
}

// Rules returns what Decide must know of AllSign. Open states go back and forth there (correcting), but
// awaiting_signatures and correcting are one status here, and the way back to a draft needs an answer.
func (a *account) Rules() model.Rules { return a.rules }

func (a *account) makeRules() model.Rules {
	ends := []model.Status{model.Completed, model.Expired, model.Cancelled}
	for _, s := range []model.Status{model.Declined, model.OptedOut, model.Failed} { // no such state is known: only where a setting names it
		if slices.Contains(slices.Collect(maps.Values(a.events)), s) {
			ends = append(ends, s)
		}
	}
	r := model.Rules{
		Provider: "allsign",
		Forward: map[model.Status][]model.Status{
			model.Unknown:    append([]model.Status{model.Draft, model.InProgress}, ends...),
			model.Draft:      append([]model.Status{model.InProgress}, ends...),
			model.InProgress: ends,
		},
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeStatus: {},
			model.ChangeSigner: {model.Status(model.SignerSigned): a.firing(signerSigned, documentSigned, documentCompleted)},
		},
		NoEvent: []model.GapChange{model.ChangeArchived, model.ChangeTrashed},
	}
	var begins []string
	for _, name := range slices.Sorted(maps.Keys(a.events)) {
		status := a.events[name]
		if len(a.firing(name)) == 0 {
			continue
		}
		if status != "" {
			r.Tells[model.ChangeStatus][status] = append(r.Tells[model.ChangeStatus][status], name)
		}
		if status == model.Draft || status == model.InProgress || name == documentCreated {
			begins = append(begins, name)
		}
	}
	if begins == nil {
		r.NoEvent = append(r.NoEvent, model.ChangeCreated)
	} else {
		r.Tells[model.ChangeCreated] = map[model.Status][]string{"": begins}
	}
	return r
}

// fires says whether an event is known to exist in the account's generation: document.sent, document.signed and
// document.created were only seen in v2. What does not exist was not missed, and nobody can register it.
func (a *account) fires(name string) bool {
	switch name {
	case documentCompleted, documentExpired, documentVoided, signerSigned:
		return true
	case documentSent, documentSigned, documentCreated:
		return a.set.Profile == profileV2
	}
	return false
}

// firing are those of the events that exist in the account's generation, or that its settings name.
func (a *account) firing(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		_, chosen := a.set.Events[name]
		return !chosen && !a.fires(name)
	})
}

// state maps a status word of an answer; "" for a word that the table lacks.
func (a *account) state(word string) model.Status { return a.states[strings.ToLower(word)] }

// warn logs what no caller is told.
func (a *account) warn(msg, reason string) {
	if a.log != nil {
		a.log.WithField("reason", reason).Warn(msg)
	}
}
