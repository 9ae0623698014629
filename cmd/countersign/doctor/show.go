package doctor

import (
	"cmp"
	"context"
	"errors"
	"strings"

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
		return env.Printf("%s does not tell what it calls: look in its dashboard for %s\n", b.Provider,
			cmp.Or(c.CallbackURL(id), "the URL"))
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

func printRegistered(env *engine.Env, r Registration) error {
	for _, x := range append([]Registration{r}, r.Others...) {
		said, state := output.Good, "this is us"
		switch {
		case x.Wanted == "":
			said, state = output.Warn, "public.url is not set"
		case x.URL == "":
			said, state = output.Warn, "no URL is registered"
		case !x.Matches:
			said, state = output.Warn, "not us"
		}
		if x.Disabled {
			said, state = output.Bad, state+", and the provider has turned the calls off"
		}
		state = env.Paint(said, state)
		events := "all, or it does not tell"
		if x.Events != nil {
			events = output.Count(len(x.Events), "type") + ": " + strings.Join(x.Events, " ")
		}
		if err := env.Printf("calls   %s (%s)\nscope   %s\nevents  %s\n", cmp.Or(x.URL, "nothing"), state,
			output.Plain(x.Scope), output.Plain(events)); err != nil {
			return err
		}
		for _, w := range x.Warnings {
			if err := env.Printf("note    %s\n", output.Plain(w)); err != nil {
				return err
			}
		}
	}
	return env.Printf("ours    %s\n", cmp.Or(r.Wanted, "-"))
}
