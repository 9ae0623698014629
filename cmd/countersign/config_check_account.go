package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"go.yaml.in/yaml/v3"

	"countersign/model"
	"countersign/provider"
)

var (
	accountID    = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	externalPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

func (r *reader) checkAccount(a *Account, known map[string]provider.Driver) {
	at := a.at
	switch {
	case a.ID == "":
		r.wrong(at+".id", "is missing: it names the account in URLs, rows and logs")
	case !accountID.MatchString(a.ID):
		r.wrong(at+".id", "%s is not an id: lower case letters, digits, - and _, at most 63, a letter or digit first", r.said(at+".id"))
	}
	if a.BaseURL != "" {
		r.checkURL(at+".base_url", a.BaseURL)
	}
	if a.ReturnPage != "" {
		r.checkPage(at+".return_page", a.ReturnPage)
	}
	r.oneOf(at+".scope", a.Scope, "all", "own")
	r.oneOf(at+".confirm", a.Confirm, "final", "all")
	r.oneOf(at+".signatures", a.Signatures, string(model.SignaturesRequired), string(model.SignaturesIfPresent), string(model.SignaturesNone))
	r.oneOf(at+".on_bad_signature", a.OnBadSignature, "quarantine", "keep")
	if a.ExternalID != "" && !externalPath.MatchString(a.ExternalID) {
		r.wrong(at+".external_id", "%s is not a path such as metadata.contract_id", r.said(at+".external_id"))
	}
	if a.Download != nil {
		for i, kind := range *a.Download {
			r.oneOf(fmt.Sprintf("%s.download[%d]", at, i), kind, "signed", "evidence")
		}
	}
	r.checkNetworks(at+".callback_sources", a.CallbackSources)
	r.checkTimes(a)
	r.checkPolling(at+".polling", a.Polling)
	for i, origin := range a.Hints.Origins {
		r.checkOrigin(fmt.Sprintf("%s.hints.origins[%d]", at, i), origin)
	}
	r.checkProvider(a, known)
}

func (r *reader) checkTimes(a *Account) {
	for _, b := range []struct {
		name string
		is   int
	}{{"read", a.Budget.Read}, {"files", a.Budget.Files}, {"test", a.Budget.Test}} {
		if b.is < 0 || b.is > 100_000 {
			r.wrong(a.at+".budget."+b.name, "%d is not a number of requests a minute", b.is)
		}
	}
	if len(a.RecheckAfter) > 10 {
		r.wrong(a.at+".recheck_after", "asks more than ten times")
	}
	for i, d := range a.RecheckAfter {
		if d <= 0 || time.Duration(d) > day {
			r.wrong(fmt.Sprintf("%s.recheck_after[%d]", a.at, i), "%s is not between 1s and 1d", d)
		}
	}
	if time.Duration(a.GapGrace) > day {
		r.wrong(a.at+".gap_grace", "%s is more than a day", a.GapGrace)
	}
}

// checkPage wants a page that people are sent to; it may have a query.
func (r *reader) checkPage(path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		r.wrong(path, "%s is not a page that begins with https:// or http://", r.said(path))
	}
}

func (r *reader) checkOrigin(path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme+"://"+u.Host != text {
		r.wrong(path, "%s is not an origin such as https://www.example.com", r.said(path))
	}
}

// checkProvider builds the account's provider, which reads its settings and says what is wrong with
// them. Nothing is called.
func (r *reader) checkProvider(a *Account, known map[string]provider.Driver) {
	at := a.at + ".provider"
	build, ok := known[a.Provider]
	a.traits = build.Traits
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	switch {
	case a.Provider == "":
		r.wrong(at, "is missing: one of %s", names)
		return
	case !ok:
		r.wrong(at, "%s is not a provider: one of %s", r.said(at), names)
		return
	case r.lacks(a.at + ".settings"):
		return
	}
	_, err := dryBuild(build, a)
	var list *faults
	switch {
	case errors.As(err, &list):
		r.found.all = append(r.found.all, list.all...)
	case err != nil:
		r.note(&a.Settings, a.at+".settings")
		r.settingFaults(a.at+".settings", err)
	}
}

