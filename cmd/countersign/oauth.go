package main

import (
	"context"
	"fmt"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/login"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

func newOauthCommand(env *engine.Env) *cobra.Command {
	return group("oauth", "Log in to a provider with a browser", newOauthLoginCommand(env))
}

func newOauthLoginCommand(env *engine.Env) *cobra.Command {
	var o login.Options
	cmd := &cobra.Command{
		Use:   "login ACCOUNT",
		Short: "Let a person consent, and keep the tokens that come of it",
		Long: `login prints where to go with a browser, takes the code that comes back, turns it into tokens and keeps
them in the database, encrypted. No token is ever printed. A running daemon uses them with its next call.

The code is read from stdin: the code alone, or the whole address that the browser was sent to. With
--listen, it is received on this machine, and only with the state that was sent along. --redirect is the
address to name where the service insists on one that it knows.`,
		Example: "  countersign oauth login la\n  countersign oauth login la --listen 127.0.0.1:8765\n  countersign oauth login la --code 4f1c9e",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.Code != "" && (o.Listen != "" || o.Redirect != ""):
				return output.Usagef("--code goes alone: the code is there already")
			case o.Listen != "" && !values.Loopback(o.Listen):
				return output.Usagef("--listen %s is not on this machine: 127.0.0.1:PORT is", output.Quoted(o.Listen))
			}
			return runLogin(cmd.Context(), env, args[0], o)
		},
	}
	cmd.Flags().StringVar(&o.Code, "code", "", "the `CODE` that came back, from a login that was begun elsewhere")
	cmd.Flags().StringVar(&o.Listen, "listen", "", "receive the code on this machine's `ADDRESS`, 127.0.0.1:PORT")
	cmd.Flags().StringVar(&o.Redirect, "redirect", "",
		"send the browser back to this `URL` (default: what --listen serves)")
	return cmd
}

func runLogin(ctx context.Context, env *engine.Env, id string, o login.Options) error {
	c, err := env.Config()
	if err != nil {
		return err
	}
	acc, ok := c.Account(id)
	if !ok {
		return output.Usagef("account %q is not in the config", id)
	}
	ctx, stop := env.Signals(ctx, logrus.NewEntry(env.Logger(c.Log)))
	defer stop()
	return env.Writing(ctx, func(ctx context.Context, w *engine.Writer) error {
		built, err := w.Provider(c, acc)
		if err != nil {
			return err
		}
		p := built.Login
		if p == nil {
			return output.Usagef("account %s: %s takes no login with a browser", id, acc.Provider)
		}
		code, redirect, err := login.Code(ctx, env, p, o)
		if err != nil {
			return err
		}
		if err := p.Exchange(provider.WithWork(ctx, provider.WorkConfirm), code, redirect); err != nil {
			return fmt.Errorf("account %s: %w", id, provider.Redact(err))
		}
		return env.Tell("cli.login.done", "account", id)
	})
}
