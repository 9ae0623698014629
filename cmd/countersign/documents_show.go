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

func documentsShowVerb(a *app) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show ACCOUNT REF [DOCUMENT]",
		Short: "Show all that is known of a transaction's documents",
		Long: `show prints each document of a transaction (or the one that is named by its id, the provider's or ours) with
what its signatures say. Three facts: integrity, whether what was signed is unchanged; coverage, whether the
last signature covers the whole file; trust, which is never more than unknown, since no list of trusted
authorities is asked. One word sums them up: intact, altered, unsigned or unknown.`,
		Example: "  countersign documents show sales 8f3a1c\n  countersign documents show sales 8f3a1c doc1 --json",
		Args:    cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.reading(ctx, func(c *Config, s *store.Store) error {
				list, err := documentsNamed(ctx, c, s, args)
				if err != nil {
					return err
				}
				if asJSON {
					out := a.jsonLines()
					for _, d := range list {
						if err := out.write(listedDocumentJSON{d.Account, d.Ref, documentObject(d)}); err != nil {
							return err
						}
					}
					return nil
				}
				return a.showDocuments(list)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// documentsNamed finds the documents that ACCOUNT REF [DOCUMENT] names: at least one.
func documentsNamed(ctx context.Context, c *Config, s *store.Store, args []string) ([]model.Document, error) {
	t, err := findRow(ctx, c, s, args[:2])
	if err != nil {
		return nil, err
	}
	list, err := s.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
	if err != nil {
		return nil, err
	}
	if len(args) == 2 {
		if len(list) == 0 {
			return nil, fmt.Errorf("%s has no documents", t.Key())
		}
		return list, nil
	}
	list = slices.DeleteFunc(list, func(d model.Document) bool { return d.ID != args[2] && d.DocID != args[2] })
	if len(list) == 0 {
		return nil, fmt.Errorf("%s has no document %s: `countersign documents show %s %s` lists them", t.Key(), quoted(args[2]), t.Account, quoted(t.Ref))
	}
	return list, nil
}

func (a *app) showDocuments(list []model.Document) error {
	for i, d := range list {
		if i > 0 {
			if err := a.printf("\n"); err != nil {
				return err
			}
		}
		if err := a.printf("%s  %s\n\n", plain(documentName(d)), plain(d.ID)); err != nil {
			return err
		}
		if err := a.print(a.documentFacts(d)); err != nil {
			return err
		}
		if len(d.Facts.Signatures) == 0 {
			continue
		}
		if err := a.printf("\nSignatures\n"); err != nil {
			return err
		}
		if err := a.print(a.signaturesTable(d.Facts.Signatures)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) documentFacts(d model.Document) table.Writer {
	t := a.table()
	add := func(name, value string) {
		if value != "" {
			t.AppendRow(table.Row{name, value})
		}
	}
	add("kind", string(d.Kind))
	add("state", a.paint(stateColour(d.State), string(d.State)))
	add("reason", plain(d.Reason))
	add("signature", a.signatureWord(d.Facts.Signature))
	add("", plain(d.Facts.Note))
	add("integrity", string(d.Facts.Integrity))
	add("coverage", string(d.Facts.Coverage))
	add("trust", string(d.Facts.Trust))
	add("sha256", d.SHA256)
	if d.StoredAt != nil {
		add("size", bytesShown(d.Size))
		add("stored", d.StoredAt.UTC().Format("2006-01-02 15:04:05 MST")+" ("+a.ago(d.StoredAt)+")")
	}
	add("path", plain(d.Path))
	return t
}

// signatureWord is the word as people see it.
func (a *app) signatureWord(s model.Signature) string {
	if s == model.SignatureAltered {
		return a.paint(evil, string(s))
	}
	return string(s)
}

func (a *app) signaturesTable(list []model.EmbeddedSignature) table.Writer {
	t := a.table("what", "signer", "says it was made", "reason", "integrity", "coverage", "")
	for _, s := range list {
		at := ""
		if s.Time != nil {
			at = s.Time.UTC().Format("2006-01-02 15:04:05 MST")
		}
		t.AppendRow(table.Row{s.Kind, short(s.Signer, 40), at, short(s.Reason, 40), string(s.Integrity), string(s.Coverage), plain(s.Note)})
	}
	return t
}
