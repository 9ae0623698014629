package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
)

// overdueAfter is how long a row may be due before it counts as overdue.
const overdueAfter = 5 * time.Minute

func newStatusCommand(env *engine.Env) *cobra.Command {
	var account string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether the daemon runs and how each account does",
		Long: `status says whether a daemon runs and is ready, what room there is for documents, how many wait in quarantine and,
per account, when the last callback and the last good poll were, when the next poll is, how many transactions
are open and how many are overdue (their time to be asked has passed), the share of changes that callbacks told
in the last 30 days, what that leaves of the error budget (what callback_objective allows to be missed), the last
error of its questions and until when it rests, and which incidents are open.
Exit 3 while an incident is open, polls are overdue whoever should have made them, the daemon died or is not ready, or
documents have no room.`,
		Example: "  countersign status || mail -s 'countersign: look' ops@example.com\n  countersign status --account sales --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error {
				if err := knownAccounts(ctx, c, s, account); err != nil {
					return err
				}
				h, err := look(ctx, env, c, s, account)
				if err != nil {
					return err
				}
				show := h.print
				if asJSON {
					show = h.printJSON
				}
				if err := show(env, c); err != nil {
					return err
				}
				return h.err()
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "only this `ACCOUNT`")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// print shows it to people.
func (h *health) print(env *engine.Env, c *config.Config) error {
	if err := env.Print(h.headTable(env, c)); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		table table.Writer
	}{
		{"", h.accountsTable(env, c)}, {"Polls see", h.reachTable(env)}, {"Questions that failed", h.faultTable(env)},
		{output.Count(len(h.problems), "problem"), h.problemTable(env)}, {output.Count(len(h.open), "open incident"), h.incidentTable(env)},
	} {
		if part.table.Length() == 0 {
			continue
		}
		title := "\n"
		if part.title != "" {
			title += part.title + "\n"
		}
		if err := env.Printf("%s", title); err != nil {
			return err
		}
		if err := env.Print(part.table); err != nil {
			return err
		}
	}
	return nil
}

// headTable says how the daemon does and what it needs.
func (h *health) headTable(env *engine.Env, c *config.Config) table.Writer {
	t := env.Table()
	t.AppendRow(table.Row{"daemon", h.daemonWords(env)})
	if h.daemon == daemonRunning {
		t.AppendRow(table.Row{"ready", h.readyWords(env)})
	}
	t.AppendRow(table.Row{"database", c.DatabaseShown()})
	room := h.folder + ", not there yet"
	if h.free >= 0 {
		room = h.folder + ", " + output.BytesShown(h.free) + " left"
	}
	if h.full {
		room = env.Paint(output.Bad, room)
	}
	t.AppendRow(table.Row{"files", room})
	if n := h.quarantined(); n > 0 {
		t.AppendRow(table.Row{"", env.Paint(output.Warn, fmt.Sprintf("%d in quarantine", n)) + ": `countersign documents list --state quarantined`"})
	}
	return t
}

// daemonWords says whether a daemon holds the database.
func (h *health) daemonWords(env *engine.Env) string {
	switch {
	case h.daemon == daemonDied:
		return env.Paint(output.Bad, "not running") + fmt.Sprintf(", died: last heard of %s (%s)", env.Ago(&h.lock.BeatAt), output.Plain(h.lock.Owner))
	case h.daemon == daemonStopped:
		return env.Paint(output.Warn, "not running")
	case h.lock.Since.IsZero():
		return env.Paint(output.Good, "running")
	}
	return env.Paint(output.Good, "running") + fmt.Sprintf(" since %s (%s)", env.Ago(&h.lock.Since), output.Plain(h.lock.Owner))
}

func (h *health) readyWords(env *engine.Env) string {
	why := output.Plain(strings.Join(h.ready.why, "; "))
	if why != "" {
		why = ": " + why
	}
	switch {
	case !h.ready.known:
		return env.Paint(output.Warn, "not known") + why
	case !h.ready.ready:
		return env.Paint(output.Bad, "no") + why
	}
	return env.Paint(output.Good, "yes") + why
}

// accountsTable says how each account does.
func (h *health) accountsTable(env *engine.Env, c *config.Config) table.Writer {
	t := env.Table("account", "provider", "last callback", "last good poll", "next poll", "open", "overdue", "told by callbacks", "error budget")
	for _, a := range h.accounts {
		polled := env.Ago(a.LastPollAt)
		if a.overdue {
			polled = env.Paint(output.Bad, polled)
		}
		if a.configured == nil {
			t.AppendRow(table.Row{a.ID, a.Provider, env.Ago(a.LastCallbackAt), polled, "not in the config"})
			continue
		}
		late := strconv.Itoa(a.late)
		if a.late > 0 {
			late = env.Paint(output.Warn, late)
		}
		t.AppendRow(table.Row{
			a.ID, a.Provider, env.Ago(a.LastCallbackAt), polled, env.Ago(a.configured.NextPoll(env.Now())),
			a.open, late, env.ShareWords(a.share, float64(c.CallbackObjective)), env.BudgetWords(a.share, float64(c.CallbackObjective)),
		})
	}
	return t
}

// reachTable says what polls can see of each account.
func (h *health) reachTable(env *engine.Env) table.Writer {
	t := env.Table()
	for _, a := range h.accounts {
		if r := a.reach(env); r != "" {
			t.AppendRow(table.Row{a.ID, output.Plain(r)})
		}
	}
	return t
}

// faultTable says which accounts rest, and why their newest question failed.
func (h *health) faultTable(env *engine.Env) table.Writer {
	t := env.Table()
	for _, a := range h.accounts {
		rests := h.rests(a, env.Now())
		if a.LastError == "" && rests == nil {
			continue
		}
		words := ""
		if rests != nil {
			words = env.Paint(output.Warn, "rests, asked again "+env.Ago(rests))
		}
		t.AppendRow(table.Row{a.ID, env.Ago(a.LastErrorAt), output.Plain(a.LastError), words})
	}
	return t
}

// problemTable lists what is wrong and stands in no incident.
func (h *health) problemTable(env *engine.Env) table.Writer {
	t := env.Table()
	for _, p := range h.problems {
		since := ""
		if p.since != nil {
			since = "last " + env.Ago(p.since)
		}
		t.AppendRow(table.Row{cmp.Or(p.account, "-"), env.Paint(output.Bad, p.kind), since, output.Plain(p.message)})
	}
	return t
}

// incidentTable lists the incidents that are open.
func (h *health) incidentTable(env *engine.Env) table.Writer {
	t := env.Table()
	for _, i := range h.open {
		t.AppendRow(table.Row{i.Account, env.Paint(output.Bad, strings.ReplaceAll(i.Kind, "_", " ")), "opened " + env.Ago(&i.OpenedAt), output.Plain(i.Message)})
	}
	return t
}
