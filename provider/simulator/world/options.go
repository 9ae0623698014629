package world

import (
	"net/http"
	"time"

	"countersign/provider/simulator/world/pdf"
)

// Options configures a World. Zero values mean the defaults named at each field.
type Options struct {
	// Seed chooses names, refs, lives and faults.
	Seed uint64
	// Transactions is how many are born in all, over all services; 0 means 50, less than 0 none.
	Transactions int
	// Speed shortens lives: 1 (the default) as in reality, 8640 a day in ten seconds.
	// Every time written is the wall clock's.
	Speed float64
	// Callbacks is the base URL of the listener; callbacks go to it + "/callbacks/" + account id.
	// Empty: none are sent, until a client registers a URL of its own.
	Callbacks string
	// Services names who is played, of Services(); empty means onespan and dropboxsign.
	Services []string
	// Faults is what goes wrong from the start.
	Faults Faults
	// Habits is what the services do at odds with their papers, from the start.
	Habits Habits
	// Client carries callbacks out; nil means a transport of its own.
	Client http.RoundTripper
	// Logf hears what happens; nil is silent.
	Logf func(format string, args ...any)
	// BornBefore is how many of the transactions exist when the world starts, spread over the
	// past 60 (sped-up) days.
	BornBefore int
	// Births is the (not yet sped-up) span in which the others are born; 0 means 24 hours.
	Births time.Duration
	// End is when all lives end where they are, counted from the start of Run and not yet sped up: a step that is planned
	// for later never happens. Then a seed alone says which transactions there are and how they end, on a machine of
	// whatever speed. 0 means that lives go on to their own end, or until Stop.
	End time.Duration
	// Observe is told of each happening, outside all locks; it must not block for long.
	Observe func(Event)
	// QuotaScale multiplies the documented requests a minute; 0 means 1 at Speed 1 or less and 100 above.
	QuotaScale float64
	// TokenLife is how long an access token lives, in wall time; 0 means 30 minutes.
	TokenLife time.Duration
	// ClearCallbackAfter makes Dropbox Sign forget its callback URL after so many deliveries in a row
	// that failed, as two third parties report (10); 0 means never.
	ClearCallbackAfter int
	// DisableCallbackAfter is AllSign's circuit breaker: an endpoint that failed so often in a row is
	// disabled until a client enables it again; 0 means never. The real threshold is not published.
	DisableCallbackAfter int
	// RotateSecretsAfter is when AllSign's account gets a new webhook secret, counted from the start of
	// Run and not yet sped up. For as long again both secrets sign, then only the new one; the account's
	// settings hold both. 0 means never.
	RotateSecretsAfter time.Duration
	// Base is where the world itself is served, such as http://127.0.0.1:8090: links inside callbacks
	// begin with it. Empty: with the address that requests came to. SetBase gives it later.
	Base string
	// KeyLife is how long Documenso's API key is good after the start, in wall time; 0 means for ever.
	KeyLife time.Duration
	// Altered is the share of sealed files of which a page was changed afterwards, the same bytes each time.
	Altered float64
	// Keys are those that files are sealed with, for one that plays many worlds: making keys takes as long as a
	// small world's whole life. Nil: keys of its own.
	Keys *pdf.Keys
}

// Faults is what goes wrong, as shares from 0 to 1.
type Faults struct {
	Drop       float64 `json:"drop"`        // callbacks that are never delivered, no repeat either
	Duplicate  float64 `json:"duplicate"`   // callbacks that come twice, byte for byte
	Reorder    float64 `json:"reorder"`     // callbacks that come after their successor
	Delay      float64 `json:"delay"`       // callbacks that come late
	Forge      float64 `json:"forge"`       // forged callbacks per genuine one
	ErrorRate  float64 `json:"error_rate"`  // API answers that are 5xx, resets, slow, or HTML in place of JSON
	RateLimit  float64 `json:"rate_limit"`  // API answers that are 429
	Stale      float64 `json:"stale"`       // detail answers from a copy that lags
	Shift      float64 `json:"shift"`       // list pages, after the first, whose items moved
	BadFiles   float64 `json:"bad_files"`   // downloads that are cut off, not a PDF, or not there yet
	SameSecond bool    `json:"same_second"` // changes follow each other at once and carry equal times

	Late time.Duration `json:"late"` // the most that a delayed callback is late, not yet sped up; 0 means six hours
	Lag  time.Duration `json:"lag"`  // the most that a stale answer lags, in wall time; 0 means five seconds at most
	Wait time.Duration `json:"wait"` // how long a 429 asks to wait; 0 means a second, or it does not say
}

// Event is one happening, for a screen that shows the world live.
type Event struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // born changed sent refused dropped duplicated delayed reordered forged
	Account string    `json:"account"`
	Ref     string    `json:"ref"`
	Name    string    `json:"name"`
	Type    string    `json:"type"`   // of the change or of the callback
	Detail  string    `json:"detail"` // "from to" of a change
	Answer  int       `json:"answer"` // HTTP status that a callback got
}

// Account is what a client needs to know of a simulated account.
type Account struct {
	ID       string         `json:"id"`
	Provider string         `json:"provider"`
	BasePath string         `json:"base_path"`
	Settings map[string]any `json:"settings"` // by the names in countersign's config: key or token, callback proofs

	AccountID string `json:"account_id"` // the service's own id of the account
	Email     string `json:"email"`

	ClientID          string `json:"client_id"`           // client app (OneSpan) or API app (Dropbox Sign)
	ClientSecret      string `json:"client_secret"`       // OneSpan only
	TokenPath         string `json:"token_path"`          // OAuth token endpoint, below the listener's root
	OAuthClientID     string `json:"oauth_client_id"`     // OneSpan and Autosign
	OAuthClientSecret string `json:"oauth_client_secret"` // OneSpan and Autosign
	ExchangePath      string `json:"exchange_path"`       // Autosign only: where a code becomes tokens
	AuthorizationCode string `json:"authorization_code"`  // Autosign only: what a user's consent gave
	RefreshToken      string `json:"refresh_token"`       // Autosign only
}

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	if o.Transactions == 0 {
		o.Transactions = 50
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Births <= 0 {
		o.Births = 24 * time.Hour
	}
	if o.QuotaScale <= 0 {
		o.QuotaScale = 1
		if o.Speed > 1 {
			o.QuotaScale = 100
		}
	}
	if o.TokenLife <= 0 {
		o.TokenLife = 30 * time.Minute
	}
	return o
}
