// Package tokens says who may use the console.
package tokens

import (
	"context"
	"fmt"
	"time"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/objects"
)

// Add makes a token and prints it, this once.
func Add(
	ctx context.Context, env *engine.Env, s *store.Store, name string, read bool, lasts time.Duration,
) error {
	token, err := access.NewToken()
	if err != nil {
		return err
	}
	t := store.ConsoleToken{Name: name, Hash: access.HashOf(token), Role: string(access.Operate), CreatedAt: env.UTC()}
	if read {
		t.Role = string(access.Read)
	}
	if lasts > 0 {
		at := t.CreatedAt.Add(lasts)
		t.ExpiresAt = &at
	}
	added, err := s.AddConsoleToken(ctx, t)
	if err != nil {
		return err
	}
	if !added {
		return fmt.Errorf("a token %s is there: `countersign token remove %s` takes it away, or choose another name", name,
			name)
	}
	return env.Printf("%s\n", token)
}

// List prints the tokens, none of them itself.
func List(ctx context.Context, env *engine.Env, s *store.Store, asJSON bool) error {
	list, err := s.ConsoleTokens(ctx)
	if err != nil {
		return err
	}
	if !asJSON {
		return show(env, list)
	}
	out := env.JSONLines()
	for _, t := range list {
		o := tokenJSON{t.Name, t.Role, objects.At(t.CreatedAt), objects.Maybe(t.ExpiresAt), t.UsedOn}
		if err := out.Write(o); err != nil {
			return err
		}
	}
	return nil
}

// Remove takes a token away.
func Remove(ctx context.Context, env *engine.Env, s *store.Store, name string) error {
	removed, err := s.RemoveConsoleToken(ctx, name)
	if err == nil && !removed {
		err = fmt.Errorf("no token %s: `countersign token list` shows what there is", output.Quoted(name))
	}
	if err != nil {
		return err
	}
	return env.Tell("cli.token.removed", "name", name)
}

// tokenJSON is what is known of a token.
type tokenJSON struct {
	Name      string        `json:"name"`
	Role      string        `json:"role"`
	CreatedAt objects.Stamp `json:"created_at"`
	ExpiresAt objects.Stamp `json:"expires_at"`
	UsedOn    string        `json:"used_on"`
}

func show(env *engine.Env, list []store.ConsoleToken) error {
	if len(list) == 0 {
		return env.Tell("cli.token.none")
	}
	t := env.Table("name", "may", "made", "expires", "last used")
	for _, one := range list {
		used := one.UsedOn
		if used == "" {
			used = env.Say("cli.never")
		}
		t.AppendRow([]any{one.Name, env.Word("cli.role", one.Role), env.Ago(&one.CreatedAt), expires(env, one), used})
	}
	return env.Print(t)
}

// expires is when a token ends, in words.
func expires(env *engine.Env, t store.ConsoleToken) string {
	if t.ExpiresAt == nil {
		return env.Say("cli.never")
	}
	return env.Ago(t.ExpiresAt)
}
