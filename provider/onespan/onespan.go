// Package onespan speaks the API and the callbacks of OneSpan Sign (formerly eSignLive) and of its
// resellers' servers. Callbacks say what happened, not where a package stands; GET says where it
// stands. docs/providers/onespan.md tells how to set it up and what is undocumented.
package onespan

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/provider"
)

const production = "https://apps.esignlive.com"

// Traits returns what is known of OneSpan Sign without an account.
func Traits() provider.Traits {
	return provider.Traits{
		BaseURL:         production,
		OwnPaths:        []string{"/api"},
		BaseURLNote:     "Your environment's host; the sandbox is https://sandbox.esignlive.com.",
		Budget:          map[provider.Class]int{provider.ClassRead: 120},
		SimulatedBudget: map[provider.Class]int{provider.ClassRead: 6000, provider.ClassFiles: 3000},
		FirstSettings: []provider.FirstSetting{
			{Form: "api_key: \"${%s}\"", Env: "API_KEY"},
			{Form: "callback_key: \"${%s}\"", Env: "CALLBACK_KEY",
				Note: "The secret that you set beside the callback URL at OneSpan."},
		},
		ProofSettings: []string{"callback_key", "callback_keys"},
		Unproved:      "nothing proves a callback, so that each only has its transaction asked about (once a minute at most)",
		SecretHeaders: []string{"Authorization"},
	}
}

// settings is the account's `settings` block.
type settings struct {
	APIKey       provider.Secret   `yaml:"api_key"`
	CallbackKey  provider.Secret   `yaml:"callback_key"`
	CallbackKeys []provider.Secret `yaml:"callback_keys"`
	ClientApp    *clientApp        `yaml:"client_app"`
	OAuth        *oauthClient      `yaml:"oauth"`
}

// words are the service's words for a status. ARCHIVED is a completed package put away.
var words = map[string]model.Status{
	"DRAFT":     model.Draft,
	"SENT":      model.InProgress,
	"COMPLETED": model.Completed,
	archived:    model.Completed,
	"DECLINED":  model.Declined,
	"OPTED_OUT": model.OptedOut,
	"EXPIRED":   model.Expired,
}

const archived = "ARCHIVED"

// service is one account at OneSpan Sign.
type service struct {
	base       string
	keys       []provider.Secret // callback keys; none: nobody can prove a callback
	keyNames   []string          // their settings
	client     *http.Client
	auth       authorizer
	now        func() time.Time
	log        *logrus.Entry
	rules      model.Rules
	own        bool // list the key's own transactions only
	externalID string
	signed     bool // which documents are wanted
	evidence   bool
	reports    atomic.Int32 // whether the key may read the report over all senders
}

// New returns the provider for one account. All faults of its settings are told at once.
func New(o provider.Options) (provider.Service, error) {
	var set settings
	faults, err := provider.ReadSettings(o, &set)
	if err != nil {
		return provider.Service{}, err
	}
	if err := errors.Join(faults, set.check()); err != nil {
		return provider.Service{}, err
	}
	s := &service{
		base: o.Base(production), keys: set.keys(), keyNames: set.keyNames(), client: o.Client, now: o.Now, log: o.Log,
		rules: rules(), own: o.Scope == "own", externalID: o.ExternalID,
		signed:   o.Download == nil || slices.Contains(o.Download, string(model.SignedDocument)),
		evidence: o.Download == nil || slices.Contains(o.Download, string(model.EvidenceDocument)),
	}
	s.auth = set.authorizer(s)
	return provider.Service{Provider: s, Traits: Traits(), Lister: s, Checker: s, Registrar: s, Setter: s, Starter: s}, nil
}

// keys are the callback keys that may have come with a callback.
func (set settings) keys() []provider.Secret {
	if set.CallbackKey == "" {
		return set.CallbackKeys
	}
	return append([]provider.Secret{set.CallbackKey}, set.CallbackKeys...)
}

// check returns every fault of the settings, each with its path.
func (set settings) check() error {
	var faults []error
	fault := func(path, what string) {
		faults = append(faults, fmt.Errorf("settings.%s: %s", path, what))
	}
	ways := 0
	for _, given := range []bool{set.APIKey != "", set.ClientApp != nil, set.OAuth != nil} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		fault("api_key", "exactly one of api_key, client_app and oauth must be set")
	}
	for i, k := range set.CallbackKeys {
		if k == "" {
			fault(fmt.Sprintf("callback_keys[%d]", i), "empty")
		}
	}
	if set.ClientApp != nil {
		set.ClientApp.check(fault)
	}
	if set.OAuth != nil {
		set.OAuth.check(fault)
	}
	return errors.Join(faults...)
}

// Rules returns what Decide must know of OneSpan Sign. A claim moves forward only: DRAFT and SENT,
// COMPLETED and ARCHIVED go both ways there, and the way back needs an answer.
func (s *service) Rules() model.Rules { return s.rules }

func rules() model.Rules {
	ends := []model.Status{model.Completed, model.Declined, model.Expired, model.OptedOut}
	return model.Rules{
		Provider: "onespan",
		Forward: map[model.Status][]model.Status{
			model.Unknown:    append([]model.Status{model.Draft, model.InProgress}, ends...),
			model.Draft:      append([]model.Status{model.InProgress}, ends...),
			model.InProgress: ends,
		},
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeCreated: {
				"":          {packageCreate, packageActivate}, // a package may be created as SENT
				model.Draft: {packageCreate},
			},
			model.ChangeStatus: {
				model.Draft:      {packageDeactivate},
				model.InProgress: {packageActivate},
				model.Completed:  {packageComplete},
				model.Declined:   {packageDecline},
				model.Expired:    {packageExpire},
				model.OptedOut:   {packageOptOut},
			},
			model.ChangeArchived: {"": {packageArchive}, "off": {}}, // nobody knows what un-archiving fires
			model.ChangeTrashed:  {"": {packageTrash}, "off": {packageRestore, packageActivate}},
			model.ChangeSigner: {
				model.Status(model.SignerSigned):   {signerComplete, documentSigned},
				model.Status(model.SignerLocked):   {signerLocked},
				model.Status(model.SignerDeclined): {packageDecline, packageOptOut},
				model.Status(model.SignerRemoved):  {roleReassign},
			},
		},
	}
}

// Lists says that the list tells what was updated in a window of time.
func (s *service) Lists() provider.Listing { return provider.ListsChanged }

// Reach says whose transactions are listed.
func (s *service) Reach() string {
	switch {
	case s.own:
		return "the key's own transactions; callbacks may name other senders' too (scope: own)"
	case s.reports.Load() == reportsRefused:
		return "only the key's own transactions: it may not read the report over other senders, whom callbacks may name too"
	case s.reports.Load() == reportsGiven:
		return "the key's own transactions and, from a report, those of the other senders"
	}
	return "the key's own transactions and, where the key may read the report, those of the other senders (not tried yet)"
}
