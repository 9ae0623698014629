package config

import (
	"reflect"

	"countersign/cmd/countersign/config/tree"
	"countersign/provider"
)

// SameCalls says whether an account's calls stay as they are under another reading of it: same service, credentials and
// limits. What only says when to ask, whom to let in and what to make of files does not count.
func (a *Account) SameCalls(o *Account) bool {
	return a.SameSettings(o) && reflect.DeepEqual(a.calls(), o.calls())
}

// SameSettings says whether an account has the settings, and so the credentials, of another reading of it.
func (a *Account) SameSettings(o *Account) bool { return tree.Same(a.Settings.node, o.Settings.node) }

// Server says which service an account asks.
func (a *Account) Server() string { return a.Provider + " " + a.BaseURL }

// calls is the account without its settings, and without what its calls do not depend on. What is not named here counts.
func (a *Account) calls() Account {
	c := *a
	c.Settings, c.at, c.traits = Settings{}, "", provider.Traits{}
	c.Confirm, c.RecheckAfter, c.GapGrace, c.Polling = "", nil, 0, Polling{}
	c.CallbackSources, c.ReturnPage, c.Hints = nil, "", Hints{}
	c.Signatures, c.OnBadSignature = "", ""
	return c
}
