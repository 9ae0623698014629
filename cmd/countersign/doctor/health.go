package doctor

import (
	"context"

	"countersign/cmd/countersign/health"
	"countersign/model/store"
)

// daemon says what the daemon and the polls lack, as `status` does.
func (d *examination) daemon(ctx context.Context, s *store.Store, account string) {
	if s == nil {
		return
	}
	h, err := health.Look(ctx, d.Env, d.config, s, account)
	if err != nil {
		d.say("FAIL", about("database"), "cli.doctor.error", "err", err)
		return
	}
	for _, p := range h.Problems {
		if p.Kind == health.DaemonDied || p.Kind == health.NotReady {
			d.say("FAIL", about("daemon"), "cli.doctor.daemon", "kind", named(p.Kind), "message", p)
		}
	}
	for _, a := range h.Accounts {
		if a.Overdue {
			key := "cli.doctor.polls.start"
			if h.Daemon == health.Running {
				key = "cli.doctor.polls.log"
			}
			d.say("FAIL", of("polls", a.ID), key, "when", ago{a.LastPollAt})
		}
	}
}
