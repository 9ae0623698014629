package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/durable"
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
			return env.Reading(ctx, func(c *config.Config, s *store.Store) error { return runExport(ctx, env, c, s, args[0], f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "ndjson", "`FORMAT`: csv or ndjson")
	flags.Var(&f.since, "since", "what changed, or was found, since then: 30d, 2w, 720h, a date or a time")
	flags.StringArrayVar(&f.accounts, "account", nil, "only this `ACCOUNT`; may be repeated")
	flags.StringVarP(&f.out, "output", "o", "", "write to this `FILE`")
	return cmd
}

func runExport(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, what string, f exportFlags) error {
	if err := knownAccounts(ctx, c, s, f.accounts...); err != nil {
		return err
	}
	filter := store.ExportFilter{Accounts: f.accounts, Since: f.since.At}
	if f.out == "" || f.out == "-" {
		return exportTo(ctx, env.Stdout, s, what, filter, f.format)
	}
	if err := notOurs(c, f.out); err != nil {
		return err
	}
	return writeWhole(f.out, func(w io.Writer) error { return exportTo(ctx, w, s, what, filter, f.format) })
}

// writeWhole gives a file its name once it is whole and on disk.
func writeWhole(name string, write func(io.Writer) error) error {
	return durable.Write(name, durable.How{Replace: true}, func(f *os.File) error {
		if err := write(f); err != nil {
			return err
		}
		if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no ordinary file", name)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

func exportTo(ctx context.Context, to io.Writer, s *store.Store, what string, f store.ExportFilter, format string) error {
	w := bufio.NewWriterSize(to, 64<<10)
	line := ndjsonLine
	if format == "csv" {
		head, err := s.Columns(ctx, what)
		if err != nil {
			return err
		}
		if err := csvHead(w, head); err != nil {
			return err
		}
		line = csvLine
	}
	if err := s.Export(ctx, what, f, func(columns []string, values []any) error { return line(w, columns, values) }); err != nil {
		return err
	}
	return w.Flush()
}

// ndjsonLine writes an object whose keys are in the order of the columns.
func ndjsonLine(w *bufio.Writer, columns []string, values []any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i, c := range columns {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		v := values[i]
		if t, ok := v.(time.Time); ok {
			v = output.StampOf(t)
		}
		b.WriteByte(sep)
		b.WriteString(strconv.Quote(c))
		b.WriteByte(':')
		if err := e.Encode(v); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the encoder's line end
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

func csvHead(w *bufio.Writer, columns []string) error {
	_, err := w.WriteString(strings.Join(columns, ",") + "\r\n")
	return err
}

// csvLine writes a row. encoding/csv would change line ends within a text.
func csvLine(w *bufio.Writer, _ []string, values []any) error {
	fields := make([]string, len(values))
	for i, v := range values {
		switch x := v.(type) {
		case nil:
		case time.Time:
			fields[i] = x.UTC().Format(output.StampLayout)
		case string:
			fields[i] = csvField(guarded(x))
		case json.RawMessage:
			fields[i] = csvField(string(x))
		default:
			fields[i] = csvField(fmt.Sprint(x))
		}
	}
	_, err := w.WriteString(strings.Join(fields, ",") + "\r\n")
	return err
}

// guarded keeps a spreadsheet from taking a text for a formula. It can be undone: one ' less.
func guarded(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r'", s[0]) >= 0 {
		return "'" + s
	}
	return s
}

func csvField(s string) string {
	if !strings.ContainsAny(s, "\",\r\n") && strings.TrimSpace(s) == s {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
