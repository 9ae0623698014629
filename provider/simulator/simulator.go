// Package simulator plays e-signature services as HTTP servers: a seeded world of transactions
// that live their lives, the callbacks those lives cause, and seeded faults in both.
//
// It is an adversary. It is written from the services' own papers only and imports nothing of
// countersign, so that one misreading does not pass twice.
package simulator

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// The accounts that the simulated services know.
const (
	AccountOneSpan     = "sim-onespan"
	AccountDropboxSign = "sim-dropboxsign"
	AccountAllSign     = "sim-allsign"
	AccountAutosign    = "sim-autosign"
	AccountDocumenso   = "sim-documenso"
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
	// Client carries callbacks out; nil means a transport of its own.
	Client http.RoundTripper
	// Logf hears what happens; nil is silent.
	Logf func(format string, args ...any)
	// BornBefore is how many of the transactions exist when the world starts, spread over the
	// past 60 (sped-up) days.
	BornBefore int
	// Births is the (not yet sped-up) span in which the others are born; 0 means 24 hours.
	Births time.Duration
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
	// KeysOf is a world with whose keys files are sealed, for one that plays many: making keys takes as long as
	// a small world's whole life. Nil: keys of its own.
	KeysOf *World
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
	Settings map[string]any `json:"settings"` // key or token, and what callbacks are proved with, by the names in countersign's config

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

// World is a set of simulated services. One mutex guards it all, and is never held during a callback.
type World struct {
	opts   Options
	client http.RoundTripper
	mux    *http.ServeMux
	desks  []*desk
	keys   *signingKeys
	wake   chan struct{}

	mu      sync.Mutex
	rng     *rand.Rand
	faults  Faults
	epoch   time.Time // when the world's clock was last set to nought
	ran     bool
	stopped bool
	txs     []*transaction
	lives   agenda
	mail    agenda
	flying  int
	waiting int // deliveries that wait for an earlier one of their transaction
	seq     int
	counts  Truth // only the counters
	pending []Event
}

// New makes a world. Its history is in place at once; the rest happens in Run.
func New(o Options) *World {
	o = o.withDefaults()
	w := &World{
		opts: o, client: o.Client, faults: o.Faults, epoch: time.Now(),
		keys: newSigningKeys(), wake: make(chan struct{}, 1),
		rng: rand.New(rand.NewPCG(o.Seed, 0x5eed)),
	}
	if o.KeysOf != nil {
		w.keys = o.KeysOf.keys
	}
	if w.client == nil {
		w.client = &http.Transport{MaxIdleConnsPerHost: parallel, IdleConnTimeout: 30 * time.Second}
	}
	for _, name := range o.Services {
		if open, known := services()[name]; known {
			w.desks = append(w.desks, open(w))
		}
	}
	w.populate()
	w.mux = w.routes()
	w.pending = nil // history is nobody's news
	return w
}

func (o Options) withDefaults() Options {
	if o.Transactions == 0 {
		o.Transactions = 50
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if len(o.Services) == 0 {
		o.Services = []string{"onespan", "dropboxsign"}
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

// Handler serves every service under its base path, and /truth, /faults and /accounts.
func (w *World) Handler() http.Handler { return w.mux }

// Run plays the lives and delivers the callbacks until ctx ends. When all lives have ended it
// keeps delivering. It returns nil, after everything that it started has ended.
func (w *World) Run(ctx context.Context) error {
	var flights sync.WaitGroup
	defer w.hangUp()
	defer flights.Wait()
	w.begin()
	for {
		next, some := w.turn(ctx, &flights)
		var alarm <-chan time.Time
		var timer *time.Timer
		if some {
			timer = time.NewTimer(time.Until(next))
			alarm = timer.C
		}
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-alarm:
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// hangUp closes what the world's own transport still holds open.
func (w *World) hangUp() {
	if own, ok := w.client.(*http.Transport); ok && w.opts.Client == nil {
		own.CloseIdleConnections()
	}
}

// Accounts says what a client's configuration needs, one entry per service.
func (w *World) Accounts() []Account {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Account
	for _, d := range w.desks {
		all = append(all, d.account)
	}
	return all
}

// SetFaults changes what goes wrong from now on. Deliveries that are queued still go out in their time.
func (w *World) SetFaults(f Faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = f
}

// Faults says what goes wrong now.
func (w *World) Faults() Faults {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}

// RotateSecrets gives each account a new secret for its callbacks: from now on they are proved with that one,
// also those that are queued and not signed yet, and Accounts names it. AllSign is left to RotateSecretsAfter.
func (w *World) RotateSecrets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.desks {
		if r, some := d.caller.(rotator); some {
			r.rotate()
		}
	}
}

// FlushDelayed makes every queued delivery due at once, repeats included.
func (w *World) FlushDelayed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, it := range w.mail {
		if it.at.After(now) {
			it.at = now
		}
	}
	w.mail.restore()
	w.nudge()
}

// SetBase says where the world is served, for one that learns it after New. See Options.Base.
func (w *World) SetBase(base string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opts.Base = base
}

// Idle says that all lives have ended, or were stopped, and that no delivery is queued or under way.
func (w *World) Idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return (w.stopped || len(w.lives) == 0) && len(w.mail) == 0 && w.flying == 0 && w.waiting == 0
}

// Stop ends all lives where they are. Deliveries that are queued still go out.
func (w *World) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.nudge()
}
