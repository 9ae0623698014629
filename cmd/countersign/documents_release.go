package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/worker/documents"
)

func newDocumentsReleaseCommand(env *engine.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "release ACCOUNT REF [DOCUMENT]",
		Short: "Take a file out of quarantine and keep it as it is",
		Long: `release is an operator's word for a file that was set aside: it gets its place among the others, and the row
says that it was released. What its signatures say stays beside it, and the change is announced. Look at the
file first: documents show says what is wrong with it. DOCUMENT, the provider's id or ours, is needed where
more than one is in quarantine. documents retry asks the provider for another file instead.`,
		Example: "  countersign documents show sales 8f3a1c\n  countersign documents release sales 8f3a1c doc1",
		Args:    cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.Writing(cmd.Context(), func(ctx context.Context, w *engine.Writer) error {
				d, err := quarantined(ctx, w, args)
				if err != nil {
					return err
				}
				files, err := w.Documents(ctx)
				if err != nil {
					return err
				}
				if d, err = files.Release(ctx, d, documents.Order{}); err != nil {
					return fmt.Errorf("release %s: %w", output.Plain(output.DocumentName(d)), err)
				}
				return env.Tell("cli.release.stored", "document", output.Plain(output.DocumentName(d)),
					"path", output.Plain(d.Path))
			})
		},
	}
}

// quarantined finds the one document in quarantine that is meant.
func quarantined(ctx context.Context, w *engine.Writer, args []string) (model.Document, error) {
	list, err := documentsNamed(ctx, w.Config, w.Store, args)
	if err != nil {
		return model.Document{}, err
	}
	list = slices.DeleteFunc(list, func(d model.Document) bool { return d.State != model.DocumentQuarantined })
	switch len(list) {
	case 1:
		return list[0], nil
	case 0:
		return model.Document{}, fmt.Errorf("%s/%s: %w", args[0], output.Plain(args[1]), documents.ErrNotQuarantined)
	}
	var ids []string
	for _, d := range list {
		ids = append(ids, output.Plain(output.DocumentName(d))+" is "+d.ID)
	}
	return model.Document{}, output.Usagef("%d documents are in quarantine, name one by its id: %s", len(list),
		strings.Join(ids, ", "))
}