// note remembers where the settings stand, which only their provider can read.
func (r *reader) note(n *yaml.Node, path string) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		at := join(path, n.Content[i].Value)
		r.nodes[at] = n.Content[i]
		r.note(n.Content[i+1], at)
	}
}

// settingFaults tells each fault that a provider finds in its settings. One that begins with its own
// path, settings.KEY:, stands at that path.
func (r *reader) settingFaults(at string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		path, what, found := strings.Cut(line, ": ")
		if key, ok := strings.CutPrefix(path, "settings."); found && ok && !strings.Contains(key, " ") {
			r.wrong(at+"."+key, "%s", what)
		} else {
			r.wrong(at, "%s", line)
		}
	}
}

// dryBuild builds an account's provider, for what it says without calling anybody.
func dryBuild(build provider.Driver, a *Account) (provider.Service, error) {
	o := a.options()
	o.Client, o.Foreign = &http.Client{Transport: offline{}}, &http.Client{Transport: offline{}}
	o.Now = func() time.Time { return time.Time{} }
	o.Log = silent().WithField("account", a.ID)
	return build.New(o)
}

// reach says in words whose transactions polls find; "" where the account's secrets are not at hand.
func (a *Env) reach(account *Account) string {
	build, ok := a.providers[account.Provider]
	if !ok || account.reader.lacks(account.at+".settings") {
		return ""
	}
	p, err := dryBuild(build, account)
	if err != nil {
		return ""
	}
	if p.Lister == nil {
		return "nothing that is new: the provider lists nothing; callbacks and `track` name transactions"
	}
	return p.Lister.Reach()
}

// offline refuses every call.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no calls while a config is read")
}

func silent() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

func (r *reader) checkHook(at string, h Hook, c *Config) {
	r.oneOf(at+".type", h.Type, "http", "command", "nats")
	r.oneOf(at+".wait_for_confirmation", h.Wait, "final", "all")
	switch h.Type {
	case "http":
		r.checkPage(at+".url", h.URL)
		if len(h.Secrets) > 2 {
			r.wrong(at+".secrets", "are more than two: the new one and the old one while they change")
		}
	case "command":
		if len(h.Command) == 0 || h.Command[0] == "" {
			r.wrong(at+".command", "is missing: [program, argument, ...], run without a shell")
		}
	case "nats":
		if u, err := url.Parse(h.URL); err != nil || u.Host == "" {
			r.wrong(at+".url", "is not a URL such as nats://host:4222")
		}
		if h.Subject == "" {
			r.wrong(at+".subject", "is missing")
		}
	}
	if h.Type != "command" && len(h.Command) > 0 {
		r.wrong(at+".command", "belongs to hooks of type command")
	}
	r.checkHookChoice(at, h, c)
}

func (r *reader) checkHookChoice(at string, h Hook, c *Config) {
	for i, s := range h.Statuses {
		if here := fmt.Sprintf("%s.statuses[%d]", at, i); !model.Status(s).Known() || model.Status(s) == model.Unknown {
			r.wrong(here, "%s is not a status that is announced", r.said(here))
		}
	}
	for i, id := range h.Accounts {
		here := fmt.Sprintf("%s.accounts[%d]", at, i)
		if !slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.ID == id }) {
			r.wrong(here, "%s is no account of this config", r.said(here))
		}
	}
	if time.Duration(h.Timeout) <= 0 || time.Duration(h.Timeout) > 5*time.Minute {
		r.wrong(at+".timeout", "%s is not between 1s and 5m", h.Timeout)
	}
	if h.ID != "" && !accountID.MatchString(h.ID) {
		r.wrong(at+".id", "%s is not an id: lower case letters, digits, - and _", r.said(at+".id"))
	}
}
