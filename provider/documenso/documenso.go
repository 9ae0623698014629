// Package documenso speaks the API and the webhooks of Documenso, open source and mostly hosted by its
// users. A webhook is proved by the secret in its header and tells the whole envelope; the list has no
// "changed since", so open envelopes are asked about twenty at a time. docs/providers/documenso.md tells
// how to set it up and what was not checked.
package documenso

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"countersign/model"
	"countersign/provider"
)

const production = "https://app.documenso.com"

// Traits returns what is known of Documenso without an account.
func Traits() provider.Traits {
	return provider.Traits{
		BaseURL:         production,
		OwnPaths:        []string{"/api/v2", "/api"},
		BaseURLNote:     "Your own server's address, without /api; https://app.documenso.com is the vendor's cloud.",
		SelfHosted:      true,
		Budget:          map[provider.Class]int{provider.ClassRead: 600},
		SimulatedBudget: map[provider.Class]int{provider.ClassRead: 6000, provider.ClassFiles: 3000},
		FirstSettings: []provider.FirstSetting{
			{Form: "api_key: \"${%s}\"", Env: "API_KEY"},
			{Form: "webhook_secret: \"${%s}\"", Env: "WEBHOOK_SECRET",
				Note: "The secret that you set beside the webhook's URL."},
		},
		ProofSettings: []string{"webhook_secret", "webhook_secrets"},
		Unproved:      "nothing proves a callback, so that each only has its transaction asked about (once a minute at most)",
		Seals:         true,
		SecretHeaders: []string{secretHeader},
		StoredHeaders: []string{deliveryHeader},
	}
}

// settings is the account's `settings` block.
type settings struct {
	APIKey         provider.Secret   `yaml:"api_key"`
	WebhookSecret  provider.Secret   `yaml:"webhook_secret"`
	WebhookSecrets []provider.Secret `yaml:"webhook_secrets"`
	TeamID         string            `yaml:"team_id"`
}

// The service's words for a status. Expiry is none: a link runs out, the envelope stays PENDING.
const (
	wordDraft     = "DRAFT"
	wordPending   = "PENDING"
	wordCompleted = "COMPLETED"
	wordRejected  = "REJECTED"
	wordCancelled = "CANCELLED"
)

var words = map[string]model.Status{
	wordDraft:     model.Draft,
	wordPending:   model.InProgress,
	wordCompleted: model.Completed,
	wordRejected:  model.Declined,
	wordCancelled: model.Cancelled,
}

// service is one account at Documenso: one team, since a key belongs to one.
type service struct {
	base       string // with /api/v2
	key        provider.Secret
	secrets    []named // none: nobody can prove a callback
	client     *http.Client
	teamID     string                 // of the settings; ""
	learned    atomic.Pointer[string] // the team of the first list that told one
	externalID string                 // a dotted path; "": the service's own externalId
	signed     bool                   // which documents are wanted
	evidence   bool
}

// named is a secret and the setting that it stands in.
type named struct {
	Setting string
	Secret  provider.Secret
}

// New returns the provider for one account. All faults of its settings are told at once.
func New(o provider.Options) (provider.Service, error) {
	var set settings
	faults, err := provider.ReadSettings(o, &set)
	if err != nil {
		return provider.Service{}, err
	}
	if err := errors.Join(faults, set.check(o.Scope)); err != nil {
		return provider.Service{}, err
	}
	s := &service{
		base: o.Base(production) +
			"/api/v2", key: set.APIKey, secrets: set.secrets(), client: o.Client, teamID: set.TeamID, externalID: o.ExternalID,
		signed:   o.Download == nil || slices.Contains(o.Download, string(model.SignedDocument)),
		evidence: o.Download == nil || slices.Contains(o.Download, string(model.EvidenceDocument)),
	}
	return provider.Service{Provider: s, Traits: Traits(), Lister: s, Batcher: s, Checker: s}, nil
}

// secrets are those that may come with a callback, by the names of their settings.
func (set settings) secrets() []named {
	var list []named
	if set.WebhookSecret != "" {
		list = append(list, named{"webhook_secret", set.WebhookSecret})
	}
	for i, s := range set.WebhookSecrets {
		list = append(list, named{fmt.Sprintf("webhook_secrets[%d]", i), s})
	}
	return list
}

// check returns every fault of the settings, each with its path.
func (set settings) check(scope string) error {
	var faults []error
	fault := func(path, what string) {
		faults = append(faults, fmt.Errorf("settings.%s: %s", path, what))
	}
	if set.APIKey == "" {
		fault("api_key", "must be set")
	}
	for i, s := range set.WebhookSecrets {
		if s == "" { // the service sends an empty header where no secret is set: it must prove nothing
			fault(fmt.Sprintf("webhook_secrets[%d]", i), "empty")
		}
	}
	if strings.Trim(set.TeamID, "0123456789") != "" {
		fault("team_id", "is not a number")
	}
	if scope == "own" {
		faults = append(faults,
			errors.New("scope: own is not to be had: the service cannot list one user's envelopes, and does not tell whose a key is"))
	}
	return errors.Join(faults...)
}

// team is the account's team as text, "" while nobody knows it.
func (s *service) team() string {
	if s.teamID != "" {
		return s.teamID
	}
	if p := s.learned.Load(); p != nil {
		return *p
	}
	return ""
}

// foreign says whether something belongs to another team than ours. What names no team is ours.
func (s *service) foreign(team string) bool {
	ours := s.team()
	return ours != "" && team != "" && team != ours
}

// Rules returns what Decide must know of Documenso. A claim alone takes an envelope no further than
// from PENDING to COMPLETED or REJECTED: the service's order of delivery is not promised, and one event
// name, DOCUMENT_CANCELLED, has seven causes.
func (s *service) Rules() model.Rules {
	return model.Rules{
		Provider: "documenso",
		Forward: map[model.Status][]model.Status{
			model.Unknown:    {model.Draft, model.InProgress},
			model.Draft:      {model.InProgress},
			model.InProgress: {model.Completed, model.Declined},
		},
		DeletedIs: model.Cancelled,
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeCreated: {
				"":          {evCreated, evSent},
				model.Draft: {evCreated},
			},
			model.ChangeStatus: {
				model.Draft:      {evCreated},
				model.InProgress: {evSent},
				model.Completed:  {evCompleted},
				model.Declined:   {evRejected},
				model.Cancelled:  {evCancelled},
			},
			model.ChangeSigner: { // who is taken off an envelope is told by no event
				model.Status(model.SignerViewed):   {evOpened},
				model.Status(model.SignerSigned):   {evSigned, evRecipientDone, evCompleted},
				model.Status(model.SignerDeclined): {evRejected},
			},
		},
		NoEvent: []model.GapChange{model.ChangeArchived, model.ChangeTrashed},
	}
}

// Lists says that the list is walked from the newest: it knows no "changed since".
func (s *service) Lists() provider.Listing { return provider.ListsNewest }

// Reach says whose transactions are listed.
func (s *service) Reach() string {
	return "the envelopes of the key's team, in no folder and in every folder, as far as the key's user may see them; deleted ones are not listed"
}
