package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

func newTrackCommand(env *engine.Env) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "track ACCOUNT [REF...]",
		Short: "Follow transactions that no list would show",
		Long: `track starts to follow transactions by their ref: those of a provider that lists nothing, those of a
sender whom the key does not see, those of before. A ref that is followed already is asked about again, one that
was forgotten is followed anew.
The daemon, or the next poll, asks the provider at once.

--file takes one ref a line, or CSV with a column ref; blank lines and lines that begin with # are
skipped; - is stdin. Where the CSV has a column account too, rows of other accounts are left out.`,
		Example: "  countersign track sales 8f3a1c 9b2d\n  countersign track hr --file refs.csv\n  cut -f1 refs.tsv | countersign track hr --file -",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && file == "" {
				return output.Usagef("nothing to track: name refs, or --file")
			}
			refs, err := refsOf(env, args[0], file, args[1:])
			if err != nil {
				return err
			}
			return env.Writing(cmd.Context(), func(ctx context.Context, w *engine.Writer) error { return runTrack(ctx, env, w, args[0], refs) })
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "refs from this `FILE`, one a line or CSV with a column ref; - is stdin")
	return cmd
}

func runTrack(ctx context.Context, env *engine.Env, w *engine.Writer, account string, refs []string) error {
	acc, ok := w.Config.Account(account)
	if !ok {
		var ids []string
		for _, x := range w.Config.Accounts {
			ids = append(ids, x.ID)
		}
		return output.Usagef("account %q is not in the config: it has %s", account, cmp.Or(strings.Join(ids, ", "), "none"))
	}
	if err := w.Remember(ctx); err != nil {
		return err
	}
	n, err := w.Worker.Table.Track(ctx, acc.ID, acc.Provider, refs)
	if err != nil {
		return err
	}
	return env.Printf("%s: %s new, %d followed already\n", acc.ID, output.Count(n, "ref"), len(refs)-n)
}

// refsOf gathers an account's refs from the command line and a file, each once. All faults are told at once.
func refsOf(env *engine.Env, account, file string, refs []string) ([]string, error) {
	var all []string
	var errs []error
	take := func(where, ref string) {
		if fault := refFault(ref); fault != "" {
			errs = append(errs, fmt.Errorf("%s%s", where, fault))
		} else if !slices.Contains(all[:min(len(all), 1000)], ref) {
			all = append(all, ref)
		}
	}
	for _, ref := range refs {
		take("", ref)
	}
	if file != "" {
		in, name := env.Stdin, "stdin"
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return nil, output.Usagef("%w", err)
			}
			defer f.Close() //nolint:errcheck // only read
			in, name = f, file
		}
		if err := readRefs(in, account, func(line int, ref string) { take(fmt.Sprintf("%s:%d: ", name, line), ref) }); err != nil {
			return nil, output.Usagef("%s: %w", name, err)
		}
	}
	if len(errs) > 0 {
		return nil, &output.ExitError{Code: output.ExitUsage, Err: errors.Join(errs[:min(len(errs), 20)]...)}
	}
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(ref string) bool { was := seen[ref]; seen[ref] = true; return was })
	if len(all) == 0 {
		return nil, output.Usagef("%s holds no refs of %s", file, account)
	}
	return all, nil
}

// readRefs reads one ref a line; where the first line has a comma or is the word ref, it is CSV whose column ref counts.
func readRefs(in io.Reader, account string, take func(line int, ref string)) error {
	text := bufio.NewReader(in)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		text.Discard(3) //nolint:errcheck // they were just seen
	}
	skipped, first := 0, ""
	for {
		line, err := text.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		skipped++
		first = strings.TrimSpace(line)
		if first != "" && first[0] != '#' {
			break
		}
		if err != nil {
			return nil
		}
	}
	column, whose := -1, -1
	if head, err := csv.NewReader(strings.NewReader(first)).Read(); err == nil {
		named := func(name string) int {
			return slices.IndexFunc(head, func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), name) })
		}
		column, whose = named("ref"), named("account")
		if column < 0 && len(head) > 1 {
			return fmt.Errorf("line %d: CSV without a column ref", skipped)
		}
	}
	if column >= 0 {
		return readCSV(text, column, func(line int, row []string, ref string) {
			if whose < 0 || whose >= len(row) || strings.TrimSpace(row[whose]) == account {
				take(skipped+line, ref)
			}
		}, skipped)
	}
	take(skipped, first)
	s := bufio.NewScanner(text)
	s.Buffer(nil, 1<<20)
	for n := skipped + 1; s.Scan(); n++ {
		if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' {
			take(n, line)
		}
	}
	return s.Err()
}

// readCSV reads the rows below a header; ref is what stands in the column.
func readCSV(in io.Reader, column int, take func(line int, row []string, ref string), skipped int) error {
	r := csv.NewReader(in)
	r.Comment, r.FieldsPerRecord = '#', -1
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("CSV, counted from line %d: %w", skipped+1, err)
		}
		line, _ := r.FieldPos(0)
		ref := ""
		if column < len(row) {
			ref = strings.TrimSpace(row[column])
		}
		take(line, row, ref)
	}
}

// refFault says why something can be no ref; "" where it can.
func refFault(ref string) string {
	switch {
	case ref == "":
		return "a ref is empty"
	case len(ref) > provider.MaxRef:
		return fmt.Sprintf("a ref of %d bytes is too long", len(ref))
	case !provider.IsRef(ref) || output.Plain(ref) != ref || strings.ContainsAny(ref, " \t/\\?#"):
		return fmt.Sprintf("%s is no ref: it has blanks, slashes or control characters", output.Quoted(ref))
	}
	return ""
}
