package provider

import (
	"net/http"
	"time"

	"github.com/sirupsen/logrus"
)

// Options is what cmd gives to a provider's New, the same for each provider.
type Options struct {
	Account string
	BaseURL string // scheme, host and optional base path, no trailing slash; "" means the provider's production host
	// Settings decodes the account's `settings` from the config into v, strictly. Secrets are resolved.
	Settings func(v any) error
	// Client goes through the account's transport: budget, retry, breaker, redaction.
	Client *http.Client
	// Foreign is a client for other hosts, such as those of file links. It sends no credentials, keeps no budget
	// and refuses private addresses unless the account allows them.
	Foreign *http.Client
	Now     func() time.Time
	Log     *logrus.Entry

	Scope       string   // "all" (default) or "own": whose transactions are listed
	ExternalID  string   // where our own id stands, a dotted path such as metadata.contract_id; ""
	Download    []string // signed, evidence; nil means both, empty none
	IncludeTest bool
}
