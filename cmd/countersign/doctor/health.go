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
		d.say("FAIL", "database", "%v", err)
		return
	}
	for _, p := range h.Problems {
		if p.Kind == health.DaemonDied || p.Kind == health.NotReady {
			d.say("FAIL", "daemon", "%s: %s", p.Kind, p.Message)
		}
	}
	for _, a := range h.Accounts {
		if a.Overdue {
			cure := "start the daemon (`countersign serve`)"
			if h.Daemon == health.Running {
				cure = "the daemon's log says why polls fail"
			}
			d.say("FAIL", "polls of "+a.ID, "overdue, the last that ended well was %s: %s", d.Ago(a.LastPollAt), cure)
		}
	}
}
