package doctor

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

// ShowRegistration prints what the provider calls for an account, and whether that is us.
func ShowRegistration(ctx context.Context, env *engine.Env, id string, asJSON bool) error {
	c, err := env.Config()
	if err != nil {
		return err
	}
	s, err := env.OpenStore(ctx, c, true) // tokens that rest there are used
	if err == nil {
		defer s.Close() //nolint:errcheck // only read
	} else if !errors.Is(err, engine.ErrNoDatabase) {
		return err
	}
	b, err := env.Named(ctx, s, c, id)
	if err != nil {
		return err
	}
	r := b.Client.Registrar
	if r == nil {
		return env.Tell("cli.registration.shown.silent", "provider", b.Provider,
			"url", cmp.Or(c.CallbackURL(id), env.Say("cli.registration.shown.the_url")))
	}
	reg, err := r.Registration(ctx)
	if err != nil {
		return provider.Redact(err)
	}
	out := NewRegistration(id, c.CallbackURL(id), reg)
	if asJSON {
		return env.JSONLines().Write(out)
	}
	return printRegistered(env, out)
}

func printRegistered(env *engine.Env, r Registration) (err error) {
	width := 0
	for _, name := range []string{"calls", "scope", "events", "note", "ours"} {
		width = max(width, utf8.RuneCountInString(env.Name(name)))
	}
	add := func(name, value string) {
		err = errors.Join(err, env.Printf("%-*s  %s\n", width, env.Name(name), value))
	}
	for _, x := range append([]Registration{r}, r.Others...) {
		said, state := output.Good, env.Say("cli.registration.shown.ours")
		switch {
		case x.Wanted == "":
			said, state = output.Warn, env.Say("cli.registration.shown.no_url")
		case x.URL == "":
			said, state = output.Warn, env.Say("cli.registration.shown.none")
		case !x.Matches:
			said, state = output.Warn, env.Say("cli.registration.shown.not_us")
		}
		if x.Disabled {
			said, state = output.Bad, env.Say("cli.registration.shown.off", "state", state)
		}
		state = env.Paint(said, state)
		events := env.Say("cli.registration.shown.all")
		if x.Events != nil {
			events = env.CountOf("cli.registration.types", len(x.Events), "events", strings.Join(x.Events, " "))
		}
		add("calls", cmp.Or(x.URL, env.Say("cli.registration.shown.nothing"))+" ("+state+")")
		add("scope", output.Plain(x.Scope))
		add("events", output.Plain(events))
		for _, w := range x.Warnings {
			add("note", output.Plain(w))
		}
	}
	add("ours", cmp.Or(r.Wanted, "-"))
	return err
}
