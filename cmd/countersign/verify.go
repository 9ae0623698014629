package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/model/store"
	"countersign/worker"
)

type verifyOptions struct {
	accounts []string
	sample   int
	repair   bool
	json     bool
}

// verifyVerb proves the table against the providers.
func verifyVerb(a *app) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare the table with the providers and the files with their hashes",
		Long: `verify asks the provider about each row and re-hashes each stored file. Drift is exit 3, mended or not.
What a provider does not have any more is counted beside drift, never in it. --repair applies the answers and
has altered or missing files fetched anew.`,
		Example: "  countersign verify\n  countersign verify --account sales --sample 200 --json\n  countersign verify --repair",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.sample < 0 {
				return usagef("--sample takes a whole number above 0")
			}
			return a.verify(cmd.Context(), o)
		},
	}
	cmd.Flags().StringSliceVar(&o.accounts, "account", nil, "only this `ACCOUNT` (repeatable)")
	cmd.Flags().IntVar(&o.sample, "sample", 0, "only `N` rows of each account, by chance")
	cmd.Flags().BoolVar(&o.repair, "repair", false, "mend what differs")
	cmd.Flags().BoolVar(&o.json, "json", false, "one object a line")
	return cmd
}

func (o verifyOptions) queue(ctx context.Context, e *engine) ([]store.Run, error) {
	accounts, err := e.chosen(o.accounts)
	if err != nil {
		return nil, err
	}
	var runs []store.Run
	for _, acc := range accounts {
		r, err := e.worker.Queue(ctx, store.Run{Account: acc.ID, Kind: worker.KindVerify, Params: params(worker.Params{Sample: o.sample, Repair: o.repair})}, false)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	return runs, nil
}

func (a *app) verify(ctx context.Context, o verifyOptions) error {
	runs, err := a.working(ctx, a.progress(), o.queue)
	if err != nil {
		return err
	}
	drift, sum, err := verified(runs)
	if err != nil {
		return err
	}
	if o.json {
		enc := json.NewEncoder(a.stdout)
		for _, d := range drift {
			if err := enc.Encode(d); err != nil {
				return err
			}
		}
		if err := enc.Encode(sum); err != nil {
			return err
		}
	} else {
		a.printDrift(drift, sum)
	}
	if err := failures(runs); err != nil {
		return err
	}
	if sum.Drift > 0 {
		return &exitError{code: exitDrift}
	}
	return nil
}

// verified reads the results of verify runs together.
func verified(runs []store.Run) (drift []worker.Drift, sum worker.Verified, err error) {
	for _, r := range runs {
		in := bufio.NewScanner(strings.NewReader(r.Result))
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			var d worker.Drift
			if err := json.Unmarshal(in.Bytes(), &d); err == nil && d.Field != "" {
				drift = append(drift, d)
				continue
			}
			var s worker.Verified // its repaired is a number, where a drift's is true or false
			if err := json.Unmarshal(in.Bytes(), &s); err != nil {
				return nil, sum, fmt.Errorf("result of run %s: %w", r.ID, err)
			}
			sum.Checked, sum.Drift = sum.Checked+s.Checked, sum.Drift+s.Drift
			sum.NotFound, sum.Repaired = sum.NotFound+s.NotFound, sum.Repaired+s.Repaired
		}
		if err := in.Err(); err != nil {
			return nil, sum, errors.Join(errors.New("a result could not be read"), err)
		}
	}
	return drift, sum, nil
}

func (a *app) printDrift(drift []worker.Drift, sum worker.Verified) {
	if len(drift) > 0 {
		t := a.table("ACCOUNT", "REF", "FIELD", "OURS", "THEIRS", "REPAIRED")
		for _, d := range drift {
			t.AppendRow(table.Row{d.Account, plain(d.Ref), d.Field, d.Ours, d.Theirs, map[bool]string{true: "yes"}[d.Repaired]})
		}
		a.print(t)
	}
	fmt.Fprintf(a.stdout, "%d checked, %d drift, %d repaired; %d not found at the provider\n", sum.Checked, sum.Drift, sum.Repaired, sum.NotFound)
}
