package autosign

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"countersign/model"
	"countersign/provider"
)

// settings is the account's `settings` block. Most of it stands for what no page of the service
// tells (dossier: 6).
type settings struct {
	AccessToken provider.Secret `yaml:"access_token"`
	OAuth       *oauthSettings  `yaml:"oauth"`

	WebhookSecrets    []provider.Secret `yaml:"webhook_secrets"`
	SignatureHeader   string            `yaml:"signature_header"`
	SignatureHash     string            `yaml:"signature_hash"`
	SignatureEncoding string            `yaml:"signature_encoding"`
	SignaturePrefix   string            `yaml:"signature_prefix" spaces:"meant"`

	StatusWords map[string]string `yaml:"status_words"`

	DetailPath        string `yaml:"detail_path"`
	ListPath          string `yaml:"list_path"`
	ListLimit         int    `yaml:"list_limit"`
	WebhookListPath   string `yaml:"webhook_list_path"`
	WebhookCreatePath string `yaml:"webhook_create_path"`

	SealedPath     string   `yaml:"sealed_path"`
	SealedPointers []string `yaml:"sealed_pointers"`
	LinkNames      []string `yaml:"link_names"`
	LinkHosts      []string `yaml:"link_hosts"`
}

// words are the service's words for a status, and those that may come for cancelled: none was ever
// seen (dossier: 2d).
func words() map[string]model.Status {
	return map[string]model.Status{
		"draft":     model.Draft,
		"started":   model.InProgress,
		"completed": model.Completed,
		"rejected":  model.Declined,
		"expired":   model.Expired,
		"cancelled": model.Cancelled,
		"canceled":  model.Cancelled,
		"voided":    model.Cancelled,
	}
}

// fill sets what was left out.
func (set *settings) fill() {
	set.SignatureHeader = cmp.Or(set.SignatureHeader, "autosign-signature")
	set.SignatureHash = cmp.Or(set.SignatureHash, "sha256")
	set.SignatureEncoding = cmp.Or(set.SignatureEncoding, "hex")
	set.DetailPath = cmp.Or(set.DetailPath, "/v1/transaction/{id}")
	set.ListLimit = cmp.Or(set.ListLimit, 50)
	if set.SealedPointers == nil {
		set.SealedPointers = []string{"sealed_documents", "template.sealed_documents"}
	}
	if set.LinkNames == nil {
		set.LinkNames = []string{"url", "download_url", "link", "href", "file.url"}
	}
}

// check returns every fault of the settings, each with its path.
func (set settings) check() error {
	var faults []error
	fault := func(path, what string) {
		faults = append(faults, fmt.Errorf("settings.%s: %s", path, what))
	}
	if (set.AccessToken == "") == (set.OAuth == nil) {
		fault("access_token", "exactly one of access_token and oauth must be set")
	}
	if set.OAuth != nil {
		set.OAuth.check(fault)
	}
	for i, k := range set.WebhookSecrets {
		if k == "" {
			fault(fmt.Sprintf("webhook_secrets[%d]", i), "empty")
		}
	}
	if hashes()[set.SignatureHash] == nil {
		fault("signature_hash", "is not sha256, sha1 or sha512")
	}
	if !slices.Contains(encodings(), set.SignatureEncoding) {
		fault("signature_encoding", "is not hex or base64")
	}
	for _, word := range slices.Sorted(maps.Keys(set.StatusWords)) {
		if s := model.Status(set.StatusWords[word]); !s.Known() || s == model.Unknown {
			fault("status_words."+word, "is not draft, in_progress or one of the final statuses")
		}
	}
	if set.ListLimit < 1 || set.ListLimit > 1000 {
		fault("list_limit", "is not between 1 and 1000")
	}
	set.checkPaths(fault)
	return errors.Join(faults...)
}

// checkPaths looks at the paths below base_url.
func (set settings) checkPaths(fault func(path, what string)) {
	for _, p := range []struct {
		name, path string
		id         bool // it needs {id}
	}{
		{"detail_path", set.DetailPath, true}, {"sealed_path", set.SealedPath, true}, {"list_path", set.ListPath, false},
		{"webhook_list_path", set.WebhookListPath, false}, {"webhook_create_path", set.WebhookCreatePath, false},
	} {
		switch u, err := url.Parse(p.path); {
		case p.path == "":
		case !strings.HasPrefix(p.path, "/") || strings.HasPrefix(p.path, "//") || err != nil || u.Fragment != "":
			fault(p.name, "is not a path that begins with one /")
		case p.id && !strings.Contains(p.path, "{id}"):
			fault(p.name, "does not say with {id} where the transaction's id goes")
		case !p.id && u.RawQuery != "":
			fault(p.name, "has a query of its own: limit and page are ours")
		}
	}
	if set.WebhookCreatePath != "" && set.WebhookListPath == "" {
		fault("webhook_list_path", "must be set with webhook_create_path: what is there is read before anything is made")
	}
	for i, h := range set.LinkHosts {
		if h == "" || strings.ContainsAny(h, "/:*@ ") {
			fault(fmt.Sprintf("link_hosts[%d]", i), "is not a host or the end of one, such as files.example.com")
		}
	}
}
