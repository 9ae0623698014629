package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/model"
	"countersign/model/store"
)

func documentsVerb(a *app) *cobra.Command {
	return group("documents", "List signed documents, look at them, get them, or decide about them",
		documentsListVerb(a), documentsShowVerb(a), documentsGetVerb(a), documentsRetryVerb(a), documentsReleaseVerb(a), documentsVerifyVerb(a))
}

type documentsFlags struct {
	account string
	state   string
	limit   int
	json    bool
	all     bool
}

func documentStates() []model.DocumentState {
	return []model.DocumentState{
		model.DocumentWaiting, model.DocumentStored, model.DocumentQuarantined, model.DocumentUnobtainable, model.DocumentFailed,
	}
}

func documentsListVerb(a *app) *cobra.Command {
	var f documentsFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List documents and how far they have come",
		Long: `list prints signed documents and evidence, the newest first: waiting, stored, quarantined (not what it
claims to be), unobtainable (there is no way to get it), failed. On a terminal it shows the newest 50;
--all shows them all.`,
		Example: "  countersign documents list --state quarantined\n  countersign documents list --account sales --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.state != "" && !slices.Contains(documentStates(), model.DocumentState(f.state)):
				return usagef("--state %q is not one of %s", f.state, words(documentStates()))
			case f.limit < 0:
				return usagef("--limit %d is below nothing", f.limit)
			}
			ctx := cmd.Context()
			return a.reading(ctx, func(c *Config, s *store.Store) error { return a.documentsList(ctx, c, s, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	flags.StringVar(&f.state, "state", "", "only this `STATE`: "+words(documentStates()))
	flags.BoolVar(&f.all, "all", false, "on a terminal too, all of them")
	limitFlag(cmd, &f.limit)
	jsonFlag(cmd, &f.json)
	return cmd
}

func (a *app) documentsList(ctx context.Context, c *Config, s *store.Store, f documentsFlags) error {
	if err := c.knows(ctx, s, f.account); err != nil {
		return err
	}
	fetch := func(size int, cursor string) ([]model.Document, string, error) {
		list, err := s.Documents(ctx, store.DocumentFilter{
			Account: f.account, State: model.DocumentState(f.state), Limit: size, Before: cursor,
		})
		if len(list) < size {
			return list, "", err
		}
		return list, list[size-1].ID, err
	}
	if f.json {
		out := a.jsonLines()
		return eachOf(f.limit, fetch, func(d model.Document) error {
			return out.write(listedDocumentJSON{d.Account, d.Ref, documentObject(d)})
		})
	}
	t := a.table("account", "ref", "kind", "name", "state", "signature", "size", "stored", "")
	err := eachOf(a.shown(f.limit, f.all), fetch, func(d model.Document) error {
		t.AppendRow(append(append(table.Row{d.Account, short(d.Ref, 60)}, a.documentCells(d)...), short(d.Reason, 60)))
		return nil
	})
	if err != nil {
		return err
	}
	if t.Length() == 0 {
		return a.printf("no documents\n")
	}
	return a.print(t)
}

// documentsTable lists the documents of one row.
func (a *app) documentsTable(list []model.Document) table.Writer {
	t := a.table("kind", "name", "state", "signature", "size", "stored", "")
	for _, d := range list {
		t.AppendRow(append(a.documentCells(d), plain(or(d.Reason, d.Path))))
	}
	return t
}

// documentCells is what is shown of a document everywhere.
func (a *app) documentCells(d model.Document) table.Row {
	stored, size := "", ""
	if d.StoredAt != nil {
		stored, size = a.ago(d.StoredAt), bytesShown(d.Size)
	}
	return table.Row{string(d.Kind), short(documentName(d), 40), a.paint(stateColour(d.State), string(d.State)), a.signatureWord(d.Facts.Signature), size, stored}
}

// documentName is the provider's name, with the version where there are more.
func documentName(d model.Document) string {
	name := or(d.Name, d.DocID)
	if d.Version > 1 {
		name += fmt.Sprintf(" (v%d)", d.Version)
	}
	return name
}
