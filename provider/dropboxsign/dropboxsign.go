// Package dropboxsign speaks the API and the callbacks of Dropbox Sign (formerly HelloSign). The hash
// of a callback proves who sent it but not what it says, so a callback moves little by itself; the
// list has no "changed since", so open requests are asked about one by one. docs/providers/dropboxsign.md
// tells how to set it up and what is undocumented.
package dropboxsign

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"countersign/model"
	"countersign/provider"
)

const production = "https://api.hellosign.com"

// The ways to a file.
const (
	viaFiles   = "files"
	viaFileURL = "file_url"
)

// Traits returns what is known of Dropbox Sign without an account.
func Traits() provider.Traits {
	return provider.Traits{
		BaseURL:         production,
		OwnPaths:        []string{"/v3"},
		Budget:          map[provider.Class]int{provider.ClassRead: 100, provider.ClassFiles: 25, provider.ClassTest: 10},
		SimulatedBudget: map[provider.Class]int{provider.ClassRead: 6000, provider.ClassFiles: 2400},
		FirstSettings:   []provider.FirstSetting{{Form: "api_key: \"${%s}\"", Env: "API_KEY"}},
		Reply:           provider.Reply{ContentType: "text/plain", Body: "Hello API Event Received"}, // or it calls again
	}
}

// settings is the account's `settings` block.
type settings struct {
	APIKey          provider.Secret   `yaml:"api_key"`
	CallbackKeys    []provider.Secret `yaml:"callback_keys"`
	AppClientIDs    []string          `yaml:"app_client_ids"`
	Requester       []string          `yaml:"requester"`
	IncludeReceived bool              `yaml:"include_received"`
	DownloadVia     string            `yaml:"download_via"`
	TestModeClass   bool              `yaml:"test_mode_class"`
}

// service is one account at Dropbox Sign.
type service struct {
	base            string
	key             provider.Secret
	keys            []provider.Secret // that may have made event_hash
	client, foreign *http.Client
	now             func() time.Time
	settings        settings
	own             bool // list the key's own requests only
	externalID      string
	signed          bool // whether the signed document is wanted
	includeTest     bool
	team            atomic.Int32 // whether the key may list its team's requests
	me              atomic.Pointer[identity]
}

// identity is who we are, as GET /account told.
type identity struct {
	email string
	team  bool
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
		base: o.Base(production), key: set.APIKey, keys: append([]provider.Secret{set.APIKey}, set.CallbackKeys...),
		client: o.Client, foreign: o.Foreign, now: o.Now, settings: set, own: o.Scope == "own", externalID: o.ExternalID,
		signed:      o.Download == nil || slices.Contains(o.Download, string(model.SignedDocument)),
		includeTest: o.IncludeTest,
	}
	return provider.Service{Provider: s, Traits: Traits(), Lister: s, Checker: s, Registrar: s, Setter: s}, nil
}

// check returns every fault of the settings, each with its path.
func (set settings) check() error {
	var faults []error
	fault := func(path, what string) {
		faults = append(faults, fmt.Errorf("settings.%s: %s", path, what))
	}
	if set.APIKey == "" {
		fault("api_key", "must be set")
	}
	for i, k := range set.CallbackKeys {
		if k == "" {
			fault(fmt.Sprintf("callback_keys[%d]", i), "empty")
		}
	}
	for i, id := range set.AppClientIDs {
		if id == "" || id == "list" {
			fault(fmt.Sprintf("app_client_ids[%d]", i), "no client id")
		}
	}
	for i, address := range set.Requester {
		if !strings.Contains(address, "@") {
			fault(fmt.Sprintf("requester[%d]", i), "no e-mail address")
		}
	}
	if !slices.Contains([]string{"", viaFiles, viaFileURL}, set.DownloadVia) {
		fault("download_via", fmt.Sprintf("%q is not files or file_url", set.DownloadVia))
	}
	return errors.Join(faults...)
}

// Rules returns what Decide must know of Dropbox Sign.
func (s *service) Rules() model.Rules {
	ends := []model.Status{model.Completed, model.Declined, model.Expired, model.Cancelled, model.Failed}
	return model.Rules{
		Provider: "dropboxsign",
		Forward: map[model.Status][]model.Status{
			model.Unknown:    append([]model.Status{model.Draft, model.InProgress}, ends...),
			model.Draft:      {model.InProgress},
			model.InProgress: ends,
		},
		GoneIs:    model.Cancelled,
		GoneAfter: []model.Status{model.Completed, model.Declined}, // only these can be removed, which answers 410 too
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeCreated: {"": {evSent, evPrepared}},
			model.ChangeStatus: {
				model.Draft:      {evPrepared},
				model.InProgress: {evSent},
				model.Completed:  {evAllSigned, evDownloadable},
				model.Declined:   {evDeclined},
				model.Expired:    {evExpired},
				model.Cancelled:  {evCanceled},
				model.Failed:     {evInvalid, evFileError, evUnknownError},
			},
			model.ChangeSigner: {
				model.Status(model.SignerViewed):   {evViewed},
				model.Status(model.SignerSigned):   {evSigned, evAllSigned},
				model.Status(model.SignerDeclined): {evDeclined},
				model.Status(model.SignerRemoved):  {evSignerRemoved, evReassigned, evDelegated},
			},
		},
		NoEvent: []model.GapChange{model.ChangeArchived, model.ChangeTrashed},
	}
}

// received says whether a request was sent by somebody else, as far as we know who we are. While
// the whole team is listed, another address may be a colleague's: then only the setting tells.
func (s *service) received(requester string) bool {
	if s.settings.IncludeReceived || requester == "" {
		return false
	}
	same := func(address string) bool { return strings.EqualFold(address, requester) }
	if len(s.settings.Requester) > 0 {
		return !slices.ContainsFunc(s.settings.Requester, same)
	}
	me := s.me.Load()
	return me != nil && me.email != "" && !(me.team && s.wide()) && !same(me.email)
}
