// Package autosign speaks the API and the callbacks of Autosign (autosign.io). Much of that API is
// not documented where we could read it: what nobody knows is a setting, and nothing is listed, so
// transactions are known by their callbacks or by `track`. docs/providers/autosign.md tells how to
// set it up and how to find out the rest.
package autosign

import (
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
func New(o provider.Options) (provider.Provider, error) {
	var set settings
	if err := o.Settings(&set); err != nil {
		return nil, err
	}
	set.fill()
	if err := set.check(); err != nil {
		return nil, err
	}
	s := &service{
		base: strings.TrimRight(o.BaseURL, "/"), set: set, words: words(), client: o.Client, now: o.Now, log: o.Log,
		rules: rules(), externalID: o.ExternalID,
		signed: o.Download == nil || slices.Contains(o.Download, string(model.SignedDocument)),
	}
	if s.base == "" {
		s.base = production
	}
	at, err := url.Parse(s.base)
	if err != nil {
		return nil, provider.Redact(err)
	}
	s.origin = url.URL{Scheme: at.Scheme, Host: at.Host}
	for word, status := range set.StatusWords {
		s.words[strings.ToLower(word)] = model.Status(status)
	}
	s.foreign = s.careful(o.Foreign)
	s.auth = s.authorizer()
	return s.able(), nil
}

// able returns s with the methods of what its settings tell how to do, and no others: callers find
// out by assertion.
func (s *service) able() provider.Provider {
	l, r := lister{s}, registrar{s}
	lists := s.set.ListPath != ""
	switch reads, makes := s.set.WebhookListPath != "", s.set.WebhookCreatePath != ""; {
	case lists && makes:
		return struct {
			*service
			lister
			setter
		}{s, l, setter{r}}
	case lists && reads:
		return struct {
			*service
			lister
			registrar
		}{s, l, r}
	case lists:
		return struct {
			*service
			lister
		}{s, l}
	case makes:
		return struct {
			*service
			setter
		}{s, setter{r}}
	case reads:
		return struct {
			*service
			registrar
		}{s, r}
	}
	return s
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
		Tells: map[model.Change]map[model.Status][]string{
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
		NoEvent: []model.Change{model.ChangeArchived},
	}
}
