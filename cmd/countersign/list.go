package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/objects"
)

type listFlags struct {
	account   string
	statuses  []string
	since     config.Span
	external  string
	search    string
	attention bool
	all       bool
	limit     int
	json      bool
}

func newListCommand(env *engine.Env) *cobra.Command {
	f := listFlags{since: config.Span{Now: env.Now}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List transactions, the newest change first",
		Long: `list prints the table, the newest change first. On a terminal it shows the newest 50 and how many more
there are; --all shows them all. Elsewhere, and with --json, it prints every row unless --limit says less.

--search finds the row whose ref or own id the text is, then rows with words that begin so, in any case and without
accents: in name, ref, own id, and signers' names and e-mails. With --all it also looks inside words, row by row.`,
		Example: `  countersign list --status in_progress --changed-since 7d
  countersign list --search "Ana Pop"
  countersign list --json | jq -r 'select(.confirmed) | .ref'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runList(cmd.Context(), env, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	flags.StringArrayVar(&f.statuses, "status", nil, "only this `STATUS` (may be repeated)")
	flags.Var(&f.since, "changed-since", "only what changed since then: 30d, 2w, 720h, a date or a time")
	flags.StringVar(&f.external, "external-id", "", "only rows with this `ID` of your own")
	flags.StringVar(&f.search, "search", "",
		"only rows with words that begin with this `TEXT`'s: name, ref, own id, signers' names and e-mails")
	flags.BoolVar(&f.attention, "attention", false, "only rows that somebody must act on")
	flags.BoolVar(&f.all, "all", false, "on a terminal too, every row; with --search also what stands inside a word")
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

func runList(ctx context.Context, env *engine.Env, f listFlags) error {
	filter, err := f.filter()
	if err != nil {
		return err
	}
	return env.Reading(ctx, func(c *config.Config, s *store.Store) error {
		if err := arguments.KnownAccounts(ctx, c, s, f.account); err != nil {
			return err
		}
		pages := arguments.Pages{Store: s, Filter: filter, All: f.all}
		if f.json {
			return listJSON(ctx, env, pages, f.limit)
		}
		return listTable(ctx, env, pages, f)
	})
}

// filter checks what can be checked without a database.
func (f listFlags) filter() (store.Filter, error) {
	filter := store.Filter{
		Account: f.account, ChangedSince: f.since.At,
		ExternalID: f.external, Search: f.search, Attention: f.attention,
	}
	for _, word := range f.statuses {
		if !model.Status(word).Known() {
			return filter, output.Usagef("--status %q is not one of %s", word, output.Words(model.Statuses()))
		}
		filter.Statuses = append(filter.Statuses, model.Status(word))
	}
	return filter, f.checkLimit()
}

func (f listFlags) checkLimit() error {
	if f.limit < 0 {
		return output.Usagef("--limit %d is below nothing", f.limit)
	}
	return nil
}

func listJSON(ctx context.Context, env *engine.Env, pages arguments.Pages, limit int) error {
	out := env.JSONLines()
	return output.EachOf(limit, pages.Reader(ctx),
		func(t model.Transaction) error { return out.Write(objects.OfTransaction(t)) })
}

func listTable(ctx context.Context, env *engine.Env, pages arguments.Pages, f listFlags) error {
	limit := env.Shown(f.limit, f.all)
	pages.Brief = limit > 0 && f.limit == 0
	t := env.Table("account", "ref", "name", "status", "signers", "documents", "changed", "flags")
	rows := 0
	err := output.EachOf(limit, pages.Reader(ctx), func(r model.Transaction) error {
		rows++
		t.AppendRow([]any{
			r.Account, output.Plain(r.Ref), env.Cell(r.Name, 40), env.StatusWords(r),
			output.Fraction(r.SignersDone, r.SignersAll), output.Fraction(r.DocsStored, r.DocsTotal),
			env.Ago(&r.ChangedAt), strings.Join(env.Flags(r), ", "),
		})
		return nil
	})
	if err != nil {
		return err
	}
	if rows == 0 {
		if f.bare() {
			return env.Tell("cli.list.none")
		}
		return errors.Join(env.Tell("cli.list.none_fit"), pages.TellLooked(env))
	}
	if err := env.Print(t); err != nil || f.limit > 0 || limit == 0 {
		return err
	}
	if f.search != "" && (rows < limit || pages.Last.Looked > 0) {
		return pages.TellLooked(env)
	}
	return printMore(ctx, env, pages, rows)
}

// bare says whether the list is asked for without any condition.
func (f listFlags) bare() bool {
	return f.account == "" && len(f.statuses) == 0 && f.since.At == nil && f.external == "" && f.search == "" &&
		!f.attention
}

// printMore says how many rows are not shown.
func printMore(ctx context.Context, env *engine.Env, pages arguments.Pages, shown int) error {
	n, err := pages.Store.Count(ctx, pages.Filter)
	if err != nil || n <= shown {
		return err
	}
	return env.Printf("\n%s\n", env.CountOf("cli.list.more", n-shown))
}
