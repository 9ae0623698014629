package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/health"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/output/layout"
	"countersign/model/store"
)

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
				found, err := health.Look(ctx, env, c, s, account)
				if err != nil {
					return err
				}
				h := statusPrinter{found}
				show := h.print
				if asJSON {
					show = h.printJSON
				}
				if err := show(env, c); err != nil {
					return err
				}
				return h.Err()
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "only this `ACCOUNT`")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// statusPrinter shows a report.
type statusPrinter struct{ *health.Report }

// print shows it to people.
func (h statusPrinter) print(env *engine.Env, c *config.Config) error {
	if err := env.Print(h.headTable(env, c)); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		table *layout.Table
	}{
		{"", h.accountsTable(env, c)}, {"Polls see", h.reachTable(env)}, {"Questions that failed", h.faultTable(env)},
		{output.Count(len(h.Problems), "problem"), h.problemTable(env)}, {output.Count(len(h.Open), "open incident"), h.incidentTable(env)},
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
func (h statusPrinter) headTable(env *engine.Env, c *config.Config) *layout.Table {
	t := env.Table()
	t.AppendRow(table.Row{"daemon", h.daemonWords(env)})
	if h.Daemon == health.Running {
		t.AppendRow(table.Row{"ready", h.readyWords(env)})
	}
	t.AppendRow(table.Row{"database", c.DatabaseShown()})
	room := h.Folder + ", not there yet"
	if h.Free >= 0 {
		room = h.Folder + ", " + output.BytesShown(h.Free) + " left"
	}
	if h.Full {
		room = env.Paint(output.Bad, room)
	}
	t.AppendRow(table.Row{"files", room})
	if n := h.Quarantined(); n > 0 {
		t.AppendRow(table.Row{"", env.Paint(output.Warn, fmt.Sprintf("%d in quarantine", n)) + ": `countersign documents list --state quarantined`"})
	}
	return t
}

// daemonWords says whether a daemon holds the database.
func (h statusPrinter) daemonWords(env *engine.Env) string {
	switch {
	case h.Daemon == health.Died:
		return env.Paint(output.Bad, "not running") + fmt.Sprintf(", died: last heard of %s (%s)", env.Ago(&h.Lock.BeatAt), output.Plain(h.Lock.Owner))
	case h.Daemon == health.Stopped:
		return env.Paint(output.Warn, "not running")
	case h.Lock.Since.IsZero():
		return env.Paint(output.Good, "running")
	}
	return env.Paint(output.Good, "running") + fmt.Sprintf(", started %s (%s)", env.Ago(&h.Lock.Since), output.Plain(h.Lock.Owner))
}

func (h statusPrinter) readyWords(env *engine.Env) string {
	why := output.Plain(strings.Join(h.Ready.Why, "; "))
	if why != "" {
		why = ": " + why
	}
	switch {
	case !h.Ready.Known:
		return env.Paint(output.Warn, "not known") + why
	case !h.Ready.Ready:
		return env.Paint(output.Bad, "no") + why
	}
	return env.Paint(output.Good, "yes") + why
}

// accountsTable says how each account does.
func (h statusPrinter) accountsTable(env *engine.Env, c *config.Config) *layout.Table {
	t := env.Table("account", "provider", "last callback", "last good poll", "next poll", "open", "overdue", "told by callbacks", "error budget")
	for _, a := range h.Accounts {
		polled := env.Ago(a.LastPollAt)
		if a.Overdue {
			polled = env.Paint(output.Bad, polled)
		}
		if a.Configured == nil {
			t.AppendRow(table.Row{a.ID, a.Provider, env.Ago(a.LastCallbackAt), polled, "not in the config"})
			continue
		}
		late := strconv.Itoa(a.Late)
		if a.Late > 0 {
			late = env.Paint(output.Warn, late)
		}
		t.AppendRow(table.Row{
			a.ID, a.Provider, env.Ago(a.LastCallbackAt), polled, env.Ago(a.Configured.NextPoll(env.Now())),
			a.OpenRows, late, env.ShareWords(a.Share, float64(c.CallbackObjective)), env.BudgetWords(a.Share, float64(c.CallbackObjective)),
		})
	}
	return t
}

// reachTable says what polls can see of each account.
func (h statusPrinter) reachTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, a := range h.Accounts {
		if r := a.Reaches(env); r != "" {
			t.AppendRow(table.Row{a.ID, output.Plain(r)})
		}
	}
	return t
}

// faultTable says which accounts rest, and why their newest question failed.
func (h statusPrinter) faultTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, a := range h.Accounts {
		rests := h.Rests(a, env.Now())
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
func (h statusPrinter) problemTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, p := range h.Problems {
		since := ""
		if p.Since != nil {
			since = "last " + env.Ago(p.Since)
		}
		t.AppendRow(table.Row{cmp.Or(p.Account, "-"), env.Paint(output.Bad, p.Kind), since, output.Plain(p.Message)})
	}
	return t
}

// incidentTable lists the incidents that are open.
func (h statusPrinter) incidentTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, i := range h.Open {
		t.AppendRow(table.Row{i.Account, env.Paint(output.Bad, strings.ReplaceAll(i.Kind, "_", " ")), "opened " + env.Ago(&i.OpenedAt), output.Plain(i.Message)})
	}
	return t
}
