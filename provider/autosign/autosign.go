// Package autosign speaks the API and the callbacks of Autosign (autosign.io). Much of that API is
// not documented where we could read it: what nobody knows is a setting, and nothing is listed, so
// transactions are known by their callbacks or by `track`. docs/providers/autosign.md tells how to
// set it up and how to find out the rest.
package autosign

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/provider"
)

const production = "https://api.autosign.io"

// Traits returns what is known of Autosign without an account.
func Traits() provider.Traits {
	return provider.Traits{
		BaseURL:         production,
		OwnPaths:        []string{"/v1"},
		Budget:          map[provider.Class]int{provider.ClassRead: 30},
		SimulatedBudget: map[provider.Class]int{provider.ClassRead: 6000, provider.ClassFiles: 3000},
		FirstSettings: []provider.FirstSetting{
			{Form: "access_token: \"${%s}\"", Env: "ACCESS_TOKEN", Note: "Or oauth: see docs/providers/autosign.md."},
			{Form: "webhook_secrets: [\"${%s}\"]", Env: "WEBHOOK_SECRET",
				Note: "The webhook's signature; without it every callback is refused."},
		},
		ProofSettings: []string{"webhook_secrets"},
		Unproved:      "every callback is refused, and only polls of tracked refs bring news",
	}
}

// service is one account at Autosign.
type service struct {
	base    string
	origin  url.URL // scheme and host of base: the only ones that our token goes to
	set     settings
	words   map[string]model.Status // by the word in lower case
	client  *http.Client
	foreign *http.Client
	auth    authorizer
	now     func() time.Time
	log     *logrus.Entry
	rules   model.Rules

	externalID string
	signed     bool        // signed documents are wanted
	found      atomic.Bool // an answer came for some transaction: the detail path is right
	doubted    atomic.Bool // it was said that it may not be
}

// New returns the provider for one account. All faults of its settings are told at once. It lists,
// reads and makes registrations only where the paths for that are set. Without webhook_secrets
// every callback is refused.
func New(o provider.Options) (provider.Service, error) {
	var set settings
	faults, err := provider.ReadSettings(o, &set)
	if err != nil {
		return provider.Service{}, err
	}
	set.fill()
	if err := errors.Join(faults, set.check()); err != nil {
		return provider.Service{}, err
	}
	s := &service{
		base: o.Base(production), set: set, words: words(), client: o.Client, now: o.Now, log: o.Log,
		rules: rules(), externalID: o.ExternalID,
		signed: o.Download == nil || slices.Contains(o.Download, string(model.SignedDocument)),
	}
	at, err := url.Parse(s.base)
	if err != nil {
		return provider.Service{}, provider.Redact(err)
	}
	s.origin = url.URL{Scheme: at.Scheme, Host: at.Host}
	for word, status := range set.StatusWords {
		s.words[strings.ToLower(word)] = model.Status(status)
	}
	s.foreign = s.careful(o.Foreign)
	s.auth = s.authorizer()
	return s.able(), nil
}

// able returns the service with what its settings tell how to do, and nothing else.
func (s *service) able() provider.Service {
	traits := Traits()
	traits.StoredHeaders = []string{s.set.SignatureHeader}
	out := provider.Service{Provider: s, Traits: traits, Linker: s, Starter: s, Login: s, Hinter: s}
	if s.set.ListPath != "" {
		out.Lister = lister{s}
	}
	if s.set.WebhookListPath != "" {
		out.Registrar = registrar{s}
	}
	if s.set.WebhookCreatePath != "" { // check demands webhook_list_path beside it
		out.Setter = setter{registrar{s}}
	}
	return out
}

// status is what a word of the service means; "" for a word that nobody knows.
func (s *service) status(word string) model.Status { return s.words[strings.ToLower(word)] }

// Rules returns what Decide must know of Autosign: a cancelled transaction is shown as expired, so
// that answer confirms a cancellation, and a cancelled event refines what a poll took for expired
// (dossier: 2d).
func (s *service) Rules() model.Rules { return s.rules }

func rules() model.Rules {
	ends := []model.Status{model.Completed, model.Declined, model.Expired, model.Cancelled}
	return model.Rules{
		Provider: "autosign",
		Forward: map[model.Status][]model.Status{
			model.Unknown:    append([]model.Status{model.Draft, model.InProgress}, ends...),
			model.Draft:      append([]model.Status{model.InProgress}, ends...),
			model.InProgress: ends,
		},
		Confirms:   map[model.Status]model.Status{model.Expired: model.Cancelled},
		FinalMoves: map[model.Status][]model.Status{model.Expired: {model.Cancelled}},
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeCreated: {"": {transactionCreated}},
			model.ChangeStatus: {
				model.InProgress: {transactionStarted},
				model.Completed:  {transactionCompleted},
				model.Declined:   {transactionRejected},
				model.Expired:    {transactionExpired, transactionCancelled}, // an answer does not tell them apart
				model.Cancelled:  {transactionCancelled},
			},
			model.ChangeSigner: {
				// Whether the sender's own submission, with which a transaction starts, has an event is not documented.
				model.Status(model.SignerSigned):   {recipientSubmitted, transactionStarted, transactionCompleted},
				model.Status(model.SignerDeclined): {transactionRejected},
			},
		},
		NoEvent: []model.GapChange{model.ChangeArchived},
	}
}
