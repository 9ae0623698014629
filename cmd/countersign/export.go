package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/export"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
)

type exportFlags struct {
	format, out string
	since       config.Span
	accounts    []string
}

func newExportCommand(env *engine.Env) *cobra.Command {
	f := exportFlags{since: config.Span{Now: env.Now}}
	kinds := strings.Join(store.Exports(), ", ")
	cmd := &cobra.Command{
		Use:   "export WHAT",
		Short: "Write transactions, signers, changes, documents or gaps as CSV or NDJSON",
		Long: `export writes all rows of one kind as they are at one moment, beside a running daemon and whatever their number.
WHAT is one of ` + kinds + `. The columns are those of the v1_ views, which are only added to.

ndjson is one JSON object a line. csv is RFC 4180 with a head line; null is empty. So that no spreadsheet takes what a
stranger wrote for a formula, a text that begins with = + - @, a tab or a carriage return gets a ' in front, and so does one
that begins with ' itself: take one ' away to have it back. Programs read ndjson, where nothing is changed.

With -o the file appears under its name when it is whole, for its owner only; one that is there is replaced, but
none of countersign's own: config, database, keys, documents.`,
		Example: "  countersign export transactions --format csv -o transactions.csv\n  countersign export changes --since 30d --account sales | jq .kind",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case !slices.Contains(store.Exports(), args[0]):
				return output.Usagef("export has no %s: it has %s", output.Quoted(args[0]), kinds)
			case f.format != "csv" && f.format != "ndjson":
				return output.Usagef("--format %q is not csv or ndjson", f.format)
			}
			ctx := cmd.Context()
			return env.Reading(ctx,
				func(c *config.Config, s *store.Store) error { return runExport(ctx, env, c, s, args[0], f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "ndjson", "`FORMAT`: csv or ndjson")
	flags.Var(&f.since, "since", "what changed, or was found, since then: 30d, 2w, 720h, a date or a time")
	flags.StringArrayVar(&f.accounts, "account", nil, "only this `ACCOUNT`; may be repeated")
	flags.StringVarP(&f.out, "output", "o", "", "write to this `FILE`")
	return cmd
}

func runExport(
	ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, what string, f exportFlags,
) error {
	if err := arguments.KnownAccounts(ctx, c, s, f.accounts...); err != nil {
		return err
	}
	filter := store.ExportFilter{Accounts: f.accounts, Since: f.since.At}
	if f.out == "" || f.out == "-" {
		return export.Rows(ctx, env.Stdout, s, what, filter, f.format)
	}
	if err := arguments.NotOurs(c, f.out); err != nil {
		return err
	}
	return export.WriteWhole(f.out, func(w io.Writer) error { return export.Rows(ctx, w, s, what, filter, f.format) })
}
