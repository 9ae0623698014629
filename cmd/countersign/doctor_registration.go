package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"countersign/model"
	"countersign/provider"
)

// registration compares what the provider calls with what it should.
func (d *doctor) registration(ctx context.Context, acc built, r provider.Registrar) {
	what := acc.ID + " registration"
	reg, err := r.Registration(ctx)
	if err != nil {
		d.say("FAIL", what, "%v: look at the key's rights at the provider, at base_url and the network", provider.Redact(err))
		return
	}
	o := registrationObject(acc.ID, d.config.CallbackURL(acc.ID), reg)
	ours, matches := reg, o.Matches
	for i, other := range o.Others {
		if other.Matches && !matches {
			ours, matches = reg.Others[i], true
		}
	}
	switch {
	case o.Wanted == "":
		d.say("warn", what, "the provider calls %s; public.url is not set, so nothing says whether that is us", cmp.Or(o.URL, "nobody"))
	case matches && ours.Disabled:
		d.say("FAIL", what, "the provider has turned the calls to %s off: `countersign registration set %s` turns them on", o.Wanted, acc.ID)
	case matches:
		d.say("ok", what, "the provider calls %s", o.Wanted)
		if lacks := unsubscribed(acc.account.Rules, ours.Events); len(lacks) > 0 {
			d.say("warn", what, "the provider does not tell of %s: `countersign registration set %s` registers all that are of use", strings.Join(lacks, " "), acc.ID)
		}
	default:
		d.say("FAIL", what, "the provider calls %s: register %s there", cmp.Or(o.URL, "nobody"), o.Wanted)
	}
	for _, w := range reg.Warnings {
		d.say("warn", what, "%s", w)
	}
}

// unsubscribed are the event types that tell of changes and are not registered; none where all are, or the
// provider does not say.
func unsubscribed(r model.Rules, events []string) (out []string) {
	if events == nil {
		return nil
	}
	for _, tells := range r.Tells {
		for _, types := range tells {
			for _, typ := range types {
				if !slices.Contains(events, typ) && !slices.Contains(out, typ) {
					out = append(out, typ)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
