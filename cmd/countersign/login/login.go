// Package login gets the code that a service gives a person who logs in with a browser and consents.
package login

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

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/environ"
	"countersign/cmd/countersign/engine/web"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

// longestCode is how many bytes of a pasted code or URL are read.
const longestCode = 16 << 10

// Options says by which way the code comes; at most one of Code and Listen is set.
type Options struct {
	Code, Listen, Redirect string
}

// Code gets the code in the way that was asked for.
func Code(ctx context.Context, env *engine.Env, p provider.Login, o Options) (code, redirect string, err error) {
	if o.Code != "" {
		return o.Code, "", nil
	}
	state := rand.Text()
	if o.Listen == "" {
		if at := p.LoginURL(state, o.Redirect); at != "" {
			err = tellWhere(env, at)
		} else {
			err = env.Tell("cli.login.by_hand")
		}
		if err == nil {
			err = env.Printf("%s ", env.Say("cli.login.paste"))
		}
		if err == nil {
			code, err = pastedCode(ctx, env, state)
		}
		return code, o.Redirect, err
	}
	if p.LoginURL("", "") == "" {
		return "", "", output.Usagef("--listen needs settings.oauth.authorize_url: without it the state cannot be sent along; paste the code instead")
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return "", "", err
	}
	defer l.Close() //nolint:errcheck // the server closed it
	if redirect = o.Redirect; redirect == "" {
		redirect = "http://" + l.Addr().String() + "/"
	}
	if err := tellWhere(env, p.LoginURL(state, redirect)); err != nil {
		return "", "", err
	}
	code, err = receiveCode(ctx, env.Speech, l, state)
	return code, redirect, err
}

// tellWhere says where to go with a browser.
func tellWhere(env *engine.Env, at string) error {
	return env.Printf("%s\n\n  %s\n\n", env.Say("cli.login.open"), at)
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
func receiveCode(ctx context.Context, say output.Speech, l net.Listener, state string) (string, error) {
	type got struct {
		code string
		err  error
	}
	done := make(chan got, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Referrer-Policy", "no-referrer")
			code, err := codeOf(r.URL.Query(), state, true)
			if errors.Is(err, errOtherState) || r.Method != http.MethodGet {
				http.Error(w, say.Say("cli.login.stranger"), http.StatusBadRequest)
				return
			}
			fmt.Fprintln(w, say.Say("cli.login.received"))
			select {
			case done <- got{code, err}:
			default: // the browser asked twice
			}
		})}
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(serving, server, l, 2*time.Second) }()
	defer func() { stop(); <-ended }() //nolint:errcheck // the page was sent, or nobody waits for it
	select {
	case g := <-done:
		return g.code, g.err
	case <-ctx.Done():
		return "", errors.New("stopped before a code came")
	}
}
