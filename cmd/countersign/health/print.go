package health

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/hooks"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/output/layout"
)

// Print shows a report to people.
func (h *Report) Print(env *engine.Env, c *config.Config) error {
	if err := env.Print(h.headTable(env, c)); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		table *layout.Table
	}{
		{"", h.accountsTable(env, c)}, {"", hooks.Table(env, h.Hooks)}, {env.Say("cli.status.polls_see"), h.reachTable(env)}, {env.Say("cli.status.failed"), h.faultTable(env)},
		{env.CountOf("cli.status.problems", len(h.Problems)), h.problemTable(env)}, {env.CountOf("cli.status.incidents", len(h.Open)),
			h.incidentTable(env)},
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
func (h *Report) headTable(env *engine.Env, c *config.Config) *layout.Table {
	t := env.Table()
	t.AppendRow(table.Row{env.Name("daemon"), h.daemonWords(env)})
	if h.Daemon == Running {
		t.AppendRow(table.Row{env.Name("ready"), h.readyWords(env)})
	}
	for i := 0; len(h.Replicas) > 1 && i < len(h.Replicas); i++ {
		r := h.Replicas[i]
		t.AppendRow(table.Row{"", env.Say("cli.daemon.replica", "owner", output.Plain(r.Owner), "version", output.Plain(r.Version),
			"started", env.Ago(&r.Since), "heard", env.Ago(&r.BeatAt))})
	}
	for _, j := range h.Jobs {
		t.AppendRow(table.Row{"", env.Say("cli.daemon.jobs", "kind", j.Kind, "waiting", j.Waiting, "running", j.Running,
			"retrying", j.Retrying)})
	}
	t.AppendRow(table.Row{env.Name("database"), c.DatabaseShown()})
	room := env.Say("cli.status.no_folder", "folder", h.Folder)
	if h.Free >= 0 {
		room = env.Say("cli.status.room", "folder", h.Folder, "free", env.Bytes(h.Free))
	}
	if h.Full {
		room = env.Paint(output.Bad, room)
	}
	t.AppendRow(table.Row{env.Name("files"), room})
	if n := h.Quarantined(); n > 0 {
		t.AppendRow(table.Row{"", env.Paint(output.Warn, env.Say("cli.status.quarantined", "n", n)) +
			": `countersign documents list --state quarantined`"})
	}
	return t
}

// daemonWords says whether a daemon holds the database.
func (h *Report) daemonWords(env *engine.Env) string {
	running := env.Paint(output.Good, env.Say("cli.daemon.running"))
	switch {
	case h.Daemon == Died:
		return env.Say("cli.daemon.died", "state", env.Paint(output.Bad, env.Say("cli.daemon.not_running")),
			"ago", env.Ago(&h.Lock.BeatAt), "owner", output.Plain(h.Lock.Owner))
	case h.Daemon == Stopped:
		return env.Paint(output.Warn, env.Say("cli.daemon.not_running"))
	case h.Lock.Since.IsZero():
		return running
	}
	return env.Say("cli.daemon.started", "state", running, "ago", env.Ago(&h.Lock.Since),
		"owner", output.Plain(h.Lock.Owner))
}

func (h *Report) readyWords(env *engine.Env) string {
	why := output.Plain(strings.Join(h.Ready.Why, "; "))
	if why != "" {
		why = ": " + why
	}
	switch {
	case !h.Ready.Known:
		return env.Paint(output.Warn, env.Say("cli.not_known")) + why
	case !h.Ready.Ready:
		return env.Paint(output.Bad, env.Say("cli.no")) + why
	}
	return env.Paint(output.Good, env.Say("cli.yes")) + why
}

// accountsTable says how each account does.
func (h *Report) accountsTable(env *engine.Env, c *config.Config) *layout.Table {
	t := env.Table("account", "provider", "last callback", "last good poll", "next poll", "open", "overdue",
		"told by callbacks", "error budget")
	for _, a := range h.Accounts {
		polled := env.Ago(a.LastPollAt)
		if a.Overdue {
			polled = env.Paint(output.Bad, polled)
		}
		if a.Configured == nil {
			t.AppendRow(table.Row{a.ID, a.Provider, env.Ago(a.LastCallbackAt), polled, env.Say("cli.status.taken_out")})
			continue
		}
		late := strconv.Itoa(a.Late)
		if a.Late > 0 {
			late = env.Paint(output.Warn, late)
		}
		t.AppendRow(table.Row{
			a.ID, a.Provider, env.Ago(a.LastCallbackAt), polled, env.Ago(a.Configured.NextPoll(env.Now())),
			a.OpenRows, late, env.ShareWords(a.Share, float64(c.CallbackObjective)), env.BudgetWords(a.Share,
				float64(c.CallbackObjective)),
		})
	}
	return t
}

// reachTable says what polls can see of each account.
func (h *Report) reachTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, a := range h.Accounts {
		if r := a.Reaches(env); r != "" {
			t.AppendRow(table.Row{a.ID, output.Plain(r)})
		}
	}
	return t
}

// faultTable says which accounts rest, and why their newest question failed.
func (h *Report) faultTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, a := range h.Accounts {
		rests := h.Rests(a, env.Now())
		if a.LastError == "" && rests == nil {
			continue
		}
		words := ""
		if rests != nil {
			words = env.Paint(output.Warn, env.Say("cli.status.rests", "when", env.Ago(rests)))
		}
		t.AppendRow(table.Row{a.ID, env.Ago(a.LastErrorAt), output.Plain(a.LastError), words})
	}
	return t
}

// problemTable lists what is wrong and stands in no incident.
func (h *Report) problemTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, p := range h.Problems {
		since := ""
		if p.Since != nil {
			since = env.Say("cli.status.last", "ago", env.Ago(p.Since))
		}
		t.AppendRow(table.Row{cmp.Or(p.Account, "-"), env.Paint(output.Bad, env.Name(p.Kind)), since, p.Words(env.Speech)})
	}
	return t
}

// incidentTable lists the incidents that are open.
func (h *Report) incidentTable(env *engine.Env) *layout.Table {
	t := env.Table()
	for _, i := range h.Open {
		kind := env.Word("incident", i.Kind+".title")
		if kind == i.Kind+".title" {
			kind = strings.ReplaceAll(i.Kind, "_", " ")
		}
		t.AppendRow(table.Row{i.Account, env.Paint(output.Bad, kind),
			env.Say("cli.status.opened", "ago", env.Ago(&i.OpenedAt)), output.Plain(i.Message)})
	}
	return t
}
