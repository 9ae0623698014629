package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"countersign/model"
	"countersign/model/store"
)

// row is one transaction with all that belongs to it.
type row struct {
	model.Transaction
	history   []model.Change
	callbacks []model.Callback
	documents []model.Document
	gaps      []model.Gap
	progress  []store.Step
}

func showVerb(a *app) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show [ACCOUNT] REF",
		Short: "Show one transaction and all that is known of it",
		Long: `show prints one transaction with its history, signers, callbacks, documents and gaps, and says when the
provider is asked next and why. The account may be left out where only one account has this ref.
A ref that begins with - follows --.`,
		Example: "  countersign show sales 8f3a1c\n  countersign show 8f3a1c --json | jq .history\n  countersign show sales -- -8f3a1c",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.reading(ctx, func(c *Config, s *store.Store) error {
				t, err := findRow(ctx, c, s, args)
				if err != nil {
					return err
				}
				r, err := wholeRow(ctx, s, t)
				if err != nil {
					return err
				}
				if asJSON {
					return a.jsonLines().write(showObject(r))
				}
				return a.showRow(c, r)
			})
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// findRow finds the transaction that [ACCOUNT] REF names.
func findRow(ctx context.Context, c *Config, s *store.Store, args []string) (model.Transaction, error) {
	if len(args) == 2 {
		if err := c.knows(ctx, s, args[0]); err != nil {
			return model.Transaction{}, err
		}
		k := model.Key{Account: args[0], Ref: args[1]}
		t, err := s.Transaction(ctx, k)
		if f, ferr := s.ForgottenOf(ctx, k); errors.Is(err, store.ErrNoRow) && ferr == nil {
			return t, fmt.Errorf("%s/%s was forgotten on %s: only `countersign track` follows it again", k.Account, plain(k.Ref), f.At.UTC().Format(time.DateOnly))
		}
		if errors.Is(err, store.ErrNoRow) || err == nil && t.Hidden {
			return t, fmt.Errorf("no transaction %s in %s: `countersign track %[2]s %[1]s` starts to follow it", quoted(args[1]), args[0])
		}
		return t, err
	}
	all, err := s.FindRef(ctx, args[0])
	switch {
	case err != nil:
		return model.Transaction{}, err
	case len(all) == 0:
		return model.Transaction{}, fmt.Errorf("no transaction %s in any account: `countersign list --search %[1]s` looks further", quoted(args[0]))
	case len(all) > 1:
		var in []string
		for _, t := range all {
			in = append(in, t.Account)
		}
		return model.Transaction{}, usagef("%s is in %s: say which", quoted(args[0]), strings.Join(in, " and "))
	}
	return all[0], nil
}

// quoted shows a ref as it can be typed.
func quoted(ref string) string {
	if plain(ref) != ref || strings.ContainsAny(ref, " \"'") {
		return fmt.Sprintf("%q", ref)
	}
	return ref
}

// wholeRow reads what belongs to a transaction.
func wholeRow(ctx context.Context, s *store.Store, t model.Transaction) (row, error) {
	r := row{Transaction: t}
	var errs [5]error
	r.history, errs[0] = s.ChangesOf(ctx, t.Key())
	errs[1] = eachOf(0, func(size int, cursor string) ([]model.Callback, string, error) {
		return s.Callbacks(ctx, store.CallbackFilter{Account: t.Account, Ref: t.Ref, Limit: size, Cursor: cursor})
	}, func(c model.Callback) error { r.callbacks = append(r.callbacks, c); return nil })
	r.documents, errs[2] = s.Documents(ctx, store.DocumentFilter{Account: t.Account, Ref: t.Ref})
	r.gaps, errs[3] = s.Gaps(ctx, store.GapFilter{Account: t.Account, Ref: t.Ref})
	r.progress, errs[4] = s.Progress(ctx, t.Key())
	return r, errors.Join(errs[:]...)
}

