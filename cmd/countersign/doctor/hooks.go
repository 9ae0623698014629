package doctor

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/config/hooks"
	"countersign/model/store"
)

// hook says how a hook does, and whether its program can be started. Nothing is sent: `hooks test` does that.
func (d *examination) hook(ctx context.Context, s *store.Store, h *hooks.Hook) {
	what := "hook " + h.ID
	if h.Type == "command" {
		if err := unix.Access(h.Command[0], unix.X_OK); err != nil {
			d.say("FAIL", what, "%s cannot be started: %v", h.Command[0], err)
			return
		}
	}
	if s == nil {
		d.say("ok", what, "it is told what changes once the daemon runs")
		return
	}
	is, err := s.Hook(ctx, h.ID)
	if errors.Is(err, store.ErrNoRow) {
		d.say("ok", what, "it is told what changes once the daemon has seen it")
		return
	}
	b, berr := s.Backlog(ctx, h.ID)
	switch err = errors.Join(err, berr); {
	case err != nil:
		d.say("FAIL", what, "%v", err)
	case is.GoneAt != nil:
		d.say("FAIL", what, "its receiver said 410 Gone %s: put the URL right, or `countersign hooks test %s`", d.Ago(is.GoneAt),
			h.ID)
	case is.FailedAt != nil:
		d.say("warn", what, "attempts fail since %s, %d wait: %s", d.Ago(is.FailedAt), b.Waiting, is.Note)
	case b.Dead > 0:
		d.say("warn", what, "%d were given up: `countersign hooks list %s --state dead`, `hooks replay %s --dead`", b.Dead, h.ID,
			h.ID)
	default:
		d.say("ok", what, "%d sent, %d wait", is.Sent, b.Waiting)
	}
}
