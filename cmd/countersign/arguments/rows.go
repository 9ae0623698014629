package arguments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
)

// KnownAccounts refuses accounts that neither the config nor the database has heard of.
func KnownAccounts(ctx context.Context, c *config.Config, s *store.Store, ids ...string) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "" })
	if len(ids) == 0 {
		return nil
	}
	var known []string
	for _, a := range c.Accounts {
		known = append(known, a.ID)
	}
	stored, err := s.Accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range stored {
		known = append(known, a.ID)
	}
	slices.Sort(known)
	for _, id := range ids {
		if !slices.Contains(known, id) {
			return output.Usagef("no account %q: there are %s", id, cmp.Or(strings.Join(slices.Compact(known), ", "), "none"))
		}
	}
	return nil
}

// FindRow finds the transaction that [ACCOUNT] REF names.
func FindRow(ctx context.Context, c *config.Config, s *store.Store, args []string) (model.Transaction, error) {
	if len(args) == 2 {
		if err := KnownAccounts(ctx, c, s, args[0]); err != nil {
			return model.Transaction{}, err
		}
		k := model.Key{Account: args[0], Ref: args[1]}
		t, err := s.Transaction(ctx, k)
		if f, ferr := s.ForgottenOf(ctx, k); errors.Is(err, store.ErrNoRow) && ferr == nil {
			return t, fmt.Errorf("%s/%s was forgotten on %s: only `countersign track` follows it again", k.Account,
				output.Plain(k.Ref), f.At.UTC().Format(time.DateOnly))
		}
		if errors.Is(err, store.ErrNoRow) || err == nil && t.Hidden {
			return t, fmt.Errorf("no transaction %s in %s: `countersign track %[2]s %[1]s` starts to follow it",
				output.Quoted(args[1]), args[0])
		}
		return t, err
	}
	all, err := s.FindRef(ctx, args[0])
	switch {
	case err != nil:
		return model.Transaction{}, err
	case len(all) == 0:
		return model.Transaction{},
			fmt.Errorf("no transaction %s in any account: `countersign list --search %[1]s` looks further",
				output.Quoted(args[0]))
	case len(all) > 1:
		var in []string
		for _, t := range all {
			in = append(in, t.Account)
		}
		return model.Transaction{}, output.Usagef("%s is in %s: say which", output.Quoted(args[0]), strings.Join(in, " and "))
	}
	return all[0], nil
}
