package main

import (
	"context"

	"countersign/model/store"
)

// health says what the daemon and the polls lack, as `status` does.
func (d *doctor) health(ctx context.Context, s *store.Store, account string) {
	if s == nil {
		return
	}
	h, err := look(ctx, d.Env, d.config, s, account)
	if err != nil {
		d.say("FAIL", "database", "%v", err)
		return
	}
	for _, p := range h.problems {
		if p.kind == "daemon died" || p.kind == "not ready" {
			d.say("FAIL", "daemon", "%s: %s", p.kind, p.message)
		}
	}
	for _, a := range h.accounts {
		if a.overdue {
			d.say("FAIL", "polls of "+a.ID, "overdue, the last that ended well was %s: start the daemon, or look in its log why polls fail", d.Ago(a.LastPollAt))
		}
	}
}