func (a *app) showRow(c *Config, r row) error {
	account, _ := c.account(r.Account)
	if err := a.printf("%s/%s  %s\n\n", r.Account, plain(r.Ref), plain(r.Name)); err != nil {
		return err
	}
	if err := a.print(a.facts(r, account)); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		table table.Writer
	}{
		{"Signers", a.signersTable(r.Signers)},
		{"Documents", a.documentsTable(r.documents)},
		{"History", a.historyTable(r.history)},
		{"Callbacks", a.callbacksTable(r.callbacks, false)},
		{"Gaps", a.gapsTable(r.gaps, false)},
		{"Progress (as browsers told, not checked)", a.progressTable(r.progress)},
	} {
		if part.table.Length() == 0 {
			continue
		}
		if err := a.printf("\n%s\n", part.title); err != nil {
			return err
		}
		if err := a.print(part.table); err != nil {
			return err
		}
	}
	return nil
}

// facts is the head of `show`: what stands in the row itself.
func (a *app) facts(r row, account *Account) table.Writer {
	t := a.table()
	add := func(name, value string) {
		if value != "" {
			t.AppendRow(table.Row{name, value})
		}
	}
	add("status", a.standing(r.Transaction))
	add("", strings.Join(a.flags(r.Transaction), ", "))
	add("reason", plain(r.Reason))
	add("provider", strings.TrimSuffix(r.Provider+" says "+plain(r.ProviderStatus), " says "))
	add("own id", plain(r.ExternalID))
	add("signers", share(r.SignersDone, r.SignersAll))
	add("documents", share(r.DocsStored, r.DocsTotal))
	for _, m := range r.Attention {
		add("attention", a.paint(evil, attentionWords(m.Kind))+" "+a.attentionRest(r.Signers, m))
	}
	for _, at := range []struct {
		name string
		time *time.Time
	}{{"created", r.CreatedAt}, {"sent", r.SentAt}, {"expires", r.ExpiresAt}, {"changed", &r.ChangedAt}, {"confirmed", r.ConfirmedAt}} {
		if at.time != nil && !at.time.IsZero() {
			add(at.name, at.time.UTC().Format("2006-01-02 15:04:05 MST")+" ("+a.ago(at.time)+")")
		}
	}
	add("asked next", a.due(r.Transaction, account))
	add("first seen", originWords(r.Origin)+", "+a.ago(&r.FirstSeenAt))
	return t
}

// attentionRest says who, since when and in which words.
func (a *app) attentionRest(signers []model.Signer, m model.Attention) string {
	who := plain(m.Signer)
	for _, s := range signers {
		if s.Ref == m.Signer && s.Name != "" {
			who = plain(s.Name)
		}
	}
	said := []string{a.ago(&m.Since)}
	for _, s := range []string{who, plain(m.Message)} {
		if s != "" {
			said = append(said, s)
		}
	}
	return "(" + strings.Join(said, ", ") + ")"
}

// originWords says how a row came to be.
func originWords(o model.Origin) string {
	switch o {
	case model.OriginClaim:
		return "in a callback"
	case model.OriginPoll:
		return "in a poll"
	case model.OriginBackfill:
		return "in a backfill"
	case model.OriginTrack:
		return "by `track`"
	case model.OriginHint:
		return "by a browser's hint"
	}
	return plain(string(o))
}

func (a *app) signersTable(list []model.Signer) table.Writer {
	t := a.table("order", "name", "e-mail", "role", "status", "when", "reason")
	for _, s := range list {
		when := s.SignedAt
		if when == nil {
			when = s.ViewedAt
		}
		at := ""
		if when != nil {
			at = a.ago(when)
		}
		t.AppendRow(table.Row{s.Order, plain(s.Name), plain(s.Email), plain(s.Role), string(s.Status), at, short(s.Reason, 60)})
	}
	return t
}

func (a *app) historyTable(list []model.Change) table.Writer {
	t := a.table("seq", "when", "what", "change", "by")
	for _, c := range list {
		change := changeWords(c)
		if c.Kind == model.KindStatus && !c.Confirmed {
			change += " (a callback says)"
		}
		t.AppendRow(table.Row{c.Seq, a.ago(&c.At), string(c.Kind), change, plain(c.Source)})
	}
	return t
}

func (a *app) progressTable(list []store.Step) table.Writer {
	t := a.table("when", "step")
	for _, s := range list {
		t.AppendRow(table.Row{a.ago(&s.At), plain(s.Name)})
	}
	return t
}
