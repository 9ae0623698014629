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
	// Client goes through the account's transport: budget, retry, breaker, redaction (see Transport).
	Client *http.Client
	// Bare is a client without our budget and credentials, for links to other hosts (file links); it refuses
	// private addresses unless the account allows them.
	Bare *http.Client
	Now  func() time.Time
	Log  *logrus.Entry

	Scope       string   // "all" (default) or "own": whose transactions are listed
	ExternalID  string   // where our own id stands, a dotted path such as metadata.contract_id; ""
	Download    []string // signed, evidence; nil means both, empty none
	IncludeTest bool
}

// Class is the budget class of a call. A provider names it with WithClass.
type Class string

// The classes.
const (
	ClassRead  Class = "read"
	ClassFiles Class = "files"
	ClassTest  Class = "test"
)

// Work is the kind of work that a call belongs to: each is sure of a tenth of the budget.
type Work string

// The kinds of work, in the order in which they take what is left of the budget.
const (
	WorkConfirm  Work = "confirm"
	WorkDownload Work = "download"
	WorkActive   Work = "active"
	WorkIdle     Work = "idle"
	WorkAudit    Work = "audit"
	WorkBackfill Work = "backfill"
	WorkUnknown  Work = "unknown" // refs that nobody has confirmed: at most a tenth
)
