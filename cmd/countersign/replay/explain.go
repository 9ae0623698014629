// Package replay judges stored callbacks again, with the config as it is now: to say why one was refused, or to hand it
// in.
package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/callback"
	"countersign/worker/console/acts"
	"countersign/worker/console/objects"
)

// Explained tries a callback with the config as it is now.
func Explained(
	ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, id string,
) (out objects.Explained, err error) {
	was, err := wholeCallback(ctx, s, id)
	if err != nil {
		return out, err
	}
	b, err := env.Named(ctx, s, c, was.Account)
	if err != nil {
		return out, err
	}
	keys, err := env.InstallationKeys(c)
	if err != nil {
		return out, err
	}
	trials := b.Client.Explain(stored(was, keys))
	out = objects.Explained{ID: was.ID, Verdict: string(was.Verdict), Sentence: concluded(was, trials),
		Trials: []objects.Trial{}}
	for _, t := range trials {
		out.Trials = append(out.Trials, objects.Trial(t))
	}
	return out, nil
}

// Explain prints which combinations of secret, header, hash and encoding were tried on a callback, and which match.
func Explain(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, id string, asJSON bool) error {
	said, err := Explained(ctx, env, c, s, id)
	if err != nil {
		return err
	}
	if asJSON {
		out := env.JSONLines()
		for _, t := range said.Trials {
			if err := out.Write(t); err != nil {
				return err
			}
		}
		return nil
	}
	t := env.Table("secret", "header", "hash", "encoding", "over", "match")
	for _, x := range said.Trials {
		match := env.Paint(output.Bad, env.Say("cli.no")) + output.Because(env.Stored(x.Note))
		if x.Match {
			match = env.Paint(output.Good, env.Say("cli.yes")) + output.Because(env.Stored(x.Note))
		}
		t.AppendRow(table.Row{output.Plain(x.Secret), output.Plain(x.Header), cmp.Or(x.Hash, "-"), cmp.Or(x.Encoding, "-"),
			cmp.Or(x.Over, "-"), match})
	}
	if err := env.Print(t); err != nil {
		return err
	}
	return env.Printf("\n%s\n", env.Stored(said.Sentence))
}

// concluded says in a sentence what the trials mean.
func concluded(was model.Callback, trials []provider.Trial) string {
	verdict := fmt.Sprintf("callback %s is %s", was.ID, was.Verdict)
	if was.Note != "" {
		verdict = fmt.Sprintf("callback %s is %s (%s)", was.ID, was.Verdict, output.Plain(was.Note))
	}
	spoilt := ""
	for _, t := range trials {
		switch {
		case t.Match && t.Note == "" && was.Verdict == model.Refused:
			return fmt.Sprintf("%s; %s matches now: `countersign callbacks replay %s` takes it", verdict,
				output.Plain(t.Secret), was.ID)
		case t.Match && t.Note == "":
			return fmt.Sprintf("%s; %s matches", verdict, output.Plain(t.Secret))
		case t.Match && spoilt == "":
			spoilt = fmt.Sprintf("%s; %s would have matched, but: %s", verdict, output.Plain(t.Secret), output.Plain(t.Note))
		}
	}
	if spoilt != "" {
		return spoilt
	}
	return verdict + "; nothing that is configured matches: look up the secret at the provider, put it into settings beside the old one, reload, and replay"
}

// wholeCallback reads a callback with its body.
func wholeCallback(ctx context.Context, s *store.Store, id string) (model.Callback, error) {
	c, err := s.Callback(ctx, id)
	switch {
	case errors.Is(err, store.ErrNoRow):
		return c, fmt.Errorf("no callback %s (%w): `countersign callbacks list` shows what there is", output.Quoted(id), err)
	case err != nil:
		return c, fmt.Errorf("callback %s: %w", id, err)
	case c.Verdict == model.Duplicate:
		return c, gone{Why: fmt.Sprintf("callback %s is a duplicate (%s), and only the first is kept whole", id,
			output.Plain(c.Note))}
	case c.Body == nil:
		return c, gone{Why: fmt.Sprintf("callback %s: its body is gone: retention took it", id)}
	}
	return c, nil
}

// gone is why a callback cannot be judged again.
type gone = acts.Refusal

// stored is a stored callback as a provider may look at it again.
func stored(c model.Callback, keys [][]byte) provider.Callback {
	h := http.Header{}
	for name, value := range c.Headers {
		h.Set(name, value)
	}
	return provider.Callback{
		Account: c.Account, Header: h, Body: c.Body, ReceivedAt: c.At, RemoteAddr: c.RemoteAddr,
		Sealed: func(value string) string {
			for _, key := range keys[1:] { // it may have come before the key was changed
				if s := callback.SealHeader(key, value); slices.Contains(slices.Collect(maps.Values(c.Headers)), s) {
					return s
				}
			}
			return callback.SealHeader(keys[0], value)
		},
	}
}
