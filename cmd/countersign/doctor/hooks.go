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
	what := of("hook", h.ID)
	if h.Type == "command" {
		if err := unix.Access(h.Command[0], unix.X_OK); err != nil {
			d.say("FAIL", what, "cli.doctor.hook.program", "program", h.Command[0], "err", err)
			return
		}
	}
	if s == nil {
		d.say("ok", what, "cli.doctor.hook.new")
		return
	}
	is, err := s.Hook(ctx, h.ID)
	if errors.Is(err, store.ErrNoRow) {
		d.say("ok", what, "cli.doctor.hook.new")
		return
	}
	b, berr := s.Backlog(ctx, h.ID)
	switch err = errors.Join(err, berr); {
	case err != nil:
		d.say("FAIL", what, "cli.doctor.error", "err", err)
	case is.GoneAt != nil:
		d.say("FAIL", what, "cli.doctor.hook.gone", "when", ago{is.GoneAt}, "hook", h.ID)
	case is.FailedAt != nil:
		d.say("warn", what, "cli.doctor.hook.failing", "when", ago{is.FailedAt}, "n", b.Waiting, "answer", is.Note)
	case b.Dead > 0:
		d.say("warn", what, "cli.doctor.hook.dead", "n", b.Dead, "hook", h.ID)
	default:
		d.say("ok", what, "cli.doctor.hook.good", "sent", is.Sent, "n", b.Waiting)
	}
}
