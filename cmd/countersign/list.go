package main

import (
	"context"
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
there are; --all shows them all. Elsewhere, and with --json, it prints every row unless --limit says less.`,
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
		"only rows with this `TEXT` in name, ref, own id, or a signer's name or e-mail")
	flags.BoolVar(&f.attention, "attention", false, "only rows that somebody must act on")
	flags.BoolVar(&f.all, "all", false, "on a terminal too, every row")
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
		if f.json {
			return listJSON(ctx, env, s, filter, f.limit)
		}
		return listTable(ctx, env, s, filter, f)
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

// rowPages reads the rows that fit, a page at a time.
func rowPages(
	ctx context.Context, s *store.Store, filter store.Filter,
) func(int, string) ([]model.Transaction, string, error) {
	return func(size int, cursor string) ([]model.Transaction, string, error) {
		filter.Limit, filter.Cursor = size, cursor
		return s.Transactions(ctx, filter)
	}
}

func listJSON(ctx context.Context, env *engine.Env, s *store.Store, filter store.Filter, limit int) error {
	out := env.JSONLines()
	return output.EachOf(limit, rowPages(ctx, s, filter),
		func(t model.Transaction) error { return out.Write(objects.OfTransaction(t)) })
}

func listTable(ctx context.Context, env *engine.Env, s *store.Store, filter store.Filter, f listFlags) error {
	limit := env.Shown(f.limit, f.all)
	t := env.Table("account", "ref", "name", "status", "signers", "documents", "changed", "flags")
	rows := 0
	err := output.EachOf(limit, rowPages(ctx, s, filter), func(r model.Transaction) error {
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
		return env.Tell("cli.list.none_fit")
	}
	if err := env.Print(t); err != nil || f.limit > 0 || rows < limit || limit == 0 {
		return err
	}
	return printMore(ctx, env, s, filter, rows)
}

// bare says whether the list is asked for without any condition.
func (f listFlags) bare() bool {
	return f.account == "" && len(f.statuses) == 0 && f.since.At == nil && f.external == "" && f.search == "" &&
		!f.attention
}

// printMore says how many rows are not shown.
func printMore(ctx context.Context, env *engine.Env, s *store.Store, filter store.Filter, shown int) error {
	filter.Limit, filter.Cursor = 0, ""
	n, err := s.Count(ctx, filter)
	if err != nil || n <= shown {
		return err
	}
	return env.Printf("\n%s\n", env.CountOf("cli.list.more", n-shown))
}
