// Package apply is the only way to a status: what callbacks, answers, hints and operators say becomes rows, history,
// the gap ledger, documents to fetch and incidents, each in one database transaction.
package apply

import (
	"net/netip"
	"slices"
	"time"

	"countersign/model"
	"countersign/provider"
)

// Meter tells how an account's budget and breaker stand. *transport.Transport is one.
type Meter interface {
	PausedUntil(provider.Class) time.Time
	BreakerOpen() bool
	// Try lets a call try a service that rests because it failed.
	Try()
}

// Account is one configured connection, as the listener and the loops see it. It is not changed once given: a reload
// gives another one.
type Account struct {
	ID           string
	ProviderName string
	Generation   *Generation // nil: no reload ever changes the account
	Provider     provider.Service
	Rules        model.Rules // the provider's, with the account's confirm, recheck_after and debounce
	GapGrace     time.Duration
	Budget       map[provider.Class]int
	Meter        Meter // may be nil: no budget
	Download     []model.DocumentKind
	Polling      Schedules
	Signatures   model.Expectation
	KeepBad      bool     // a file whose signatures are not as expected is stored all the same
	Trusted      [][]byte // certificates, as DER, that files are to be sealed with or that stand above those; nil: none
	CallbackURL  string   // what the provider is to call; "" where public.url is not set

	// What follows is for the listener.
	ReturnPage    string
	SecretHeaders []string       // headers that are themselves the secret: stored as an HMAC
	Hints         bool           // POST /hints is open
	Origins       []string       // whose pages may post there: https://www.example.com
	Sources       []netip.Prefix // networks that callbacks may come from; empty: any
}

// Wants reports whether documents of a kind are fetched for the account.
func (a *Account) Wants(k model.DocumentKind) bool { return slices.Contains(a.Download, k) }
