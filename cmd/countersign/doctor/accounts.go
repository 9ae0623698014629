package doctor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// account asks the provider whose key it is and what it calls.
func (d *examination) account(ctx context.Context, s *store.Store, acc *config.Account) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	around := func(base http.RoundTripper) http.RoundTripper { return d.clock.around(base, d.Proxy(), d.Now) }
	b, err := d.Build(ctx, s, d.config, acc, logrus.NewEntry(config.Silent()), around)
	if err != nil {
		d.say("FAIL", of("account", acc.ID), "cli.doctor.error", "err", err)
		return
	}
	d.trust(acc)
	if ch := b.Client.Checker; ch == nil {
		d.say("ok", of("credentials", acc.ID), "cli.doctor.credentials.untried")
	} else {
		who, err := ch.Check(ctx)
		if err != nil {
			key := "cli.doctor.credentials.failed"
			if errors.Is(err, provider.ErrDenied) {
				key = "cli.doctor.credentials.denied"
			}
			d.say("FAIL", of("credentials", acc.ID), key, "err", provider.Redact(err))
			return
		}
		if s != nil {
			if k, err := s.Account(ctx, acc.ID); err == nil && k.RemoteID != "" && who.ID != "" && k.RemoteID != who.ID {
				d.say("FAIL", of("credentials", acc.ID), "cli.doctor.error", "err", accounts.ErrOtherAccount)
				return
			}
		}
		d.say("ok", of("credentials", acc.ID), "cli.doctor.credentials.good", "who", output.Because(who.Name))
		for _, w := range who.Warnings {
			d.say("warn", of("provider", acc.ID), "cli.doctor.error", "err", w)
		}
	}
	if r := b.Client.Registrar; r != nil {
		d.registration(ctx, b, r)
	}
}

// time compares our clock with the providers'.
func (d *examination) time() {
	d.clock.mu.Lock()
	defer d.clock.mu.Unlock()
	switch {
	case !d.clock.known:
		d.say("warn", about("clock"), "cli.doctor.clock.unknown")
	case d.clock.off.Abs() > 30*time.Second:
		d.say("warn", about("clock"), "cli.doctor.clock.off", "span", d.clock.off.Abs().Round(time.Second).String())
	default:
		d.say("ok", about("clock"), "cli.doctor.clock.good")
	}
}

// dates listens to the Date headers of answers.
type dates struct {
	mu    sync.Mutex
	known bool
	off   time.Duration // the smallest difference seen: answers take their time
}

// around listens on a transport; nil is the ordinary one.
func (c *dates) around(base http.RoundTripper, proxy func(
	*http.Request,
) (*url.URL, error), now func() time.Time) http.RoundTripper {
	if base == nil {
		t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
		t.Proxy, t.ResponseHeaderTimeout = proxy, 30*time.Second
		base = t
	}
	return listening(func(r *http.Request) (*http.Response, error) {
		res, err := base.RoundTrip(r)
		if err != nil {
			return res, err
		}
		if at, perr := http.ParseTime(res.Header.Get("Date")); perr == nil {
			c.mu.Lock()
			if off := now().Sub(at); !c.known || off.Abs() < c.off.Abs() {
				c.known, c.off = true, off
			}
			c.mu.Unlock()
		}
		return res, nil
	})
}

type listening func(*http.Request) (*http.Response, error)

// RoundTrip carries out a request.
func (f listening) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// registration compares what the provider calls with what it should.
func (d *examination) registration(ctx context.Context, acc accounts.Built, r provider.Registrar) {
	what := of("registration", acc.ID)
	reg, err := r.Registration(ctx)
	if err != nil {
		d.say("FAIL", what, "cli.doctor.registration.failed", "err", provider.Redact(err))
		return
	}
	o := NewRegistration(acc.ID, d.config.CallbackURL(acc.ID), reg)
	ours, matches := reg, o.Matches
	for i, other := range o.Others {
		if other.Matches && !matches {
			ours, matches = reg.Others[i], true
		}
	}
	switch {
	case o.Wanted == "":
		d.say("warn", what, "cli.doctor.registration.no_url", "url", said{o.URL, "cli.doctor.nobody"})
	case matches && ours.Disabled:
		d.say("FAIL", what, "cli.doctor.registration.disabled", "url", o.Wanted, "account", acc.ID)
	case matches:
		d.say("ok", what, "cli.doctor.registration.good", "url", o.Wanted)
		if lacks := unsubscribed(acc.Running.Rules, ours.Events); len(lacks) > 0 {
			d.say("warn", what, "cli.doctor.registration.lacks",
				"events", strings.Join(lacks, " "), "account", acc.ID)
		}
	default:
		d.say("FAIL", what, "cli.doctor.registration.other",
			"url", said{o.URL, "cli.doctor.nobody"}, "wanted", o.Wanted)
	}
	for _, w := range reg.Warnings {
		d.say("warn", what, "cli.doctor.error", "err", w)
	}
}

// unsubscribed are the event types that tell of changes and are not registered; none where all are, or the
// provider does not say.
func unsubscribed(r model.Rules, events []string) (out []string) {
	if events == nil {
		return nil
	}
	for _, tells := range r.Tells {
		for _, types := range tells {
			for _, typ := range types {
				if !slices.Contains(events, typ) && !slices.Contains(out, typ) {
					out = append(out, typ)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// Registration is what a provider calls, beside what it should.
type Registration struct {
	Account  string         `json:"account"`
	URL      string         `json:"url"`
	Scope    string         `json:"scope"`
	Events   []string       `json:"events"`
	Wanted   string         `json:"wanted"`
	Matches  bool           `json:"matches"`
	Disabled bool           `json:"disabled"`
	Warnings []string       `json:"warnings"`
	Others   []Registration `json:"others"`
}

// NewRegistration compares what is registered with the URL that is wanted.
func NewRegistration(id, wanted string, reg provider.Registration) Registration {
	out := Registration{
		Account: id, URL: ShownURL(reg.URL), Scope: reg.Scope, Events: reg.Events, Wanted: wanted,
		Matches: wanted != "" && SameURL(reg.URL, wanted), Disabled: reg.Disabled,
		Warnings: append([]string{}, reg.Warnings...), Others: []Registration{},
	}
	for _, o := range reg.Others {
		out.Others = append(out.Others, NewRegistration(id, wanted, o))
	}
	return out
}

// SameURL says whether two URLs are one, but for a slash at the end.
func SameURL(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }

// ShownURL is a registered URL without what may be a secret in it.
func ShownURL(u string) string {
	head, _, cut := strings.Cut(u, "?")
	if cut {
		head += "?…"
	}
	return output.Plain(head)
}
