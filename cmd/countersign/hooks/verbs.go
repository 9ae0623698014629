package hooks

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/output/layout"
	"countersign/model/store"
	"countersign/worker/console/objects"
	"countersign/worker/console/rows"
)

// Commands are the verbs.
func Commands(env *engine.Env) []*cobra.Command {
	return []*cobra.Command{listCommand(env), testCommand(env), replayCommand(env)}
}

type listFlags struct {
	states []string
	limit  int
	json   bool
}

func listCommand(env *engine.Env) *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list [HOOK]",
		Short: "Show how each hook does, or what one was sent",
		Long: `list shows each hook with what it was sent, what waits and what was given up. With a HOOK it shows its announcements,
the newest first: what changed, how often it was sent, what the receiver answered and how long that took.`,
		Example: "  countersign hooks list\n  countersign hooks list crm --state dead,waiting",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, state := range f.states {
				if state != "waiting" && state != "sent" && state != "dead" {
					return output.Usagef("--state %q is not waiting, sent or dead", state)
				}
			}
			return env.Reading(cmd.Context(), func(c *config.Config, s *store.Store) error {
				if len(args) == 0 {
					return printHooks(cmd.Context(), env, c, s, f.json)
				}
				return printDeliveries(cmd.Context(), env, s, args[0], f)
			})
		},
	}
	cmd.Flags().StringSliceVar(&f.states, "state", nil, "only announcements in this `STATE`: waiting, sent, dead")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "at most `N` announcements")
	cmd.Flags().BoolVar(&f.json, "json", false, "one JSON object a line")
	return cmd
}

func printHooks(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, asJSON bool) error {
	list, err := List(ctx, c, s)
	if err != nil {
		return err
	}
	if asJSON {
		out := env.JSONLines()
		for _, h := range list {
			if err := out.Write(h); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		return env.Printf("%s\n", env.Say("cli.hooks.none"))
	}
	return env.Print(Table(env, list))
}

// Table shows hooks to people.
func Table(env *engine.Env, list []objects.Hook) *layout.Table {
	t := env.Table("hook", "type", "receiver", "state", "sent", "waiting", "dead", "last sent", "last failure")
	for _, h := range list {
		waiting := strconv.Itoa(h.Waiting)
		if h.Waiting > 0 {
			waiting = env.Say("cli.hooks.waiting", "n", h.Waiting, "when", env.Ago(h.OldestAt.Time()))
		}
		colour, dead := output.Good, strconv.Itoa(h.Dead)
		switch h.State {
		case objects.HookGone:
			colour = output.Bad
		case objects.HookFailing:
			colour = output.Warn
		}
		if h.Dead > 0 {
			dead = env.Paint(output.Bad, dead)
		}
		t.AppendRow([]any{h.ID, h.Type, output.Plain(h.Receiver), env.Paint(colour, env.Name(h.State)), h.Sent, waiting, dead,
			env.Ago(h.LastSentAt.Time()), output.Plain(h.LastAnswer)})
	}
	return t
}

func printDeliveries(ctx context.Context, env *engine.Env, s *store.Store, id string, f listFlags) error {
	list, _, err := s.Deliveries(ctx, store.DeliveryFilter{Hook: id, States: f.states, Limit: f.limit})
	if err != nil {
		return err
	}
	if f.json {
		out := env.JSONLines()
		for _, d := range list {
			if err := out.Write(rows.OfDelivery(d)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		return env.Printf("%s\n", env.Say("cli.hooks.nothing", "hook", output.Quoted(id)))
	}
	t := env.Table("seq", "transaction", "change", "state", "attempts", "took", "next", "answer")
	for _, d := range list {
		took := ""
		if d.Attempts > 0 {
			took = fmt.Sprintf("%d ms", d.LatencyMS)
		}
		next := ""
		if d.NextTryAt != nil {
			next = env.Ago(d.NextTryAt)
		}
		where := d.Account
		if d.Ref != "" {
			where += "/" + output.Plain(d.Ref)
		}
		t.AppendRow([]any{d.Seq, where, string(d.Change.Kind) + ": " + env.ChangeWords(d.Change), string(d.State), d.Attempts,
			took, next, output.Plain(d.Note)})
	}
	return env.Print(t)
}

func testCommand(env *engine.Env) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "test HOOK",
		Short: "Send a hook an event that tells of nothing",
		Long: `test sends HOOK an event of type countersign.test, once, signed as all are, and says what was answered. A hook that the
daemon had stopped because its receiver said 410 Gone, or that rests after failures, goes on if the test is taken.`,
		Example: "  countersign hooks test crm",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Config() // with secrets
			if err != nil {
				return err
			}
			h, ok := c.Hook(args[0])
			if !ok {
				return output.Usagef("%s: %w", args[0], ErrUnknown)
			}
			return env.WritingWith(cmd.Context(), c, func(ctx context.Context, w *engine.Writer) error {
				out, err := Test(ctx, w.Hooks(), w.Store, h, env.Now)
				if err != nil {
					return err
				}
				if asJSON {
					err = env.JSONLines().Write(out)
				} else {
					err = env.Printf("%s: %s, %d ms\n", out.Hook, output.Plain(out.Answer), out.LatencyMS)
				}
				if err == nil && !out.Taken {
					err = &output.ExitError{Code: output.ExitFailed}
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}

func replayCommand(env *engine.Env) *cobra.Command {
	since, o, asJSON := config.Span{Now: env.Now}, Order{}, false
	cmd := &cobra.Command{
		Use:   "replay HOOK",
		Short: "Send announcements again",
		Long: `replay has what HOOK announces of the changes since SPAN sent again, in order and with the ids they had: a receiver that
keeps ids takes none twice. With --dead only what was given up is sent again. Announcements that wait go on waiting. A
hook that was added later is told with --since what changed before. The daemon sends them.`,
		Example: "  countersign hooks replay crm --dead\n  countersign hooks replay crm --since 2d --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if since.At == nil && !o.Dead {
				return output.Usagef("say --since SPAN, --dead, or both")
			}
			if since.At != nil {
				o.Since = *since.At
			}
			c, err := env.Config()
			if err != nil {
				return err
			}
			h, ok := c.Hook(args[0])
			if !ok {
				return output.Usagef("%s: %w", args[0], ErrUnknown)
			}
			return env.WritingWith(cmd.Context(), c, func(ctx context.Context, w *engine.Writer) error {
				one, done, err := w.Hooks().One(h)
				if err != nil {
					return err
				}
				defer done()
				out, err := Replay(ctx, w.Store, one, o)
				if err != nil {
					return err
				}
				if asJSON {
					return env.JSONLines().Write(out)
				}
				said := env.CountOf("cli.hooks.replayed", out.Queued, "hook", out.Hook)
				if o.Dry {
					said = env.CountOf("cli.hooks.would", out.Queued, "hook", out.Hook)
				}
				return env.Printf("%s\n", said)
			})
		},
	}
	cmd.Flags().Var(&since, "since", "changes since `SPAN`: 30d, 2w, 720h, a date or a time")
	cmd.Flags().BoolVar(&o.Dead, "dead", false, "only what was given up")
	cmd.Flags().BoolVar(&o.Dry, "dry-run", false, "only count")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return cmd
}
