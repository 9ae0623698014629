package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/environ"
	"countersign/cmd/countersign/engine/web"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

// longestCode is how many bytes of a pasted code or URL are read.
const longestCode = 16 << 10

func newOauthCommand(env *engine.Env) *cobra.Command {
	return group("oauth", "Log in to a provider with a browser", newOauthLoginCommand(env))
}

type oauthOptions struct {
	code, listen, redirect string
}

func newOauthLoginCommand(env *engine.Env) *cobra.Command {
	var o oauthOptions
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
			case o.code != "" && (o.listen != "" || o.redirect != ""):
				return output.Usagef("--code goes alone: the code is there already")
			case o.listen != "" && !values.Loopback(o.listen):
				return output.Usagef("--listen %s is not on this machine: 127.0.0.1:PORT is", output.Quoted(o.listen))
			}
			return runLogin(cmd.Context(), env, args[0], o)
		},
	}
	cmd.Flags().StringVar(&o.code, "code", "", "the `CODE` that came back, from a login that was begun elsewhere")
	cmd.Flags().StringVar(&o.listen, "listen", "", "receive the code on this machine's `ADDRESS`, 127.0.0.1:PORT")
	cmd.Flags().StringVar(&o.redirect, "redirect", "", "send the browser back to this `URL` (default: what --listen serves)")
	return cmd
}

func runLogin(ctx context.Context, env *engine.Env, id string, o oauthOptions) error {
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
		code, redirect, err := loginCode(ctx, env, p, o)
		if err != nil {
			return err
		}
		if err := p.Exchange(provider.WithWork(ctx, provider.WorkConfirm), code, redirect); err != nil {
			return fmt.Errorf("account %s: %w", id, provider.Redact(err))
		}
		return env.Printf("%s: logged in; the tokens are kept, encrypted, in the database\n", id)
	})
}

// loginCode gets the code in the way that was asked for.
func loginCode(ctx context.Context, env *engine.Env, p provider.Login, o oauthOptions) (code, redirect string, err error) {
	if o.code != "" {
		return o.code, "", nil
	}
	state := rand.Text()
	if o.listen == "" {
		if at := p.LoginURL(state, o.redirect); at != "" {
			err = env.Printf("Open this address, log in and consent:\n\n  %s\n\n", at)
		} else {
			err = env.Printf("The address to consent at is not configured (settings.oauth.authorize_url): open it by hand.\n")
		}
		if err == nil {
			err = env.Printf("Then paste the code, or the whole address that the browser ends at: ")
		}
		if err == nil {
			code, err = pastedCode(ctx, env, state)
		}
		return code, o.redirect, err
	}
	if p.LoginURL("", "") == "" {
		return "", "", output.Usagef("--listen needs settings.oauth.authorize_url: without it the state cannot be sent along; paste the code instead")
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return "", "", err
	}
	defer l.Close() //nolint:errcheck // the server closed it
	if redirect = o.redirect; redirect == "" {
		redirect = "http://" + l.Addr().String() + "/"
	}
	if err := env.Printf("Open this address, log in and consent:\n\n  %s\n\n", p.LoginURL(state, redirect)); err != nil {
		return "", "", err
	}
	code, err = receiveCode(ctx, l, state)
	return code, redirect, err
}

// pastedCode reads a line from stdin: a code, or the address that holds it.
func pastedCode(ctx context.Context, env *engine.Env, state string) (string, error) {
	in := bufio.NewScanner(env.Input(ctx))
	in.Buffer(nil, longestCode)
	for in.Scan() {
		if line := strings.TrimSpace(in.Text()); line != "" {
			return codeIn(line, state)
		}
	}
	if errors.Is(in.Err(), environ.ErrInterrupted) {
		return "", errors.New("stopped before a code came")
	}
	return "", errors.Join(in.Err(), output.Usagef("no code came on stdin"))
}

// codeIn finds the code in what was pasted. A state that is not ours belongs to another login.
func codeIn(line, state string) (string, error) {
	if !strings.Contains(line, "?") {
		return line, nil
	}
	u, err := url.Parse(line)
	if err != nil {
		return "", output.Usagef("that is no address that can be read")
	}
	return codeOf(u.Query(), state, false)
}

var errOtherState = errors.New("the state is not that of this login: begin again")

// codeOf is the code in an address. The state must be ours where it is insisted on or given.
func codeOf(q url.Values, state string, insist bool) (string, error) {
	given := q.Get("state")
	switch {
	case (insist || given != "") && subtle.ConstantTimeCompare([]byte(given), []byte(state)) != 1:
		return "", errOtherState
	case q.Get("error") != "":
		return "", fmt.Errorf("the service refused: %s", output.Plain(q.Get("error")))
	case q.Get("code") == "":
		return "", errors.New("the address holds no code")
	}
	return q.Get("code"), nil
}

// receiveCode serves the redirect until a request brings our state. Others are told off and change nothing.
func receiveCode(ctx context.Context, l net.Listener, state string) (string, error) {
	type got struct {
		code string
		err  error
	}
	done := make(chan got, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		code, err := codeOf(r.URL.Query(), state, true)
		if errors.Is(err, errOtherState) || r.Method != http.MethodGet {
			http.Error(w, "This is not the login that was begun here.", http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "countersign has what it needs: this page may be closed.")
		select {
		case done <- got{code, err}:
		default: // the browser asked twice
		}
	})}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(serving, server, l, 2*time.Second) }()
	defer func() { stop(); <-ended }() // the page was sent, or nobody waits for it
	select {
	case g := <-done:
		return g.code, g.err
	case <-ctx.Done():
		return "", errors.New("stopped before a code came")
	}
}
