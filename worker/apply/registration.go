package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/incidents"
)

// registered is the part of an account's registration that the database remembers.
type registered struct {
	provider.Registration
	Lost []string `json:",omitempty"` // event types that were registered once and no longer are
}

// compare returns what a person must know about a registration that differs from the one before, and what to remember
// of it. A changed URL is not remembered: the known one stays on record until an operator acts.
func (was registered) compare(now provider.Registration) (next registered, wrong string) {
	switch {
	case was.URL != "" && now.URL == "":
		return was, "the provider has no callback URL registered any more"
	case was.URL != "" && was.URL != now.URL:
		return was, "the provider calls another URL than before"
	}
	next = registered{Registration: now}
	if now.Events != nil {
		for _, typ := range slices.Concat(was.Events, was.Lost) {
			if !slices.Contains(now.Events, typ) && !slices.Contains(next.Lost, typ) {
				next.Lost = append(next.Lost, typ)
			}
		}
	}
	slices.Sort(next.Lost)
	switch {
	case now.Disabled:
		return next, "the provider has turned the calls to our URL off"
	case len(next.Lost) > 0:
		return next, fmt.Sprintf("the provider no longer tells of %s", strings.Join(next.Lost, " "))
	}
	return next, ""
}

// apps does the same for the further registrations that called our URL before, those of API apps beside the account's
// own. Registrations with other URLs may come and go. A changed one is not remembered either.
func (was registered) apps(now *registered, ours string) (wrong string) {
	for _, o := range was.Others {
		if ours == "" || o.URL != ours {
			continue
		}
		same := func(n provider.Registration) bool { return n.Scope == o.Scope && n.ID == o.ID }
		i := slices.IndexFunc(now.Others, same)
		switch {
		case i < 0:
			now.Others = append(now.Others, o)
			wrong = fmt.Sprintf("the provider has no callback URL registered any more for %s", o.Scope)
		case now.Others[i].URL != ours:
			now.Others[i] = o
			wrong = fmt.Sprintf("the provider calls another URL than before for %s", o.Scope)
		case now.Others[i].Disabled:
			wrong = fmt.Sprintf("the provider has turned the calls to our URL off for %s", o.Scope)
		}
	}
	return wrong
}

// recorded reads the remembered registration; the zero value where none can be read.
func recorded(text string) (r registered) {
	if text == "" || json.Unmarshal([]byte(text), &r) != nil {
		return registered{}
	}
	return r
}

// AuditRegistration compares what the provider calls with what it called before, and opens or closes the incident.
func (tb *Table) AuditRegistration(ctx context.Context, a *Account, reg provider.Registration) error {
	return tb.noteRegistration(ctx, a.ID, func(was registered) (registered, string) {
		next, wrong := was.compare(reg)
		next.Others = slices.Clone(next.Others) // this may run twice
		if of := was.apps(&next, a.CallbackURL); wrong == "" {
			wrong = of
		}
		return next, wrong
	})
}

// Registered records a registration that an operator has made. The next audit compares with it, and an incident about
// the one before is closed.
func (tb *Table) Registered(ctx context.Context, account string, reg provider.Registration) error {
	return tb.noteRegistration(ctx, account, func(registered) (registered, string) {
		return registered{Registration: reg}.compare(reg)
	})
}

// noteRegistration records a registration, and opens or closes the incident about it.
func (tb *Table) noteRegistration(
	ctx context.Context, account string, look func(was registered) (next registered, wrong string),
) error {
	var moved []incidents.Move
	err := tb.store.DoPatiently(ctx, store.Unit{Apply: func(b *store.Batch) error {
		acc, err := b.Account(account)
		if err != nil {
			return err
		}
		next, wrong := look(recorded(acc.Registration))
		text, err := json.Marshal(next)
		if err != nil {
			return err
		}
		if acc.Registration != string(text) {
			acc.Registration = string(text)
			b.PutAccount(acc)
		}
		moved = nil
		if wrong != "" {
			return incidents.Open(b, &moved, account, model.RegistrationChanged, wrong)
		}
		return incidents.Close(b, &moved, account, model.RegistrationChanged)
	}})
	if err == nil {
		tb.incidents.Note(moved)
	}
	return err
}

// events returns the event types that an account's registration is known to name; nil: not known.
func events(registration string) []string { return recorded(registration).Events }
