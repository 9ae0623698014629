package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/model"
	"countersign/model/store"
)

func callbacksVerb(a *app) *cobra.Command {
	return group("callbacks", "See what came in and what became of it", callbacksListVerb(a), callbacksShowVerb(a), callbacksExplainVerb(a), callbacksReplayVerb(a))
}

type callbacksFlags struct {
	account string
	ref     string
	verdict string
	since   span
	limit   int
	json    bool
	all     bool
}

// verdicts are the words that may be asked for.
func verdicts() []model.Verdict {
	return []model.Verdict{model.Accepted, model.Duplicate, model.Refused, model.NotUnderstood}
}

func callbacksListVerb(a *app) *cobra.Command {
	f := callbacksFlags{since: span{now: a.now}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List callbacks, the newest first",
		Long: `list prints the callbacks that came in, the newest first, with what the door made of each (accepted,
duplicate, refused, not_understood) and what an accepted one did (applied, nothing_new, checking,
ignored, unresolved, test). On a terminal it shows the newest 50; --all shows them all.`,
		Example: "  countersign callbacks list --verdict refused --since 1d\n  countersign callbacks list --account sales --ref 8f3a1c",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			ctx := cmd.Context()
			return a.reading(ctx, func(c *Config, s *store.Store) error { return a.callbacksList(ctx, c, s, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	flags.StringVar(&f.ref, "ref", "", "only callbacks that named this `REF`")
	flags.StringVar(&f.verdict, "verdict", "", "only this `VERDICT`: "+words(verdicts()))
	flags.Var(&f.since, "since", "what came since then: 30d, 2w, 720h, a date or a time")
	flags.BoolVar(&f.all, "all", false, "on a terminal too, all of them")
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

func (f callbacksFlags) check() error {
	switch {
	case f.verdict != "" && !slices.Contains(verdicts(), model.Verdict(f.verdict)):
		return usagef("--verdict %q is not one of %s", f.verdict, words(verdicts()))
	case f.limit < 0:
		return usagef("--limit %d is below nothing", f.limit)
	}
	return nil
}

func (a *app) callbacksList(ctx context.Context, c *Config, s *store.Store, f callbacksFlags) error {
	if err := c.knows(ctx, s, f.account); err != nil {
		return err
	}
	fetch := func(size int, cursor string) ([]model.Callback, string, error) {
		return s.Callbacks(ctx, store.CallbackFilter{
			Account: f.account, Ref: f.ref, Verdict: model.Verdict(f.verdict), Since: f.since.at, Limit: size, Cursor: cursor,
		})
	}
	if f.json {
		out := a.jsonLines()
		return eachOf(f.limit, fetch, func(c model.Callback) error { return out.write(callbackObject(c)) })
	}
	var list []model.Callback
	err := eachOf(a.shown(f.limit, f.all), fetch, func(c model.Callback) error { list = append(list, c); return nil })
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return a.printf("no callbacks\n")
	}
	return a.print(a.callbacksTable(list, true))
}

// callbacksTable lists callbacks; with their rows, where they are not of one row.
func (a *app) callbacksTable(list []model.Callback, rows bool) table.Writer {
	heads := table.Row{"id", "came", "type", "verdict", "outcome", "note"}
	if rows {
		heads = append(table.Row{"id", "account", "ref"}, heads[1:]...)
	}
	t := a.table(heads...)
	for _, c := range list {
		verdict := a.paint(verdictColour(c.Verdict), string(c.Verdict))
		line := table.Row{c.ID, a.ago(&c.At), short(c.Type, 40), verdict, string(c.Outcome), short(c.Note, 60)}
		if rows {
			line = append(table.Row{c.ID, c.Account, short(c.Ref, 60)}, line[1:]...)
		}
		t.AppendRow(line)
	}
	return t
}

func callbacksShowVerb(a *app) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one callback with headers and body",
		Long:    "show prints a callback as it was stored: signing tokens are cut out, a header that is a secret is shown as\nits hash, and of a body that was refused or not understood links and tokens are cut.",
		Example: "  countersign callbacks show c000000000042",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.reading(ctx, func(_ *Config, s *store.Store) error {
				c, err := s.Callback(ctx, args[0])
				if errors.Is(err, store.ErrNoRow) {
					return fmt.Errorf("no callback %s: `countersign callbacks list` shows what there is", quoted(args[0]))
				}
				if errors.Is(err, store.ErrKey) {
					fmt.Fprintln(a.stderr, "the body rests encrypted, and the installation key is not at hand")
					c.Body, err = nil, nil
				}
				if err != nil {
					return err
				}
				if asJSON {
					return a.jsonLines().write(wholeCallbackObject(c))
				}
				return a.showCallback(c)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (a *app) showCallback(c model.Callback) error {
	t := a.table()
	for _, line := range [][2]string{
		{"callback", c.ID}, {"account", c.Account}, {"ref", plain(c.Ref)}, {"type", plain(c.Type)}, {"event", plain(c.EventID)},
		{"came", c.At.UTC().Format("2006-01-02 15:04:05.000 MST") + " (" + a.ago(&c.At) + ") from " + plain(c.RemoteAddr)},
		{"verdict", a.paint(verdictColour(c.Verdict), string(c.Verdict))}, {"outcome", string(c.Outcome)}, {"note", plain(c.Note)},
		{"sha256", c.BodyHash},
	} {
		if line[1] != "" {
			t.AppendRow(table.Row{line[0], line[1]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		t.AppendRow(table.Row{"header", plain(name) + ": " + plain(c.Headers[name])})
	}
	if err := a.print(t); err != nil {
		return err
	}
	body := string(shownBody(c))
	switch {
	case c.Body == nil:
		body = "(no body)"
	case a.terminal:
		body = multiline(body)
	}
	return a.printf("\n%s\n", strings.TrimRight(body, "\n"))
}

// multiline is plain for text of several lines.
func multiline(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = plain(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}
